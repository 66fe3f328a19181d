//! Gemini: content generation, whole or streamed, and the counting of tokens.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, quoted, words};
use super::openai::tools_text;
use super::prompt::Prompt;
use super::record::BilledTokens;
use super::refusal::Refusal;
use super::tools::{self, ToolCall};

const CANDIDATES_MAX: u64 = 8;

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
    let plan = exchange.plan(&Ask {
        input: request.input_tokens(exchange),
        cap,
        choices,
    });
    let asked = request
        .service_tier
        .as_deref()
        .unwrap_or("standard")
        .to_ascii_lowercase();
    let tier = exchange.tier(if asked == "unspecified" {
        "standard"
    } else {
        &asked
    });
    let billed = plan.billed;
    let id = format!("sim{:019x}", exchange.sequence);
    let generation = Generation {
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
    answer.content_type = match delivery {
        Delivery::Whole | Delivery::Array => "application/json; charset=UTF-8",
        Delivery::Events => "text/event-stream",
    };
    answer.tier = Some(tier);
    Ok(answer)
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

struct Generation {
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
        let candidates: Vec<String> = (0..self.plan.choices)
            .map(|index| {
                format!(
                    r#"{{"content":{{"parts":[{part}],"role":"model"}}{finish},"index":{index}}}"#
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
        let billed = self.plan.billed;
        let thoughts = billed.reasoning.min(output);
        let cached = if billed.cached_input > 0 {
            format!(
                r#","cachedContentTokenCount":{},"cacheTokensDetails":[{{"modality":"TEXT","tokenCount":{}}}]"#,
                billed.cached_input, billed.cached_input
            )
        } else {
            String::new()
        };
        let thinking = if thoughts > 0 {
            format!(r#","thoughtsTokenCount":{thoughts}"#)
        } else {
            String::new()
        };
        format!(
            r#","usageMetadata":{{"promptTokenCount":{},"candidatesTokenCount":{},"totalTokenCount":{},"promptTokensDetails":[{{"modality":"TEXT","tokenCount":{}}}]{cached}{thinking}}}"#,
            billed.input,
            output - thoughts,
            billed.input + output,
            billed.input
        )
    }

    fn stream(&self, delivery: Delivery) -> Vec<Frame> {
        let mut objects = Vec::new();
        let mut output = self.plan.billed.reasoning;
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
