//! What is refused: bad bodies, bad ids, bad queries, and anything else that may come.

mod anything;
mod table;

use crate::installation::Installation;
use crate::refusals::table::{BAD_BUDGETS, BAD_PRICES, BAD_QUERIES, BAD_TENANTS};
use crate::support::{ROUTES, assert_refused, furnished};

#[tokio::test]
async fn bad_requests_are_refused_with_a_reason() {
    let installation = furnished().await;
    for table in [BAD_TENANTS, BAD_BUDGETS, BAD_PRICES, BAD_QUERIES] {
        for (method, path, body, reason) in table {
            let answer = installation.call(method, path, *body).await;
            assert_refused(&answer, 400, reason, &format!("{method} {path} {body}"));
        }
    }
}

/// A body that a route takes.
fn body_of(method: &str, path: &str) -> &'static str {
    let noun = path.rsplit('/').next().unwrap();
    match (method, noun) {
        ("GET" | "DELETE", _) => "",
        ("POST", "budgets") => r#"{"budgets":[]}"#,
        ("PUT", "ratelimit") => r#"{"rateLimitPerMin":1}"#,
        _ => "{}",
    }
}

#[tokio::test]
async fn unknown_and_malformed_ids_are_told_apart() {
    let installation = furnished().await;
    let with_id = ROUTES.iter().filter(|(_, path)| path.contains("/1"));
    for (method, path) in with_id {
        let body = body_of(method, path);
        let unknown = path.replace("/1", "/999");
        let answer = installation.call(method, &unknown, body).await;
        assert_refused(&answer, 404, "not found", &format!("{method} {unknown}"));
        for id in ["x", "0", "-1", "1.5", "99999999999999999999", "%FF", "%20"] {
            let path = path.replace("/1", &format!("/{id}"));
            let answer = installation.call(method, &path, body).await;
            assert_refused(&answer, 400, "Invalid ", &format!("{method} {path}"));
        }
    }
}

#[tokio::test]
async fn models_without_a_price_are_not_found() {
    let installation = furnished().await;
    for path in [
        "/admin/model-pricing/none",
        "/admin/model-pricing/999",
        "/admin/model-pricing/%00",
    ] {
        let answer = installation.call("PUT", path, "{}").await;
        assert_refused(&answer, 404, "Model pricing not found", path);
        for (method, below) in [("POST", "retire"), ("GET", "history")] {
            let path = format!("{path}/{below}");
            let answer = installation.call(method, &path, "").await;
            assert_refused(&answer, 404, "Model pricing not found", &path);
        }
    }
}

#[tokio::test]
async fn other_paths_methods_and_sizes_are_refused() {
    let installation = Installation::new().await;
    for path in [
        "/admin",
        "/admin/",
        "/admin/nothing",
        "/admin/tenant/1/nothing",
        "/",
        "/nothing",
    ] {
        let answer = installation.call("GET", path, "").await;
        assert_refused(&answer, 404, "Not found", path);
    }
    for path in ["/admin/tenant", "/health", "/metrics"] {
        let answer = installation.call("PATCH", path, "").await;
        assert_refused(&answer, 405, "Method not allowed", path);
        assert!(answer.headers.contains_key("allow"), "{path}");
    }
    let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    let answer = installation.call("POST", "/admin/tenant", body).await;
    assert_refused(&answer, 413, "too large", "a body over a megabyte");
}
