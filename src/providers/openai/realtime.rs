//! The events of `OpenAI`'s realtime API, as far as money depends on them: what a caller asks for, what
//! the model may read, and what each response used. Responses start only by `response.create`; the
//! provider is told not to start them itself, so that money is held before each.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::domain::denial::BadRequest;
use crate::domain::id::ModelName;
use crate::providers::endpoints::check_model;
use crate::providers::upstream::query_members;

mod caller;
mod content;
mod provider;
mod response;

pub use caller::{CallerEvent, Misfit, SessionUpdate, read_caller_event};
pub use content::Heard;
pub use provider::{ProviderEvent, ResponseEnd, SessionState, read_provider_event};
pub use response::{ResponseAsked, response_of_our_own};

/// A place in the session's object: who starts responses when the caller has spoken.
const TURN_DETECTION: [&str; 3] = ["audio", "input", "turn_detection"];

/// The model that a connection is asked for. Nothing else may be in the query: `call_id` would join
/// somebody's call, `intent` another kind of session.
pub fn model_of(query: Option<&str>) -> Result<ModelName, BadRequest> {
    let mut model = None;
    for (name, value) in query.into_iter().flat_map(query_members) {
        match &*name {
            "model" if model.is_none() => model = Some(value),
            "key" | "" => {}
            _ => {
                let message = format!("only one `model` is possible in the query, not `{name}`");
                return Err(BadRequest::field("model", message));
            }
        }
    }
    let missing = || BadRequest::field("model", "the query must name a `model`");
    let model = model.ok_or_else(missing)?;
    check_model(model)?;
    Ok(ModelName::new(model))
}

/// An error as this API tells it, from the body of a refusal.
pub fn error_event(refusal: &[u8], event_id: &str, caused_by: Option<&str>) -> String {
    let mut body: Map<String, Value> = serde_json::from_slice(refusal).unwrap_or_default();
    let mut error = body.remove("error").unwrap_or_default();
    if let Some(error) = error.as_object_mut() {
        error.insert("event_id".to_owned(), json!(caused_by));
    }
    json!({"type": "error", "event_id": event_id, "error": error}).to_string()
}

/// Ends a response before its time.
pub fn cancel_event(response: &str) -> String {
    json!({"type": "response.cancel", "response_id": response}).to_string()
}

/// A member of an object within objects.
fn member<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |inner, name| inner.get(name))
}

fn member_mut<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    let mut inner = object;
    for name in path {
        inner = inner.get_mut(*name)?;
    }
    Some(inner)
}

/// How long a part of an event is.
fn length(part: &RawValue) -> u64 {
    u64::try_from(part.get().len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
