//! What a batch asks for: its requests, each read as if it came alone, so that their worst cases add up
//! to the batch's own.

use bytes::Bytes;
use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::object::ObjectKind;
use crate::providers::Dialect;
use crate::providers::call::{Call, RequestedTier, read_call};
use crate::providers::deferred::{batched, content_path};
use crate::providers::endpoints::{Hints, Operation, Route, is_object_id, route};
use crate::providers::google::request::check_model;
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

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct GoogleBatch<'a> {
    #[serde(borrow)]
    batch: GoogleAsked<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct GoogleAsked<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(borrow, rename = "inputConfig", alias = "input_config")]
    input: GoogleInput<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct GoogleInput<'a> {
    #[serde(default, borrow)]
    requests: Option<GoogleRequests<'a>>,
    #[serde(default, borrow, rename = "fileName", alias = "file_name")]
    file: Member<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct GoogleRequests<'a> {
    #[serde(default, borrow)]
    requests: Vec<GoogleLine<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct GoogleLine<'a> {
    #[serde(default, borrow)]
    request: Member<'a>,
}

/// The file that has the requests of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchInput {
    /// Who has it.
    pub home: Dialect,
    /// Its id.
    pub file: String,
    /// The endpoint of all requests.
    pub endpoint: String,
}

impl BatchInput {
    /// Reads the body of a batch.
    pub fn read(call: &Call, body: &[u8]) -> Result<Self, BadRequest> {
        match call.dialect {
            Dialect::OpenAi | Dialect::Anthropic => Self::of_openai(body),
            Dialect::Google => {
                let batch: GoogleBatch<'_> = parse_object(body)?;
                let file = batch.batch.input.file.text("fileName")?.unwrap_or_default();
                let id = file.strip_prefix("files/").filter(|id| is_object_id(id));
                let id = id.ok_or_else(|| BadRequest::field("fileName", NO_REQUESTS))?;
                Ok(Self {
                    home: Dialect::Google,
                    file: id.to_owned(),
                    endpoint: google_endpoint(call),
                })
            }
        }
    }

    fn of_openai(body: &[u8]) -> Result<Self, BadRequest> {
        let asked: OpenAiBatch<'_> = parse_object(body)?;
        let missing = |name| BadRequest::field(name, format!("You must provide `{name}`."));
        let file = asked.input_file_id.text("input_file_id")?;
        let file = file.filter(|id| is_object_id(id));
        let endpoint = asked.endpoint.text("endpoint")?;
        let endpoint = endpoint.ok_or_else(|| missing("endpoint"))?;
        if batched(&endpoint).is_none() {
            let message = format!("`{endpoint}` is not possible in batches here.");
            return Err(BadRequest::field("endpoint", message));
        }
        Ok(Self {
            home: Dialect::OpenAi,
            file: file.ok_or_else(|| missing("input_file_id"))?.into_owned(),
            endpoint: endpoint.into_owned(),
        })
    }

    /// Where its content is.
    pub fn content_path(&self) -> String {
        content_path(self.home, &self.file)
    }
}

const NO_REQUESTS: &str = "A batch must have its requests in `inputConfig`, or in a file of yours.";

