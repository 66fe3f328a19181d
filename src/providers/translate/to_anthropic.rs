//! Says a request in Anthropic's words.

use std::borrow::Cow;

use crate::domain::denial::BadRequest;
use crate::providers::translate::Target;
use crate::providers::translate::given::{Given, NOT_POSSIBLE, refuse};
use crate::providers::translate::node::{Node, Object};
use crate::providers::translate::prompt::{
    At, Call, Effort, Format, Media, Outcome, Part, Prompt, Reasoning, Role, Seal, Source, Tier,
    Tool, ToolChoice,
};

/// The cap where the caller has none and the model's maximum is not known: the API asks for one.
const OUTPUT_CAP_DEFAULT: u64 = 4_096;
/// The smallest budget of thought that the API takes.
const THINKING_TOKENS_MIN: u64 = 1_024;
/// The highest temperature: `OpenAI`'s scale goes further.
const TEMPERATURE_MAX: f64 = 1.0;

/// The body of a request to `/v1/messages`.
pub(super) fn write<'a>(
    prompt: &'a Prompt<'a>,
    target: &Target<'a>,
) -> Result<Object<'a>, BadRequest> {
    refuse_impossible(prompt)?;
    let cap = cap(prompt, target);
    let thinking = Thinking::of(&prompt.reasoning, target.model, &cap)?;
    let mut body = Object::of("model", target.model)
        .with("max_tokens", cap.value)
        .with("messages", messages(prompt)?);
    if !prompt.system.is_empty() {
        let texts = prompt.system.iter().map(|text| text_block(text).into());
        body.put("system", texts.collect::<Vec<_>>());
    }
    body.put("stream", prompt.streamed);
    if !prompt.tools.is_empty() {
        body.put("tools", prompt.tools.iter().map(tool).collect::<Vec<_>>());
    }
    let sampling = &prompt.sampling;
    let raw = |given: &'a Option<_>| given.as_ref().map(Given::raw);
    let body = body
        .with_some("tool_choice", tool_choice(prompt))
        .with_some("temperature", raw(&sampling.temperature))
        .with_some("top_p", raw(&sampling.top_p))
        .with_some("stop_sequences", stop_sequences(prompt))
        .with_some("service_tier", service_tier(prompt)?)
        .with_some("output_config", output_config(prompt, thinking.effort)?)
        .with_some("thinking", thinking.config);
    Ok(body)
}

fn refuse_impossible(prompt: &Prompt<'_>) -> Result<(), BadRequest> {
    if let Some(choices) = prompt.choices.as_ref().filter(|choices| choices.value > 1) {
        return Err(refuse(
            choices.place.as_str(),
            "must be 1 for this model: its provider gives one answer to a request.",
        ));
    }
    let sampling = &prompt.sampling;
    if let Some(seed) = &sampling.seed {
        return Err(seed.not_possible());
    }
    for penalty in [&sampling.frequency_penalty, &sampling.presence_penalty] {
        if let Some(penalty) = penalty
            && penalty.number()? != 0.0
        {
            return Err(penalty.not_possible());
        }
    }
    if let Some(temperature) = &sampling.temperature
        && temperature.number()? > TEMPERATURE_MAX
    {
        return Err(temperature.refuse("must be at most 1 for this model."));
    }
    Ok(())
}

/// The caller's cap, or the most that the model can.
fn cap(prompt: &Prompt<'_>, target: &Target<'_>) -> At<u64> {
    prompt.output_cap.clone().unwrap_or_else(|| {
        let most = target.output_tokens_max.unwrap_or(OUTPUT_CAP_DEFAULT);
        At::new(most, "max_tokens")
    })
}

fn messages<'a>(prompt: &'a Prompt<'a>) -> Result<Vec<Node<'a>>, BadRequest> {
    let mut messages = Vec::new();
    for turn in &prompt.turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let (results, rest): (Vec<_>, Vec<_>) = turn
            .parts
            .iter()
            .partition(|part| matches!(part, Part::Outcome(_)));
        // What tools answered must come first.
        let blocks: Result<Vec<Node<'a>>, _> = results.into_iter().chain(rest).map(block).collect();
        messages.push(Object::of("role", role).with("content", blocks?).into());
    }
    Ok(messages)
}

fn text_block(text: &str) -> Object<'_> {
    Object::typed("text").with("text", text)
}

