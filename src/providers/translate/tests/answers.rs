//! Answers, whole and in pieces of every size.

use std::fmt::Write as _;

use super::*;
use crate::domain::usage::TokenUsage;
use crate::providers::meter::{AnswerStart, Forward, Meter, meter};

pub(super) const CLAUDE: &str = include_str!("../../../../tests/fixtures/translate/anthropic.sse");
const CLAUDE_DOCUMENT: &str = include_str!("../../../../tests/fixtures/translate/anthropic.json");
const CLAUDE_ENDLESS: &str = include_str!("../../../../tests/fixtures/translate/cut.sse");
pub(super) const GEMINI: &str = include_str!("../../../../tests/fixtures/translate/google.sse");
const GEMINI_DOCUMENT: &str = include_str!("../../../../tests/fixtures/translate/google.json");

pub(super) const CHAT: Operation = Operation::ChatCompletions;
pub(super) const RESPONSES: Operation = Operation::Responses;

fn asked(from: Operation, model: &str, streamed: bool) -> Translated {
    let mut body = json!({"model": "m", "stream": streamed});
    if from == RESPONSES {
        body["input"] = json!("Hi");
        body["instructions"] = json!("Be brief.");
    } else {
        body["messages"] = json!([{"role": "user", "content": "Hi"}]);
        body["stream_options"] = json!({"include_usage": true});
    }
    let body = body.to_string();
    translate_request(from, &target(model), body.as_bytes()).unwrap()
}

fn translator(from: Operation, model: &str, streamed: bool, status: u16) -> AnswerTranslator {
    asked(from, model, streamed).answer(&AnswerFacts {
        status,
        model,
        request_id: "0198",
        created: 1_795_000_000,
    })
}

/// The caller's answer to a stream that comes in these pieces.
fn pieced<'a>(from: Operation, model: &str, pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut translator = translator(from, model, true, 200);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&translator.push(piece, false));
    }
    out.extend_from_slice(&translator.push(b"", true));
    String::from_utf8(out).unwrap()
}

pub(super) fn at_once(from: Operation, model: &str, stream: &str) -> String {
    pieced(from, model, [stream.as_bytes()].into_iter())
}

/// The same however the stream comes.
pub(super) fn streamed(from: Operation, model: &str, stream: &str) -> String {
    let whole = at_once(from, model, stream);
    for size in [1, 2, 3, 5, 64, 1_000] {
        let pieces = stream.as_bytes().chunks(size);
        assert_eq!(pieced(from, model, pieces), whole, "pieces of {size}");
    }
    for at in (0..stream.len()).step_by(29) {
        let (first, second) = stream.as_bytes().split_at(at);
        let pieces = [first, second].into_iter();
        assert_eq!(pieced(from, model, pieces), whole, "split at {at}");
    }
    whole
}

pub(super) fn document(from: Operation, model: &str, status: u16, body: &str) -> Value {
    let mut translator = translator(from, model, false, status);
    for byte in body.as_bytes() {
        assert!(translator.push(&[*byte], false).is_empty());
    }
    serde_json::from_slice(&translator.push(b"", true)).unwrap()
}

