//! Reads the usage that `OpenAI` reports. Cached tokens are inside the input that it reports,
//! reasoning tokens inside the output.

use serde::Deserialize;

use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, Reported};

/// What a usage says; nothing if it is none.
pub(super) fn reported(usage: &[u8]) -> Option<Reported> {
    let usage: Usage = serde_json::from_slice(usage).ok()?;
    Some(normalised(&usage))
}

/// Usage of chat (`prompt`, `completion`) and of responses (`input`, `output`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Count,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
}

fn normalised(usage: &Usage) -> Reported {
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let mut input = Division::of(usage.prompt_tokens);
    let audio_input = input.take(details.audio_tokens);
    let image_input = input.take(details.image_tokens);
    let cache_write = input.take(details.cache_write_tokens);
    let cached_input = input.take(details.cached_tokens);
    let (plain_input, input_exact) = input.rest();
    let details = usage.completion_tokens_details.unwrap_or_default();
    let mut output = Division::of(usage.completion_tokens);
    let audio_output = output.take(details.audio_tokens);
    let image_output = output.take(details.image_tokens);
    let reasoning_output = output.take(details.reasoning_tokens);
    let (plain_output, output_exact) = output.rest();
    Reported {
        usage: TokenUsage {
            input: plain_input,
            cached_input,
            cache_write,
            output: plain_output,
            reasoning_output,
            audio_input,
            audio_output,
            image_input,
            image_output,
            ..TokenUsage::default()
        },
        knows_input: matches!(usage.prompt_tokens, Count::Known(_)),
        knows_output: matches!(usage.completion_tokens, Count::Known(_)),
        is_exact: input_exact && output_exact,
    }
}
