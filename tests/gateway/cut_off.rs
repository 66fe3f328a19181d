//! Providers that ignore their cap: the stream ends properly, the provider is hung up on, and nobody
//! pays more than was held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use budgetguard::simulator::{CallOutcome, CallRecord};
use futures::stream;
use reqwest::Client;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost, cost_of_row, usd};
use crate::tls_support::{Certificates, serve};

const CAP: u64 = 100;
/// What passes beyond a cap of 100 before it is noticed: 16 tokens, a sixty-fourth, and text of 64
/// bytes, which is eleven of the simulator's words, once for each of at most three choices.
const BEYOND_MAX: u64 = 16 + 1 + 3 * 11;
/// Long, and slow enough that the provider notices that nobody listens any more.
const RUNAWAY: &str = "hello [[sim ignore_cap output=3000 chunks=3000 delay_ms=1]]";

/// Calls of every endpoint that streams, all with the cap, and what each ends with.
fn streams(prompt: &str) -> Vec<(Call, &'static str)> {
    let openai = |path: &str, mut body: Value| {
        body["stream"] = json!(true);
        Call::to(Dialect::OpenAi, path, &body)
    };
    let chat = |more: Value| {
        let mut body = Dialect::OpenAi.body(prompt, Some(CAP), true);
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        openai("/v1/chat/completions", body)
    };
    let array = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let gemini = Dialect::Google.body(prompt, Some(CAP), true);
    let completion =
        json!({"model": "gpt-3.5-turbo-instruct", "prompt": prompt, "max_tokens": CAP});
    let response = |model: &str| {
        let body = json!({"model": model, "input": prompt, "max_output_tokens": CAP});
        openai("/v1/responses", body)
    };
    let length = r#""finish_reason":"length""#;
    let incomplete = r#""incomplete_details":{"reason":"max_output_tokens"}"#;
    let max_tokens = r#""finishReason":"MAX_TOKENS""#;
    vec![
        (chat(json!({})), length),
        (
            chat(json!({"stream_options": {"include_usage": true}})),
            length,
        ),
        (
            chat(json!({"n": 3, "max_completion_tokens": CAP / 3})),
            length,
        ),
        (openai("/v1/completions", completion), length),
        (response("gpt-4o-mini"), incomplete),
        (response("gpt-5-mini"), incomplete),
        (
            Dialect::Anthropic.call(prompt, Some(CAP), true),
            r#""stop_reason":"max_tokens""#,
        ),
        (Dialect::Google.call(prompt, Some(CAP), true), max_tokens),
        (Call::to(Dialect::Google, array, &gemini), max_tokens),
    ]
}

/// A caller that opens a connection for each call: over HTTP/1.1 the gateway closes it after an
/// answer that it has cut off.
fn http1() -> Client {
    let builder = Client::builder().no_proxy();
    builder.pool_max_idle_per_host(0).build().unwrap()
}

