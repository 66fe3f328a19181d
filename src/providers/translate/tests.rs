//! Requests and answers as they are, in files: what a change alters is seen in a snapshot.

use serde_json::{Value, json};

use super::*;
use crate::providers::call::{Call, read_call};
use crate::providers::endpoints::{Hints, route};

mod answers;
mod failures;
mod properties;
mod refusals;

const CHAT: &str = include_str!("../../../tests/fixtures/translate/chat.json");
const RESPONSES: &str = include_str!("../../../tests/fixtures/translate/responses.json");

pub(super) fn target(model: &str) -> Target<'_> {
    let dialect = if model.starts_with("claude") {
        Dialect::Anthropic
    } else {
        Dialect::Google
    };
    Target {
        dialect,
        model,
        output_tokens_max: Some(32_000),
        cap: None,
    }
}

/// The call that the gateway will see.
pub(super) fn call_of(translated: &Translated) -> Call {
    let hints = Hints {
        query: translated.query,
        ..Hints::default()
    };
    let route = route("POST", &translated.path, &hints).unwrap();
    assert_eq!(route.endpoint.operation, translated.operation);
    read_call(&route, &translated.body).unwrap()
}

/// The path and the body for a model.
fn said(from: Operation, model: &str, body: &str) -> String {
    let translated = translate_request(from, &target(model), body.as_bytes()).unwrap();
    let call = call_of(&translated);
    assert_eq!(call.streamed, translated.streamed);
    assert_eq!(call.model.as_str(), model);
    let body: &serde_json::value::RawValue = serde_json::from_slice(&translated.body).unwrap();
    let lines = body.get().replace("{\"", "\n{\"");
    format!("{} {:?}{lines}", translated.path, translated.query)
}

#[test]
fn a_chat_request_is_said_to_claude() {
    insta::assert_snapshot!(said(Operation::ChatCompletions, "claude-opus-5", CHAT));
}

#[test]
fn a_chat_request_is_said_to_gemini() {
    insta::assert_snapshot!(said(Operation::ChatCompletions, "gemini-2.5-flash", CHAT));
}

#[test]
fn a_responses_request_is_said_to_claude() {
    insta::assert_snapshot!(said(Operation::Responses, "claude-haiku-4-5", RESPONSES));
}

#[test]
fn a_responses_request_is_said_to_gemini() {
    insta::assert_snapshot!(said(Operation::Responses, "gemini-3.5-flash", RESPONSES));
}

/// The translated body of a chat request with these members beside a message.
pub(super) fn chat(model: &str, members: Value) -> Result<Value, BadRequest> {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let Value::Object(members) = members else {
        panic!("no object");
    };
    body.as_object_mut().unwrap().extend(members);
    let body = body.to_string();
    let target = target(model);
    let translated = translate_request(Operation::ChatCompletions, &target, body.as_bytes())?;
    call_of(&translated);
    Ok(serde_json::from_slice(&translated.body).unwrap())
}

/// The same of a request to `/v1/responses`.
pub(super) fn responses(model: &str, members: Value) -> Result<Value, BadRequest> {
    let mut body = json!({"model": "m", "input": "Hi"});
    let Value::Object(members) = members else {
        panic!("no object");
    };
    body.as_object_mut().unwrap().extend(members);
    let body = body.to_string();
    let target = target(model);
    let translated = translate_request(Operation::Responses, &target, body.as_bytes())?;
    call_of(&translated);
    Ok(serde_json::from_slice(&translated.body).unwrap())
}

#[test]
fn a_request_without_a_cap_gets_the_models_where_one_is_needed() {
    let body = chat("claude-opus-5", json!({})).unwrap();
    assert_eq!(body["max_tokens"], 32_000);
    let body = chat("gemini-2.5-flash", json!({})).unwrap();
    assert_eq!(body.get("generationConfig"), None);
    let unknown = Target {
        output_tokens_max: None,
        ..target("claude-opus-5")
    };
    let asked = br#"{"model":"m","messages":[]}"#;
    let translated = translate_request(Operation::ChatCompletions, &unknown, asked).unwrap();
    assert_eq!(translated.caller_cap, None);
    assert_eq!(call_of(&translated).output_cap, Some(4_096));
}

#[test]
fn a_cap_of_ours_holds_and_what_is_thought_stays_within_it() {
    let members = r#"{"model":"m","messages":[],"reasoning_effort":"high","max_tokens":20000}"#;
    let cap = |cap, model| {
        let target = Target {
            cap,
            ..target(model)
        };
        let translated =
            translate_request(Operation::ChatCompletions, &target, members.as_bytes()).unwrap();
        assert_eq!(translated.caller_cap, Some(20_000));
        let body: Value = serde_json::from_slice(&translated.body).unwrap();
        let budget = body["thinking"]["budget_tokens"].as_u64();
        (call_of(&translated).output_cap, budget)
    };
    assert_eq!(
        cap(Some(5_000), "claude-haiku-4-5"),
        (Some(5_000), Some(2_500))
    );
    assert_eq!(
        cap(Some(30_000), "claude-haiku-4-5"),
        (Some(20_000), Some(10_000))
    );
    assert_eq!(cap(Some(5_000), "gemini-2.5-pro"), (Some(5_000), None));
}

