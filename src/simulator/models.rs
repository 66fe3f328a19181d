//! The free endpoints: lists of models, and OpenAI's moderations.

use serde::Deserialize;

use super::billed::BilledTokens;
use super::exchange::{Answer, Exchange, quoted};
use super::openai::{missing, parse};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::route::Dialect;

const OPENAI_MODELS: &[&str] = &[
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-5",
    "gpt-5-mini",
    "text-embedding-3-small",
];
const ANTHROPIC_MODELS: &[&str] = &["claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5"];
const GEMINI_MODELS: &[&str] = &["gemini-2.5-pro", "gemini-2.5-flash", "gemini-embedding-001"];

/// A model by name, or all of them. Any name is known, as any may be called. Gemini's come in
/// OpenAI's format, too.
pub(super) fn models(dialect: Dialect, provider: Dialect, name: Option<&str>) -> Answer {
    let body = match name {
        Some(name) => model(dialect, name),
        None => list(dialect, provider),
    };
    Answer::json(name.unwrap_or_default(), BilledTokens::default(), body)
}

fn list(dialect: Dialect, provider: Dialect) -> String {
    let names = match provider {
        Dialect::OpenAi => OPENAI_MODELS,
        Dialect::Anthropic => ANTHROPIC_MODELS,
        Dialect::Gemini => GEMINI_MODELS,
    };
    // Where Gemini speaks as OpenAI, its models keep their own names.
    let prefix = match (dialect, provider) {
        (Dialect::OpenAi, Dialect::Gemini) => "models/",
        (_, _) => "",
    };
    let models: Vec<String> = names
        .iter()
        .map(|name| model(dialect, &format!("{prefix}{name}")))
        .collect();
    let models = models.join(",");
    match dialect {
        Dialect::OpenAi => format!(r#"{{"object":"list","data":[{models}]}}"#),
        Dialect::Anthropic => format!(
            r#"{{"data":[{models}],"has_more":false,"first_id":"{}","last_id":"{}"}}"#,
            names.first().unwrap_or(&""),
            names.last().unwrap_or(&"")
        ),
        Dialect::Gemini => format!(r#"{{"models":[{models}]}}"#),
    }
}

fn model(dialect: Dialect, name: &str) -> String {
    let id = quoted(name);
    match dialect {
        Dialect::OpenAi => {
            format!(r#"{{"id":{id},"object":"model","created":1715367049,"owned_by":"system"}}"#)
        }
        Dialect::Anthropic => format!(
            r#"{{"type":"model","id":{id},"display_name":{id},"created_at":"2026-01-01T00:00:00Z","lifecycle":"active","max_input_tokens":200000,"max_tokens":64000}}"#
        ),
        Dialect::Gemini => format!(
            r#"{{"name":{},"version":"001","displayName":{id},"inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens","embedContent"]}}"#,
            quoted(&format!("models/{name}"))
        ),
    }
}

const CATEGORIES: &[&str] = &[
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];
const MODERATION_MODEL: &str = "omni-moderation-latest";

#[derive(Deserialize)]
struct ModerationRequest {
    model: Option<String>,
    input: Option<Prompt>,
}

/// Nothing is ever flagged, and nothing billed.
pub(super) fn moderation(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: ModerationRequest = parse(exchange.body)?;
    let input = request.input.as_ref().ok_or_else(|| missing("input"))?;
    let model = request.model.as_deref().unwrap_or(MODERATION_MODEL);
    // Text with images is one input, however many parts it has.
    let results = if input.media > 0 { 1 } else { input.elements };
    let each = |value: &str| {
        let pairs: Vec<String> = CATEGORIES
            .iter()
            .map(|category| format!(r#""{category}":{value}"#))
            .collect();
        pairs.join(",")
    };
    let result = format!(
        r#"{{"flagged":false,"categories":{{{}}},"category_scores":{{{}}},"category_applied_input_types":{{{}}}}}"#,
        each("false"),
        each("0.0001"),
        each(r#"["text"]"#)
    );
    let all: Vec<&str> = (0..results).map(|_| result.as_str()).collect();
    let body = format!(
        r#"{{"id":"modr-sim{:020x}","model":{},"results":[{}]}}"#,
        exchange.sequence,
        quoted(model),
        all.join(",")
    );
    Ok(Answer::json(model, BilledTokens::default(), body))
}
