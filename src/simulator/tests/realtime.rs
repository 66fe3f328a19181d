//! Realtime sessions over real sockets: each answer is billed and booked by itself.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::simulator::{CallOutcome, CallRecord, ProviderKeys, Simulator, SimulatorOptions};

use super::simulator;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(simulator: &Simulator, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let url = format!(
        "ws://{}/v1/realtime?model=gpt-realtime",
        simulator.address()
    );
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (mut socket, response) = connect_async(request).await?;
    if headers
        .iter()
        .any(|(name, _)| *name == "sec-websocket-protocol")
    {
        assert_eq!(response.headers()["sec-websocket-protocol"], "realtime");
    }
    assert_eq!(hear(&mut socket).await["type"], "session.created");
    Ok(socket)
}

async fn hear(socket: &mut Socket) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn say(socket: &mut Socket, event: Value) {
    socket.send(Message::text(event.to_string())).await.unwrap();
}

/// Everything up to the end of an answer.
async fn answered(socket: &mut Socket) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = hear(socket).await;
        let done = event["type"] == "response.done";
        events.push(event);
        if done {
            return events;
        }
    }
}

async fn ask(socket: &mut Socket, text: &str) {
    let item = json!({"type": "message", "role": "user",
                      "content": [{"type": "input_text", "text": text}]});
    say(
        socket,
        json!({"type": "conversation.item.create", "item": item}),
    )
    .await;
    say(socket, json!({"type": "response.create"})).await;
    assert_eq!(hear(socket).await["type"], "conversation.item.added");
    assert_eq!(hear(socket).await["type"], "conversation.item.done");
}

fn turns(simulator: &Simulator) -> Vec<CallRecord> {
    simulator.calls()
}

#[tokio::test]
async fn each_turn_is_booked_with_the_usage_that_it_tells() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    say(
        &mut socket,
        json!({"type": "session.update", "session": {"instructions": "Be short."}}),
    )
    .await;
    assert_eq!(hear(&mut socket).await["type"], "session.updated");
    ask(
        &mut socket,
        "hello [[sim output=12 audio_output=4 cached=2 chunks=3]]",
    )
    .await;
    let first = answered(&mut socket).await;
    let kinds: Vec<&str> = first.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "response.created");
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == "response.output_text.delta")
            .count(),
        3
    );
    let usage = &first.last().unwrap()["response"]["usage"];
    assert_eq!(
        (&usage["output_tokens"], &usage["output_token_details"]),
        (&json!(12), &json!({"audio_tokens": 4, "text_tokens": 8}))
    );
    assert_eq!(usage["input_token_details"]["cached_tokens"], 2);

    ask(&mut socket, "more [[sim output=5]]").await;
    let second = answered(&mut socket).await;
    let next = &second.last().unwrap()["response"]["usage"];
    let input = |usage: &Value| usage["input_tokens"].as_u64().unwrap();
    assert!(input(next) > input(usage) + 8);
    let turns = turns(&simulator);
    let booked: Vec<_> = turns
        .iter()
        .map(|turn| (turn.path.as_str(), turn.billed.input, turn.billed.output))
        .collect();
    assert_eq!(
        booked,
        [
            ("/v1/realtime", input(usage), 12),
            ("/v1/realtime", input(next), 5)
        ]
    );
    assert_eq!(turns[0].billed.audio_output, 4);
    assert_eq!(turns[1].outcome, CallOutcome::Finished);
    simulator.stop().await;
}

#[tokio::test]
async fn sound_that_was_committed_is_input() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    say(&mut socket, json!({"type": "input_audio_buffer.commit"})).await;
    assert_eq!(hear(&mut socket).await["type"], "error");
    let audio = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![0; 48_000]);
    say(
        &mut socket,
        json!({"type": "input_audio_buffer.append", "audio": audio}),
    )
    .await;
    say(&mut socket, json!({"type": "input_audio_buffer.commit"})).await;
    assert_eq!(
        hear(&mut socket).await["type"],
        "input_audio_buffer.committed"
    );
    say(&mut socket, json!({"type": "response.create"})).await;
    let events = answered(&mut socket).await;
    let usage = &events.last().unwrap()["response"]["usage"];
    assert_eq!(usage["input_token_details"]["audio_tokens"], 10);
    assert_eq!(turns(&simulator)[0].billed.audio_input, 10);
}

