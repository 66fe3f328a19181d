//! How far a provider is with what it does after its answer, and what that used in the end: responses in
//! the background, and batches with a line for each of their requests.

use bytes::Bytes;
use serde::Deserialize;

use crate::domain::id::ModelName;
use crate::domain::object::ObjectKind;
use crate::domain::usage::Basis;
use crate::providers::Dialect;
use crate::providers::call::Call;
use crate::providers::endpoints::{Operation, is_object_id};
use crate::providers::json::{Member, Text};
use crate::providers::meter::{AnswerStart, Metered, meter};

mod google;

pub use google::asked_at;

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The provider is not done.
    UnderWay,
    /// It is, and what it used is in its description.
    Used(Ending, Box<Metered>),
    /// It is, and what it used is where it put the answers.
    Answered(Ending, Answers),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Done,
    /// The provider could not do it.
    Failed,
    /// It was stopped, or took too long, before all of it was done.
    Stopped,
}

/// Where the answers of a batch are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The file with a line for each; nothing where there is none.
    pub path: Option<String>,
    /// The files that it made.
    pub files: Vec<String>,
    /// Lines that are in the description itself.
    pub lines: Vec<Bytes>,
    /// What each line asked; where that is not known, nor is what it used.
    pub operation: Option<Operation>,
    /// There is nothing that says what was used.
    pub is_unknown: bool,
}

/// Where the content of a file is.
pub fn content_path(home: Dialect, id: &str) -> String {
    match home {
        Dialect::OpenAi | Dialect::Anthropic => format!("/v1/files/{id}/content"),
        Dialect::Google => format!("/download/v1beta/files/{id}:download?alt=media"),
    }
}

/// Where the provider tells of it.
pub fn path_of(home: Dialect, kind: ObjectKind, id: &str) -> Option<String> {
    let collection = match (home, kind) {
        (Dialect::OpenAi, ObjectKind::Response) => "/v1/responses",
        (Dialect::OpenAi, ObjectKind::Batch) => "/v1/batches",
        (Dialect::Anthropic, ObjectKind::Batch) => "/v1/messages/batches",
        (Dialect::Google, ObjectKind::Batch) => "/v1beta/batches",
        (Dialect::Google, ObjectKind::CachedContent) => "/v1beta/cachedContents",
        (Dialect::OpenAi | Dialect::Anthropic | Dialect::Google, _) => return None,
    };
    Some(format!("{collection}/{id}"))
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Described<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    processing_status: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Member<'a>,
    #[serde(borrow)]
    endpoint: Option<Text<'a>>,
    #[serde(borrow)]
    output_file_id: Option<Text<'a>>,
    #[serde(borrow)]
    error_file_id: Option<Text<'a>>,
    done: bool,
    #[serde(borrow)]
    metadata: Member<'a>,
    #[serde(borrow)]
    response: Member<'a>,
}

/// Reads a description; nothing where it is none.
pub fn standing(
    home: Dialect,
    (kind, id): (ObjectKind, &str),
    model: &ModelName,
    body: &Bytes,
) -> Option<Standing> {
    let described: Described<'_> = serde_json::from_slice(body).ok()?;
    match (home, kind) {
        (Dialect::OpenAi, ObjectKind::Response) => {
            let Some(ending) = ending(described.status.as_deref()?) else {
                return Some(Standing::UnderWay);
            };
            let mut used = metered(Dialect::OpenAi, Operation::Responses, model, body);
            // Without a usage the text would be counted, but what was thought of it is unknown.
            used.is_complete = described.usage.is_set();
            Some(Standing::Used(ending, Box::new(used)))
        }
        (Dialect::OpenAi, ObjectKind::Batch) => {
            let Some(ending) = ending(described.status.as_deref()?) else {
                return Some(Standing::UnderWay);
            };
            Some(Standing::Answered(ending, described.openai_answers()))
        }
        (Dialect::Anthropic, ObjectKind::Batch) => match described.processing_status.as_deref()? {
            "ended" => Some(Standing::Answered(
                Ending::Done,
                Answers {
                    path: Some(format!("/v1/messages/batches/{id}/results")),
                    operation: Some(Operation::Messages),
                    ..Answers::default()
                },
            )),
            _ => Some(Standing::UnderWay),
        },
        (Dialect::Google, ObjectKind::Batch) => Some(described.google()),
        (Dialect::OpenAi | Dialect::Anthropic | Dialect::Google, _) => None,
    }
}

/// `OpenAI`'s words for the end of something; other words mean that it goes on.
fn ending(status: &str) -> Option<Ending> {
    match status {
        "completed" | "incomplete" => Some(Ending::Done),
        "failed" => Some(Ending::Failed),
        "cancelled" | "expired" => Some(Ending::Stopped),
        _ => None,
    }
}

