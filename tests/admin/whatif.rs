//! `POST /admin/whatif`: the question as it is sent, and the answer as it is read.

use std::sync::Arc;

use budgetguard::domain::id::PriceId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::Store;
use budgetguard::whatif::WhatIf;
use serde_json::{Value, json};

use crate::installation::{Installation, NOW};
use crate::support::{Away, assert_fields, assert_refused, furnished, row};

const WHATIF: &str = "/admin/whatif";

/// Changes, how many of the three requests are admitted under them, and why the others are not.
#[rustfmt::skip]
const EFFECTS: &[(&str, u64, &str)] = &[
    (r"{}", 3, "{}"),
    (r#"{"setBudgets": [{"apiKeyId": 1, "period": "total", "amountUsd": 5}]}"#, 2, r#"{"budget_exceeded": 1}"#),
    (r#"{"setBudgets": [{"period": "hourly", "amountUsd": 1}]}"#, 0, r#"{"budget_exceeded": 3}"#),
    (r#"{"setBudgets": [{"tenantId": 1, "period": "daily", "amountUsd": 1, "models": ["o1*"]}]}"#, 2, r#"{"budget_exceeded": 1}"#),
    (r#"{"setBudgets": [{"tenantId": 1, "period": "total", "amountUsd": 1, "enforcement": "shadow"}]}"#, 3, "{}"),
    (r#"{"removeBudgets": [1], "defaultBudgets": {"daily": "2"}}"#, 1, r#"{"budget_exceeded": 2}"#),
    (r#"{"rateLimits": [{"tenantId": 1, "rateLimitPerMin": 1}]}"#, 3, "{}"),
    (r#"{"rateLimits": [{"apiKeyId": 1, "tokensPerMin": 21}]}"#, 0, r#"{"rate_limited": 3}"#),
    (r#"{"policy": "package budgetguard.policy\nimport rego.v1\ndefault allow := false\nallow if input.model != \"o1-pro\""}"#, 2, r#"{"policy_denied": 1}"#),
];

/// What is asked, and why it is no question.
#[rustfmt::skip]
const BAD_QUESTIONS: &[(&str, &str)] = &[
    (r"{}", "from must be a date"),
    (r#"{"from": "2026-01-15"}"#, "to must be a date"),
    (r#"{"from": "2026-01-15", "to": "2026-01-14"}"#, "to must not be before from"),
    (r#"{"from": "2024-01-01", "to": "2026-01-01"}"#, "to must be at most 366 days"),
];

/// What is asked of the day of [`NOW`], and why it is no question.
#[rustfmt::skip]
const BAD_PARTS: &[(&str, &str)] = &[
    (r#"{"tenantId": 9}"#, "tenantId names no tenant"),
    (r#"{"apiKeyId": 9}"#, "apiKeyId names no API key"),
    (r#"{"budgets": []}"#, "budgets is not known here"),
];

/// Changes that cannot be asked about, and why.
#[rustfmt::skip]
const BAD_CHANGES: &[(&str, &str)] = &[
    (r#"{"setBudget": []}"#, "changes/setBudget is not known here"),
    (r#"{"removeBudgets": [7]}"#, "changes/removeBudgets names no budget"),
    (r#"{"alterBudgets": [{"budgetId": 7}]}"#, "changes/alterBudgets/0/budgetId names no budget"),
    (r#"{"setBudgets": [{"tagId": 3, "period": "daily", "amountUsd": 1}]}"#, "tagId names no tag"),
    (r#"{"setBudgets": [{"period": "daily"}]}"#, "changes/setBudgets/0/amountUsd is required"),
    (r#"{"setBudgets": [{"period": "daily", "amountUsd": -1}]}"#, "must be >= 0"),
    (r#"{"rateLimits": [{"rateLimitPerMin": 1}]}"#, "tenantId or apiKeyId is required"),
    (r#"{"defaultBudgets": {"yearly": 1}}"#, "yearly is no period"),
    (r#"{"policy": "package budgetguard.policy\nallow if {"}"#, "policy:2:"),
];

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

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

async fn ask(installation: &Installation, changes: Value) -> Value {
    installation.post(WHATIF, question(changes)).await
}

/// What would have been with at most $5 a day.
async fn with_five_dollars() -> Value {
    let installation = recorded().await;
    let lower = json!({"alterBudgets": [{"budgetId": 1, "amountUsd": "5"}]});
    ask(&installation, lower).await
}

#[tokio::test]
async fn an_answer_says_what_was_and_what_would_have_been() {
    let answer = with_five_dollars().await;
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
    assert_eq!(answer["decisionsHash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn an_answer_says_it_of_each_tenant_key_and_budget() {
    let answer = with_five_dollars().await;
    let of_all = json!({
        "requests": 3, "costUsd": "9", "admitted": 2, "refused": 1, "savedUsd": "4", "newlyAdmitted": 0,
    });
    let tenant = &answer["tenants"][0];
    assert_fields(tenant, &of_all);
    assert_fields(tenant, &json!({"tenantId": 1, "tenant": "acme"}));
    assert_fields(&answer["apiKeys"][0], &of_all);
    let budget = json!({
        "budgetId": 1, "scope": "tenant", "tenantId": 1, "period": "daily", "amountUsd": "5",
        "enforcement": "enforce", "charged": 2, "refused": 1, "wouldHaveRefused": 0,
        "firstRefusedAt": "2026-01-15T11:50:00.000Z", "highestUseUsd": "5",
    });
    assert_fields(&answer["budgets"][0], &budget);
}

#[tokio::test]
async fn an_answer_names_the_requests_that_would_have_been_refused() {
    let answer = with_five_dollars().await;
    let expected = json!([{
        "requestId": minutes_ago(3, 10, "gpt-test", 0).request.to_string(),
        "timestamp": "2026-01-15T11:50:00.000Z", "tenantId": 1, "apiKeyId": 1, "model": "gpt-test",
        "costUsd": "4", "reason": "budget_exceeded",
    }]);
    assert_eq!(answer["refusals"], expected);
}

#[tokio::test]
async fn each_kind_of_change_has_its_effect_and_none_is_in_force() {
    let installation = recorded().await;
    for (changes, admitted, why) in EFFECTS {
        let answer = ask(&installation, read(changes)).await;
        let told = &answer["withChanges"];
        let found = (&told["admitted"], &told["refusedByReason"]);
        assert_eq!(found, (&json!(admitted), &read(why)), "{changes}");
        assert_eq!(answer["inForce"]["admitted"], 3, "{changes}");
    }
    let listed = installation.get("/admin/tenant/1/budgets").await;
    let found = (listed.as_array().unwrap().len(), &listed[0]["amountUsd"]);
    assert_eq!(found, (1, &json!("10")));
}

/// Rules that choose this for every request, as a question asks about them.
fn rules_that_say(effect: &str) -> Value {
    let rules = "package budgetguard.policy\nimport rego.v1\ndefault allow := true\ndecision := ";
    json!({"policy": format!("{rules}{{\"allow\": true, {effect}}}")})
}

/// Two prices from the beginning of the year on, the second of which is twice the first.
async fn with_prices() -> Installation {
    let installation = furnished().await;
    for (model, input, output) in [("cheap", "2.5", "10"), ("dear", "5", "20")] {
        let price = json!({
            "model": model, "versionTag": "v1", "provider": "openai", "inputPrice": input, "cachedInputPrice": input,
            "outputPrice": output, "effectiveFrom": "2026-01-01",
        });
        installation.post("/admin/model-pricing", price).await;
    }
    installation
}

#[tokio::test]
async fn another_model_or_a_cap_that_rules_choose_saves_what_it_would_have_cost_less() {
    let installation = with_prices().await;
    let dear = LedgerRow {
        usage: TokenUsage {
            input: 100_000,
            output: 50_000,
            ..TokenUsage::default()
        },
        ..minutes_ago(1, 30, "dear", 1_500_000_000)
    };
    let unknown = LedgerRow {
        basis: Basis::Unknown,
        ..minutes_ago(2, 20, "dear", 2_000_000_000)
    };
    installation
        .state
        .store
        .append(&[dear, unknown])
        .await
        .unwrap();
    for (effect, costs, saved) in [
        (r#""model": "cheap""#, "2.75", "0.75"),
        (r#""max_output_tokens": 25000"#, "3", "0.5"),
        (
            r#""model": "cheap", "max_output_tokens": 25000"#,
            "2.5",
            "1",
        ),
        (r#""model": "nobody-has-it""#, "3.5", "0"),
    ] {
        let answer = ask(&installation, rules_that_say(effect)).await;
        let told = json!({"withChanges": answer["withChanges"]["costUsd"], "saved": answer["savedUsd"],
            "highest": answer["budgets"][0]["highestUseUsd"], "inForce": answer["inForce"]["costUsd"]});
        let expected =
            json!({"withChanges": costs, "saved": saved, "highest": costs, "inForce": "3.5"});
        assert_eq!(told, expected, "{effect}");
    }
}

#[tokio::test]
async fn a_dearer_model_that_rules_choose_can_be_refused_by_a_budget() {
    let installation = with_prices().await;
    let cheap = LedgerRow {
        usage: TokenUsage {
            output: 600_000,
            ..TokenUsage::default()
        },
        ..minutes_ago(1, 30, "cheap", 6_000_000_000)
    };
    installation.state.store.append(&[cheap]).await.unwrap();
    let answer = ask(&installation, rules_that_say(r#""model": "dear""#)).await;
    let expected = json!({"admitted": 0, "refused": 1, "refusedByReason": {"budget_exceeded": 1}});
    assert_fields(&answer["withChanges"], &expected);
    assert_fields(&answer["inForce"], &json!({"admitted": 1, "costUsd": "6"}));
}

#[tokio::test]
async fn a_budget_that_only_counts_says_what_it_would_have_refused() {
    let installation = recorded().await;
    let shadow =
        json!({"alterBudgets": [{"budgetId": 1, "amountUsd": 1, "enforcement": "shadow"}]});
    let answer = ask(&installation, shadow).await;
    let budget =
        json!({"enforcement": "shadow", "charged": 3, "refused": 0, "wouldHaveRefused": 3});
    assert_fields(&answer["budgets"][0], &budget);
}

#[tokio::test]
async fn a_budget_that_there_is_not_yet_has_no_id() {
    let installation = recorded().await;
    let new = json!({"setBudgets": [{"apiKeyId": 1, "period": "total", "amountUsd": 99}]});
    let answer = ask(&installation, new).await;
    let mut budgets = answer["budgets"].as_array().unwrap().iter();
    let new = budgets.find(|budget| budget["budgetId"].is_null());
    let expected = json!({"apiKeyId": 1, "charged": 3, "highestUseUsd": "9"});
    assert_fields(new.unwrap(), &expected);
}

/// A question about the day of [`NOW`] with more fields.
fn day(more: &str) -> Value {
    let mut body = question(json!({}));
    for (name, value) in read(more).as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_question_that_is_not_understood_is_refused_by_name() {
    let installation = recorded().await;
    let bodies = BAD_QUESTIONS.iter().map(|(body, why)| (read(body), why));
    let parts = BAD_PARTS.iter().map(|(more, why)| (day(more), why));
    let changes = BAD_CHANGES
        .iter()
        .map(|(changes, why)| (question(read(changes)), why));
    for (body, reason) in bodies.chain(parts).chain(changes) {
        let body = body.to_string();
        let answer = installation.call("POST", WHATIF, body.clone()).await;
        assert_refused(&answer, 400, reason, &body);
    }
}

#[tokio::test]
async fn a_policy_is_no_longer_than_makes_sense() {
    let installation = recorded().await;
    let body = question(json!({"policy": "x".repeat(65 * 1024)})).to_string();
    let answer = installation.call("POST", WHATIF, body).await;
    assert_refused(&answer, 400, "policy must be at most", "a long policy");
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
