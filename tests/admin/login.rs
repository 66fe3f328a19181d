//! Logging in: cookies, what pages must show with changes, how sessions end, and wrong tries.

#![expect(
    clippy::cognitive_complexity,
    clippy::too_many_lines,
    reason = "each test tells one story"
)]

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use budgetguard::admin::{AdminOptions, Proxies};
use budgetguard::domain::peer::Peer;
use budgetguard::settings::secret::Secret;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, log_in, user};
use crate::databases::Place;
use crate::installation::{ADMIN_KEY, Installation, NOW, options};
use crate::support::{assert_fields, assert_refused};

const TENANT: &str = "/admin/tenant";
const SESSION: &str = "/admin/session";
const ME: &str = "/admin/session/password";

on_both_databases![
    the_admin_key_begins_a_session_that_makes_changes_with_the_token_only,
    a_user_logs_in_by_name_and_password,
    sessions_end_after_an_hour_unused_or_half_a_day,
    what_takes_access_away_ends_sessions_at_once,
    a_password_of_ones_own_is_changed_and_other_sessions_end,
    many_log_in_at_once_and_the_oldest_session_goes,
    refused_logins_are_noted_a_few_times_a_minute,
];

async fn the_admin_key_begins_a_session_that_makes_changes_with_the_token_only(place: Place) {
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
    let page = Browser::of(&answer);
    assert_eq!(page.status(&installation).await, 200);

    let body = json!({"name": "acme"});
    let with = |name: &'static str, value: &str| {
        let request = page.request("POST", TENANT).header(name, value);
        request.body(Body::from(body.to_string())).unwrap()
    };
    let other = Browser::with_key(&installation).await;
    for (request, reason) in [
        (with("x-other", ""), "X-CSRF-Token"),
        (with("x-csrf-token", ""), "X-CSRF-Token"),
        (with("x-csrf-token", &other.csrf), "X-CSRF-Token"),
        (with("origin", "http://evil.example"), "another site"),
        (with("sec-fetch-site", "cross-site"), "another site"),
    ] {
        let answer = installation.answer(request).await;
        assert_refused(&answer, 403, reason, "a change by cookie");
    }
    let made = page.call(&installation, "POST", TENANT, body).await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.text);

    let ended = page
        .call(&installation, "DELETE", SESSION, Value::Null)
        .await;
    let cookie = ended.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("budgetguard=;") && cookie.contains("Max-Age=0"));
    assert_eq!(page.status(&installation).await, 401);
    assert_eq!(other.status(&installation).await, 200);
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

    let wrong = json!({"name": "Ann", "password": "incorrect horse"});
    let nobody = json!({"name": "Bob", "password": PASSWORD});
    for body in [wrong, nobody] {
        let answer = log_in(&installation, &body).await;
        assert_refused(&answer, 401, "Wrong name or password", &body.to_string());
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    for (body, reason) in [
        (json!({}), "name is required"),
        (json!({"name": "Ann"}), "password is required"),
        (json!({"name": "Ann", "password": 1}), "must be a string"),
        (json!({"adminKey": ""}), "adminKey must not be empty"),
    ] {
        let answer = log_in(&installation, &body).await;
        assert_refused(&answer, 400, reason, &body.to_string());
    }
    installation.delete(&format!("/admin/users/{id}")).await;
    let right = json!({"name": "Ann", "password": PASSWORD});
    let answer = log_in(&installation, &right).await;
    assert_refused(&answer, 401, "Wrong name or password", "an inactive user");
    let by_key = installation.get(SESSION).await;
    assert_fields(&by_key, &json!({"actor": "admin_key", "csrfToken": null}));
}

async fn sessions_end_after_an_hour_unused_or_half_a_day(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    for used in [
        Browser::with_key(&installation).await,
        Browser::with_name(&installation, "Ann").await,
    ] {
        installation.clock.set(NOW);
        let unused = Browser::with_key(&installation).await;
        let mut at = NOW;
        for _ in 0..12 {
            at = at.plus(Duration::from_mins(59));
            installation.clock.set(at);
            assert_eq!(used.status(&installation).await, 200);
        }
        assert_eq!(unused.status(&installation).await, 401);
        installation.clock.set(NOW.plus(Duration::from_hours(12)));
        assert_eq!(used.status(&installation).await, 401, "half a day is over");
        installation.clock.set(NOW);
    }
}

async fn what_takes_access_away_ends_sessions_at_once(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "admin").await;
    let path = format!("/admin/users/{id}");
    for change in [
        json!({"role": "viewer"}),
        json!({"password": "another horse battery"}),
        json!({"password": PASSWORD}),
        json!({"isActive": false}),
    ] {
        installation.put(&path, json!({"isActive": true})).await;
        let password = if change["password"] == PASSWORD {
            "another horse battery"
        } else {
            PASSWORD
        };
        let body = json!({"name": "Ann", "password": password});
        let page = Browser::of(&log_in(&installation, &body).await);
        installation.put(&path, json!({"name": "Ann"})).await;
        assert_eq!(
            page.status(&installation).await,
            200,
            "nothing was taken away"
        );
        installation.put(&path, change.clone()).await;
        assert_eq!(page.status(&installation).await, 401, "{change}");
    }
    let by_key = Browser::with_key(&installation).await;
    let other_key = installation.with_part(|state| {
        state.options.admin_key = Some(Secret::new("another admin key"));
    });
    assert_eq!(by_key.status(&other_key).await, 401, "the key is another");
    assert_eq!(by_key.status(&installation).await, 200);
}

