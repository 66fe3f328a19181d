//! Reads what a request to Anthropic asks for.

use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::id::ModelName;
use crate::domain::object::ObjectKind;
use crate::domain::usage::RateKind;
use crate::providers::batch;
use crate::providers::call::{Call, Calls, RequestedTier};
use crate::providers::content::{CacheControl, Content, Key, Names, Part, Walked};
use crate::providers::endpoints::Operation;
use crate::providers::json::{Member, Text, opening, parse_object};
use crate::providers::reference::ReferenceKind;

/// More than the longest system text that the provider adds for tools.
const TOOL_PROMPT_TOKENS: u64 = 2_000;
/// More than the longest description of a tool that the provider wrote itself.
const BUILT_IN_TOOL_TOKENS: u64 = 1_000;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default, borrow)]
    stream: Member<'a>,
    #[serde(default, borrow)]
    max_tokens: Member<'a>,
    #[serde(default, borrow)]
    service_tier: Member<'a>,
    #[serde(default, borrow)]
    speed: Member<'a>,
    #[serde(default, borrow)]
    inference_geo: Member<'a>,
    #[serde(default, borrow)]
    tools: Member<'a>,
    #[serde(default, borrow)]
    mcp_servers: Member<'a>,
    #[serde(default, borrow)]
    container: Member<'a>,
    #[serde(default, borrow)]
    context_management: Member<'a>,
    #[serde(default, borrow)]
    cache_control: Option<CacheControl<'a>>,
    #[serde(default)]
    system: Walked<Anthropic>,
    #[serde(default)]
    messages: Walked<Anthropic>,
}

/// Fills in the call from its body.
pub(crate) fn read(call: &mut Call, bytes: &[u8]) -> Result<(), BadRequest> {
    if call.operation == Operation::CreateBatch {
        return batch::read_anthropic(call, bytes);
    }
    let body: Body<'_> = parse_object(bytes)?;
    let model = body.model.text("model")?.unwrap_or_default();
    if model.is_empty() {
        return Err(BadRequest::field("model", "model: Field required"));
    }
    call.model = ModelName::new(&model);
    call.layout.model = body.model.place(bytes);
    read_content(call, &body);
    if call.operation == Operation::CountTokens {
        return Ok(());
    }
    call.streamed = body.stream.flag("stream")?;
    (call.layout.open, call.layout.is_empty) = opening(bytes).unwrap_or_default();
    call.layout.caps.extend(body.max_tokens.place(bytes));
    call.output_cap = body.max_tokens.count("max_tokens")?;
    if call.output_cap.is_none() {
        return Err(BadRequest::field(
            "max_tokens",
            "max_tokens: Field required",
        ));
    }
    call.tier = match body.service_tier.text("service_tier")?.as_deref() {
        // `auto` is faster only for those who paid for it beforehand: there is no dearer price.
        None | Some("auto" | "standard_only") => RequestedTier::Standard,
        Some(_) => RequestedTier::Unknown,
    };
    read_features(call, &body)?;
    read_tools(call, &body)
}

fn read_content(call: &mut Call, body: &Body<'_>) {
    let mut marks = Content::default();
    marks.add_cache_control(body.cache_control.as_ref());
    call.add_content(&marks);
    call.add_content(&body.system.content);
    call.add_content(&body.messages.content);
}

/// What changes the price of every token, or is billed beside them.
fn read_features(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    if !matches!(
        body.speed.text("speed")?.as_deref(),
        None | Some("standard")
    ) {
        call.refuse("fast mode");
    }
    let region = body.inference_geo.text("inference_geo")?;
    if !matches!(region.as_deref(), None | Some("global" | "not_available")) {
        call.refuse("inference in one region");
    }
    if body.container.is_set() {
        call.refuse("containers of the provider");
    }
    let management = body.context_management.written().unwrap_or_default();
    if management.contains("compact") {
        call.refuse("compaction by the provider");
    }
    if body
        .mcp_servers
        .written()
        .is_some_and(|servers| servers != "[]")
    {
        call.input.server_tool_calls = Calls::Unlimited;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Tool<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    max_uses: Member<'a>,
    #[serde(default, borrow)]
    cache_control: Option<CacheControl<'a>>,
}

fn read_tools(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    let tools: Vec<Tool<'_>> = body.tools.parsed("tools")?.unwrap_or_default();
    if !tools.is_empty() {
        call.input.hidden_tokens = TOOL_PROMPT_TOKENS;
    }
    for tool in &tools {
        let mut marks = Content::default();
        marks.add_cache_control(tool.cache_control.as_ref());
        call.add_content(&marks);
        if let Some(kind) = tool.kind.as_deref().filter(|kind| *kind != "custom") {
            let hidden = &mut call.input.hidden_tokens;
            *hidden = hidden.saturating_add(BUILT_IN_TOOL_TOKENS);
            let uses = tool.max_uses.count("tools.max_uses")?;
            read_tool(call, kind, uses.map_or(Calls::Unlimited, Calls::AtMost));
        }
    }
    Ok(())
}

/// A tool that the provider describes. The type ends with a date: `web_search_20250305`.
fn read_tool(call: &mut Call, kind: &str, uses: Calls) {
    let (name, _) = kind.rsplit_once('_').unwrap_or((kind, ""));
    match name {
        // Run by the caller.
        "bash" | "text_editor" | "computer" | "memory" => {}
        "web_search" => {
            add_calls(&mut call.input.server_tool_calls, uses);
            add_calls(&mut call.input.web_search_calls, uses);
            call.need(RateKind::WebSearchCall);
        }
        "web_fetch" => add_calls(&mut call.input.server_tool_calls, uses),
        "tool_search_tool_regex" | "tool_search_tool_bm25" => {
            add_calls(&mut call.input.server_tool_calls, Calls::Unlimited);
        }
        "code_execution" => call.refuse("containers of the provider"),
        _ => call.refuse("a tool of an unknown type"),
    }
}

fn add_calls(calls: &mut Calls, more: Calls) {
    *calls = match (*calls, more) {
        (Calls::AtMost(known), Calls::AtMost(more)) => Calls::AtMost(known.saturating_add(more)),
        (Calls::Unlimited, _) | (_, Calls::Unlimited) => Calls::Unlimited,
    };
}

/// The names in Anthropic's messages.
#[derive(Debug)]
struct Anthropic;

impl Names for Anthropic {
    fn part(type_name: &str) -> Part {
        match type_name {
            "text"
            | "content"
            | "thinking"
            | "redacted_thinking"
            | "tool_use"
            | "tool_result"
            | "tool_reference"
            | "server_tool_use"
            | "web_search_tool_result"
            | "web_search_tool_result_error"
            | "web_search_result"
            | "web_search_result_location"
            | "search_result"
            | "search_result_location"
            | "char_location"
            | "page_location"
            | "content_block_location"
            | "mcp_tool_use"
            | "mcp_tool_result"
            | "ephemeral"
            | "direct" => Part::Plain,
            "image" => Part::Image,
            "document" => Part::Document,
            "base64" | "url" | "file" => Part::Packed,
            _ => Part::Unbounded,
        }
    }

    fn key(name: &str) -> Key {
        match name {
            "type" => Key::Type,
            "cache_control" => Key::CacheControl,
            "input" => Key::Opaque,
            "source" => Key::Source,
            "url" => Key::Address,
            "data" => Key::Data,
            "file_id" => Key::Ids(ReferenceKind::Object(ObjectKind::File)),
            _ => Key::Other,
        }
    }
}
