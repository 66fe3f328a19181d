//! The edits that a body may need: an output cap, and the wish for a stream's usage. Every byte
//! that is not part of an edit stays as the caller wrote it.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::providers::bounds::takes_cap;
use crate::providers::call::{Call, Nested};
use crate::providers::endpoints::Operation;

/// What to put into a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits<'a> {
    /// The model's name, in place of the one that is there.
    pub model: Option<&'a str>,
    /// The most output tokens of one answer.
    pub output_cap: Option<u64>,
    /// Ask for a stream's usage if the caller did not; the meter then hides it.
    pub include_usage: bool,
}

/// One replacement; an insertion replaces nothing.
struct Splice {
    at: Range<usize>,
    text: String,
}

type Splices = SmallVec<[Splice; 4]>;

/// The edited body, or `None` when it already says what it should.
pub fn edit_body(call: &Call, edits: &Edits<'_>, body: &Bytes) -> Option<Bytes> {
    let mut splices = Splices::new();
    let mut members: SmallVec<[String; 2]> = SmallVec::new();
    if let (Some(model), Some(at)) = (edits.model, &call.layout.model) {
        splices.push(Splice {
            at: at.clone(),
            text: serde_json::Value::from(model).to_string(),
        });
    }
    if let Some(cap) = edits.output_cap.filter(|_| takes_cap(call.operation)) {
        put_cap(call, cap, &mut splices, &mut members);
    }
    if edits.include_usage && call.would_lack_usage() {
        put_include_usage(call, &mut splices, &mut members);
    }
    if !members.is_empty() {
        let separator = if call.layout.is_empty { "" } else { "," };
        splices.push(Splice {
            at: call.layout.open..call.layout.open,
            text: format!("{}{separator}", members.join(",")),
        });
    }
    spliced(body, splices)
}

/// The name of a cap in the body's object. `OpenAI`'s chat takes `max_completion_tokens` for every
/// model; the older `max_tokens` is refused by reasoning models.
fn cap_member(operation: Operation) -> &'static str {
    match operation {
        Operation::ChatCompletions => "max_completion_tokens",
        Operation::Responses | Operation::Realtime => "max_output_tokens",
        Operation::GenerateContent | Operation::StreamGenerateContent => "maxOutputTokens",
        Operation::Completions
        | Operation::Messages
        | Operation::Compaction
        | Operation::Embeddings
        | Operation::Moderations
        | Operation::CountTokens
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::CacheContents
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Models
        | Operation::Object
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Unmetered => "max_tokens",
    }
}

fn put_cap(call: &Call, cap: u64, splices: &mut Splices, members: &mut SmallVec<[String; 2]>) {
    let layout = &call.layout;
    if !layout.caps.is_empty() {
        splices.extend(layout.caps.iter().map(|at| Splice {
            at: at.clone(),
            text: cap.to_string(),
        }));
        return;
    }
    let member = format!("\"{}\":{cap}", cap_member(call.operation));
    let is_nested = matches!(
        call.operation,
        Operation::GenerateContent | Operation::StreamGenerateContent
    );
    match &layout.generation_config {
        Some(config) => splices.push(into_object(config, &member)),
        None if is_nested => members.push(format!("\"generationConfig\":{{{member}}}")),
        None => members.push(member),
    }
}

fn put_include_usage(call: &Call, splices: &mut Splices, members: &mut SmallVec<[String; 2]>) {
    const MEMBER: &str = "\"include_usage\":true";
    let layout = &call.layout;
    match (&layout.include_usage, &layout.stream_options) {
        (Some(at), _) => splices.push(Splice {
            at: at.clone(),
            text: "true".to_owned(),
        }),
        (None, Some(options)) => splices.push(into_object(options, MEMBER)),
        (None, None) => members.push(format!("\"stream_options\":{{{MEMBER}}}")),
    }
}

/// Puts a member into an object as its first, or makes an object of it.
fn into_object(object: &Nested, member: &str) -> Splice {
    if object.is_empty {
        return Splice {
            at: object.value.clone(),
            text: format!("{{{member}}}"),
        };
    }
    let after_brace = object.value.start.saturating_add(1);
    Splice {
        at: after_brace..after_brace,
        text: format!("{member},"),
    }
}

fn spliced(body: &Bytes, mut splices: Splices) -> Option<Bytes> {
    if splices.is_empty() {
        return None;
    }
    splices.sort_by_key(|splice| splice.at.start);
    let added: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut edited = BytesMut::with_capacity(body.len().saturating_add(added));
    let mut done = 0;
    for splice in &splices {
        edited.put_slice(body.get(done..splice.at.start)?);
        edited.put_slice(splice.text.as_bytes());
        done = splice.at.end;
    }
    edited.put_slice(body.get(done..)?);
    Some(edited.freeze())
}

impl Call {
    /// Whether the answer is a stream that tells its usage only when asked.
    pub(crate) fn usage_is_on_request(&self) -> bool {
        self.streamed
            && matches!(
                self.operation,
                Operation::ChatCompletions | Operation::Completions
            )
    }

    /// Whether the answer is such a stream, and its caller did not ask.
    pub(crate) fn would_lack_usage(&self) -> bool {
        self.usage_is_on_request() && !self.include_usage_asked()
    }
}

#[cfg(test)]
mod tests;
