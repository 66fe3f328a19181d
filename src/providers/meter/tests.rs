//! Answers of every dialect, whole and cut.

use proptest::prelude::*;

use super::*;
use crate::providers::call::read_call;
use crate::providers::edit::{Edits, edit_body};
use crate::providers::endpoints::{Hints, route};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/",
            $name
        )) as &[u8]
    };
}

mod dialects;
mod media;
mod usage;

const CHAT: &str = "/v1/chat/completions";
const CHAT_BODY: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#;
const MESSAGES_BODY: &str = r#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[]}"#;

fn call(path: &str, body: &str) -> (Call, Bytes) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let route = route("POST", path, &Hints::default()).unwrap();
    (read_call(&route, &body).unwrap(), body)
}

fn start(content_type: &'static str, hides_usage: bool) -> AnswerStart<'static> {
    AnswerStart {
        status: 200,
        content_type: Some(content_type),
        tier_header: None,
        request_body: Bytes::from_static(CHAT_BODY.as_bytes()),
        input_bound: 1_000,
        hides_usage,
        output_allowance: None,
    }
}

/// What is metered and what the caller gets when the answer arrives in these pieces.
fn replay(call: &Call, start: AnswerStart<'_>, pieces: &[&[u8]]) -> (Metered, Vec<u8>) {
    let mut meter = meter(call, start);
    let mut forwarded = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let chunk = Bytes::copy_from_slice(piece);
        match meter.observe(&chunk, index + 1 == pieces.len()) {
            Forward::Same => forwarded.extend_from_slice(&chunk),
            Forward::Replaced(bytes) => forwarded.extend_from_slice(&bytes),
            Forward::Last(bytes) => {
                forwarded.extend_from_slice(&bytes);
                break;
            }
        }
    }
    (meter.finish(), forwarded)
}

const SSE: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";

/// Meters a fixture whole and split at every byte, and checks that the bytes are untouched.
fn golden(path: &str, body: &str, content_type: &'static str, answer: &[u8]) -> Metered {
    let (call, _) = call(path, body);
    let (metered, forwarded) = replay(&call, start(content_type, false), &[answer]);
    assert_eq!(forwarded, answer);
    for at in 0..answer.len() {
        let (left, right) = answer.split_at(at);
        let (split, forwarded) = replay(&call, start(content_type, false), &[left, right]);
        assert_eq!(split, metered, "split at {at}");
        assert_eq!(forwarded, answer);
    }
    let bytes: Vec<&[u8]> = answer.chunks(1).collect();
    assert_eq!(replay(&call, start(content_type, false), &bytes).0, metered);
    metered
}

fn facts(metered: &Metered) -> (Basis, bool, Option<Tier>, Option<&str>) {
    let model = metered.model_served.as_ref().map(ModelName::as_str);
    (
        metered.basis,
        metered.is_complete,
        metered.tier_served,
        model,
    )
}

#[test]
fn what_we_asked_for_is_hidden_exactly_wherever_the_stream_is_split() {
    let (call, _) = call(CHAT, CHAT_BODY);
    let answer = fixture!("openai/chat.sse");
    let text = std::str::from_utf8(answer).unwrap();
    let shown: String = text
        .split_inclusive("\n\n")
        .filter(|event| !event.contains("\"choices\":[]"))
        .map(|event| event.replace("],\"usage\":null", "]"))
        .collect();
    assert!(
        shown.contains(r#"\"usage\":null,"#),
        "text of the answer is not touched"
    );
    let (whole, forwarded) = replay(&call, start(SSE, true), &[answer]);
    assert_eq!(String::from_utf8(forwarded).unwrap(), shown);
    assert_eq!((whole.usage.input, whole.basis), (72, Basis::Measured));
    for at in 0..answer.len() {
        let (left, right) = answer.split_at(at);
        let (split, forwarded) = replay(&call, start(SSE, true), &[left, right]);
        assert_eq!(
            (&split, forwarded.as_slice()),
            (&whole, shown.as_bytes()),
            "split at {at}"
        );
    }
}

#[test]
fn a_whole_event_is_passed_on_at_once_while_the_usage_is_hidden() {
    let (call, _) = call(CHAT, CHAT_BODY);
    let mut meter = meter(&call, start(SSE, true));
    let event = Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
    assert_eq!(meter.observe(&event, false), Forward::Same);
    let half = Bytes::from_static(b"data: {");
    assert_eq!(meter.observe(&half, false), Forward::Replaced(Bytes::new()));
}

#[test]
fn a_cut_stream_is_billed_for_what_was_seen() {
    let (call, _) = call(CHAT, CHAT_BODY);
    let answer = fixture!("openai/chat.sse");
    let end = answer
        .windows(14)
        .position(|window| window == b"\"choices\":[],\"")
        .unwrap();
    let (metered, _) = replay(&call, start(SSE, false), &[&answer[..end]]);
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Estimated, false)
    );
    assert!(
        metered.usage.input > 3 && metered.usage.input < 40,
        "{:?}",
        metered.usage
    );
    assert!(
        metered.usage.output > 10 && metered.usage.output < 30,
        "{:?}",
        metered.usage
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_unknown_and_an_error_costs_nothing() {
    let (call, _) = call(CHAT, CHAT_BODY);
    let cut = &fixture!("openai/chat.json")[..300];
    let (metered, _) = replay(&call, start(JSON, false), &[cut]);
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Unknown, false)
    );
    let refused = AnswerStart {
        status: 429,
        ..start(JSON, false)
    };
    let body =
        br#"{"error":{"message":"x","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    let (metered, _) = replay(&call, refused, &[body]);
    assert_eq!(metered.usage, TokenUsage::default());
    assert_eq!(
        (metered.basis, metered.is_complete),
        (Basis::Measured, true)
    );
    assert_eq!(
        metered.provider_error.as_deref(),
        Some("rate_limit_exceeded")
    );
}

