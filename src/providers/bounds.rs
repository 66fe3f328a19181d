//! The most that a request can use, before it is sent: what its worst-case price is computed from.
//!
//! No token is shorter than a byte of text, so the length of the body bounds its text whatever the
//! tokeniser. What is not text has the documented maximum of its kind, or, where there is none, the
//! model's whole context window.

use crate::domain::denial::Denial;
use crate::domain::pricing::{ModelPrice, Tier, UsageBound};
use crate::providers::call::{Call, RequestedTier};
use crate::providers::endpoints::Operation;

/// What a provider adds to any request beyond its text: role marks, the start of the answer.
const TEMPLATE_TOKENS: u64 = 64;

/// How many bytes of text are likely to be a token.
const BYTES_PER_TOKEN_LIKELY: u64 = 4;

/// Why no bound can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbounded {
    /// Only the context window bounds the input, and it is not published.
    #[error("input that is not in the request, for a model whose context window is not published")]
    NoWindow,
    /// A tool of the provider may read the context again and again.
    #[error("a tool that the provider runs any number of times; limit its calls")]
    ServerTools,
    /// Neither the request nor the price book limits the answer, and nothing can be put in.
    #[error("an answer without a limit, for a model whose longest answer is not published")]
    NoOutputCap,
    /// More than the window that the price book knows.
    #[error("a longer context than the one that the model has a price for")]
    LongContext,
    /// What is made has no length that can be limited, and its most is not published.
    #[error("an answer whose most tokens are not published; add them to the model's price")]
    NoOutputMax,
}

/// The most input tokens of a request.
pub fn input_bound(call: &Call, price: &ModelPrice) -> Result<u64, Unbounded> {
    within_window(call, price, text_bound(call))
}

/// The same from an exact count of the text, for requests that do not fit by their length.
pub fn counted_input_bound(
    call: &Call,
    price: &ModelPrice,
    text_tokens: u64,
) -> Result<u64, Unbounded> {
    let counted = text_tokens.saturating_add(beside_text(call));
    within_window(call, price, counted.min(text_bound(call)))
}

/// How many input tokens a request is likely to have; what is not in it is not counted.
pub fn likely_input(call: &Call) -> u64 {
    let text = call.input.body_bytes.div_ceil(BYTES_PER_TOKEN_LIKELY);
    text.saturating_add(beside_text(call))
}

fn text_bound(call: &Call) -> u64 {
    call.input.body_bytes.saturating_add(beside_text(call))
}

fn beside_text(call: &Call) -> u64 {
    let input = &call.input;
    input
        .image_tokens
        .saturating_add(input.sound_tokens)
        .saturating_add(input.hidden_tokens)
        .saturating_add(TEMPLATE_TOKENS)
}

fn within_window(call: &Call, price: &ModelPrice, tokens: u64) -> Result<u64, Unbounded> {
    let input = &call.input;
    let window = price
        .input_tokens_max
        .map(|window| window.saturating_mul(input.sequences));
    if input.has_long_context && window.is_none_or(|window| tokens > window) {
        return Err(Unbounded::LongContext);
    }
    let calls = input
        .server_tool_calls
        .max()
        .ok_or(Unbounded::ServerTools)?;
    if !input.has_unbounded_input && calls == 0 {
        return Ok(window.map_or(tokens, |window| tokens.min(window)));
    }
    // What a tool found is read together with everything before it.
    let window = window.ok_or(Unbounded::NoWindow)?;
    Ok(window.saturating_mul(calls.saturating_add(1)))
}

/// The most output tokens of a request under a cap of its own or one that is put in; `None` when
/// neither a cap nor the model's maximum is known.
pub fn output_bound(call: &Call, price: &ModelPrice, put_in: Option<u64>) -> Option<u64> {
    if !has_output(call.operation) {
        return Some(0);
    }
    let cap = match (call.output_cap, put_in) {
        (Some(own), Some(put_in)) => Some(own.min(put_in)),
        (own, put_in) => own.or(put_in),
    };
    cap.or(price.output_tokens_max)
        .map(|tokens| tokens.saturating_mul(call.choices))
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Nothing that is billed.
    Nothing,
    /// Text of which a request can say how long it may be.
    Text,
    /// Text that is as long as what was said.
    Transcript,
    /// Images, sound or what is encrypted: its tokens cannot be seen in it.
    Media,
}

/// What the answer of an endpoint is made of.
pub fn output_kind(operation: Operation) -> OutputKind {
    match operation {
        Operation::ChatCompletions
        | Operation::Responses
        | Operation::Completions
        | Operation::Messages
        | Operation::GenerateContent
        | Operation::StreamGenerateContent
        | Operation::Realtime => OutputKind::Text,
        Operation::Transcriptions => OutputKind::Transcript,
        Operation::Images | Operation::Speech | Operation::Compaction => OutputKind::Media,
        Operation::Embeddings
        | Operation::Moderations
        | Operation::CountTokens
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::CacheContents
        | Operation::Models
        | Operation::Object
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Unmetered => OutputKind::Nothing,
    }
}

/// Whether an answer has output tokens.
pub fn has_output(operation: Operation) -> bool {
    output_kind(operation) != OutputKind::Nothing
}

/// Whether a cap can be put on the output tokens of an answer.
pub fn takes_cap(operation: Operation) -> bool {
    output_kind(operation) == OutputKind::Text
}

/// Everything of the bound but the output: the cap decides that.
pub fn usage_bound(call: &Call, input_tokens: u64) -> Result<UsageBound, Unbounded> {
    let web_search_calls = call.input.web_search_calls.max();
    let kept = call.cache_term.map(|term| term.bound(input_tokens));
    let (input_tokens, cache_storage_token_seconds) = kept.unwrap_or((input_tokens, 0));
    Ok(UsageBound {
        input_tokens,
        cache_storage_token_seconds,
        output_tokens: 0,
        web_search_calls: web_search_calls.ok_or(Unbounded::ServerTools)?,
    })
}

/// Refuses what has no price: features, tiers and kinds of units that the price book does not
/// know. For requests that a budget applies to.
pub fn check_priced(call: &Call, price: &ModelPrice) -> Result<(), Denial> {
    let refuse = |what: String| Err(Denial::Unpriced { what });
    if let Some(feature) = call.unpriced.first() {
        return refuse((*feature).to_owned());
    }
    if call.tier == RequestedTier::Unknown {
        return refuse("this service tier".to_owned());
    }
    let asked = match call.tier {
        RequestedTier::Standard | RequestedTier::Auto | RequestedTier::Unknown => Tier::Standard,
        RequestedTier::Flex => Tier::Flex,
        RequestedTier::Batch => Tier::Batch,
        RequestedTier::Priority => Tier::Priority,
    };
    if !price.has_tier(asked) {
        return refuse(format!("the {} tier of {}", asked.as_str(), price.model));
    }
    let tiers = call
        .tier
        .may_serve()
        .iter()
        .filter(|tier| price.has_tier(**tier));
    for tier in tiers {
        if let Some(kind) = call
            .needs
            .iter()
            .find(|kind| !price.prices_kind(*tier, **kind))
        {
            return refuse(format!("{} of {}", kind.as_str(), price.model));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
