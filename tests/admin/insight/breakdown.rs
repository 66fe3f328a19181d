//! Usage by what requests have in common.

use budgetguard::domain::ledger::Status;
use budgetguard::domain::window::UtcMicros;
use serde_json::{Value, json};

use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::support::{Refused, assert_all_refused, assert_fields, furnish, row};

const DAY: i64 = 86_400_000_000;

on_both_databases!(
    rows_are_dearest_first_and_add_up_to_the_ledgers_sum,
    names_and_totals_are_the_same_however_it_is_asked,
    each_dimension_adds_up_to_the_same,
    days_are_in_order_and_what_is_left_out_is_told,
    what_cannot_be_asked_is_refused_by_name,
);

async fn with_rows(place: &Place) -> Installation {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    let at = |days: i64| UtcMicros::new(NOW.get() - days * DAY);
    let mut blocked = row(4, at(1), "gpt-b", 0);
    blocked.status = Status::Blocked;
    let rows = [
        row(1, NOW, "gpt-a", 2_000_000_000),
        row(2, at(1), "gpt-a", 1_000_000_000),
        row(3, at(1), "gpt-b", 5_000_000_000),
        blocked,
        row(5, at(40), "gpt-c", 7_000_000_000),
    ];
    installation.state.store.append(&rows).await.unwrap();
    installation
}

async fn ask(installation: &Installation, query: &str) -> Value {
    let path = format!("/admin/usage/breakdown?{query}");
    installation.get(&path).await
}

async fn rows_are_dearest_first_and_add_up_to_the_ledgers_sum(place: Place) {
    let installation = with_rows(&place).await;
    let shown = ask(&installation, "by=model").await;
    let rows = json!([
        {"model": "gpt-b", "requests": 2, "inputTokens": 30, "outputTokens": 14, "costUsd": "5",
         "percentage": 62.5},
        {"model": "gpt-a", "requests": 2, "inputTokens": 30, "outputTokens": 14, "costUsd": "3",
         "percentage": 37.5},
    ]);
    assert_eq!(shown["rows"], rows);
    let totals = json!({"requests": 4, "inputTokens": 60, "outputTokens": 28, "costUsd": "8"});
    assert_eq!(shown["totals"], totals);
    assert_eq!(shown["end"], Value::Null);
}

async fn names_and_totals_are_the_same_however_it_is_asked(place: Place) {
    let installation = with_rows(&place).await;
    let totals = json!({"requests": 4, "inputTokens": 60, "outputTokens": 28, "costUsd": "8"});
    let named = json!([
        {"tenantId": 1, "tenant": "acme", "apiKeyId": 1, "apiKeyName": "ci", "requests": 4},
    ]);
    for query in [
        "by=tenant,key",
        "by=key&by=tenant",
        "by=tenant&by=key&tenantId=1",
    ] {
        let shown = ask(&installation, query).await;
        assert_eq!(shown["rows"].as_array().unwrap().len(), 1);
        assert_fields(&shown["rows"][0], &named[0]);
        assert_eq!(shown["totals"], totals, "{query}");
        assert!(shown["rows"][0]["apiKeyPrefix"].is_string());
    }
}

async fn each_dimension_adds_up_to_the_same(place: Place) {
    let installation = with_rows(&place).await;
    let none = ask(&installation, "by=status&tenantId=9").await;
    let nothing = json!({"requests": 0, "inputTokens": 0, "outputTokens": 0, "costUsd": "0"});
    assert_eq!((&none["rows"], &none["totals"]), (&json!([]), &nothing));
    for by in [
        "day", "tenant", "key", "provider", "model", "route", "status",
    ] {
        let shown = ask(&installation, &format!("by={by}&days=3660")).await;
        assert_fields(&shown["totals"], &json!({"requests": 5, "costUsd": "15"}));
    }
}

async fn days_are_in_order_and_what_is_left_out_is_told(place: Place) {
    let installation = with_rows(&place).await;
    let shown = ask(
        &installation,
        "by=day,model&startDate=2026-01-14&endDate=2026-01-15",
    )
    .await;
    let lines = shown["rows"].as_array().unwrap().iter();
    let lines: Vec<_> = lines
        .map(|row| json!([row["day"], row["model"], row["costUsd"]]))
        .collect();
    let expected = json!([
        ["2026-01-14", "gpt-b", "5"],
        ["2026-01-14", "gpt-a", "1"],
        ["2026-01-15", "gpt-a", "2"],
    ]);
    assert_eq!(Value::Array(lines), expected);
    assert_eq!(shown["start"], "2026-01-14T00:00:00.000Z");
    assert_eq!(shown["end"], "2026-01-16T00:00:00.000Z");
    assert_eq!(shown["rest"]["rows"], 0);
    let some = ask(&installation, "by=day,model&limit=1").await;
    assert_eq!(some["rows"].as_array().unwrap().len(), 1);
    let rest = json!({"rows": 2, "requests": 2, "costUsd": "3", "percentage": 37.5});
    assert_fields(&some["rest"], &rest);
    assert_eq!(some["totals"]["costUsd"], "8");
}

async fn what_cannot_be_asked_is_refused_by_name(place: Place) {
    let installation = place.installation(options()).await;
    #[rustfmt::skip]
    let refused: [Refused; 12] = [
        ("GET", "/admin/usage/breakdown", "", 400, "by must be one or two names"),
        ("GET", "/admin/usage/breakdown?by=", "", 400, "by must be one or two names"),
        ("GET", "/admin/usage/breakdown?by=tag", "", 400, "by must be one of: day, tenant"),
        ("GET", "/admin/usage/breakdown?by=day,day", "", 400, "by names the same twice"),
        ("GET", "/admin/usage/breakdown?by=day,model,route", "", 400, "by must be one or two"),
        ("GET", "/admin/usage/breakdown?by=key,route", "", 400, "key cannot be combined"),
        ("GET", "/admin/usage/breakdown?by=status&by=key", "", 400, "key cannot be combined"),
        ("GET", "/admin/usage/breakdown?by=day&limit=0", "", 400, "limit must be"),
        ("GET", "/admin/usage/breakdown?by=day&limit=10001", "", 400, "limit must be"),
        ("GET", "/admin/usage/breakdown?by=day&tenantId=x", "", 400, "tenantId must be"),
        ("GET", "/admin/usage/breakdown?by=day&startDate=2026-01-01", "", 400, "need each other"),
        ("GET", "/admin/usage/breakdown?by=day&days=0", "", 400, "days must be"),
    ];
    assert_all_refused(&installation, &refused).await;
}
