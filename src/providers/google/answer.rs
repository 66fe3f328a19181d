//! Reads what an answer of Google used. Cached tokens are inside the prompt that it reports,
//! thoughts and the results of tools beside what they belong to. Counts of zero are left out. In a
//! stream each usage replaces the one before.

use serde::Deserialize;

use crate::domain::id::ModelName;
use crate::domain::pricing::Tier;
use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, ErrorBody, Reported, Seen, Strings};
use crate::providers::json::{Member, Text};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct Usage<'a> {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
    total_token_count: Count,
    /// Embeddings have the same under another name.
    #[serde(borrow, alias = "promptTokenDetails")]
    prompt_tokens_details: Details<'a>,
    #[serde(borrow)]
    cache_tokens_details: Details<'a>,
    #[serde(borrow)]
    tool_use_prompt_tokens_details: Details<'a>,
    #[serde(borrow)]
    candidates_tokens_details: Details<'a>,
    #[serde(borrow)]
    traffic_type: Option<Text<'a>>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details<'a>(#[serde(borrow)] Option<Vec<ModalityCount<'a>>>);

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct ModalityCount<'a> {
    #[serde(borrow)]
    modality: Option<Text<'a>>,
    token_count: Count,
}

impl Details<'_> {
    fn of(&self, modality: &str) -> Count {
        let counts = self.0.iter().flatten();
        counts
            .filter(|count| count.modality.as_deref() == Some(modality))
            .fold(Count::Missing, |total, count| total.plus(count.token_count))
    }
}

/// Sound that was read from the cache costs more than text that was, and the price book has one price for
/// both: it is charged as sound that was not.
fn normalised(usage: &Usage<'_>) -> Reported {
    let prompt = usage.prompt_token_count;
    let mut input = Division::of(prompt.plus(usage.tool_use_prompt_token_count));
    let cached_audio = usage.cache_tokens_details.of("AUDIO").or_zero();
    let audio_input = input.take(of_prompt(usage, "AUDIO"));
    let cached_input = input.take(without(usage.cached_content_token_count, cached_audio));
    let image_input = input.take(without(
        of_prompt(usage, "IMAGE"),
        usage.cache_tokens_details.of("IMAGE").or_zero(),
    ));
    let (plain_input, input_exact) = input.rest();
    let mut output = Division::of(usage.candidates_token_count);
    let audio_output = output.take(usage.candidates_tokens_details.of("AUDIO"));
    let image_output = output.take(usage.candidates_tokens_details.of("IMAGE"));
    let (plain_output, output_exact) = output.rest();
    let mut reported = Reported {
        usage: TokenUsage {
            input: plain_input,
            cached_input,
            output: plain_output,
            reasoning_output: usage.thoughts_token_count.or_zero(),
            audio_input,
            audio_output,
            image_input,
            image_output,
            ..TokenUsage::default()
        },
        knows_input: matches!(prompt, Count::Known(_)),
        knows_output: usage
            .candidates_token_count
            .plus(usage.thoughts_token_count)
            != Count::Impossible,
        is_exact: input_exact
            && output_exact
            && usage.total_token_count != Count::Impossible
            && cached_audio == 0,
    };
    add_unexplained(&mut reported, usage.total_token_count);
    reported
}

/// The tokens of one kind in the prompt and in what tools added to it.
fn of_prompt(usage: &Usage<'_>, modality: &str) -> Count {
    let own = usage.prompt_tokens_details.of(modality);
    own.plus(usage.tool_use_prompt_tokens_details.of(modality))
}

fn without(count: Count, part: u64) -> Count {
    match count {
        Count::Known(count) => Count::Known(count.saturating_sub(part)),
        other @ (Count::Missing | Count::Impossible) => other,
    }
}

/// A total that is more than its parts has output in it that was not told: it is charged.
fn add_unexplained(reported: &mut Reported, total: Count) {
    let usage = &mut reported.usage;
    let explained = usage.input_total().saturating_add(usage.output_total());
    let more = total.or_zero().saturating_sub(explained);
    if more > 0 {
        usage.reasoning_output = usage.reasoning_output.saturating_add(more);
        reported.is_exact = false;
    }
}

/// What a usage says that was used.
pub(crate) fn usage_in(usage: Member<'_>) -> Option<Reported> {
    let usage = usage.parsed::<Usage<'_>>("usageMetadata").ok()??;
    Some(normalised(&usage))
}

