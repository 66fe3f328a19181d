//! Budgets: what a refusal says in each dialect, the cap that is put in, and the very last nano.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect, Refused};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;
use crate::upstream::RecordingUpstream;

async fn key_budget(gateway: &TestGateway, tenant: &Tenant, amount: &str) {
    let path = format!("/admin/apikey/{}/budgets", tenant.key_id);
    let body = json!({"budgets": [{"period": "daily", "amountUsd": amount}]});
    gateway.admin(Method::POST, &path, body).await;
}

/// The cap that a refusal says would fit.
fn affordable(refused: &Refused) -> u64 {
    let (_, rest) = refused.message.split_once("an output limit of ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_budget_is_told_as_the_dialect_tells_it() {
    let gateway = Setup::new().start().await;
    let told = [
        (Dialect::OpenAi, "insufficient_quota"),
        (Dialect::Anthropic, "billing_error"),
        (Dialect::Google, "RESOURCE_EXHAUSTED"),
    ];
    for (dialect, kind) in told {
        let tenant = gateway
            .tenant_with(&format!("poor {dialect:?}"), "0.000001")
            .await;
        for streamed in [false, true] {
            let call = dialect.call("hello", Some(1_000), streamed);
            let refused = call.refused(&gateway, &tenant).await;
            assert_eq!((refused.status, &*refused.kind), (402, kind), "{refused:?}");
            assert_eq!(refused.header("x-should-retry"), Some("false"));
            assert_eq!(refused.header("retry-after"), None);
            assert_eq!(refused.header("x-budgetguard-denied-scope"), Some("tenant"));
            assert_eq!(refused.header("x-budgetguard-limit-usd"), Some("0.000001"));
            assert_eq!(refused.header("x-budgetguard-spent-usd"), Some("0"));
            assert_eq!(refused.header("x-budgetguard-held-usd"), Some("0"));
            assert!(refused.message.contains("$0.000001"), "{refused:?}");
        }
        let rows = gateway.ledger_of(&tenant, 2).await;
        assert!(
            rows.iter()
                .all(|row| row["status"] == "blocked" && row["usd"] == "0")
        );
        assert_eq!(rows[0]["reason"], "budget_exceeded");
    }
    assert_eq!(gateway.simulator.totals().calls, 0);
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_of_a_refusal_can_be_429_and_its_amounts_hidden() {
    let setup = Setup::new().env("BUDGET_DENIAL_STATUS", "429");
    let gateway = setup.set("budgets.hide_amounts", "true").start().await;
    for dialect in Dialect::ALL {
        let tenant = gateway
            .tenant_with(&format!("poor {dialect:?}"), "0.000001")
            .await;
        key_budget(&gateway, &tenant, "0.0000005").await;
        let call = dialect.call("hello", Some(1_000), false);
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        assert_eq!(refused.header("x-budgetguard-denied-scope"), Some("key"));
        assert!(
            refused
                .header("x-budgetguard-resets-at")
                .unwrap()
                .ends_with('Z')
        );
        let names = refused.headers.keys();
        assert!(
            names
                .into_iter()
                .all(|name| !name.as_str().ends_with("-usd")),
            "{refused:?}"
        );
        assert!(!refused.message.contains('$'), "{refused:?}");
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_is_put_in_where_the_caller_gave_none_and_the_maximum_does_not_fit() {
    let provider = RecordingUpstream::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("unbounded", "0.001").await;
    let responses = json!({"model": "gpt-4o-mini", "input": "hello"});
    for (call, cap) in [
        (
            Dialect::OpenAi.call("hello", None, false),
            "/max_completion_tokens",
        ),
        (
            Call::to(Dialect::OpenAi, "/v1/responses", &responses),
            "/max_output_tokens",
        ),
        (
            Dialect::Google.call("hello", None, false),
            "/generationConfig/maxOutputTokens",
        ),
    ] {
        call.text(&gateway, &tenant).await;
        let sent = provider.received.take().remove(0).json();
        let cap = sent
            .pointer(cap)
            .and_then(Value::as_u64)
            .unwrap_or_default();
        assert!((16..1_700).contains(&cap), "{sent}");
    }
    let rich = gateway.tenant_with("roomy", "100").await;
    let call = Dialect::OpenAi.call("hello", None, false);
    call.text(&gateway, &rich).await;
    assert_eq!(
        provider.received.take()[0].body,
        call.body,
        "there was room for the maximum"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_that_was_put_in_keeps_the_answer_within_the_budget() {
    let gateway = Setup::new().start().await;
    for (dialect, streamed) in [
        (Dialect::OpenAi, false),
        (Dialect::OpenAi, true),
        (Dialect::Google, false),
        (Dialect::Google, true),
    ] {
        let name = format!("talkative {dialect:?} {streamed}");
        let tenant = gateway.tenant_with(&name, "0.0005").await;
        let call = dialect.call("[[sim output=100000]]", None, streamed);
        call.text(&gateway, &tenant).await;
        let rows = gateway.ledger_of(&tenant, 1).await;
        let spent = usd(&rows[0]);
        // OpenAI may serve the dearer priority tier, so that is what has to fit.
        assert!((250_000..=500_000).contains(&spent), "{rows:?}");
        assert_eq!(rows[0]["basis"], "measured");
        assert_eq!(gateway.standing(&tenant).await, (spent, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cap_that_a_refusal_names_is_then_admitted() {
    let gateway = Setup::new().start().await;
    for dialect in Dialect::ALL {
        let tenant = gateway
            .tenant_with(&format!("adapts {dialect:?}"), "0.002")
            .await;
        let call = |cap| dialect.call("hello", Some(cap), false);
        let refused = call(1_000_000).refused(&gateway, &tenant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (402, "request_exceeds_budget")
        );
        let cap = affordable(&refused);
        // The input of the first try was bounded by its length alone, so a little more may fit.
        let more = call(cap + cap / 10).refused(&gateway, &tenant).await;
        assert_eq!((more.status, &*more.code), (402, "request_exceeds_budget"));
        let answer = call(cap).send(&gateway, &tenant).await;
        assert_eq!(answer.status(), 200, "{dialect:?}");
        let held = nanos(answer.headers()["x-budgetguard-held-usd"].to_str().unwrap());
        assert!((1_990_000..=2_000_000).contains(&held), "{held}");
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tighter_of_a_keys_and_its_tenants_budget_decides() {
    let gateway = Setup::new().start().await;
    let call = Dialect::OpenAi.call("hello", Some(1_000), false);
    for (own, tenants, scope) in [("0.0001", "1", "key"), ("1", "0.0001", "tenant")] {
        let tenant = gateway
            .tenant_with(&format!("tight {scope}"), tenants)
            .await;
        key_budget(&gateway, &tenant, own).await;
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!(refused.header("x-budgetguard-denied-scope"), Some(scope));
        assert_eq!(refused.header("x-budgetguard-limit-usd"), Some("0.0001"));
    }
    let tenant = gateway.tenant_with("both", "1").await;
    key_budget(&gateway, &tenant, "0.5").await;
    call.text(&gateway, &tenant).await;
    let cost = usd(&gateway.ledger_of(&tenant, 1).await[0]);
    assert_eq!(gateway.standing(&tenant).await, (cost, 0));
    let path = format!("/admin/apikey/{}/budgets", tenant.key_id);
    let of_key = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(nanos(&of_key[0]["currentUsage"].to_string()), cost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_one_after_the_other_are_never_refused_for_a_hold_that_is_over() {
    let gateway = Setup::new().start().await;
    for (number, streamed) in [(0, false), (1, true)] {
        // No tokeniser is known for this dialect: every hold is of the same size.
        let call = Dialect::Anthropic.call("hello", Some(16), streamed);
        // Room for exactly one worst case at a time, and for what 300 calls really cost.
        let probe = gateway.tenant_with(&format!("probe {number}"), "1").await;
        let answer = call.send(&gateway, &probe).await;
        let held = nanos(answer.headers()["x-budgetguard-held-usd"].to_str().unwrap());
        answer.bytes().await.unwrap();
        let cost = usd(&gateway.ledger_of(&probe, 1).await[0]);
        assert!(cost * 2 < held * 3, "{cost} {held}");
        let limit = held + cost * 299;
        let limit = format!("{}.{:09}", limit / 1_000_000_000, limit % 1_000_000_000);
        let tenant = gateway
            .tenant_with(&format!("exact {number}"), &limit)
            .await;
        for round in 0..300 {
            let answer = call.send(&gateway, &tenant).await;
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert_eq!(status, 200, "call {round}: {text}");
        }
        gateway.ledger_of(&tenant, 300).await;
        assert_eq!(gateway.standing(&tenant).await, (cost * 300, 0));
        let spent = cost * 300;
        assert!(spent <= nanos(&limit) && spent + held > nanos(&limit));
        assert_eq!(call.send(&gateway, &tenant).await.status(), 402);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_without_budgets_have_those_of_the_settings() {
    let gateway = Setup::new()
        .env("BUDGET_PERIODS", "daily,total")
        .env("DEFAULT_BUDGET_USD", "0.000001")
        .env("BUDGET_DAILY_USD", "3")
        .env("BUDGET_TOTAL_ACME", "2")
        .start()
        .await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    // The amount of all periods that have none of their own.
    let plain = gateway.tenant("plain").await;
    let refused = call.refused(&gateway, &plain).await;
    assert_eq!(refused.header("x-budgetguard-denied-scope"), Some("tenant"));
    assert_eq!(
        refused.header("x-budgetguard-limit-usd"),
        Some("0.000001"),
        "{refused:?}"
    );
    // The tenant's own amount for a period, and that of the period for the other.
    let acme = gateway.tenant("acme").await;
    call.text(&gateway, &acme).await;
    let answer = gateway.request(Method::GET, "/v1/budget");
    let answer = answer.bearer_auth(&acme.key).send().await.unwrap();
    let limits: Value = answer.json().await.unwrap();
    let limits = limits["data"].as_array().unwrap();
    let limits: Vec<_> = limits
        .iter()
        .map(|limit| [&limit["scope"], &limit["period"], &limit["limit_usd"]])
        .collect();
    assert_eq!(
        json!(limits),
        json!([["tenant", "daily", "3"], ["tenant", "total", "2"]])
    );
    // A budget of its own stands in the place of its period's default.
    let own = gateway.tenant_with("own", "0.5").await;
    call.text(&gateway, &own).await;
}