async fn a_password_of_ones_own_is_changed_and_other_sessions_end(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    let page = Browser::with_name(&installation, "Ann").await;
    let other = Browser::with_name(&installation, "Ann").await;
    let new = "a longer horse battery";
    for (current, wanted, status, reason) in [
        ("wrong wrong wrong", new, 401, "Wrong name or password"),
        (PASSWORD, "short", 400, "at least 12 characters"),
    ] {
        let body = json!({"currentPassword": current, "newPassword": wanted});
        let answer = page.call(&installation, "PUT", ME, body).await;
        assert_refused(&answer, status, reason, wanted);
    }
    let body = json!({"currentPassword": PASSWORD, "newPassword": new});
    let renewed = Browser::of(&page.call(&installation, "PUT", ME, body).await);
    for ended in [&page, &other] {
        assert_eq!(ended.status(&installation).await, 401);
    }
    assert_eq!(renewed.status(&installation).await, 200);
    let old = json!({"name": "Ann", "password": PASSWORD});
    assert_eq!(log_in(&installation, &old).await.status.as_u16(), 401);
    let body = json!({"name": "Ann", "password": new});
    assert_eq!(log_in(&installation, &body).await.status.as_u16(), 200);
    let by_key = installation.call("PUT", ME, "{}").await;
    assert_refused(&by_key, 400, "no user", "the admin key");
}

async fn many_log_in_at_once_and_the_oldest_session_goes(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    let mut pages = Vec::new();
    for second in 0..3 {
        installation
            .clock
            .set(NOW.plus(Duration::from_secs(second)));
        let begun = (0..8).map(|_| Browser::with_name(&installation, "Ann"));
        pages.push(join_all(begun).await);
    }
    let all = pages.concat();
    for (number, page) in all.iter().enumerate() {
        assert!(!all[..number].contains(page), "two are the same");
    }
    let alive = join_all(all.iter().map(|page| page.status(&installation))).await;
    assert_eq!(alive.iter().filter(|status| **status == 200).count(), 20);
    assert!(alive[8..].iter().all(|status| *status == 200), "{alive:?}");
}

async fn refused_logins_are_noted_a_few_times_a_minute(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "viewer").await;
    let names = (0..14).map(|number| {
        if number == 0 {
            "Ann".to_owned()
        } else {
            number.to_string()
        }
    });
    for name in names {
        let wrong = json!({"name": name, "password": "wrong wrong wrong"});
        assert_eq!(log_in(&installation, &wrong).await.status.as_u16(), 401);
    }
    let log = installation.get("/admin/audit?action=login.refuse").await;
    let rows = log["data"].as_array().unwrap();
    assert_eq!(rows.len(), 10, "strangers do not fill the log");
    assert_eq!(rows[9]["target"]["id"], id.to_string());
    assert_eq!(rows[9]["actor"]["kind"], "unknown");
    assert!(
        rows[0]["target"]["id"].is_null(),
        "what nobody is called may be a password"
    );
}

#[tokio::test]
async fn wrong_passwords_are_throttled_and_the_admin_key_never_is() {
    let installation = Installation::new().await;
    user(&installation, "Ann", "viewer").await;
    let right = json!({"name": "Ann", "password": PASSWORD});
    for _ in 0..10 {
        let wrong = json!({"name": "ann", "password": "wrong wrong wrong"});
        assert_eq!(log_in(&installation, &wrong).await.status.as_u16(), 401);
    }
    let answer = log_in(&installation, &right).await;
    assert_refused(&answer, 429, "Too many failed attempts", "the eleventh");
    assert!(answer.headers.contains_key("retry-after"));
    Browser::with_key(&installation).await;
    for _ in 0..40 {
        log_in(&installation, &json!({"adminKey": "wrong"})).await;
    }
    let answer = log_in(&installation, &json!({"adminKey": "wrong"})).await;
    assert_refused(&answer, 429, "Too many failed attempts", "a wrong key");
    Browser::with_key(&installation).await;
    installation.clock.set(NOW.plus(Duration::from_secs(62)));
    Browser::with_name(&installation, "Ann").await;
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_it() {
    let trusting = AdminOptions {
        trusted_proxies: Proxies::new(&["10.0.0.0/8".parse().unwrap()]),
        ..options()
    };
    let installation = Installation::with(trusting).await;
    let request = |peer: Peer| {
        let request = Request::builder().method("POST").uri(SESSION);
        let request = request
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-for", "9.9.9.9");
        let body = json!({"adminKey": ADMIN_KEY}).to_string();
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(peer);
        request
    };
    for (address, is_tls, is_secure, seen) in [
        ("10.0.0.1", false, true, "9.9.9.9"),
        ("8.8.8.8", false, false, "8.8.8.8"),
        ("8.8.8.8", true, true, "8.8.8.8"),
    ] {
        let peer = Peer {
            address: Some(address.parse().unwrap()),
            is_tls,
        };
        let answer = installation.answer(request(peer)).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert_eq!(
            cookie.starts_with("__Host-budgetguard="),
            is_secure,
            "{cookie}"
        );
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
