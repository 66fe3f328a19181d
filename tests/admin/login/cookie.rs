//! The cookie of a session, and what pages must show with changes.

use axum::body::Body;
use axum::http::Request;
use budgetguard::admin::{AdminOptions, Proxies};
use budgetguard::domain::peer::Peer;
use serde_json::{Value, json};

use crate::browser::{Browser, log_in, user};
use crate::databases::Place;
use crate::installation::{ADMIN_KEY, Installation, options};
use crate::login::{SESSION, TENANT};
use crate::support::{assert_fields, assert_refused};

/// Headers that a change by cookie may come with, and why it is refused; a page of ours sends its token.
const STRANGE: &[(&str, &str, &str)] = &[
    ("x-other", "", "X-CSRF-Token"),
    ("x-csrf-token", "", "X-CSRF-Token"),
    ("x-csrf-token", "another session's", "X-CSRF-Token"),
    ("origin", "http://evil.example", "another site"),
    ("sec-fetch-site", "cross-site", "another site"),
];

on_both_databases![
    the_admin_key_begins_a_session,
    changes_by_cookie_need_the_token_of_the_session,
    a_session_ends_when_it_is_logged_out_of,
    logins_and_what_is_done_in_them_are_in_the_log,
    a_user_logs_in_by_name_and_password,
];

async fn the_admin_key_begins_a_session(place: Place) {
    let installation = place.installation(options()).await;
    let answer = log_in(&installation, &json!({"adminKey": ADMIN_KEY})).await;
    let expected = json!({"actor": "admin_key", "role": "admin", "userId": null, "name": null});
    assert_fields(&answer.json(), &expected);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in [
        "budgetguard=",
        "Path=/",
        "HttpOnly",
        "SameSite=Strict",
        "Max-Age=43200",
    ] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(ADMIN_KEY));
    assert_eq!(Browser::of(&answer).status(&installation).await, 200);
}

async fn changes_by_cookie_need_the_token_of_the_session(place: Place) {
    let installation = place.installation(options()).await;
    let page = Browser::with_key(&installation).await;
    let other = Browser::with_key(&installation).await;
    let body = json!({"name": "acme"});
    for (name, value, reason) in STRANGE {
        let value = match *value {
            "another session's" => other.csrf.as_str(),
            value => value,
        };
        let request = page.request("POST", TENANT).header(*name, value);
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = installation.answer(request).await;
        assert_refused(&answer, 403, reason, "a change by cookie");
    }
    let made = page.call(&installation, "POST", TENANT, body).await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.text);
}

/// Logs out of a session, and gives the cookie that takes its own away.
async fn log_out(installation: &Installation, page: &Browser) -> String {
    let ended = page
        .call(installation, "DELETE", SESSION, Value::Null)
        .await;
    ended.headers["set-cookie"].to_str().unwrap().to_owned()
}

async fn a_session_ends_when_it_is_logged_out_of(place: Place) {
    let installation = place.installation(options()).await;
    let page = Browser::with_key(&installation).await;
    let other = Browser::with_key(&installation).await;
    let cookie = log_out(&installation, &page).await;
    assert!(cookie.starts_with("budgetguard=;") && cookie.contains("Max-Age=0"));
    assert_eq!(page.status(&installation).await, 401);
    assert_eq!(other.status(&installation).await, 200);
}

async fn logins_and_what_is_done_in_them_are_in_the_log(place: Place) {
    let installation = place.installation(options()).await;
    let page = Browser::with_key(&installation).await;
    Browser::with_key(&installation).await;
    let acme = json!({"name": "acme"});
    page.call(&installation, "POST", TENANT, acme).await;
    log_out(&installation, &page).await;
    let log = installation.get("/admin/audit").await;
    let actions = log["data"].as_array().unwrap().iter();
    let actions: Vec<_> = actions.map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["login.end", "tenant.create", "login.begin", "login.begin"]
    );
}

async fn a_user_logs_in_by_name_and_password(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "viewer").await;
    let page = Browser::with_name(&installation, "aNN").await;
    let request = page.request("GET", SESSION).body(Body::empty()).unwrap();
    let me = installation.answer(request).await.json();
    let expected = json!({
        "actor": "user", "userId": id, "name": "Ann", "role": "viewer",
        "csrfToken": page.csrf, "expiresAt": "2026-01-16T00:00:00.000Z",
    });
    assert_fields(&me, &expected);
    let listed = installation.get("/admin/users").await;
    assert_eq!(listed[0]["lastLoginAt"], "2026-01-15T12:00:00.000Z");
}

#[tokio::test]
async fn the_admin_key_itself_is_no_session() {
    let installation = Installation::new().await;
    let by_key = installation.get(SESSION).await;
    assert_fields(&by_key, &json!({"actor": "admin_key", "csrfToken": null}));
}

/// A login by way of what says that it is a proxy.
fn forwarded(address: &str, is_tls: bool) -> Request<Body> {
    let request = Request::builder().method("POST").uri(SESSION);
    let request = request
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-for", "9.9.9.9");
    let body = json!({"adminKey": ADMIN_KEY}).to_string();
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(Peer {
        address: Some(address.parse().unwrap()),
        is_tls,
    });
    request
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_it() {
    let trusting = AdminOptions {
        trusted_proxies: Proxies::new(&["10.0.0.0/8".parse().unwrap()]),
        ..options()
    };
    let installation = Installation::with(trusting).await;
    for (address, is_tls, is_secure, seen) in [
        ("10.0.0.1", false, true, "9.9.9.9"),
        ("8.8.8.8", false, false, "8.8.8.8"),
        ("8.8.8.8", true, true, "8.8.8.8"),
    ] {
        let answer = installation.answer(forwarded(address, is_tls)).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let is_bound = cookie.starts_with("__Host-budgetguard=");
        assert_eq!(is_bound, is_secure, "{cookie}");
        assert_eq!(cookie.ends_with("; Secure"), is_secure, "{cookie}");
        let log = installation.get("/admin/audit?limit=1").await;
        assert_eq!(log["data"][0]["address"], seen);
    }
}

#[tokio::test]
async fn no_other_site_can_log_a_browser_in() {
    let installation = Installation::new().await;
    let body = json!({"adminKey": ADMIN_KEY}).to_string();
    let request = Request::builder().method("POST").uri(SESSION);
    let request = request.header("sec-fetch-site", "cross-site");
    let answer = installation.answer(request.body(Body::from(body)).unwrap());
    assert_refused(&answer.await, 403, "another site", "a login");
}
