//! What callers and providers say, read and rewritten.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::content::of_item;
use super::*;
use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::bounds::input_bound;
use crate::providers::call::Call;
use crate::providers::edit::{Edits, edit_body};

fn read(event: &Value) -> Result<CallerEvent, BadRequest> {
    read_caller_event(event.to_string().as_bytes()).map_err(|misfit| misfit.problem)
}

fn response(event: &Value) -> ResponseAsked {
    match read(event).unwrap() {
        CallerEvent::Response(asked) => *asked,
        other @ (CallerEvent::Plain(_) | CallerEvent::Session(_)) => panic!("{other:?}"),
    }
}

fn call(response: &Value, session_cap: Option<u64>) -> (Call, bytes::Bytes) {
    let asked = self::response(&json!({"type": "response.create", "response": response}));
    let model = ModelName::new("gpt-realtime");
    asked.into_call(&model, "bg_1", (Heard::tokens(100), session_cap))
}

/// What the provider is sent, with a cap of ours if there is one.
fn sent(response: &Value, session_cap: Option<u64>, put_in: Option<u64>) -> Value {
    let (call, body) = call(response, session_cap);
    let edits = Edits {
        model: None,
        output_cap: put_in,
        include_usage: true,
    };
    let body = edit_body(&call, &edits, &body).unwrap_or(body);
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["type"], "response.create");
    assert_eq!(event["event_id"], "bg_1");
    event["response"].clone()
}

#[test]
fn a_cap_is_put_where_the_response_has_its_own() {
    for (asked, session_cap, put_in, expected) in [
        (json!({}), None, None, json!({})),
        (json!({}), None, Some(7), json!({"max_output_tokens": 7})),
        (json!({}), Some(9), None, json!({"max_output_tokens": 9})),
        (json!({}), Some(9), Some(7), json!({"max_output_tokens": 7})),
        (
            json!({"max_output_tokens": 5, "instructions": "\"}{"}),
            Some(9),
            None,
            json!({"max_output_tokens": 5, "instructions": "\"}{"}),
        ),
        (
            json!({"max_output_tokens": "inf", "conversation": "none"}),
            None,
            Some(7),
            json!({"max_output_tokens": 7, "conversation": "none"}),
        ),
    ] {
        assert_eq!(sent(&asked, session_cap, put_in), expected, "{asked}");
    }
}

#[test]
fn the_callers_cap_goes_before_the_sessions() {
    assert_eq!(call(&json!({}), Some(9)).0.output_cap, Some(9));
    assert_eq!(
        call(&json!({"max_output_tokens": 5}), Some(9)).0.output_cap,
        Some(5)
    );
    assert_eq!(
        call(&json!({"max_output_tokens": "inf"}), None)
            .0
            .output_cap,
        None
    );
}

#[test]
fn what_starts_a_response_is_never_taken_for_something_else() {
    for text in [
        r#"{"type":"response.create","type":"response.cancel"}"#,
        r#"{"type":"response.cancel","type":"response.create"}"#,
        r#"{"type":"input_audio_buffer.commit","response":{},"response":{}}"#,
        r#"{"type":"Response.create"}"#,
        r#"{"type":null}"#,
        r#"{"type":"response.create","response":[]}"#,
        "[]",
        "",
    ] {
        assert!(read_caller_event(text.as_bytes()).is_err(), "{text}");
    }
    let escaped = br#"{"t\u0079pe":"response.cre\u0061te"}"#;
    assert!(matches!(
        read_caller_event(escaped),
        Ok(CallerEvent::Response(_))
    ));
}

#[test]
fn items_of_the_model_or_of_tools_that_the_provider_runs_do_not_pass() {
    let create = |item: Value| read(&json!({"type": "conversation.item.create", "item": item}));
    for kind in ["mcp_call", "mcp_approval_response", "", "web_search_call"] {
        assert!(create(json!({"type": kind})).is_err(), "{kind}");
    }
    let image = json!({"type": "message", "role": "user", "content": [
        {"type": "input_image", "image_url": "data:image/png;base64,AA"}]});
    let Ok(CallerEvent::Plain(heard)) = create(image) else {
        panic!("an image is refused");
    };
    assert!(heard.is_unbounded);
}

