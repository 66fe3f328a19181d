//! `POST /admin/whatif`: the question as it is sent, and the answer as it is read.

#![expect(clippy::too_many_lines, reason = "each test tells one story")]

use std::sync::Arc;

use budgetguard::domain::id::PriceId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::Store;
use budgetguard::whatif::WhatIf;
use serde_json::{Value, json};

use crate::installation::{Installation, NOW};
use crate::support::{Away, assert_fields, assert_refused, furnished, row};

const WHATIF: &str = "/admin/whatif";

/// A request so many minutes before now, that cost what it held.
fn minutes_ago(number: u8, minutes: i64, model: &str, nanos: i64) -> LedgerRow {
    let at = UtcMicros::new(NOW.get() - minutes * 60_000_000);
    LedgerRow {
        price: Some(PriceId(1)),
        held: Usd::from_nanos(nanos),
        ..row(number, at, model, nanos)
    }
}

/// Three requests on the day of [`NOW`], of $2, $3 and $4.
async fn recorded() -> Installation {
    let installation = furnished().await;
    let rows = [
        minutes_ago(1, 30, "gpt-test", 2_000_000_000),
        minutes_ago(2, 20, "o1-pro", 3_000_000_000),
        minutes_ago(3, 10, "gpt-test", 4_000_000_000),
    ];
    installation.state.store.append(&rows).await.unwrap();
    installation
}

fn question(changes: Value) -> Value {
    let mut question = json!({"from": "2026-01-15", "to": "2026-01-15"});
    question["changes"] = changes;
    question
}

async fn ask(installation: &Installation, changes: Value) -> Value {
    installation.post(WHATIF, question(changes)).await
}

