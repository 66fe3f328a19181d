//! Wrong names, passwords and keys: what they are told, how often, and what the log has of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, log_in, user};
use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::login::{TENANT, WRONG};
use crate::support::{assert_fields, assert_refused};

/// How many refusals of a minute the log has.
const NOTED_MAX: usize = 10;

on_both_databases![
    whoever_is_nobody_or_has_another_password_is_not_told_which,
    a_login_that_is_none_is_refused_by_field,
    refused_logins_are_noted_with_the_user_that_they_are_about,
    wrong_admin_keys_are_noted_wherever_they_are_shown,
    refusals_are_noted_a_few_times_a_minute,
];

async fn whoever_is_nobody_or_has_another_password_is_not_told_which(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "viewer").await;
    let inactive = user(&installation, "Eve", "viewer").await;
    installation
        .delete(&format!("/admin/users/{inactive}"))
        .await;
    for (name, password) in [("Ann", WRONG), ("Bob", PASSWORD), ("Eve", PASSWORD)] {
        let answer = log_in(&installation, &json!({"name": name, "password": password})).await;
        assert_refused(&answer, 401, "Wrong name or password", name);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let listed = installation.get(&format!("/admin/users/{id}")).await;
    assert!(listed["lastLoginAt"].is_null(), "{listed}");
}

async fn a_login_that_is_none_is_refused_by_field(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    for (body, reason) in [
        (json!({}), "name is required"),
        (json!({"name": "Ann"}), "password is required"),
        (json!({"name": "Ann", "password": 1}), "must be a string"),
        (json!({"adminKey": ""}), "adminKey must not be empty"),
    ] {
        let answer = log_in(&installation, &body).await;
        assert_refused(&answer, 400, reason, &body.to_string());
    }
}

/// What the log has of whoever was not let in, the last first.
async fn refusals(installation: &Installation) -> Vec<Value> {
    let log = installation.get("/admin/audit?action=login.refuse").await;
    log["data"].as_array().unwrap().clone()
}

async fn refused_logins_are_noted_with_the_user_that_they_are_about(place: Place) {
    let installation = place.installation(options()).await;
    let id = user(&installation, "Ann", "viewer").await;
    for name in ["aNN", "what nobody is called may be a password"] {
        let wrong = json!({"name": name, "password": WRONG});
        assert_eq!(log_in(&installation, &wrong).await.status.as_u16(), 401);
    }
    let noted = refusals(&installation).await;
    assert_eq!(noted.len(), 2);
    assert_eq!(noted[1]["target"]["id"], id.to_string());
    assert!(noted[0]["target"]["id"].is_null(), "{noted:?}");
    for row in &noted {
        assert_fields(&row["actor"], &json!({"kind": "unknown", "name": null}));
    }
}

async fn wrong_admin_keys_are_noted_wherever_they_are_shown(place: Place) {
    let installation = place.installation(options()).await;
    let wrong = Some(("x-admin-key", WRONG));
    let shown = installation.send("GET", TENANT, wrong, "").await;
    assert_refused(&shown, 401, "Unauthorized", "a header");
    let shown = log_in(&installation, &json!({"adminKey": WRONG})).await;
    assert_refused(&shown, 401, "Unauthorized", "a login");
    installation.send("GET", TENANT, None, "").await;
    let noted = refusals(&installation).await;
    assert_eq!(noted.len(), 2, "no key at all is no try");
    for row in &noted {
        assert_eq!(row["actor"]["kind"], "unknown");
        assert!(row["target"]["id"].is_null() && !row.to_string().contains(WRONG));
    }
}

async fn refusals_are_noted_a_few_times_a_minute(place: Place) {
    let installation = place.installation(options()).await;
    for number in 0..NOTED_MAX {
        let wrong = json!({"name": number.to_string(), "password": WRONG});
        assert_eq!(log_in(&installation, &wrong).await.status.as_u16(), 401);
        let wrong = Some(("x-admin-key", WRONG));
        let shown = installation.send("GET", TENANT, wrong, "").await;
        assert_eq!(shown.status.as_u16(), 401);
    }
    let noted = refusals(&installation).await;
    assert_eq!(noted.len(), NOTED_MAX, "strangers do not fill the log");
    installation.clock.set(NOW.plus(Duration::from_secs(122)));
    log_in(&installation, &json!({"adminKey": WRONG})).await;
    assert_eq!(refusals(&installation).await.len(), NOTED_MAX + 1);
}

#[tokio::test]
async fn wrong_passwords_are_throttled_for_a_minute() {
    let installation = Installation::new().await;
    user(&installation, "Ann", "viewer").await;
    let right = json!({"name": "Ann", "password": PASSWORD});
    for _ in 0..10 {
        let wrong = json!({"name": "ann", "password": WRONG});
        assert_eq!(log_in(&installation, &wrong).await.status.as_u16(), 401);
    }
    let answer = log_in(&installation, &right).await;
    assert_refused(&answer, 429, "Too many failed attempts", "the eleventh");
    assert!(answer.headers.contains_key("retry-after"));
    Browser::with_key(&installation).await;
    installation.clock.set(NOW.plus(Duration::from_secs(62)));
    Browser::with_name(&installation, "Ann").await;
}

#[tokio::test]
async fn wrong_keys_are_throttled_and_the_right_one_never_is() {
    let installation = Installation::new().await;
    for _ in 0..40 {
        log_in(&installation, &json!({"adminKey": WRONG})).await;
    }
    let answer = log_in(&installation, &json!({"adminKey": WRONG})).await;
    assert_refused(&answer, 429, "Too many failed attempts", "a wrong key");
    Browser::with_key(&installation).await;
}
