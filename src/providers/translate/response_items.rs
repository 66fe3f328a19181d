//! The items of a response while they are written: messages, thoughts, and calls of tools.

use serde_json::{Value, json};

use crate::providers::translate::chat_stream::add_signature;
use crate::providers::translate::responses_request::{REDACTED, SIGNED};
use crate::providers::translate::script::Script;

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call {
        id: String,
        name: String,
        signature: Option<String>,
    },
}

impl Kind {
    pub(super) fn call(id: &str, name: &str, signature: Option<&str>) -> Self {
        Self::Call {
            id: id.to_owned(),
            name: name.to_owned(),
            signature: signature.map(str::to_owned),
        }
    }
}

/// An item that is being written.
#[derive(Debug)]
pub(super) struct Item {
    kind: Kind,
    id: String,
    index: usize,
    /// The text, the thought or the arguments so far.
    text: String,
    /// The part that holds the text has begun.
    has_part: bool,
    /// The provider's proof of a thought.
    seal: Option<String>,
}

impl Item {
    pub(super) fn begin(
        kind: Kind,
        response_id: &str,
        index: usize,
        script: &mut Script,
        out: &mut String,
    ) -> Self {
        let prefix = match &kind {
            Kind::Message => "msg",
            Kind::Reasoning => "rs",
            Kind::Call { .. } => "fc",
        };
        let item = Self {
            kind,
            id: format!("{prefix}_{response_id}_{index}"),
            index,
            text: String::new(),
            has_part: false,
            seal: None,
        };
        let added = json!({"output_index": index, "item": item.written("in_progress")});
        script.say("response.output_item.added", added, out);
        item
    }

    pub(super) fn is(&self, kind: &Kind) -> bool {
        self.kind == *kind
    }

    pub(super) fn sign(&mut self, signature: &str) {
        self.seal = Some(format!("{SIGNED}{signature}"));
    }

    pub(super) fn redact(&mut self, data: &str) {
        self.seal = Some(format!("{REDACTED}{data}"));
    }

    pub(super) fn add_text(&mut self, text: &str, script: &mut Script, out: &mut String) {
        if !std::mem::replace(&mut self.has_part, true) {
            let part = self.at_part(json!({"part": self.part()}));
            script.say("response.content_part.added", part, out);
        }
        self.text.push_str(text);
        let delta = self.at_part(json!({"delta": text, "logprobs": []}));
        script.say("response.output_text.delta", delta, out);
    }

    pub(super) fn add_thought(&mut self, text: &str, script: &mut Script, out: &mut String) {
        if !std::mem::replace(&mut self.has_part, true) {
            let part = self.at_part(json!({"part": self.part()}));
            script.say("response.reasoning_summary_part.added", part, out);
        }
        self.text.push_str(text);
        let delta = self.at_part(json!({"delta": text}));
        script.say("response.reasoning_summary_text.delta", delta, out);
    }

    pub(super) fn add_arguments(&mut self, json: &str, script: &mut Script, out: &mut String) {
        self.text.push_str(json);
        let delta = json!({"item_id": self.id, "output_index": self.index, "delta": json});
        script.say("response.function_call_arguments.delta", delta, out);
    }

    /// Ends the item and tells what it has become.
    pub(super) fn close(self, status: &str, script: &mut Script, out: &mut String) -> Value {
        match &self.kind {
            Kind::Message if self.has_part => {
                let done = self.at_part(json!({"text": self.text, "logprobs": []}));
                script.say("response.output_text.done", done, out);
                let part = self.at_part(json!({"part": self.part()}));
                script.say("response.content_part.done", part, out);
            }
            Kind::Reasoning if self.has_part => {
                let done = self.at_part(json!({"text": self.text}));
                script.say("response.reasoning_summary_text.done", done, out);
                let part = self.at_part(json!({"part": self.part()}));
                script.say("response.reasoning_summary_part.done", part, out);
            }
            Kind::Call { name, .. } => {
                let done = json!({
                    "item_id": self.id,
                    "output_index": self.index,
                    "name": name,
                    "arguments": self.text,
                });
                script.say("response.function_call_arguments.done", done, out);
            }
            Kind::Message | Kind::Reasoning => {}
        }
        let item = self.written(status);
        let done = json!({"output_index": self.index, "item": item});
        script.say("response.output_item.done", done, out);
        item
    }

    /// An event's members with the place of the part.
    fn at_part(&self, mut fields: Value) -> Value {
        let index = match &self.kind {
            Kind::Reasoning => "summary_index",
            Kind::Message | Kind::Call { .. } => "content_index",
        };
        if let Some(members) = fields.as_object_mut() {
            members.insert("item_id".to_owned(), self.id.as_str().into());
            members.insert("output_index".to_owned(), self.index.into());
            members.insert(index.to_owned(), 0.into());
        }
        fields
    }

    fn part(&self) -> Value {
        match &self.kind {
            Kind::Reasoning => json!({"type": "summary_text", "text": self.text}),
            Kind::Message | Kind::Call { .. } => json!({
                "type": "output_text",
                "text": self.text,
                "annotations": [],
                "logprobs": [],
            }),
        }
    }

    fn written(&self, status: &str) -> Value {
        let parts: Vec<Value> = self.has_part.then(|| self.part()).into_iter().collect();
        match &self.kind {
            Kind::Message => json!({
                "id": self.id,
                "type": "message",
                "role": "assistant",
                "status": status,
                "content": parts,
            }),
            Kind::Reasoning => {
                let mut item = json!({"id": self.id, "type": "reasoning", "summary": parts});
                if let (Some(seal), Some(members)) = (&self.seal, item.as_object_mut()) {
                    members.insert("encrypted_content".to_owned(), seal.as_str().into());
                }
                item
            }
            Kind::Call {
                id,
                name,
                signature,
            } => {
                let mut item = json!({
                    "id": self.id,
                    "type": "function_call",
                    "status": status,
                    "call_id": id,
                    "name": name,
                    "arguments": self.text,
                });
                add_signature(&mut item, signature.as_deref());
                item
            }
        }
    }
}