#[tokio::test]
async fn an_answer_says_what_was_and_what_would_have_been() {
    let installation = recorded().await;
    let lower = json!({"alterBudgets": [{"budgetId": 1, "amountUsd": "5"}]});
    let answer = ask(&installation, lower).await;
    let expected = json!({
        "from": "2026-01-15T00:00:00.000Z", "to": "2026-01-15T23:59:59.999Z", "rowsReplayed": 3,
        "recorded": {"requests": 3, "admitted": 3, "refused": 0, "costUsd": "9"},
        "inForce": {
            "admitted": 3, "refused": 0, "refusedByReason": {}, "costUsd": "9",
            "newlyAdmitted": 0, "newlyAdmittedCostUsd": null,
        },
        "withChanges": {
            "admitted": 2, "refused": 1, "refusedByReason": {"budget_exceeded": 1}, "costUsd": "5",
            "newlyAdmitted": 0, "newlyAdmittedCostUsd": null,
        },
        "savedUsd": "4", "leftOut": 0,
    });
    assert_fields(&answer, &expected);
    let of_all = json!({
        "requests": 3, "costUsd": "9", "admitted": 2, "refused": 1, "savedUsd": "4", "newlyAdmitted": 0,
    });
    assert_fields(&answer["tenants"][0], &of_all);
    assert_fields(
        &answer["tenants"][0],
        &json!({"tenantId": 1, "tenant": "acme"}),
    );
    assert_fields(&answer["apiKeys"][0], &of_all);
    let budget = json!({
        "budgetId": 1, "scope": "tenant", "tenantId": 1, "period": "daily", "amountUsd": "5",
        "enforcement": "enforce", "charged": 2, "refused": 1, "wouldHaveRefused": 0,
        "firstRefusedAt": "2026-01-15T11:50:00.000Z", "highestUseUsd": "5",
    });
    assert_fields(&answer["budgets"][0], &budget);
    assert_eq!(answer["decisionsHash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn each_kind_of_change_has_its_effect() {
    let installation = recorded().await;
    let rules = "package budgetguard.policy\nimport rego.v1\ndefault allow := false\n\
                 allow if input.model != \"o1-pro\"";
    for (changes, admitted, why) in [
        (json!({}), 3, json!({})),
        (
            json!({"setBudgets": [{"apiKeyId": 1, "period": "total", "amountUsd": 5}]}),
            2,
            json!({"budget_exceeded": 1}),
        ),
        (
            json!({"setBudgets": [{"period": "hourly", "amountUsd": 1}]}),
            0,
            json!({"budget_exceeded": 3}),
        ),
        (
            json!({"setBudgets": [{"tenantId": 1, "period": "daily", "amountUsd": 1, "models": ["o1*"]}]}),
            2,
            json!({"budget_exceeded": 1}),
        ),
        (
            json!({"setBudgets": [{"tenantId": 1, "period": "total", "amountUsd": 1, "enforcement": "shadow"}]}),
            3,
            json!({}),
        ),
        (
            json!({"removeBudgets": [1], "defaultBudgets": {"daily": "2"}}),
            1,
            json!({"budget_exceeded": 2}),
        ),
        (
            json!({"rateLimits": [{"tenantId": 1, "rateLimitPerMin": 1}]}),
            3,
            json!({}),
        ),
        (
            json!({"rateLimits": [{"apiKeyId": 1, "tokensPerMin": 21}]}),
            0,
            json!({"rate_limited": 3}),
        ),
        (json!({"policy": rules}), 2, json!({"policy_denied": 1})),
    ] {
        let answer = ask(&installation, changes.clone()).await;
        let told = &answer["withChanges"];
        assert_eq!(
            (&told["admitted"], &told["refusedByReason"]),
            (&json!(admitted), &why),
            "{changes}"
        );
        // What is asked about is not in force.
        assert_eq!(answer["inForce"]["admitted"], 3, "{changes}");
    }
    let shadow =
        json!({"alterBudgets": [{"budgetId": 1, "amountUsd": 1, "enforcement": "shadow"}]});
    let answer = ask(&installation, shadow).await;
    let budget =
        json!({"enforcement": "shadow", "charged": 3, "refused": 0, "wouldHaveRefused": 3});
    assert_fields(&answer["budgets"][0], &budget);
    let new = json!({"setBudgets": [{"apiKeyId": 1, "period": "total", "amountUsd": 99}]});
    let answer = ask(&installation, new).await;
    let new = answer["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|budget| budget["budgetId"].is_null());
    assert_fields(
        new.unwrap(),
        &json!({"apiKeyId": 1, "charged": 3, "highestUseUsd": "9"}),
    );
    let listed = installation.get("/admin/tenant/1/budgets").await;
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["amountUsd"]),
        (1, &json!("10"))
    );
}

#[tokio::test]
async fn a_question_that_is_not_understood_is_refused_by_name() {
    let installation = recorded().await;
    let day = |more: Value| {
        let mut body = question(json!({}));
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (body, reason) in [
        (json!({}), "from must be a date"),
        (json!({"from": "2026-01-15"}), "to must be a date"),
        (
            json!({"from": "2026-01-15", "to": "2026-01-14"}),
            "to must not be before from",
        ),
        (
            json!({"from": "2024-01-01", "to": "2026-01-01"}),
            "to must be at most 366 days",
        ),
        (day(json!({"tenantId": 9})), "tenantId names no tenant"),
        (day(json!({"apiKeyId": 9})), "apiKeyId names no API key"),
        (day(json!({"budgets": []})), "budgets is not known here"),
        (
            question(json!({"setBudget": []})),
            "changes/setBudget is not known here",
        ),
        (
            question(json!({"removeBudgets": [7]})),
            "changes/removeBudgets names no budget",
        ),
        (
            question(json!({"alterBudgets": [{"budgetId": 7}]})),
            "changes/alterBudgets/0/budgetId names no budget",
        ),
        (
            question(json!({"setBudgets": [{"tagId": 3, "period": "daily", "amountUsd": 1}]})),
            "tagId names no tag",
        ),
        (
            question(json!({"setBudgets": [{"period": "daily"}]})),
            "changes/setBudgets/0/amountUsd is required",
        ),
        (
            question(json!({"setBudgets": [{"period": "daily", "amountUsd": -1}]})),
            "must be >= 0",
        ),
        (
            question(json!({"rateLimits": [{"rateLimitPerMin": 1}]})),
            "tenantId or apiKeyId is required",
        ),
        (
            question(json!({"defaultBudgets": {"yearly": 1}})),
            "yearly is no period",
        ),
        (
            question(json!({"policy": "package budgetguard.policy\nallow if {"})),
            "policy:2:",
        ),
        (
            question(json!({"policy": "x".repeat(65 * 1024)})),
            "policy must be at most",
        ),
    ] {
        let answer = installation.call("POST", WHATIF, body.to_string()).await;
        assert_refused(&answer, 400, reason, &body.to_string());
    }
}

#[tokio::test]
async fn a_second_question_is_told_when_to_come_again() {
    let installation = recorded().await;
    let turn = Arc::clone(&installation.state.whatif.turn);
    let taken = turn.try_acquire_owned().unwrap();
    let body = question(json!({})).to_string();
    let answer = installation.call("POST", WHATIF, body.clone()).await;
    assert_refused(&answer, 503, "Another question", "one at a time");
    assert_eq!(answer.headers["retry-after"], "5");
    drop(taken);
    assert!(
        installation
            .call("POST", WHATIF, body)
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn while_the_database_is_away_there_is_no_answer() {
    let installation = recorded().await;
    let known = &installation.state.whatif;
    let away = WhatIf {
        store: Store::new(Arc::new(Away)),
        catalog: Arc::clone(&known.catalog),
        defaults: Arc::clone(&known.defaults),
        policy: Arc::clone(&known.policy),
        turn: WhatIf::one_at_a_time(),
        ..**known
    };
    let cut_off = installation.with_part(|state| state.whatif = Arc::new(away));
    let body = question(json!({})).to_string();
    let answer = cut_off.call("POST", WHATIF, body).await;
    assert_refused(&answer, 503, "The database is not available", "away");
}
