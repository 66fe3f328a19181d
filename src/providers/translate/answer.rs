//! The answer on its way: the provider's bytes go in as they come, the caller's come out.

use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::providers::Dialect;
use crate::providers::sse::{EVENT_BYTES_MAX, Piece as Event, SseSplitter, event_data};
use crate::providers::translate::chat_document::ChatDocument;
use crate::providers::translate::chat_stream::ChatStream;
use crate::providers::translate::failure::Failure;
use crate::providers::translate::head::Head;
use crate::providers::translate::piece::Piece;
use crate::providers::translate::responses_answer::Responses;
use crate::providers::translate::{from_anthropic, from_google};

/// The longest answer in one piece that is translated, and the most that is kept of a stream.
pub(super) const ANSWER_BYTES_MAX: usize = EVENT_BYTES_MAX;
/// How much of an error is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// What is known when an answer begins.
#[derive(Clone, Copy, Debug)]
pub struct AnswerFacts<'a> {
    /// The provider's HTTP status.
    pub status: u16,
    /// The model that was asked, should the answer not name one.
    pub model: &'a str,
    /// Our id of the request.
    pub request_id: &'a str,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// How the caller wants its answer.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// As `/v1/chat/completions` answers.
    Chat {
        /// A stream is to tell its usage.
        shows_usage: bool,
    },
    /// As `/v1/responses` answers.
    Responses {
        /// What of the request is repeated.
        echo: Map<String, Value>,
    },
}

/// Translates one answer.
pub struct AnswerTranslator {
    form: Form,
    reader: Reader,
    writer: Writer,
    status: u16,
    /// How much more of the answer is translated.
    room: usize,
    is_over: bool,
}

impl fmt::Debug for AnswerTranslator {
    /// What was answered is nobody else's business.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AnswerTranslator")
            .finish_non_exhaustive()
    }
}

/// How the answer is written.
enum Form {
    /// Server-sent events.
    Events(SseSplitter),
    /// One JSON object.
    Document(Vec<u8>),
    /// An error, or its beginning.
    Error(Vec<u8>),
}

enum Reader {
    Anthropic(from_anthropic::Reader),
    Google(from_google::Reader),
}

enum Writer {
    ChatStream(ChatStream),
    ChatDocument(ChatDocument),
    Responses(Box<Responses>),
}

impl AnswerTranslator {
    /// For an answer of `dialect`, which is not `OpenAI`'s.
    pub(super) fn new(
        dialect: Dialect,
        shape: Shape,
        streamed: bool,
        facts: &AnswerFacts<'_>,
    ) -> Self {
        let head = Head::new(facts);
        let is_error = !(200..300).contains(&facts.status);
        let form = match (is_error, streamed) {
            (true, _) => Form::Error(Vec::new()),
            (false, true) => Form::Events(SseSplitter::default()),
            (false, false) => Form::Document(Vec::new()),
        };
        let reader = if dialect == Dialect::Anthropic {
            Reader::Anthropic(from_anthropic::Reader::default())
        } else {
            Reader::Google(from_google::Reader::new(facts.request_id))
        };
        let writer = match shape {
            Shape::Responses { echo } => {
                Writer::Responses(Box::new(Responses::new(head, echo, streamed)))
            }
            Shape::Chat { shows_usage } if streamed => {
                Writer::ChatStream(ChatStream::new(head, shows_usage))
            }
            Shape::Chat { .. } => Writer::ChatDocument(ChatDocument::new(head)),
        };
        Self {
            form,
            reader,
            writer,
            status: facts.status,
            room: ANSWER_BYTES_MAX,
            is_over: false,
        }
    }

    /// Takes the next bytes of the provider's, `end` with the last of them, which may be none, and
    /// gives those for the caller. Where the gateway ends an answer itself, that is an end, too.
    pub fn push(&mut self, chunk: &[u8], end: bool) -> Bytes {
        let mut out = String::new();
        let Self {
            form,
            reader,
            writer,
            room,
            is_over,
            ..
        } = self;
        let mut take = |piece: Piece<'_>| {
            if *is_over {
                return;
            }
            let piece = piece.within(room);
            *is_over = matches!(piece, Piece::Failed(_) | Piece::End);
            writer.write(piece, &mut out);
        };
        match form {
            Form::Events(splitter) => {
                splitter.push(chunk, end, |event| reader.event(&event, &mut take));
                if end {
                    reader.end(&mut take);
                }
            }
            Form::Document(body) if end => {
                if keep(body, chunk, ANSWER_BYTES_MAX) {
                    reader.document(body, &mut take);
                } else {
                    take(Piece::Failed(Failure::unreadable("is too long")));
                }
            }
            Form::Error(body) if end => {
                keep(body, chunk, ERROR_BYTES_MAX);
                return Failure::of_answer(self.status, body).body();
            }
            Form::Document(body) => {
                keep(body, chunk, ANSWER_BYTES_MAX);
            }
            Form::Error(body) => {
                keep(body, chunk, ERROR_BYTES_MAX);
            }
        }
        out.into()
    }
}

/// Keeps the bytes up to one more than the most, and tells whether that is all of them.
fn keep(body: &mut Vec<u8>, chunk: &[u8], bytes_max: usize) -> bool {
    let room = bytes_max.saturating_add(1).saturating_sub(body.len());
    body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
    body.len() <= bytes_max
}

impl Reader {
    fn event(&mut self, event: &Event<'_>, take: &mut impl FnMut(Piece<'_>)) {
        let Event::Event(event) = event else {
            take(Piece::Failed(Failure::unreadable(
                "has an event that is too long",
            )));
            return;
        };
        let Some(data) = event_data(event) else {
            return;
        };
        match self {
            Self::Anthropic(reader) => reader.event(&data, take),
            Self::Google(reader) => reader.read(&data, take),
        }
    }

    fn document(&mut self, body: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        match self {
            Self::Anthropic(reader) => reader.document(body, take),
            Self::Google(reader) => {
                reader.read(body, take);
                reader.end(take);
            }
        }
    }

    /// No event follows.
    fn end(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        match self {
            // A stream that has not ended by itself broke off.
            Self::Anthropic(_) => take(Piece::Failed(Failure::unreadable("ended too early"))),
            Self::Google(reader) => reader.end(take),
        }
    }
}

impl Writer {
    fn write(&mut self, piece: Piece<'_>, out: &mut String) {
        match self {
            Self::ChatStream(stream) => stream.write(piece, out),
            Self::ChatDocument(document) => document.write(piece, out),
            Self::Responses(responses) => responses.write(piece, out),
        }
    }
}
