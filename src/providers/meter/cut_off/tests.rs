//! Streams of every dialect whose provider ignores the cap: where they are cut off, and how they end.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::domain::usage::Basis;
use crate::providers::call::{Call, read_call};
use crate::providers::endpoints::{Hints, route};
use crate::providers::meter::{AnswerStart, Forward, Metered, meter};
mod streams;

use streams::*;

const ALLOWANCE: u64 = 20;
/// With what is let pass beyond it.
const LIMIT: u64 = 36;

fn chat(words: u64, choices: u64, asks_usage: bool) -> Stream {
    let chunk = |choice: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 17, "model": "gpt-4o",
            "system_fingerprint": "fp_1", "choices": [choice], "usage": null,
        });
        if choice.is_null() {
            chunk["choices"] = json!([]);
            chunk["usage"] = json!({"prompt_tokens": 9, "completion_tokens": words * choices});
        }
        sse(&chunk)
    };
    let mut parts = Vec::new();
    for index in 0..choices {
        let delta = json!({"role": "assistant", "content": ""});
        parts.push(chunk(
            json!({"index": index, "delta": delta, "finish_reason": null}),
        ));
    }
    for _ in 0..words {
        for index in 0..choices {
            let delta = json!({"content": WORD});
            parts.push(chunk(
                json!({"index": index, "delta": delta, "finish_reason": null}),
            ));
        }
    }
    for index in 0..choices {
        parts.push(chunk(
            json!({"index": index, "delta": {}, "finish_reason": "length"}),
        ));
    }
    parts.push(chunk(Value::Null));
    parts.push("data: [DONE]\n\n".to_owned());
    let mut body = json!({"model": "gpt-4o", "stream": true, "n": choices, "messages": []});
    if asks_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    Stream {
        path: "/v1/chat/completions",
        body,
        content_type: "text/event-stream",
        hides_usage: !asks_usage,
        parts,
    }
}

#[test]
fn a_chat_ends_in_length() {
    let outcome = chat(80, 1, false).cut();
    let text = &outcome.forwarded;
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert!(!text.contains("usage"), "{text}");
    let words = text.matches(WORD).count();
    assert!((37..=48).contains(&words), "{words}");
    let choice = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": "length"});
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 17, "model": "gpt-4o",
        "system_fingerprint": "fp_1", "choices": [choice],
    });
    assert_eq!(events(text).pop(), Some(expected));
    assert_eq!(outcome.metered.usage.output, words as u64);
    assert_eq!(outcome.metered.basis, Basis::Estimated);
}

#[test]
fn a_chat_that_is_asked_for_its_usage_tells_it_last() {
    let text = chat(80, 1, true).cut().forwarded;
    let mut events = events(&text);
    let last = events.pop().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        last["usage"]["completion_tokens"],
        text.matches(WORD).count()
    );
    let before = events.pop().unwrap();
    assert_eq!(before["choices"][0]["finish_reason"], "length");
    assert_eq!(before.get("usage"), Some(&Value::Null));
}