#[tokio::test]
async fn with_turn_detection_sound_alone_starts_an_answer() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    let detection = json!({"audio": {"input": {"turn_detection": {"type": "server_vad"}}}});
    say(
        &mut socket,
        json!({"type": "session.update", "session": detection}),
    )
    .await;
    assert_eq!(hear(&mut socket).await["type"], "session.updated");
    say(
        &mut socket,
        json!({"type": "input_audio_buffer.append", "audio": "AAAA"}),
    )
    .await;
    let events = answered(&mut socket).await;
    assert_eq!(
        events[0]["type"], "input_audio_buffer.speech_started",
        "{events:?}"
    );
    assert_eq!(turns(&simulator)[0].billed.audio_input, 1);
}

#[tokio::test]
async fn a_canceled_turn_bills_what_was_produced() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    ask(&mut socket, "[[sim output=100 chunks=100 delay_ms=10]]").await;
    while hear(&mut socket).await["type"] != "response.output_text.delta" {}
    say(&mut socket, json!({"type": "response.cancel"})).await;
    let events = answered(&mut socket).await;
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["status"], "cancelled");
    let output = response["usage"]["output_tokens"].as_u64().unwrap();
    assert!((1..100).contains(&output));
    assert_eq!(turns(&simulator)[0].billed.output, output);
}

#[tokio::test]
async fn a_turn_can_fail_break_off_and_keep_to_its_cap() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    ask(&mut socket, "[[sim status=429]]").await;
    let failed = answered(&mut socket).await;
    let response = &failed.last().unwrap()["response"];
    assert_eq!(
        (&response["status"], &response["usage"]),
        (&json!("failed"), &Value::Null)
    );
    assert_eq!(turns(&simulator)[0].outcome, CallOutcome::Refused);

    say(
        &mut socket,
        json!({"type": "response.create",
               "response": {"max_output_tokens": 3, "metadata": {"x": "[[sim output=50]]"}}}),
    )
    .await;
    let capped = answered(&mut socket).await;
    let response = &capped.last().unwrap()["response"];
    assert_eq!(
        (&response["status"], &response["usage"]["output_tokens"]),
        (&json!("incomplete"), &json!(3))
    );

    ask(&mut socket, "[[sim output=9 cut_after=4]]").await;
    while let Some(Ok(_)) = socket.next().await {}
    let cut = turns(&simulator).pop().unwrap();
    assert_eq!((cut.outcome, cut.billed.output), (CallOutcome::Cut, 2));
}

#[tokio::test]
async fn who_leaves_in_the_middle_is_billed_what_was_produced() {
    let simulator = simulator().await;
    let mut socket = connect(&simulator, &[]).await.unwrap();
    ask(&mut socket, "[[sim output=50 chunks=50 delay_ms=10]]").await;
    while hear(&mut socket).await["type"] != "response.output_text.delta" {}
    drop(socket);
    let call = super::ended(&simulator).await;
    assert_eq!(call.outcome, CallOutcome::Aborted);
    assert!((1..50).contains(&call.billed.output), "{call:?}");
}

#[tokio::test]
async fn the_key_comes_by_header_or_by_protocol() {
    let keys = ProviderKeys {
        openai: "o".into(),
        anthropic: "a".into(),
        gemini: "g".into(),
    };
    let options = SimulatorOptions {
        require_keys: Some(keys),
        ..SimulatorOptions::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    assert!(
        connect(&simulator, &[("authorization", "Bearer o")])
            .await
            .is_ok()
    );
    let browser = "realtime, openai-insecure-api-key.o";
    let browser = [("sec-websocket-protocol", browser)];
    assert!(connect(&simulator, &browser).await.is_ok());
    let refused = connect(&simulator, &[("authorization", "Bearer x")]).await;
    let Err(Error::Http(response)) = refused else {
        panic!("accepted with a wrong key");
    };
    assert_eq!(response.status(), 401);
    let plain = reqwest::get(format!("http://{}/v1/realtime", simulator.address())).await;
    assert_eq!(plain.unwrap().status(), 401);
}