#[test]
fn a_session_never_starts_responses_itself() {
    let update = |detection: Value| {
        let session = json!({"audio": {"input": {"turn_detection": detection}}});
        match read(&json!({"type": "session.update", "session": session})) {
            Ok(CallerEvent::Session(update)) => Ok(update),
            Ok(other) => panic!("{other:?}"),
            Err(problem) => Err(problem),
        }
    };
    for (detection, wants_responses) in [
        (json!({"type": "server_vad"}), Some(true)),
        (
            json!({"type": "server_vad", "create_response": true}),
            Some(true),
        ),
        (json!({"create_response": null}), Some(true)),
        (json!({"create_response": false}), Some(false)),
        (Value::Null, Some(false)),
    ] {
        let update = update(detection.clone()).unwrap();
        assert_eq!(update.wants_responses, wants_responses, "{detection}");
        let sent: Value = serde_json::from_str(&update.message).unwrap();
        let sent = &sent["session"]["audio"]["input"]["turn_detection"];
        assert!(sent.is_null() || sent["create_response"] == false, "{sent}");
    }
    for reset in [json!({"audio": null}), json!({"audio": {"input": null}})] {
        let update = json!({"type": "session.update", "session": reset});
        assert!(read(&update).is_err(), "{update}");
    }
    for detection in [
        json!("server_vad"),
        json!({"create_response": 0}),
        json!({"idle_timeout_ms": 5_000}),
    ] {
        assert!(update(detection.clone()).is_err(), "{detection}");
    }
}

fn usage_of(usage: &Value) -> (TokenUsage, Basis) {
    let event = json!({"type": "response.done",
        "response": {"id": "resp_1", "status": "completed", "usage": usage}});
    match read_provider_event(event.to_string().as_bytes()) {
        Some(ProviderEvent::ResponseEnded(end)) => (end.metered.usage, end.metered.basis),
        other => panic!("{other:?}"),
    }
}

#[test]
fn cached_tokens_are_taken_out_of_their_own_kind() {
    let (usage, basis) = usage_of(&json!({
        "input_tokens": 100, "output_tokens": 30,
        "input_token_details": {"text_tokens": 50, "audio_tokens": 40, "image_tokens": 10,
            "cached_tokens": 25, "cached_tokens_details":
                {"text_tokens": 5, "audio_tokens": 12, "image_tokens": 8}},
        "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
    }));
    let expected = TokenUsage {
        input: 45,
        cached_input: 25,
        audio_input: 28,
        image_input: 2,
        output: 10,
        audio_output: 20,
        ..TokenUsage::default()
    };
    assert_eq!((usage, basis), (expected, Basis::Measured));
}

#[test]
fn cached_tokens_of_an_untold_kind_are_taken_for_the_cheapest() {
    let (usage, _) = usage_of(&json!({
        "input_tokens": 100, "output_tokens": 0,
        "input_token_details": {"audio_tokens": 40, "cached_tokens": 30},
    }));
    assert_eq!(
        (usage.input, usage.cached_input, usage.audio_input),
        (30, 30, 40)
    );
}

#[test]
fn usage_that_cannot_be_is_an_estimate_and_none_is_unknown() {
    let parts_beyond_whole = json!({"input_tokens": 10, "output_tokens": 1,
        "input_token_details": {"audio_tokens": 40}});
    assert_eq!(usage_of(&parts_beyond_whole).1, Basis::Estimated);
    for usage in [
        json!(null),
        json!({}),
        json!({"input_tokens": 1}),
        json!({"input_tokens": -1, "output_tokens": 1}),
    ] {
        assert_eq!(usage_of(&usage).1, Basis::Unknown, "{usage}");
    }
}