#[test]
fn every_choice_that_is_open_is_ended_and_no_other() {
    let mut stream = chat(80, 3, true);
    // The second one ends early.
    let end = json!({
        "id": "chatcmpl-1", "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}],
    });
    stream.parts.insert(6, sse(&end));
    stream
        .parts
        .retain(|part| !part.contains("\"index\":1,") || part.contains("stop"));
    let events = events(&stream.cut().forwarded);
    let ends = events
        .iter()
        .flat_map(|event| event["choices"].as_array().unwrap());
    let ends: Vec<_> = ends
        .filter(|choice| !choice["finish_reason"].is_null())
        .map(|choice| {
            (
                choice["index"].as_u64().unwrap(),
                choice["finish_reason"].clone(),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            (1, json!("stop")),
            (0, json!("length")),
            (2, json!("length"))
        ]
    );
}

#[test]
fn text_completions_end_in_length() {
    let chunk = |text: &str| {
        let choice = json!({"text": text, "index": 0, "logprobs": null, "finish_reason": null});
        sse(&json!({"id": "cmpl-1", "object": "text_completion", "choices": [choice]}))
    };
    let stream = Stream {
        path: "/v1/completions",
        body: json!({"model": "gpt-3.5-turbo-instruct", "prompt": "x", "stream": true}),
        content_type: "text/event-stream",
        hides_usage: true,
        parts: vec![chunk(WORD); 80],
    };
    let outcome = stream.cut();
    let last = events(&outcome.forwarded).pop().unwrap();
    assert_eq!(last["object"], "text_completion");
    let choice = json!({"text": "", "index": 0, "logprobs": null, "finish_reason": "length"});
    assert_eq!(last["choices"], json!([choice]));
}

fn responses(model: &str, words: u64, is_call: bool) -> Stream {
    let response = json!({
        "id": "resp_1", "object": "response", "status": "in_progress", "incomplete_details": null,
        "model": model, "output": [], "usage": null,
    });
    let place = json!({"item_id": "msg_1", "output_index": 1, "content_index": 0});
    let mut item =
        json!({"id": "msg_1", "type": "message", "status": "in_progress", "content": []});
    let mut delta = "response.output_text.delta";
    if is_call {
        item = json!({
            "id": "fc_1", "type": "function_call", "status": "in_progress", "name": "f",
            "call_id": "call_1", "arguments": "",
        });
        delta = "response.function_call_arguments.delta";
    }
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "summary": []});
    let mut events = vec![
        json!({"type": "response.created", "response": response}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": reasoning}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": reasoning}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": item}),
    ];
    let mut part = place.clone();
    part["type"] = json!("response.content_part.added");
    part["part"] = json!({"type": "output_text", "annotations": [], "text": ""});
    events.extend((!is_call).then_some(part));
    for _ in 0..words {
        let mut event = place.clone();
        event["type"] = json!(delta);
        event["delta"] = json!(WORD);
        events.push(event);
    }
    events
        .push(json!({"type": "response.completed", "response": {"usage": {"output_tokens": 80}}}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    Stream {
        path: "/v1/responses",
        body: json!({"model": model, "input": "x", "stream": true}),
        content_type: "text/event-stream",
        hides_usage: false,
        parts: events.iter().map(named).collect(),
    }
}

#[test]
fn a_response_ends_incomplete_with_everything_that_it_has_said() {
    let outcome = responses("gpt-4.1", 80, false).cut();
    let words = outcome.forwarded.matches(WORD).count();
    let events = events(&outcome.forwarded);
    let numbers = events
        .iter()
        .map(|event| event["sequence_number"].as_u64().unwrap());
    assert!(numbers.eq(0..events.len() as u64), "{events:?}");
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    let last = [
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ];
    assert_eq!(kinds[kinds.len() - 5..], last);
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["id"], "resp_1");
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    assert_eq!(response["output"][0]["id"], "rs_1");
    let message = &response["output"][1];
    assert_eq!(message["status"], "incomplete");
    // In the deltas, and in the text of four events.
    let text = WORD.repeat(words / 5);
    assert_eq!(message["content"][0]["text"], text);
    assert_eq!(response["usage"]["output_tokens"], words / 5);
}

#[test]
fn a_tool_call_that_is_cut_off_is_no_whole_call() {
    let outcome = responses("gpt-5-mini", 80, true).cut();
    assert!(!outcome.forwarded.contains("arguments.done"));
    let events = events(&outcome.forwarded);
    let call = &events.last().unwrap()["response"]["output"][1];
    assert_eq!(call["status"], "incomplete");
    assert!(
        call["arguments"]
            .as_str()
            .unwrap()
            .starts_with(" token token")
    );
    // It may have reasoned unseen.
    assert_eq!(outcome.metered.basis, Basis::Unknown);
}

fn message(words: u64, reported: u64) -> Stream {
    let usage = json!({"input_tokens": 11, "output_tokens": 1});
    let message =
        json!({"id": "msg_1", "model": "claude-haiku-4-5", "content": [], "usage": usage});
    let mut events = vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
    ];
    for _ in 0..words {
        let delta = json!({"type": "text_delta", "text": WORD});
        events.push(json!({"type": "content_block_delta", "index": 1, "delta": delta}));
    }
    events.extend([
        json!({"type": "content_block_stop", "index": 1}),
        json!({
            "type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": reported},
        }),
        json!({"type": "message_stop"}),
    ]);
    Stream {
        path: "/v1/messages",
        body: json!({"model": "claude-haiku-4-5", "max_tokens": 20, "stream": true, "messages": []}),
        content_type: "text/event-stream",
        hides_usage: false,
        parts: events.iter().map(named).collect(),
    }
}

#[test]
fn a_message_ends_in_max_tokens_with_its_open_block_closed() {
    let outcome = message(80, 81).cut();
    let words = outcome.forwarded.matches(WORD).count();
    assert!((37..=48).contains(&words), "{words}");
    let events = events(&outcome.forwarded);
    let last = [
        json!({"type": "content_block_stop", "index": 1}),
        json!({
            "type": "message_delta", "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
            "usage": {"output_tokens": words},
        }),
        json!({"type": "message_stop"}),
    ];
    assert_eq!(events[events.len() - 3..], last);
    assert_eq!(outcome.metered.usage.input, 11);
    assert!(outcome.metered.usage.output >= words as u64);
}

