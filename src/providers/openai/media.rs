//! Reads answers that are images, speech or transcripts: the usage, and the text of a transcript.

use serde::Deserialize;

use crate::providers::answer::{ErrorBody, Seen, Strings};
use crate::providers::endpoints::Operation;
use crate::providers::json::{Member, Text};
use crate::providers::openai::usage::{self, Shape};

/// An event of a stream, or a whole transcript.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    delta: Strings<'a>,
    #[serde(default, borrow)]
    text: Strings<'a>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

/// The events that say that a piece of the work is done, with what it used.
const DONE: [&str; 4] = [
    "image_generation.completed",
    "image_edit.completed",
    "speech.audio.done",
    "transcript.text.done",
];

/// How the usage of an endpoint is to be understood.
pub(crate) fn shape_of(operation: Operation) -> Shape {
    match operation {
        Operation::Images => Shape::Images,
        Operation::Speech => Shape::Speech,
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Compaction
        | Operation::Embeddings
        | Operation::Completions
        | Operation::Moderations
        | Operation::Messages
        | Operation::CountTokens
        | Operation::GenerateContent
        | Operation::StreamGenerateContent
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::CacheContents
        | Operation::Transcriptions
        | Operation::Realtime
        | Operation::Object
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Models
        | Operation::Unmetered => Shape::Text,
    }
}

/// Reads one event of a stream.
pub(crate) fn read_event(seen: &mut Seen, operation: Operation, data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
        return;
    };
    seen.note_error(event.error.as_ref());
    seen.add_text(0, &event.delta);
    if event
        .kind
        .as_deref()
        .is_some_and(|kind| DONE.contains(&kind))
    {
        seen.is_complete = true;
        let usage = event.usage.written().map(str::as_bytes);
        let reported = usage.and_then(|usage| usage::reported(usage, shape_of(operation)));
        // Each of several images tells of itself.
        seen.reported = match (seen.reported, reported) {
            (Some(before), Some(more)) => Some(before.plus(more)),
            (before, more) => more.or(before),
        };
    }
}

/// Reads a whole transcript; whether it could be read.
pub(crate) fn read_transcript(seen: &mut Seen, body: &[u8]) -> bool {
    let Ok(transcript) = serde_json::from_slice::<Event<'_>>(body) else {
        return false;
    };
    let usage = transcript.usage.written().map(str::as_bytes);
    seen.reported = usage.and_then(|usage| usage::reported(usage, Shape::Text));
    seen.add_text(0, &transcript.text);
    true
}
