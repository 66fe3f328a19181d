//! OpenAI chat completions and the older text completions: one wire format in two shapes.

mod chunks;

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::chunks::Script;
use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, quoted, words};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::tools::{self, ToolCall};

/// The documented default of text completions; chat has none.
const COMPLETION_TOKENS: u64 = 16;
/// Choices of one answer, prompts times `n`.
const CHOICES_MAX: u64 = 2048;

#[derive(Deserialize)]
struct Request<'a> {
    model: Option<String>,
    messages: Option<Prompt>,
    prompt: Option<Prompt>,
    n: Option<u64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    service_tier: Option<String>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

pub(super) fn chat(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let messages = request
        .messages
        .as_ref()
        .ok_or_else(|| missing("messages"))?;
    let tool = (!messages.tool_result && !exchange.directives.has(Flag::NoTools))
        .then(|| tools::choose(request.tools, request.tool_choice))
        .flatten();
    let definitions = tools_text(request.tools);
    let ask = Ask {
        input: exchange.input_tokens(&[Some(messages), definitions.as_ref()]),
        cap: request.max_completion_tokens.or(request.max_tokens),
        choices: request.n.unwrap_or(1),
        ..Ask::default()
    };
    Completion::new(exchange, &request, &ask, Shape::Chat(tool))
        .map(|completion| completion.answer(&request))
}

pub(super) fn completion(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let prompt = request.prompt.as_ref().ok_or_else(|| missing("prompt"))?;
    // Token ids make one prompt, however many they are.
    let prompts = if prompt.token_ids > 0 {
        1
    } else {
        prompt.elements
    };
    let ask = Ask {
        input: exchange.input_tokens(&[Some(prompt)]),
        cap: request.max_tokens.or(Some(COMPLETION_TOKENS)),
        choices: request.n.unwrap_or(1).saturating_mul(prompts),
        ..Ask::default()
    };
    Completion::new(exchange, &request, &ask, Shape::Text)
        .map(|completion| completion.answer(&request))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(body).map_err(|error| {
        Refusal::bad_request(format!(
            "We could not parse the JSON body of your request: {error}"
        ))
    })
}

pub(super) fn missing(field: &str) -> Refusal {
    Refusal::bad_request(format!("Missing required parameter: '{field}'."))
}

/// Tool definitions are input, too.
pub(super) fn tools_text(tools: Option<&RawValue>) -> Option<Prompt> {
    serde_json::from_str(tools?.get()).ok()
}

/// OpenAI answers with the tier that served: `auto` is not one.
pub(super) fn served_tier(asked: Option<&str>) -> &str {
    match asked {
        None | Some("auto") => "default",
        Some(tier) => tier,
    }
}

enum Shape {
    Chat(Option<ToolCall>),
    Text,
}

struct Completion {
    shape: Shape,
    plan: Plan,
    id: String,
    tier: String,
    /// The object's fields from `created` on, up to `choices`.
    fields: String,
    sequence: u64,
    usage_asked: bool,
}

impl Completion {
    fn new(
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        ask: &Ask,
        shape: Shape,
    ) -> Result<Self, Refusal> {
        let model = quoted(request.model.as_deref().ok_or_else(|| missing("model"))?);
        if ask.choices == 0 || ask.choices > CHOICES_MAX || ask.cap == Some(0) {
            return Err(Refusal::bad_request(
                "Invalid value for 'n' or the maximum of tokens.",
            ));
        }
        let tier = exchange.tier(served_tier(request.service_tier.as_deref()));
        let prefix = if matches!(shape, Shape::Chat(_)) {
            "chatcmpl"
        } else {
            "cmpl"
        };
        let include_usage = request
            .stream_options
            .as_ref()
            .and_then(|asked| asked.include_usage);
        Ok(Self {
            plan: exchange.plan(ask),
            id: format!("{prefix}-sim{:020x}", exchange.sequence),
            fields: format!(
                r#""created":{},"model":{model},"service_tier":{},"system_fingerprint":"fp_simulator""#,
                exchange.created,
                quoted(&tier)
            ),
            tier,
            shape,
            sequence: exchange.sequence,
            usage_asked: include_usage == Some(true)
                && !exchange.directives.has(Flag::IgnoreUsageOption),
        })
    }

    fn answer(&self, request: &Request<'_>) -> Answer {
        let model = request.model.as_deref().unwrap_or_default();
        let billed = self.plan.billed;
        let answer = if request.stream == Some(true) {
            Answer::events(model, billed, self.stream())
        } else {
            Answer::json(model, billed, self.whole())
        };
        answer.at_tier(&self.tier)
    }

