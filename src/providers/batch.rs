//! What a batch asks for: its requests, each read as if it came alone, so that their worst cases add up
//! to the batch's own.

use bytes::Bytes;
use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::object::ObjectKind;
use crate::providers::call::{Call, RequestedTier, read_call};
use crate::providers::deferred::batched;
use crate::providers::endpoints::{Hints, Route, route};
use crate::providers::json::{Member, parse_object};
use crate::providers::reference::Reference;

/// The most requests of one batch; providers take no more.
pub const LINES_MAX: usize = 100_000;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OpenAiBatch<'a> {
    #[serde(default, borrow)]
    input_file_id: Member<'a>,
    #[serde(default, borrow)]
    endpoint: Member<'a>,
}

/// Where the requests of a batch of `OpenAI` are, and what they ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAiInput {
    /// The file that has them.
    pub file: String,
    /// The endpoint of all of them.
    pub endpoint: String,
}

impl OpenAiInput {
    /// Reads the body of a batch.
    pub fn read(body: &[u8]) -> Result<Self, BadRequest> {
        let asked: OpenAiBatch<'_> = parse_object(body)?;
        let missing = |name| BadRequest::field(name, format!("You must provide `{name}`."));
        let file = asked.input_file_id.text("input_file_id")?;
        let endpoint = asked.endpoint.text("endpoint")?;
        let endpoint = endpoint.ok_or_else(|| missing("endpoint"))?;
        if batched(&endpoint).is_none() {
            let message = format!("`{endpoint}` is not possible in batches here.");
            return Err(BadRequest::field("endpoint", message));
        }
        Ok(Self {
            file: file.ok_or_else(|| missing("input_file_id"))?.into_owned(),
            endpoint: endpoint.into_owned(),
        })
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OpenAiLine<'a> {
    #[serde(default, borrow)]
    url: Member<'a>,
    #[serde(default, borrow)]
    body: Member<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AnthropicBatch<'a> {
    #[serde(borrow)]
    requests: Vec<AnthropicLine<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AnthropicLine<'a> {
    #[serde(default, borrow)]
    params: Member<'a>,
}

/// Notes the file of a batch of `OpenAI`; its lines are read by whoever has it.
pub(crate) fn read_openai(call: &mut Call, body: &[u8]) -> Result<(), BadRequest> {
    let input = OpenAiInput::read(body)?;
    let file = Reference::object(ObjectKind::File, &input.file);
    call.references.push(file);
    call.tier = RequestedTier::Batch;
    Ok(())
}

/// Reads the requests of a batch of Anthropic, which are in its body.
pub(crate) fn read_anthropic(call: &mut Call, body: &[u8]) -> Result<(), BadRequest> {
    call.tier = RequestedTier::Batch;
    let batch: AnthropicBatch<'_> = parse_object(body)?;
    for line in &batch.requests {
        add_line(call, "/v1/messages", line.params)?;
    }
    Ok(())
}

impl Call {
    /// Adds a line of the input file of a batch of `OpenAI`.
    pub fn add_openai_line(&mut self, endpoint: &str, line: &[u8]) -> Result<(), BadRequest> {
        let number = self.lines.len().saturating_add(1);
        let line: OpenAiLine<'_> = serde_json::from_slice(line).map_err(|error| {
            BadRequest::new(format!("line {number} of the input file: {error}"))
        })?;
        if line.url.text("url")?.as_deref() != Some(endpoint) {
            let message = format!("the `url` of line {number} of the input file is not {endpoint}");
            return Err(BadRequest::new(message));
        }
        add_line(self, endpoint, line.body)
    }
}

