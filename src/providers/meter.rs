//! Reads an answer as it goes by: what it used, how it ended. The bytes are passed on at once; only
//! a stream whose usage must be hidden is passed on event by event.

use bytes::Bytes;

use crate::domain::id::ModelName;
use crate::domain::pricing::Tier;
use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::answer::{Reported, Seen, error_code};
use crate::providers::call::Call;
use crate::providers::elements::Elements;
use crate::providers::endpoints::Operation;
use crate::providers::meter::document::Document;
use crate::providers::meter::hider::Hider;
use crate::providers::sse::{Piece, SseSplitter, event_data};
use crate::providers::{Dialect, anthropic, google, openai, tokens};

mod document;
mod hider;

/// What is known when an answer begins.
#[derive(Clone, Debug)]
pub struct AnswerStart<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The `content-type` header.
    pub content_type: Option<&'a str>,
    /// The header in which Google names the tier it served, `x-gemini-service-tier`.
    pub tier_header: Option<&'a str>,
    /// The request's body, to be counted if the answer does not say its usage.
    pub request_body: Bytes,
    /// The most input tokens that the request can be: never more is estimated.
    pub input_bound: u64,
    /// `edit_body` asked for the usage and the caller did not: hide it.
    pub hides_usage: bool,
}

/// What goes to the caller in place of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    /// The chunk itself.
    Same,
    /// These bytes, which may be none.
    Replaced(Bytes),
}

/// What an answer was found to have used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// The usage.
    pub usage: TokenUsage,
    /// How sure it is. With [`Basis::Unknown`] the usage says nothing: charge the worst case.
    pub basis: Basis,
    /// The tier that was served, where the provider said so.
    pub tier_served: Option<Tier>,
    /// The model that answered, where the provider said so.
    pub model_served: Option<ModelName>,
    /// Whether the answer came to its proper end.
    pub is_complete: bool,
    /// The provider's error code, if it reported an error.
    pub provider_error: Option<String>,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Meter {
    dialect: Dialect,
    operation: Operation,
    model: ModelName,
    /// Fees that come with every answer of the model, whatever it says.
    searches_always: u64,
    input: InputEstimate,
    form: Form,
    seen: Seen,
    anthropic: anthropic::answer::Counts,
}

/// How an answer is written.
#[derive(Debug)]
enum Form {
    /// Nothing in it is billed.
    Free,
    /// The provider refused, and bills nothing.
    Error(Document),
    /// Server-sent events.
    Events(SseSplitter),
    /// Server-sent events, some of which are not for the caller.
    HiddenEvents(SseSplitter, Hider),
    /// A JSON array that grows.
    Elements(Elements),
    /// One JSON object.
    Document(Document),
}

/// What the input is taken to be if the answer does not say.
#[derive(Debug)]
struct InputEstimate {
    /// Text that a tokeniser can count.
    body: Option<Bytes>,
    bytes: u64,
    is_text: bool,
    bound: u64,
}

/// The longest body that is kept to be counted; of a longer one only the length is.
const COUNTED_BODY_BYTES_MAX: usize = 256 * 1024;

/// The meter for the answer to a call.
pub fn meter(call: &Call, start: AnswerStart<'_>) -> Meter {
    let is_text = call.input.images == 0 && !call.input.has_unbounded_input;
    let has_tokenizer = call.dialect == Dialect::OpenAi;
    let is_counted = is_text && has_tokenizer && start.request_body.len() <= COUNTED_BODY_BYTES_MAX;
    let always_searches =
        call.operation == Operation::ChatCompletions && call.input.web_search_calls.max() > Some(0);
    Meter {
        dialect: call.dialect,
        operation: call.operation,
        model: call.model.clone(),
        searches_always: u64::from(always_searches),
        form: form_of(call, &start),
        input: InputEstimate {
            body: is_counted.then_some(start.request_body),
            bytes: call.input.body_bytes,
            is_text,
            bound: start.input_bound,
        },
        seen: Seen {
            tier: start.tier_header.and_then(google::answer::tier_named),
            keeps_text: has_tokenizer,
            ..Seen::default()
        },
        anthropic: anthropic::answer::Counts::default(),
    }
}

fn form_of(call: &Call, start: &AnswerStart<'_>) -> Form {
    if !(200..300).contains(&start.status) {
        return Form::Error(Document::of_error());
    }
    if !is_billed(call.operation) {
        return Form::Free;
    }
    let content_type = start.content_type.unwrap_or_default();
    let is_events = content_type
        .get(.."text/event-stream".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("text/event-stream"));
    match (is_events, call.operation) {
        (true, _) if start.hides_usage && call.usage_is_on_request() => {
            Form::HiddenEvents(SseSplitter::default(), Hider::default())
        }
        (true, _) => Form::Events(SseSplitter::default()),
        (false, Operation::StreamGenerateContent) => Form::Elements(Elements::default()),
        (false, _) => Form::Document(Document::default()),
    }
}

fn is_billed(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Moderations | Operation::CountTokens | Operation::Models
    )
}

