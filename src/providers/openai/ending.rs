//! Ends a stream of chat or text completions: `finish_reason: "length"` for each choice.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::ending::{self, Unfinished};
use crate::providers::endpoints::Operation;

const DONE: &str = "data: [DONE]\n\n";

/// What every chunk of a stream repeats.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, expecting = "an object")]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Chunk<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    choices: &'a [Value],
    /// Absent unless the caller asked for it; then `null` but for the last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

impl Chunk<'_> {
    fn event(&self) -> String {
        format!("data: {}\n\n", ending::json(self))
    }
}

/// The last chunks.
pub(crate) fn last_words(unfinished: &Unfinished<'_>) -> Vec<u8> {
    let head: Head<'_> = serde_json::from_slice(unfinished.last).unwrap_or_default();
    let no_usage = unfinished.shows_usage.then_some(Value::Null);
    let mut events = String::new();
    for index in unfinished.open {
        let chunk = Chunk {
            head: &head,
            choices: &[last_choice(unfinished.operation, *index)],
            usage: no_usage.clone(),
        };
        events.push_str(&chunk.event());
    }
    if unfinished.shows_usage {
        let chunk = Chunk {
            head: &head,
            choices: &[],
            usage: Some(usage(&unfinished.usage)),
        };
        events.push_str(&chunk.event());
    }
    events.push_str(DONE);
    events.into_bytes()
}

fn last_choice(operation: Operation, index: u64) -> Value {
    let mut choice = json!({"index": index, "logprobs": null, "finish_reason": "length"});
    let (name, nothing) = if operation == Operation::Completions {
        ("text", json!(""))
    } else {
        ("delta", json!({}))
    };
    if let Some(choice) = choice.as_object_mut() {
        choice.insert(name.to_owned(), nothing);
    }
    choice
}

fn usage(usage: &TokenUsage) -> Value {
    let (input, output) = (usage.input_total(), usage.output_total());
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": {"cached_tokens": usage.cached_input},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_output},
    })
}
