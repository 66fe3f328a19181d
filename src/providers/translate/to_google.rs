//! Says a request in Google's words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::denial::BadRequest;
use crate::providers::translate::Target;
use crate::providers::translate::given::{Given, NOT_POSSIBLE, refuse};
use crate::providers::translate::node::{Node, Object};
use crate::providers::translate::prompt::{
    At, Call, Effort, Format, Media, Outcome, Part, Prompt, Reasoning, Role, Source, Tier, Tool,
    ToolChoice, Turn,
};

/// What the documentation says to send where a signature is missing, so that calls of other models
/// can be shown to those that look for one.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The body of a request to `:generateContent` or `:streamGenerateContent`.
pub(super) fn write<'a>(
    prompt: &'a Prompt<'a>,
    target: &Target<'a>,
) -> Result<Object<'a>, BadRequest> {
    if let Some(single) = &prompt.single_calls {
        return Err(refuse(single.place.as_str(), NOT_POSSIBLE));
    }
    let writer = Writer {
        called: prompt.called(),
        wants_signatures: has_levels(target.model),
    };
    let mut contents = Vec::new();
    for turn in &prompt.turns {
        contents.extend(writer.content(turn)?);
    }
    let mut body = Object::of("contents", contents);
    if !prompt.system.is_empty() {
        let parts = prompt.system.iter().map(|text| text_part(text).into());
        let instruction = Object::of("parts", parts.collect::<Vec<_>>());
        body.put("systemInstruction", instruction);
    }
    if !prompt.tools.is_empty() {
        let functions: Vec<Node<'a>> = prompt.tools.iter().map(function).collect();
        let tools = Object::of("functionDeclarations", functions);
        body.put("tools", vec![tools.into()]);
    }
    let config = generation_config(prompt, target)?;
    Ok(body
        .with_some("toolConfig", tool_config(prompt))
        .with_some(
            "serviceTier",
            prompt.tier.as_ref().map(|tier| service_tier(tier.value)),
        )
        .with_some("generationConfig", config.unless_empty()))
}

/// Whether thought is asked for by level, and calls carry signatures: models before Gemini 3 have
/// budgets.
fn has_levels(model: &str) -> bool {
    !["gemini-1", "gemini-2", "gemini-exp", "learnlm", "gemma"]
        .iter()
        .any(|older| model.starts_with(older))
}

fn text_part(text: &str) -> Object<'_> {
    Object::of("text", text)
}

struct Writer<'a> {
    /// The tools that were called, by the ids of the calls.
    called: BTreeMap<&'a str, &'a str>,
    wants_signatures: bool,
}

impl<'a> Writer<'a> {
    fn content(&self, turn: &'a Turn<'a>) -> Result<Option<Node<'a>>, BadRequest> {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "model",
        };
        let mut parts: Vec<Node<'a>> = Vec::new();
        // The first call of several has the signature of all.
        let mut wants_signature = self.wants_signatures;
        for part in &turn.parts {
            parts.push(match part {
                Part::Text(text) => text_part(text).into(),
                Part::Media(media) => media_part(media)?.into(),
                Part::Call(call) => {
                    let wanted = std::mem::take(&mut wants_signature);
                    call_part(call, wanted).into()
                }
                Part::Outcome(outcome) => self.outcome_part(outcome)?.into(),
                // The model has its thoughts in the signatures; what is shown of them is for people.
                Part::Thought { .. } => continue,
            });
        }
        let content = (!parts.is_empty()).then(|| Object::of("role", role).with("parts", parts));
        Ok(content.map(Node::from))
    }

    fn outcome_part(&self, outcome: &'a Outcome<'a>) -> Result<Object<'a>, BadRequest> {
        let id = &outcome.call_id;
        let name = self.called.get(&*id.value).ok_or_else(|| {
            refuse(
                id.place.as_str(),
                "is the id of no call of a tool that is in the request.",
            )
        })?;
        let mut output = String::new();
        for part in &outcome.parts {
            match part {
                Part::Text(text) => output.push_str(text),
                Part::Media(media) => return Err(refuse(media.place.as_str(), NOT_POSSIBLE)),
                Part::Call(_) | Part::Outcome(_) | Part::Thought { .. } => {}
            }
        }
        let response = Object::of("id", &*id.value)
            .with("name", *name)
            .with("response", Object::of("output", output));
        Ok(Object::of("functionResponse", response))
    }
}