/// Where each request of a batch of Google would go if it came alone.
fn google_endpoint(call: &Call) -> String {
    let is_embedding = call.operation == Operation::CreateEmbeddingBatch;
    let method = if is_embedding {
        "embedContent"
    } else {
        "generateContent"
    };
    format!("/v1beta/models/{}:{method}", call.model)
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

/// Reads the requests of a batch of Google if they are in its body; else notes their file.
pub(crate) fn read_google(call: &mut Call, body: &[u8]) -> Result<(), BadRequest> {
    call.tier = RequestedTier::Batch;
    let batch: GoogleBatch<'_> = parse_object(body)?;
    check_model(call, batch.batch.model)?;
    let GoogleInput { requests, file } = batch.batch.input;
    let requests = requests.map(|it| it.requests).unwrap_or_default();
    if requests.is_empty() != file.is_set() {
        return Err(BadRequest::field("inputConfig", NO_REQUESTS));
    }
    if file.is_set() {
        let input = BatchInput::read(call, body)?;
        let file = Reference::object(ObjectKind::File, &input.file);
        call.references.push(file);
    }
    let endpoint = google_endpoint(call);
    for line in &requests {
        add_line(call, &endpoint, line.request)?;
    }
    Ok(())
}

/// Notes the file of a batch of `OpenAI`; its lines are read by whoever has it.
pub(crate) fn read_openai(call: &mut Call, body: &[u8]) -> Result<(), BadRequest> {
    let input = BatchInput::read(call, body)?;
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
    /// Adds a line of the file that has the requests of a batch.
    pub fn add_input_line(&mut self, input: &BatchInput, line: &[u8]) -> Result<(), BadRequest> {
        let number = self.lines.len().saturating_add(1);
        let unread = |error: serde_json::Error| {
            BadRequest::new(format!("line {number} of the input file: {error}"))
        };
        if input.home == Dialect::Google {
            let line: GoogleLine<'_> = serde_json::from_slice(line).map_err(unread)?;
            return add_line(self, &input.endpoint, line.request);
        }
        let line: OpenAiLine<'_> = serde_json::from_slice(line).map_err(unread)?;
        if line.url.text("url")?.as_deref() != Some(input.endpoint.as_str()) {
            let endpoint = &input.endpoint;
            let message = format!("the `url` of line {number} of the input file is not {endpoint}");
            return Err(BadRequest::new(message));
        }
        add_line(self, &input.endpoint, line.body)
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
    if call.model.as_str().is_empty() {
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
    if line.operation == Operation::EmbedContent && !is_text(&line) {
        // The answer counts tokens, but does not tell which of them are the dearer ones.
        call.refuse("anything but text in a batch of embeddings");
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

fn is_text(line: &Call) -> bool {
    let input = &line.input;
    let is_media = input.images > 0 || input.sound_tokens > 0 || input.has_unbounded_input;
    line.needs.is_empty() && !is_media
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
            Dialect::OpenAi => ("/v1/batches", Hints::default()),
            Dialect::Google => (
                "/v1beta/models/gemini-a:batchGenerateContent",
                Hints::default(),
            ),
        };
        made_at(path, &hints, body)
    }

    fn made_at(path: &str, hints: &Hints<'_>, body: &str) -> Result<Call, BadRequest> {
        let route = route("POST", path, hints).unwrap();
        read_call(&route, &Bytes::copy_from_slice(body.as_bytes()))
    }

    fn batch_of_embeddings(body: &str) -> Result<Call, BadRequest> {
        let path = "/v1beta/models/gemini-e:asyncBatchEmbedContent";
        made_at(path, &Hints::default(), body)
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
        let input = BatchInput::read(&call, body.as_bytes()).unwrap();
        call.add_input_line(&input, line("gpt-a", endpoint).as_bytes())
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
                call.add_input_line(&input, wrong.as_bytes()).is_err(),
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

    #[test]
    fn requests_of_google_are_in_the_body_or_in_a_file() {
        let body = r#"{"batch":{"displayName":"d","inputConfig":{"requests":{"requests":[
            {"request":{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":4}},
             "metadata":{"key":"k"}}]}}}}"#;
        let call = batch_of(Dialect::Google, body).unwrap();
        assert_eq!(
            (call.model.as_str(), call.lines[0].output_cap),
            ("gemini-a", Some(4))
        );
        let body = r#"{"batch":{"input_config":{"file_name":"files/abc-1"}}}"#;
        let mut call = batch_of(Dialect::Google, body).unwrap();
        assert_eq!(
            call.references,
            [Reference::object(ObjectKind::File, "abc-1")]
        );
        let input = BatchInput::read(&call, body.as_bytes()).unwrap();
        assert_eq!(
            input.content_path(),
            "/download/v1beta/files/abc-1:download?alt=media"
        );
        let line =
            br#"{"key":"k","request":{"contents":[],"generationConfig":{"maxOutputTokens":5}}}"#;
        call.add_input_line(&input, line).unwrap();
        assert_eq!(call.lines[0].output_cap, Some(5));
        let other = br#"{"key":"k","request":{"model":"models/gemini-b","contents":[]}}"#;
        assert!(call.add_input_line(&input, other).is_err());
        let both =
            r#"{"batch":{"inputConfig":{"fileName":"files/a","requests":{"requests":[{}]}}}}"#;
        let elsewhere =
            r#"{"batch":{"model":"models/gemini-b","inputConfig":{"fileName":"files/a"}}}"#;
        for wrong in [both, elsewhere, r#"{"batch":{"inputConfig":{}}}"#, "{}"] {
            assert!(batch_of(Dialect::Google, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn texts_to_embed_are_in_the_body_or_in_a_file() {
        let inside = |request: &str| {
            format!(
                r#"{{"batch":{{"displayName":"d","inputConfig":{{"requests":{{"requests":[
                {{"request":{{{request}}},"metadata":{{"key":"k"}}}}]}}}}}}}}"#
            )
        };
        let text = r#""content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING""#;
        let call = batch_of_embeddings(&inside(text)).unwrap();
        let line = &call.lines[0];
        let read = (line.operation, line.tier, line.model.as_str());
        let asked = (Operation::EmbedContent, RequestedTier::Batch, "gemini-e");
        assert_eq!((read, call.unpriced.len()), (asked, 0));
        assert!(line.input.body_bytes > 40 && call.operation.is_batch());
        let body = r#"{"batch":{"input_config":{"file_name":"files/abc-1"}}}"#;
        let mut call = batch_of_embeddings(body).unwrap();
        let file = Reference::object(ObjectKind::File, "abc-1");
        assert_eq!(call.references, [file]);
        let input = BatchInput::read(&call, body.as_bytes()).unwrap();
        let line = br#"{"key":"k","request":{"content":{"parts":[{"text":"a"}]}}}"#;
        call.add_input_line(&input, line).unwrap();
        assert_eq!(call.lines[0].operation, Operation::EmbedContent);
        let other = inside(r#""model":"models/gemini-b","content":{}"#);
        assert!(batch_of_embeddings(&other).is_err());
    }

    #[test]
    fn what_is_no_text_has_no_price_in_a_batch_of_embeddings() {
        for part in [
            r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#,
            r#"{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}"#,
            r#"{"fileData":{"fileUri":"https://example.com/v1beta/files/a"}}"#,
        ] {
            let body = format!(
                r#"{{"batch":{{"inputConfig":{{"requests":{{"requests":[
                {{"request":{{"content":{{"parts":[{part}]}}}}}}]}}}}}}}}"#
            );
            let call = batch_of_embeddings(&body).unwrap();
            assert_eq!(call.unpriced.len(), 1, "{part}");
        }
    }
}