/// A chunk of a stream, or the whole answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Answer<'a> {
    #[serde(default, borrow)]
    model_version: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage_metadata: Member<'a>,
    #[serde(default, borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(default, borrow)]
    prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Candidate<'a> {
    #[serde(default)]
    index: Count,
    #[serde(default, borrow)]
    content: Strings<'a>,
    #[serde(default, borrow)]
    finish_reason: Member<'a>,
    #[serde(default, borrow)]
    grounding_metadata: Option<Grounding<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Grounding<'a> {
    #[serde(default, borrow)]
    web_search_queries: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct PromptFeedback<'a> {
    #[serde(default, borrow)]
    block_reason: Member<'a>,
}

/// Reads a chunk of a stream or a whole answer; whether it could be read.
pub(crate) fn read(seen: &mut Seen, body: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) else {
        return false;
    };
    seen.note_model(answer.model_version.as_deref());
    seen.note_error(answer.error.as_ref());
    if let Ok(Some(usage)) = answer.usage_metadata.parsed::<Usage<'_>>("usageMetadata") {
        seen.reported = Some(normalised(&usage));
        seen.tier = served_tier(&usage).or(seen.tier);
    }
    for candidate in answer.candidates.iter().flatten() {
        let index = candidate.index.or_zero();
        seen.add_text(index, &candidate.content);
        if candidate.finish_reason.is_set() {
            seen.is_complete = true;
            seen.note_finished(index);
        }
        note_searches(seen, candidate);
    }
    let feedback = answer.prompt_feedback.as_ref();
    seen.is_complete |= feedback.is_some_and(|feedback| feedback.block_reason.is_set());
    true
}

/// An embedding as a batch has it. Its count is a 64-bit integer, which is written as a text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Embedded<'a> {
    #[serde(default, borrow)]
    usage_metadata: Member<'a>,
    #[serde(default, borrow, alias = "token_count")]
    token_count: Member<'a>,
}

/// Reads an embedding, made at once or in a batch; whether it could be read.
pub(crate) fn read_embedding(seen: &mut Seen, body: &[u8]) -> bool {
    let Ok(embedded) = serde_json::from_slice::<Embedded<'_>>(body) else {
        return false;
    };
    if embedded.usage_metadata.is_set() || !embedded.token_count.is_set() {
        return read(seen, body);
    }
    let written = embedded.token_count.written().unwrap_or_default();
    let digits = written.trim_matches('"');
    let count: Count = serde_json::from_str(digits).unwrap_or(Count::Impossible);
    seen.reported = Some(Reported {
        usage: TokenUsage {
            input: count.or_zero(),
            ..TokenUsage::default()
        },
        knows_input: matches!(count, Count::Known(_)),
        knows_output: true,
        is_exact: true,
    });
    true
}

fn served_tier(usage: &Usage<'_>) -> Option<Tier> {
    match usage.traffic_type.as_deref() {
        Some("ON_DEMAND") => Some(Tier::Standard),
        Some("ON_DEMAND_FLEX") => Some(Tier::Flex),
        Some("ON_DEMAND_PRIORITY") => Some(Tier::Priority),
        Some(_) | None => usage.service_tier.as_deref().and_then(tier_named),
    }
}

/// The tier that a field or a header names.
pub(crate) fn tier_named(name: &str) -> Option<Tier> {
    name.to_ascii_lowercase().parse().ok()
}

/// Older models are billed for a grounded answer, newer ones for each query.
fn note_searches(seen: &mut Seen, candidate: &Candidate<'_>) {
    let grounding = candidate.grounding_metadata.as_ref();
    let queries = grounding
        .and_then(|grounding| grounding.web_search_queries.as_ref())
        .map_or(0, |queries| {
            queries.iter().filter(|query| !query.is_empty()).count()
        });
    let queries = u64::try_from(queries).unwrap_or(u64::MAX);
    let model = seen
        .model
        .as_ref()
        .map(ModelName::as_str)
        .unwrap_or_default();
    let is_per_answer = model.starts_with("gemini-2") || model.starts_with("gemini-1");
    let searches = if is_per_answer {
        queries.min(1)
    } else {
        queries
    };
    seen.web_searches = seen.web_searches.max(searches);
}
