//! Sessions: listing them, what they cost, and what they may spend.

use budgetguard::domain::id::TenantId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::session::SessionRef;
use serde_json::{Value, json};

use crate::installation::{Installation, NOW};
use crate::support::{assert_fields, assert_refused, furnished, row};

const SESSIONS: &str = "/admin/tenant/1/sessions";

fn in_session(number: u8, id: &str, name: Option<&str>) -> LedgerRow {
    LedgerRow {
        session: Some(SessionRef {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            path: Some("/agents".to_owned()),
        }),
        ..row(
            number,
            NOW.plus(std::time::Duration::from_secs(number.into())),
            "gpt-5",
            1_000_000_000,
        )
    }
}

/// `a/b` with two requests of $1, `chat 2` with one.
async fn with_sessions() -> Installation {
    let installation = furnished().await;
    let rows = [
        in_session(1, "a/b", Some("First")),
        in_session(2, "chat 2", None),
        in_session(3, "a/b", Some("Later")),
    ];
    installation.state.store.append(&rows).await.unwrap();
    installation
}

#[tokio::test]
async fn sessions_are_listed_with_what_they_cost() {
    let installation = with_sessions().await;
    let listed = installation.get(SESSIONS).await;
    let pages = json!({"page": 1, "limit": 50, "total": 2, "totalPages": 1});
    assert_eq!(listed["pagination"], pages);
    let first = json!({
        "sessionId": "a/b", "name": "First", "path": "/agents", "effectiveBudgetUsd": null,
        "currentCostUsd": 2, "status": "active", "metadata": null, "requestCount": 2,
    });
    assert_fields(&listed["sessions"][0], &first);
    assert_eq!(listed["sessions"][1]["sessionId"], "chat 2");
    for (query, count) in [
        ("?search=CHAT", 1),
        ("?search=first", 1),
        ("?search=%25", 0),
        ("?status=active", 2),
        ("?status=budget_exceeded", 0),
        ("?startDate=2020-01-01&endDate=2020-01-02", 0),
        ("?endDate=2200-01-01", 2),
        ("?limit=1&page=2", 1),
        ("?page=3", 0),
    ] {
        let listed = installation.get(&format!("{SESSIONS}{query}")).await;
        assert_eq!(
            listed["sessions"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_sessions_requests_are_shown_newest_first() {
    let installation = with_sessions().await;
    let usage = installation.get("/admin/sessions/a%2Fb/usage").await;
    let session = json!({"sessionId": "a/b", "tenantId": 1, "currentCostUsd": 2});
    assert_fields(&usage["session"], &session);
    let request = json!({
        "route": "/v1/chat/completions", "model": "gpt-5", "usd": 1, "promptTokens": 15,
        "completionTokens": 7, "status": "success", "tags": [],
    });
    assert_fields(&usage["usage"][0], &request);
    assert_eq!(usage["pagination"]["total"], 2);

    // Another tenant may have one of the same id.
    installation
        .post("/admin/tenant", json!({"name": "b"}))
        .await;
    let theirs = LedgerRow {
        tenant: TenantId(2),
        ..in_session(4, "a/b", None)
    };
    installation.state.store.append(&[theirs]).await.unwrap();
    let path = "/admin/sessions/a%2Fb/usage";
    let answer = installation.call("GET", path, "").await;
    assert_refused(&answer, 400, "name one by tenantId", "two of them");
    let usage = installation.get(&format!("{path}?tenantId=2")).await;
    assert_eq!(usage["pagination"]["total"], 1);
}

#[tokio::test]
async fn a_sessions_budget_is_its_own_else_the_default() {
    let installation = with_sessions().await;
    let path = "/admin/tenant/1/sessions/chat%202/budget";
    let default = "/admin/tenant/1/default-session-budget";
    let set = installation.put(default, json!({"budgetUsd": 5})).await;
    let expected = json!({
        "tenantId": 1, "tenantName": "acme", "defaultSessionBudgetUsd": 5,
    });
    assert_eq!(set, expected);
    let shown = installation.get(path).await;
    let source = json!({
        "tenantName": "acme", "tenantDefaultBudget": 5, "hasCustomBudget": false,
        "customBudget": null,
    });
    assert_fields(
        &shown,
        &json!({"effectiveBudgetUsd": 5, "budgetSource": source}),
    );
    let own = installation.put(path, json!({"budgetUsd": "0.5"})).await;
    let expected = json!({
        "sessionId": "chat 2", "effectiveBudgetUsd": 0.5, "currentCostUsd": 1,
        "status": "budget_exceeded",
    });
    assert_eq!(own, expected);
    let reverted = installation.delete(path).await;
    assert_fields(
        &reverted,
        &json!({"effectiveBudgetUsd": 5, "reverted": true}),
    );
    let removed = installation.delete(default).await;
    assert_fields(
        &removed,
        &json!({"defaultSessionBudgetUsd": null, "removed": true}),
    );
    assert_fields(
        &installation.get(default).await,
        &json!({"sessionCount": 2}),
    );
}

const BAD_REQUESTS: &[(&str, &str, &str, u16, &str)] = &[
    (
        "GET",
        "/admin/tenant/x/sessions",
        "",
        400,
        "Invalid tenant ID",
    ),
    (
        "GET",
        "/admin/tenant/9/sessions",
        "",
        404,
        "Tenant not found",
    ),
    (
        "GET",
        "/admin/tenant/1/sessions?status=odd",
        "",
        400,
        "status must be one of",
    ),
    (
        "GET",
        "/admin/tenant/1/sessions?page=0",
        "",
        400,
        "page must be",
    ),
    (
        "GET",
        "/admin/tenant/1/sessions?limit=101",
        "",
        400,
        "limit must be",
    ),
    (
        "GET",
        "/admin/tenant/1/sessions?startDate=x",
        "",
        400,
        "Invalid date format",
    ),
    (
        "GET",
        "/admin/sessions/nobodys/usage",
        "",
        404,
        "Session not found",
    ),
    (
        "GET",
        "/admin/tenant/1/sessions/nobodys/budget",
        "",
        404,
        "Session not found",
    ),
    (
        "PUT",
        "/admin/tenant/1/sessions/a%2Fb/budget",
        "{}",
        400,
        "budgetUsd is required",
    ),
    (
        "PUT",
        "/admin/tenant/1/sessions/a%2Fb/budget",
        r#"{"budgetUsd":-1}"#,
        400,
        "must be >= 0",
    ),
    (
        "PUT",
        "/admin/tenant/9/sessions/a/budget",
        r#"{"budgetUsd":1}"#,
        404,
        "Tenant not found",
    ),
    (
        "DELETE",
        "/admin/tenant/1/sessions/nobodys/budget",
        "",
        404,
        "Session not found",
    ),
    (
        "PUT",
        "/admin/tenant/9/default-session-budget",
        r#"{"budgetUsd":1}"#,
        404,
        "Tenant",
    ),
    (
        "PUT",
        "/admin/tenant/1/default-session-budget",
        "{}",
        400,
        "budgetUsd is required",
    ),
];

#[tokio::test]
async fn what_cannot_be_done_with_a_session_is_refused_with_a_reason() {
    let installation = with_sessions().await;
    let long = format!("/admin/tenant/1/sessions/{}/budget", "x".repeat(201));
    for (method, path, body, status, reason) in BAD_REQUESTS {
        let answer = installation.call(method, path, *body).await;
        assert_refused(&answer, *status, reason, &format!("{method} {path} {body}"));
    }
    let answer = installation.call("GET", &long, "").await;
    assert_refused(&answer, 400, "Invalid session ID", "a long one");
    assert_eq!(
        installation.get(SESSIONS).await["sessions"][0]["effectiveBudgetUsd"],
        Value::Null
    );
}
