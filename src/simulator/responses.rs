//! OpenAI responses: one object, or the sequence of events in which it comes about.
//! [`super::stored_responses`] keeps them.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, quoted, words};
use super::openai::{halves, missing, parse, served_tier, tools_text};
use super::prompt::Prompt;
use super::refusal::Refusal;
use super::stored_responses;
use super::tools::{self, ToolCall};

#[derive(Deserialize)]
struct Request<'a> {
    model: Option<String>,
    input: Option<Prompt>,
    instructions: Option<Prompt>,
    max_output_tokens: Option<u64>,
    stream: Option<bool>,
    service_tier: Option<String>,
    store: Option<bool>,
    background: Option<bool>,
    previous_response_id: Option<String>,
    metadata: Option<serde_json::Value>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
}

impl Request<'_> {
    fn input_tokens(&self, exchange: &Exchange<'_>) -> u64 {
        let definitions = tools_text(self.tools);
        let parts = [
            self.input.as_ref(),
            self.instructions.as_ref(),
            definitions.as_ref(),
        ];
        exchange.input_tokens(&parts)
    }

    /// The turns before this one are input, too.
    fn context(&self, exchange: &Exchange<'_>) -> Result<u64, Refusal> {
        match self.previous_response_id.as_deref() {
            Some(id) => stored_responses::context(exchange, id),
            None => Ok(0),
        }
    }
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let model = request.model.as_deref().ok_or_else(|| missing("model"))?;
    let input = request.input.as_ref().ok_or_else(|| missing("input"))?;
    let (stored, background) = (
        request.store != Some(false),
        request.background == Some(true),
    );
    if request.max_output_tokens == Some(0) || (background && !stored) {
        return Err(Refusal::bad_request(
            "Invalid 'max_output_tokens' or 'background' without 'store'.",
        ));
    }
    let plan = exchange.plan(&Ask {
        input: request.input_tokens(exchange) + request.context(exchange)?,
        cap: request.max_output_tokens,
        ..Ask::default()
    });
    let tool = (!input.tool_result && !exchange.directives.has(Flag::NoTools))
        .then(|| tools::choose(request.tools, request.tool_choice))
        .flatten();
    let tier = exchange.tier(served_tier(request.service_tier.as_deref()));
    let billed = plan.billed;
    let response = Response {
        sequence: exchange.sequence,
        fields: fields(exchange, &request, model),
        tier: quoted(&tier),
        plan,
        tool,
    };
    let streamed = request.stream == Some(true);
    let mut answer = match (streamed, background) {
        (true, _) => Answer::events(model, billed, response.stream()),
        (false, true) => Answer::json(model, billed, response.object("queued", "")),
        (false, false) => Answer::json(model, billed, response.ended()),
    }
    .at_tier(&tier);
    let refused = exchange.directives.status.is_some();
    if stored && !exchange.batched && !refused {
        let course = background.then_some((exchange.directives.course, streamed));
        stored_responses::keep(exchange, response, course);
        answer.background = background.then_some(exchange.sequence);
    }
    Ok(answer)
}

/// A conversation in short. Nobody can say how long that may be.
pub(super) fn compaction(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let model = request.model.as_deref().ok_or_else(|| missing("model"))?;
    if request.max_output_tokens.is_some() || request.stream == Some(true) {
        return Err(Refusal::bad_request("Unknown parameter."));
    }
    let plan = exchange.plan(&Ask {
        input: request.input_tokens(exchange) + request.context(exchange)?,
        ..Ask::default()
    });
    let usage = if plan.usage {
        usage(plan.billed)
    } else {
        "null".to_owned()
    };
    let tier = exchange.tier(served_tier(request.service_tier.as_deref()));
    let body = format!(
        r#"{{"id":"resp_sim{:020x}","object":"response.compaction","created_at":{},"output":[{{"id":"cmp_sim{:020x}","type":"compaction","encrypted_content":"c2ltdWxhdGVk"}}],"service_tier":{},"usage":{usage}}}"#,
        exchange.sequence,
        exchange.created,
        exchange.sequence,
        quoted(&tier),
    );
    Ok(Answer::json(model, plan.billed, body).at_tier(&tier))
}