fn gemini(path: &'static str, words: u64, choices: u64, reports: bool) -> Stream {
    let is_array = !path.contains("alt=sse");
    let mut parts = Vec::new();
    for word in 1..=words {
        let candidates: Vec<Value> = (0..choices)
            .map(|index| {
                let content = json!({"parts": [{"text": WORD}], "role": "model"});
                let mut candidate = json!({"content": content, "index": index});
                if word == words {
                    candidate["finishReason"] = json!("STOP");
                }
                candidate
            })
            .collect();
        let mut part = json!({"candidates": candidates, "modelVersion": "gemini-2.0-flash", "responseId": "r1"});
        if reports {
            let count = word * choices;
            part["usageMetadata"] = json!({"promptTokenCount": 7, "candidatesTokenCount": count});
        }
        let opening = if word == 1 { "[" } else { ",\r\n" };
        parts.push(if is_array {
            format!("{opening}{part:#}")
        } else {
            format!("data: {part}\r\n\r\n")
        });
    }
    parts.extend(is_array.then(|| "\n]\n".to_owned()));
    Stream {
        path,
        body: json!({"contents": [], "generationConfig": {"candidateCount": choices}}),
        content_type: if is_array {
            "application/json"
        } else {
            "text/event-stream"
        },
        hides_usage: false,
        parts,
    }
}

const SSE: &str = "/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1beta/models/gemini-2.0-flash:streamGenerateContent";

#[test]
fn generated_content_ends_in_max_tokens_as_events_and_as_an_array() {
    for (path, choices, reports) in [
        (SSE, 1, true),
        (SSE, 2, false),
        (ARRAY, 2, true),
        (ARRAY, 1, false),
    ] {
        let outcome = gemini(path, 80, choices, reports).cut();
        let parts: Vec<Value> = if path == SSE {
            events(&outcome.forwarded)
        } else {
            serde_json::from_str(&outcome.forwarded).unwrap()
        };
        let words = outcome.forwarded.matches(WORD).count() as u64;
        assert!((LIMIT + 1..=LIMIT + 13).contains(&words), "{words}");
        let last = parts.last().unwrap();
        assert_eq!(
            (&last["modelVersion"], &last["responseId"]),
            (&json!("gemini-2.0-flash"), &json!("r1"))
        );
        for index in 0..choices {
            let candidate = &last["candidates"][usize::try_from(index).unwrap()];
            assert_eq!(
                (&candidate["index"], &candidate["finishReason"]),
                (&json!(index), &json!("MAX_TOKENS"))
            );
        }
        assert_eq!(last["usageMetadata"]["candidatesTokenCount"], words);
        if reports {
            // As soon as the provider tells of it, and as much as it tells.
            assert!(words <= LIMIT + choices);
            assert_eq!(
                (
                    outcome.metered.output_reported,
                    outcome.metered.usage.output
                ),
                (words, words)
            );
        }
    }
}

#[test]
fn what_stays_within_its_cap_or_ends_by_itself_is_never_cut_off() {
    for words in [1, ALLOWANCE, LIMIT] {
        for choices in [1, 2] {
            let each = words.div_ceil(choices).min(LIMIT / choices);
            chat(each, choices, true).passes(Some(ALLOWANCE));
            chat(each, choices, false).passes(Some(ALLOWANCE));
            for path in [SSE, ARRAY] {
                gemini(path, each, choices, true).passes(Some(ALLOWANCE));
            }
        }
        responses("gpt-4.1", words, false).passes(Some(ALLOWANCE));
        // More than the text shows, and told when it is over.
        message(words, 1_000).passes(Some(ALLOWANCE));
    }
    gemini(SSE, 1, 200, true).passes(Some(ALLOWANCE));
}

#[test]
fn text_that_the_model_did_not_generate_is_not_counted() {
    let words = WORD.repeat(100);
    let mut cites = message(10, 20);
    let delta = json!({"type": "citations_delta", "citation": {"cited_text": words}});
    let event = json!({"type": "content_block_delta", "index": 1, "delta": delta});
    cites.parts.insert(6, named(&event));
    cites.passes(Some(ALLOWANCE));
    let mut annotated = chat(10, 1, true);
    let choice =
        json!({"index": 0, "delta": {"annotations": [{"url_citation": {"title": words}}]}});
    let chunk = json!({"id": "chatcmpl-1", "choices": [choice]});
    annotated.parts.insert(6, sse(&chunk));
    annotated.passes(Some(ALLOWANCE));
    let mut summarised = responses("gpt-5-mini", 10, false);
    let event = json!({"type": "response.reasoning_summary_text.delta", "delta": words});
    summarised.parts.insert(3, named(&event));
    summarised.passes(Some(ALLOWANCE));
}

#[test]
fn without_an_allowance_nothing_is_cut_off() {
    chat(80, 1, true).passes(None);
    responses("gpt-4.1", 80, false).passes(None);
    message(80, 80).passes(None);
    gemini(SSE, 80, 1, true).passes(None);
    gemini(ARRAY, 80, 1, true).passes(None);
}
