//! What each role may do.

use axum::http::StatusCode;
use serde_json::Value;

use crate::browser::{Browser, user};
use crate::installation::Installation;
use crate::support::{ACCESS_ROUTES, ROUTES, SCOPE_ROUTES, assert_refused};

const ROLES: [&str; 3] = ["viewer", "operator", "admin"];
/// What only admins change, by how the path begins and whether it ends there.
const OF_ADMINS: [(&str, &str); 3] = [
    ("POST", "/admin/tenant"),
    ("PUT", "/admin/tenant/1"),
    ("DELETE", "/admin/tenant/1"),
];
/// What everybody may do who is logged in: about themselves, and what changes nothing.
const OF_ALL: [&str; 4] = [
    "/admin/session",
    "/admin/session/password",
    "/admin/whatif",
    "/admin/tenant/1/policy-bundles/1/test",
];

/// The least role that may call a route, as it was promised and not as the code has it.
fn promised(method: &str, path: &str) -> &'static str {
    let is_guarded = ["/admin/users", "/admin/audit"]
        .iter()
        .any(|guarded| path.starts_with(guarded));
    if is_guarded {
        "admin"
    } else if method == "GET" || OF_ALL.contains(&path) {
        "viewer"
    } else if OF_ADMINS.contains(&(method, path)) || path.starts_with("/admin/model-pricing") {
        "admin"
    } else {
        "operator"
    }
}

#[tokio::test]
async fn every_route_is_for_the_roles_that_it_is_promised_to() {
    let installation = Installation::new().await;
    let rank = |name: &str| ROLES.iter().position(|role| *role == name).unwrap();
    let routes = ROUTES.iter().chain(&SCOPE_ROUTES).chain(&ACCESS_ROUTES);
    let routes: Vec<_> = routes
        .filter(|route| **route != ("DELETE", "/admin/session"))
        .collect();
    for role in ROLES {
        // With id 1 first, so that nothing that these calls do ends their own sessions.
        if role == ROLES[0] {
            user(&installation, "Nobody", "viewer").await;
        }
        user(&installation, role, role).await;
        let page = Browser::with_name(&installation, role).await;
        for (method, path) in &routes {
            let answer = page.call(&installation, method, path, Value::Null).await;
            let least = promised(method, path);
            let what = format!("{role}: {method} {path}");
            if rank(role) < rank(least) {
                let reason = format!("This needs the role {least}");
                assert_refused(&answer, 403, &reason, &what);
            } else {
                assert_is_let_in(answer.status, &answer.text, &what);
            }
        }
    }
}

#[tokio::test]
async fn the_admin_key_may_do_everything() {
    let installation = Installation::new().await;
    for (method, path) in ROUTES.iter().chain(&SCOPE_ROUTES).chain(&ACCESS_ROUTES) {
        let answer = installation.call(method, path, "").await;
        assert_is_let_in(answer.status, &answer.text, &format!("{method} {path}"));
    }
}

fn assert_is_let_in(status: StatusCode, text: &str, what: &str) {
    let refused = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    assert!(!refused.contains(&status), "{what}: {status} {text}");
    assert_ne!(text, r#"{"error":"Not found"}"#, "{what} is in no table");
}