fn add_line(call: &mut Call, path: &str, body: Member<'_>) -> Result<(), BadRequest> {
    let number = call.lines.len().saturating_add(1);
    if number > LINES_MAX {
        let message = format!("a batch can have at most {LINES_MAX} requests");
        return Err(BadRequest::new(message));
    }
    let body = body.written().unwrap_or_default();
    let line = read_line(call, path, body).map_err(|bad| BadRequest {
        message: format!("request {number} of the batch: {}", bad.message),
        ..bad
    })?;
    if call.lines.is_empty() {
        call.model = line.model.clone();
    }
    if line.model != call.model {
        let message = "all requests of a batch must name the same model";
        return Err(BadRequest::field("model", message));
    }
    for kind in &line.needs {
        call.need(*kind);
    }
    for feature in &line.unpriced {
        call.refuse(feature);
    }
    if line.is_background {
        call.refuse("background responses in a batch");
    }
    let bytes = call.input.body_bytes.saturating_add(line.input.body_bytes);
    call.input.body_bytes = bytes;
    call.references.extend_from_slice(&line.references);
    call.lines.push(Call {
        tier: RequestedTier::Batch,
        references: Vec::new(),
        ..line
    });
    Ok(())
}

fn read_line(batch: &Call, path: &str, body: &str) -> Result<Call, BadRequest> {
    let hints = Hints {
        anthropic_version: path == "/v1/messages",
        ..Hints::default()
    };
    let found = route("POST", path, &hints);
    let found = found.map_err(|_unrouted| BadRequest::new("its endpoint is unknown"))?;
    let found = Route {
        asks_long_context: batch.input.has_long_context,
        ..found
    };
    read_call(&found, &Bytes::copy_from_slice(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::providers::Dialect;

    use super::*;

    fn batch_of(dialect: Dialect, body: &str) -> Result<Call, BadRequest> {
        let (path, hints) = match dialect {
            Dialect::Anthropic => (
                "/v1/messages/batches",
                Hints {
                    anthropic_version: true,
                    ..Hints::default()
                },
            ),
            Dialect::OpenAi | Dialect::Google => ("/v1/batches", Hints::default()),
        };
        let route = route("POST", path, &hints).unwrap();
        read_call(&route, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn each_request_of_a_batch_is_read_as_if_it_came_alone() {
        let body = r#"{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
        let mut call = batch_of(Dialect::OpenAi, body).unwrap();
        assert_eq!(
            call.references,
            [Reference::object(ObjectKind::File, "file-1")]
        );
        let line = |model: &str, url: &str| {
            format!(
                r#"{{"custom_id":"a","method":"POST","url":"{url}","body":{{"model":"{model}",
                "max_tokens":7,"n":2,"messages":[]}}}}"#
            )
        };
        let endpoint = "/v1/chat/completions";
        call.add_openai_line(endpoint, line("gpt-a", endpoint).as_bytes())
            .unwrap();
        assert_eq!((call.model.as_str(), call.lines.len()), ("gpt-a", 1));
        assert_eq!(
            (call.lines[0].output_cap, call.lines[0].choices),
            (Some(7), 2)
        );
        assert_eq!(call.lines[0].tier, RequestedTier::Batch);
        for wrong in [
            line("gpt-b", endpoint),
            line("gpt-a", "/v1/embeddings"),
            r#"{"url":"/v1/chat/completions","body":{}}"#.to_owned(),
            "{".to_owned(),
        ] {
            assert!(
                call.add_openai_line(endpoint, wrong.as_bytes()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn requests_of_anthropic_are_in_the_body() {
        let body = r#"{"requests":[
            {"custom_id":"a","params":{"model":"claude-a","max_tokens":5,"messages":[]}},
            {"custom_id":"b","params":{"model":"claude-a","max_tokens":6,"messages":[
                {"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_9"}}]}]}}]}"#;
        let call = batch_of(Dialect::Anthropic, body).unwrap();
        let caps: Vec<_> = call.lines.iter().map(|line| line.output_cap).collect();
        assert_eq!(caps, [Some(5), Some(6)]);
        assert_eq!(
            call.references,
            [Reference::object(ObjectKind::File, "file_9")]
        );
        assert!(batch_of(Dialect::Anthropic, r#"{"requests":[{"params":{}}]}"#).is_err());
    }
}