#[test]
fn what_a_model_may_have_reasoned_unseen_is_not_estimated() {
    for (path, body, answer) in [
        (
            CHAT,
            r#"{"model":"gpt-5-mini","messages":[],"stream":true}"#,
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            r#"{"contents":[]}"#,
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n",
        ),
        (
            "/v1/messages",
            MESSAGES_BODY,
            "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\"}}\n\n",
        ),
    ] {
        let (call, _) = call(path, body);
        let (metered, _) = replay(&call, start(SSE, false), &[answer.as_bytes()]);
        assert_eq!(metered.basis, Basis::Unknown, "{path}");
    }
}

#[test]
fn missing_or_impossible_usage_is_estimated() {
    let (call, _) = call(CHAT, CHAT_BODY);
    for usage in [
        "null",
        "7",
        "{}",
        r#"{"prompt_tokens":-5,"completion_tokens":"x"}"#,
        r#"{"prompt_tokens":1e300,"completion_tokens":18446744073709551615}"#,
        r#"{"prompt_tokens":2.5,"completion_tokens":[1]}"#,
    ] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"one two three"}}}}],"usage":{usage}}}"#
        );
        let (metered, _) = replay(&call, start(JSON, false), &[body.as_bytes()]);
        assert_eq!(
            (metered.basis, metered.is_complete),
            (Basis::Estimated, true),
            "{usage}"
        );
        assert_eq!(metered.usage.output, 3, "{usage}");
        assert!(
            metered.usage.input > 3 && metered.usage.input < 40,
            "{usage}"
        );
    }
    let body = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,
        "prompt_tokens_details":{"cached_tokens":12},
        "completion_tokens_details":{"reasoning_tokens":9}}}"#;
    let (metered, _) = replay(&call, start(JSON, false), &[body.as_bytes()]);
    let usage = metered.usage;
    assert_eq!((usage.input, usage.cached_input), (0, 10));
    assert_eq!((usage.output, usage.reasoning_output), (0, 4));
    assert_eq!(metered.basis, Basis::Estimated);
}

#[test]
fn the_usage_of_an_answer_too_long_to_keep_is_read_from_its_end() {
    let body = r#"{"model":"text-embedding-3-small","input":"x"}"#;
    let (call, _) = call("/v1/embeddings", body);
    let mut answer = br#"{"data":["#.to_vec();
    for _ in 0..700_000 {
        answer.extend_from_slice(b"-0.0123456789,");
    }
    answer.extend_from_slice(br#"0],"model":"m","usage" : {"prompt_tokens": 8}}"#);
    let pieces: Vec<&[u8]> = answer.chunks(50_000).collect();
    let (metered, _) = replay(&call, start(JSON, false), &pieces);
    assert_eq!((metered.usage.input, metered.basis), (8, Basis::Measured));
}

#[test]
fn a_stream_whose_usage_was_put_in_by_us_is_the_only_one_that_hides_it() {
    let (call, body) = call(CHAT, CHAT_BODY);
    let edits = Edits {
        model: None,
        include_usage: true,
        ..Edits::default()
    };
    let edited = edit_body(&call, &edits, &body).unwrap();
    let route = route("POST", CHAT, &Hints::default()).unwrap();
    assert!(read_call(&route, &edited).unwrap().include_usage_asked());
}

proptest! {
    #[test]
    fn nothing_that_a_provider_sends_makes_a_meter_panic(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..6),
        hides_usage: bool,
        is_events: bool,
    ) {
        let pieces: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let content_type = if is_events { SSE } else { JSON };
        for (path, body) in [
            (CHAT, CHAT_BODY),
            ("/v1/responses", CHAT_BODY),
            ("/v1/messages", MESSAGES_BODY),
            ("/v1beta/models/m:streamGenerateContent", "{}"),
        ] {
            let (call, _) = call(path, body);
            let (_, forwarded) = replay(&call, start(content_type, hides_usage), &pieces);
            prop_assert_eq!(forwarded, chunks.concat());
        }
    }

    #[test]
    fn no_usage_is_ever_more_than_what_was_reported(
        counts in proptest::collection::vec(prop_oneof![
            any::<i64>(), -10_i64..2_000, Just(i64::MAX), Just(1 << 40)
        ], 6),
    ) {
        let (call, _) = call(CHAT, CHAT_BODY);
        let body = format!(
            r#"{{"choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{},
            "prompt_tokens_details":{{"cached_tokens":{},"audio_tokens":{}}},
            "completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":{}}}}}}}"#,
            counts[0], counts[1], counts[2], counts[3], counts[4], counts[5],
        );
        let (metered, _) = replay(&call, start(JSON, false), &[body.as_bytes()]);
        let is_possible = |count: i64| (0..=1 << 40).contains(&count);
        if is_possible(counts[0]) && is_possible(counts[1]) {
            prop_assert_eq!(i128::from(metered.usage.input_total()), i128::from(counts[0]));
            prop_assert_eq!(i128::from(metered.usage.output_total()), i128::from(counts[1]));
        } else {
            prop_assert_eq!(metered.basis, Basis::Estimated);
            prop_assert!(metered.usage.input_total() <= 1 << 41);
        }
    }
}
