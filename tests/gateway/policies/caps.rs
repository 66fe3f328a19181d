//! The most output tokens that rules allow: in the request, in what is held for it, and in its row.

use budgetguard::simulator::BilledTokens;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Rules, newest};
use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost, cost_of_row, usd};
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::upstream::RecordingUpstream;

const MOST: u64 = 20;
const HEADER: &str = "x-budgetguard-policy-max-output-tokens";

fn capped() -> Rules {
    Rules::deciding(&json!({"allow": true, "max_output_tokens": MOST}))
}

/// Where a body has its cap.
fn cap_in(dialect: Dialect, body: &Value) -> Value {
    match dialect {
        Dialect::OpenAi => body["max_completion_tokens"].clone(),
        Dialect::Anthropic => body["max_tokens"].clone(),
        Dialect::Google => body["generationConfig"]["maxOutputTokens"].clone(),
    }
}

async fn recorded(rules: &Rules) -> (RecordingUpstream, TestGateway) {
    let provider = RecordingUpstream::start().await;
    let gateway = rules.setup().upstream(&provider.url()).start().await;
    (provider, gateway)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_answer_than_rules_allow_is_capped_in_each_dialect() {
    let rules = capped();
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("capped", "1").await;
    for dialect in Dialect::ALL {
        for cap in [None, Some(50), Some(MOST), Some(3)] {
            let answer = dialect
                .call("hello", cap, false)
                .send(&gateway, &tenant)
                .await;
            assert_eq!(answer.status(), 200);
            // Anthropic's always has one.
            let own = cap.or((dialect == Dialect::Anthropic).then_some(1_000));
            let is_changed = own.is_none_or(|own| own > MOST);
            let told = answer.headers().get(HEADER);
            let told = told.map(|told| told.to_str().unwrap().to_owned());
            assert_eq!(told, is_changed.then(|| MOST.to_string()), "{dialect:?}");
            let sent = provider.received.take().remove(0);
            let expected = own.unwrap_or(MOST).min(MOST);
            assert_eq!(
                cap_in(dialect, &sent.json()),
                expected,
                "{dialect:?} {cap:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_the_price_of_the_capped_request() {
    let rules = capped();
    let (_provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("held", "1").await;
    let mut held = Vec::new();
    for (count, cap) in [(1, Some(MOST)), (2, Some(5_000)), (3, None)] {
        let call = Dialect::OpenAi.call("hello", cap, false);
        call.text(&gateway, &tenant).await;
        let row = newest(&gateway, &tenant, count).await;
        held.push(nanos(row["heldUsd"].as_str().unwrap()));
        let changed = if cap == Some(MOST) {
            Value::Null
        } else {
            json!(MOST)
        };
        assert_eq!(row["policy"]["maxOutputTokens"], changed, "{row}");
    }
    // The bodies differ by a few bytes, each of which may be a token of input: a thousandth of a cent at most.
    let [own, lowered, put_in] = held[..] else {
        panic!()
    };
    assert!((0..10_000).contains(&(lowered - own)), "{held:?}");
    assert!((0..10_000).contains(&(own - put_in)), "{held:?}");
    let output = BilledTokens {
        output: MOST,
        ..BilledTokens::default()
    };
    assert!(put_in > cost("gpt-4o-mini", &output), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_where_no_budget_does() {
    let rules = capped();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant("unlimited").await;
    for (count, dialect) in (1..).zip(Dialect::ALL) {
        let call = dialect.call("[[sim output=90]]", Some(100), count == 2);
        call.text(&gateway, &tenant).await;
        let row = newest(&gateway, &tenant, count).await;
        assert_eq!(row["compTok"], MOST, "{dialect:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_answers_together_keep_within_what_rules_allow() {
    let rules = capped();
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant("several").await;
    let ask = async |choices: u64| {
        let mut body = Dialect::OpenAi.body("hello", None, false);
        body["n"] = json!(choices);
        let call = Call::to(Dialect::OpenAi, "/v1/chat/completions", &body);
        call.send(&gateway, &tenant).await
    };
    assert_eq!(ask(3).await.status(), 200);
    let sent = provider.received.take().remove(0);
    assert_eq!(cap_in(Dialect::OpenAi, &sent.json()), MOST / 3);
    // Not even a token for each.
    let refused = Dialect::OpenAi.refused(ask(MOST + 1).await).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "policy_not_applicable")
    );
    assert!(provider.received.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_translated_request_is_capped_in_its_providers_words() {
    let rules = Rules::deciding(&json!({"allow": true, "max_output_tokens": 2_000}));
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant_with("translated", "5").await;
    for (path, body) in [
        (
            "/v1/chat/completions",
            json!({"model": "claude-haiku-4-5", "max_tokens": 9_000, "reasoning_effort": "high",
                "messages": [{"role": "user", "content": "hello"}]}),
        ),
        (
            "/v1/responses",
            json!({"model": "claude-haiku-4-5", "input": "hello", "store": false}),
        ),
    ] {
        let call = Call::to(Dialect::OpenAi, path, &body);
        call.text(&gateway, &tenant).await;
        let sent = provider.received.take().remove(0);
        assert_eq!(sent.uri.path(), "/v1/messages");
        assert_eq!(sent.json()["max_tokens"], 2_000, "{path}");
        // What a model may think is part of its answer.
        let thinking = &sent.json()["thinking"]["budget_tokens"];
        assert!(
            thinking.as_u64().is_none_or(|tokens| tokens < 2_000),
            "{sent:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_output_is_left_as_it_is_and_what_cannot_be_capped_is_refused() {
    let rules = capped();
    let (provider, gateway) = recorded(&rules).await;
    let tenant = gateway.tenant("others").await;
    let embed = json!({"model": "text-embedding-3-small", "input": "hello"});
    let embedded = Call::to(Dialect::OpenAi, "/v1/embeddings", &embed);
    let answer = embedded.send(&gateway, &tenant).await;
    assert_eq!(answer.headers().get(HEADER), None);
    assert_eq!(provider.received.take().remove(0).json(), embed);
    let image = json!({"model": "gpt-image-1", "prompt": "a cat", "quality": "high"});
    let made = Call::to(Dialect::OpenAi, "/v1/images/generations", &image);
    let refused = made.refused(&gateway, &tenant).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "policy_not_applicable")
    );
    assert!(refused.message.contains("20 output tokens"), "{refused:?}");
    assert!(provider.received.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_line_of_a_batch_keeps_to_what_rules_allow_or_the_batch_is_refused() {
    let rules = capped();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant_with("batches", "5").await;
    let batch = |caps: &[u64]| {
        let requests = caps.iter().enumerate().map(|(number, cap)| {
            json!({"custom_id": format!("r{number}"),
                "params": Dialect::Anthropic.body("hello", Some(*cap), false)})
        });
        let requests = json!({"requests": requests.collect::<Vec<_>>()});
        Call::to(Dialect::Anthropic, "/v1/messages/batches", &requests)
    };
    batch(&[MOST, 1]).text(&gateway, &tenant).await;
    let refused = batch(&[1, MOST + 1]).refused(&gateway, &tenant).await;
    assert_eq!(
        (refused.status, &*refused.code),
        (403, "policy_not_applicable")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_response_of_a_conversation_is_capped() {
    let rules = capped();
    let provider = RealtimeProvider::start().await;
    let gateway = rules.setup().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("talks", "5").await;
    let mut caller = Caller::connect(gateway.port, &tenant.key).await;
    caller.turn(json!({"output": "5"})).await;
    let asked = provider.events("response.create");
    assert_eq!(asked[0]["response"]["max_output_tokens"], MOST);
    let row = newest(&gateway, &tenant, 1).await;
    assert_eq!(row["policy"]["maxOutputTokens"], MOST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ignores_the_cap_of_rules_is_ended() {
    let rules = capped();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant("ignored").await;
    let prompt = "[[sim output=4000 chunks=400 ignore_cap]]";
    let answer = Dialect::OpenAi
        .call(prompt, None, true)
        .text(&gateway, &tenant)
        .await;
    assert!(answer.contains("\"finish_reason\":\"length\""), "{answer}");
    let row = newest(&gateway, &tenant, 1).await;
    assert_eq!(row["reason"], "cut_off");
}

/// One request of the property below.
#[derive(Clone, Debug)]
struct Wish {
    dialect: Dialect,
    cap: Option<u64>,
    output: u64,
    streamed: bool,
}

fn wish() -> impl Strategy<Value = Wish> {
    let dialects = prop::sample::select(Dialect::ALL.to_vec());
    let cap = prop::option::of(1_u64..80);
    (dialects, cap, 1_u64..120, any::<bool>()).prop_map(|(dialect, cap, output, streamed)| Wish {
        dialect,
        cap,
        output,
        streamed,
    })
}

async fn ask(gateway: &TestGateway, tenant: &Tenant, wish: &Wish) {
    let prompt = format!("[[sim output={}]]", wish.output);
    let call = wish.dialect.call(&prompt, wish.cap, wish.streamed);
    call.text(gateway, tenant).await;
}

/// Never more output than rules allow or the caller asked for, and never more charged than was held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_longer_than_rules_allow() {
    const REQUESTS: usize = 30;
    let rules = capped();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant_with("property", "5").await;
    let mut runner = TestRunner::deterministic();
    for count in 1..=REQUESTS {
        let wish = wish().new_tree(&mut runner).unwrap().current();
        ask(&gateway, &tenant, &wish).await;
        let row = newest(&gateway, &tenant, count).await;
        let output = row["compTok"].as_u64().unwrap();
        let most = wish.cap.unwrap_or(u64::MAX).min(MOST);
        assert_eq!(output, wish.output.min(most), "{wish:?}: {row}");
        assert_eq!(usd(&row), cost_of_row(&row));
        assert!(
            usd(&row) <= nanos(row["heldUsd"].as_str().unwrap()),
            "{row}"
        );
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_tells_what_rules_changed() {
    let rules = capped();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant_with("receives", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=7]]", None, false);
    let answer = call.send(&gateway, &tenant).await;
    let id = answer.headers()["x-budgetguard-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    answer.text().await.unwrap();
    let path = format!("/v1/receipts/{id}");
    let request = gateway.request(Method::GET, &path).bearer_auth(&tenant.key);
    let receipt: Value = request.send().await.unwrap().json().await.unwrap();
    let policy = &receipt["policy"];
    assert_eq!(policy["decision"], "allow");
    assert_eq!(policy["decision_id"], id);
    assert_eq!(policy["max_output_tokens"], MOST);
    assert_eq!(policy["hash"].as_str().unwrap().len(), 64);
    let row = newest(&gateway, &tenant, 1).await;
    assert_eq!(row["policy"]["hash"], policy["hash"]);
    // Another policy has another hash.
    let other = Setup::new().start().await;
    let tenant = other.tenant("by default").await;
    Dialect::OpenAi
        .call("hello", None, false)
        .text(&other, &tenant)
        .await;
    let by_default = newest(&other, &tenant, 1).await;
    assert_ne!(by_default["policy"]["hash"], policy["hash"]);
    assert_eq!(by_default["policy"]["decisionId"], by_default["id"]);
}
