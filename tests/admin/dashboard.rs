//! The pages for people, as the whole router serves them: with or without a dashboard in this build.

use crate::installation::{Answer, Installation};

async fn open(path: &str) -> Answer {
    let installation = Installation::new().await;
    installation.send("GET", path, None, "").await
}

#[tokio::test]
async fn the_pages_need_no_key_and_may_not_be_framed() {
    let moved = open("/dashboard").await;
    assert_eq!(moved.status, 308);
    assert_eq!(moved.headers["location"], "dashboard/");
    let page = open("/dashboard/").await;
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    assert!(!page.text.contains("__CSP_NONCE__"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn nothing_outside_of_the_pages_is_sent() {
    for path in [
        "/dashboard/assets/no-such.js",
        "/dashboard/..%2f..%2fetc%2fpasswd",
        "/dashboard/assets/%2e%2e/%2e%2e/Cargo.toml",
    ] {
        assert_eq!(open(path).await.status, 404, "{path}");
    }
}
