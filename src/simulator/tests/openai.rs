//! OpenAI's endpoints: answers, streams, tools.

use crate::simulator::{BilledTokens, CallOutcome, Dialect};
use serde_json::{Value, json};

use super::{
    FLASH, answer, chat, claude, ended, events, gemini, names, send, simulator, weather_tool, with,
};

#[tokio::test]
async fn chat_answers_with_usage_that_matches_its_books() {
    let simulator = simulator().await;
    let body = chat("[[sim output=40 reasoning=10 cached=20 cache_write=5 tier=priority]]");
    let response = send(
        &simulator,
        "/v1/chat/completions",
        &with(body, &json!({"n": 2})),
    )
    .await;
    let call = ended(&simulator).await;
    assert_eq!(response.headers()["x-request-id"], call.request_id.as_str());
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2);
    assert_eq!(
        answer["choices"][1]["message"]["content"],
        " token".repeat(30)
    );
    assert_eq!(answer["service_tier"], "priority");
    let usage = &answer["usage"];
    assert_eq!(usage["completion_tokens"], 80);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 20);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 20);
    assert_eq!(usage["prompt_tokens_details"]["cache_write_tokens"], 5);
    let input = usage["prompt_tokens"].as_u64().unwrap();
    let billed = BilledTokens {
        input,
        cached_input: 20,
        cache_write: 5,
        output: 80,
        reasoning: 20,
        ..BilledTokens::default()
    };
    assert_eq!(
        (call.billed, call.outcome, call.status),
        (billed, CallOutcome::Finished, 200)
    );
    assert_eq!(
        (call.model.as_str(), call.dialect),
        ("gpt-4o", Dialect::OpenAi)
    );
    assert_eq!(simulator.totals().billed, billed);
}

