//! Writes an answer as the stream of `/v1/chat/completions`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::ending::json;
use crate::providers::translate::failure::Failure;
use crate::providers::translate::head::Head;
use crate::providers::translate::piece::{Finish, Piece};
use crate::providers::translate::usage;

/// A stream that is being written.
#[derive(Debug)]
pub(super) struct ChatStream {
    head: Head,
    shows_usage: bool,
    /// The choices that have begun, and how many tools each of them calls.
    calls: BTreeMap<u64, u64>,
    usage: Option<TokenUsage>,
}

impl ChatStream {
    pub(super) fn new(head: Head, shows_usage: bool) -> Self {
        Self {
            head,
            shows_usage,
            calls: BTreeMap::new(),
            usage: None,
        }
    }

    /// Writes what comes next.
    pub(super) fn write(&mut self, piece: Piece<'_>, out: &mut String) {
        match piece {
            Piece::Begin { id, model } => {
                self.head.begin(id, model);
                self.calls_of(0, out);
            }
            Piece::Text { choice, text } => self.say(choice, &json!({"content": text}), out),
            Piece::Thought { choice, text } => {
                self.say(choice, &json!({"reasoning_content": text}), out);
            }
            Piece::Call {
                choice,
                id,
                name,
                signature,
            } => {
                let mut call = json!({
                    "id": id,
                    "type": "function",
                    "function": {"name": name, "arguments": ""},
                });
                add_signature(&mut call, signature);
                let calls = self.calls_of(choice, out);
                *calls = calls.saturating_add(1);
                self.call(choice, call, out);
            }
            Piece::Arguments { choice, json } => {
                self.call(choice, json!({"function": {"arguments": json}}), out);
            }
            Piece::Finish { choice, reason } => {
                let has_calls = *self.calls_of(choice, out) > 0;
                let reason = finish_reason(&reason, has_calls);
                self.chunk(choice, &json!({}), Some(reason), out);
            }
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Failed(failure) => fail(&failure, out),
            Piece::End => self.end(out),
            // There is no place for the proofs of thoughts here.
            Piece::Signature(_) | Piece::Redacted(_) | Piece::Close => {}
        }
    }

    fn say(&mut self, choice: u64, delta: &Value, out: &mut String) {
        self.calls_of(choice, out);
        self.chunk(choice, delta, None, out);
    }

    /// Tells more of the latest call.
    fn call(&mut self, choice: u64, mut call: Value, out: &mut String) {
        let index = self.calls_of(choice, out).saturating_sub(1);
        if let Some(members) = call.as_object_mut() {
            members.insert("index".to_owned(), index.into());
        }
        self.chunk(choice, &json!({"tool_calls": [call]}), None, out);
    }

    /// How many calls a choice has; its first chunk is written if none was.
    fn calls_of(&mut self, choice: u64, out: &mut String) -> &mut u64 {
        if !self.calls.contains_key(&choice) {
            let first = json!({"role": "assistant", "content": "", "refusal": null});
            self.chunk(choice, &first, None, out);
        }
        self.calls.entry(choice).or_default()
    }

    fn chunk(&self, choice: u64, delta: &Value, finish: Option<&'static str>, out: &mut String) {
        let choice = json!({
            "index": choice,
            "delta": delta,
            "logprobs": null,
            "finish_reason": finish,
        });
        self.event(&json!([choice]), Value::Null, out);
    }

    fn event(&self, choices: &Value, usage: Value, out: &mut String) {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", self.head.id),
            "object": "chat.completion.chunk",
            "created": self.head.created,
            "model": self.head.model,
            "choices": choices,
        });
        if let Some(members) = chunk.as_object_mut().filter(|_| self.shows_usage) {
            members.insert("usage".to_owned(), usage);
        }
        say_data(&json(&chunk), out);
    }

    fn end(&self, out: &mut String) {
        if self.shows_usage {
            let usage = self.usage.as_ref().map(usage::of_chat);
            self.event(&json!([]), usage.unwrap_or_default(), out);
        }
        say_data("[DONE]", out);
    }
}

fn fail(failure: &Failure, out: &mut String) {
    say_data(&String::from_utf8_lossy(&failure.body()), out);
}

fn say_data(data: &str, out: &mut String) {
    for part in ["data: ", data, "\n\n"] {
        out.push_str(part);
    }
}

/// Google's signature, where its own `OpenAI`-compatible API puts it.
pub(super) fn add_signature(call: &mut Value, signature: Option<&str>) {
    if let (Some(signature), Some(members)) = (signature, call.as_object_mut()) {
        let extra = json!({"google": {"thought_signature": signature}});
        members.insert("extra_content".to_owned(), extra);
    }
}

/// The reason in `OpenAI`'s words. Google says that it stopped also where it calls tools.
pub(super) fn finish_reason(reason: &Finish, has_calls: bool) -> &'static str {
    match reason {
        Finish::Length => "length",
        Finish::Filtered => "content_filter",
        Finish::Calls => "tool_calls",
        Finish::Stop if has_calls => "tool_calls",
        // There is no word for an answer that did not work out.
        Finish::Stop | Finish::Broken(_) => "stop",
    }
}
