//! What answers cost: every endpoint, whole and streamed, against the provider's own books and
//! arithmetic of its own.

use budgetguard::simulator::{BilledTokens, CallOutcome};
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::{cost, usd};

/// One call: what the caller got, what the provider billed, and the row.
struct Metered {
    text: String,
    billed: BilledTokens,
    row: Value,
}

async fn meter(gateway: &TestGateway, tenant: &Tenant, call: &Call) -> Metered {
    let rows = gateway.ledger(tenant).await.len();
    let text = call.text(gateway, tenant).await;
    let provider = gateway.simulator.calls().pop().unwrap();
    assert_eq!(provider.outcome, CallOutcome::Finished, "{call:?}");
    let row = gateway.ledger_of(tenant, rows + 1).await.remove(0);
    assert_eq!(row["upstreamRequestId"], *provider.request_id, "{row}");
    assert_eq!(
        (&row["status"], &row["httpStatus"]),
        (&json!("success"), &json!(200)),
        "{row}"
    );
    assert_eq!(row["streamed"], provider.stream, "{row}");
    Metered {
        text,
        billed: provider.billed,
        row,
    }
}

/// The row says what the provider billed, to the nano.
fn assert_exact(metered: &Metered) {
    let (row, billed) = (&metered.row, &metered.billed);
    assert_eq!(row["basis"], "measured", "{row}");
    assert_eq!(
        (&row["promptTok"], &row["compTok"]),
        (&json!(billed.input), &json!(billed.output))
    );
    assert_eq!(
        usd(row),
        cost(row["model"].as_str().unwrap(), billed),
        "{row} {billed:?}"
    );
}

