//! Writes an answer as the one object of `/v1/chat/completions`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::translate::chat_stream::{add_signature, finish_reason};
use crate::providers::translate::failure::Failure;
use crate::providers::translate::head::Head;
use crate::providers::translate::piece::{Finish, Piece};
use crate::providers::translate::usage;

/// An answer that is being put together.
#[derive(Debug)]
pub(super) struct ChatDocument {
    head: Head,
    choices: BTreeMap<u64, Choice>,
    usage: Option<TokenUsage>,
}

#[derive(Debug, Default)]
struct Choice {
    text: String,
    thought: String,
    calls: Vec<Call>,
    finish: Option<Finish>,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    signature: Option<String>,
    arguments: String,
}

impl ChatDocument {
    pub(super) fn new(head: Head) -> Self {
        Self {
            head,
            choices: BTreeMap::new(),
            usage: None,
        }
    }

    /// Takes what comes next; at the end the whole answer is written.
    pub(super) fn write(&mut self, piece: Piece<'_>, out: &mut String) {
        match piece {
            Piece::Begin { id, model } => self.head.begin(id, model),
            Piece::Text { choice, text } => self.choice(choice).text.push_str(&text),
            Piece::Thought { choice, text } => self.choice(choice).thought.push_str(&text),
            Piece::Call {
                choice,
                id,
                name,
                signature,
            } => {
                let call = Call {
                    id: id.into_owned(),
                    name: name.to_owned(),
                    signature: signature.map(str::to_owned),
                    arguments: String::new(),
                };
                self.choice(choice).calls.push(call);
            }
            Piece::Arguments { choice, json } => self.choice(choice).argue(json),
            Piece::Finish { choice, reason } => self.choice(choice).finish = Some(reason),
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Failed(failure) => fail(&failure, out),
            Piece::End => out.push_str(&self.answer().to_string()),
            Piece::Signature(_) | Piece::Redacted(_) | Piece::Close => {}
        }
    }

    fn choice(&mut self, index: u64) -> &mut Choice {
        self.choices.entry(index).or_default()
    }

    fn answer(&mut self) -> Value {
        if self.choices.is_empty() {
            self.choice(0);
        }
        let choices = self.choices.iter();
        let choices: Vec<Value> = choices
            .map(|(index, choice)| choice.answer(*index))
            .collect();
        json!({
            "id": format!("chatcmpl-{}", self.head.id),
            "object": "chat.completion",
            "created": self.head.created,
            "model": self.head.model,
            "choices": choices,
            "usage": self.usage.as_ref().map(usage::of_chat),
        })
    }
}

impl Choice {
    fn argue(&mut self, json: &str) {
        if let Some(call) = self.calls.last_mut() {
            call.arguments.push_str(json);
        }
    }

    fn answer(&self, index: u64) -> Value {
        let has_calls = !self.calls.is_empty();
        let content = if self.text.is_empty() && has_calls {
            Value::Null
        } else {
            Value::from(self.text.as_str())
        };
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), content);
        message.insert("refusal".to_owned(), Value::Null);
        message.insert("annotations".to_owned(), json!([]));
        if !self.thought.is_empty() {
            message.insert("reasoning_content".to_owned(), self.thought.as_str().into());
        }
        if has_calls {
            let calls: Vec<Value> = self.calls.iter().map(Call::written).collect();
            message.insert("tool_calls".to_owned(), calls.into());
        }
        let reason = self.finish.as_ref().unwrap_or(&Finish::Stop);
        json!({
            "index": index,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(reason, has_calls),
        })
    }
}

impl Call {
    fn written(&self) -> Value {
        let function = json!({"name": self.name, "arguments": self.arguments});
        let mut call = json!({"id": self.id, "type": "function", "function": function});
        add_signature(&mut call, self.signature.as_deref());
        call
    }
}

fn fail(failure: &Failure, out: &mut String) {
    out.push_str(&String::from_utf8_lossy(&failure.body()));
}
