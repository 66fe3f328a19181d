//! How far a batch of Google is, and where its answers are: in its description, or in a file.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::Dialect;
use crate::providers::deferred::{Answers, Ending, Standing, content_path};
use crate::providers::endpoints::{ENDPOINTS, Operation, is_object_id};
use crate::providers::json::{Member, Text};

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Metadata<'a> {
    #[serde(default, borrow)]
    state: Option<Text<'a>>,
    #[serde(default, borrow, rename = "@type")]
    kind: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct Output<'a> {
    #[serde(borrow)]
    responses_file: Option<Text<'a>>,
    #[serde(borrow)]
    inlined_responses: Option<Inlined<'a>>,
    /// What the official SDKs call the responses of a batch of embeddings.
    #[serde(borrow)]
    inlined_embed_content_responses: Option<Inlined<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Inlined<'a> {
    #[serde(default, borrow)]
    inlined_responses: Vec<&'a RawValue>,
}

/// Reads what a description has of it.
pub(super) fn standing(done: bool, metadata: Member<'_>, response: Member<'_>) -> Standing {
    if !done {
        return Standing::UnderWay;
    }
    let metadata: Option<Metadata<'_>> = metadata.parsed("metadata").ok().flatten();
    let (state, kind) = metadata.map_or((None, None), |it| (it.state, it.kind));
    let ending = match state.as_deref() {
        Some("BATCH_STATE_SUCCEEDED") => Ending::Done,
        Some("BATCH_STATE_CANCELLED" | "BATCH_STATE_EXPIRED") => Ending::Stopped,
        Some(_) | None => Ending::Failed,
    };
    let output: Option<Output<'_>> = response.parsed("response").ok().flatten();
    let output = output.unwrap_or_default();
    let file = output.responses_file.as_deref();
    let file = file.and_then(|name| name.strip_prefix("files/"));
    let file = file.filter(|id| is_object_id(id)).map(str::to_owned);
    let embeddings = output.inlined_embed_content_responses;
    let is_embedding =
        embeddings.is_some() || kind.is_some_and(|kind| kind.ends_with(".EmbedContentBatch"));
    let inlined = output.inlined_responses.or(embeddings);
    let inlined = inlined.map(|it| it.inlined_responses);
    let lines = inlined.iter().flatten();
    let lines = lines.map(|line| Bytes::copy_from_slice(line.get().as_bytes()));
    let answers = Answers {
        path: file.as_ref().map(|id| content_path(Dialect::Google, id)),
        is_unknown: file.is_none() && inlined.is_none(),
        files: file.into_iter().collect(),
        lines: lines.collect(),
        operation: Some(if is_embedding {
            Operation::EmbedContent
        } else {
            Operation::GenerateContent
        }),
    };
    Standing::Answered(ending, answers)
}

/// What each request of a batch asked that was made at this endpoint, where its name alone says so. The
/// kept row has it, so it is known whatever the provider shows of the batch later.
pub fn asked_at(route: &str) -> Option<Operation> {
    let made = ENDPOINTS.iter().find(|endpoint| endpoint.label == route)?;
    let is_embedding = made.operation == Operation::CreateEmbeddingBatch;
    is_embedding.then_some(Operation::EmbedContent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ModelName;
    use crate::domain::object::ObjectKind;
    use crate::domain::usage::Basis;
    use crate::providers::deferred::line_used;

    fn answers_in(body: &str) -> Answers {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let batch = (ObjectKind::Batch, "x1");
        let model = ModelName::new("gemini-embedding-2");
        let found = super::super::standing(Dialect::Google, batch, &model, &body);
        let Some(Standing::Answered(Ending::Done, answers)) = found else {
            panic!("it has ended");
        };
        answers
    }

    /// The input tokens of a line, and how sure they are.
    fn used(line: &str) -> Option<(u64, Basis)> {
        let model = ModelName::new("gemini-embedding-2");
        let asked = Operation::EmbedContent;
        let used = line_used(Dialect::Google, asked, &model, line.as_bytes()).unwrap();
        used.map(|used| (used.usage.input, used.basis))
    }

    #[test]
    fn a_batch_of_embeddings_is_known_by_its_endpoint_or_its_description() {
        for version in ["v1", "v1beta"] {
            let route = |method: &str| format!("/{version}/models/{{model}}:{method}");
            let made = asked_at(&route("asyncBatchEmbedContent"));
            assert_eq!(made, Some(Operation::EmbedContent));
            assert_eq!(asked_at(&route("batchGenerateContent")), None);
        }
        let of_kind = |kind: &str, response: &str| {
            let kind = format!("type.googleapis.com/google.ai.generativelanguage.v1main.{kind}");
            answers_in(&format!(
                r#"{{"done":true,"metadata":{{"@type":"{kind}","state":"BATCH_STATE_SUCCEEDED"}},
                "response":{response}}}"#
            ))
        };
        let (file, inside) = (
            r#"{"responsesFile":"files/abc"}"#,
            r#"{"inlinedEmbedContentResponses":{"inlinedResponses":[{}]}}"#,
        );
        for (kind, response, asked) in [
            ("EmbedContentBatch", file, Operation::EmbedContent),
            ("GenerateContentBatch", file, Operation::GenerateContent),
            ("SomethingNew", inside, Operation::EmbedContent),
        ] {
            let answers = of_kind(kind, response);
            assert_eq!(answers.operation, Some(asked), "{kind}");
            assert!(!answers.is_unknown && answers.lines.len() + answers.files.len() == 1);
        }
    }

    #[test]
    fn an_embedding_counts_its_tokens_as_a_text_or_a_number() {
        for count in [r#""12""#, "12"] {
            let line = format!(
                r#"{{"key":"k","response":{{"embedding":{{"values":[0.5]}},"tokenCount":{count}}}}}"#
            );
            assert_eq!(used(&line), Some((12, Basis::Measured)), "{count}");
        }
        let line = r#"{"response":{"embedding":{},"usageMetadata":{"promptTokenCount":7},
            "tokenCount":"9"}}"#;
        assert_eq!(used(line), Some((7, Basis::Measured)));
        let refused = r#"{"error":{"code":3,"message":"no"},"metadata":{}}"#;
        assert_eq!(used(refused), None);
    }

    #[test]
    fn an_embedding_that_does_not_say_its_tokens_is_not_free() {
        for count in [
            "",
            r#","tokenCount":null"#,
            r#","tokenCount":"many""#,
            r#","tokenCount":-1"#,
            r#","tokenCount":"""#,
            r#","tokenCount":{}"#,
        ] {
            let line = format!(r#"{{"response":{{"embedding":{{"values":[0.5]}}{count}}}}}"#);
            let (_, basis) = used(&line).unwrap();
            assert_eq!(basis, Basis::Unknown, "{count}");
        }
    }
}
