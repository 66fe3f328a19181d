//! How the pages are served, with files of their own.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::middleware::map_response;
use tower::ServiceExt as _;

use super::*;
use crate::admin::with_safe_headers;

const PAGE: &[u8] = b"<meta name=\"csp-nonce\" content=\"__CSP_NONCE__\">";

fn fixture(name: &str) -> Option<&'static [u8]> {
    let content: &[u8] = match name {
        "index.html" => PAGE,
        "favicon.svg" => b"<svg/>",
        "assets/main-1a2b.js" => b"plain",
        "assets/main-1a2b.js.br" => b"brotli",
        "assets/main-1a2b.js.gz" => b"gzip",
        "assets/main-1a2b.css" => b"style",
        _ => return None,
    };
    Some(content)
}

async fn ask_for(files: Files, path: &str, accepted: &str) -> (StatusCode, HeaderMap, String) {
    let router: Router = routes_of(files).layer(map_response(with_safe_headers));
    let request = Request::get(path).header("accept-encoding", accepted);
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

async fn ask(path: &str) -> (StatusCode, HeaderMap, String) {
    ask_for(fixture, path, "").await
}

#[tokio::test]
async fn the_page_has_a_nonce_of_its_own_and_is_not_kept() {
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let (status, headers, page) = ask("/dashboard/").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let nonce = page.split('"').nth(3).unwrap().to_owned();
        assert_eq!(nonce.len(), 22, "{nonce}");
        let expected = format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        assert_eq!(headers["content-security-policy"], expected);
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn every_redirect_is_relative_so_that_prefixes_stay() {
    for (path, location) in [
        ("/dashboard", "dashboard/"),
        ("/dashboard/usage-insights", "./#/usage-insights"),
        ("/dashboard/admin/tenants", "../#/admin/tenants"),
        ("/dashboard/admin/tenants/", "../../#/admin/tenants/"),
        ("/dashboard/sessions?page=2", "./#/sessions?page=2"),
    ] {
        let (status, headers, _) = ask(path).await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(headers["location"], location, "{path}");
    }
}

#[tokio::test]
async fn files_are_sent_in_the_form_that_is_understood_and_kept_where_names_are_hashed() {
    for (path, accepted, encoding, expected) in [
        ("main-1a2b.js", "gzip, deflate, br", Some("br"), "brotli"),
        ("main-1a2b.js", "gzip", Some("gzip"), "gzip"),
        ("main-1a2b.js", "", None, "plain"),
        ("main-1a2b.css", "br", None, "style"),
    ] {
        let path = format!("/dashboard/assets/{path}");
        let (status, headers, text) = ask_for(fixture, &path, accepted).await;
        assert_eq!((status, &*text), (StatusCode::OK, expected), "{path}");
        let found = headers.get("content-encoding");
        assert_eq!(found.map(|it| it.to_str().unwrap()), encoding, "{path}");
        assert_eq!(headers["vary"], "accept-encoding");
        assert_eq!(
            headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
    }
    let (_, headers, _) = ask("/dashboard/assets/main-1a2b.js").await;
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    let (_, headers, _) = ask("/dashboard/favicon.svg").await;
    assert_eq!(headers["content-type"], "image/svg+xml");
    assert_eq!(headers["cache-control"], "public, max-age=3600");
}

#[tokio::test]
async fn what_is_not_embedded_is_not_there() {
    for path in [
        "/dashboard/assets/other.js",
        "/dashboard/assets/",
        "/dashboard/assets/main-1a2b.js.br",
        "/dashboard/index.html",
        "/dashboard/no-such.svg",
        "/dashboard/../Cargo.toml",
        "/dashboard/..%2f..%2fetc%2fpasswd",
        "/dashboard/%2e%2e/%2e%2e/etc/passwd",
        "/dashboard/assets/..%2findex.html",
        "/dashboard/assets/%2e%2e%2f%2e%2e%2fadmin",
        "/dashboard/..%5c..%5cwindows",
        "/dashboard/.git/config",
        "/dashboard//example.com",
        "/dashboard/%0d%0aset-cookie:x",
        "/dashboard/javascript:alert(1)",
        "/dashboard/caf%c3%a9",
        "/dashboard/%00",
    ] {
        let (status, headers, text) = ask(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {text}");
        assert!(headers.get("location").is_none(), "{path}");
    }
}

#[tokio::test]
async fn without_a_build_a_page_says_how_to_make_one() {
    for path in ["/dashboard/", "/dashboard/usage-insights"] {
        let (status, headers, page) = ask_for(|_| None, path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert!(page.contains("scripts/build-dashboard"), "{page}");
        let policy = &headers["content-security-policy"];
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    }
    let (status, ..) = ask_for(|_| None, "/dashboard", "").await;
    assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
}