#[test]
fn a_failed_response_is_an_error_that_is_still_metered() {
    let event = json!({"type": "response.done", "response": {"id": "resp_1", "status": "failed",
        "status_details": {"type": "failed", "error": {"code": "server_error"}},
        "usage": {"input_tokens": 3, "output_tokens": 0}}});
    let read = read_provider_event(event.to_string().as_bytes());
    let Some(ProviderEvent::ResponseEnded(end)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(end.metered.provider_error.as_deref(), Some("server_error"));
    assert_eq!(
        (end.metered.usage.input, end.metered.basis),
        (3, Basis::Measured)
    );
}

#[test]
fn a_failure_without_usage_costs_nothing_and_any_other_end_is_unknown() {
    for (status, basis) in [
        ("failed", Basis::Measured),
        ("completed", Basis::Unknown),
        ("cancelled", Basis::Unknown),
        ("", Basis::Unknown),
    ] {
        let response = json!({"id": "resp_1", "status": status, "usage": null});
        let event = json!({"type": "response.done", "response": response}).to_string();
        let Some(ProviderEvent::ResponseEnded(end)) = read_provider_event(event.as_bytes()) else {
            panic!("{event}");
        };
        assert_eq!(end.metered.basis, basis, "{status}");
    }
}

#[test]
fn the_query_names_one_model_and_nothing_else() {
    assert_eq!(
        model_of(Some("model=gpt-realtime&key=x")).unwrap().as_str(),
        "gpt-realtime"
    );
    for query in [
        None,
        Some(""),
        Some("model="),
        Some("model=a/b"),
        Some("model=a&model=b"),
        Some("model=a&call_id=rtc_1"),
        Some("m%6fdel=a&intent=transcription"),
    ] {
        assert!(model_of(query).is_err(), "{query:?}");
    }
}

proptest! {
    /// A tenth of a second of any format is at least one token, and text has no token without a byte.
    #[test]
    fn the_bound_of_what_was_heard_is_never_too_low(
        texts in prop::collection::vec(".{0,40}", 0..5),
        tenths in prop::collection::vec(0_usize..200, 0..5),
    ) {
        let mut heard = Heard::default();
        let mut least = 0;
        for text in &texts {
            let item = json!({"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": text}]});
            let item = serde_json::value::to_raw_value(&item).unwrap();
            heard = heard.plus(of_item(&item).unwrap());
            least += text.len();
        }
        for tenths in &tenths {
            // 8,000 samples a second of one byte, in base64.
            let audio = "A".repeat((tenths * 800).div_ceil(3) * 4);
            let event = json!({"type": "input_audio_buffer.append", "audio": audio});
            let Ok(CallerEvent::Plain(added)) = read(&event) else {
                panic!("audio is refused");
            };
            heard = heard.plus(added);
            least += tenths;
        }
        prop_assert!(heard.tokens_max() >= least as u64);
    }

    /// What is sent is what was understood: the same event, whatever it says.
    #[test]
    fn a_response_is_sent_as_it_was_asked_for(
        instructions in ".{0,60}",
        cap in prop::option::of(1_u64..5_000),
        put_in in prop::option::of(1_u64..5_000),
    ) {
        let mut asked = json!({"instructions": instructions, "metadata": {"a": "b"}});
        if let Some(cap) = cap {
            asked["max_output_tokens"] = json!(cap);
        }
        let mut expected = asked.clone();
        if let Some(cap) = put_in.or(cap) {
            expected["max_output_tokens"] = json!(cap);
        }
        prop_assert_eq!(sent(&asked, None, put_in), expected);
    }
}

#[test]
fn more_than_the_context_window_is_never_held_for() {
    let price = crate::domain::pricing::ModelPrice {
        id: crate::domain::id::PriceId(1),
        provider: crate::domain::id::ProviderName::new("openai"),
        model: ModelName::new("gpt-realtime"),
        mode: "realtime".to_owned(),
        input_tokens_max: Some(32_000),
        output_tokens_max: Some(4_096),
        bands: Vec::new(),
    };
    let asked = || response_of_our_own();
    let model = ModelName::new("gpt-realtime");
    let bound = |heard: Heard| {
        let (call, _) = asked().into_call(&model, "bg_1", (heard, None));
        input_bound(&call, &price).unwrap()
    };
    assert!(bound(Heard::tokens(1_000)) < 1_500);
    assert_eq!(bound(Heard::tokens(50_000)), 32_000);
    let unbounded = Heard {
        is_unbounded: true,
        ..Heard::default()
    };
    assert_eq!(bound(unbounded), 32_000);
}
