//! Anthropic messages and the counting of their tokens.

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, quoted, words};
use super::openai::{halves, tools_text};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::tools::{self, ToolCall};

#[derive(Deserialize)]
struct Request<'a> {
    model: Option<String>,
    messages: Option<Prompt>,
    system: Option<Prompt>,
    max_tokens: Option<u64>,
    stream: Option<bool>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
}

impl Request<'_> {
    fn input_tokens(&self, exchange: &Exchange<'_>) -> u64 {
        let definitions = tools_text(self.tools);
        let parts = [
            self.messages.as_ref(),
            self.system.as_ref(),
            definitions.as_ref(),
        ];
        exchange.input_tokens(&parts)
    }
}

pub(super) fn message(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request = parse(exchange.body)?;
    let cap = request.max_tokens.ok_or_else(|| missing("max_tokens"))?;
    let messages = request
        .messages
        .as_ref()
        .ok_or_else(|| missing("messages"))?;
    if cap == 0 {
        return Err(Refusal::bad_request(
            "max_tokens: Input should be greater than 0",
        ));
    }
    let input = request.input_tokens(exchange);
    let plan = exchange.plan(&Ask {
        input,
        cap: Some(cap),
        ..Ask::default()
    });
    let tool = (!messages.tool_result && !exchange.directives.has(Flag::NoTools))
        .then(|| tools::choose(request.tools, request.tool_choice))
        .flatten();
    let model = request.model.unwrap_or_default();
    let billed = plan.billed;
    let served = if exchange.batched {
        "batch"
    } else {
        "standard"
    };
    let tier = exchange.tier(served);
    let message = Message {
        sequence: exchange.sequence,
        model: quoted(&model),
        tier: quoted(&tier),
        plan,
        tool,
    };
    let answer = if request.stream == Some(true) {
        Answer::events(&model, billed, message.stream())
    } else {
        Answer::json(&model, billed, message.whole())
    };
    Ok(answer.at_tier(&tier))
}

pub(super) fn count_tokens(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request = parse(exchange.body)?;
    request
        .messages
        .as_ref()
        .ok_or_else(|| missing("messages"))?;
    let tokens = exchange
        .directives
        .input
        .unwrap_or_else(|| request.input_tokens(exchange));
    let body = format!(r#"{{"input_tokens":{tokens}}}"#);
    Ok(Answer::json(
        &request.model.unwrap_or_default(),
        BilledTokens::default(),
        body,
    ))
}

fn parse(body: &str) -> Result<Request<'_>, Refusal> {
    let request: Request<'_> = serde_json::from_str(body).map_err(|error| {
        Refusal::bad_request(format!("The request body is not valid JSON: {error}"))
    })?;
    match request.model {
        Some(_) => Ok(request),
        None => Err(missing("model")),
    }
}

fn missing(field: &str) -> Refusal {
    Refusal::bad_request(format!("{field}: Field required"))
}

struct Message {
    sequence: u64,
    model: String,
    tier: String,
    plan: Plan,
    tool: Option<ToolCall>,
}