fn block<'a>(part: &'a Part<'a>) -> Result<Node<'a>, BadRequest> {
    Ok(match part {
        Part::Text(text) => text_block(text).into(),
        Part::Media(media) => media_block(media)?.into(),
        Part::Call(call) => call_block(call).into(),
        Part::Outcome(outcome) => outcome_block(outcome)?.into(),
        Part::Thought { text, seal } => thought_block(text, seal)?.into(),
    })
}

fn media_block<'a>(media: &'a Media<'a>) -> Result<Object<'a>, BadRequest> {
    match &media.source {
        Source::Address(url) => {
            let source = Object::typed("url").with("url", &**url);
            Ok(Object::typed("image").with("source", source))
        }
        Source::Inline { media_type, data } => {
            let kind = match &**media_type {
                "application/pdf" => "document",
                image if image.starts_with("image/") => "image",
                _ => {
                    return Err(refuse(
                        media.place.as_str(),
                        "is of a type that this model's provider does not read.",
                    ));
                }
            };
            let source = Object::typed("base64")
                .with("media_type", &**media_type)
                .with("data", &**data);
            Ok(Object::typed(kind).with("source", source))
        }
    }
}

fn call_block<'a>(call: &'a Call<'a>) -> Object<'a> {
    Object::typed("tool_use")
        .with("id", &*call.id)
        .with("name", &*call.name)
        .with("input", &*call.arguments)
}

fn outcome_block<'a>(outcome: &'a Outcome<'a>) -> Result<Object<'a>, BadRequest> {
    let block = Object::typed("tool_result").with("tool_use_id", &*outcome.call_id.value);
    if let [Part::Text(text)] = outcome.parts.as_slice() {
        return Ok(block.with("content", &**text));
    }
    let parts: Result<Vec<Node<'a>>, _> = outcome.parts.iter().map(self::block).collect();
    Ok(block.with("content", parts?))
}

fn thought_block<'a>(text: &'a str, seal: &'a Seal<'a>) -> Result<Object<'a>, BadRequest> {
    match seal {
        Seal::Signed(signature) => Ok(Object::typed("thinking")
            .with("thinking", text)
            .with("signature", &**signature)),
        Seal::Redacted(data) => Ok(Object::typed("redacted_thinking").with("data", &**data)),
        Seal::Open(place) => Err(refuse(
            place.as_str(),
            "must be a thought of this model's provider: send reasoning back as it came, with its `encrypted_content`.",
        )),
    }
}

fn tool<'a>(tool: &'a Tool<'a>) -> Node<'a> {
    let schema: Node<'a> = match tool.parameters {
        Some(schema) => schema.into(),
        None => Object::typed("object")
            .with("properties", Object::default())
            .into(),
    };
    Object::of("name", &*tool.name)
        .with_some("description", tool.description.as_deref())
        .with("input_schema", schema)
        .with_some("strict", tool.is_strict.then_some(true))
        .into()
}

fn tool_choice<'a>(prompt: &'a Prompt<'a>) -> Option<Object<'a>> {
    let single = prompt.single_calls.is_some().then_some(true);
    let choice = match &prompt.tool_choice {
        None if single.is_none() => return None,
        None | Some(ToolChoice::Auto) => Object::typed("auto"),
        Some(ToolChoice::None) => return Some(Object::typed("none")),
        Some(ToolChoice::Required) => Object::typed("any"),
        Some(ToolChoice::Named(name)) => Object::typed("tool").with("name", &**name),
    };
    Some(choice.with_some("disable_parallel_tool_use", single))
}

fn stop_sequences<'a>(prompt: &'a Prompt<'a>) -> Option<Vec<Node<'a>>> {
    let texts = prompt.stop.iter().map(|text| Node::from(&**text));
    (!prompt.stop.is_empty()).then(|| texts.collect())
}

