//! Users: making, listing, changing and deactivating them.

#![expect(clippy::cognitive_complexity, reason = "each test tells one story")]

use budgetguard::admin::AdminOptions;
use budgetguard::domain::id::UserId;
use budgetguard::domain::stamp::Stamp;
use budgetguard::domain::user::Role;
use budgetguard::store::users::{LastAdmin, UserChange, UserRefusal, UserSettings};
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, log_in, user};
use crate::databases::Place;
use crate::installation::{NOW, options};
use crate::support::{assert_fields, assert_refused};

const USERS: &str = "/admin/users";

on_both_databases![
    users_are_made_shown_changed_and_never_deleted,
    what_no_user_can_be_is_refused,
    the_last_admin_stays_unless_there_is_a_key,
    of_two_admins_who_give_up_at_once_one_stays,
];

async fn users_are_made_shown_changed_and_never_deleted(place: Place) {
    let installation = place.installation(options()).await;
    let made = json!({"name": " Ann ", "role": "operator", "password": PASSWORD});
    let made = installation.post(USERS, made).await;
    let expected = json!({
        "id": 1, "name": "Ann", "role": "operator", "isActive": true,
        "createdAt": "2026-01-15T12:00:00.000Z", "lastLoginAt": null,
    });
    assert_fields(&made, &expected);
    assert_eq!(made.as_object().unwrap().len(), 7, "no more than is listed");
    assert_eq!(installation.get("/admin/users/1").await, made);
    let changed = json!({"name": "Anna", "role": "viewer"});
    let changed = installation.put("/admin/users/1", changed).await;
    assert_fields(
        &changed,
        &json!({"name": "Anna", "role": "viewer", "isActive": true}),
    );
    let gone = installation.delete("/admin/users/1").await;
    assert_eq!(gone, json!({"ok": true}));
    let listed = installation.get(USERS).await;
    assert_fields(&listed[0], &json!({"name": "Anna", "isActive": false}));
    let back = installation
        .put("/admin/users/1", json!({"isActive": true}))
        .await;
    assert_eq!(back["isActive"], true);
    Browser::with_name(&installation, "anna").await;
}

async fn what_no_user_can_be_is_refused(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    user(&installation, "Bob", "viewer").await;
    let good = json!({"name": "Eve", "role": "viewer", "password": PASSWORD});
    for (field, value, reason) in [
        ("name", json!(""), "name is required"),
        ("name", json!("ANN"), "User name already exists"),
        (
            "role",
            json!("root"),
            "must be one of: viewer, operator, admin",
        ),
        ("role", Value::Null, "role is required"),
        ("password", json!("eleven char"), "at least 12 characters"),
        (
            "password",
            json!("x".repeat(2_000)),
            "must be at most 1024 bytes",
        ),
        ("password", Value::Null, "password is required"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = installation.call("POST", USERS, body.to_string()).await;
        assert_refused(&answer, 400, reason, &body.to_string());
    }
    for (method, path, body, status, reason) in [
        (
            "PUT",
            "/admin/users/2",
            r#"{"name":"ann"}"#,
            400,
            "User name already exists",
        ),
        ("PUT", "/admin/users/9", "{}", 404, "User not found"),
        ("GET", "/admin/users/9", "", 404, "User not found"),
        ("DELETE", "/admin/users/9", "", 404, "User not found"),
        ("GET", "/admin/users/x", "", 400, "Invalid user ID"),
    ] {
        let answer = installation.call(method, path, body).await;
        assert_refused(&answer, status, reason, path);
    }
    assert_eq!(installation.get(USERS).await.as_array().unwrap().len(), 2);
}

async fn the_last_admin_stays_unless_there_is_a_key(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "admin").await;
    user(&installation, "Bob", "viewer").await;
    let without_key = installation.with_part(|state| {
        state.options = AdminOptions {
            admin_key: None,
            ..options()
        };
    });
    let page = Browser::with_name(&without_key, "Ann").await;
    for change in [json!({"role": "viewer"}), json!({"isActive": false})] {
        let answer = page
            .call(&without_key, "PUT", "/admin/users/1", change)
            .await;
        assert_refused(&answer, 400, "The last active admin", "the last admin");
    }
    let answer = page
        .call(&without_key, "DELETE", "/admin/users/1", Value::Null)
        .await;
    assert_refused(&answer, 400, "The last active admin", "the last admin");
    let viewer = page
        .call(&without_key, "DELETE", "/admin/users/2", Value::Null)
        .await;
    assert_eq!(viewer.status.as_u16(), 200, "{}", viewer.text);
    installation.delete("/admin/users/1").await;
    let right = json!({"name": "Ann", "password": PASSWORD});
    assert_eq!(log_in(&without_key, &right).await.status.as_u16(), 401);
}

async fn of_two_admins_who_give_up_at_once_one_stays(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "admin").await;
    user(&installation, "Bob", "admin").await;
    let store = &installation.state.store;
    let give_up = async |id: i64, name: &str| {
        let wanted = UserChange {
            settings: UserSettings {
                name: name.to_owned(),
                role: Role::Viewer,
                is_active: true,
            },
            password_hash: None,
        };
        let stamp = Stamp::by_system(NOW);
        let changed = store
            .update_user(UserId(id), &wanted, LastAdmin::Needed, &stamp)
            .await;
        changed.unwrap()
    };
    let (ann, bob) = tokio::join!(give_up(1, "Ann"), give_up(2, "Bob"));
    let refused = [ann, bob].into_iter().filter_map(Result::err);
    assert_eq!(refused.collect::<Vec<_>>(), [UserRefusal::LastAdmin]);
}