impl Message {
    fn whole(&self) -> String {
        let content = match &self.tool {
            Some(call) => self.tool_block(call, &call.arguments),
            None => format!(r#"{{"type":"text","text":"{}"}}"#, words(self.plan.visible)),
        };
        let reason = format!("\"{}\"", self.stop_reason());
        self.object(&content, &reason, self.plan.billed.output)
    }

    fn object(&self, content: &str, reason: &str, output: u64) -> String {
        let usage = if self.plan.usage {
            format!(r#","usage":{}"#, self.usage(output))
        } else {
            String::new()
        };
        format!(
            r#"{{"id":"msg_01sim{:019x}","type":"message","role":"assistant","model":{},"content":[{content}],"stop_reason":{reason},"stop_sequence":null{usage}}}"#,
            self.sequence, self.model
        )
    }

    fn usage(&self, output: u64) -> String {
        let billed = self.plan.billed;
        format!(
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{},"ephemeral_1h_input_tokens":{}}},"output_tokens":{output},"output_tokens_details":{{"thinking_tokens":{}}},"server_tool_use":{},"service_tier":{},"inference_geo":"global"}}"#,
            billed.uncached(),
            billed.cache_write + billed.cache_write_1h,
            billed.cached_input,
            billed.cache_write,
            billed.cache_write_1h,
            billed.reasoning.min(output),
            server_tools(billed),
            self.tier
        )
    }

    fn stop_reason(&self) -> &'static str {
        match self.tool {
            _ if self.plan.truncated => "max_tokens",
            Some(_) => "tool_use",
            None => "end_turn",
        }
    }

    fn tool_block(&self, call: &ToolCall, input: &str) -> String {
        format!(
            r#"{{"type":"tool_use","id":"toolu_01sim{:017x}","name":{},"input":{input}}}"#,
            self.sequence,
            quoted(&call.name)
        )
    }

    fn stream(&self) -> Vec<Frame> {
        let mut script = Script {
            frames: Vec::new(),
            output: 0,
        };
        // The real API has produced its first token when it says so.
        let first = self.plan.billed.output.min(1);
        let start = format!(r#""message":{}"#, self.object("", "null", first));
        script.output = first;
        script.push("message_start", &start);
        match &self.tool {
            Some(call) => self.stream_tool(&mut script, call),
            None => self.stream_text(&mut script),
        }
        script.push("content_block_stop", r#""index":0"#);
        script.output = self.plan.billed.output;
        script.push("message_delta", &self.message_delta());
        script.push_bare("message_stop");
        script.frames
    }

    fn stream_text(&self, script: &mut Script) {
        let block = r#""index":0,"content_block":{"type":"text","text":""}"#;
        script.push("content_block_start", block);
        script.push_bare("ping");
        script.output = self.plan.hidden();
        for (size, times) in self.plan.runs() {
            let text = words(size);
            let fields = format!(r#""index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#);
            let bytes = Bytes::from(event("content_block_delta", &fields));
            for _ in 0..times {
                script.output += size;
                script.frames.push(Frame {
                    bytes: bytes.clone(),
                    output: script.output,
                });
            }
        }
    }

    fn stream_tool(&self, script: &mut Script, call: &ToolCall) {
        let block = self.tool_block(call, "{}");
        script.push(
            "content_block_start",
            &format!(r#""index":0,"content_block":{block}"#),
        );
        script.push_bare("ping");
        for part in halves(&call.arguments) {
            script.output += self.plan.billed.output / 2;
            let delta = format!(
                r#""index":0,"delta":{{"type":"input_json_delta","partial_json":{}}}"#,
                quoted(part)
            );
            script.push("content_block_delta", &delta);
        }
    }

    fn message_delta(&self) -> String {
        let usage = if self.plan.usage {
            let billed = self.plan.billed;
            format!(
                r#","usage":{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"output_tokens":{},"output_tokens_details":{{"thinking_tokens":{}}},"server_tool_use":{}}}"#,
                billed.uncached(),
                billed.cache_write + billed.cache_write_1h,
                billed.cached_input,
                billed.output,
                billed.reasoning,
                server_tools(billed)
            )
        } else {
            String::new()
        };
        let reason = self.stop_reason();
        format!(r#""delta":{{"stop_reason":"{reason}","stop_sequence":null}}{usage}"#)
    }
}

/// What the provider's own tools did: only searches are billed by the call.
fn server_tools(billed: BilledTokens) -> String {
    match billed.web_search_calls {
        0 => "null".to_owned(),
        searches => {
            format!(r#"{{"web_search_requests":{searches},"web_fetch_requests":0}}"#)
        }
    }
}

struct Script {
    frames: Vec<Frame>,
    output: u64,
}

impl Script {
    fn push(&mut self, name: &str, fields: &str) {
        self.frames.push(Frame {
            bytes: event(name, fields).into(),
            output: self.output,
        });
    }

    fn push_bare(&mut self, name: &str) {
        let bytes = format!("event: {name}\ndata: {{\"type\":\"{name}\"}}\n\n");
        self.frames.push(Frame {
            bytes: bytes.into(),
            output: self.output,
        });
    }
}

fn event(name: &str, fields: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\",{fields}}}\n\n")
}
