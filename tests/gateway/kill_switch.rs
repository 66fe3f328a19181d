//! A key that is revoked: whatever it has under way ends within a second, on every replica, and what was
//! used is charged.

use std::time::{Duration, Instant};

use budgetguard::simulator::CallOutcome;
use futures::StreamExt;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost_of_row, usd};
use crate::raw::{RawConnection, head};
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::replicas::Replicas;

/// Within this, everything of a revoked key has ended.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// Longer than that: a minute, in steps that are noticed, or in one that is not.
const LIVELY: &str = "hello [[sim output=3000 chunks=3000 delay_ms=20]]";
const SILENT: &str = "hello [[sim output=20 chunks=2 delay_ms=60000]]";
const SLOW: &str = "hello [[sim output=20 first_byte_ms=60000]]";

async fn revoke(gateway: &TestGateway, tenant: &Tenant) -> Instant {
    let path = format!("/admin/apikey/{}", tenant.key_id);
    gateway.admin(Method::DELETE, &path, Value::Null).await;
    Instant::now()
}

async fn begin(client: &Client, gateway: &TestGateway, tenant: &Tenant, call: &Call) -> Response {
    let (name, value) = call.dialect.key_header(&tenant.key);
    let request = client
        .post(format!("{}{}", gateway.url, call.path))
        .header(name, value);
    request.body(call.body.clone()).send().await.unwrap()
}

/// The rest of an answer: its text, and whether it ended as HTTP has it.
async fn rest(answer: Response) -> (String, bool) {
    let (mut text, mut stream) = (Vec::new(), answer.bytes_stream());
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else {
            return (String::from_utf8(text).unwrap(), false);
        };
        text.extend_from_slice(&piece);
    }
    (String::from_utf8(text).unwrap(), true)
}

/// The last event is an error as the dialect words a wrong key.
fn assert_ends_with_the_reason(dialect: Dialect, text: &str) {
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.rsplit("data: ").next().unwrap();
    if dialect == Dialect::Anthropic {
        assert!(last.starts_with("event: error\n"), "{text}");
    }
    let body: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("{text}"));
    let refused = dialect.read(401, http::HeaderMap::new(), &body);
    assert_eq!(refused.code, "invalid_api_key", "{text}");
}

async fn assert_charged(gateway: &TestGateway, tenant: &Tenant) {
    let row = gateway.ledger_of(tenant, 1).await.remove(0);
    assert_eq!(
        (&row["status"], &row["reason"]),
        (&json!("aborted"), &json!("key_revoked")),
        "{row}"
    );
    let held = nanos(row["heldUsd"].as_str().unwrap());
    if row["basis"] == "unknown" {
        assert_eq!(usd(&row), held, "{row}");
    } else {
        assert_eq!(usd(&row), cost_of_row(&row), "{row}");
        assert!(0 < usd(&row) && usd(&row) < held, "{row}");
    }
    assert_eq!(gateway.standing(tenant).await, (usd(&row), 0));
}