/// The data of the events.
pub(super) fn events(stream: &str) -> Vec<Value> {
    let data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[test]
fn streams_of_claude_become_chat_chunks() {
    insta::assert_snapshot!(streamed(CHAT, "claude-opus-5", CLAUDE));
}

#[test]
fn streams_of_gemini_become_chat_chunks() {
    insta::assert_snapshot!(streamed(CHAT, "gemini-3.5-flash", GEMINI));
}

#[test]
fn streams_of_claude_become_events_of_a_response() {
    insta::assert_snapshot!(streamed(RESPONSES, "claude-opus-5", CLAUDE));
}

#[test]
fn streams_of_gemini_become_events_of_a_response() {
    insta::assert_snapshot!(streamed(RESPONSES, "gemini-3.5-flash", GEMINI));
}

#[test]
fn whole_answers_become_chat_completions() {
    let mut both = String::new();
    for (model, body) in [
        ("claude-opus-5", CLAUDE_DOCUMENT),
        ("gemini-2.5-flash", GEMINI_DOCUMENT),
    ] {
        writeln!(both, "{:#}", document(CHAT, model, 200, body)).unwrap();
    }
    insta::assert_snapshot!(both);
}

#[test]
fn whole_answers_become_responses() {
    let answer = document(RESPONSES, "claude-opus-5", 200, CLAUDE_DOCUMENT);
    insta::assert_snapshot!(format!("{answer:#}"));
    let cut = GEMINI_DOCUMENT.replace("STOP", "MAX_TOKENS");
    let answer = document(RESPONSES, "gemini-2.5-flash", 200, &cut);
    assert_eq!(answer["status"], "incomplete");
    assert_eq!(answer["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(answer["output"][0]["status"], "incomplete");
}

#[test]
fn the_last_event_of_a_response_has_everything_that_the_others_told() {
    for (model, stream) in [("claude-opus-5", CLAUDE), ("gemini-3.5-flash", GEMINI)] {
        let events = events(&at_once(RESPONSES, model, stream));
        let mut done = Vec::new();
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number);
            if event["type"] == "response.output_item.done" {
                assert_eq!(event["output_index"], done.len());
                done.push(event["item"].clone());
            }
        }
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.completed");
        assert_eq!(last["response"]["output"], Value::from(done));
    }
}

#[test]
fn what_a_response_says_can_be_sent_back() {
    let events = events(&at_once(RESPONSES, "claude-opus-5", CLAUDE));
    let output = &events.last().unwrap()["response"]["output"];
    let mut input = output.as_array().unwrap().clone();
    for id in ["toolu_01", "toolu_02"] {
        input.push(json!({"type": "function_call_output", "call_id": id, "output": "7"}));
    }
    let body = responses("claude-opus-5", json!({"input": input})).unwrap();
    assert_eq!(
        body["messages"][0]["content"],
        json!([
            {"type": "thinking", "thinking": "They want the weather.", "signature": "c2lnbmVk"},
            {"type": "redacted_thinking", "data": "aGlkZGVu"},
            {"type": "text", "text": "I look up Köln for you. 🌦"},
            {"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {"place": "Köln"}},
            {"type": "tool_use", "id": "toolu_02", "name": "clock", "input": {}},
        ])
    );
}

fn metering(translated: &Translated, allowance: Option<u64>) -> Meter {
    let start = AnswerStart {
        status: 200,
        content_type: Some(if translated.streamed {
            "text/event-stream"
        } else {
            "application/json"
        }),
        tier_header: None,
        request_body: translated.body.clone(),
        input_bound: 1_000,
        hides_usage: false,
        output_allowance: allowance,
    };
    meter(&call_of(translated), start)
}

fn metered(translated: &Translated, answer: &str) -> TokenUsage {
    let mut meter = metering(translated, None);
    meter.observe(&Bytes::copy_from_slice(answer.as_bytes()), true);
    meter.finish().usage
}

#[test]
fn the_usage_that_is_told_is_the_one_that_is_billed() {
    for (model, stream, whole) in [
        ("claude-opus-5", CLAUDE, CLAUDE_DOCUMENT),
        ("gemini-3.5-flash", GEMINI, GEMINI_DOCUMENT),
    ] {
        for from in [CHAT, RESPONSES] {
            let billed = metered(&asked(from, model, true), stream);
            let events = events(&at_once(from, model, stream));
            let last = events.last().unwrap();
            let told = last.get("usage").unwrap_or(&last["response"]["usage"]);
            assert_told(from, told, &billed);
            let billed = metered(&asked(from, model, false), whole);
            assert_told(from, &document(from, model, 200, whole)["usage"], &billed);
        }
    }
}

fn assert_told(from: Operation, told: &Value, billed: &TokenUsage) {
    let (input, output) = if from == CHAT {
        ("prompt_tokens", "completion_tokens")
    } else {
        ("input_tokens", "output_tokens")
    };
    assert!(billed.input > 0 && billed.output > 0);
    assert_eq!(told[input], billed.input_total());
    assert_eq!(told[output], billed.output_total());
    let details = &told[format!("{input}_details")];
    assert_eq!(details["cached_tokens"], billed.cached_input);
    assert_eq!(details["cache_write_tokens"], billed.cache_write);
    let details = &told[format!("{output}_details")];
    assert_eq!(details["reasoning_tokens"], billed.reasoning_output);
}

#[test]
fn a_stream_that_is_cut_off_ends_properly() {
    for from in [CHAT, RESPONSES] {
        let translated = asked(from, "claude-haiku-4-5", true);
        let mut meter = metering(&translated, Some(2));
        let mut translator = translator(from, "claude-haiku-4-5", true, 200);
        let chunk = Bytes::from_static(CLAUDE_ENDLESS.as_bytes());
        let Forward::Last(last) = meter.observe(&chunk, false) else {
            panic!("not cut off");
        };
        let out = translator.push(&last, true);
        let out = std::str::from_utf8(&out).unwrap();
        let events = events(out);
        if from == CHAT {
            assert!(out.ends_with("data: [DONE]\n\n"));
            let reasons = events
                .iter()
                .map(|event| &event["choices"][0]["finish_reason"]);
            assert!(reasons.into_iter().any(|reason| reason == "length"));
        } else {
            let last = events.last().unwrap();
            assert_eq!(last["type"], "response.incomplete");
            assert_eq!(last["response"]["output"][0]["status"], "incomplete");
        }
    }
}

#[test]
fn several_answers_of_gemini_keep_their_places() {
    let event = |index: u64, text: &str, reason: Value| {
        let content = json!({"parts": [{"text": text}]});
        let candidate = json!({"index": index, "content": content, "finishReason": reason});
        format!("data: {}\n\n", json!({"candidates": [candidate]}))
    };
    let stream = [
        event(0, "a", Value::Null),
        event(1, "b", Value::Null),
        event(0, "c", json!("STOP")),
        event(1, "d", json!("MAX_TOKENS")),
    ]
    .concat();
    let out = streamed(CHAT, "gemini-2.5-flash", &stream);
    assert!(out.ends_with("data: [DONE]\n\n"));
    for (index, text, reason) in [(0, "ac", "stop"), (1, "bd", "length")] {
        let mut said = String::new();
        let mut reasons = Vec::new();
        for event in events(&out) {
            let Some(choice) = event["choices"]
                .get(0)
                .filter(|choice| choice["index"] == index)
            else {
                continue;
            };
            said.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            reasons.extend(choice["finish_reason"].as_str().map(str::to_owned));
        }
        assert_eq!(
            (said.as_str(), reasons.as_slice()),
            (text, &[reason.to_owned()][..])
        );
    }
}

#[test]
fn a_picture_that_gemini_draws_is_shown_in_the_text() {
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "aGk="}});
    let content = json!({"parts": [{"text": "Look: "}, picture]});
    let body = json!({"candidates": [{"content": content, "finishReason": "STOP"}]});
    let answer = document(CHAT, "gemini-2.5-flash-image", 200, &body.to_string());
    let text = &answer["choices"][0]["message"]["content"];
    assert_eq!(text, "Look: ![](data:image/png;base64,aGk=)");
}

