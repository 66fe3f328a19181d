//! Tenants: making, changing and closing them, and their rate limits.

use budgetguard::domain::id::TenantId;
use serde_json::{Value, json};

use crate::support::{assert_fields, assert_refused, furnished};

#[tokio::test]
async fn a_tenant_is_made_and_listed() {
    let installation = furnished().await;
    let beta = json!({
        "name": " beta ", "defaultSessionBudgetUsd": "0.10", "timeZone": "Europe/Paris",
    });
    let made = installation.post("/admin/tenant", beta).await;
    let expected = json!({
        "id": 2, "name": "beta", "rateLimitPerMin": 100, "defaultSessionBudgetUsd": 0.1,
        "timeZone": "Europe/Paris", "createdAt": "2026-01-15T12:00:00.000Z",
        "updatedAt": "2026-01-15T12:00:00.000Z",
    });
    assert_eq!(made, expected);
    assert_eq!(installation.get("/admin/tenant/2").await, expected);
    let all = installation.get("/admin/tenant").await;
    assert_eq!((all.as_array().unwrap().len(), &all[1]), (2, &expected));
    let page = installation.get("/admin/tenant?page=1&limit=1").await;
    assert_eq!(page, json!([expected]));
}

#[tokio::test]
async fn only_what_is_sent_of_a_tenant_is_changed() {
    let installation = furnished().await;
    let tenant = "/admin/tenant/1";
    let limits = json!({"rateLimitPerMin": 7, "defaultSessionBudgetUsd": 1e-3});
    let changed = installation.put(tenant, limits).await;
    assert_fields(&changed, &json!({"name": "acme", "rateLimitPerMin": 7}));
    let rest = json!({"name": "gamma", "rateLimitPerMin": null, "surprise": true});
    let changed = installation.put(tenant, rest).await;
    let expected = json!({
        "id": 1, "name": "gamma", "rateLimitPerMin": null, "defaultSessionBudgetUsd": 0.001,
    });
    assert_fields(&changed, &expected);
    installation
        .post("/admin/tenant", json!({"name": "acme"}))
        .await;
    let answer = installation.call("PUT", tenant, r#"{"name":"acme"}"#).await;
    assert_refused(
        &answer,
        400,
        "Tenant already exists",
        "a name that is taken",
    );
}

#[tokio::test]
async fn tenants_and_keys_have_limits_of_three_kinds() {
    let installation = furnished().await;
    for (path, requests) in [
        ("/admin/tenant/1/ratelimit", json!(100)),
        ("/admin/apikey/1/ratelimit", json!(null)),
    ] {
        let shown = installation.get(path).await;
        let expected =
            json!({"rateLimitPerMin": requests, "tokensPerMin": null, "maxConcurrent": null});
        assert_eq!(shown, expected, "{path}");
        let limits = json!({"tokensPerMin": 5_000, "maxConcurrent": "7"});
        let set = installation.put(path, limits).await;
        let expected =
            json!({"rateLimitPerMin": requests, "tokensPerMin": 5_000, "maxConcurrent": 7});
        assert_eq!(set, expected, "{path}");
        let cleared = installation.put(path, json!({"tokensPerMin": null})).await;
        assert_fields(&cleared, &json!({"tokensPerMin": null, "maxConcurrent": 7}));
        assert_eq!(installation.get(path).await, cleared);
        let answer = installation
            .call("PUT", path, r#"{"maxConcurrent":-1}"#)
            .await;
        assert_refused(&answer, 400, "maxConcurrent must be >= 0", path);
    }
    let snapshot = installation.state.catalog.snapshot();
    let limits = snapshot.keys.values().next().unwrap().limits;
    assert_eq!(limits.concurrent.unwrap().get(), 7);
    let answer = installation.call("PUT", "/admin/apikey/9/ratelimit", r#"{"maxConcurrent":1}"#);
    assert_refused(&answer.await, 404, "API key not found", "nobody's key");
}

#[tokio::test]
async fn a_rate_limit_is_in_force_when_it_is_answered() {
    let installation = furnished().await;
    let path = "/admin/tenant/1/ratelimit";
    for (sent, limit) in [
        (json!(0), Some(0)),
        (json!("25"), Some(25)),
        (Value::Null, None),
    ] {
        let set = installation
            .put(path, json!({"rateLimitPerMin": sent}))
            .await;
        assert_fields(&set, &json!({"rateLimitPerMin": limit}));
        assert_eq!(installation.get(path).await, set);
        let snapshot = installation.state.catalog.snapshot();
        let tenant = &snapshot.tenants[&TenantId(1)].tenant;
        assert_eq!(tenant.requests_per_minute, limit);
    }
}

#[tokio::test]
async fn a_closed_tenant_is_gone_but_for_its_ledger() {
    let installation = furnished().await;
    let closed = installation.delete("/admin/tenant/1").await;
    assert_eq!(closed, json!({"ok": true}));
    let snapshot = installation.state.catalog.snapshot();
    assert!(snapshot.tenants[&TenantId(1)].tenant.is_closed);
    for (method, path) in [
        ("GET", "/admin/tenant/1"),
        ("DELETE", "/admin/tenant/1"),
        ("GET", "/admin/tenant/1/ratelimit"),
        ("GET", "/admin/tenant/1/budgets"),
        ("GET", "/admin/tenant/1/usage"),
        ("GET", "/admin/tenant/1/usage/history"),
        ("GET", "/admin/tenant/1/usage/models"),
        ("POST", "/admin/tenant/1/apikeys"),
        ("GET", "/admin/apikey/1/budgets"),
        ("PUT", "/admin/budget/1"),
    ] {
        let answer = installation.call(method, path, "{}").await;
        assert_refused(&answer, 404, "not found", path);
    }
    let keys = installation.get("/admin/tenant/1/apikeys").await;
    assert_eq!(keys, json!([]));
    assert_eq!(installation.get("/admin/tenant").await, json!([]));
    installation.get("/admin/tenant/1/usage/ledger").await;
    let again = installation
        .post("/admin/tenant", json!({"name": "acme"}))
        .await;
    assert_fields(&again, &json!({"id": 2}));
}