async fn hung_up_on(gateway: &TestGateway) {
    gateway
        .until("the provider is hung up on", async || {
            gateway.simulator.totals().in_flight == 0
        })
        .await;
    let call = gateway.simulator.calls().pop().unwrap();
    assert_eq!(call.outcome, CallOutcome::Aborted, "{call:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_reason_in_every_dialect_and_over_both_versions_of_http() {
    let builder = || Client::builder().no_proxy();
    for mode in ["cancel", "drain"] {
        let gateway = Setup::new().env("ABORT_MODE", mode).start().await;
        let clients = [
            builder().http1_only().build().unwrap(),
            builder().http2_prior_knowledge().build().unwrap(),
        ];
        for (version, client) in (1..).zip(&clients) {
            for (dialect, prompt) in Dialect::ALL
                .into_iter()
                .flat_map(|dialect| [(dialect, LIVELY), (dialect, SILENT)])
            {
                let name = format!("{dialect:?} {version} {prompt}");
                let tenant = gateway.tenant_with(&name, "100").await;
                let call = dialect.call(prompt, Some(5_000), true);
                let answer = begin(client, &gateway, &tenant, &call).await;
                assert_eq!(answer.status(), 200);
                // So that something was used.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let revoked = revoke(&gateway, &tenant).await;
                let (text, is_whole) = rest(answer).await;
                assert!(revoked.elapsed() < ENDS_WITHIN, "{:?}", revoked.elapsed());
                assert!(is_whole, "{text}");
                assert_ends_with_the_reason(dialect, &text);
                hung_up_on(&gateway).await;
                assert_charged(&gateway, &tenant).await;
            }
        }
        gateway.assert_nothing_held().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_not_begun_is_refused_and_one_of_another_form_is_broken_off() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("waits", "100").await;
    let call = Dialect::OpenAi.call(SLOW, Some(50), true);
    let (answer, revoked) = tokio::join!(
        async { (call.refused(&gateway, &tenant).await, Instant::now()) },
        async {
            gateway
                .until("the provider has the request", async || {
                    gateway.simulator.totals().in_flight == 1
                })
                .await;
            revoke(&gateway, &tenant).await
        }
    );
    let (refused, ended) = answer;
    assert_eq!((refused.status, &*refused.code), (401, "invalid_api_key"));
    assert!(ended.saturating_duration_since(revoked) < ENDS_WITHIN);
    hung_up_on(&gateway).await;
    assert_charged(&gateway, &tenant).await;

    let tenant = gateway.tenant_with("reads an array", "100").await;
    let array = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let call = Call::to(
        Dialect::Google,
        array,
        &Dialect::Google.body(LIVELY, Some(5_000), true),
    );
    let answer = call.send(&gateway, &tenant).await;
    let revoked = revoke(&gateway, &tenant).await;
    let (text, is_whole) = rest(answer).await;
    assert!(revoked.elapsed() < ENDS_WITHIN);
    assert!(!is_whole, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_is_left_as_well() {
    let gateway = Setup::new().start().await;
    // Nothing limits it, so nothing cuts it off. More than what the connections on the way hold.
    let tenant = gateway.tenant("does not read").await;
    let endless = "hello [[sim ignore_cap output=900000 chunks=90000]]";
    let call = Dialect::OpenAi.call(endless, Some(16_000), true);
    let length = format!("content-length: {}", call.body.len());
    let request = head(&call, &tenant, &["content-type: application/json", &length]) + &call.body;
    let mut connection = RawConnection::open(&gateway).await;
    assert!(connection.write(request.as_bytes()).await);
    gateway
        .until("the provider has the request", async || {
            gateway.simulator.totals().in_flight == 1
        })
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let revoked = revoke(&gateway, &tenant).await;
    gateway
        .until("the provider is hung up on", async || {
            gateway.simulator.totals().in_flight == 0
        })
        .await;
    assert!(revoked.elapsed() < ENDS_WITHIN, "{:?}", revoked.elapsed());
    let row = gateway.ledger_of(&tenant, 1).await.remove(0);
    assert_eq!(row["reason"], "key_revoked", "{row}");
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_other_keys_go_on_and_their_connections_are_kept() {
    let gateway = Setup::new().start().await;
    let (stopped, other) = (
        gateway.tenant("stopped").await,
        gateway.tenant("other").await,
    );
    let prompt = "hello [[sim output=40 chunks=40 delay_ms=20]]";
    let going_on = Dialect::OpenAi.call(prompt, Some(50), true);
    let answer = going_on.send(&gateway, &other).await;
    revoke(&gateway, &stopped).await;
    let (text, is_whole) = rest(answer).await;
    assert!(is_whole && text.ends_with("data: [DONE]\n\n"), "{text}");

    let mut connection = RawConnection::open(&gateway).await;
    let call = Dialect::OpenAi.call("hello [[sim output=5]]", Some(50), true);
    let length = format!("content-length: {}", call.body.len());
    let request = head(&call, &other, &["content-type: application/json", &length]) + &call.body;
    for _ in 0..3 {
        assert!(connection.write(request.as_bytes()).await);
        let answer = connection.chunked().await.expect("the connection is kept");
        assert!(answer.ends_with("data: [DONE]\n\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_ends_and_is_charged_what_its_last_response_used() {
    let provider = RealtimeProvider::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("talks", "5").await;
    let mut caller = Caller::connect(gateway.port, &tenant.key).await;
    caller.ask(json!({"does": "waits", "output": "11"})).await;
    caller.expect("response.created").await;
    let revoked = revoke(&gateway, &tenant).await;
    assert_eq!(caller.closed().await, Some(1_008));
    assert!(revoked.elapsed() < ENDS_WITHIN, "{:?}", revoked.elapsed());
    let row = gateway.ledger_of(&tenant, 1).await.remove(0);
    assert_eq!(row["basis"], "measured", "{row}");
    assert_eq!(row["compTok"], 11, "{row}");
    assert_eq!(gateway.standing(&tenant).await, (provider.billed(), 0));
    assert_eq!(provider.events("response.cancel").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_on_another_replica_ends_as_soon() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let tenant = replicas.tenant("elsewhere").await;
    let call = Dialect::OpenAi.call(SILENT, Some(50), true);
    let answer = call.send(&replicas.other, &tenant).await;
    let revoked = revoke(&replicas.one, &tenant).await;
    let (text, _) = rest(answer).await;
    assert!(revoked.elapsed() < ENDS_WITHIN, "{:?}", revoked.elapsed());
    assert_ends_with_the_reason(Dialect::OpenAi, &text);
    replicas.end().await;
}