async fn read(client: &Client, gateway: &TestGateway, tenant: &Tenant, call: &Call) -> String {
    let (name, value) = call.dialect.key_header(&tenant.key);
    let request = client
        .post(format!("{}{}", gateway.url, call.path))
        .header(name, value);
    let answer = request.body(call.body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The provider's record of the newest call, once that is over.
async fn hung_up_on(gateway: &TestGateway) -> CallRecord {
    gateway
        .until("the provider is hung up on", async || {
            gateway.simulator.totals().in_flight == 0
        })
        .await;
    let call = gateway.simulator.calls().pop().unwrap();
    assert_eq!(call.outcome, CallOutcome::Aborted, "{call:?}");
    call
}

fn assert_ends_properly(call: &Call, text: &str, end: &str) {
    assert!(text.contains(end), "{call:?}: {text}");
    let is_openai = call.dialect == Dialect::OpenAi && !call.path.ends_with("responses");
    let last = match call.dialect {
        Dialect::OpenAi if is_openai => "data: [DONE]\n\n",
        Dialect::OpenAi => "}\n\n",
        Dialect::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        Dialect::Google if call.path.ends_with("alt=sse") => "}\r\n\r\n",
        Dialect::Google => "}\n]\n",
    };
    assert!(text.ends_with(last), "{call:?}: {text}");
    if call.dialect == Dialect::Google && !call.path.ends_with("alt=sse") {
        serde_json::from_str::<Vec<Value>>(text).unwrap();
    }
}

/// The row says what happened, and charges what was produced, but no more than was held.
fn assert_charged(row: &Value, provider: &CallRecord) {
    assert_eq!(
        (&row["status"], &row["reason"], &row["httpStatus"]),
        (&json!("success"), &json!("cut_off"), &json!(200)),
        "{row}"
    );
    let held = nanos(row["heldUsd"].as_str().unwrap());
    assert!(usd(row) <= held, "{row}");
    if row["basis"] == "unknown" {
        assert_eq!(usd(row), held, "it may have reasoned unseen: {row}");
    } else {
        assert_eq!(row["basis"], "estimated", "{row}");
        assert_eq!(usd(row), cost_of_row(row), "{row}");
        let produced = row["compTok"].as_u64().unwrap();
        assert!(produced >= CAP, "{row}");
    }
    let bill = cost(&provider.model, &provider.billed);
    let one_token = cost(
        &provider.model,
        &budgetguard::simulator::BilledTokens {
            output: 1,
            ..Default::default()
        },
    );
    let beyond = i64::try_from(BEYOND_MAX).unwrap() * one_token;
    assert!(bill <= held + beyond, "{bill} {row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_ignores_its_cap_is_cut_off_in_every_dialect() {
    for mode in ["cancel", "drain"] {
        let gateway = Setup::new().env("ABORT_MODE", mode).start().await;
        let tenant = gateway.tenant_with("runs away", "100").await;
        // A body of more than 64 KiB is replayed; no model's window is too small for what it bills.
        let input = RUNAWAY.replace("output", "input=500 output");
        let long = format!("{} {input}", "long ".repeat(30_000));
        let mut sum = 0;
        let mut rows = 0;
        for prompt in [RUNAWAY, &long] {
            for (call, end) in streams(prompt) {
                let text = read(&http1(), &gateway, &tenant, &call).await;
                assert_ends_properly(&call, &text, end);
                let provider = hung_up_on(&gateway).await;
                rows += 1;
                let row = gateway.ledger_of(&tenant, rows).await.remove(0);
                assert_charged(&row, &provider);
                sum += usd(&row);
                assert_eq!(gateway.standing(&tenant).await, (sum, 0));
            }
        }
        let counted = ["openai", "anthropic", "google"].map(|provider| {
            format!("budgetguard_streams_cut_off_total{{provider=\"{provider}\"}}")
        });
        for (name, count) in counted.iter().zip([12, 2, 4]) {
            assert_eq!(gateway.metric(name).await, count, "{name}");
        }
        gateway.assert_nothing_held().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_goes_only_a_little_beyond_its_cap() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("bounded", "100").await;
    for (call, _) in streams(RUNAWAY) {
        let text = read(&http1(), &gateway, &tenant, &call).await;
        // A response repeats its text in four of its last events.
        let told = if call.path.ends_with("responses") {
            5
        } else {
            1
        };
        let words = text.matches(" token").count() as u64 / told;
        assert!(
            (CAP - 1..=CAP + BEYOND_MAX).contains(&words),
            "{words} {call:?}"
        );
        hung_up_on(&gateway).await;
        // The connection to the provider was closed, and the next request has another.
        call.dialect
            .call("hello [[sim output=5]]", Some(CAP), true)
            .text(&gateway, &tenant)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http2_a_stream_that_is_cut_off_ends_by_itself_and_the_connection_stays() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("multiplexes", "100").await;
    let builder = Client::builder().no_proxy();
    let client = builder.http2_prior_knowledge().build().unwrap();
    for (call, end) in streams(RUNAWAY) {
        let text = read(&client, &gateway, &tenant, &call).await;
        assert_ends_properly(&call, &text, end);
        hung_up_on(&gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_that_was_put_in_cuts_off_too() {
    let gateway = Setup::new().start().await;
    // Not enough for the longest answer, nor for what the provider would give.
    for (dialect, budget) in [(Dialect::OpenAi, "0.0006"), (Dialect::Google, "0.003")] {
        let tenant = gateway.tenant_with(budget, budget).await;
        let call = dialect.call(RUNAWAY, None, true);
        let text = read(&http1(), &gateway, &tenant, &call).await;
        assert!(text.matches(" token").count() < 3_000, "never cut off");
        hung_up_on(&gateway).await;
        let row = gateway.ledger_of(&tenant, 1).await.remove(0);
        assert_eq!(row["reason"], "cut_off", "{row}");
        let (spent, held) = gateway.standing(&tenant).await;
        assert!(spent <= nanos(budget) && held == 0, "{spent} {held}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_within_its_cap_and_what_nothing_limits_is_never_cut_off() {
    let gateway = Setup::new().start().await;
    let limited = gateway.tenant_with("keeps to it", "100").await;
    let free = gateway.tenant("is free").await;
    let at_the_cap = "hello [[sim output=2000 delay_ms=1]]";
    let runaway = "hello [[sim ignore_cap output=600]]";
    for (tenant, prompt) in [(&limited, at_the_cap), (&free, runaway)] {
        for (call, _) in streams(prompt) {
            call.text(&gateway, tenant).await;
            let provider = gateway.simulator.calls().pop().unwrap();
            assert_eq!(provider.outcome, CallOutcome::Finished, "{call:?}");
        }
        let rows = gateway.ledger_of(tenant, 9).await;
        let is_whole = |row: &Value| row["reason"].is_null() && row["basis"] == "measured";
        assert!(rows.iter().all(is_whole), "{rows:#?}");
    }
}

/// Counts the answers that somebody listens to.
struct Listened(Arc<AtomicUsize>);

impl Drop for Listened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer of Anthropic that never ends.
fn endless(listened: &Arc<AtomicUsize>) -> Response {
    listened.fetch_add(1, Ordering::AcqRel);
    let guard = Listened(Arc::clone(listened));
    let start = r#"{"type":"message_start","message":{"id":"msg_1","model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#;
    let block =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" token"}}"#;
    let events = stream::unfold((0_u64, guard), move |(number, guard)| async move {
        let data = match number {
            0 => start,
            1 => block,
            _ => delta,
        };
        // One that is held up for ever once it has said enough: only hanging up ends it.
        if number > 300 {
            std::future::pending::<()>().await;
        }
        let event = Bytes::from(format!("data: {data}\n\n"));
        Some((Ok::<_, std::io::Error>(event), (number + 1, guard)))
    });
    (
        [("content-type", "text/event-stream")],
        Body::from_stream(events),
    )
        .into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_falls_silent_after_its_cap_is_hung_up_on_at_once() {
    let certificates = Certificates::new();
    for protocol in ["h2", "http/1.1"] {
        let listened = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&listened);
        let router = Router::new().fallback(move |_: Bytes| std::future::ready(endless(&counted)));
        let address = serve(&certificates, protocol, router).await;
        let gateway = Setup::new()
            .upstream(&format!("https://localhost:{}", address.port()))
            .set("upstream.ca_file", certificates.quoted("ca.pem"))
            .start()
            .await;
        let tenant = gateway.tenant_with("endless", "1").await;
        let call = Dialect::Anthropic.call("hello", Some(CAP), true);
        let client = http1();
        for _ in 0..3 {
            let reading = read(&client, &gateway, &tenant, &call);
            let text = tokio::time::timeout(Duration::from_secs(20), reading).await;
            assert!(text.unwrap().contains("\"stop_reason\":\"max_tokens\""));
            gateway
                .until("the provider is hung up on", async || {
                    listened.load(Ordering::Acquire) == 0
                })
                .await;
        }
        gateway.assert_nothing_held().await;
    }
}
