//! Budgets of the installation and of tags, and budgets for some models only.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect, Refused};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::cost;

pub(crate) const TAGS: &str = "x-tags";
pub(crate) const SESSION: &str = "x-session-id";

pub(crate) async fn tag(gateway: &TestGateway, tenant: &Tenant, body: Value) -> i64 {
    let path = format!("/admin/tenant/{}/tags", tenant.id);
    let made = gateway.admin(Method::POST, &path, body).await;
    made["id"].as_i64().unwrap()
}

pub(crate) async fn tag_budget(
    gateway: &TestGateway,
    tenant: &Tenant,
    tag: i64,
    body: Value,
) -> i64 {
    let path = format!("/admin/tenant/{}/tags/{tag}/budgets", tenant.id);
    let made = gateway.admin(Method::POST, &path, body).await;
    made["id"].as_i64().unwrap()
}

/// Sends a call with headers, and reads the answer or why it was refused.
pub(crate) async fn send(
    gateway: &TestGateway,
    tenant: &Tenant,
    call: &Call,
    headers: &[(&str, &str)],
) -> Result<String, Refused> {
    let mut request = call.request(gateway, tenant);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    if !answer.status().is_success() {
        return Err(call.dialect.refused(answer).await);
    }
    Ok(answer.text().await.unwrap())
}

/// What all calls cost so far, by the provider's own books.
pub(crate) fn bill(gateway: &TestGateway) -> i64 {
    let calls = gateway.simulator.calls();
    let costs = calls.iter().map(|call| cost(&call.model, &call.billed));
    costs.sum()
}

pub(crate) fn call(output: u64) -> Call {
    let prompt = format!("hello [[sim output={output}]]");
    Dialect::OpenAi.call(&prompt, Some(output), false)
}

/// Sends a call again and again; what all that were accepted cost, and the refusal.
pub(crate) async fn until_refused(
    gateway: &TestGateway,
    tenant: &Tenant,
    call: &Call,
    headers: &[(&str, &str)],
) -> (i64, Refused) {
    let before = bill(gateway);
    loop {
        if let Err(refused) = send(gateway, tenant, call, headers).await {
            return (bill(gateway) - before, refused);
        }
    }
}

pub(crate) fn denied_scope(refused: &Refused) -> &str {
    refused
        .header("x-budgetguard-denied-scope")
        .unwrap_or_default()
}

