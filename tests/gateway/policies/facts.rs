//! What rules are told about a real request. The rules of these tests refuse with their whole input as the reason.

use reqwest::Method;
use serde_json::{Value, json};

use super::Rules;
use crate::dialect::Dialect;
use crate::gateway::{Tenant, TestGateway};
use crate::scopes::{tag, tag_budget};

const TELL: &str = "default allow := false\nreason := json.marshal(input)";

async fn told(gateway: &TestGateway, request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let refused = Dialect::OpenAi.refused(answer).await;
    assert_eq!(
        refused.code,
        "policy_denied",
        "{}\n{}",
        refused.message,
        gateway.log()
    );
    serde_json::from_str(&refused.message).unwrap()
}

/// A tenant in Tokyo with budgets of several scopes, and the tags `research` and `nlp` below it.
async fn tenant(gateway: &TestGateway) -> Tenant {
    let tenant = gateway.tenant_with("acme", "10").await;
    let path = format!("/admin/tenant/{}", tenant.id);
    let settings =
        json!({"name": "acme", "timeZone": "Asia/Tokyo", "defaultSessionBudgetUsd": "2"});
    gateway.admin(Method::PUT, &path, settings).await;
    let research = tag(gateway, &tenant, json!({"name": "research"})).await;
    let nlp = json!({"name": "nlp", "parentId": research});
    let nlp = tag(gateway, &tenant, nlp).await;
    let limit = json!({"period": "daily", "amountUsd": "3"});
    tag_budget(gateway, &tenant, nlp, limit).await;
    tenant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_told_who_asks_for_what_at_which_price() {
    let rules = Rules::new(TELL);
    let gateway = rules.setup().start().await;
    let tenant = tenant(&gateway).await;
    let call = Dialect::OpenAi.call(&"hello ".repeat(1_000), Some(5_000), true);
    let request = call
        .request(&gateway, &tenant)
        .header("x-tags", "nlp")
        .header("x-session-id", "chat-1");
    let input = told(&gateway, request).await;
    for (name, expected) in [
        ("tenant", json!("acme")),
        ("key", json!(tenant.key_id)),
        ("key_name", json!("tests")),
        ("route", json!("/v1/chat/completions")),
        ("model", json!("gpt-4o-mini")),
        ("model_asked", json!("gpt-4o-mini")),
        ("provider", json!("openai")),
        ("streamed", json!(true)),
        ("session", json!("chat-1")),
        ("session_spent", json!(0)),
        ("session_limit", json!(2)),
        ("time_zone", json!("Asia/Tokyo")),
        (
            "tags",
            json!([{"name": "nlp", "path": "research/nlp", "inherited": false},
                {"name": "research", "path": "research", "inherited": true}]),
        ),
    ] {
        assert_eq!(input[name], expected, "{name} in {input}");
    }
    // 6,000 bytes of text may be as many tokens, and are likely a quarter of that; of 5,000 tokens of output
    // 1,000 are likely. The worst case is at the price of the priority tier.
    let dollars = |name: &str| input[name].as_f64().unwrap();
    let bytes = f64::from(u32::try_from(call.body.len()).unwrap());
    let likely = bytes / 4.0 * 0.15e-6 + 1_000.0 * 0.6e-6;
    let worst = bytes * 0.15e-6 + 5_000.0 * 0.6e-6;
    let is_about = |told: f64, expected: f64| (told / expected - 1.0).abs() < 0.05;
    assert!(is_about(dollars("estimate"), likely), "{input}");
    assert!(dollars("worst_case") >= worst, "{input}");
    assert!(dollars("worst_case") < 2.0 * worst, "{input}");
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_told_what_every_budget_stands_at() {
    let rules = Rules::new(TELL);
    let gateway = rules.setup().start().await;
    let tenant = tenant(&gateway).await;
    let call = Dialect::OpenAi.call("hello", Some(9), false);
    let request = call
        .request(&gateway, &tenant)
        .header("x-tags", "nlp")
        .header("x-session-id", "chat-1");
    let input = told(&gateway, request).await;
    let budgets = input["budgets"].as_array().unwrap();
    let shown = |scope: &str| {
        let found = budgets.iter().find(|budget| budget["scope"] == scope);
        found.unwrap_or_else(|| panic!("no {scope} in {input}"))
    };
    assert_eq!(budgets.len(), 3, "{input}");
    assert_eq!(
        (&shown("tenant")["name"], &shown("tenant")["budget"]),
        (&json!("acme"), &json!(10))
    );
    let tag = shown("tag");
    assert_eq!(
        (&tag["name"], &tag["period"]),
        (&json!("research/nlp"), &json!("daily"))
    );
    assert!(tag["start"].is_string() && tag["end"].is_string(), "{tag}");
    let session = shown("session");
    assert_eq!(
        (&session["name"], &session["remaining"]),
        (&json!("chat-1"), &json!(2))
    );
    assert!(session.get("start").is_none(), "{session}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_told_the_time_by_the_tenants_calendar() {
    let rules = Rules::new(TELL);
    let gateway = rules.setup().start().await;
    let tenant = tenant(&gateway).await;
    let call = Dialect::OpenAi.call("hello", Some(9), false);
    let input = told(&gateway, call.request(&gateway, &tenant)).await;
    let instant: jiff::Timestamp = input["instant"].as_str().unwrap().parse().unwrap();
    let local = instant.in_tz("Asia/Tokyo").unwrap();
    assert_eq!(input["time"], local.hour());
    assert_eq!(input["minute"], local.minute());
    assert_eq!(input["date"], local.date().to_string());
    let weekday = format!("{:?}", local.weekday()).to_lowercase();
    assert_eq!(input["weekday"], weekday);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rules_are_told_is_as_the_schema_says() {
    let rules = Rules::new(TELL);
    let gateway = rules.setup().start().await;
    let tenant = tenant(&gateway).await;
    let schema = include_str!("../../../policy/schema/input.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (tags, session) in [("", ""), ("nlp", "chat-1")] {
        let call = Dialect::OpenAi.call("hello", None, false);
        let request = call
            .request(&gateway, &tenant)
            .header("x-tags", tags)
            .header("x-session-id", session);
        let input = told(&gateway, request).await;
        let errors: Vec<_> = validator.iter_errors(&input).collect();
        assert!(errors.is_empty(), "{errors:?} in {input}");
    }
}
