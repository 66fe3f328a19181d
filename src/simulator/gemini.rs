//! Gemini: content generation, whole or streamed, and the counting of tokens.

use std::fmt::Write;

use axum::http::header::HeaderName;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::billed::BilledTokens;
use super::cached_contents;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, quoted, words};
use super::openai::tools_text;
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::tools::{self, ToolCall};

const CANDIDATES_MAX: u64 = 8;
/// Where the tier that served is named.
const TIER: &str = "x-gemini-service-tier";

/// How the caller wants the answer delivered.
#[derive(Clone, Copy)]
pub(super) enum Delivery {
    Whole,
    Events,
    /// A JSON array, element by element: what streaming without `alt=sse` gives.
    Array,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    contents: Option<Prompt>,
    #[serde(alias = "system_instruction")]
    system_instruction: Option<Prompt>,
    #[serde(alias = "generation_config")]
    generation_config: Option<GenerationConfig>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, alias = "tool_config")]
    tool_config: Option<&'a RawValue>,
    #[serde(alias = "service_tier")]
    service_tier: Option<String>,
    #[serde(alias = "cached_content")]
    cached_content: Option<String>,
    /// `countTokens` may wrap the whole request.
    #[serde(borrow, rename = "generateContentRequest")]
    wrapped: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u64>,
    #[serde(alias = "candidate_count")]
    candidate_count: Option<u64>,
}

impl Request<'_> {
    fn input_tokens(&self, exchange: &Exchange<'_>) -> u64 {
        let definitions = tools_text(self.tools);
        let parts = [
            self.contents.as_ref(),
            self.system_instruction.as_ref(),
            definitions.as_ref(),
        ];
        exchange.input_tokens(&parts)
    }

    fn tier(&self, exchange: &Exchange<'_>) -> String {
        let asked = self.service_tier.as_deref().unwrap_or("standard");
        let asked = asked.to_ascii_lowercase();
        exchange.tier(if asked == "unspecified" {
            "standard"
        } else {
            &asked
        })
    }

    /// Tokens of what the request names instead of sending it.
    fn cached(&self, exchange: &Exchange<'_>) -> Result<u64, Refusal> {
        match self.cached_content.as_deref() {
            Some(name) => cached_contents::tokens(exchange, name),
            None => Ok(0),
        }
    }
}

pub(super) fn generate(
    exchange: &Exchange<'_>,
    model: &str,
    delivery: Delivery,
) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let contents = request.contents.as_ref().ok_or_else(missing_contents)?;
    let config = request.generation_config.as_ref();
    let choices = config
        .and_then(|config| config.candidate_count)
        .unwrap_or(1);
    let cap = config.and_then(|config| config.max_output_tokens);
    if choices == 0 || choices > CANDIDATES_MAX || cap == Some(0) {
        return Err(Refusal::bad_request(
            "candidateCount or maxOutputTokens is out of range",
        ));
    }
    let tool = (!contents.tool_result && !exchange.directives.has(Flag::NoTools))
        .then(|| tools::choose(request.tools, request.tool_config))
        .flatten();
    let cached = request.cached(exchange)?;
    let plan = exchange.plan(&Ask {
        input: request.input_tokens(exchange) + cached,
        cached,
        cap,
        choices,
    });
    let tier = request.tier(exchange);
    let billed = plan.billed;
    let id = format!("sim{:019x}", exchange.sequence);
    let generation = Generation {
        traffic: exchange.directives.tier.as_deref().map(traffic_type),
        plan,
        tool,
        model: quoted(model),
        id,
    };
    let mut answer = match delivery {
        Delivery::Whole => Answer::json(model, billed, generation.whole()),
        Delivery::Events | Delivery::Array => {
            Answer::events(model, billed, generation.stream(delivery))
        }
    };
    match delivery {
        Delivery::Whole | Delivery::Array => "application/json; charset=UTF-8",
        Delivery::Events => "text/event-stream",
    }
    .clone_into(&mut answer.content_type);
    answer.headers = vec![(HeaderName::from_static(TIER), tier.clone())];
    Ok(answer.at_tier(&tier))
}

pub(super) fn count_tokens(exchange: &Exchange<'_>, model: &str) -> Result<Answer, Refusal> {
    let outer: Request<'_> = parse(exchange.body)?;
    let request = match outer.wrapped {
        Some(inner) => parse(inner.get())?,
        None => outer,
    };
    request.contents.as_ref().ok_or_else(missing_contents)?;
    let tokens = exchange
        .directives
        .input
        .unwrap_or_else(|| request.input_tokens(exchange));
    let body = format!(
        r#"{{"totalTokens":{tokens},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{tokens}}}]}}"#
    );
    Ok(Answer::json(model, BilledTokens::default(), body))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(body)
        .map_err(|error| Refusal::bad_request(format!("Invalid JSON payload received. {error}")))
}

fn missing_contents() -> Refusal {
    Refusal::bad_request("* GenerateContentRequest.contents: contents is not specified\n")
}

/// The name that usage has for a tier.
fn traffic_type(tier: &str) -> String {
    match tier {
        "standard" => "ON_DEMAND".to_owned(),
        tier => format!("ON_DEMAND_{}", tier.to_ascii_uppercase()),
    }
}

