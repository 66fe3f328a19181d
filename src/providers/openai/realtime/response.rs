//! A response that is asked for, as a call like any other.

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use smallvec::SmallVec;

use crate::domain::denial::BadRequest;
use crate::domain::id::ModelName;
use crate::providers::Dialect;
use crate::providers::call::{Call, InputFacts, Layout, Nested};
use crate::providers::endpoints::Operation;
use crate::providers::openai::realtime::content::{self, Heard};

/// What begins a message of ours, up to the object that says how the response is to be.
const HEAD: &str = r#"{"type":"response.create","event_id":"#;
const RESPONSE: &str = r#","response":"#;

/// A response that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseAsked {
    /// What its caller calls the event.
    pub event_id: Option<String>,
    /// What it reads beside the conversation.
    heard: Heard,
    /// How it is to be.
    response: Value,
    /// The caller's cap.
    cap: Option<u64>,
}

/// The response that the caller expects when it has spoken.
pub fn response_of_our_own() -> ResponseAsked {
    ResponseAsked {
        event_id: None,
        heard: Heard::default(),
        response: json!({}),
        cap: None,
    }
}

pub(super) fn asked(
    written: Option<&RawValue>,
    event_id: Option<&str>,
) -> Result<ResponseAsked, BadRequest> {
    let mut asked = ResponseAsked {
        event_id: event_id.map(str::to_owned),
        ..response_of_our_own()
    };
    let Some(written) = written.filter(|written| written.get() != "null") else {
        return Ok(asked);
    };
    let wrong = |message: String| BadRequest::field("response", message);
    asked.response = serde_json::from_str(written.get())
        .map_err(|error| wrong(format!("`response` is not valid: {error}")))?;
    if !asked.response.is_object() {
        return Err(wrong("`response` must be an object".to_owned()));
    }
    check_shared(&asked.response)?;
    if let Some(input) = asked.response.get("input").filter(|it| !it.is_null()) {
        let input = serde_json::value::to_raw_value(input)
            .map_err(|error| wrong(format!("`input` cannot be read: {error}")))?;
        asked.heard = content::of_items(&input)?;
    }
    asked.cap = match asked.response.get("max_output_tokens") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text == "inf" => None,
        Some(cap) => {
            let message = "`max_output_tokens` must be a whole number of at least 1, or `inf`";
            let cap = cap.as_u64().filter(|cap| *cap > 0);
            Some(cap.ok_or_else(|| wrong(message.to_owned()))?)
        }
    };
    Ok(asked)
}

/// Refuses what a session or a response can have and whose cost nobody here could know.
pub(super) fn check_shared(object: &Value) -> Result<(), BadRequest> {
    if object.get("prompt").is_some_and(|prompt| !prompt.is_null()) {
        let message =
            "a `prompt` that the provider keeps is not possible here: it may say anything";
        return Err(BadRequest::field("prompt", message));
    }
    let tools = object.get("tools").and_then(Value::as_array);
    let is_ours = |tool: &Value| tool.get("type").is_some_and(|kind| kind == "function");
    if !tools.into_iter().flatten().all(is_ours) {
        let message = "tools that the provider runs are not possible here, only functions";
        return Err(BadRequest::field("tools", message));
    }
    Ok(())
}

impl ResponseAsked {
    /// The call, and the message that asks the provider for it. `session_cap` holds where the
    /// response has none of its own.
    pub fn into_call(
        mut self,
        model: &ModelName,
        event_id: &str,
        (heard, session_cap): (Heard, Option<u64>),
    ) -> (Call, Bytes) {
        let cap = self.cap.or(session_cap);
        if let Some(response) = self.response.as_object_mut() {
            // What is sent has it where the edit of the cap expects it.
            response.remove("max_output_tokens");
        }
        let start = [HEAD, &json!(event_id).to_string(), RESPONSE].concat();
        let written = with_cap(&self.response, cap);
        let body = [&*start, &*written, "}"].concat();
        let is_empty = written == "{}";
        let value = start.len()..start.len().saturating_add(written.len());
        let after = value.start.saturating_add(CAP.len());
        let caps: SmallVec<_> = cap
            .map(|cap| after..after.saturating_add(cap.to_string().len()))
            .into_iter()
            .collect();
        let heard = heard.plus(self.heard);
        let bare = Call::of_answer(Dialect::OpenAi, Operation::Realtime, model.clone());
        let call = Call {
            streamed: true,
            output_cap: cap,
            input: InputFacts {
                body_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
                sequences: 1,
                has_unbounded_input: heard.is_unbounded,
                hidden_tokens: heard.tokens_max(),
                ..InputFacts::default()
            },
            layout: Layout {
                caps,
                generation_config: Some(Nested { value, is_empty }),
                ..Layout::default()
            },
            ..bare
        };
        (call, Bytes::from(body))
    }
}

const CAP: &str = r#"{"max_output_tokens":"#;

/// The object with the cap as its first member.
fn with_cap(response: &Value, cap: Option<u64>) -> String {
    let written = response.to_string();
    match (cap, written.strip_prefix('{')) {
        (Some(cap), Some("}")) => format!("{CAP}{cap}}}"),
        (Some(cap), Some(rest)) => format!("{CAP}{cap},{rest}"),
        (Some(_) | None, _) => written,
    }
}