fn usage(billed: BilledTokens) -> String {
    format!(
        r#"{{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{}}},"output_tokens":{},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}}"#,
        billed.input,
        billed.cached_input,
        billed.cache_write,
        billed.output,
        billed.reasoning,
        billed.input + billed.output
    )
}

pub(super) fn input_tokens(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request<'_> = parse(exchange.body)?;
    let counted = request.input_tokens(exchange) + request.context(exchange)?;
    let tokens = exchange.directives.input.unwrap_or(counted);
    Ok(Answer::json(
        request.model.as_deref().unwrap_or_default(),
        BilledTokens::default(),
        format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#),
    ))
}

/// The fields that do not change while the response comes about.
fn fields(exchange: &Exchange<'_>, request: &Request<'_>, model: &str) -> String {
    let cap = request
        .max_output_tokens
        .map_or_else(|| "null".to_owned(), |cap| cap.to_string());
    format!(
        r#""object":"response","created_at":{},"background":{},"instructions":null,"max_output_tokens":{cap},"max_tool_calls":null,"model":{},"parallel_tool_calls":true,"previous_response_id":{},"prompt_cache_key":null,"reasoning":{{"effort":null,"summary":null}},"safety_identifier":null,"store":{},"temperature":1.0,"text":{{"format":{{"type":"text"}},"verbosity":"medium"}},"tool_choice":{},"tools":{},"top_logprobs":0,"top_p":1.0,"truncation":"disabled","user":null,"metadata":{}"#,
        exchange.created,
        request.background == Some(true),
        quoted(model),
        json!(request.previous_response_id),
        request.store != Some(false),
        request.tool_choice.map_or("\"auto\"", RawValue::get),
        request.tools.map_or("[]", RawValue::get),
        request.metadata.as_ref().unwrap_or(&json!({})),
    )
}

/// A response, in whatever state.
pub(super) struct Response {
    sequence: u64,
    fields: String,
    tier: String,
    pub(super) plan: Plan,
    tool: Option<ToolCall>,
}

