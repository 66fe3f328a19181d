//! Budgets of tenants and keys: setting them, and what they stand at.

use budgetguard::domain::money::Usd;
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::support::{assert_fields, assert_refused, furnished, hold};

const BUDGETS: &str = "/admin/tenant/1/budgets";

#[tokio::test]
async fn a_tenant_has_one_exact_budget_for_each_period() {
    let installation = furnished().await;
    let budgets = json!({"budgets": [
        {"period": "daily", "amountUsd": "20.50"},
        {"period": "hourly", "amountUsd": 1e1},
        {"period": "weekly", "amountUsd": "9007199.254740993"},
        {"period": "monthly", "amountUsd": 0},
        {"period": "total", "amountUsd": 1000},
        {"period": "custom", "amountUsd": 5, "startDate": "2026-01-10", "endDate": "2026-01-20"},
    ]});
    let set = installation.post(BUDGETS, budgets).await;
    let amounts = set.as_array().unwrap().iter();
    let amounts: Vec<_> = amounts.map(|budget| budget["amountUsd"].as_str()).collect();
    let expected = ["20.5", "10", "9007199.254740993", "0", "1000", "5"];
    assert_eq!(amounts, expected.map(Some));
    // The daily budget is the one that was there.
    let daily = json!({"id": 1, "tenantId": 1, "startDate": null, "endDate": null});
    assert_fields(&set[0], &daily);
    // The last day counts as a whole.
    let custom = json!({
        "startDate": "2026-01-10T00:00:00.000Z", "endDate": "2026-01-20T23:59:59.999Z",
    });
    assert_fields(&set[5], &custom);
    assert!(set[0].get("apiKeyId").is_none());
}

#[tokio::test]
async fn budgets_are_set_all_or_none() {
    let installation = furnished().await;
    let one_bad = json!({"budgets": [
        {"period": "daily", "amountUsd": 99},
        {"period": "weekly", "amountUsd": -1},
    ]});
    let answer = installation
        .call("POST", BUDGETS, one_bad.to_string())
        .await;
    assert_refused(
        &answer,
        400,
        "budgets/1/amountUsd must be >= 0",
        "one is bad",
    );
    let listed = installation.get(BUDGETS).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_fields(&listed[0], &json!({"amountUsd": "10"}));
}

