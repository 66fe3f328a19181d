//! Streams of Anthropic and Google.

use serde_json::{Value, json};

use super::{FLASH, answer, claude, ended, events, gemini, names, send, simulator, with};

#[tokio::test]
async fn anthropic_streams_cumulative_usage_with_cache_outside_the_input() {
    let simulator = simulator().await;
    let directive = "[[sim input=200 output=9 reasoning=2 chunks=3 cached=100 cache_write=50]]";
    let body = with(claude(directive), &json!({"stream": true}));
    let stream = events(&simulator, "/v1/messages", &body).await;
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names(&stream), expected);
    let usage = &stream[0].1["message"]["usage"];
    assert_eq!(
        (&usage["input_tokens"], &usage["output_tokens"]),
        (&json!(50), &json!(1))
    );
    assert_eq!(usage["cache_read_input_tokens"], 100);
    assert_eq!(usage["cache_creation"]["ephemeral_5m_input_tokens"], 50);
    let usage = &stream[stream.len() - 2].1["usage"];
    assert_eq!(usage["output_tokens"], 9);
    assert_eq!(usage["output_tokens_details"]["thinking_tokens"], 2);
    assert_eq!(ended(&simulator).await.billed.input, 200);

    let whole = answer(&simulator, "/v1/messages", &claude("[[sim output=3]]")).await;
    assert_eq!(whole["content"][0]["text"], " token".repeat(3));
    let silent = answer(&simulator, "/v1/messages", &claude("[[sim no_usage]]")).await;
    assert!(silent.get("usage").is_none());
}

#[tokio::test]
async fn gemini_streams_events_and_arrays() {
    let simulator = simulator().await;
    let body = gemini("[[sim output=10 reasoning=4 chunks=3 cached=5 tier=flex]]");
    let stream = events(
        &simulator,
        &format!("{FLASH}:streamGenerateContent?alt=sse"),
        &body,
    )
    .await;
    let counts = |data: &Value| {
        data["usageMetadata"]["candidatesTokenCount"]
            .as_u64()
            .unwrap()
    };
    let cumulative: Vec<u64> = stream.iter().map(|(_, data)| counts(data)).collect();
    assert_eq!(cumulative, [2, 4, 6]);
    let last = &stream[2].1;
    assert_eq!(last["usageMetadata"]["thoughtsTokenCount"], 4);
    assert_eq!(last["usageMetadata"]["cachedContentTokenCount"], 5);
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert!(stream[0].1["candidates"][0].get("finishReason").is_none());

    let path = "/v1/models/gemini-2.5-flash:streamGenerateContent";
    let response = send(&simulator, path, &body).await;
    assert_eq!(response.headers()["x-gemini-service-tier"], "flex");
    let array: Vec<Value> = response.json().await.unwrap();
    assert_eq!(array.iter().map(counts).collect::<Vec<_>>(), [2, 4, 6]);
    let call = ended(&simulator).await;
    assert_eq!(
        (call.billed.output, call.model.as_str()),
        (10, "gemini-2.5-flash")
    );
}