    fn whole(&self) -> String {
        let choices: Vec<String> = (0..self.plan.choices)
            .map(|index| self.choice(index))
            .collect();
        let object = match self.shape {
            Shape::Chat(_) => "chat.completion",
            Shape::Text => "text_completion",
        };
        let mut body = format!(
            r#"{{"id":"{}","object":"{object}",{},"choices":[{}]"#,
            self.id,
            self.fields,
            choices.join(",")
        );
        if self.plan.usage {
            body.push_str(",\"usage\":");
            body.push_str(&usage(self.plan.billed));
        }
        body.push('}');
        body
    }

    fn choice(&self, index: u64) -> String {
        let finish = self.finish_reason();
        match &self.shape {
            Shape::Text => format!(
                r#"{{"text":"{}","index":{index},"logprobs":null,"finish_reason":"{finish}"}}"#,
                words(self.plan.visible)
            ),
            Shape::Chat(None) => format!(
                r#"{{"index":{index},"message":{{"role":"assistant","content":"{}","refusal":null,"annotations":[{}]}},"logprobs":null,"finish_reason":"{finish}"}}"#,
                words(self.plan.visible),
                self.annotations()
            ),
            Shape::Chat(Some(call)) => format!(
                r#"{{"index":{index},"message":{{"role":"assistant","content":null,"tool_calls":[{{"id":"{}","type":"function","function":{{"name":{},"arguments":{}}}}}],"refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"{finish}"}}"#,
                self.call_id(index),
                quoted(&call.name),
                quoted(&call.arguments)
            ),
        }
    }

    /// One search is all that a chat makes; what it found is told, not what it cost.
    fn annotations(&self) -> &'static str {
        if self.plan.billed.web_search_calls == 0 {
            ""
        } else {
            r#"{"type":"url_citation","url_citation":{"start_index":0,"end_index":0,"title":"simulated","url":"https://example.com/"}}"#
        }
    }

    fn finish_reason(&self) -> &'static str {
        match self.shape {
            _ if self.plan.truncated => "length",
            Shape::Chat(Some(_)) => "tool_calls",
            Shape::Chat(None) | Shape::Text => "stop",
        }
    }

    fn call_id(&self, index: u64) -> String {
        format!("call_sim{:018x}{index:02x}", self.sequence)
    }

    fn stream(&self) -> Vec<Frame> {
        let mut script = Script::new(self);
        match &self.shape {
            Shape::Chat(tool) => {
                script.each_choice(
                    r#""delta":{"role":"assistant","content":"","refusal":null}"#,
                    None,
                );
                match tool {
                    Some(call) => self.stream_tool(&mut script, call),
                    None => self.stream_text(&mut script, |text| {
                        format!(r#""delta":{{"content":"{text}"}}"#)
                    }),
                }
                script.output = self.plan.billed.output;
                script.each_choice(r#""delta":{}"#, Some(self.finish_reason()));
            }
            Shape::Text => {
                self.stream_text(&mut script, |text| format!(r#""text":"{text}""#));
                script.output = self.plan.billed.output;
                script.each_choice(r#""text":"""#, Some(self.finish_reason()));
            }
        }
        script.end(self)
    }

    fn stream_text(&self, script: &mut Script, part: impl Fn(&str) -> String) {
        script.output = self.plan.hidden();
        for (size, times) in self.plan.runs() {
            let part = part(&words(size));
            let events: Vec<String> = (0..self.plan.choices)
                .map(|index| script.event(index, &part, None))
                .collect();
            let events: Vec<Bytes> = events.into_iter().map(Into::into).collect();
            for _ in 0..times {
                for bytes in &events {
                    script.output += size;
                    script.frames.push(Frame {
                        bytes: bytes.clone(),
                        output: script.output,
                    });
                }
            }
        }
    }

    fn stream_tool(&self, script: &mut Script, call: &ToolCall) {
        for index in 0..self.plan.choices {
            let opening = format!(
                r#""delta":{{"tool_calls":[{{"index":0,"id":"{}","type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
                self.call_id(index),
                quoted(&call.name)
            );
            script.push(index, &opening, None);
            for part in halves(&call.arguments) {
                script.output += self.plan.billed.output / self.plan.choices / 2;
                let delta = format!(
                    r#""delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]}}"#,
                    quoted(part)
                );
                script.push(index, &delta, None);
            }
        }
    }
}

/// A text in two parts, as a stream delivers it.
pub(super) fn halves(text: &str) -> [&str; 2] {
    let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
    [first, second]
}

fn usage(billed: BilledTokens) -> String {
    format!(
        r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{},"audio_tokens":{},"image_tokens":{},"text_tokens":{}}},"completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":{},"image_tokens":{},"text_tokens":{},"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        billed.input,
        billed.output,
        billed.input + billed.output,
        billed.cached_input,
        billed.cache_write + billed.cache_write_1h,
        billed.audio_input,
        billed.image_input,
        billed.text_input(),
        billed.reasoning,
        billed.audio_output,
        billed.image_output,
        billed.text_output() - billed.reasoning,
    )
}