#[tokio::test]
async fn budgets_show_what_requests_are_decided_by() {
    let installation = furnished().await;
    let budgets = json!({"budgets": [
        {"period": "total", "amountUsd": 100},
        {"period": "custom", "amountUsd": 9, "startDate": "2026-02-01", "endDate": "2026-02-02"},
    ]});
    installation.post(BUDGETS, budgets).await;
    let settled = hold(&installation, 1, 3_000_000_000).await;
    let actual = Usd::from_nanos(1_000_000_001);
    installation.state.engine.settle(&settled, actual);
    let _under_way = hold(&installation, 2, 2_000_000_000).await;
    let listed = installation.get(BUDGETS).await;
    let daily = json!({
        "currentUsage": 1.000_000_001, "heldUsd": "2", "isRecurring": true,
        "currentPeriodStartDate": "2026-01-15T00:00:00.000Z",
        "currentPeriodEndDate": "2026-01-15T23:59:59.999Z",
    });
    assert_fields(&listed[0], &daily);
    let total = json!({"currentUsage": 1.000_000_001, "heldUsd": "2", "isRecurring": false});
    assert_fields(&listed[1], &total);
    assert!(listed[1].get("currentPeriodEndDate").is_none());
    let to_come = json!({
        "currentUsage": 0, "heldUsd": "0", "isRecurring": false,
        "currentPeriodStartDate": "2026-02-01T00:00:00.000Z",
    });
    assert_fields(&listed[2], &to_come);
    let usage = installation.call("GET", "/admin/tenant/1/usage", "").await;
    assert_eq!(usage.text, r#"{"daily":1.000000001,"monthly":0}"#);
}

#[tokio::test]
async fn a_budget_is_changed_and_deleted() {
    let installation = furnished().await;
    let budget = "/admin/budget/1";
    let custom = json!({
        "period": "custom", "startDate": "2026-02-01", "endDate": "2026-02-01T08:00:00Z",
    });
    let changed = installation.put(budget, custom).await;
    let expected = json!({
        "period": "custom", "amountUsd": "10", "startDate": "2026-02-01T00:00:00.000Z",
        "endDate": "2026-02-01T23:59:59.999Z",
    });
    assert_fields(&changed, &expected);
    // What is shown can be sent back.
    let end = json!({"endDate": changed["endDate"]});
    assert_fields(&installation.put(budget, end).await, &expected);

    let weekly = json!({"budgets": [{"period": "weekly", "amountUsd": 1}]});
    installation.post(BUDGETS, weekly).await;
    let taken = r#"{"period":"weekly"}"#;
    let answer = installation.call("PUT", budget, taken).await;
    assert_refused(
        &answer,
        400,
        "A budget with this period already exists",
        taken,
    );
    assert_eq!(installation.delete(budget).await, json!({"ok": true}));
    let answer = installation.call("DELETE", budget, "").await;
    assert_refused(&answer, 404, "Budget not found", budget);
}

#[tokio::test]
async fn dates_follow_the_tenants_calendar() {
    let installation = Installation::new().await;
    let tenant = json!({"name": "tokyo", "timeZone": "Asia/Tokyo"});
    installation.post("/admin/tenant", tenant).await;
    let custom = json!({"budgets": [
        {"period": "custom", "amountUsd": 1, "startDate": "2026-02-01", "endDate": "2026-02-01"},
    ]});
    let set = installation.post(BUDGETS, custom).await;
    let expected = json!({
        "startDate": "2026-01-31T15:00:00.000Z", "endDate": "2026-02-01T14:59:59.999Z",
    });
    assert_fields(&set[0], &expected);
}

#[tokio::test]
async fn a_key_has_budgets_of_its_own() {
    let installation = furnished().await;
    let path = "/admin/apikey/1/budgets";
    let budgets = json!({"budgets": [{"period": "daily", "amountUsd": 2}]});
    let set = installation.post(path, budgets).await;
    assert_fields(&set[0], &json!({"apiKeyId": 1, "tenantId": 1}));
    let _under_way = hold(&installation, 1, 500_000_000).await;
    let held = json!({"heldUsd": "0.5", "currentUsage": 0});
    assert_fields(&installation.get(path).await[0], &held);
    // The key's spending is the tenant's too.
    let of_tenant: Value = installation.get(BUDGETS).await;
    assert_eq!(of_tenant.as_array().unwrap().len(), 1);
    assert_fields(&of_tenant[0], &held);
}

#[tokio::test]
async fn a_budget_refuses_unless_it_is_said_to_be_a_shadow() {
    let installation = furnished().await;
    let listed = installation.get(BUDGETS).await;
    assert_fields(&listed[0], &json!({"enforcement": "enforce"}));
    assert!(listed[0].get("wouldHaveRefused").is_none());
    let shadow = json!({"enforcement": "shadow"});
    let changed = installation.put("/admin/budget/1", shadow).await;
    assert_fields(
        &changed,
        &json!({"enforcement": "shadow", "amountUsd": "10"}),
    );
    let listed = installation.get(BUDGETS).await;
    assert_fields(&listed[0], &json!({"wouldHaveRefused": 0}));
    for wrong in [json!("off"), json!(true)] {
        let body = json!({"enforcement": wrong}).to_string();
        let answer = installation.call("PUT", "/admin/budget/1", body).await;
        assert_refused(&answer, 400, "enforcement must be", "neither of the two");
    }
    // A budget that is set in its place is as it says itself.
    let budgets = json!({"budgets": [{"period": "daily", "amountUsd": 10}]});
    let set = installation.post(BUDGETS, budgets).await;
    assert_fields(&set[0], &json!({"id": 1, "enforcement": "enforce"}));
}
