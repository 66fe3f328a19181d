//! Writes an answer as `/v1/responses` does: a stream of numbered events, the last of which repeats
//! the whole response, or only that response.

use serde_json::{Map, Value, json};

use crate::domain::usage::TokenUsage;
use crate::providers::ending::json;
use crate::providers::errors::ErrorKind;
use crate::providers::translate::failure::Failure;
use crate::providers::translate::head::Head;
use crate::providers::translate::piece::{Finish, Piece};
use crate::providers::translate::response_items::{Item, Kind};
use crate::providers::translate::script::Script;
use crate::providers::translate::usage;

/// A response that is being written.
#[derive(Debug)]
pub(super) struct Responses {
    head: Head,
    /// What of its request it repeats.
    echo: Map<String, Value>,
    script: Script,
    has_begun: bool,
    /// The items that are done.
    output: Vec<Value>,
    open: Option<Item>,
    finish: Option<Finish>,
    usage: Option<TokenUsage>,
}

impl Responses {
    pub(super) fn new(head: Head, echo: Map<String, Value>, streamed: bool) -> Self {
        Self {
            head,
            echo,
            script: Script::new(streamed),
            has_begun: false,
            output: Vec::new(),
            open: None,
            finish: None,
            usage: None,
        }
    }

    /// Writes what comes next.
    pub(super) fn write(&mut self, piece: Piece<'_>, out: &mut String) {
        match piece {
            Piece::Begin { id, model } => {
                self.head.begin(id, model);
                self.begin(out);
            }
            Piece::Text { text, .. } => {
                let item = item(self, &Kind::Message, out);
                item.0.add_text(&text, item.1, out);
            }
            Piece::Thought { text, .. } => {
                let item = item(self, &Kind::Reasoning, out);
                item.0.add_thought(&text, item.1, out);
            }
            Piece::Signature(signature) => {
                item(self, &Kind::Reasoning, out).0.sign(signature);
            }
            Piece::Redacted(data) => {
                self.close(out);
                item(self, &Kind::Reasoning, out).0.redact(data);
                self.close(out);
            }
            Piece::Call {
                id,
                name,
                signature,
                ..
            } => {
                self.close(out);
                let call = Kind::call(&id, name, signature);
                item(self, &call, out);
            }
            Piece::Arguments { json, .. } => {
                if let Some(item) = &mut self.open {
                    item.add_arguments(json, &mut self.script, out);
                }
            }
            Piece::Close => self.close(out),
            Piece::Finish { reason, .. } => self.finish = Some(reason),
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Failed(failure) => self.fail(&failure, out),
            Piece::End => self.end(out),
        }
    }

    fn begin(&mut self, out: &mut String) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let response = self.response("in_progress");
        for kind in ["response.created", "response.in_progress"] {
            self.script.say(kind, json!({"response": response}), out);
        }
    }

    fn close(&mut self, out: &mut String) {
        if let Some(item) = self.open.take() {
            let done = item.close("completed", &mut self.script, out);
            self.output.push(done);
        }
    }

    fn end(&mut self, out: &mut String) {
        self.begin(out);
        let (status, details) = match &self.finish {
            Some(Finish::Length) => ("incomplete", json!({"reason": "max_output_tokens"})),
            Some(Finish::Filtered) => ("incomplete", json!({"reason": "content_filter"})),
            Some(Finish::Broken(reason)) => {
                let message = format!("The model's answer ended with {reason}.");
                let failure = Failure::new(ErrorKind::Internal, message);
                self.fail(&failure, out);
                return;
            }
            Some(Finish::Stop | Finish::Calls) | None => ("completed", Value::Null),
        };
        if let Some(item) = self.open.take() {
            let done = item.close(status, &mut self.script, out);
            self.output.push(done);
        }
        let mut response = self.response(status);
        response.insert("incomplete_details".to_owned(), details);
        self.say_last(&format!("response.{status}"), &response, out);
    }

    fn fail(&mut self, failure: &Failure, out: &mut String) {
        self.begin(out);
        if let Some(item) = self.open.take() {
            let done = item.close("incomplete", &mut self.script, out);
            self.output.push(done);
        }
        let mut response = self.response("failed");
        let code = match failure.kind {
            ErrorKind::InvalidRequest => "invalid_prompt",
            ErrorKind::RateLimit => "rate_limit_exceeded",
            ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::TooLarge
            | ErrorKind::Budget
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Internal => "server_error",
        };
        let error = json!({"code": code, "message": failure.message});
        response.insert("error".to_owned(), error);
        self.say_last("response.failed", &response, out);
    }

    fn say_last(&mut self, kind: &str, response: &Map<String, Value>, out: &mut String) {
        if self.script.is_streamed() {
            self.script.say(kind, json!({"response": response}), out);
        } else {
            out.push_str(&json(response));
        }
    }

    fn response(&self, status: &str) -> Map<String, Value> {
        let response = json!({
            "id": format!("resp_{}", self.head.id),
            "object": "response",
            "created_at": self.head.created,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": null,
            "max_output_tokens": null,
            "max_tool_calls": null,
            "metadata": {},
            "model": self.head.model,
            "output": self.output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "reasoning": {"effort": null, "summary": null},
            "store": false,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": self.usage.as_ref().map(usage::of_response),
            "user": null,
        });
        let Value::Object(mut members) = response else {
            return Map::new();
        };
        members.extend(self.echo.clone());
        members
    }
}

/// The item of that kind that is open, which is begun if another one is.
fn item<'a>(
    responses: &'a mut Responses,
    kind: &Kind,
    out: &mut String,
) -> (&'a mut Item, &'a mut Script) {
    responses.begin(out);
    if responses.open.as_ref().is_none_or(|item| !item.is(kind)) {
        responses.close(out);
    }
    let index = responses.output.len();
    let script = &mut responses.script;
    let id = &responses.head.id;
    let open = &mut responses.open;
    let item = open.get_or_insert_with(|| Item::begin(kind.clone(), id, index, script, out));
    (item, &mut responses.script)
}