#[test]
fn prompts_that_gemini_blocks_are_filtered_content() {
    let body =
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":8}}"#;
    let answer = document(CHAT, "gemini-2.5-flash", 200, body);
    assert_eq!(answer["choices"][0]["finish_reason"], "content_filter");
    let answer = document(RESPONSES, "gemini-2.5-flash", 200, body);
    assert_eq!(answer["incomplete_details"]["reason"], "content_filter");
}

#[test]
fn reasons_to_finish_are_told_in_openais_words() {
    for (reason, told) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
    ] {
        let mut body: Value = serde_json::from_str(CLAUDE_DOCUMENT).unwrap();
        body["stop_reason"] = json!(reason);
        body["content"] = json!([{"type": "text", "text": "x"}]);
        let answer = document(CHAT, "claude-opus-5", 200, &body.to_string());
        assert_eq!(answer["choices"][0]["finish_reason"], told);
    }
    for (reason, told) in [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
    ] {
        let body = GEMINI_DOCUMENT.replace("STOP", reason);
        let answer = document(CHAT, "gemini-2.5-flash", 200, &body);
        assert_eq!(answer["choices"][0]["finish_reason"], told);
    }
    let body = GEMINI_DOCUMENT.replace("MAX_TOKENS", "MALFORMED_FUNCTION_CALL");
    let answer = document(RESPONSES, "gemini-2.5-flash", 200, &body);
    assert_eq!(answer["status"], "failed");
}
