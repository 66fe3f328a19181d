//! Reads an answer as it goes by: what it used, how it ended. The bytes are passed on at once; only
//! a stream whose usage must be hidden is passed on event by event.

use bytes::Bytes;

use crate::domain::id::ModelName;
use crate::domain::pricing::Tier;
use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::answer::{Reported, Seen, error_code};
use crate::providers::bounds::{self, OutputKind};
use crate::providers::call::Call;
use crate::providers::elements::Elements;
use crate::providers::endpoints::Operation;
use crate::providers::meter::cut_off::CutOff;
use crate::providers::meter::document::Document;
use crate::providers::meter::hider::Hider;
use crate::providers::meter::reading::Reading;
use crate::providers::openai::draft::Draft;
use crate::providers::sse::SseSplitter;
use crate::providers::transcript::Transcript;
use crate::providers::{Dialect, anthropic, google, openai, tokens};

pub(crate) mod document;
mod reading;
mod hider;
mod cut_off;

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
    /// The output tokens, over all choices, that are paid for: a stream that goes beyond them is cut
    /// off. Nothing where no budget limits the answer.
    pub output_allowance: Option<u64>,
}

/// What goes to the caller in place of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forward {
    /// The chunk itself.
    Same,
    /// These bytes, which may be none.
    Replaced(Bytes),
    /// These bytes end the answer properly: the provider goes beyond what is paid for, and nothing
    /// more of it reaches the caller.
    Last(Bytes),
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
    /// The answer was ended by us. It is estimated with what was seen of it.
    pub is_cut_off: bool,
    /// The output tokens that the provider itself has told of.
    pub output_reported: u64,
    /// The provider's error code, if it reported an error.
    pub provider_error: Option<String>,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Meter {
    model: ModelName,
    /// Fees that come with every answer of the model, whatever it says.
    searches_always: u64,
    /// The caller asked for the usage, where it is told on request only.
    shows_usage: bool,
    input: InputEstimate,
    form: Form,
    reading: Reading,
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
    /// Sound, or text that is no JSON: nothing in it tells what it used.
    Opaque,
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
    let is_text =
        call.input.images == 0 && call.input.sound_tokens == 0 && !call.input.has_unbounded_input;
    let has_tokenizer = call.dialect == Dialect::OpenAi;
    let is_counted = is_text && has_tokenizer && start.request_body.len() <= COUNTED_BODY_BYTES_MAX;
    let always_searches =
        call.operation == Operation::ChatCompletions && call.input.web_search_calls.max() > Some(0);
    let form = form_of(call, &start);
    Meter {
        model: call.model.clone(),
        searches_always: u64::from(always_searches),
        shows_usage: call.usage_is_on_request() && call.include_usage_asked(),
        input: InputEstimate {
            body: is_counted.then_some(start.request_body),
            bytes: call.input.body_bytes,
            is_text,
            bound: start.input_bound,
        },
        reading: Reading {
            dialect: call.dialect,
            operation: call.operation,
            cache_term: call.cache_term,
            seen: Seen {
                tier: start.tier_header.and_then(google::answer::tier_named),
                usage_shape: openai::media::shape_of(call.operation),
                transcript: Transcript::new(tokens::encoding(call.dialect, call.model.as_str())),
                ..Seen::default()
            },
            anthropic: anthropic::answer::Counts::default(),
            draft: Draft::default(),
            cut_off: start
                .output_allowance
                .filter(|_| form.is_stream() && bounds::takes_cap(call.operation))
                .map(|allowance| CutOff::beyond(allowance, call)),
        },
        form,
    }
}

impl Form {
    /// Whether the caller gets the answer while it is made.
    fn is_stream(&self) -> bool {
        match self {
            Self::Events(_) | Self::HiddenEvents(..) | Self::Elements(_) => true,
            Self::Free | Self::Error(_) | Self::Document(_) | Self::Opaque => false,
        }
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
        (false, Operation::Speech) => Form::Opaque,
        (false, Operation::Transcriptions) if !is_json(content_type) => Form::Opaque,
        (false, _) => Form::Document(Document::default()),
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn is_billed(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Moderations
            | Operation::CountTokens
            | Operation::Models
            | Operation::Object
            | Operation::Unmetered
    )
}

impl Meter {
    /// Reads the next chunk; `end` with the last one, which may be empty. Nothing follows it, and
    /// nothing follows [`Forward::Last`].
    pub fn observe(&mut self, chunk: &Bytes, end: bool) -> Forward {
        let reading = &mut self.reading;
        let shown = match &mut self.form {
            Form::Free | Form::Opaque => {
                reading.seen.is_complete |= end;
                return Forward::Same;
            }
            Form::Error(document) | Form::Document(document) => {
                document.push(chunk, end);
                return Forward::Same;
            }
            Form::Events(splitter) => reading.events(splitter, chunk, end),
            Form::HiddenEvents(splitter, hider) => {
                reading.hidden_events(splitter, hider, chunk, end)
            }
            Form::Elements(elements) => reading.elements(elements, chunk),
        };
        if self.reading.is_cut_off() {
            return self.end_after(&shown, chunk);
        }
        shown
    }

