//! Reads what an answer of Anthropic used. Cached tokens are beside the input that it reports. In a
//! stream the first event has the input and each later usage replaces what it repeats.

use serde::Deserialize;

use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, ErrorBody, Reported, Seen, Strings};
use crate::providers::json::{Member, Text};

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage<'a> {
    input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Option<CacheCreation>,
    output_tokens: Count,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerToolUse>,
    #[serde(borrow)]
    service_tier: Member<'a>,
    #[serde(borrow)]
    inference_geo: Member<'a>,
    #[serde(borrow)]
    speed: Member<'a>,
}

impl Usage<'_> {
    /// Whether every token costs a multiple of its price that the price book does not have: in one
    /// region a tenth more, which a workspace may be set to, and fast more still.
    fn has_multiplier(&self) -> bool {
        let is_usual = |member: Member<'_>, usual: &[&str]| {
            member.written().is_none_or(|text| usual.contains(&text))
        };
        let is_global = is_usual(self.inference_geo, &["\"global\"", "\"not_available\""]);
        !(is_global && is_usual(self.speed, &["\"standard\""]))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct OutputDetails {
    thinking_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct ServerToolUse {
    web_search_requests: Count,
}

/// Every count that was reported, the latest of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    input: Count,
    cache_write: Count,
    cache_write_5m: Count,
    cache_write_1h: Count,
    cached: Count,
    output: Count,
    thinking: Count,
    web_searches: Count,
    has_multiplier: bool,
    /// The model thinks, and what is shown of it may be a summary.
    pub(crate) has_thought: bool,
    /// The block that has begun and not ended.
    pub(crate) open_block: Option<u64>,
}

impl Counts {
    fn update(&mut self, usage: &Usage<'_>) {
        let split = usage.cache_creation.unwrap_or_default();
        let details = usage.output_tokens_details.unwrap_or_default();
        let tools = usage.server_tool_use.unwrap_or_default();
        self.input = usage.input_tokens.or(self.input);
        self.cache_write = usage.cache_creation_input_tokens.or(self.cache_write);
        self.cache_write_5m = split.ephemeral_5m_input_tokens.or(self.cache_write_5m);
        self.cache_write_1h = split.ephemeral_1h_input_tokens.or(self.cache_write_1h);
        self.cached = usage.cache_read_input_tokens.or(self.cached);
        self.output = usage.output_tokens.or(self.output);
        self.thinking = details.thinking_tokens.or(self.thinking);
        self.web_searches = tools.web_search_requests.or(self.web_searches);
        self.has_multiplier |= usage.has_multiplier();
    }

    fn normalised(&self) -> Reported {
        let split = self.cache_write_5m.plus(self.cache_write_1h);
        let mut writes = Division::of(self.cache_write.or(split));
        let cache_write_1h = writes.take(self.cache_write_1h);
        let (cache_write, writes_exact) = writes.rest();
        let mut output = Division::of(self.output);
        let reasoning_output = output.take(self.thinking);
        let (plain_output, output_exact) = output.rest();
        let inputs = self.input.plus(self.cached).plus(self.cache_write);
        Reported {
            usage: TokenUsage {
                input: self.input.or_zero(),
                cached_input: self.cached.or_zero(),
                cache_write,
                cache_write_1h,
                output: plain_output,
                reasoning_output,
                web_search_calls: self.web_searches.or_zero(),
                ..TokenUsage::default()
            },
            knows_input: self.input != Count::Missing && inputs != Count::Impossible,
            knows_output: matches!(self.output, Count::Known(_)),
            is_exact: writes_exact
                && output_exact
                && self.web_searches != Count::Impossible
                && !self.has_multiplier,
        }
    }
}

/// Takes in the next usage of an answer: all that it has used so far.
pub(crate) fn usage_after(counts: &mut Counts, usage: Member<'_>) -> Option<Reported> {
    let usage = usage.parsed::<Usage<'_>>("usage").ok()??;
    counts.update(&usage);
    Some(counts.normalised())
}

fn note_usage(seen: &mut Seen, counts: &mut Counts, usage: Member<'_>) {
    let Ok(Some(usage)) = usage.parsed::<Usage<'_>>("usage") else {
        return;
    };
    counts.update(&usage);
    seen.reported = Some(counts.normalised());
    let tier = usage.service_tier.text("service_tier").ok().flatten();
    seen.tier = tier.and_then(|tier| tier.parse().ok()).or(seen.tier);
}

/// A whole message, or the beginning of a streamed one.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Message<'a> {
    #[serde(default, borrow)]
    model: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    content: Strings<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    index: Count,
    #[serde(default, borrow)]
    content_block: Option<Block<'a>>,
    #[serde(default, borrow)]
    delta: Strings<'a>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Block<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Stop<'a> {
    #[serde(default, borrow)]
    stop_reason: Member<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct MessageDelta<'a> {
    #[serde(borrow)]
    delta: Stop<'a>,
}

/// Only `message_stop` comes after it.
fn says_why_it_stops(data: &[u8]) -> bool {
    let event = serde_json::from_slice::<MessageDelta<'_>>(data);
    event.is_ok_and(|event| event.delta.stop_reason.is_set())
}

/// Reads one event of a stream.
pub(crate) fn read_event(seen: &mut Seen, counts: &mut Counts, data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
        return;
    };
    seen.note_error(event.error.as_ref());
    if let Some(message) = &event.message {
        seen.note_model(message.model.as_deref());
        note_usage(seen, counts, message.usage);
    }
    note_usage(seen, counts, event.usage);
    let index = event.index.or_zero();
    seen.add_text(index, &event.delta);
    let block = event.content_block.and_then(|block| block.kind);
    counts.has_thought |= matches!(block.as_deref(), Some("thinking" | "redacted_thinking"));
    match event.kind.as_deref() {
        Some("content_block_start") => counts.open_block = Some(index),
        Some("content_block_stop") => counts.open_block = None,
        Some("message_delta") if says_why_it_stops(data) => seen.note_finished(0),
        Some("message_stop") => {
            seen.is_complete = true;
            seen.has_ended = true;
        }
        Some(_) | None => {}
    }
}

/// Reads a whole answer; whether it could be read.
pub(crate) fn read_document(seen: &mut Seen, body: &[u8]) -> bool {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else {
        return false;
    };
    seen.note_model(message.model.as_deref());
    note_usage(seen, &mut Counts::default(), message.usage);
    seen.add_text(0, &message.content);
    true
}
