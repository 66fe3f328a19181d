//! Ends a stream of generated content, events or a growing array: `finishReason: "MAX_TOKENS"`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::ending::{self, Unfinished};

/// What every part of a stream repeats.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct Tail<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    model_version: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    candidates: Vec<Value>,
    usage_metadata: Value,
    #[serde(flatten)]
    tail: Tail<'a>,
}

/// The last part of the stream.
pub(crate) fn last_words(unfinished: &Unfinished<'_>) -> Vec<u8> {
    let part = Part {
        candidates: unfinished.open.iter().copied().map(candidate).collect(),
        usage_metadata: usage(&unfinished.usage),
        tail: serde_json::from_slice(unfinished.last).unwrap_or_default(),
    };
    let part = ending::json(&part);
    let written = if unfinished.is_array {
        format!(",\r\n{part}\n]\n")
    } else {
        format!("data: {part}\r\n\r\n")
    };
    written.into_bytes()
}

fn candidate(index: u64) -> Value {
    json!({
        "content": {"parts": [{"text": ""}], "role": "model"},
        "finishReason": "MAX_TOKENS",
        "index": index,
    })
}

fn usage(usage: &TokenUsage) -> Value {
    let (input, output) = (usage.input_total(), usage.output_total());
    json!({
        "promptTokenCount": input,
        "cachedContentTokenCount": usage.cached_input,
        "candidatesTokenCount": output.saturating_sub(usage.reasoning_output),
        "thoughtsTokenCount": usage.reasoning_output,
        "totalTokenCount": input.saturating_add(output),
    })
}
