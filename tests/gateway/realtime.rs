//! Conversations over a WebSocket: each response is held for before it is asked for, metered when it
//! ends, and refused where no budget has room, whoever wants it to begin.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::gateway::{PROVIDER_KEYS, Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::tls_support::Certificates;
mod entering;

async fn start() -> (RealtimeProvider, TestGateway) {
    let provider = RealtimeProvider::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    (provider, gateway)
}

async fn connect(gateway: &TestGateway, tenant: &Tenant) -> Caller {
    Caller::connect(gateway.port, &tenant.key).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_response_is_metered_to_the_nano_dollar() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("talks", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    let done = caller
        .turn(
            json!({"input": "100", "audio": "40", "cached_text": "5", "cached_audio": "15",
            "output": "30", "output_audio": "20"}),
        )
        .await;
    assert_eq!(done["type"], "response.done");
    caller
        .turn(json!({"input": "7", "output": "1", "output_audio": "0"}))
        .await;

    // 55 tokens of text, 25 of audio, 20 cached; 10 of text and 20 of audio.
    let first = 55 * 4_000 + 25 * 32_000 + 20 * 400 + 10 * 16_000 + 20 * 64_000;
    let rows = gateway.ledger_of(&tenant, 2).await;
    assert_eq!(usd(&rows[1]), first);
    assert_eq!(usd(&rows[0]), 7 * 4_000 + 16_000);
    for row in &rows {
        assert_eq!(row["route"], "/v1/realtime");
        assert_eq!(row["model"], "gpt-realtime");
        assert_eq!(row["status"], "success");
        assert_eq!(row["basis"], "measured");
    }
    assert_eq!(gateway.standing(&tenant).await, (provider.billed(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_is_told_not_to_start_responses_and_the_caller_does_not_notice() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("listens", "5").await;
    let bearer = format!("Bearer {}", tenant.key);
    let headers = [("authorization", bearer.as_str())];
    let mut caller = Caller::try_connect(gateway.port, "", &headers)
        .await
        .unwrap();
    let created = caller.expect("session.created").await;
    let detection = &created["session"]["audio"]["input"]["turn_detection"];
    assert_eq!(detection["create_response"], true);
    caller
        .say(
            json!({"type": "session.update", "session": {"type": "realtime",
        "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}}),
        )
        .await;
    let updated = caller.expect("session.updated").await;
    let detection = &updated["session"]["audio"]["input"]["turn_detection"];
    assert_eq!(detection["type"], "semantic_vad");
    assert_eq!(detection["create_response"], true);
    let told = provider.events("session.update");
    assert_eq!(told.len(), 2);
    for update in &told {
        let detection = &update["session"]["audio"]["input"]["turn_detection"];
        assert_eq!(detection["create_response"], false, "{update}");
    }
    assert_eq!(
        told[0]["session"]["audio"]["input"]["turn_detection"]["threshold"],
        0.5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_go_over_tls_on_both_sides() {
    let certificates = Certificates::new();
    let provider = RealtimeProvider::start_tls(&certificates).await;
    let gateway = Setup::new()
        .upstream(&format!("https://localhost:{}", provider.port()))
        .set("upstream.ca_file", certificates.quoted("ca.pem"))
        .env("TLS_CERT", certificates.path("cert.pem").to_string_lossy())
        .env("TLS_KEY", certificates.path("key.pem").to_string_lossy())
        .env("DEFAULT_API_KEY", "bg_the_key_of_the_tls_tests")
        .start()
        .await;
    let connected = certificates.connect(gateway.port, &["http/1.1"]).await;
    let (stream, _) = connected.unwrap();
    let bearer = [("authorization", "Bearer bg_the_key_of_the_tls_tests")];
    let mut caller = Caller::connect_over(Box::new(stream), "", &bearer)
        .await
        .unwrap();
    caller.expect("session.created").await;
    let done = caller.turn(json!({"output": "1"})).await;
    assert_eq!(done["type"], "response.done");
}

async fn until_done(caller: &mut Caller) -> Value {
    loop {
        let event = caller.event().await;
        if event["type"] == "response.done" || event["type"] == "error" {
            return event;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_to_speech_is_held_for_as_well() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("speaks", "0.5").await;
    let mut caller = connect(&gateway, &tenant).await;
    let speech = json!({"type": "input_audio_buffer.append", "audio": "AAAA"});
    let mut answered = 0;
    let refusal = loop {
        caller.say(speech.clone()).await;
        let event = until_done(&mut caller).await;
        if event["type"] == "error" {
            break event;
        }
        answered += 1;
        assert!(answered < 10, "no budget ends this");
    };
    assert_eq!(answered, 2);
    assert_eq!(refusal["error"]["type"], "insufficient_quota");
    assert_eq!(provider.events("response.create").len(), 2);
    let (spent, held) = gateway.standing(&tenant).await;
    assert_eq!((spent, held), (provider.billed(), 0));
    assert!(spent <= nanos("0.5"));
    // The caller may speak on; only nobody answers.
    caller.say(speech).await;
    caller.expect("input_audio_buffer.speech_started").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_starts_responses_itself_is_not_answered_twice() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("starts", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller
        .say(
            json!({"type": "session.update", "session": {"audio": {"input": {
        "turn_detection": {"type": "server_vad", "create_response": false}}}}}),
        )
        .await;
    let updated = caller.expect("session.updated").await;
    let detection = &updated["session"]["audio"]["input"]["turn_detection"];
    assert_eq!(detection["create_response"], false);
    caller
        .say(json!({"type": "input_audio_buffer.append", "audio": "AAAA"}))
        .await;
    caller.turn(json!({"output": "1"})).await;
    assert_eq!(provider.events("response.create").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_runs_out_between_turns_refuses_the_next_and_lets_on_when_it_grows() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("runs out", "0.5").await;
    let mut caller = connect(&gateway, &tenant).await;
    // The model's longest answer: 4,096 tokens of audio are $0.262144.
    caller.turn(json!({})).await;
    // The next one reads it, and what is left does not pay for another as long: a cap is put in.
    caller.turn(json!({})).await;
    let asked = provider.events("response.create");
    assert_eq!(asked[0]["response"]["max_output_tokens"], Value::Null);
    let cap = asked[1]["response"]["max_output_tokens"].as_u64().unwrap();
    assert!((1_000..4_096).contains(&cap), "{cap}");
    let event = json!({"type": "response.create", "event_id": "mine", "response": {}});
    caller.say(event.clone()).await;
    let refusal = caller.expect("error").await;
    assert_eq!(refusal["error"]["event_id"], "mine");
    assert_eq!(refusal["error"]["type"], "insufficient_quota");
    let message = refusal["error"]["message"].as_str().unwrap();
    assert!(message.contains("budget of this tenant"), "{message}");
    assert_eq!(provider.events("response.create").len(), 2);

    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = json!({"budgets": [{"period": "total", "amountUsd": "2"}]});
    gateway.admin(Method::POST, &path, budgets).await;
    caller.say(event).await;
    while until_done(&mut caller).await["type"] == "error" {
        caller.say(json!({"type": "response.create"})).await;
    }
    gateway
        .until("the refusal is in the ledger", async || {
            let rows = gateway.ledger(&tenant).await;
            rows.iter().any(|row| row["status"] == "blocked")
        })
        .await;
    assert_eq!(gateway.standing(&tenant).await, (provider.billed(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_in_parallel_never_spend_more_than_the_budget() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("many", "2").await;
    let talk = async || {
        let mut caller = connect(&gateway, &tenant).await;
        for _ in 0..12 {
            caller.turn(json!({"output": "3000"})).await;
        }
    };
    join_all((0..4).map(|_| talk())).await;
    let (spent, held) = gateway.standing(&tenant).await;
    assert_eq!((spent, held), (provider.billed(), 0));
    assert!(spent <= nanos("2"), "{spent}");
    assert!(spent >= nanos("1.5"), "{spent} of the budget could be used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_leaves_behind_is_cancelled_and_charged_as_the_provider_says() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("leaves", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.ask(json!({"does": "waits", "output": "11"})).await;
    caller.expect("response.created").await;
    drop(caller);
    let rows = gateway.ledger_of(&tenant, 1).await;
    assert_eq!(provider.events("response.cancel").len(), 1);
    assert_eq!(rows[0]["basis"], "measured");
    assert_eq!(usd(&rows[0]), provider.billed());
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_breaks_off_is_charged_what_was_held() {
    let (_provider, gateway) = start().await;
    let tenant = gateway.tenant_with("breaks", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.ask(json!({"does": "breaks"})).await;
    assert_eq!(caller.closed().await, Some(1011));
    let rows = gateway.ledger_of(&tenant, 1).await;
    assert_eq!(rows[0]["basis"], "unknown");
    assert_eq!(rows[0]["status"], "failed");
    let cost = usd(&rows[0]);
    assert!(cost > 4_096 * 64_000, "{cost}");
    assert_eq!(gateway.standing(&tenant).await, (cost, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_when_the_gateway_is_killed_is_charged_at_the_next_start() {
    let (_provider, mut gateway) = start().await;
    let tenant = gateway.tenant_with("killed", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.ask(json!({"does": "waits"})).await;
    caller.expect("response.created").await;
    gateway.kill();
    gateway.start().await;
    let rows = gateway.ledger_of(&tenant, 1).await;
    assert_eq!(rows[0]["status"], "interrupted");
    assert_eq!(gateway.standing(&tenant).await, (usd(&rows[0]), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_the_provider_does_not_make_costs_nothing() {
    let (_provider, gateway) = start().await;
    let tenant = gateway.tenant_with("refused", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    let refusal = caller.turn(json!({"does": "refuses"})).await;
    assert_eq!(refusal["error"]["code"], "wrong");
    let rows = gateway.ledger_of(&tenant, 1).await;
    assert_eq!((usd(&rows[0]), &rows[0]["status"]), (0, &json!("failed")));
    assert_eq!(gateway.standing(&tenant).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_turn_counts_as_a_request_and_the_conversation_as_one_under_way() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant("limited").await;
    let path = format!("/admin/tenant/{}/ratelimit", tenant.id);
    let limits = json!({"rateLimitPerMin": 2, "maxConcurrent": 1});
    gateway.admin(Method::PUT, &path, limits).await;
    let mut caller = connect(&gateway, &tenant).await;
    let bearer = format!("Bearer {}", tenant.key);
    let second = Caller::try_connect(gateway.port, "", &[("authorization", &bearer)]).await;
    assert_eq!(second.err(), Some(429));
    for _ in 0..2 {
        assert_eq!(
            caller.turn(json!({"output": "1"})).await["type"],
            "response.done"
        );
    }
    let refusal = caller.turn(json!({})).await;
    assert_eq!(refusal["error"]["type"], "rate_limit_exceeded");
    assert_eq!(provider.events("response.create").len(), 2);
    caller.close(1000).await;
    assert_eq!(caller.closed().await, Some(1000));
    gateway
        .until("there is room for another", async || {
            let headers = [("authorization", bearer.as_str())];
            let again = Caller::try_connect(gateway.port, "", &headers);
            again.await.is_ok()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_metered_does_not_pass() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant("tries").await;
    let mut caller = connect(&gateway, &tenant).await;
    // The gateway tells the provider first how it wants the session.
    gateway
        .until("the session is as we want it", async || {
            !provider.events("session.update").is_empty()
        })
        .await;
    let before = provider.events("session.update").len();
    let session = |session: Value| json!({"type": "session.update", "session": session});
    let mcp = json!([{"type": "mcp", "server_label": "x", "server_url": "https://x.test"}]);
    for event in [
        session(json!({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})),
        session(json!({"type": "transcription"})),
        session(json!({"model": "gpt-realtime-2"})),
        session(json!({"prompt": {"id": "pmpt_1"}})),
        session(json!({"tools": mcp})),
        session(json!({"turn_detection": null})),
        session(json!({"audio": {"input": {"turn_detection":
            {"type": "server_vad", "idle_timeout_ms": 5_000}}}})),
        json!({"type": "response.create", "response": {"tools": mcp}}),
        json!({"type": "response.create", "response": {"max_output_tokens": -1}}),
        json!({"type": "transcription_session.update", "session": {}}),
        json!({"type": "response.create2"}),
        json!({}),
    ] {
        caller.say(event.clone()).await;
        let refusal = caller.expect("error").await;
        assert!(
            refusal["error"]["message"].is_string(),
            "{event}: {refusal}"
        );
    }
    for text in [
        "no json",
        "[]",
        r#"{"type":"response.cancel","type":"response.create"}"#,
    ] {
        caller.send(Message::text(text)).await;
        caller.expect("error").await;
        caller.send(Message::binary(text.as_bytes().to_vec())).await;
        caller.expect("error").await;
    }
    assert_eq!(provider.events("session.update").len(), before);
    assert!(provider.events("response.create").is_empty());
    assert_eq!(
        caller.turn(json!({"output": "1"})).await["type"],
        "response.done"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_and_words_of_farewell_pass_both_ways() {
    let (_provider, gateway) = start().await;
    let tenant = gateway.tenant("greets").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.send(Message::Ping("are you there".into())).await;
    let pong = caller.next().await.unwrap();
    assert_eq!(pong, Message::Pong("are you there".into()));
    caller.ask(json!({"does": "says bye"})).await;
    assert_eq!(caller.closed().await, Some(4_001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_the_turn_end_and_then_says_that_it_goes_away() {
    let (provider, mut gateway) = start().await;
    let tenant = gateway.tenant_with("stops", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    caller.ask(json!({"does": "waits", "output": "3"})).await;
    caller.expect("response.created").await;
    caller.expect("response.output_text.delta").await;
    gateway.terminate();
    let refusal = loop {
        caller.ask(json!({"does": "refuses"})).await;
        let event = caller.expect("error").await;
        if event["error"]["code"] == "unavailable" {
            break event;
        }
    };
    assert_eq!(refusal["error"]["type"], "server_error");
    caller.say(json!({"type": "response.cancel"})).await;
    let done = caller.expect("response.done").await;
    assert_eq!(done["response"]["status"], "cancelled");
    assert_eq!(caller.closed().await, Some(1001));
    assert!(gateway.ended().await.success());
    gateway.start().await;
    let spent = gateway.standing(&tenant).await;
    assert_eq!(spent, (provider.billed(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_the_provider_begins_by_itself_is_ended_and_charged() {
    let (provider, gateway) = start().await;
    let tenant = gateway.tenant_with("unasked", "5").await;
    let mut caller = connect(&gateway, &tenant).await;
    let unasked = json!({"type": "output_audio_buffer.clear"});
    caller.say(unasked.clone()).await;
    let done = until_done(&mut caller).await;
    assert_eq!(done["response"]["status"], "cancelled");
    let rows = gateway.ledger_of(&tenant, 1).await;
    assert_eq!(usd(&rows[0]), provider.billed());
    assert_eq!(gateway.standing(&tenant).await, (provider.billed(), 0));

    let poor = gateway.tenant_with("unasked and poor", "0.01").await;
    let mut caller = connect(&gateway, &poor).await;
    caller.say(unasked).await;
    assert_eq!(caller.closed().await, Some(1008));
    gateway
        .until("the provider is told to stop", async || {
            provider.events("response.cancel").len() == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_long_ends_the_conversation() {
    let provider = RealtimeProvider::start().await;
    let setup = Setup::new().set("limits.body_bytes_max", "4096");
    let gateway = setup.upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("too long").await;
    let mut caller = connect(&gateway, &tenant).await;
    let audio =
        |length: usize| json!({"type": "input_audio_buffer.append", "audio": "A".repeat(length)});
    caller.say(audio(4_000)).await;
    caller.expect("input_audio_buffer.speech_started").await;
    caller.say(audio(5_000)).await;
    assert_eq!(caller.closed().await, Some(1009));
    assert_eq!(provider.events("input_audio_buffer.append").len(), 1);
}