fn total(amount: &str) -> Value {
    json!({"period": "total", "amountUsd": amount})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_installations_budget_is_a_ceiling_for_all_tenants_together() {
    let gateway = Setup::new().start().await;
    let body = json!({"budgets": [total("0.01")]});
    gateway.admin(Method::POST, "/admin/budgets", body).await;
    let tenants = [
        gateway.tenant("one").await,
        gateway.tenant_with("two", "100").await,
    ];
    let call = call(100);
    let calls = (0..200).map(|number| send(&gateway, &tenants[number % 2], &call, &[]));
    let outcomes = join_all(calls).await;
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(denied_scope(refused), "installation");
    }
    for tenant in &tenants {
        until_refused(&gateway, tenant, &call, &[]).await;
    }
    gateway.assert_nothing_held().await;
    let bill = bill(&gateway);
    let stood = gateway
        .admin(Method::GET, "/admin/budgets", Value::Null)
        .await;
    assert_eq!(nanos(&stood[0]["currentUsage"].to_string()), bill);
    assert!(
        (9_500_000..=10_000_000).contains(&bill),
        "{bill} of 0.01 USD"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_for_some_models_limits_those_alone() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("choosy").await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = json!({"budgets": [
        {"period": "total", "amountUsd": "0", "models": ["gpt-4o*"], "providers": ["openai"]},
        {"period": "total", "amountUsd": "1"},
    ]});
    gateway.admin(Method::POST, &path, budgets).await;
    let refused = send(&gateway, &tenant, &call(20), &[]).await.unwrap_err();
    assert_eq!((refused.status, denied_scope(&refused)), (402, "tenant"));
    for dialect in [Dialect::Anthropic, Dialect::Google] {
        let call = dialect.call("hello", Some(20), false);
        assert!(send(&gateway, &tenant, &call, &[]).await.is_ok());
    }
    let other = Dialect::OpenAi.body("hello", Some(20), false);
    let other = json!({"model": "gpt-4.1-mini", "messages": other["messages"], "max_tokens": 20});
    let other = Call::to(Dialect::OpenAi, "/v1/chat/completions", &other);
    assert!(send(&gateway, &tenant, &other, &[]).await.is_ok());
    gateway.ledger_of(&tenant, 4).await;
    let stood = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(stood[0]["currentUsage"].to_string(), "0");
    assert_ne!(stood[1]["currentUsage"].to_string(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spent_under_a_tag_counts_on_all_tags_above_it() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant("branches").await;
    let root = tag(&gateway, &tenant, json!({"name": "company"})).await;
    let team = tag(&gateway, &tenant, json!({"name": "team", "parentId": root})).await;
    let agent = tag(
        &gateway,
        &tenant,
        json!({"name": "agent", "parentId": team}),
    )
    .await;
    let strict = json!({"period": "total", "amountUsd": "0.001", "inheritanceMode": "STRICT"});
    tag_budget(&gateway, &tenant, root, strict).await;
    let call = call(200);
    let (spent, refused) = until_refused(&gateway, &tenant, &call, &[(TAGS, "agent")]).await;
    assert_eq!(denied_scope(&refused), "tag");
    assert!(refused.message.contains("the tag `company`"), "{refused:?}");
    assert!((800_000..=1_000_000).contains(&spent), "{spent}");
    // An untagged request, or one of another tree, is not limited.
    tag(&gateway, &tenant, json!({"name": "elsewhere"})).await;
    for headers in [&[][..], &[(TAGS, "elsewhere")]] {
        assert!(send(&gateway, &tenant, &call, headers).await.is_ok());
    }
    let calls = usize::try_from(gateway.simulator.totals().calls).unwrap();
    let rows = gateway.ledger_of(&tenant, calls + 1).await;
    let tags = rows.last().unwrap()["tags"].clone();
    let own = json!([{"id": agent, "name": "agent", "path": "company/team/agent", "weight": 1}]);
    assert_eq!(tags, own);

    // The same after a crash: the ledger knows which tags a row counts on.
    gateway.assert_nothing_held().await;
    gateway.kill();
    gateway.start().await;
    let refused = send(&gateway, &tenant, &call, &[(TAGS, "team")]).await;
    assert_eq!(
        refused.unwrap_err().header("x-budgetguard-denied-scope"),
        Some("tag")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ancestors_budget_is_a_ceiling_a_brake_or_a_count() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("modes").await;
    for (mode, accepted) in [("STRICT", 1), ("LENIENT", 3), ("BYPASS", 8), ("NONE", 8)] {
        let root = tag(&gateway, &tenant, json!({"name": mode})).await;
        let child = json!({"name": format!("{mode} child"), "parentId": root});
        tag(&gateway, &tenant, child).await;
        let call = call(100);
        // Room for the worst case of one request, and for what two of them cost.
        let limit = json!({"period": "total", "amountUsd": "0.00014", "inheritanceMode": mode});
        let budget = tag_budget(&gateway, &tenant, root, limit).await;
        let name = format!("{mode} child");
        let mut done = 0;
        for _ in 0..8 {
            let headers = [(TAGS, &*name)];
            done += usize::from(send(&gateway, &tenant, &call, &headers).await.is_ok());
        }
        assert_eq!(done, accepted, "{mode}");
        // For the tag's own requests it is a ceiling whatever the mode.
        let own = send(&gateway, &tenant, &call, &[(TAGS, mode)]).await;
        assert_eq!(own.unwrap_err().status, 402, "{mode}");
        let path = format!("/admin/budget/tag/{budget}");
        let weightless = json!({"weight": 0});
        gateway.admin(Method::PUT, &path, weightless).await;
        assert!(
            send(&gateway, &tenant, &call, &[(TAGS, mode)])
                .await
                .is_ok()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_that_the_tenant_does_not_have_are_refused_by_name() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("strict").await;
    let other = gateway.tenant("other").await;
    tag(&gateway, &other, json!({"name": "theirs"})).await;
    let known = tag(&gateway, &tenant, json!({"name": "known"})).await;
    let path = format!("/admin/tenant/{}/tags/{known}/deactivate", tenant.id);
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        let refused = send(
            &gateway,
            &tenant,
            &call,
            &[(TAGS, "theirs, known ,nobodys")],
        )
        .await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.status, 400);
        let names = "Tags not found for this tenant: theirs, nobodys";
        assert!(refused.message.contains(names), "{refused:?}");
        assert!(
            send(&gateway, &tenant, &call, &[(TAGS, "known,known,")])
                .await
                .is_ok()
        );
    }
    gateway.admin(Method::PATCH, &path, Value::Null).await;
    let refused = send(&gateway, &tenant, &call(16), &[(TAGS, "known")]).await;
    assert_eq!(refused.unwrap_err().status, 400);
    assert_eq!(gateway.simulator.totals().calls, 3);
}

async fn own_limits(
    gateway: &TestGateway,
    tenant: &Tenant,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let mut request = gateway
        .request(Method::GET, "/v1/budget")
        .bearer_auth(&tenant.key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holder_of_a_key_sees_the_limits_that_it_is_under() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("curious", "1").await;
    let (_, untouched) = own_limits(&gateway, &tenant, &[]).await;
    let expected = json!({
        "scope": "tenant", "period": "total", "limit_usd": "1", "spent_usd": "0", "held_usd": "0",
        "remaining_usd": "1", "starts_at": null, "resets_at": null,
    });
    assert_eq!(untouched, json!({"object": "list", "data": [expected]}));

    let daily = json!({"budgets": [{"period": "daily", "amountUsd": "2", "models": ["gpt-*"]}]});
    let path = format!("/admin/apikey/{}/budgets", tenant.key_id);
    gateway.admin(Method::POST, &path, daily).await;
    let body = json!({"budgets": [total("50")]});
    gateway.admin(Method::POST, "/admin/budgets", body).await;
    let root = tag(&gateway, &tenant, json!({"name": "root"})).await;
    let leaf = json!({"name": "leaf", "parentId": root, "sessionBudgetUsd": "0.5"});
    tag(&gateway, &tenant, leaf).await;
    tag_budget(&gateway, &tenant, root, total("3")).await;
    let headers = [(TAGS, "leaf"), (SESSION, "mine")];
    send(&gateway, &tenant, &call(16), &headers).await.unwrap();
    let spent = bill(&gateway);
    gateway.assert_nothing_held().await;
    let (_, limits) = own_limits(&gateway, &tenant, &headers).await;
    let shown: Vec<_> = limits["data"].as_array().unwrap().iter().collect();
    let scopes: Vec<_> = shown
        .iter()
        .map(|limit| limit["scope"].as_str().unwrap())
        .collect();
    assert_eq!(scopes, ["tenant", "key", "tag", "installation", "session"]);
    for limit in &shown {
        assert_eq!(
            nanos(limit["spent_usd"].as_str().unwrap()),
            spent,
            "{limit}"
        );
    }
    assert_eq!(shown[1]["models"], json!(["gpt-*"]));
    assert!(shown[1]["resets_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&shown[2]["name"], &shown[4]["name"]),
        (&json!("root"), &json!("mine"))
    );
    assert_eq!(shown[4]["limit_usd"], "0.5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_shown_to_nobody_else_and_without_amounts_if_the_operator_says_so() {
    let gateway = Setup::new()
        .set("budgets.hide_amounts", "true")
        .start()
        .await;
    let tenant = gateway.tenant_with("discreet", "1").await;
    let (_, limits) = own_limits(&gateway, &tenant, &[]).await;
    let expected =
        json!({"scope": "tenant", "period": "total", "starts_at": null, "resets_at": null});
    assert_eq!(limits["data"], json!([expected]));
    let stranger = Tenant {
        key: "bg_nobodys".to_owned(),
        ..tenant.clone()
    };
    assert_eq!(own_limits(&gateway, &stranger, &[]).await.0, 401);
    assert_eq!(
        own_limits(&gateway, &tenant, &[(TAGS, "nobodys")]).await.0,
        400
    );
    let post = gateway
        .request(Method::POST, "/v1/budget")
        .bearer_auth(&tenant.key);
    assert_eq!(post.send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_tag_requests_that_do_not_name_their_tags() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("ruled").await;
    let team = tag(&gateway, &tenant, json!({"name": "team"})).await;
    let mini = tag(&gateway, &tenant, json!({"name": "mini"})).await;
    let rules = format!("/admin/tenant/{}/tagging-rules", tenant.id);
    for rule in [
        json!({
            "name": "by header", "priority": 5,
            "conditions": {"headers": {"X-Team": ["a*"]}, "apiKeyIds": [tenant.key_id]},
            "actions": {"tags": [{"tagId": team, "weight": 0.5}]},
        }),
        json!({
            "name": "by model", "priority": 9,
            "conditions": {"models": ["*-mini"], "routes": ["/v1/chat/*"]},
            "actions": {"tags": [{"tagId": mini}]},
        }),
        json!({
            "name": "overruled", "actions": {"tags": [{"tagId": mini, "weight": 0.1}]},
        }),
    ] {
        gateway.admin(Method::POST, &rules, rule).await;
    }
    let (call, claude) = (call(16), Dialect::Anthropic.call("hello", Some(16), false));
    let of_team = ("x-team", "alpha");
    send(&gateway, &tenant, &call, &[of_team]).await.unwrap();
    send(&gateway, &tenant, &call, &[of_team, (TAGS, "team")])
        .await
        .unwrap();
    send(&gateway, &tenant, &claude, &[("x-team", "beta")])
        .await
        .unwrap();
    let rows = gateway.ledger_of(&tenant, 3).await;
    let tags: Vec<Vec<(&str, f64)>> = rows
        .iter()
        .rev()
        .map(|row| {
            let tags = row["tags"].as_array().unwrap().iter();
            tags.map(|tag| {
                (
                    tag["name"].as_str().unwrap(),
                    tag["weight"].as_f64().unwrap(),
                )
            })
            .collect()
        })
        .collect();
    let expected = [
        vec![("mini", 1.0), ("team", 0.5)],
        vec![("team", 1.0), ("mini", 1.0)],
        vec![("mini", 0.1)],
    ];
    assert_eq!(tags, expected);

    // What a rule tags is limited as if its caller had said so.
    tag_budget(&gateway, &tenant, team, total("0")).await;
    let refused = send(&gateway, &tenant, &call, &[of_team])
        .await
        .unwrap_err();
    assert_eq!(denied_scope(&refused), "tag");
    assert!(
        send(&gateway, &tenant, &call, &[("x-team", "beta")])
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_counts_what_is_under_way_when_it_is_made() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("unlimited so far").await;
    let slow = Dialect::OpenAi.call("[[sim output=40 chunks=40 delay_ms=25]]", Some(40), true);
    let answer = slow.send(&gateway, &tenant).await;
    assert!(answer.headers().get("x-budgetguard-held-usd").is_none());
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let body = json!({"budgets": [total("1")]});
    gateway.admin(Method::POST, &path, body).await;
    let (spent, held) = gateway.standing(&tenant).await;
    assert!(spent == 0 && held > 0, "{spent} {held}");
    answer.text().await.unwrap();
    gateway.assert_nothing_held().await;
    assert_eq!(gateway.standing(&tenant).await, (bill(&gateway), 0));
}
