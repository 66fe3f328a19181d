//! The simulated provider over real sockets: shapes, sequences, caps, breaks and its books.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    BilledTokens, CallOutcome, CallRecord, Dialect, ProviderKeys, Simulator, SimulatorOptions,
};

async fn simulator() -> Simulator {
    Simulator::start(SimulatorOptions::default()).await.unwrap()
}

async fn send(simulator: &Simulator, path: &str, body: &Value) -> reqwest::Response {
    post(simulator, path, body).send().await.unwrap()
}

fn post(simulator: &Simulator, path: &str, body: &Value) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(format!("http://{}{path}", simulator.address()))
        .header("anthropic-version", "2023-06-01")
        .json(body)
}

async fn answer(simulator: &Simulator, path: &str, body: &Value) -> Value {
    let response = send(simulator, path, body).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The events of a stream: their names (empty where the dialect has none) and data.
async fn events(simulator: &Simulator, path: &str, body: &Value) -> Vec<(String, Value)> {
    let response = send(simulator, path, body).await;
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let text = response.text().await.unwrap().replace("\r\n", "\n");
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
    events.map(event).collect()
}

fn event(text: &str) -> (String, Value) {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ").unwrap();
    let data = if data == "[DONE]" {
        json!("[DONE]")
    } else {
        serde_json::from_str(data).unwrap()
    };
    (field("event: ").unwrap_or_default().to_owned(), data)
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

fn chat(directive: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": format!("hi {directive}")}]})
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

fn claude(directive: &str) -> Value {
    with(
        chat(directive),
        &json!({"model": "claude-opus-4-1", "max_tokens": 100}),
    )
}

fn gemini(directive: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": format!("hi {directive}")}]}]})
}

const FLASH: &str = "/v1beta/models/gemini-2.5-flash";

fn weather_tool() -> Value {
    json!({"name": "weather", "parameters": {"type": "object", "required": ["city"],
           "properties": {"city": {"type": "string"}}}})
}

async fn ended(simulator: &Simulator) -> CallRecord {
    for _ in 0..500 {
        if let Some(call) = simulator.calls().pop()
            && call.outcome != CallOutcome::InFlight
        {
            return call;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the call did not end: {:?}", simulator.calls());
}

/// Waits for what comes by itself.
async fn until(arrived: impl Fn() -> bool) {
    for _ in 0..500 {
        if arrived() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

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

#[tokio::test]
async fn input_is_counted_alike_and_never_above_the_bytes_sent() {
    let simulator = simulator().await;
    let counted = answer(&simulator, "/v1/messages/count_tokens", &claude("")).await;
    let sent = answer(&simulator, "/v1/messages", &claude("")).await;
    assert_eq!(counted["input_tokens"], sent["usage"]["input_tokens"]);
    let counted = answer(&simulator, &format!("{FLASH}:countTokens"), &gemini("")).await;
    let sent = answer(&simulator, &format!("{FLASH}:generateContent"), &gemini("")).await;
    assert_eq!(
        counted["totalTokens"],
        sent["usageMetadata"]["promptTokenCount"]
    );

    let body = chat("[[sim cached=900000]]");
    let sent = answer(&simulator, "/v1/chat/completions", &body).await;
    assert_eq!(sent["usage"]["prompt_tokens"], body.to_string().len());
}

#[tokio::test]
async fn embeddings_come_as_floats_and_base64() {
    let simulator = simulator().await;
    let body = json!({"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 3});
    let floats = answer(&simulator, "/v1/embeddings", &body).await;
    assert_eq!(
        floats["data"][1]["embedding"],
        json!([0.0125, -0.0125, 0.025])
    );
    let encoded = with(body, &json!({"encoding_format": "base64"}));
    let encoded = answer(&simulator, "/v1/embeddings", &encoded).await;
    assert_eq!(encoded["data"][0]["embedding"].as_str().unwrap().len(), 16);
    assert_eq!(encoded["usage"], floats["usage"]);
    let ids = json!({"model": "text-embedding-3-small", "input": [1, 2, 3]});
    let ids = answer(&simulator, "/v1/embeddings", &ids).await;
    assert_eq!(ids["data"].as_array().unwrap().len(), 1);
    assert_eq!(ids["data"][0]["embedding"].as_array().unwrap().len(), 1536);

    let content = json!({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2});
    let one = answer(&simulator, "/v1beta/models/e:embedContent", &content).await;
    assert_eq!(one["embedding"]["values"].as_array().unwrap().len(), 2);
    let batch = json!({"requests": [content, content]});
    let two = answer(&simulator, "/v1/models/e:batchEmbedContents", &batch).await;
    assert_eq!(two["embeddings"].as_array().unwrap().len(), 2);
    assert!(ended(&simulator).await.billed.input > 0);
}

#[tokio::test]
async fn models_and_moderations_are_free_and_headers_choose_the_dialect() {
    let simulator = simulator().await;
    let get = |path: &str, name: &'static str| {
        let url = format!("http://{}{path}", simulator.address());
        async move {
            let request = reqwest::Client::new().get(url).header(name, "x");
            request.send().await.unwrap().json::<Value>().await.unwrap()
        }
    };
    assert_eq!(get("/v1/models", "accept").await["object"], "list");
    assert_eq!(get("/v1/models/ft:a::b", "accept").await["id"], "ft:a::b");
    assert_eq!(
        get("/v1/models", "anthropic-version").await["has_more"],
        false
    );
    assert_eq!(
        get("/v1/models/c", "anthropic-version").await["type"],
        "model"
    );
    assert!(get("/v1/models", "x-goog-api-key").await["models"].is_array());
    assert_eq!(get("/v1beta/models/g", "accept").await["name"], "models/g");
    let moderated = answer(&simulator, "/v1/moderations", &json!({"input": ["a", "b"]})).await;
    assert_eq!(
        moderated["results"][1]["categories"]["hate/threatening"],
        false
    );
    assert_eq!(simulator.totals().billed, BilledTokens::default());
}

#[tokio::test]
async fn errors_have_the_shape_of_their_provider() {
    let simulator = simulator().await;
    let limited = send(
        &simulator,
        "/v1/chat/completions",
        &chat("[[sim status=429 retry_after=7]]"),
    )
    .await;
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let error: Value = limited.json().await.unwrap();
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");

    let overloaded = send(&simulator, "/v1/messages", &claude("[[sim status=529]]")).await;
    let id = overloaded.headers()["request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let error: Value = overloaded.json().await.unwrap();
    assert_eq!(error["error"]["type"], "overloaded_error");
    assert_eq!(error["request_id"], id);

    let path = format!("{FLASH}:generateContent");
    let error: Value = send(&simulator, &path, &gemini("[[sim status=429]]"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(error["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(error["error"]["details"][0]["retryDelay"], "1s");
    let call = ended(&simulator).await;
    assert_eq!((call.outcome, call.status), (CallOutcome::Refused, 429));
    assert_eq!(simulator.totals().billed, BilledTokens::default());
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let simulator = simulator().await;
    let user = json!([{"role": "user", "content": "hi"}]);
    for (path, body, status) in [
        ("/v1/chat/completions", json!({"messages": user}), 400),
        ("/v1/chat/completions", json!({"model": "m"}), 400),
        ("/v1/chat/completions", json!("text"), 400),
        ("/v1/chat/completions", chat("[[sim outptu=1]]"), 400),
        ("/v1/messages", json!({"model": "m", "messages": user}), 400),
        ("/v1/models/g:generateContent", json!({}), 400),
        (
            "/v1/models/g:batchEmbedContents",
            json!({"requests": []}),
            400,
        ),
        ("/v1/models/g:fly", json!({}), 404),
        ("/v1/nowhere", json!({}), 404),
        ("/v1/models", json!({}), 405),
    ] {
        let response = send(&simulator, path, &body).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        assert!(response.json::<Value>().await.unwrap()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn only_the_required_keys_are_accepted() {
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
    let google = format!("{FLASH}:generateContent");
    for (path, body, header, value, status) in [
        (
            "/v1/chat/completions",
            chat(""),
            "authorization",
            "Bearer o",
            200,
        ),
        (
            "/v1/chat/completions",
            chat(""),
            "authorization",
            "Bearer a",
            401,
        ),
        ("/v1/messages", claude(""), "x-api-key", "a", 200),
        ("/v1/messages", claude(""), "authorization", "Bearer a", 200),
        ("/v1/messages", claude(""), "x-api-key", "o", 401),
        (google.as_str(), gemini(""), "x-goog-api-key", "g", 200),
        (
            google.as_str(),
            gemini(""),
            "authorization",
            "Bearer g",
            401,
        ),
    ] {
        let response = post(&simulator, path, &body)
            .header(header, value)
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.status().as_u16(),
            status,
            "{path} {header}: {value}"
        );
    }
}

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

mod batches;
mod media;
mod objects;
mod price_kinds;
mod realtime;
mod stored;