impl Described<'_> {
    fn openai_answers(&self) -> Answers {
        let file = |id: &Option<Text<'_>>| {
            let id = id.as_deref().filter(|id| is_object_id(id));
            id.map(str::to_owned)
        };
        let (output, errors) = (file(&self.output_file_id), file(&self.error_file_id));
        Answers {
            path: output.as_ref().map(|id| content_path(Dialect::OpenAi, id)),
            files: output.into_iter().chain(errors).collect(),
            operation: self.endpoint.as_deref().and_then(batched),
            ..Answers::default()
        }
    }

    fn google(&self) -> Standing {
        google::standing(self.done, self.metadata, self.response)
    }
}

/// What an endpoint does whose requests `OpenAI` takes in batches.
pub fn batched(endpoint: &str) -> Option<Operation> {
    match endpoint {
        "/v1/chat/completions" => Some(Operation::ChatCompletions),
        "/v1/responses" => Some(Operation::Responses),
        "/v1/embeddings" => Some(Operation::Embeddings),
        "/v1/completions" => Some(Operation::Completions),
        "/v1/moderations" => Some(Operation::Moderations),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OpenAiLine<'a> {
    #[serde(default, borrow)]
    response: Member<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OpenAiAnswer<'a> {
    #[serde(default)]
    status_code: u16,
    #[serde(default, borrow)]
    body: Member<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AnthropicLine<'a> {
    #[serde(borrow)]
    result: AnthropicResult<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AnthropicResult<'a> {
    #[serde(default, borrow)]
    message: Member<'a>,
}

/// What a line of a batch's answers used; nothing where it is an error, which is not billed.
pub fn line_used(
    home: Dialect,
    operation: Operation,
    model: &ModelName,
    line: &[u8],
) -> Result<Option<Metered>, UnreadLine> {
    let answer = match home {
        Dialect::Anthropic => {
            let line: AnthropicLine<'_> =
                serde_json::from_slice(line).map_err(|_error| UnreadLine)?;
            line.result.message.written()
        }
        Dialect::Google => {
            let line: OpenAiLine<'_> = serde_json::from_slice(line).map_err(|_error| UnreadLine)?;
            line.response.written()
        }
        Dialect::OpenAi => {
            let line: OpenAiLine<'_> = serde_json::from_slice(line).map_err(|_error| UnreadLine)?;
            let answer: Option<OpenAiAnswer<'_>> = line
                .response
                .parsed("response")
                .map_err(|_bad| UnreadLine)?;
            let answer = answer.filter(|answer| (200..300).contains(&answer.status_code));
            answer.and_then(|answer| answer.body.written())
        }
    };
    let answer = answer.map(|text| Bytes::copy_from_slice(text.as_bytes()));
    Ok(answer.map(|answer| metered(home, operation, model, &answer)))
}

/// A line that is none of the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of a batch's answers cannot be read")]
pub struct UnreadLine;

/// Reads a whole answer as if it had just come.
fn metered(dialect: Dialect, operation: Operation, model: &ModelName, body: &Bytes) -> Metered {
    let call = Call::of_answer(dialect, operation, model.clone());
    let mut meter = meter(
        &call,
        AnswerStart {
            status: 200,
            content_type: Some("application/json"),
            tier_header: None,
            request_body: Bytes::new(),
            input_bound: 0,
            hides_usage: false,
            output_allowance: None,
        },
    );
    meter.observe(body, true);
    let mut used = meter.finish();
    // The request is not here to be counted in its stead.
    if used.basis == Basis::Estimated && used.usage.input_total() == 0 {
        used.basis = Basis::Unknown;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing_of(home: Dialect, kind: ObjectKind, body: &str) -> Option<Standing> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        standing(home, (kind, "x1"), &ModelName::new("gpt-5-mini"), &body)
    }

    #[test]
    fn a_response_has_ended_when_its_status_says_so() {
        for status in ["queued", "in_progress"] {
            let body = format!(r#"{{"id":"resp_1","status":"{status}","usage":null}}"#);
            let found = standing_of(Dialect::OpenAi, ObjectKind::Response, &body);
            assert_eq!(found, Some(Standing::UnderWay));
        }
        let body = r#"{"id":"resp_1","model":"gpt-5-mini-1","status":"completed","service_tier":"flex",
            "output":[],"usage":{"input_tokens":9,"output_tokens":7,
            "output_tokens_details":{"reasoning_tokens":5},"total_tokens":16}}"#;
        let Some(Standing::Used(Ending::Done, used)) =
            standing_of(Dialect::OpenAi, ObjectKind::Response, body)
        else {
            panic!("it has ended");
        };
        assert_eq!((used.usage.input, used.usage.output_total()), (9, 7));
        assert!(used.is_complete && used.basis == Basis::Measured);
        let body = r#"{"id":"resp_1","status":"cancelled","output":[],"usage":null}"#;
        let Some(Standing::Used(Ending::Stopped, used)) =
            standing_of(Dialect::OpenAi, ObjectKind::Response, body)
        else {
            panic!("it has ended");
        };
        assert!(!used.is_complete, "nobody says what it used");
    }

    #[test]
    fn a_batch_says_where_its_answers_are() {
        let under_way = r#"{"id":"b","status":"finalizing","output_file_id":null}"#;
        let found = standing_of(Dialect::OpenAi, ObjectKind::Batch, under_way);
        assert_eq!(found, Some(Standing::UnderWay));
        let ended = r#"{"id":"b","status":"expired","endpoint":"/v1/embeddings",
            "output_file_id":"file-o","error_file_id":"file-e"}"#;
        let answers = Answers {
            path: Some("/v1/files/file-o/content".to_owned()),
            files: vec!["file-o".to_owned(), "file-e".to_owned()],
            operation: Some(Operation::Embeddings),
            ..Answers::default()
        };
        let found = standing_of(Dialect::OpenAi, ObjectKind::Batch, ended);
        assert_eq!(found, Some(Standing::Answered(Ending::Stopped, answers)));
        let ended = r#"{"id":"x1","processing_status":"ended"}"#;
        let Some(Standing::Answered(Ending::Done, answers)) =
            standing_of(Dialect::Anthropic, ObjectKind::Batch, ended)
        else {
            panic!("it has ended");
        };
        let path = answers.path.unwrap();
        assert_eq!(path, "/v1/messages/batches/x1/results");
    }

    #[test]
    fn a_batch_of_google_has_its_answers_inside_or_in_a_file() {
        let read = |body: &str| standing_of(Dialect::Google, ObjectKind::Batch, body);
        let running = r#"{"name":"batches/x1","metadata":{"state":"BATCH_STATE_RUNNING"}}"#;
        assert_eq!(read(running), Some(Standing::UnderWay));
        let inside = r#"{"done":true,"metadata":{"state":"BATCH_STATE_SUCCEEDED"},"response":{
            "inlinedResponses":{"inlinedResponses":[{"response":{"usageMetadata":{"promptTokenCount":3,
            "candidatesTokenCount":2,"thoughtsTokenCount":4}}},{"error":{"code":3}}]}}}"#;
        let Some(Standing::Answered(Ending::Done, answers)) = read(inside) else {
            panic!("it has ended");
        };
        let used = answers.lines.iter().map(|line| {
            let model = ModelName::new("gemini-a");
            line_used(Dialect::Google, Operation::GenerateContent, &model, line).unwrap()
        });
        let used: Vec<_> = used
            .map(|used| used.map(|it| it.usage.output_total()))
            .collect();
        assert_eq!((used, answers.is_unknown), (vec![Some(6), None], false));
        let file = r#"{"done":true,"metadata":{"state":"BATCH_STATE_SUCCEEDED"},
            "response":{"responsesFile":"files/abc"}}"#;
        let Some(Standing::Answered(Ending::Done, answers)) = read(file) else {
            panic!("it has ended");
        };
        assert_eq!(answers.files, ["abc"]);
        let nothing = r#"{"done":true,"metadata":{"state":"BATCH_STATE_CANCELLED"},"error":{}}"#;
        let Some(Standing::Answered(Ending::Stopped, answers)) = read(nothing) else {
            panic!("it has ended");
        };
        assert!(answers.is_unknown);
    }

    #[test]
    fn a_line_that_was_refused_used_nothing() {
        let used = |home, operation, line: &str| {
            line_used(home, operation, &ModelName::new("m"), line.as_bytes())
        };
        let chat = Operation::ChatCompletions;
        let line = r#"{"id":"l","custom_id":"a","response":{"status_code":200,"body":{"choices":[],
            "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}},"error":null}"#;
        let found = used(Dialect::OpenAi, chat, line).unwrap().unwrap();
        assert_eq!((found.usage.input, found.usage.output), (3, 2));
        for line in [
            r#"{"custom_id":"a","response":{"status_code":400,"body":{"error":{}}},"error":null}"#,
            r#"{"custom_id":"a","response":null,"error":{"code":"batch_expired"}}"#,
        ] {
            assert_eq!(used(Dialect::OpenAi, chat, line), Ok(None));
        }
        assert_eq!(used(Dialect::OpenAi, chat, "{"), Err(UnreadLine));
        let line = r#"{"custom_id":"a","result":{"type":"succeeded","message":{"content":[],
            "usage":{"input_tokens":4,"output_tokens":6,"cache_read_input_tokens":2}}}}"#;
        let found = used(Dialect::Anthropic, Operation::Messages, line)
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                found.usage.input,
                found.usage.cached_input,
                found.usage.output
            ),
            (4, 2, 6)
        );
        let line = r#"{"custom_id":"a","result":{"type":"errored","error":{}}}"#;
        assert_eq!(
            used(Dialect::Anthropic, Operation::Messages, line),
            Ok(None)
        );
    }
}
