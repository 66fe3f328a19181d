//! An edit changes what it should and no other byte.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::providers::call::read_call;
use crate::providers::endpoints::{Hints, route};

fn edited(path: &str, body: &str, edits: &Edits<'_>) -> Option<String> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let route = route("POST", path, &Hints::default()).unwrap();
    let call = read_call(&route, &body).unwrap();
    let edited = edit_body(&call, edits, &body)?;
    Some(String::from_utf8(edited.to_vec()).unwrap())
}

const CAP: Edits<'static> = Edits {
    model: None,
    output_cap: Some(7),
    include_usage: false,
};
const USAGE: Edits<'static> = Edits {
    model: None,
    output_cap: None,
    include_usage: true,
};
const CHAT: &str = "/v1/chat/completions";
const GENERATE: &str = "/v1beta/models/m:generateContent";

/// Path, body and the body with a cap.
const CAPPED: &[(&str, &str, &str)] = &[
    (
        CHAT,
        r#" {"model":"m"}"#,
        r#" {"max_completion_tokens":7,"model":"m"}"#,
    ),
    (
        "/v1/responses",
        r#"{ "model":"m"}"#,
        r#"{"max_output_tokens":7, "model":"m"}"#,
    ),
    (
        CHAT,
        r#"{"model":"m","max_tokens":9}"#,
        r#"{"model":"m","max_tokens":7}"#,
    ),
    (
        CHAT,
        r#"{"max_tokens":900,"model":"m","max_completion_tokens":null}"#,
        r#"{"max_tokens":7,"model":"m","max_completion_tokens":7}"#,
    ),
    (
        "/v1/messages",
        r#"{"model":"m","max_tokens":9}"#,
        r#"{"model":"m","max_tokens":7}"#,
    ),
    (
        GENERATE,
        "{}",
        r#"{"generationConfig":{"maxOutputTokens":7}}"#,
    ),
    (
        GENERATE,
        r#"{"contents":[]}"#,
        r#"{"generationConfig":{"maxOutputTokens":7},"contents":[]}"#,
    ),
    (
        GENERATE,
        r#"{"generationConfig": null}"#,
        r#"{"generationConfig": {"maxOutputTokens":7}}"#,
    ),
    (
        GENERATE,
        r#"{"generation_config":{ }}"#,
        r#"{"generation_config":{"maxOutputTokens":7}}"#,
    ),
    (
        GENERATE,
        r#"{"generation_config":{"topK":1}}"#,
        r#"{"generation_config":{"maxOutputTokens":7,"topK":1}}"#,
    ),
    (
        GENERATE,
        r#"{"generationConfig":{"max_output_tokens":99}}"#,
        r#"{"generationConfig":{"max_output_tokens":7}}"#,
    ),
];

#[test]
fn a_cap_is_put_in_under_the_name_that_the_endpoint_reads() {
    for (path, body, expected) in CAPPED {
        assert_eq!(
            edited(path, body, &CAP).as_deref(),
            Some(*expected),
            "{body}"
        );
    }
}

#[test]
fn usage_is_asked_for_only_where_it_is_not_told_by_itself() {
    for (body, expected) in [
        (
            r#"{"model":"m","stream":true}"#,
            Some(r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#),
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}"#,
            Some(
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":false}}"#,
            Some(r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#),
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":null}"#,
            Some(r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#),
        ),
        (
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            None,
        ),
        (r#"{"model":"m","stream":false}"#, None),
    ] {
        assert_eq!(edited(CHAT, body, &USAGE).as_deref(), expected, "{body}");
    }
    assert_eq!(
        edited("/v1/responses", r#"{"model":"m","stream":true}"#, &USAGE),
        None
    );
    assert_eq!(
        edited(CHAT, r#"{"model":"m","stream":true}"#, &Edits::default()),
        None
    );
    assert_eq!(edited("/v1/embeddings", r#"{"model":"m"}"#, &CAP), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("x[a-z{}\"\\\\]{0,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_edited_body_is_the_original_with_exactly_the_edit(
        others in proptest::collection::btree_map("x[a-z]{0,5}", any_json(), 0..5),
        options in proptest::option::of(proptest::collection::btree_map("x[a-z]{0,5}", any_json(), 0..3)),
        pretty: bool,
        cap in proptest::option::of(1_u64..1_000_000),
        include_usage: bool,
    ) {
        let mut body: serde_json::Map<String, Value> = others.into_iter().collect();
        body.insert("model".to_owned(), json!("m"));
        body.insert("stream".to_owned(), json!(true));
        if let Some(options) = options {
            let options: serde_json::Map<String, Value> = options.into_iter().collect();
            body.insert("stream_options".to_owned(), Value::Object(options));
        }
        let mut expected = Value::Object(body);
        let text = if pretty {
            serde_json::to_string_pretty(&expected).unwrap()
        } else {
            expected.to_string()
        };
        let edits = Edits { model: None, output_cap: cap, include_usage };
        let edited = edited(CHAT, &text, &edits);
        if let Some(cap) = cap {
            expected["max_completion_tokens"] = json!(cap);
        }
        if include_usage {
            expected["stream_options"]["include_usage"] = json!(true);
        }
        prop_assert_eq!(edited.is_some(), cap.is_some() || include_usage);
        let edited = edited.unwrap_or_else(|| text.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&edited).unwrap(), expected);
        let mut rest = edited.bytes();
        prop_assert!(text.bytes().all(|byte| rest.any(|other| other == byte)));
    }
}
