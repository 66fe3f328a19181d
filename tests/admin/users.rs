//! Users: making, listing, changing and deactivating them.

use budgetguard::admin::AdminOptions;
use budgetguard::domain::id::UserId;
use budgetguard::domain::stamp::Stamp;
use budgetguard::domain::user::Role;
use budgetguard::store::users::{LastAdmin, UserChange, UserRecord, UserRefusal};
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, log_in, user};
use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::support::{Refused, assert_all_refused, assert_fields, assert_refused};

const USERS: &str = "/admin/users";
const ANN: &str = "/admin/users/1";

#[rustfmt::skip]
const BAD_USERS: &[Refused] = &[
    ("POST", USERS, r#"{"name":"","role":"viewer","password":"correct horse battery"}"#, 400, "name is required"),
    ("POST", USERS, r#"{"name":"ANN","role":"viewer","password":"correct horse battery"}"#, 400, "User name already exists"),
    ("POST", USERS, r#"{"name":"Eve","role":"root","password":"correct horse battery"}"#, 400, "must be one of: viewer, operator, admin"),
    ("POST", USERS, r#"{"name":"Eve","role":null,"password":"correct horse battery"}"#, 400, "role is required"),
    ("POST", USERS, r#"{"name":"Eve","role":"viewer","password":"eleven char"}"#, 400, "at least 12 characters"),
    ("POST", USERS, r#"{"name":"Eve","role":"viewer","password":null}"#, 400, "password is required"),
    ("PUT", "/admin/users/2", r#"{"name":"ann"}"#, 400, "User name already exists"),
    ("PUT", "/admin/users/9", "{}", 404, "User not found"),
    ("GET", "/admin/users/9", "", 404, "User not found"),
    ("DELETE", "/admin/users/9", "", 404, "User not found"),
    ("GET", "/admin/users/x", "", 400, "Invalid user ID"),
];

on_both_databases![
    a_user_is_shown_as_they_were_made,
    a_user_is_changed_and_deactivated_and_never_deleted,
    what_no_user_can_be_is_refused,
    a_password_is_no_longer_than_makes_sense,
    the_last_admin_stays_where_there_is_no_key,
    with_a_key_the_last_admin_may_go,
    of_two_admins_who_give_up_at_once_one_stays,
    of_two_changes_at_once_none_undoes_the_other,
    changes_of_users_are_none_of_the_catalog,
];

async fn a_user_is_shown_as_they_were_made(place: Place) {
    let installation = place.installation(options()).await;
    let made = json!({"name": " Ann ", "role": "operator", "password": PASSWORD});
    let made = installation.post(USERS, made).await;
    let expected = json!({
        "id": 1, "name": "Ann", "role": "operator", "isActive": true,
        "createdAt": "2026-01-15T12:00:00.000Z", "lastLoginAt": null,
    });
    assert_fields(&made, &expected);
    assert_eq!(made.as_object().unwrap().len(), 7, "no more than is listed");
    assert_eq!(installation.get(ANN).await, made);
}

async fn a_user_is_changed_and_deactivated_and_never_deleted(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "operator").await;
    let changed = json!({"name": "Anna", "role": "viewer"});
    let changed = installation.put(ANN, changed).await;
    let expected = json!({"name": "Anna", "role": "viewer", "isActive": true});
    assert_fields(&changed, &expected);
    let gone = installation.delete(ANN).await;
    assert_eq!(gone, json!({"ok": true}));
    let listed = installation.get(USERS).await;
    assert_fields(&listed[0], &json!({"name": "Anna", "isActive": false}));
    let back = installation.put(ANN, json!({"isActive": true})).await;
    assert_eq!(back["isActive"], true);
    Browser::with_name(&installation, "anna").await;
}

/// Two viewers, Ann and Bob.
async fn with_two(place: &Place) -> Installation {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "viewer").await;
    user(&installation, "Bob", "viewer").await;
    installation
}

async fn what_no_user_can_be_is_refused(place: Place) {
    let installation = with_two(&place).await;
    assert_all_refused(&installation, BAD_USERS).await;
    assert_eq!(installation.get(USERS).await.as_array().unwrap().len(), 2);
}

async fn a_password_is_no_longer_than_makes_sense(place: Place) {
    let installation = with_two(&place).await;
    let body = json!({"name": "Eve", "role": "viewer", "password": "x".repeat(2_000)});
    let answer = installation.call("POST", USERS, body.to_string()).await;
    assert_refused(&answer, 400, "must be at most 1024 bytes", "a long one");
    assert_eq!(installation.get(USERS).await.as_array().unwrap().len(), 2);
}

/// The admin Ann and the viewer Bob; and the same without an admin key.
async fn with_one_admin(place: &Place) -> (Installation, Installation) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "admin").await;
    user(&installation, "Bob", "viewer").await;
    let without_key = installation.with_part(|state| {
        state.options = AdminOptions {
            admin_key: None,
            ..options()
        };
    });
    (installation, without_key)
}

async fn the_last_admin_stays_where_there_is_no_key(place: Place) {
    let (_lives, without_key) = with_one_admin(&place).await;
    let page = Browser::with_name(&without_key, "Ann").await;
    for (method, change) in [
        ("PUT", json!({"role": "viewer"})),
        ("PUT", json!({"isActive": false})),
        ("DELETE", Value::Null),
    ] {
        let answer = page.call(&without_key, method, ANN, change).await;
        assert_refused(&answer, 400, "The last active admin", "the last admin");
    }
    let viewer = page
        .call(&without_key, "DELETE", "/admin/users/2", Value::Null)
        .await;
    assert_eq!(viewer.status.as_u16(), 200, "{}", viewer.text);
}

async fn with_a_key_the_last_admin_may_go(place: Place) {
    let (installation, without_key) = with_one_admin(&place).await;
    installation.delete(ANN).await;
    let right = json!({"name": "Ann", "password": PASSWORD});
    assert_eq!(log_in(&without_key, &right).await.status.as_u16(), 401);
}

/// Makes a viewer of a user where there is no admin key.
async fn give_up(installation: &Installation, id: i64) -> Result<UserRecord, UserRefusal> {
    let wanted = UserChange {
        role: Some(Role::Viewer),
        ..UserChange::default()
    };
    let (store, stamp) = (&installation.state.store, Stamp::by_system(NOW));
    let changed = store.update_user(UserId(id), &wanted, LastAdmin::Needed, &stamp);
    changed.await.unwrap()
}

async fn of_two_admins_who_give_up_at_once_one_stays(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "admin").await;
    user(&installation, "Bob", "admin").await;
    let (ann, bob) = tokio::join!(give_up(&installation, 1), give_up(&installation, 2));
    let refused = [ann, bob].into_iter().filter_map(Result::err);
    assert_eq!(refused.collect::<Vec<_>>(), [UserRefusal::LastAdmin]);
}

async fn of_two_changes_at_once_none_undoes_the_other(place: Place) {
    let installation = place.installation(options()).await;
    user(&installation, "Ann", "operator").await;
    let renamed = r#"{"name":"Anna"}"#;
    let (gone, renamed) = tokio::join!(
        installation.call("DELETE", ANN, ""),
        installation.call("PUT", ANN, renamed),
    );
    assert_eq!((gone.status.as_u16(), renamed.status.as_u16()), (200, 200));
    let expected = json!({"name": "Anna", "role": "operator", "isActive": false});
    assert_fields(&installation.get(ANN).await, &expected);
}

async fn changes_of_users_are_none_of_the_catalog(place: Place) {
    let installation = place.installation(options()).await;
    let store = &installation.state.store;
    let version = store.catalog_version().await.unwrap();
    user(&installation, "Ann", "viewer").await;
    let changed = json!({"role": "operator", "password": PASSWORD});
    installation.put(ANN, changed).await;
    Browser::with_name(&installation, "Ann").await;
    installation.delete(ANN).await;
    assert_eq!(store.catalog_version().await.unwrap(), version);
    let tenant = json!({"name": "acme"});
    installation.post("/admin/tenant", tenant).await;
    assert_ne!(store.catalog_version().await.unwrap(), version);
}
