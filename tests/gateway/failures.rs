//! Providers that fail and callers that leave: what the caller sees, and what is charged.

use std::time::{Duration, Instant};

use budgetguard::simulator::CallOutcome;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost, cost_of_row, usd};

/// The newest of so many rows, with nothing held any more.
async fn row(gateway: &TestGateway, tenant: &Tenant, count: usize) -> Value {
    let row = gateway.ledger_of(tenant, count).await.remove(0);
    gateway.assert_nothing_held().await;
    row
}

fn assert_row(row: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(row[name], *value, "{name} of {row}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_provider_reach_the_caller_and_cost_nothing() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("unlucky", "1").await;
    let mut count = 0;
    for dialect in Dialect::ALL {
        for status in [400, 401, 403, 404, 429, 500, 503, 529] {
            count += 1;
            let prompt = format!("[[sim status={status} retry_after=7]]");
            let call = dialect.call(&prompt, Some(100), count % 2 == 0);
            let answer = call.send(&gateway, &tenant).await;
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["retry-after"], "7");
            let body: Value = answer.json().await.unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains("Simulated error"), "{body}");
            let row = row(&gateway, &tenant, count).await;
            assert_row(
                &row,
                &json!({
                    "status": "failed", "reason": "upstream_status", "httpStatus": status,
                    "usd": "0", "basis": "measured",
                }),
            );
            assert!(row["upstreamRequestId"].is_string(), "{row}");
        }
    }
    assert_eq!(gateway.standing(&tenant).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_a_gateway_in_between_lost_is_charged_in_full() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("loses", "1").await;
    for (count, status) in [(1, 502), (2, 504), (3, 524)] {
        let call = Dialect::OpenAi.call(&format!("[[sim status={status}]]"), Some(100), false);
        assert_eq!(call.send(&gateway, &tenant).await.status(), status);
        let row = row(&gateway, &tenant, count).await;
        assert_row(
            &row,
            &json!({"status": "failed", "basis": "unknown", "httpStatus": status}),
        );
        assert_eq!(row["usd"], row["heldUsd"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_costs_what_was_seen_of_it() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("broken off", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        let call = dialect.call("hello [[sim output=200 cut_after=60]]", Some(500), true);
        let answer = call.send(&gateway, &tenant).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err(), "a broken stream looks whole");
        let provider = gateway.simulator.calls().pop().unwrap();
        assert_eq!(provider.outcome, CallOutcome::Cut);
        let row = row(&gateway, &tenant, at + 1).await;
        assert_row(&row, &json!({"reason": "upstream_cut", "httpStatus": 200}));
        assert!(
            ["aborted", "failed"].contains(&row["status"].as_str().unwrap()),
            "{row}"
        );
        let (seen, billed) = (row["compTok"].as_u64().unwrap(), provider.billed.output);
        assert!(
            seen >= billed && seen < 200,
            "{dialect:?}: {billed} billed, {row}"
        );
        assert!(
            usd(&row) >= cost(dialect.model(), &provider.billed),
            "{row}"
        );
        assert_eq!(usd(&row), cost_of_row(&row));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_or_never_begins_is_charged_in_full() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("half an answer", "1").await;
    let mut count = 0;
    for dialect in Dialect::ALL {
        for cut_after in [0, 1] {
            count += 1;
            let prompt = format!("[[sim output=200 cut_after={cut_after}]]");
            let call = dialect.call(&prompt, Some(500), false);
            let answer = call.request(&gateway, &tenant).send().await;
            let is_whole = match answer {
                Ok(answer) if answer.status() == 200 => answer.bytes().await.is_ok(),
                Ok(answer) => {
                    assert_eq!(dialect.refused(answer).await.status, 502);
                    false
                }
                Err(_) => false,
            };
            assert!(!is_whole, "half an answer looks whole");
            let row = row(&gateway, &tenant, count).await;
            assert_row(&row, &json!({"basis": "unknown", "usd": row["heldUsd"]}));
            assert_ne!(row["status"], "success");
            assert_eq!(
                gateway.simulator.totals().calls,
                count as u64,
                "it was sent again"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_within_a_stream_is_recorded() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("told in between", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        let call = dialect.call("hello [[sim output=200 error_after=50]]", Some(500), true);
        let text = call.text(&gateway, &tenant).await;
        assert!(text.contains("Simulated error"), "{text}");
        let row = row(&gateway, &tenant, at + 1).await;
        assert_row(
            &row,
            &json!({"status": "failed", "reason": "upstream_error_in_stream"}),
        );
        let billed = gateway.simulator.calls().pop().unwrap().billed;
        assert!(
            usd(&row) >= cost(dialect.model(), &billed),
            "{dialect:?} {billed:?} {row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_is_given_up_and_charged_in_full() {
    let setup = Setup::new().set("upstream.first_byte_timeout_ms", "300");
    let gateway = setup.set("upstream.idle_timeout_ms", "300").start().await;
    let tenant = gateway.tenant_with("waits", "1").await;
    let mut count = 0;
    for dialect in Dialect::ALL {
        for streamed in [false, true] {
            count += 1;
            let call = dialect.call("[[sim hang]]", Some(100), streamed);
            let started = Instant::now();
            let refused = call.refused(&gateway, &tenant).await;
            assert!(started.elapsed() < Duration::from_secs(5));
            assert_eq!((refused.status, &*refused.code), (504, "upstream_timeout"));
            let row = row(&gateway, &tenant, count).await;
            assert_row(
                &row,
                &json!({
                    "status": "failed", "reason": "upstream_timeout", "httpStatus": 504,
                    "basis": "unknown", "usd": row["heldUsd"],
                }),
            );
            assert_eq!(
                gateway.simulator.totals().calls,
                count as u64,
                "it was sent again"
            );
        }
    }
    // Silence in the middle of a stream.
    let call = Dialect::OpenAi.call("[[sim output=9 delay_ms=2000]]", Some(100), true);
    let answer = call.send(&gateway, &tenant).await;
    assert!(answer.bytes().await.is_err());
    let row = row(&gateway, &tenant, count + 1).await;
    assert_row(
        &row,
        &json!({"reason": "upstream_cut", "basis": "estimated"}),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_cannot_be_reached_costs_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let unknown = "http://no-such-host.invalid";
    let setup = Setup::new().upstream(&url).env("GOOGLE_BASE_URL", unknown);
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("knocks", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        let refused = dialect
            .call("hello", Some(100), at == 1)
            .refused(&gateway, &tenant)
            .await;
        assert_eq!(
            (refused.status, &*refused.code),
            (502, "upstream_unreachable")
        );
        assert!(!refused.message.contains("127.0.0.1") && !refused.message.contains("invalid"));
        let row = row(&gateway, &tenant, at + 1).await;
        assert_row(
            &row,
            &json!({
                "status": "failed", "reason": "upstream_unreachable", "httpStatus": 502,
                "basis": "measured", "usd": "0",
            }),
        );
    }
    assert_eq!(gateway.standing(&tenant).await, (0, 0));
}

const SLOW: &str = "hello [[sim output=400 chunks=400 delay_ms=10]]";

/// Reads a little of a slow stream and leaves.
async fn leave(gateway: &TestGateway, tenant: &Tenant, call: &Call) {
    let answer = call.send(gateway, tenant).await;
    assert_eq!(answer.status(), 200);
    let mut stream = answer.bytes_stream();
    let mut read = Vec::new();
    while read.windows(6).filter(|it| *it == b" token").count() < 8 {
        read.extend_from_slice(&stream.next().await.unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_ends_the_providers_work_and_pays_what_was_produced() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("leaves", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        leave(&gateway, &tenant, &dialect.call(SLOW, Some(1_000), true)).await;
        let left = Instant::now();
        gateway
            .until("the provider stops", async || {
                gateway.simulator.totals().in_flight == 0
            })
            .await;
        assert!(
            left.elapsed() < Duration::from_secs(2),
            "it worked on for {:?}",
            left.elapsed()
        );
        let provider = gateway.simulator.calls().pop().unwrap();
        assert_eq!(provider.outcome, CallOutcome::Aborted);
        let row = row(&gateway, &tenant, at + 1).await;
        assert_row(
            &row,
            &json!({
                "status": "aborted", "reason": "caller_gone", "basis": "estimated", "httpStatus": 200,
            }),
        );
        let output = row["compTok"].as_u64().unwrap();
        assert!((8..400).contains(&output), "{row}");
        assert!(
            output + 10 >= provider.billed.output,
            "{} of {row}",
            provider.billed.output
        );
        assert_eq!(usd(&row), cost_of_row(&row));
        assert!(usd(&row) <= nanos(row["heldUsd"].as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_drain_mode_the_answer_is_read_to_its_end_and_billed_in_full() {
    let gateway = Setup::new().env("ABORT_MODE", "drain").start().await;
    let tenant = gateway.tenant_with("leaves early", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        let prompt = "hello [[sim output=100 chunks=100 delay_ms=5]]";
        leave(&gateway, &tenant, &dialect.call(prompt, Some(1_000), true)).await;
        gateway
            .until("the provider ends", async || {
                gateway.simulator.totals().in_flight == 0
            })
            .await;
        let provider = gateway.simulator.calls().pop().unwrap();
        assert_eq!(
            (provider.outcome, provider.billed.output),
            (CallOutcome::Finished, 100)
        );
        let row = row(&gateway, &tenant, at + 1).await;
        assert_row(
            &row,
            &json!({"basis": "measured", "httpStatus": 200, "compTok": 100}),
        );
        assert_eq!(usd(&row), cost(dialect.model(), &provider.billed), "{row}");
    }
    // Who stays notices nothing.
    for streamed in [false, true] {
        let call = Dialect::OpenAi.call("[[sim output=20]]", Some(100), streamed);
        let text = call.text(&gateway, &tenant).await;
        assert_eq!(text.matches(" token").count(), 20, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_before_the_answer_begins_pays_in_full_or_drains() {
    for (mode, basis) in [("cancel", "unknown"), ("drain", "measured")] {
        let gateway = Setup::new().env("ABORT_MODE", mode).start().await;
        let tenant = gateway.tenant_with("impatient", "1").await;
        let call = Dialect::OpenAi.call("[[sim output=20 first_byte_ms=600]]", Some(100), false);
        let request = call
            .request(&gateway, &tenant)
            .timeout(Duration::from_millis(200));
        request.send().await.unwrap_err();
        gateway
            .until("the provider ends", async || {
                gateway.simulator.totals().in_flight == 0
            })
            .await;
        let row = row(&gateway, &tenant, 1).await;
        assert_eq!(row["basis"], basis, "{row}");
        if mode == "cancel" {
            assert_row(&row, &json!({"status": "aborted", "usd": row["heldUsd"]}));
        } else {
            let billed = gateway.simulator.calls().pop().unwrap().billed;
            assert_eq!(usd(&row), cost("gpt-4o-mini", &billed));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reasoning_that_nobody_saw_is_charged_when_a_stream_ends_early() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("leaves a thinker", "1").await;
    let prompt = "hello [[sim output=1000 reasoning=600 chunks=400 delay_ms=10]]";
    let messages = json!({"model": "gpt-5-mini", "stream": true, "max_completion_tokens": 2_000,
        "messages": [{"role": "user", "content": prompt}]});
    let responses = json!({"model": "gpt-5-mini", "stream": true, "max_output_tokens": 2_000,
        "input": prompt});
    for (at, call) in [
        Call::to(Dialect::OpenAi, "/v1/chat/completions", &messages),
        Call::to(Dialect::OpenAi, "/v1/responses", &responses),
    ]
    .into_iter()
    .enumerate()
    {
        leave(&gateway, &tenant, &call).await;
        gateway
            .until("the provider stops", async || {
                gateway.simulator.totals().in_flight == 0
            })
            .await;
        let row = row(&gateway, &tenant, at + 1).await;
        let billed = gateway.simulator.calls().pop().unwrap().billed;
        assert!(billed.output >= 600);
        assert!(usd(&row) >= cost("gpt-5-mini", &billed), "{billed:?} {row}");
        assert_row(
            &row,
            &json!({"basis": "unknown", "usd": row["heldUsd"], "reason": "caller_gone"}),
        );
    }
}
