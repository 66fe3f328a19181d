//! What every dialect shares: the request at hand, the plan of how many tokens its answer takes,
//! and the answer as ready bytes.

use axum::body::Bytes;
use axum::http::header::HeaderName;
use serde_json::Value;

use super::billed::BilledTokens;
use super::directives::{Directives, Flag};
use super::form::FormFile;
use super::handler::Shared;
use super::jobs;
use super::prompt::Prompt;
use super::route::Dialect;
use super::target::Target;

/// What an answer takes when no directive says otherwise.
const OUTPUT_TOKENS: u64 = 16;
const CHUNKS: u64 = 256;
/// Role markers and the like, which every provider adds to the text.
const INPUT_OVERHEAD_TOKENS: u64 = 3;
/// Choices times tokens of one answer, so that no request can exhaust memory.
const ANSWER_TOKENS_MAX: u64 = 4_000_000;

/// One word that the usual tokenisers count as one token.
const WORD: &str = " token";

/// A parsed request's surroundings.
pub(super) struct Exchange<'a> {
    pub(super) shared: &'a Shared,
    pub(super) target: &'a Target,
    /// JSON; of a form its fields, and of its files names and sizes.
    pub(super) body: &'a str,
    /// As it was sent.
    pub(super) body_bytes: u64,
    pub(super) files: &'a [FormFile],
    pub(super) directives: &'a Directives,
    /// It is a line of a batch.
    pub(super) batched: bool,
    /// Distinguishes this call's ids from every other's.
    pub(super) sequence: u64,
    /// Unix seconds.
    pub(super) created: u64,
}

/// What a request says about the size of its answer.
#[derive(Default)]
pub(super) struct Ask {
    /// Tokens of the request itself, pictures and sound included.
    pub(super) input: u64,
    /// Those of them that were read from what the provider keeps under a name.
    pub(super) cached: u64,
    /// The caller's cap on the output of each choice.
    pub(super) cap: Option<u64>,
    pub(super) choices: u64,
}

/// How many tokens an answer takes and in which pieces they are streamed.
pub(super) struct Plan {
    pub(super) choices: u64,
    pub(super) truncated: bool,
    pub(super) billed: BilledTokens,
    pub(super) usage: bool,
    /// Output of each choice that is text.
    pub(super) visible: u64,
    chunks: u64,
}

/// Part of a streamed answer: one event, and what has been produced once it was sent.
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) output: u64,
}

pub(super) enum Payload {
    Whole(Bytes),
    Stream(Vec<Frame>),
}

/// An answer, ready to be sent.
pub(super) struct Answer {
    pub(super) payload: Payload,
    pub(super) content_type: String,
    /// The service tier that it is billed at, as the provider names it.
    pub(super) tier: String,
    /// Those that only this answer has.
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) model: String,
    pub(super) billed: BilledTokens,
    /// The stored response that is still to be made: the call ends with it.
    pub(super) background: Option<u64>,
}

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";

impl Answer {
    pub(super) fn json(model: &str, billed: BilledTokens, body: String) -> Self {
        Self::new(model, billed, JSON, Payload::Whole(body.into()))
    }

    pub(super) fn events(model: &str, billed: BilledTokens, frames: Vec<Frame>) -> Self {
        Self::new(model, billed, EVENTS, Payload::Stream(frames))
    }

    /// What costs nothing and concerns no model.
    pub(super) fn free(body: &Value) -> Self {
        Self::json("", BilledTokens::default(), body.to_string())
    }

    pub(super) fn bytes(content_type: &str, body: impl Into<Bytes>) -> Self {
        let billed = BilledTokens::default();
        Self::new("", billed, content_type, Payload::Whole(body.into()))
    }

    pub(super) fn at_tier(mut self, tier: &str) -> Self {
        tier.clone_into(&mut self.tier);
        self
    }

    fn new(model: &str, billed: BilledTokens, content_type: &str, payload: Payload) -> Self {
        Self {
            payload,
            content_type: content_type.to_owned(),
            tier: String::new(),
            headers: Vec::new(),
            model: model.to_owned(),
            billed,
            background: None,
        }
    }

    /// Sound comes piece by piece, too, but nobody calls it a stream.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.payload, Payload::Stream(_)) && !self.content_type.starts_with("audio/")
    }
}

