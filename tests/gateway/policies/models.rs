//! The model that rules name instead of the caller's: who is asked, what it costs, what its row says.

use serde_json::{Value, json};

use super::{Rules, newest};
use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost_of_row, usd};
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::upstream::RecordingUpstream;

const HEADER: &str = "x-budgetguard-policy-model";

fn instead(model: &str) -> Rules {
    Rules::deciding(&json!({"allow": true, "model": model}))
}

async fn recorded(rules: &Rules) -> (RecordingUpstream, TestGateway) {
    let provider = RecordingUpstream::start().await;
    let gateway = rules.setup().upstream(&provider.url()).start().await;
    (provider, gateway)
}

fn chat(model: &str) -> Call {
    let body = json!({"model": model, "max_completion_tokens": 50,
        "messages": [{"role": "user", "content": "hello"}]});
    Call::to(Dialect::OpenAi, "/v1/chat/completions", &body)
}

/// A call of a model that costs something else than the dialect's usual one.
fn dear(dialect: Dialect, streamed: bool) -> (Call, &'static str) {
    let (model, path) = match (dialect, streamed) {
        (Dialect::OpenAi, _) => ("gpt-4o", "/v1/chat/completions"),
        (Dialect::Anthropic, _) => ("claude-sonnet-4-5", "/v1/messages"),
        (Dialect::Google, false) => (
            "gemini-2.5-pro",
            "/v1beta/models/gemini-2.5-pro:generateContent",
        ),
        (Dialect::Google, true) => (
            "gemini-2.5-pro",
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        ),
    };
    let mut body = dialect.body("[[sim output=9]]", Some(50), streamed);
    if dialect != Dialect::Google {
        body["model"] = json!(model);
    }
    (Call::to(dialect, path, &body), model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_of_rules_is_asked_priced_and_held_for_in_each_dialect() {
    for dialect in Dialect::ALL {
        let rules = instead(dialect.model());
        let gateway = rules.setup().start().await;
        let tenant = gateway.tenant_with("downgraded", "1").await;
        for (count, streamed) in [(1, false), (3, true)] {
            let (call, named) = dear(dialect, streamed);
            let answer = call.send(&gateway, &tenant).await;
            assert_eq!(answer.status(), 200, "{dialect:?}");
            assert_eq!(answer.headers()[HEADER], dialect.model());
            answer.text().await.unwrap();
            let row = newest(&gateway, &tenant, count).await;
            assert_eq!(row["model"], dialect.model(), "{row}");
            assert_eq!(row["modelAsked"], named);
            assert_eq!(row["policy"]["model"], dialect.model());
            assert_eq!(usd(&row), cost_of_row(&row));
            // The same request by its own name: the same is held, but for the length of the name.
            let own = dialect.call("[[sim output=9]]", Some(50), streamed);
            let answer = own.send(&gateway, &tenant).await;
            assert_eq!(answer.headers().get(HEADER), None);
            answer.text().await.unwrap();
            let same = newest(&gateway, &tenant, count + 1).await;
            assert_eq!(row["heldUsd"], same["heldUsd"], "{dialect:?}");
        }
        gateway.assert_nothing_held().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_the_model_is_sent_as_it_was() {
    let rules = instead("gpt-4o-mini");
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("renamed", "1").await;
    let body = r#"{ "temperature": 0.5, "model" : "gpt-4o", "max_completion_tokens":9, "messages":[{"role":"user","content":"hello"}] }"#;
    let call = Call {
        body: body.to_owned(),
        ..chat("gpt-4o")
    };
    call.text(&gateway, &tenant).await;
    let sent = provider.received.take().remove(0);
    assert_eq!(sent.body, body.replace("gpt-4o", "gpt-4o-mini"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_may_send_a_request_to_another_provider() {
    let rules = instead("claude-haiku-4-5");
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("moved", "1").await;
    let answer = chat("gpt-4o").text(&gateway, &tenant).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "yes");
    let sent = provider.received.take().remove(0);
    assert_eq!(sent.uri.path(), "/v1/messages");
    assert_eq!(sent.header("x-api-key"), Some("sk-provider-anthropic"));
    let row = newest(&gateway, &tenant, 1).await;
    assert_eq!(
        (&row["provider"], &row["modelAsked"]),
        (&json!("anthropic"), &json!("gpt-4o"))
    );
    assert_eq!(usd(&row), cost_of_row(&row));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_priced_by_the_model_that_looks_at_it() {
    // A token of gpt-4o-mini is cheap, and an image many of them: 33 times those of gpt-4o.
    let rules = instead("gpt-4o-mini");
    let (_provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("looks", "1").await;
    let mut held = Vec::new();
    for (count, model) in [(1, "gpt-4o"), (2, "gpt-4o-mini")] {
        let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
        let body = json!({"model": model, "max_completion_tokens": 50,
            "messages": [{"role": "user", "content": [image]}]});
        let call = Call::to(Dialect::OpenAi, "/v1/chat/completions", &body);
        call.text(&gateway, &tenant).await;
        held.push(newest(&gateway, &tenant, count).await["heldUsd"].clone());
    }
    assert_eq!(held[0], held[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_cannot_be_asked_refuses_in_the_callers_dialect() {
    for (dialect, model, why) in [
        (Dialect::OpenAi, "no-such-model", "no price"),
        (Dialect::Anthropic, "claude-none", "no price"),
        (Dialect::Google, "gemini-none", "no price"),
        (Dialect::Google, "../secrets", "not name a model"),
        (Dialect::OpenAi, "nobody/gpt-4o", "no price"),
    ] {
        let rules = instead(model);
        let (provider, gateway) = recorded(&rules).await;
        for tenant in [
            gateway.tenant_with("limited", "1").await,
            gateway.tenant("unlimited").await,
        ] {
            let call = dialect.call("hello", Some(9), false);
            let refused = call.refused(&gateway, &tenant).await;
            assert_eq!(
                (refused.status, &*refused.code),
                (403, "policy_not_applicable")
            );
            assert!(refused.message.contains(why), "{}", refused.message);
            assert_eq!(refused.header("x-should-retry"), Some("false"));
            let row = newest(&gateway, &tenant, 1).await;
            assert_eq!(row["reason"], "policy_not_applicable");
            assert_eq!(row["status"], "blocked");
        }
        assert!(provider.received.take().is_empty());
        gateway.assert_nothing_held().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_own_key_goes_to_no_other_provider() {
    let rules = instead("claude-haiku-4-5");
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant("brings").await;
    let call = chat("gpt-4o");
    let request = gateway
        .request(reqwest::Method::POST, &call.path)
        .header("x-api-key", &tenant.key)
        .bearer_auth("sk-callers-own")
        .body(call.body);
    let refused = Dialect::OpenAi.refused(request.send().await.unwrap()).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "policy_not_applicable")
    );
    assert!(provider.received.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_no_model_has_none_to_be_changed() {
    let rules = instead("gpt-4o-mini");
    let (_provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant("lists").await;
    let request = gateway.request(reqwest::Method::GET, "/v1/models");
    let answer = request.bearer_auth(&tenant.key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Rules that would not let the model pass which they choose, had the caller named it.
const ONCE: &str = r#"
decision := {"allow": true, "model": "fast", "max_output_tokens": 20} if input.model == "gpt-4o"
decision := {"allow": false, "reason": "not by name"} if input.model != "gpt-4o"
"#;

async fn falling_back() -> (RecordingUpstream, Rules, TestGateway) {
    let provider = RecordingUpstream::start().await;
    let rules = Rules::new(ONCE);
    let quoted = |text: &str| Value::from(text).to_string();
    let url = format!("{}/v1", provider.url());
    let setup: Setup = rules
        .setup()
        .set("upstreams.first.base_url", quoted(&url))
        .set("upstreams.first.prices", quoted("openai"))
        .set(
            "models.fast.to",
            quoted("first/gpt-4o-mini, openai/gpt-5-mini"),
        );
    (provider, rules, setup.start().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tries_that_follow_keep_the_decision_of_the_first() {
    let (provider, _rules, gateway) = falling_back().await;
    let tenant = gateway.tenant_with("falls-back", "1").await;
    provider.received.refuse([(503, None)]);
    let answer = chat("gpt-4o").send(&gateway, &tenant).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[HEADER], "fast");
    answer.text().await.unwrap();
    let rows = gateway.ledger_of(&tenant, 2).await;
    let [second, first] = &rows[..] else { panic!() };
    assert_eq!(
        (&first["model"], &second["model"]),
        (&json!("gpt-4o-mini"), &json!("gpt-5-mini"))
    );
    for row in [first, second] {
        assert_eq!(row["modelAsked"], "gpt-4o", "{row}");
        assert_eq!(row["policy"]["model"], "fast");
        assert_eq!(row["policy"]["maxOutputTokens"], 20);
        assert_eq!(row["policy"]["decisionId"], first["id"]);
    }
    assert_eq!(second["attemptOf"], first["id"]);
    assert_eq!(usd(second), cost_of_row(second));
    assert_ne!(nanos(second["heldUsd"].as_str().unwrap()), 0);
    let sent = provider.received.take().remove(0);
    assert_eq!(sent.json()["max_completion_tokens"], 20);
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_not_asked_about_the_model_that_they_chose() {
    let (_provider, _rules, gateway) = falling_back().await;
    let tenant = gateway.tenant("chosen").await;
    assert_eq!(chat("gpt-4o").send(&gateway, &tenant).await.status(), 200);
    let refused = chat("gpt-4o-mini").refused(&gateway, &tenant).await;
    assert_eq!(
        (&*refused.code, &*refused.message),
        ("policy_denied", "not by name")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_stays_with_its_model() {
    let rules = instead("gpt-4o-mini");
    let provider = RealtimeProvider::start().await;
    let gateway = rules.setup().upstream(&provider.url()).start().await;
    let tenant: Tenant = gateway.tenant_with("talks", "5").await;
    let mut caller = Caller::connect(gateway.port, &tenant.key).await;
    caller.ask(json!({"output": "5"})).await;
    let refusal = caller.expect("error").await;
    assert_eq!(
        refusal["error"]["code"], "policy_not_applicable",
        "{refusal}"
    );
    assert!(provider.events("response.create").is_empty());
    gateway.assert_nothing_held().await;
}
