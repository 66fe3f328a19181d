//! Calls that end otherwise: callers that leave, cuts, delays, a stop.

use crate::simulator::CallOutcome;
use serde_json::{Value, json};
use std::time::Duration;

use super::{chat, claude, ended, events, post, send, simulator, with};

#[tokio::test]
async fn a_client_that_leaves_is_billed_what_was_produced() {
    let simulator = simulator().await;
    let body = with(
        chat("[[sim output=100 chunks=100 delay_ms=20]]"),
        &json!({"stream": true}),
    );
    let mut response = send(&simulator, "/v1/chat/completions", &body).await;
    let mut received = String::new();
    while received.matches("token").count() < 3 {
        received.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(response);
    let call = ended(&simulator).await;
    assert_eq!(call.outcome, CallOutcome::Aborted);
    assert!((3..20).contains(&call.billed.output), "{call:?}");
    assert!(call.billed.input > 0);
    assert_eq!(simulator.totals().aborted, 1);
}

#[tokio::test]
async fn a_call_that_hangs_ends_when_the_client_gives_up() {
    let simulator = simulator().await;
    let request = post(&simulator, "/v1/messages", &claude("[[sim hang]]"));
    assert!(
        request
            .timeout(Duration::from_millis(100))
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    let call = ended(&simulator).await;
    assert_eq!(
        (call.outcome, call.billed.output),
        (CallOutcome::Aborted, 0)
    );
}

#[tokio::test]
async fn a_cut_breaks_the_connection_after_so_many_events() {
    let simulator = simulator().await;
    let body = with(
        chat("[[sim output=10 cut_after=3]]"),
        &json!({"stream": true}),
    );
    let mut response = send(&simulator, "/v1/chat/completions", &body).await;
    let mut received = String::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        received.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(received.matches("data: ").count(), 3, "{received}");
    assert!(response.chunk().await.is_err() || !received.contains("[DONE]"));
    let call = ended(&simulator).await;
    assert_eq!((call.outcome, call.billed.output), (CallOutcome::Cut, 2));

    let whole = send(
        &simulator,
        "/v1/chat/completions",
        &chat("[[sim cut_after=1]]"),
    )
    .await;
    assert_eq!(whole.status(), 200);
    assert!(whole.bytes().await.is_err());
    let unanswered = post(
        &simulator,
        "/v1/chat/completions",
        &chat("[[sim cut_after=0]]"),
    );
    assert!(unanswered.send().await.is_err());
    assert_eq!(simulator.totals().cut, 3);
}

#[tokio::test]
async fn a_stream_can_end_in_the_providers_error_event() {
    let simulator = simulator().await;
    let body = with(claude("[[sim error_after=4]]"), &json!({"stream": true}));
    let stream = events(&simulator, "/v1/messages", &body).await;
    let (name, data) = stream.last().unwrap();
    assert_eq!(
        (stream.len(), name.as_str(), &data["error"]["type"]),
        (5, "error", &json!("api_error"))
    );
}

#[tokio::test]
async fn delays_hold_back_the_first_byte_and_each_event() {
    let simulator = simulator().await;
    let started = tokio::time::Instant::now();
    let directive = "[[sim output=4 first_byte_ms=60 delay_ms=20]]";
    let body = with(chat(directive), &json!({"stream": true}));
    let response = send(&simulator, "/v1/chat/completions", &body).await;
    assert!(started.elapsed() >= Duration::from_millis(60));
    response.bytes().await.unwrap();
    // Seven events have six pauses between them.
    assert!(started.elapsed() >= Duration::from_millis(60 + 6 * 20));
}

#[tokio::test]
async fn large_bodies_and_http2_are_served() {
    let simulator = simulator().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let url = format!("http://{}/v1/chat/completions", simulator.address());
    for bytes in [1, 64 * 1024 - 1, 64 * 1024 + 1, 20 * 1024 * 1024] {
        let body = chat(&"x".repeat(bytes));
        let response = client.post(&url).json(&body).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, http::Version::HTTP_2)
        );
        let usage = response.json::<Value>().await.unwrap();
        let input = usage["usage"]["prompt_tokens"].as_u64().unwrap();
        assert!(input >= bytes as u64 / 4 && input <= body.to_string().len() as u64);
    }
}

#[tokio::test]
async fn the_books_can_be_read_and_reset_over_http() {
    let simulator = simulator().await;
    send(&simulator, "/v1/chat/completions", &chat("")).await;
    let url = format!("http://{}/__simulator", simulator.address());
    let read = || async {
        reqwest::get(format!("{url}/calls"))
            .await
            .unwrap()
            .json::<Value>()
            .await
    };
    let books = read().await.unwrap();
    assert_eq!(
        (&books["totals"]["finished"], &books["calls"][0]["outcome"]),
        (&json!(1), &json!("finished"))
    );
    send(&simulator, "/__simulator/reset", &json!({})).await;
    assert_eq!(read().await.unwrap()["totals"]["calls"], 0);
}

#[tokio::test]
async fn stopping_closes_the_port_even_while_a_call_hangs() {
    let simulator = simulator().await;
    let address = simulator.address();
    let hanging = tokio::time::timeout(
        Duration::from_millis(50),
        post(&simulator, "/v1/chat/completions", &chat("[[sim hang]]")).send(),
    );
    assert!(hanging.await.is_err());
    simulator.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
