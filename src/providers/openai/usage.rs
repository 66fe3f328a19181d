//! Reads the usage that `OpenAI` reports. Cached tokens are inside the input that it reports,
//! reasoning tokens inside the output.

use serde::Deserialize;

use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, Reported};

/// What the output of an endpoint is where its usage does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Text.
    #[default]
    Text,
    /// Images.
    Images,
    /// Sound.
    Speech,
}

/// What a usage says; nothing if it is none.
pub(crate) fn reported(usage: &[u8], shape: Shape) -> Option<Reported> {
    let usage: Usage = serde_json::from_slice(usage).ok()?;
    Some(normalised(&usage, shape))
}

/// Usage of chat (`prompt`, `completion`), and of everything else (`input`, `output`). Accepted and
/// rejected predictions are inside the completion and cost the same. A transcript that is billed by its
/// length has `seconds` instead, which no price is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Count,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    total_tokens: Count,
    #[serde(alias = "input_tokens_details", alias = "input_token_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details", alias = "output_token_details")]
    completion_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    text_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
    cached_tokens_details: Option<CachedDetails>,
}

/// What the cached tokens were, which Realtime tells.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct CachedDetails {
    audio_tokens: Count,
    image_tokens: Count,
}

impl Details {
    /// Tokens of one kind that were not read from the cache.
    fn uncached(kind: Count, cached: Count) -> Count {
        match kind {
            Count::Known(count) => Count::Known(count.saturating_sub(cached.or_zero())),
            Count::Missing | Count::Impossible => kind,
        }
    }
}

fn normalised(usage: &Usage, shape: Shape) -> Reported {
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let cached = details.cached_tokens_details.unwrap_or_default();
    let mut input = Division::of(usage.prompt_tokens);
    let audio_input = input.take(Details::uncached(details.audio_tokens, cached.audio_tokens));
    let image_input = input.take(Details::uncached(details.image_tokens, cached.image_tokens));
    let cache_write = input.take(details.cache_write_tokens);
    let cached_input = input.take(details.cached_tokens);
    let (plain_input, input_exact) = input.rest();
    let output = Output::of(usage, shape);
    let mut reported = Reported {
        usage: TokenUsage {
            input: plain_input,
            cached_input,
            cache_write,
            output: output.text,
            reasoning_output: output.reasoning,
            audio_input,
            audio_output: output.audio,
            image_input,
            image_output: output.image,
            ..TokenUsage::default()
        },
        knows_input: matches!(usage.prompt_tokens, Count::Known(_)),
        knows_output: matches!(usage.completion_tokens, Count::Known(_)),
        is_exact: input_exact && output.is_exact && usage.total_tokens != Count::Impossible,
    };
    add_unexplained(&mut reported, usage.total_tokens);
    reported
}

/// The output by kinds.
#[derive(Debug)]
struct Output {
    text: u64,
    reasoning: u64,
    audio: u64,
    image: u64,
    is_exact: bool,
}

impl Output {
    fn of(usage: &Usage, shape: Shape) -> Self {
        let details = usage.completion_tokens_details.unwrap_or_default();
        let mut whole = Division::of(usage.completion_tokens);
        let audio = whole.take(details.audio_tokens);
        let image = whole.take(details.image_tokens);
        let reasoning = whole.take(details.reasoning_tokens);
        // What is named nothing else is what the endpoint makes.
        let text = match shape {
            Shape::Text => 0,
            Shape::Images | Shape::Speech => whole.take(details.text_tokens),
        };
        let (rest, is_exact) = whole.rest();
        let (text, audio, image) = match shape {
            Shape::Text => (rest, audio, image),
            Shape::Images => (text, audio, image.saturating_add(rest)),
            Shape::Speech => (text, audio.saturating_add(rest), image),
        };
        Self {
            text,
            reasoning,
            audio,
            image,
            is_exact,
        }
    }
}

/// A total that is more than its parts has output in it that was not told. Google's answers in these words
/// leave the model's thoughts out of the completion and not out of the total.
fn add_unexplained(reported: &mut Reported, total: Count) {
    if !reported.knows_input || !reported.knows_output {
        return;
    }
    let usage = &mut reported.usage;
    let explained = usage.input_total().saturating_add(usage.output_total());
    let more = total.or_zero().saturating_sub(explained);
    if more > 0 {
        usage.reasoning_output = usage.reasoning_output.saturating_add(more);
        reported.is_exact = false;
    }
}