impl Meter {
    /// Reads the next chunk; `end` with the last one, which may be empty. Nothing follows it.
    pub fn observe(&mut self, chunk: &Bytes, end: bool) -> Forward {
        let (dialect, operation) = (self.dialect, self.operation);
        let (seen, counts) = (&mut self.seen, &mut self.anthropic);
        match &mut self.form {
            Form::Free => seen.is_complete |= end,
            Form::Error(document) | Form::Document(document) => document.push(chunk, end),
            Form::Events(splitter) => splitter.push(chunk, end, |piece| {
                if let Piece::Event(event) = piece
                    && let Some(data) = event_data(event)
                {
                    read_event((dialect, operation), seen, counts, &data);
                }
            }),
            Form::HiddenEvents(splitter, hider) => {
                splitter.push(chunk, end, |piece| hider.take(&piece, seen));
                return hider.forward(chunk);
            }
            Form::Elements(elements) => elements.push(chunk, |element| {
                google::answer::read(seen, element);
            }),
        }
        Forward::Same
    }

    /// Whether the answer has said its last word, so that nothing that follows is billed. Google's
    /// streams have no such word: theirs is known only at the end of the stream.
    pub fn has_ended(&self) -> bool {
        self.seen.has_ended
    }

    /// What was used, also when the answer was cut off.
    pub fn finish(mut self) -> Metered {
        let (usage, basis) = match &self.form {
            Form::Free => (TokenUsage::default(), Basis::Measured),
            Form::Error(document) => {
                self.seen.is_complete = document.is_whole();
                self.seen.error = document.read().and_then(|body| error_code(&body));
                (TokenUsage::default(), Basis::Measured)
            }
            Form::Document(document) => {
                let body = document.to_read(self.dialect);
                let is_read = body.is_some_and(|body| {
                    read_document((self.dialect, self.operation), &mut self.seen, &body)
                });
                self.seen.is_complete = is_read;
                if is_read {
                    self.usage()
                } else {
                    (TokenUsage::default(), Basis::Unknown)
                }
            }
            Form::Events(_) | Form::HiddenEvents(..) | Form::Elements(_) => self.usage(),
        };
        Metered {
            usage,
            basis,
            tier_served: self.seen.tier,
            model_served: self.seen.model,
            is_complete: self.seen.is_complete,
            provider_error: self.seen.error,
        }
    }

    /// What the provider reported, and estimates for what it did not.
    fn usage(&self) -> (TokenUsage, Basis) {
        let seen = &self.seen;
        let reported = seen.reported.unwrap_or_default();
        let mut usage = reported.usage;
        let mut is_measured = reported.is_exact && reported.knows_input;
        if !reported.knows_input {
            usage.input = self.input.tokens(self.dialect, &self.model);
        }
        let has_output = self.has_output();
        if has_output && !(reported.knows_output && seen.is_complete) {
            if self.may_have_reasoned_unseen(reported) {
                return (TokenUsage::default(), Basis::Unknown);
            }
            let estimate = self.output_estimate();
            let more = estimate.saturating_sub(usage.output_total());
            usage.output = usage.output.saturating_add(more);
            is_measured = false;
        }
        let searches = seen.web_searches.max(self.searches_always);
        usage.web_search_calls = usage.web_search_calls.max(searches);
        let basis = if is_measured {
            Basis::Measured
        } else {
            Basis::Estimated
        };
        (usage, basis)
    }

    /// Whether tokens may have been billed that the text of the answer does not show.
    fn may_have_reasoned_unseen(&self, reported: Reported) -> bool {
        match self.dialect {
            Dialect::OpenAi => tokens::may_reason_unseen(self.dialect, self.model.as_str()),
            Dialect::Anthropic => self.anthropic.has_thought,
            // Thoughts are reported from the first piece on, and precede all text.
            Dialect::Google => {
                !reported.knows_output
                    && tokens::may_reason_unseen(self.dialect, self.model.as_str())
            }
        }
    }

    fn has_output(&self) -> bool {
        crate::providers::bounds::has_output(self.operation)
    }

    fn output_estimate(&self) -> u64 {
        let seen = &self.seen;
        let kept_bytes = u64::try_from(seen.text.len()).unwrap_or(u64::MAX);
        let beyond = tokens::estimate_bytes(seen.text_bytes.saturating_sub(kept_bytes));
        if seen.text.is_empty() {
            return beyond;
        }
        tokens::estimate_text(self.dialect, self.model.as_str(), &seen.text).saturating_add(beyond)
    }
}

impl InputEstimate {
    fn tokens(&self, dialect: Dialect, model: &ModelName) -> u64 {
        if !self.is_text {
            return self.bound;
        }
        let body = self.body.as_ref();
        let counted = body.and_then(|body| tokens::count_upper(dialect, model.as_str(), body));
        counted
            .unwrap_or_else(|| tokens::estimate_bytes(self.bytes))
            .min(self.bound)
    }
}

fn read_event(
    (dialect, operation): (Dialect, Operation),
    seen: &mut Seen,
    counts: &mut anthropic::answer::Counts,
    data: &[u8],
) {
    match dialect {
        Dialect::OpenAi if operation == Operation::Responses => {
            openai::answer::read_response_event(seen, data);
        }
        Dialect::OpenAi => {
            openai::chunk::read_chunk(seen, data);
        }
        Dialect::Anthropic => anthropic::answer::read_event(seen, counts, data),
        Dialect::Google => {
            google::answer::read(seen, data);
        }
    }
}

fn read_document((dialect, operation): (Dialect, Operation), seen: &mut Seen, body: &[u8]) -> bool {
    match dialect {
        Dialect::OpenAi => openai::answer::read_document(seen, operation, body),
        Dialect::Anthropic => anthropic::answer::read_document(seen, body),
        Dialect::Google => google::answer::read(seen, body),
    }
}

#[cfg(test)]
mod tests;
