//! However a chunk is read, the same is found in it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::providers::transcript::Transcript;

/// What a reader left behind, in a form that can be compared.
fn left(seen: &Seen) -> String {
    let Seen {
        reported,
        tier,
        model,
        is_complete,
        error,
        transcript,
        finished,
        ..
    } = seen;
    format!("{reported:?} {tier:?} {model:?} {is_complete} {error:?} {transcript:?} {finished:?}")
}

fn listening() -> Seen {
    Seen {
        transcript: Transcript::new(None),
        ..Seen::default()
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z \u{e9}]{0,9}",
        1 => "[a-z\"\\\\\n{}\\[\\]]{0,9}",
    ]
}

fn choices() -> impl Strategy<Value = Value> {
    let choice = |text: String| json!([{"index": 0, "delta": {"content": text}}]);
    prop_oneof![
        6 => text().prop_map(choice),
        1 => Just(json!([])),
        1 => Just(Value::Null),
        1 => text().prop_map(|text| json!([{"text": text, "logprobs": null}])),
        1 => (text(), text()).prop_map(|(one, other)| {
            let call = json!({"index": 0, "id": "call_1", "function": {"arguments": other}});
            json!([{"delta": {"role": "assistant", "content": one, "tool_calls": [call]}}])
        }),
        1 => (text(), text()).prop_map(|(one, other)| {
            json!([{"delta": {"content": one}}, {"delta": {"content": other}, "index": 1}])
        }),
        1 => Just(json!("no list")),
    ]
}

fn usage() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => Just(None),
        3 => Just(Some(Value::Null)),
        1 => Just(Some(json!({"prompt_tokens": 7, "completion_tokens": 3}))),
        1 => Just(Some(json!("no usage"))),
    ]
}

prop_compose! {
    fn chunk()(
        choices in choices(),
        usage in usage(),
        padding in prop::option::of(text()),
        tier in prop::option::of(Just("default")),
        is_reversed in any::<bool>(),
    ) -> String {
        let mut members = vec![
            ("id", json!("chatcmpl-1")),
            ("model", json!("gpt-4o-mini")),
            ("service_tier", json!(tier)),
            ("choices", choices),
        ];
        members.extend(usage.map(|usage| ("usage", usage)));
        members.extend(padding.map(|padding| ("obfuscation", json!(padding))));
        if is_reversed {
            members.reverse();
        }
        let written: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", written.join(","))
    }
}

proptest! {
    #[test]
    fn a_stream_is_read_as_a_parser_would(chunks in prop::collection::vec(chunk(), 1..40)) {
        let (mut seen, mut parsed) = (listening(), listening());
        for chunk in &chunks {
            let found = read_chunk(&mut seen, chunk.as_bytes());
            let expected = parse_chunk(&mut parsed, chunk.as_bytes());
            prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{}", chunk);
            if let (UsageInEvent::Null(one), UsageInEvent::Null(other)) = (found, expected) {
                prop_assert_eq!(one.as_ptr(), other.as_ptr(), "{}", chunk);
            }
            prop_assert_eq!(left(&seen), left(&parsed), "{}", chunk);
        }
    }
}

#[test]
fn chunks_that_differ_in_their_text_only_are_not_parsed() {
    let chunk = |text: &str, padding: &str| {
        format!(
            r#"{{"model":"m","choices":[{{"delta":{{"content":"{text}"}}}}],"usage":null,"obfuscation":"{padding}"}}"#
        )
    };
    let mut seen = listening();
    assert!(usual_chunk(&mut seen, chunk("a", "1").as_bytes()).is_none());
    for (text, padding) in [("a", "1"), ("bc", ""), ("", "xyz")] {
        read_chunk(&mut seen, chunk(text, padding).as_bytes());
        let chunk = chunk("again", "12");
        let found = usual_chunk(&mut seen, chunk.as_bytes()).unwrap();
        assert!(matches!(
            found,
            UsageInEvent::None | UsageInEvent::Null(b"null")
        ));
    }
    // Eighteen letters.
    assert_eq!(seen.transcript.estimate(), 6);
    assert_eq!(seen.model.unwrap().as_str(), "m");
}
