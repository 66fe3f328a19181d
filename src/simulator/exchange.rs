//! What every dialect shares: the request at hand, the plan of how many tokens its answer takes,
//! and the answer as ready bytes.

use axum::body::Bytes;

use super::directives::{Directives, Flag};
use super::prompt::Prompt;
use super::record::BilledTokens;

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
    pub(super) body: &'a str,
    pub(super) directives: &'a Directives,
    /// Distinguishes this call's ids from every other's.
    pub(super) sequence: u64,
    /// Unix seconds.
    pub(super) created: u64,
}

/// What a request says about the size of its answer.
pub(super) struct Ask {
    pub(super) input: u64,
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
    Whole(String),
    Stream(Vec<Frame>),
}

/// An answer, ready to be sent.
pub(super) struct Answer {
    pub(super) payload: Payload,
    pub(super) content_type: &'static str,
    /// Gemini names the tier in a header.
    pub(super) tier: Option<String>,
    pub(super) model: String,
    pub(super) billed: BilledTokens,
}

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";

impl Answer {
    pub(super) fn json(model: &str, billed: BilledTokens, body: String) -> Self {
        Self {
            payload: Payload::Whole(body),
            content_type: JSON,
            tier: None,
            model: model.to_owned(),
            billed,
        }
    }

    pub(super) fn events(model: &str, billed: BilledTokens, frames: Vec<Frame>) -> Self {
        Self {
            payload: Payload::Stream(frames),
            content_type: EVENTS,
            tier: None,
            model: model.to_owned(),
            billed,
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self.payload, Payload::Stream(_))
    }
}

impl Exchange<'_> {
    /// Text and tools of a request in tokens: never more than the bytes they came in.
    pub(super) fn input_tokens(&self, parts: &[Option<&Prompt>]) -> u64 {
        let tokens: u64 = parts.iter().flatten().map(|part| part.tokens()).sum();
        (tokens + INPUT_OVERHEAD_TOKENS).min(self.body.len() as u64)
    }

    pub(super) fn plan(&self, ask: &Ask) -> Plan {
        let choices = ask.choices.max(1);
        let wanted = self
            .directives
            .output
            .unwrap_or(OUTPUT_TOKENS.max(self.directives.reasoning + 1));
        let cap = if self.directives.has(Flag::IgnoreCap) {
            None
        } else {
            ask.cap
        };
        let output = wanted
            .min(cap.unwrap_or(u64::MAX))
            .min(ANSWER_TOKENS_MAX / choices);
        // Reasoning comes first: a low cap leaves no room for text.
        let reasoning = self.directives.reasoning.min(output);
        let visible = output - reasoning;
        Plan {
            choices,
            truncated: output < wanted,
            billed: BilledTokens {
                output: output * choices,
                reasoning: reasoning * choices,
                ..self.input(ask.input)
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

    /// The input with its cached parts. A directive may ask for more than the request's own text
    /// amounts to, but unless it also sets the input, never for more than the bytes sent.
    pub(super) fn input(&self, counted: u64) -> BilledTokens {
        let asked = self.directives;
        let raised = counted.max((asked.cached + asked.cache_write).min(self.body.len() as u64));
        let input = asked.input.unwrap_or(raised);
        let cached_input = asked.cached.min(input);
        let cache_write = asked.cache_write.min(input - cached_input);
        BilledTokens {
            input,
            cached_input,
            cache_write,
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

/// A JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