impl Response {
    fn end_status(&self) -> &'static str {
        if self.plan.truncated {
            "incomplete"
        } else {
            "completed"
        }
    }

    /// The whole object, once it has come about.
    pub(super) fn ended(&self) -> String {
        self.object(self.end_status(), &self.output())
    }

    pub(super) fn object(&self, status: &str, output: &str) -> String {
        let ended = status == self.end_status();
        let error = if status == "failed" {
            r#"{"code":"server_error","message":"Simulated failure."}"#
        } else {
            "null"
        };
        let details = if status == "incomplete" {
            r#"{"reason":"max_output_tokens"}"#
        } else {
            "null"
        };
        let usage = if ended && self.plan.usage {
            usage(self.plan.billed)
        } else {
            "null".to_owned()
        };
        let tier = if ended { &self.tier } else { "\"auto\"" };
        format!(
            r#"{{"id":"resp_sim{:020x}",{},"error":{error},"status":"{status}","incomplete_details":{details},"service_tier":{tier},"output":[{output}],"usage":{usage}}}"#,
            self.sequence, self.fields
        )
    }

    fn output(&self) -> String {
        let item = match &self.tool {
            Some(call) => self.call_item(call, &call.arguments, self.end_status()),
            None => self.message_item(&text_part(&words(self.plan.visible)), self.end_status()),
        };
        let mut items: Vec<String> = self.reasoning_item().into_iter().collect();
        items.extend((0..self.searches()).map(|index| self.search_item(index)));
        items.push(item);
        items.join(",")
    }

    fn searches(&self) -> u64 {
        self.plan.billed.web_search_calls
    }

    fn search_item(&self, index: u64) -> String {
        format!(
            r#"{{"id":"ws_sim{:018x}{index:04x}","type":"web_search_call","status":"completed","action":{{"type":"search","query":"simulated"}}}}"#,
            self.sequence
        )
    }

    fn reasoning_item(&self) -> Option<String> {
        (self.plan.billed.reasoning > 0).then(|| {
            format!(
                r#"{{"id":"rs_sim{:029x}","type":"reasoning","summary":[]}}"#,
                self.sequence
            )
        })
    }

    fn message_item(&self, content: &str, status: &str) -> String {
        format!(
            r#"{{"id":"{}","type":"message","status":"{status}","role":"assistant","content":[{content}]}}"#,
            self.item_id()
        )
    }

    fn call_item(&self, call: &ToolCall, arguments: &str, status: &str) -> String {
        format!(
            r#"{{"id":"{}","type":"function_call","status":"{status}","call_id":"call_sim{:020x}","name":{},"arguments":{}}}"#,
            self.item_id(),
            self.sequence,
            quoted(&call.name),
            quoted(arguments)
        )
    }

    fn item_id(&self) -> String {
        let kind = if self.tool.is_some() { "fc" } else { "msg" };
        format!("{kind}_sim{:029x}", self.sequence)
    }

    pub(super) fn stream(&self) -> Vec<Frame> {
        let mut script = Script {
            frames: Vec::new(),
            output: 0,
            item: 0,
        };
        let start = format!(r#""response":{}"#, self.object("in_progress", ""));
        script.push("response.created", &start);
        script.push("response.in_progress", &start);
        if let Some(item) = self.reasoning_item() {
            script.push_item("response.output_item.added", &item);
            script.output = self.plan.billed.reasoning;
            script.push_item("response.output_item.done", &item);
            script.item = 1;
        }
        for index in 0..self.searches() {
            let item = self.search_item(index);
            script.push_item("response.output_item.added", &item);
            script.push_item("response.output_item.done", &item);
            script.item += 1;
        }
        script.output = self.plan.hidden();
        match &self.tool {
            Some(call) => self.stream_call(&mut script, call),
            None => self.stream_message(&mut script),
        }
        let status = self.end_status();
        let end = format!(r#""response":{}"#, self.object(status, &self.output()));
        script.push(&format!("response.{status}"), &end);
        script.frames
    }

    fn stream_message(&self, script: &mut Script) {
        script.push_item(
            "response.output_item.added",
            &self.message_item("", "in_progress"),
        );
        let place = self.place(script);
        let content = format!(r#"{place},"content_index":0"#);
        let empty = text_part("");
        script.push(
            "response.content_part.added",
            &format!(r#"{content},"part":{empty}"#),
        );
        for tokens in self.plan.pieces() {
            script.output += tokens;
            let delta = words(tokens);
            script.push(
                "response.output_text.delta",
                &format!(r#"{content},"delta":"{delta}","logprobs":[]"#),
            );
        }
        let text = words(self.plan.visible);
        let part = text_part(&text);
        script.push(
            "response.output_text.done",
            &format!(r#"{content},"text":"{text}","logprobs":[]"#),
        );
        script.push(
            "response.content_part.done",
            &format!(r#"{content},"part":{part}"#),
        );
        let item = self.message_item(&part, self.end_status());
        script.push_item("response.output_item.done", &item);
    }

    fn stream_call(&self, script: &mut Script, call: &ToolCall) {
        script.push_item(
            "response.output_item.added",
            &self.call_item(call, "", "in_progress"),
        );
        let place = self.place(script);
        for part in halves(&call.arguments) {
            script.output += self.plan.visible / 2;
            script.push(
                "response.function_call_arguments.delta",
                &format!(r#"{place},"delta":{}"#, quoted(part)),
            );
        }
        script.output = self.plan.billed.output;
        script.push(
            "response.function_call_arguments.done",
            &format!(r#"{place},"arguments":{}"#, quoted(&call.arguments)),
        );
        let item = self.call_item(call, &call.arguments, self.end_status());
        script.push_item("response.output_item.done", &item);
    }

    fn place(&self, script: &Script) -> String {
        format!(
            r#""item_id":"{}","output_index":{}"#,
            self.item_id(),
            script.item
        )
    }
}

fn text_part(text: &str) -> String {
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
}

/// A streamed answer while it is written: every event is numbered.
struct Script {
    frames: Vec<Frame>,
    output: u64,
    /// The index of the output item that is being written.
    item: u64,
}

impl Script {
    fn push(&mut self, event: &str, fields: &str) {
        let number = self.frames.len();
        let bytes = format!(
            "event: {event}\ndata: {{\"type\":\"{event}\",\"sequence_number\":{number},{fields}}}\n\n"
        );
        self.frames.push(Frame {
            bytes: bytes.into(),
            output: self.output,
        });
    }

    fn push_item(&mut self, event: &str, item: &str) {
        let fields = format!(r#""output_index":{},"item":{item}"#, self.item);
        self.push(event, &fields);
    }
}