#[test]
fn effort_is_said_as_each_model_understands_it() {
    let effort = |model: &str, effort: &str| {
        let members = json!({"reasoning_effort": effort, "max_tokens": 20_000});
        chat(model, members).unwrap()
    };
    let body = effort("claude-opus-4-8", "xhigh");
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "xhigh"}));
    let body = effort("claude-opus-4-8", "none");
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    let body = effort("claude-opus-4-5", "high");
    assert_eq!(body["thinking"]["budget_tokens"], 10_000);
    assert_eq!(effort("claude-opus-4-5", "none").get("thinking"), None);
    let thinking = |model, word| effort(model, word)["generationConfig"]["thinkingConfig"].clone();
    assert_eq!(
        thinking("gemini-2.5-flash", "none"),
        json!({"thinkingBudget": 0})
    );
    assert_eq!(
        thinking("gemini-2.5-pro", "high"),
        json!({"thinkingBudget": 24_576})
    );
    assert_eq!(
        thinking("gemini-3-flash-preview", "minimal"),
        json!({"thinkingLevel": "minimal"})
    );
    assert_eq!(
        thinking("gemini-3.1-pro-preview", "minimal"),
        json!({"thinkingLevel": "low"})
    );
    let body = chat("gemini-2.5-pro", json!({"thinking_budget": 2_000})).unwrap();
    assert_eq!(
        body["generationConfig"]["thinkingConfig"],
        json!({"thinkingBudget": 2_000})
    );
}

#[test]
fn the_choice_of_tools_is_said_as_each_provider_understands_it() {
    let tools = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    let asked = |choice: Value, parallel: bool| json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel});
    let named = json!({"type": "function", "function": {"name": "f"}});
    for (choice, claude, gemini) in [
        (
            json!("auto"),
            json!({"type": "auto"}),
            json!({"mode": "VALIDATED"}),
        ),
        (
            json!("none"),
            json!({"type": "none"}),
            json!({"mode": "NONE"}),
        ),
        (
            json!("required"),
            json!({"type": "any"}),
            json!({"mode": "ANY"}),
        ),
        (
            named,
            json!({"type": "tool", "name": "f"}),
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
    ] {
        let body = chat("claude-opus-5", asked(choice.clone(), true)).unwrap();
        assert_eq!(body["tool_choice"], claude);
        assert_eq!(body["tools"][0]["strict"], true);
        let body = chat("gemini-2.5-flash", asked(choice, true)).unwrap();
        assert_eq!(body["toolConfig"]["functionCallingConfig"], gemini);
    }
    let body = chat("claude-opus-5", asked(Value::Null, false)).unwrap();
    let one_by_one = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(body["tool_choice"], one_by_one);
}

#[test]
fn calls_of_another_model_are_shown_to_gemini_3_with_the_documented_signature() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]);
    let signatures = |model| {
        let body = chat(model, json!({"messages": messages})).unwrap();
        let parts = body["contents"][1]["parts"].as_array().unwrap().clone();
        let results = body["contents"][2]["parts"].clone();
        assert_eq!(results[0]["functionResponse"]["name"], "g");
        assert_eq!(
            results[1]["functionResponse"]["response"],
            json!({"output": "1"})
        );
        let signature = |part: &Value| part.get("thoughtSignature").cloned();
        parts.iter().map(signature).collect::<Vec<_>>()
    };
    let skipped = Some(json!("skip_thought_signature_validator"));
    assert_eq!(signatures("gemini-3.5-flash"), [skipped, None]);
    assert_eq!(signatures("gemini-2.5-flash"), [None, None]);
}

#[test]
fn texts_that_say_nothing_are_left_out() {
    let input = json!([
        {"role": "user", "content": [
            {"type": "input_text", "text": ""},
            {"type": "input_text", "text": "Hi"},
        ]},
        {"type": "reasoning", "summary": []},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "So?"},
    ]);
    let body = responses(
        "gemini-2.5-pro",
        json!({"instructions": "", "input": input}),
    )
    .unwrap();
    assert_eq!(body.get("systemInstruction"), None);
    let part = |text: &str| json!([{"text": text}]);
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": part("Hi")},
            {"role": "user", "parts": part("So?")},
        ])
    );
}

#[test]
fn a_model_whose_name_is_no_plain_word_gets_no_path() {
    let refused = chat("gemini/../secrets?x", json!({})).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("model"));
}

#[test]
fn addresses_of_images_are_given_to_claude() {
    let image = json!({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}});
    let members = json!({"messages": [{"role": "user", "content": [image]}]});
    let body = chat("claude-opus-5", members).unwrap();
    let source = json!({"type": "url", "url": "https://x.test/a.png"});
    assert_eq!(body["messages"][0]["content"][0]["source"], source);
}
