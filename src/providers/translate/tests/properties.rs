//! Any request that is made of what is supported: what is translated says the same.

use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Zäß🌦\"\\\\ \n]{1,12}"
}

fn user() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"role": "user", "content": text})),
        (text(), text()).prop_map(|(one, other)| {
            let image =
                json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
            let part = |text| json!({"type": "text", "text": text});
            json!({"role": "user", "content": [part(one), image, part(other)]})
        }),
    ]
}

/// What an assistant says, or calls and gets.
fn turn() -> impl Strategy<Value = Vec<Value>> {
    let developer = prop_oneof![Just("system"), Just("developer")];
    prop_oneof![
        user().prop_map(|message| vec![message]),
        (developer, text()).prop_map(|(role, text)| vec![json!({"role": role, "content": text})]),
        text().prop_map(|text| vec![json!({"role": "assistant", "content": text})]),
        (text(), text(), any::<u32>()).prop_map(|(given, got, id)| {
            let id = format!("call_{id}");
            let arguments = json!({"x": given}).to_string();
            let function = json!({"name": "f", "arguments": arguments});
            let call = json!({"id": id, "type": "function", "function": function});
            vec![
                json!({"role": "assistant", "content": null, "tool_calls": [call]}),
                json!({"role": "tool", "tool_call_id": id, "content": got}),
            ]
        }),
    ]
}

fn members() -> impl Strategy<Value = Value> {
    let tools =
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    (
        proptest::option::of(1_u64..100_000),
        any::<bool>(),
        proptest::option::of(0..=10_u8),
        proptest::option::of(text()),
        any::<bool>(),
        proptest::option::of(prop_oneof![Just("auto"), Just("none"), Just("required")]),
    )
        .prop_map(move |(cap, stream, temperature, stop, is_older, choice)| {
            let name = if is_older {
                "max_tokens"
            } else {
                "max_completion_tokens"
            };
            json!({
                name: cap,
                "stream": stream,
                "temperature": temperature.map(|tenths| f64::from(tenths) / 10.0),
                "stop": stop,
                "tools": tools,
                "tool_choice": choice,
                "user": "u",
            })
        })
}

/// All texts in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn said_in(message: &Value) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(parts) = message["content"].as_array() {
        said.extend(parts.iter().filter_map(|part| part["text"].as_str()));
    }
    said.extend(message["content"].as_str());
    let mut said: Vec<String> = said.into_iter().map(str::to_owned).collect();
    if let Some(calls) = message["tool_calls"].as_array() {
        let arguments = calls[0]["function"]["arguments"].as_str().unwrap();
        texts(&serde_json::from_str(arguments).unwrap(), &mut said);
    }
    said
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![
            Just("user"),
            Just("text"),
            Just("function"),
            Just("x"),
            Just("data:a/b;base64,")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let names = prop_oneof![
            Just("role"),
            Just("content"),
            Just("type"),
            Just("text"),
            Just("function"),
            Just("name"),
            Just("image_url"),
            Just("url"),
            Just("output"),
            Just("call_id"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names, inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_translated_says_the_same(
        turns in proptest::collection::vec(turn(), 1..6),
        members in members(),
        model in prop_oneof![
            Just("claude-opus-5"), Just("claude-haiku-4-5"),
            Just("gemini-2.5-flash"), Just("gemini-3.5-flash"),
        ],
    ) {
        let messages: Vec<Value> = turns.concat();
        let mut body = members;
        body["model"] = json!("m");
        body["messages"] = Value::from(messages.clone());
        let written = body.to_string();
        let translated =
            translate_request(Operation::ChatCompletions, &target(model), written.as_bytes());
        let translated = translated.unwrap();
        let call = call_of(&translated);
        prop_assert_eq!(call.model.as_str(), model);
        prop_assert_eq!(Some(call.streamed), body["stream"].as_bool());
        let cap = body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64());
        prop_assert_eq!(translated.caller_cap, cap);
        let default = model.starts_with("claude").then_some(32_000);
        prop_assert_eq!(call.output_cap, cap.or(default));
        prop_assert_eq!(call.choices, 1);
        prop_assert!(!call.input.has_unbounded_input && call.unpriced.is_empty());
        let mut found = Vec::new();
        texts(&serde_json::from_slice(&translated.body).unwrap(), &mut found);
        for said in messages.iter().flat_map(said_in) {
            let place = found.iter().position(|text| *text == said);
            prop_assert!(place.is_some(), "{said:?} is missing");
            found.swap_remove(place.unwrap());
        }
    }

    #[test]
    fn answers_of_any_form_are_taken(body in ".{0,60}", streamed: bool, end in any::<bool>()) {
        for model in ["claude-opus-5", "gemini-2.5-flash"] {
            let asked = json!({"model": "m", "messages": [], "stream": streamed}).to_string();
            let from = Operation::ChatCompletions;
            let translated = translate_request(from, &target(model), asked.as_bytes()).unwrap();
            let facts = AnswerFacts { status: 200, model, request_id: "1", created: 1 };
            let mut answer = translated.answer(&facts);
            answer.push(body.as_bytes(), end);
            let event = format!("data: {body}\n\n");
            answer.push(event.as_bytes(), true);
        }
    }

    #[test]
    fn requests_of_any_form_are_taken(members in proptest::collection::btree_map(
        prop_oneof![
            Just("messages"), Just("input"), Just("model"), Just("tools"), Just("tool_choice"),
            Just("response_format"), Just("text"), Just("reasoning"), Just("stop"), Just("n"),
        ],
        any_value(), 0..6,
    )) {
        let body = json!(members).to_string();
        for from in [Operation::ChatCompletions, Operation::Responses] {
            for model in ["claude-opus-5", "gemini-2.5-flash"] {
                let translated = translate_request(from, &target(model), body.as_bytes());
                if let Ok(translated) = translated {
                    call_of(&translated);
                }
            }
        }
    }
}