fn service_tier(prompt: &Prompt<'_>) -> Result<Option<&'static str>, BadRequest> {
    match &prompt.tier {
        None => Ok(None),
        Some(tier) => match tier.value {
            Tier::Standard => Ok(Some("standard_only")),
            Tier::Flex | Tier::Priority => Err(refuse(tier.place.as_str(), NOT_POSSIBLE)),
        },
    }
}

fn output_config<'a>(
    prompt: &'a Prompt<'a>,
    effort: Option<&'static str>,
) -> Result<Option<Object<'a>>, BadRequest> {
    let mut config = Object::default().with_some("effort", effort);
    if let Some(format) = &prompt.format {
        let Format::Schema(schema) = &format.value else {
            return Err(refuse(
                format.place.as_str(),
                "must be `json_schema` for this model: its provider promises JSON only by a schema.",
            ));
        };
        let schema = Cow::Borrowed(&**schema);
        config.put(
            "format",
            Object::typed("json_schema").with("schema", schema),
        );
    }
    Ok(config.unless_empty())
}

/// How the model is told to think.
#[derive(Debug, Default)]
struct Thinking<'a> {
    config: Option<Object<'a>>,
    effort: Option<&'static str>,
}

impl Thinking<'_> {
    fn of(reasoning: &Reasoning, model: &str, cap: &At<u64>) -> Result<Self, BadRequest> {
        if let Some(budget) = &reasoning.budget {
            if budget.value >= cap.value || budget.value < THINKING_TOKENS_MIN {
                return Err(refuse(
                    budget.place.as_str(),
                    "must be at least 1024 and less than the most output tokens.",
                ));
            }
            return Ok(Self::budget(budget.value));
        }
        let Some(effort) = &reasoning.effort else {
            return Ok(Self::default());
        };
        if has_budgets_only(model) {
            return Self::budget_for(effort.value, cap);
        }
        Ok(Self::adaptive(effort.value, reasoning.has_summary))
    }

    fn budget(tokens: u64) -> Self {
        Self {
            config: Some(Object::typed("enabled").with("budget_tokens", tokens)),
            effort: None,
        }
    }

    /// The budgets are those that Google documents for the same words. At most half of the cap goes
    /// to thought, so that an answer remains.
    fn budget_for(effort: Effort, cap: &At<u64>) -> Result<Self, BadRequest> {
        let tokens = match effort {
            Effort::None => return Ok(Self::default()),
            Effort::Minimal | Effort::Low => 1_024,
            Effort::Medium => 8_192,
            Effort::High | Effort::XHigh | Effort::Max => 24_576,
        };
        if cap.value <= THINKING_TOKENS_MIN {
            return Err(refuse(
                cap.place.as_str(),
                "must be more than 1024 for this model to think: ask for no effort, or for more.",
            ));
        }
        let half = cap.value.div_euclid(2).max(THINKING_TOKENS_MIN);
        Ok(Self::budget(half.min(tokens)))
    }

    fn adaptive(effort: Effort, has_summary: bool) -> Self {
        let effort = match effort {
            Effort::None => {
                return Self {
                    config: Some(Object::typed("disabled")),
                    effort: None,
                };
            }
            Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::XHigh => "xhigh",
            Effort::Max => "max",
        };
        let display = has_summary.then_some("summarized");
        Self {
            config: Some(Object::typed("adaptive").with_some("display", display)),
            effort: Some(effort),
        }
    }
}

/// Models before Claude 4.6 think within a budget; later ones are told an effort.
fn has_budgets_only(model: &str) -> bool {
    if model.starts_with("claude-2") || model.starts_with("claude-3") {
        return true;
    }
    let families = ["claude-opus-4", "claude-sonnet-4", "claude-haiku-4"];
    let version = families
        .iter()
        .find_map(|family| model.strip_prefix(family));
    version.is_some_and(|version| {
        // `-4`, `-4-20250514`, `-4-0` to `-4-5`; but `-4-6` and more think adaptively.
        let minor = version.strip_prefix('-').unwrap_or_default();
        let minor = minor.split('-').next().unwrap_or_default();
        !matches!(minor, "6" | "7" | "8" | "9")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_models_have_budgets_of_thought() {
        for model in [
            "claude-3-7-sonnet-latest",
            "claude-sonnet-4-20250514",
            "claude-opus-4-0",
            "claude-opus-4-5-20251101",
            "claude-haiku-4-5",
        ] {
            assert!(has_budgets_only(model), "{model}");
        }
        for model in [
            "claude-opus-4-6",
            "claude-opus-4-7-20260416",
            "claude-sonnet-5",
            "claude-fable-5-1",
            "claude-haiku-5-5",
        ] {
            assert!(!has_budgets_only(model), "{model}");
        }
    }
}
