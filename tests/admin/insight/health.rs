//! Every budget with what it stands at.

use std::time::Duration;

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::session::SessionRef;
use serde_json::{Value, json};

use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::support::{Refused, assert_all_refused, assert_fields, furnish, hold, row};

const HEALTH: &str = "/admin/budget-health";

on_both_databases!(
    every_budget_of_every_scope_is_told_of,
    what_is_asked_for_is_counted_and_paged,
    figures_are_those_that_requests_are_decided_by,
);

/// Budgets of all scopes of `acme`, and one of a tenant that is closed.
async fn with_budgets(place: &Place) -> Installation {
    let installation = place.installation(options()).await;
    let post = async |path: &str, body: Value| installation.post(path, body).await;
    furnish(&installation).await;
    let budgets = |period: &str, amount: i64, more: Value| {
        let mut budget = json!({"period": period, "amountUsd": amount});
        let more = more.as_object().unwrap().clone();
        budget.as_object_mut().unwrap().extend(more);
        json!({"budgets": [budget]})
    };
    post("/admin/budgets", budgets("monthly", 1_000, json!({}))).await;
    let shadow = json!({"enforcement": "shadow", "models": ["gpt-*"]});
    post("/admin/apikey/1/budgets", budgets("hourly", 4, shadow)).await;
    post("/admin/tenant/1/tags", json!({"name": "team"})).await;
    post(
        "/admin/tenant/1/tags",
        json!({"name": "leaf", "parentId": 1}),
    )
    .await;
    let budget = json!({"period": "total", "amountUsd": 50});
    post("/admin/tenant/1/tags/2/budgets", budget).await;
    post("/admin/tenant", json!({"name": "gone"})).await;
    post("/admin/tenant/2/budgets", budgets("daily", 1, json!({}))).await;
    installation.delete("/admin/tenant/2").await;
    with_session(&installation).await;
    installation
}

/// A session that has spent all that it may.
async fn with_session(installation: &Installation) {
    let rows = [LedgerRow {
        session: Some(SessionRef {
            id: "chat".to_owned(),
            name: Some("A chat".to_owned()),
            path: None,
        }),
        ..row(1, NOW, "gpt-5", 3_000_000_000)
    }];
    installation.state.store.append(&rows).await.unwrap();
    let budget = json!({"budgetUsd": 3});
    installation
        .put("/admin/tenant/1/sessions/chat/budget", budget)
        .await;
}

async fn every_budget_of_every_scope_is_told_of(place: Place) {
    let installation = with_budgets(&place).await;
    let shown = installation.get(HEALTH).await;
    let thresholds = json!({"warning": 75, "critical": 90, "exceeded": 100});
    assert_eq!(shown["thresholds"], thresholds);
    assert_eq!(shown["at"], NOW.to_string());
    let budgets = shown["data"].as_array().unwrap();
    let scopes: Vec<_> = budgets
        .iter()
        .map(|it| it["scope"].as_str().unwrap())
        .collect();
    assert_eq!(scopes[0], "session", "it is spent");
    let of = |scope: &str| budgets.iter().find(|it| it["scope"] == scope).unwrap();
    let session = json!({
        "id": null, "name": "A chat", "tenantId": 1, "tenant": "acme", "sessionId": "chat",
        "period": "total", "windowStart": null, "windowEnd": null, "limitUsd": "3",
        "spentUsd": "3", "heldUsd": "0", "leftUsd": "0", "percent": 100, "heldPercent": 0,
        "status": "exceeded", "isShadow": false, "wouldHaveRefused": null, "forecast": null,
    });
    assert_fields(of("session"), &session);
    let installation_wide = json!({
        "name": "", "tenantId": null, "tenant": null, "apiKeyId": null, "tagId": null,
        "period": "monthly", "windowStart": "2026-01-01T00:00:00.000Z",
        "windowEnd": "2026-02-01T00:00:00.000Z", "limitUsd": "1000", "status": "healthy",
    });
    assert_fields(of("installation"), &installation_wide);
    let key = json!({
        "name": "ci", "tenantId": 1, "apiKeyId": 1, "period": "hourly", "models": ["gpt-*"],
        "providers": [], "isShadow": true, "wouldHaveRefused": 0,
    });
    assert_fields(of("key"), &key);
    let tag = json!({"name": "team/leaf", "tagId": 2, "period": "total", "forecast": null});
    assert_fields(of("tag"), &tag);
    assert_fields(
        of("tenant"),
        &json!({"name": "acme", "period": "daily", "limitUsd": "10"}),
    );
    assert_eq!(budgets.len(), 5, "closed tenants have none: {shown}");
}