impl Exchange<'_> {
    /// The file that a form sent as this field.
    pub(super) fn file(&self, field: &str) -> Option<&FormFile> {
        self.files.iter().find(|file| file.field == field)
    }

    /// A caller asks how far a batch is; that may be what ends it.
    pub(super) fn poll(&self, dialect: Dialect, id: &str) {
        if let Some(job) = self.shared.store.lock().jobs(dialect).get_mut(id) {
            job.poll();
        }
        jobs::advance(self.shared);
    }

    /// Text and tools of a request in tokens: never more than the bytes they came in.
    pub(super) fn input_tokens(&self, parts: &[Option<&Prompt>]) -> u64 {
        let tokens: u64 = parts.iter().flatten().map(|part| part.tokens()).sum();
        (tokens + INPUT_OVERHEAD_TOKENS).min(self.body_bytes)
    }

    pub(super) fn plan(&self, ask: &Ask) -> Plan {
        let choices = ask.choices.max(1);
        let units = &self.directives.units;
        let hidden = units.reasoning + units.audio_output + units.image_output;
        let wanted = self
            .directives
            .output
            .unwrap_or(OUTPUT_TOKENS.max(hidden + 1));
        let cap = if self.directives.has(Flag::IgnoreCap) {
            None
        } else {
            ask.cap
        };
        let output = wanted
            .min(cap.unwrap_or(u64::MAX))
            .min(ANSWER_TOKENS_MAX / choices);
        // A low cap leaves no room for text: the rest comes first.
        let each = BilledTokens {
            output: wanted.max(hidden),
            reasoning: units.reasoning,
            audio_output: units.audio_output,
            image_output: units.image_output,
            ..BilledTokens::default()
        }
        .until(output);
        let visible = output - each.reasoning - each.audio_output - each.image_output;
        Plan {
            choices,
            truncated: output < wanted,
            billed: BilledTokens {
                output: output * choices,
                reasoning: each.reasoning * choices,
                audio_output: each.audio_output * choices,
                image_output: each.image_output * choices,
                web_search_calls: units.searches,
                ..self.input_with(ask.input, ask.cached)
            },
            usage: !self.directives.has(Flag::NoUsage),
            visible,
            chunks: self
                .directives
                .chunks
                .unwrap_or(CHUNKS)
                .clamp(1, visible.max(1)),
        }
    }

    /// The input with its parts. A directive may ask for more than the request's own text
    /// amounts to, but unless it also sets the input, never for more than the bytes sent.
    pub(super) fn input(&self, counted: u64) -> BilledTokens {
        self.input_with(counted, 0)
    }

    fn input_with(&self, counted: u64, cached: u64) -> BilledTokens {
        let units = &self.directives.units;
        let cached = cached + units.cached;
        let parts = cached
            + units.cache_write
            + units.cache_write_1h
            + units.audio_input
            + units.image_input;
        let raised = counted.max(parts.min(self.body_bytes));
        let input = self.directives.input.unwrap_or(raised);
        let mut left = input;
        let mut take = |part: u64| {
            let taken = part.min(left);
            left -= taken;
            taken
        };
        BilledTokens {
            input,
            cached_input: take(cached),
            cache_write: take(units.cache_write),
            cache_write_1h: take(units.cache_write_1h),
            audio_input: take(units.audio_input),
            image_input: take(units.image_input),
            ..BilledTokens::default()
        }
    }

    /// The tier that serves the call: a directive's, else the provider's name for the one asked.
    pub(super) fn tier(&self, served: &str) -> String {
        self.directives
            .tier
            .clone()
            .unwrap_or_else(|| served.to_owned())
    }
}

impl Plan {
    /// The output that precedes all text: reasoning, pictures and sound.
    pub(super) fn hidden(&self) -> u64 {
        self.billed.output - self.visible * self.choices
    }

    /// Sizes of the pieces in which each choice's text is streamed, as runs of equal ones
    /// (tokens, times), so that equal events are built once.
    pub(super) fn runs(&self) -> [(u64, u64); 2] {
        let (size, larger) = (self.visible / self.chunks, self.visible % self.chunks);
        let smaller = if size == 0 { 0 } else { self.chunks - larger };
        [(size + 1, larger), (size, smaller)]
    }

    /// The same pieces one by one.
    pub(super) fn pieces(&self) -> impl Iterator<Item = u64> {
        self.runs()
            .into_iter()
            .flat_map(|(size, times)| (0..times).map(move |_| size))
    }
}

/// Text of so many tokens.
pub(super) fn words(tokens: u64) -> String {
    WORD.repeat(usize::try_from(tokens).unwrap_or_default())
}

/// Sets a member of an object.
pub(super) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// A JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