struct Generation {
    /// Only where a directive names a tier: the usual answer leaves it out.
    traffic: Option<String>,
    plan: Plan,
    tool: Option<ToolCall>,
    model: String,
    id: String,
}

impl Generation {
    fn whole(&self) -> String {
        let part = match &self.tool {
            Some(call) => call_part(call),
            None => text_part(self.plan.visible),
        };
        self.object(&part, self.plan.billed.output, true)
    }

    fn object(&self, part: &str, output: u64, last: bool) -> String {
        let finish = match (last, self.plan.truncated) {
            (false, _) => "",
            (true, true) => r#","finishReason":"MAX_TOKENS""#,
            (true, false) => r#","finishReason":"STOP""#,
        };
        let grounding = if last {
            self.grounding()
        } else {
            String::new()
        };
        let candidates: Vec<String> = (0..self.plan.choices)
            .map(|index| {
                let grounding = if index == 0 { grounding.as_str() } else { "" };
                format!(
                    r#"{{"content":{{"parts":[{part}],"role":"model"}}{finish},"index":{index}{grounding}}}"#
                )
            })
            .collect();
        let usage = if self.plan.usage {
            self.usage(output)
        } else {
            String::new()
        };
        format!(
            r#"{{"candidates":[{}]{usage},"modelVersion":{},"responseId":"{}"}}"#,
            candidates.join(","),
            self.model,
            self.id
        )
    }

    fn usage(&self, output: u64) -> String {
        let billed = self.plan.billed.until(output);
        let candidates = output - billed.reasoning;
        let mut usage = format!(
            r#","usageMetadata":{{"promptTokenCount":{},"candidatesTokenCount":{candidates},"totalTokenCount":{},"promptTokensDetails":{}"#,
            billed.input,
            billed.total(),
            modalities(billed.text_input(), billed.audio_input, billed.image_input)
        );
        // Writing to a string cannot fail.
        if billed.cached_input > 0 {
            let _ = write!(
                usage,
                r#","cachedContentTokenCount":{},"cacheTokensDetails":{}"#,
                billed.cached_input,
                modalities(billed.cached_input, 0, 0)
            );
        }
        if billed.reasoning > 0 {
            let _ = write!(usage, r#","thoughtsTokenCount":{}"#, billed.reasoning);
        }
        if billed.audio_output + billed.image_output > 0 {
            let text = billed.text_output() - billed.reasoning;
            let details = modalities(text, billed.audio_output, billed.image_output);
            let _ = write!(usage, r#","candidatesTokensDetails":{details}"#);
        }
        if let Some(traffic) = &self.traffic {
            let _ = write!(usage, r#","trafficType":"{traffic}""#);
        }
        usage.push('}');
        usage
    }

    /// The searches that the answer rests on: each has a fee.
    fn grounding(&self) -> String {
        let searches = self.plan.billed.web_search_calls;
        if searches == 0 {
            return String::new();
        }
        let queries: Vec<&str> = (0..searches).map(|_| r#""simulated""#).collect();
        format!(
            r#","groundingMetadata":{{"webSearchQueries":[{}]}}"#,
            queries.join(",")
        )
    }

    fn stream(&self, delivery: Delivery) -> Vec<Frame> {
        let mut objects = Vec::new();
        let mut output = self.plan.hidden();
        if let Some(call) = &self.tool {
            output = self.plan.billed.output;
            objects.push((self.object(&call_part(call), output, true), output));
        } else {
            for tokens in self.plan.pieces() {
                output += tokens * self.plan.choices;
                let last = output == self.plan.billed.output;
                objects.push((self.object(&text_part(tokens), output, last), output));
            }
        }
        if objects.is_empty() {
            objects.push((self.object(&text_part(0), output, true), output));
        }
        frames(objects, delivery)
    }
}

fn frames(objects: Vec<(String, u64)>, delivery: Delivery) -> Vec<Frame> {
    let last = objects.len().saturating_sub(1);
    objects
        .into_iter()
        .enumerate()
        .map(|(index, (object, output))| {
            let text = match delivery {
                Delivery::Events => format!("data: {object}\r\n\r\n"),
                Delivery::Whole | Delivery::Array => {
                    let opening = if index == 0 { "[" } else { ",\r\n" };
                    let closing = if index == last { "]\n" } else { "\n" };
                    format!("{opening}{object}{closing}")
                }
            };
            Frame {
                bytes: text.into(),
                output,
            }
        })
        .collect()
}

/// Counts by what was counted, as far as there is any; text is always named.
fn modalities(text: u64, audio: u64, image: u64) -> String {
    let counts: Vec<String> = [("TEXT", text), ("AUDIO", audio), ("IMAGE", image)]
        .into_iter()
        .filter(|(modality, count)| *modality == "TEXT" || *count > 0)
        .map(|(modality, count)| format!(r#"{{"modality":"{modality}","tokenCount":{count}}}"#))
        .collect();
    format!("[{}]", counts.join(","))
}

fn text_part(tokens: u64) -> String {
    format!(r#"{{"text":"{}"}}"#, words(tokens))
}

fn call_part(call: &ToolCall) -> String {
    format!(
        r#"{{"functionCall":{{"name":{},"args":{}}}}}"#,
        quoted(&call.name),
        call.arguments
    )
}
