//! Who may use the admin API, and what it never shows.

use axum::http::StatusCode;
use budgetguard::admin::AdminOptions;

use crate::installation::{ADMIN_KEY, Installation, options};
use crate::support::{ACCESS_ROUTES, ROUTES, SCOPE_ROUTES, assert_refused, furnish};

#[tokio::test]
async fn every_route_asks_for_the_key_before_it_reads_anything() {
    for header in [None, Some(("x-admin-key", "wrong"))] {
        // Nobody may fail for ever: after half a minute's failures another installation is asked.
        for routes in ROUTES.chunks(15) {
            let installation = Installation::new().await;
            for (method, path) in routes {
                let answer = installation.send(method, path, header, "{broken").await;
                assert_refused(&answer, 401, "Unauthorized", path);
            }
        }
        let installation = Installation::new().await;
        let answer = installation
            .send("PATCH", "/admin/tenant", header, "")
            .await;
        assert_refused(&answer, 401, "Unauthorized", "a wrong method");
        let huge = vec![b' '; 3 << 20];
        let answer = installation.send("POST", "/admin/tenant", header, huge);
        assert_refused(&answer.await, 401, "Unauthorized", "a huge body");
    }
}

#[tokio::test]
async fn so_does_every_route_about_scopes() {
    let installation = Installation::new().await;
    for (method, path) in SCOPE_ROUTES.iter().chain(&ACCESS_ROUTES) {
        let answer = installation.send(method, path, None, "{").await;
        assert_refused(&answer, 401, "Unauthorized", path);
        let answer = installation.call(method, path, "").await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn without_a_configured_key_nothing_is_allowed() {
    let installation = Installation::with(AdminOptions {
        admin_key: None,
        ..options()
    })
    .await;
    for key in ["", ADMIN_KEY] {
        let header = Some(("x-admin-key", key));
        let answer = installation.send("GET", "/admin/tenant", header, "").await;
        assert_refused(&answer, 401, "Unauthorized", "no key is configured");
    }
}

#[tokio::test]
async fn wrong_keys_are_throttled_and_the_right_one_never_is() {
    let installation = Installation::new().await;
    let wrong = Some(("x-admin-key", "wrong"));
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let answer = installation.send("GET", "/admin/tenant", wrong, "").await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses[39], 429);
    let throttled = installation.send("GET", "/admin/tenant", wrong, "").await;
    assert!(throttled.headers.contains_key("retry-after"));
    installation.get("/admin/tenant").await;
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let installation = Installation::new().await;
    let text = furnish(&installation).await;
    let hash = installation.state.hasher.describe(text.clone()).hash;
    let hash = hash.0.map(|byte| format!("{byte:02x}")).concat();
    let secret_part = text.get(25..).unwrap();
    let paths = ROUTES.iter().filter(|(method, _)| *method == "GET");
    let paths = paths.map(|(_, path)| *path).chain(["/health", "/metrics"]);
    for path in paths {
        let answer = installation.call("GET", path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        for secret in [text.as_str(), secret_part, hash.as_str(), ADMIN_KEY] {
            assert!(!answer.text.contains(secret), "{path} shows a secret");
        }
    }
    let shown = format!("{:?}", installation.state);
    assert!(!shown.contains(ADMIN_KEY) && !shown.contains(&text));
}