fn media_part<'a>(media: &'a Media<'a>) -> Result<Object<'a>, BadRequest> {
    match &media.source {
        Source::Address(_) => Err(refuse(
            media.place.as_str(),
            "must be a `data:` address for this model: its provider fetches nothing.",
        )),
        Source::Inline { media_type, data } => {
            let blob = Object::of("mimeType", &**media_type).with("data", &**data);
            Ok(Object::of("inlineData", blob))
        }
    }
}

fn call_part<'a>(call: &'a Call<'a>, wants_signature: bool) -> Object<'a> {
    let signature = call
        .signature
        .as_deref()
        .or(wants_signature.then_some(NO_SIGNATURE));
    let function = Object::of("id", &*call.id)
        .with("name", &*call.name)
        .with("args", &*call.arguments);
    Object::of("functionCall", function).with_some("thoughtSignature", signature)
}

fn function<'a>(tool: &'a Tool<'a>) -> Node<'a> {
    Object::of("name", &*tool.name)
        .with_some("description", tool.description.as_deref())
        .with_some("parametersJsonSchema", tool.parameters)
        .into()
}

/// Schemas of arguments are followed strictly where the mode is not `AUTO`.
fn tool_config<'a>(prompt: &'a Prompt<'a>) -> Option<Object<'a>> {
    let is_strict = prompt.tools.iter().any(|tool| tool.is_strict);
    let (mode, only) = match &prompt.tool_choice {
        None | Some(ToolChoice::Auto) if is_strict => ("VALIDATED", None),
        None => return None,
        Some(ToolChoice::Auto) => ("AUTO", None),
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::Named(name)) => ("ANY", Some(vec![Node::from(&**name)])),
    };
    let config = Object::of("mode", mode).with_some("allowedFunctionNames", only);
    Some(Object::of("functionCallingConfig", config))
}

fn service_tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "standard",
        Tier::Flex => "flex",
        Tier::Priority => "priority",
    }
}

fn generation_config<'a>(
    prompt: &'a Prompt<'a>,
    target: &Target<'a>,
) -> Result<Object<'a>, BadRequest> {
    let sampling = &prompt.sampling;
    let raw = |given: &'a Option<Given<'a>>| given.as_ref().map(Given::raw);
    let count = |at: &Option<At<u64>>| at.as_ref().map(|at| at.value);
    let mut config = Object::default()
        .with_some("maxOutputTokens", count(&prompt.output_cap))
        .with_some("candidateCount", count(&prompt.choices))
        .with_some("temperature", raw(&sampling.temperature))
        .with_some("topP", raw(&sampling.top_p))
        .with_some("seed", raw(&sampling.seed))
        .with_some("frequencyPenalty", raw(&sampling.frequency_penalty))
        .with_some("presencePenalty", raw(&sampling.presence_penalty));
    if !prompt.stop.is_empty() {
        let texts = prompt.stop.iter().map(|text| Node::from(&**text));
        config.put("stopSequences", texts.collect::<Vec<_>>());
    }
    if let Some(format) = &prompt.format {
        config.put("responseMimeType", "application/json");
        if let Format::Schema(schema) = &format.value {
            config.put("responseJsonSchema", Cow::Borrowed(&**schema));
        }
    }
    Ok(config.with_some("thinkingConfig", thinking(&prompt.reasoning, target.model)?))
}

/// The levels and budgets that Google documents for `OpenAI`'s words.
fn thinking<'a>(reasoning: &Reasoning, model: &str) -> Result<Option<Object<'a>>, BadRequest> {
    let mut config =
        Object::default().with_some("includeThoughts", reasoning.has_summary.then_some(true));
    if let Some(budget) = &reasoning.budget {
        config.put("thinkingBudget", budget.value);
    } else if let Some(effort) = &reasoning.effort {
        if effort.value == Effort::None && !can_stop_thinking(model) {
            return Err(refuse(
                effort.place.as_str(),
                "cannot be `none` for this model: it always thinks.",
            ));
        }
        if has_levels(model) {
            config.put("thinkingLevel", level(effort.value, model));
        } else {
            config.put("thinkingBudget", budget(effort.value));
        }
    }
    Ok(config.unless_empty())
}

fn can_stop_thinking(model: &str) -> bool {
    !has_levels(model) && !model.starts_with("gemini-2.5-pro")
}

fn budget(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High | Effort::XHigh | Effort::Max => 24_576,
    }
}

fn level(effort: Effort, model: &str) -> &'static str {
    match effort {
        // Only the small models think as little as that.
        Effort::Minimal if !model.contains("pro") => "minimal",
        Effort::None | Effort::Minimal | Effort::Low => "low",
        // The first of these models knows two levels.
        Effort::Medium if !model.starts_with("gemini-3-pro") => "medium",
        Effort::Medium | Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}
