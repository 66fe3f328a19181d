//! A response of `/v1/responses` as far as its events have told: what is needed to end it properly
//! when it is cut off.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::answer::Count;
use crate::providers::ending::named_event;
use crate::providers::json::{Member, Text};

/// How much is kept of an answer. What is beyond is missing in the response that the last event
/// repeats; the caller has had it before.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The number of the next event.
    number: u64,
    /// The response as it was when it began.
    response: Option<Box<RawValue>>,
    /// The items that are done.
    done: Vec<Box<RawValue>>,
    open: Option<OpenItem>,
    kept_bytes: usize,
}

/// The item that is being written.
#[derive(Debug)]
struct OpenItem {
    index: u64,
    item: Box<RawValue>,
    /// The parts of its content that are done.
    parts: Vec<Box<RawValue>>,
    /// The part that is being written, and its place.
    part: Option<(u64, Box<RawValue>)>,
    /// The text of that part, or what the item calls a tool with.
    text: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default)]
    sequence_number: Count,
    #[serde(default)]
    output_index: Count,
    #[serde(default)]
    content_index: Count,
    #[serde(default, borrow)]
    response: Option<&'a RawValue>,
    #[serde(default, borrow)]
    item: Option<&'a RawValue>,
    #[serde(default, borrow)]
    part: Option<&'a RawValue>,
    #[serde(default, borrow)]
    delta: Member<'a>,
}

impl Draft {
    /// Notes what an event tells.
    pub(crate) fn note(&mut self, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
            return;
        };
        self.number = event.sequence_number.or_zero().saturating_add(1);
        match &*event.kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.response = event.response.map(ToOwned::to_owned);
            }
            "response.output_item.added" => {
                self.open = self.kept(event.item).map(|item| OpenItem {
                    index: event.output_index.or_zero(),
                    item,
                    parts: Vec::new(),
                    part: None,
                    text: String::new(),
                });
            }
            "response.output_item.done" => {
                self.open = None;
                let item = self.kept(event.item);
                self.done.extend(item);
            }
            _ => self.note_content(&event),
        }
    }

    fn note_content(&mut self, event: &Event<'_>) {
        let part = self.kept(event.part);
        let room = KEPT_BYTES_MAX.saturating_sub(self.kept_bytes);
        let Some(open) = &mut self.open else { return };
        match &*event.kind {
            "response.content_part.added" => {
                open.text.clear();
                open.part = part.map(|part| (event.content_index.or_zero(), part));
            }
            "response.content_part.done" => {
                open.text.clear();
                open.part = None;
                open.parts.extend(part);
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.function_call_arguments.delta"
            | "response.custom_tool_call_input.delta" => {
                let delta = event.delta.text("delta").ok().flatten().unwrap_or_default();
                if delta.len() <= room {
                    open.text.push_str(&delta);
                    self.kept_bytes = self.kept_bytes.saturating_add(delta.len());
                }
            }
            _ => {}
        }
    }

    fn kept(&mut self, value: Option<&RawValue>) -> Option<Box<RawValue>> {
        let value = value?;
        let kept_bytes = self.kept_bytes.saturating_add(value.get().len());
        (kept_bytes <= KEPT_BYTES_MAX).then(|| {
            self.kept_bytes = kept_bytes;
            value.to_owned()
        })
    }

    /// The last events: what is open ends, and the response is incomplete.
    pub(crate) fn last_words(&self, used: &TokenUsage) -> Vec<u8> {
        let mut script = Script {
            number: self.number,
            events: String::new(),
        };
        let mut output: Vec<Value> = self.done.iter().map(|item| object(item).into()).collect();
        output.extend(self.open.as_ref().map(|open| open.end(&mut script)));
        let mut response = self.response.as_deref().map(object).unwrap_or_default();
        response.insert("status".to_owned(), json!("incomplete"));
        let details = json!({"reason": "max_output_tokens"});
        response.insert("incomplete_details".to_owned(), details);
        response.insert("output".to_owned(), output.into());
        response.insert("usage".to_owned(), usage(used));
        script.say("response.incomplete", json!({"response": response}));
        script.events.into_bytes()
    }
}

impl OpenItem {
    /// Ends the item, and tells what it came to.
    fn end(&self, script: &mut Script) -> Value {
        let mut item = object(&self.item);
        let id = item.get("id").cloned().unwrap_or_default();
        let mut parts: Vec<Value> = self.parts.iter().map(|part| object(part).into()).collect();
        if let Some((index, part)) = &self.part {
            let place = json!({
                "item_id": id, "output_index": self.index, "content_index": index,
            });
            parts.push(self.end_part(part, &place, script));
        }
        // What calls a tool is left without its own end: it is no whole call.
        match item.get("type").and_then(Value::as_str) {
            Some("message") => item.insert("content".to_owned(), parts.into()),
            Some("function_call") => item.insert("arguments".to_owned(), json!(self.text)),
            Some("custom_tool_call") => item.insert("input".to_owned(), json!(self.text)),
            Some(_) | None => None,
        };
        if item.contains_key("status") {
            item.insert("status".to_owned(), json!("incomplete"));
        }
        let item = Value::from(item);
        let done = json!({"output_index": self.index, "item": item});
        script.say("response.output_item.done", done);
        item
    }

    fn end_part(&self, part: &RawValue, place: &Value, script: &mut Script) -> Value {
        let mut part = object(part);
        let done = match part.get("type").and_then(Value::as_str) {
            Some("output_text") => Some(("text", json!({"text": self.text, "logprobs": []}))),
            Some("refusal") => Some(("refusal", json!({"refusal": self.text}))),
            Some(_) | None => None,
        };
        if let Some((member, done)) = done {
            part.insert(member.to_owned(), json!(self.text));
            let name = if member == "text" {
                "response.output_text.done"
            } else {
                "response.refusal.done"
            };
            script.say(name, merged(place, done));
        }
        let part = Value::from(part);
        let done = json!({"part": part});
        script.say("response.content_part.done", merged(place, done));
        part
    }
}

/// Events while they are written: each has a number.
struct Script {
    number: u64,
    events: String,
}

impl Script {
    fn say(&mut self, kind: &str, fields: Value) {
        let head = json!({"type": kind, "sequence_number": self.number});
        self.number = self.number.saturating_add(1);
        self.events
            .push_str(&named_event(kind, &merged(&head, fields)));
    }
}

fn merged(one: &Value, other: Value) -> Value {
    let mut members = one.as_object().cloned().unwrap_or_default();
    if let Value::Object(more) = other {
        members.extend(more);
    }
    members.into()
}

fn object(value: &RawValue) -> Map<String, Value> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

fn usage(usage: &TokenUsage) -> Value {
    let (input, output) = (usage.input_total(), usage.output_total());
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": usage.cached_input},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output},
        "total_tokens": input.saturating_add(output),
    })
}
