//! What each change leaves in the log.

use serde_json::{Value, json};

use crate::audit::{log, with_everything};
use crate::databases::Place;
use crate::support::{ACCESS_ROUTES, ROUTES, SCOPE_ROUTES, assert_fields, assert_refused, price};

/// A change: as which route it is listed, where it goes, and its body.
type Asked = (&'static str, &'static str, &'static str, &'static str);
/// What its row says: action, target, and parts of before and after.
type Told = (&'static str, &'static str, &'static str, &'static str);

const NEW_PRICE: &str = "a price of `other`";
/// What is only for those who are logged in: tests/admin/login.rs.
const OF_ONESELF: [(&str, &str); 4] = [
    // These ask, and change nothing.
    ("POST", "/admin/whatif"),
    ("POST", "/admin/tenant/1/policy-bundles/1/test"),
    ("DELETE", "/admin/session"),
    ("PUT", "/admin/session/password"),
];

/// One after the other on one installation: what one of them makes, later ones find.
#[rustfmt::skip]
const CHANGES: &[(Asked, Told)] = &[
    (("POST", "/admin/tenant", "/admin/tenant", r#"{"name":"other"}"#),
     ("tenant.create", "2", "null", r#"{"name":"other","timeZone":"UTC"}"#)),
    (("POST", "/admin/apikey/1/budgets", "/admin/apikey/1/budgets", r#"{"budgets":[{"period":"daily","amountUsd":"0.5"}]}"#),
     ("budget.set", "4", "null", r#"{"amountUsd":"0.5","scopeKind":"key"}"#)),
    (("POST", "/admin/budgets", "/admin/budgets", r#"{"budgets":[{"period":"weekly","amountUsd":1}]}"#),
     ("budget.set", "5", "null", r#"{"period":"weekly","scopeKind":"installation"}"#)),
    (("POST", "/admin/tenant/1/tags/1/budgets", "/admin/tenant/1/tags/1/budgets", r#"{"period":"daily","amountUsd":3}"#),
     ("budget.create", "6", "null", r#"{"amountUsd":"3","scopeKind":"tag"}"#)),
    (("POST", "/admin/tenant/1/budgets", "/admin/tenant/1/budgets", r#"{"budgets":[{"period":"daily","amountUsd":20}]}"#),
     ("budget.set", "1", r#"{"amountUsd":"10"}"#, r#"{"amountUsd":"20","scopeKind":"tenant"}"#)),
    (("PUT", "/admin/budget/1", "/admin/budget/1", r#"{"amountUsd":7}"#),
     ("budget.update", "1", r#"{"amountUsd":"20"}"#, r#"{"amountUsd":"7"}"#)),
    (("DELETE", "/admin/budget/1", "/admin/budget/1", ""),
     ("budget.delete", "1", r#"{"amountUsd":"7"}"#, "null")),
    (("PUT", "/admin/budget/tag/1", "/admin/budget/tag/3", r#"{"weight":0.5}"#),
     ("budget.update", "3", r#"{"weight":"1"}"#, r#"{"weight":"0.5"}"#)),
    (("DELETE", "/admin/budget/tag/1", "/admin/budget/tag/3", ""),
     ("budget.delete", "3", r#"{"scopeKind":"tag"}"#, "null")),
    (("POST", "/admin/tenant/1/apikeys", "/admin/tenant/1/apikeys", r#"{"name":"second"}"#),
     ("key.create", "2", "null", r#"{"name":"second","isActive":true}"#)),
    (("PUT", "/admin/apikey/1/ratelimit", "/admin/apikey/1/ratelimit", r#"{"maxConcurrent":2}"#),
     ("key.set_rate_limits", "1", r#"{"maxConcurrent":null}"#, r#"{"maxConcurrent":2}"#)),
    (("DELETE", "/admin/apikey/1", "/admin/apikey/1", ""),
     ("key.revoke", "1", r#"{"isActive":true}"#, r#"{"isActive":false}"#)),
    (("POST", "/admin/model-pricing", "/admin/model-pricing", NEW_PRICE),
     ("price.set", "2", "null", r#"{"model":"other","source":"admin","isRetired":false}"#)),
    (("PUT", "/admin/model-pricing/gpt-test", "/admin/model-pricing/gpt-test", r#"{"versionTag":"v2"}"#),
     ("price.set", "3", r#"{"versionTag":"v1"}"#, r#"{"versionTag":"v2"}"#)),
    (("POST", "/admin/model-pricing/gpt-test/retire", "/admin/model-pricing/gpt-test/retire", ""),
     ("price.retire", "4", r#"{"versionTag":"v2","isRetired":false}"#, r#"{"isRetired":true}"#)),
    (("POST", "/admin/tenant/1/tags", "/admin/tenant/1/tags", r#"{"name":"new","metadata":{"a":1}}"#),
     ("tag.create", "3", "null", r#"{"name":"new","metadata":{"a":1}}"#)),
    (("PUT", "/admin/tenant/1/tags/1", "/admin/tenant/1/tags/1", r#"{"sessionBudgetUsd":"0.25"}"#),
     ("tag.update", "1", r#"{"sessionBudgetUsd":null}"#, r#"{"sessionBudgetUsd":"0.25"}"#)),
    (("DELETE", "/admin/tenant/1/tags/1", "/admin/tenant/1/tags/2", ""),
     ("tag.delete", "2", r#"{"name":"spare"}"#, "null")),
    (("POST", "/admin/tenant/1/tagging-rules", "/admin/tenant/1/tagging-rules", r#"{"name":"new","actions":{"tags":[{"tagId":1}]}}"#),
     ("tagging_rule.create", "2", "null", r#"{"name":"new"}"#)),
    (("PUT", "/admin/tenant/1/tagging-rules/1", "/admin/tenant/1/tagging-rules/1", r#"{"priority":5}"#),
     ("tagging_rule.update", "1", r#"{"priority":0}"#, r#"{"priority":5}"#)),
    (("DELETE", "/admin/tenant/1/tagging-rules/1", "/admin/tenant/1/tagging-rules/1", ""),
     ("tagging_rule.delete", "1", r#"{"name":"rule"}"#, "null")),
    (("POST", "/admin/tenant/1/policy-bundles", "/admin/tenant/1/policy-bundles", r#"{"files":{"a.rego":"package budgetguard.policy\nallow := false"},"comment":"shut"}"#),
     ("policy_bundle.upload", "3", "null", r#"{"version":3,"kind":"rego","comment":"shut","isActive":false}"#)),
    (("POST", "/admin/tenant/1/policy-bundles/1/activate", "/admin/tenant/1/policy-bundles/1/activate", ""),
     ("policy_bundle.activate", "1", r#"{"version":2,"isActive":true}"#, r#"{"version":1,"isActive":true,"activatedAt":"2026-01-15T12:00:00.000Z"}"#)),
    (("POST", "/admin/tenant/1/policy-bundles/rollback", "/admin/tenant/1/policy-bundles/rollback", ""),
     ("policy_bundle.roll_back", "2", r#"{"version":1}"#, r#"{"version":2,"isActive":true}"#)),
    (("POST", "/admin/tenant/1/policy-bundles/deactivate", "/admin/tenant/1/policy-bundles/deactivate", ""),
     ("policy_bundle.deactivate", "2", r#"{"version":2,"isActive":true}"#, r#"{"version":2,"isActive":false}"#)),
    (("PATCH", "/admin/tenant/1/tags/1/deactivate", "/admin/tenant/1/tags/1/deactivate", ""),
     ("tag.update", "1", r#"{"isActive":true}"#, r#"{"isActive":false}"#)),
    (("PATCH", "/admin/tenant/1/tags/1/activate", "/admin/tenant/1/tags/1/activate", ""),
     ("tag.update", "1", r#"{"isActive":false}"#, r#"{"isActive":true}"#)),
    (("PUT", "/admin/tenant/1/sessions/chat/budget", "/admin/tenant/1/sessions/chat/budget", r#"{"budgetUsd":4}"#),
     ("session.set_budget", "chat", r#"{"budgetUsd":null}"#, r#"{"budgetUsd":"4"}"#)),
    (("DELETE", "/admin/tenant/1/sessions/chat/budget", "/admin/tenant/1/sessions/chat/budget", ""),
     ("session.set_budget", "chat", r#"{"budgetUsd":"4"}"#, r#"{"budgetUsd":null}"#)),
    (("PUT", "/admin/tenant/1/default-session-budget", "/admin/tenant/1/default-session-budget", r#"{"budgetUsd":4}"#),
     ("tenant.set_default_session_budget", "1", r#"{"defaultSessionBudgetUsd":null}"#, r#"{"defaultSessionBudgetUsd":"4"}"#)),
    (("DELETE", "/admin/tenant/1/default-session-budget", "/admin/tenant/1/default-session-budget", ""),
     ("tenant.set_default_session_budget", "1", r#"{"defaultSessionBudgetUsd":"4"}"#, r#"{"defaultSessionBudgetUsd":null}"#)),
    (("PUT", "/admin/tenant/1/ratelimit", "/admin/tenant/1/ratelimit", r#"{"rateLimitPerMin":5}"#),
     ("tenant.set_rate_limits", "1", r#"{"rateLimitPerMin":100}"#, r#"{"rateLimitPerMin":5}"#)),
    (("PUT", "/admin/tenant/1", "/admin/tenant/1", r#"{"name":"renamed"}"#),
     ("tenant.update", "1", r#"{"name":"acme"}"#, r#"{"name":"renamed"}"#)),
    (("POST", "/admin/alerts/test", "/admin/alerts/test", ""),
     ("alert.test", "", "null", "null")),
    (("POST", "/admin/users", "/admin/users", r#"{"name":"Bob","role":"viewer","password":"correct horse battery"}"#),
     ("user.create", "2", "null", r#"{"name":"Bob","role":"viewer","isActive":true}"#)),
    (("PUT", "/admin/users/1", "/admin/users/1", r#"{"role":"operator"}"#),
     ("user.update", "1", r#"{"role":"admin"}"#, r#"{"role":"operator"}"#)),
    (("DELETE", "/admin/users/1", "/admin/users/1", ""),
     ("user.deactivate", "1", r#"{"isActive":true}"#, r#"{"isActive":false}"#)),
    (("DELETE", "/admin/tenant/1", "/admin/tenant/1", ""),
     ("tenant.close", "1", r#"{"name":"renamed","closedAt":null}"#, r#"{"closedAt":"2026-01-15T12:00:00.000Z"}"#)),
];

/// Changes of what there is with `other` and a weekly budget, none of which can be made.
#[rustfmt::skip]
const FAILURES: &[(&str, &str, &str)] = &[
    ("POST", "/admin/tenant", r#"{"name":"acme"}"#),
    ("PUT", "/admin/tenant/2", r#"{"name":"acme"}"#),
    ("PUT", "/admin/tenant/9", r#"{"name":"nine"}"#),
    ("DELETE", "/admin/tenant/9", ""),
    ("PUT", "/admin/budget/1", r#"{"period":"weekly"}"#),
    ("DELETE", "/admin/budget/9", ""),
    ("DELETE", "/admin/apikey/9", ""),
    ("POST", "/admin/tenant/1/tags", r#"{"name":"spare"}"#),
    ("PUT", "/admin/tenant/1/tags/1", r#"{"parentId":1}"#),
    ("POST", "/admin/tenant/1/tagging-rules", r#"{"name":"rule","actions":{"tags":[{"tagId":1}]}}"#),
    ("PUT", "/admin/tenant/1/sessions/none/budget", r#"{"budgetUsd":1}"#),
    ("POST", "/admin/tenant/1/policy-bundles", r#"{"files":{"a.rego":"package budgetguard.policy\nallow if {"}}"#),
    ("POST", "/admin/tenant/1/policy-bundles/9/activate", ""),
    ("POST", "/admin/tenant/2/policy-bundles/rollback", ""),
    ("POST", "/admin/tenant/2/policy-bundles/deactivate", ""),
    ("POST", "/admin/users", r#"{"name":"ANN","role":"viewer","password":"correct horse battery"}"#),
    ("DELETE", "/admin/users/9", ""),
];

on_both_databases![
    every_change_has_one_row_that_says_what_was_before_and_after,
    a_change_that_fails_leaves_no_row,
    a_change_that_cannot_be_noted_is_not_made,
];

#[test]
fn every_route_that_changes_something_is_in_the_table() {
    let routes = ROUTES.iter().chain(&SCOPE_ROUTES).chain(&ACCESS_ROUTES);
    for (method, path) in routes.filter(|(method, _)| *method != "GET") {
        let is_known = CHANGES
            .iter()
            .any(|(asked, _)| (asked.0, asked.1) == (*method, *path));
        let is_of_oneself = OF_ONESELF.contains(&(*method, *path));
        assert!(
            is_known || is_of_oneself,
            "{method} {path} is not in the table"
        );
    }
}

async fn every_change_has_one_row_that_says_what_was_before_and_after(place: Place) {
    let everything = with_everything(&place).await;
    let installation = &everything.told;
    let mut count = log(installation, "limit=1000").await.len();
    for ((method, _, path, body), told) in CHANGES {
        let answer = installation.call(method, path, body_of(body)).await;
        assert_eq!(
            answer.status.as_u16(),
            200,
            "{method} {path}: {}",
            answer.text
        );
        let log = log(installation, "limit=1000").await;
        count += 1;
        assert_eq!(log.len(), count, "{method} {path}: one row");
        assert_told(&log[0], told);
    }
}

fn body_of(body: &str) -> String {
    match body {
        NEW_PRICE => price("other").to_string(),
        other => other.to_owned(),
    }
}

fn assert_told(row: &Value, (action, target, before, after): &Told) {
    assert_eq!(row["action"], *action);
    assert_eq!(
        row["target"]["id"].as_str().unwrap_or_default(),
        *target,
        "{row}"
    );
    assert_eq!(row["actor"]["kind"], "admin_key");
    assert_eq!(row["at"], "2026-01-15T12:00:00.000Z");
    for (name, expected) in [("before", before), ("after", after)] {
        let expected: Value = serde_json::from_str(expected).unwrap();
        if expected.is_null() {
            assert!(row[name].is_null(), "{action} has {name}: {row}");
        } else {
            assert_fields(&row[name], &expected);
        }
    }
}

async fn a_change_that_fails_leaves_no_row(place: Place) {
    let everything = with_everything(&place).await;
    let installation = &everything.told;
    let other = json!({"name": "other"});
    installation.post("/admin/tenant", other).await;
    let weekly = json!({"budgets": [{"period": "weekly", "amountUsd": 1}]});
    installation.post("/admin/tenant/1/budgets", weekly).await;
    let before = log(installation, "limit=1000").await;
    for (method, path, body) in FAILURES {
        let answer = installation.call(method, path, *body).await;
        let is_refused = answer.status.is_client_error();
        assert!(is_refused, "{method} {path}: {}", answer.text);
    }
    assert_eq!(log(installation, "limit=1000").await, before);
}

async fn a_change_that_cannot_be_noted_is_not_made(place: Place) {
    let everything = with_everything(&place).await;
    let installation = &everything.told;
    let store = &installation.state.store;
    let version = store.catalog_version().await.unwrap();
    let driver = &everything.first.driver;
    driver.execute("DROP TABLE audit_log", &[]).await.unwrap();
    for ((method, _, path, body), _) in CHANGES {
        let answer = installation.call(method, path, body_of(body)).await;
        assert_refused(&answer, 500, "Internal error", path);
    }
    assert_eq!(store.catalog_version().await.unwrap(), version);
    assert_eq!(installation.get("/admin/tenant/1").await["name"], "acme");
    let users = installation.get("/admin/users").await;
    assert_eq!(users.as_array().unwrap().len(), 1);
    assert_fields(&users[0], &json!({"role": "admin", "isActive": true}));
}