/// Calls of every billed endpoint.
fn endpoints(prompt: &str) -> Vec<Call> {
    let openai = |path: &str, body: Value| Call::to(Dialect::OpenAi, path, &body);
    let google = |path: &str| {
        Call::to(
            Dialect::Google,
            path,
            &Dialect::Google.body(prompt, None, true),
        )
    };
    let mut calls = vec![
        openai(
            "/v1/responses",
            json!({"model": "gpt-5-mini", "input": prompt}),
        ),
        openai(
            "/v1/responses",
            json!({"model": "gpt-5-mini", "input": prompt, "stream": true}),
        ),
        openai(
            "/v1/responses/compact",
            json!({"model": "gpt-5-mini", "input": prompt}),
        ),
        openai(
            "/v1/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": prompt}),
        ),
        openai(
            "/v1/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": prompt, "stream": true}),
        ),
        openai(
            "/v1/embeddings",
            json!({"model": "text-embedding-3-small", "input": prompt}),
        ),
        openai(
            "/v1/chat/completions",
            json!({"model": "gpt-4o-mini", "n": 3, "messages": [{"role": "user", "content": prompt}]}),
        ),
        google("/v1beta/models/gemini-2.5-flash:streamGenerateContent"),
        google("/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        Call::to(
            Dialect::Google,
            "/v1beta/models/gemini-embedding-001:embedContent",
            &json!({"content": {"parts": [{"text": prompt}]}}),
        ),
    ];
    for dialect in Dialect::ALL {
        calls.extend([false, true].map(|streamed| dialect.call(prompt, Some(2_000), streamed)));
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_is_billed_what_the_provider_bills() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("measured", "100").await;
    let mut sum = 0;
    for prompt in ["hello", "[[sim output=33 chunks=4 input=101]]"] {
        for call in endpoints(prompt) {
            let metered = meter(&gateway, &tenant, &call).await;
            assert_exact(&metered);
            sum += usd(&metered.row);
        }
    }
    assert_eq!(gateway.standing(&tenant).await, (sum, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cached_written_and_reasoning_tokens_have_their_own_price() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("caches").await;
    let filler = "much to read ".repeat(100);
    let prompt = format!("{filler} [[sim cached=300 output=90 reasoning=70]]");
    let written = format!("{filler} [[sim cached=300 cache_write=200 output=90]]");
    for streamed in [false, true] {
        for dialect in Dialect::ALL {
            let metered = meter(&gateway, &tenant, &dialect.call(&prompt, None, streamed)).await;
            assert_eq!(
                (metered.billed.cached_input, metered.billed.reasoning),
                (300, 70)
            );
            assert_exact(&metered);
        }
        let responses = json!({"model": "gpt-5-mini", "input": prompt, "stream": streamed});
        let call = Call::to(Dialect::OpenAi, "/v1/responses", &responses);
        assert_exact(&meter(&gateway, &tenant, &call).await);
        let call = Dialect::Anthropic.call(&written, None, streamed);
        let metered = meter(&gateway, &tenant, &call).await;
        assert_eq!(metered.billed.cache_write, 200);
        assert_exact(&metered);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_usage_of_a_stream_is_hidden_from_who_did_not_ask_for_it() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("asks").await;
    for include in [None, Some(false), Some(true)] {
        let mut body = Dialect::OpenAi.body("[[sim output=9 chunks=3]]", None, true);
        if let Some(include) = include {
            body["stream_options"] = json!({"include_usage": include});
        }
        let call = Call::to(Dialect::OpenAi, "/v1/chat/completions", &body);
        let metered = meter(&gateway, &tenant, &call).await;
        assert_exact(&metered);
        let text = &metered.text;
        assert_eq!(text.contains("usage"), include == Some(true), "{text}");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        assert_eq!(text.matches(" token").count(), 9, "{text}");
        assert!(text.contains(r#""finish_reason":"stop""#));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_reach_the_caller_as_the_provider_wrote_them() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("compares").await;
    let provider = format!("http://{}", gateway.simulator.address());
    for mut call in endpoints("[[sim output=12]]") {
        if call.path == "/v1/chat/completions" || call.path == "/v1/completions" {
            let mut body: Value = serde_json::from_str(&call.body).unwrap();
            if body["stream"] == true {
                body["stream_options"] = json!({"include_usage": true});
            }
            call.body = body.to_string();
        }
        let ours = call.send(&gateway, &tenant).await;
        let direct = gateway
            .http
            .post(format!("{provider}{}", call.path))
            .header("anthropic-version", "2023-06-01")
            .body(call.body.clone())
            .send()
            .await
            .unwrap();
        for (name, value) in direct.headers() {
            let varies = name.as_str().ends_with("request-id") || name == "date";
            if !varies && name != "content-length" && name != "transfer-encoding" {
                assert_eq!(ours.headers().get(name), Some(value), "{name} of {call:?}");
            }
        }
        assert!(ours.headers().contains_key("x-budgetguard-request-id"));
        let (ours, direct) = (ours.text().await.unwrap(), direct.text().await.unwrap());
        assert_eq!(stripped(&ours), stripped(&direct), "{call:?}");
    }
}

/// An answer without its ids, which count up, and its clock.
fn stripped(text: &str) -> String {
    let is_id = |word: &&str| {
        !word.contains("sim0")
            && !word.contains("created")
            && !word.contains("\"req_")
            && !word.contains("responseId")
            && !word.contains("createTime")
    };
    text.split_inclusive([',', '{']).filter(is_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn free_endpoints_are_recorded_and_cost_nothing() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("looks around", "0.000000001").await;
    for (dialect, path) in [
        (Dialect::OpenAi, "/v1/models"),
        (Dialect::OpenAi, "/v1/models/gpt-4o-mini"),
        (Dialect::Google, "/v1beta/models"),
        (Dialect::Google, "/v1beta/models/gemini-2.5-flash"),
    ] {
        let (name, value) = dialect.key_header(&tenant.key);
        let request = gateway
            .request(reqwest::Method::GET, path)
            .header(name, value);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap();
    }
    let counts =
        json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "x"}]});
    let contents = Dialect::Google.body("x", None, false);
    for call in [
        Call::to(
            Dialect::OpenAi,
            "/v1/moderations",
            &json!({"input": "hello"}),
        ),
        Call::to(Dialect::Anthropic, "/v1/messages/count_tokens", &counts),
        Call::to(
            Dialect::Google,
            "/v1beta/models/gemini-2.5-flash:countTokens",
            &contents,
        ),
    ] {
        call.text(&gateway, &tenant).await;
    }
    let rows = gateway.ledger_of(&tenant, 7).await;
    assert!(
        rows.iter()
            .all(|row| row["usd"] == "0" && row["status"] == "success"),
        "{rows:?}"
    );
    assert_eq!(gateway.standing(&tenant).await, (0, 0));
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_usage_is_estimated_from_what_was_seen() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("guesses", "100").await;
    for dialect in Dialect::ALL {
        for streamed in [false, true] {
            let call = dialect.call("hello [[sim output=50 no_usage]]", Some(200), streamed);
            let metered = meter(&gateway, &tenant, &call).await;
            let row = &metered.row;
            if dialect == Dialect::Google {
                // It may have thought unseen.
                assert_eq!(
                    (&row["basis"], &row["usd"]),
                    (&json!("unknown"), &row["heldUsd"])
                );
                continue;
            }
            assert_eq!(row["basis"], "estimated", "{row}");
            let output = row["compTok"].as_u64().unwrap();
            assert!(
                (50..=200).contains(&output),
                "{dialect:?} {streamed}: {row}"
            );
            assert!(
                row["promptTok"].as_u64().unwrap() >= metered.billed.input,
                "{row}"
            );
            assert_eq!(usd(row), crate::prices::cost_of_row(row), "{row}");
        }
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tier_that_was_served_decides_the_price() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("served", "100").await;
    let mut body = Dialect::OpenAi.body("[[sim output=100]]", Some(200), false);
    body["service_tier"] = json!("priority");
    let call = Call::to(Dialect::OpenAi, "/v1/chat/completions", &body);
    let metered = meter(&gateway, &tenant, &call).await;
    // $0.25 and $1 for a million tokens.
    let picos = metered.billed.input * 250_000 + metered.billed.output * 1_000_000;
    assert_eq!(
        usd(&metered.row),
        i64::try_from(picos.div_ceil(1_000)).unwrap()
    );
    assert_eq!(metered.row["tier"], "priority");
}