async fn what_is_asked_for_is_counted_and_paged(place: Place) {
    let installation = with_budgets(&place).await;
    for (query, total) in [
        ("", 5),
        ("?tenantId=1", 4),
        ("?tenantId=2", 0),
        ("?tenantId=9", 0),
        ("?scope=tag", 1),
        ("?scope=installation&tenantId=1", 0),
        ("?status=exceeded", 1),
        ("?status=critical", 0),
        ("?page=1&limit=4", 5),
    ] {
        let shown = installation.get(&format!("{HEALTH}{query}")).await;
        assert_eq!(shown["total"], total, "{query}: {shown}");
    }
    let last = installation.get(&format!("{HEALTH}?page=1&limit=4")).await;
    assert_eq!(last["data"].as_array().unwrap().len(), 1);
    let exceeded = installation.get(&format!("{HEALTH}?status=exceeded")).await;
    let counts = &exceeded["counts"];
    assert_eq!(counts["exceeded"], 1);
    let all: u64 = ["healthy", "warning", "critical", "exceeded"]
        .iter()
        .map(|name| counts[*name].as_u64().unwrap())
        .sum();
    assert_eq!(all, 5, "whatever the status: {counts}");
    #[rustfmt::skip]
    let refused: [Refused; 8] = [
        ("GET", "/admin/budget-health?tenantId=0", "", 400, "tenantId must be"),
        ("GET", "/admin/budget-health?tenantId=abc", "", 400, "tenantId must be"),
        ("GET", "/admin/budget-health?scope=team", "", 400, "scope must be one of"),
        ("GET", "/admin/budget-health?status=bad", "", 400, "status must be one of"),
        ("GET", "/admin/budget-health?limit=0", "", 400, "limit must be"),
        ("GET", "/admin/budget-health?limit=1001", "", 400, "limit must be"),
        ("GET", "/admin/budget-health?page=-1", "", 400, "page must be"),
        ("POST", "/admin/budget-health", "", 405, "Method not allowed"),
    ];
    assert_all_refused(&installation, &refused).await;
}

async fn figures_are_those_that_requests_are_decided_by(place: Place) {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    // A quarter of the day is over.
    installation.clock.set(NOW.minus(Duration::from_hours(6)));
    let health = format!("{HEALTH}?scope=tenant");
    let under_way = hold(&installation, 1, 2_000_000_000).await;
    let shown = installation.get(&health).await;
    let expected =
        json!({"spentUsd": "0", "heldUsd": "2", "leftUsd": "8", "percent": 0, "heldPercent": 20});
    assert_fields(&shown["data"][0], &expected);
    installation
        .state
        .engine
        .settle(&under_way, Usd::from_nanos(1_500_000_001));
    let shown = installation.get(&health).await;
    let budget = &shown["data"][0];
    let settled = json!({
        "spentUsd": "1.500000001", "heldUsd": "0", "leftUsd": "8.499999999", "percent": 15,
        "windowStart": "2026-01-15T00:00:00.000Z", "windowEnd": "2026-01-16T00:00:00.000Z",
    });
    assert_fields(budget, &settled);
    let forecast = json!({"usd": "6.000000004", "percent": 60, "status": "healthy"});
    assert_eq!(budget["forecast"], forecast);
}