    fn end_after(&mut self, shown: &Forward, chunk: &Bytes) -> Forward {
        let shown = match shown {
            Forward::Same => chunk,
            Forward::Replaced(shown) | Forward::Last(shown) => shown,
        };
        let is_array = matches!(self.form, Form::Elements(_));
        let usage = self.usage_told();
        let last_words = self.reading.last_words(is_array, self.shows_usage, usage);
        Forward::Last([shown, last_words.as_slice()].concat().into())
    }

    /// Whether the caller may get another number of bytes than came from the provider.
    pub fn may_change_length(&self) -> bool {
        self.reading.cut_off.is_some() || matches!(self.form, Form::HiddenEvents(..))
    }

    /// Whether the answer has said its last word, so that nothing that follows is billed. Google's
    /// streams have no such word: theirs is known only at the end of the stream.
    pub fn has_ended(&self) -> bool {
        self.reading.seen.has_ended
    }

    /// What was used, also when the answer was cut off.
    pub fn finish(mut self) -> Metered {
        let (usage, basis) = match &self.form {
            Form::Free => (TokenUsage::default(), Basis::Measured),
            Form::Opaque => (TokenUsage::default(), Basis::Unknown),
            Form::Error(document) => {
                self.reading.seen.is_complete = document.is_whole();
                self.reading.seen.error = document.read().and_then(|body| error_code(&body));
                (TokenUsage::default(), Basis::Measured)
            }
            Form::Document(document) => {
                let body = document.to_read(self.reading.dialect);
                let is_read = body.is_some_and(|body| self.reading.document(&body));
                self.reading.seen.is_complete = is_read;
                if is_read {
                    self.usage()
                } else {
                    (TokenUsage::default(), Basis::Unknown)
                }
            }
            Form::Events(_) | Form::HiddenEvents(..) | Form::Elements(_) => self.usage(),
        };
        let is_cut_off = self.reading.is_cut_off();
        let seen = self.reading.seen;
        let reported = seen.reported.filter(|reported| reported.knows_output);
        Metered {
            usage,
            basis,
            tier_served: seen.tier,
            model_served: seen.model,
            is_complete: seen.is_complete,
            is_cut_off,
            output_reported: reported.map_or(0, |reported| reported.usage.output_total()),
            provider_error: seen.error,
        }
    }

    /// What the provider reported, and estimates for what it did not.
    fn usage(&self) -> (TokenUsage, Basis) {
        let seen = &self.reading.seen;
        let reported = seen.reported.unwrap_or_default();
        let mut usage = reported.usage;
        let mut is_measured = reported.is_exact && reported.knows_input;
        if !reported.knows_input {
            usage.input = self.input.tokens(self.reading.dialect, &self.model);
        }
        if self.has_output() && !(reported.knows_output && seen.is_complete) {
            // Each part of Google's streams tells all that was used up to it.
            let is_current = reported.knows_output && self.reading.dialect == Dialect::Google;
            if !(is_current && self.reading.is_cut_off()) {
                let shows_output = bounds::output_kind(self.reading.operation) != OutputKind::Media;
                if !shows_output || self.may_have_reasoned_unseen(reported) {
                    return (TokenUsage::default(), Basis::Unknown);
                }
                add_output(&mut usage, seen.transcript.estimate());
            }
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

    /// What the end of a stream that was cut off tells its caller: not more than the provider counts.
    fn usage_told(&mut self) -> TokenUsage {
        let at_least = self.reading.seen.transcript.at_least();
        let reported = self.reading.seen.reported.unwrap_or_default();
        let mut usage = reported.usage;
        if !reported.knows_input {
            usage.input = self.input.tokens(self.reading.dialect, &self.model);
        }
        add_output(&mut usage, at_least);
        usage
    }

    /// Whether tokens may have been billed that the text of the answer does not show.
    fn may_have_reasoned_unseen(&self, reported: Reported) -> bool {
        let (dialect, model) = (self.reading.dialect, self.model.as_str());
        match dialect {
            Dialect::OpenAi => tokens::may_reason_unseen(dialect, model),
            Dialect::Anthropic => self.reading.anthropic.has_thought,
            // Thoughts are reported from the first piece on, and precede all text.
            Dialect::Google => !reported.knows_output && tokens::may_reason_unseen(dialect, model),
        }
    }

    fn has_output(&self) -> bool {
        bounds::has_output(self.reading.operation)
    }
}

/// Raises the output to so many tokens, if it is less.
fn add_output(usage: &mut TokenUsage, tokens: u64) {
    let more = tokens.saturating_sub(usage.output_total());
    usage.output = usage.output.saturating_add(more);
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

#[cfg(test)]
mod tests;