#[tokio::test]
async fn chat_stream_ends_in_usage_only_when_asked() {
    let simulator = simulator().await;
    let path = "/v1/chat/completions";
    let body = with(chat("[[sim output=10 chunks=4]]"), &json!({"stream": true}));
    let plain = events(&simulator, path, &body).await;
    // The role, four pieces, the finish and the end.
    assert_eq!(plain.len(), 7);
    assert!(plain.iter().all(|(_, data)| data.get("usage").is_none()));
    assert_eq!(plain[5].1["choices"][0]["finish_reason"], "stop");
    let text: String = plain
        .iter()
        .filter_map(|(_, data)| data["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, " token".repeat(10));

    let asked = with(
        body.clone(),
        &json!({"stream_options": {"include_usage": true}}),
    );
    let counted = events(&simulator, path, &asked).await;
    assert_eq!(counted[6].1["choices"], json!([]));
    assert_eq!(counted[6].1["usage"]["completion_tokens"], 10);
    assert_eq!(counted[0].1["usage"], Value::Null);
    assert_eq!(counted[7].1, "[DONE]");

    for directive in ["no_usage", "ignore_usage_option"] {
        let silent = with(
            chat(&format!("[[sim output=4 {directive}]]")),
            &asked_for_usage(),
        );
        let silent = events(&simulator, path, &silent).await;
        assert!(
            silent.iter().all(|(_, data)| !data["usage"].is_object()),
            "{directive}"
        );
    }
}

fn asked_for_usage() -> Value {
    json!({"stream": true, "stream_options": {"include_usage": true}})
}

#[tokio::test]
async fn caps_are_kept_in_every_dialect() {
    let simulator = simulator().await;
    let long = "[[sim output=50]]";
    let chat = with(chat(long), &json!({"max_completion_tokens": 7}));
    let claude = with(claude(long), &json!({"max_tokens": 7}));
    let google = with(
        gemini(long),
        &json!({"generationConfig": {"maxOutputTokens": 7}}),
    );
    let response = json!({"model": "gpt-5", "input": long, "max_output_tokens": 7});
    let generate = format!("{FLASH}:generateContent");
    for (path, body, pointer, reason) in [
        (
            "/v1/chat/completions",
            chat,
            "/choices/0/finish_reason",
            "length",
        ),
        ("/v1/messages", claude, "/stop_reason", "max_tokens"),
        (
            generate.as_str(),
            google,
            "/candidates/0/finishReason",
            "MAX_TOKENS",
        ),
        (
            "/v1/responses",
            response,
            "/incomplete_details/reason",
            "max_output_tokens",
        ),
    ] {
        let answer = answer(&simulator, path, &body).await;
        assert_eq!(answer.pointer(pointer).unwrap(), reason, "{path}");
        assert_eq!(ended(&simulator).await.billed.output, 7, "{path}");
    }
}

#[tokio::test]
async fn a_provider_can_ignore_its_cap() {
    let simulator = simulator().await;
    let body = with(
        claude("[[sim output=50 ignore_cap]]"),
        &json!({"max_tokens": 7}),
    );
    assert_eq!(
        answer(&simulator, "/v1/messages", &body).await["stop_reason"],
        "end_turn"
    );
    assert_eq!(ended(&simulator).await.billed.output, 50);
}

#[tokio::test]
async fn text_completions_stop_at_sixteen_tokens() {
    let simulator = simulator().await;
    let body = json!({"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"], "n": 2,
                      "suffix": "[[sim output=90]]"});
    let whole = answer(&simulator, "/v1/completions", &body).await;
    assert_eq!(whole["choices"].as_array().unwrap().len(), 4);
    assert_eq!(whole["choices"][3]["text"], " token".repeat(16));
    assert_eq!(whole["usage"]["completion_tokens"], 64);
    let stream = with(body, &asked_for_usage());
    let stream = events(&simulator, "/v1/completions", &stream).await;
    assert_eq!(stream.len(), 16 * 4 + 4 + 2);
    assert_eq!(stream[0].1["choices"][0]["text"], " token");
}

#[tokio::test]
async fn tools_are_called_until_their_result_is_there() {
    let simulator = simulator().await;
    let arguments = r#"{"city":"simulated"}"#;
    let path = "/v1/chat/completions";
    let tools = json!({"tools": [{"type": "function", "function": weather_tool()}]});
    let called = answer(&simulator, path, &with(chat(""), &tools)).await;
    let call = &called["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(
        (&call["name"], &call["arguments"]),
        (&json!("weather"), &json!(arguments))
    );
    assert_eq!(called["choices"][0]["finish_reason"], "tool_calls");

    let streamed = with(with(chat(""), &tools), &json!({"stream": true}));
    let streamed = events(&simulator, path, &streamed).await;
    let parts = streamed.iter().filter_map(|(_, data)| {
        data["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
    });
    assert_eq!(parts.collect::<String>(), arguments);

    for more in [
        json!({"tool_choice": "none"}),
        json!({"messages": [{"role": "tool", "tool_call_id": "x", "content": "sunny"}]}),
    ] {
        let text = answer(&simulator, path, &with(with(chat(""), &tools), &more)).await;
        assert_eq!(text["choices"][0]["finish_reason"], "stop");
    }

    let tools =
        json!({"tools": [{"name": "weather", "input_schema": weather_tool()["parameters"]}]});
    let called = answer(&simulator, "/v1/messages", &with(claude(""), &tools)).await;
    assert_eq!(called["content"][0]["input"], json!({"city": "simulated"}));
    let streamed = with(with(claude(""), &tools), &json!({"stream": true}));
    let streamed = events(&simulator, "/v1/messages", &streamed).await;
    let parts = streamed
        .iter()
        .filter_map(|(_, data)| data["delta"]["partial_json"].as_str());
    assert_eq!(parts.collect::<String>(), arguments);

    let tools = json!({"tools": [{"functionDeclarations": [weather_tool()]}]});
    let path = format!("{FLASH}:generateContent");
    let called = answer(&simulator, &path, &with(gemini(""), &tools)).await;
    let call = &called["candidates"][0]["content"]["parts"][0]["functionCall"];
    assert_eq!(
        call,
        &json!({"name": "weather", "args": {"city": "simulated"}})
    );
}

#[tokio::test]
async fn responses_stream_the_documented_sequence() {
    let simulator = simulator().await;
    let body = json!({"model": "gpt-5", "stream": true,
                      "input": "[[sim output=12 reasoning=4 chunks=2 cached=3]]"});
    let stream = events(&simulator, "/v1/responses", &body).await;
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names(&stream), expected);
    for (number, (name, data)) in stream.iter().enumerate() {
        assert_eq!(
            (&data["type"], &data["sequence_number"]),
            (&json!(name), &json!(number))
        );
    }
    let response = &stream.last().unwrap().1["response"];
    assert_eq!(response["usage"]["output_tokens"], 12);
    assert_eq!(
        response["usage"]["output_tokens_details"]["reasoning_tokens"],
        4
    );
    assert_eq!(
        response["usage"]["input_tokens_details"]["cached_tokens"],
        3
    );
    assert_eq!(
        response["output"][1]["content"][0]["text"],
        " token".repeat(8)
    );
}

#[tokio::test]
async fn responses_stream_a_call_of_a_tool() {
    let simulator = simulator().await;
    let tool = with(weather_tool(), &json!({"type": "function"}));
    let body = json!({"model": "gpt-5", "stream": true, "input": "hi", "tools": [tool]});
    let stream = events(&simulator, "/v1/responses", &body).await;
    assert_eq!(
        names(&stream)[2..],
        [
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    let called = &stream.last().unwrap().1["response"]["output"][0];
    assert_eq!(called["arguments"], r#"{"city":"simulated"}"#);
}
