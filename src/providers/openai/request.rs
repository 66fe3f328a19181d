//! Reads what a request to `OpenAI` asks for.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::denial::BadRequest;
use crate::domain::feature::Feature;
use crate::domain::object::ObjectKind;
use crate::domain::usage::RateKind;
use crate::providers::batch;
use crate::providers::call::{Call, Calls, Nested, RequestedTier};
use crate::providers::content::Walked;
use crate::providers::endpoints::Operation;
use crate::providers::json::{Member, Text, opening, parse_object};
use crate::providers::multipart::Form;
use crate::providers::openai::names::OpenAi;
use crate::providers::openai::{audio, images};
use crate::providers::reference::{Reference, ReferenceKind, ids};

/// What `/v1/completions` generates when the caller gives no cap.
const COMPLETION_TOKENS_DEFAULT: u64 = 16;
/// What `/v1/moderations` uses when the caller names no model.
const MODERATION_MODEL_DEFAULT: &str = "omni-moderation-latest";

/// The members that we use, of any of the endpoints.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default, borrow)]
    stream: Member<'a>,
    #[serde(default, borrow)]
    stream_options: Member<'a>,
    #[serde(default, borrow)]
    max_tokens: Member<'a>,
    #[serde(default, borrow)]
    max_completion_tokens: Member<'a>,
    #[serde(default, borrow)]
    max_output_tokens: Member<'a>,
    #[serde(default, borrow)]
    n: Member<'a>,
    #[serde(default, borrow)]
    best_of: Member<'a>,
    #[serde(default, borrow)]
    service_tier: Member<'a>,
    #[serde(default, borrow)]
    modalities: Member<'a>,
    #[serde(default, borrow)]
    tools: Member<'a>,
    #[serde(default, borrow)]
    max_tool_calls: Member<'a>,
    #[serde(default, borrow)]
    web_search_options: Member<'a>,
    #[serde(default, borrow)]
    background: Member<'a>,
    #[serde(default, borrow)]
    store: Member<'a>,
    #[serde(default, borrow)]
    previous_response_id: Member<'a>,
    #[serde(default, borrow)]
    conversation: Member<'a>,
    #[serde(default, borrow)]
    context_management: Member<'a>,
    #[serde(default, borrow)]
    prompt: Member<'a>,
    #[serde(default, borrow)]
    input: Member<'a>,
    #[serde(default)]
    messages: Walked<OpenAi>,
}

/// Whether an endpoint takes a form with files.
pub(crate) fn takes_form(operation: Operation) -> bool {
    matches!(operation, Operation::Images | Operation::Transcriptions)
}

/// Fills in the call from a form.
pub(crate) fn read_form(call: &mut Call, form: &Form) -> Result<(), BadRequest> {
    if call.operation == Operation::Images {
        return images::read_form(call, form);
    }
    audio::read_recording(call, form)
}

/// Fills in the call from its body.
pub(crate) fn read(call: &mut Call, bytes: &[u8]) -> Result<(), BadRequest> {
    if call.operation == Operation::Images {
        return images::read(call, bytes);
    }
    if call.operation == Operation::Speech {
        return audio::read_speech(call, bytes);
    }
    if call.operation == Operation::Transcriptions {
        return Err(BadRequest::new("The body must be multipart/form-data."));
    }
    if call.operation == Operation::CreateBatch {
        return batch::read_openai(call, bytes);
    }
    let body: Body<'_> = parse_object(bytes)?;
    read_model(call, &body)?;
    call.layout.model = body.model.place(bytes);
    match call.operation {
        Operation::ChatCompletions => {
            read_common(call, &body, bytes)?;
            read_chat(call, &body, bytes)
        }
        Operation::Responses => {
            read_common(call, &body, bytes)?;
            read_responses(call, &body, bytes)
        }
        Operation::Compaction => read_compaction(call, &body, bytes),
        Operation::Completions => {
            read_common(call, &body, bytes)?;
            read_completions(call, &body, bytes)
        }
        Operation::Embeddings => read_embeddings(call, &body),
        Operation::CountTokens => read_responses(call, &body, bytes),
        Operation::Moderations
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Object
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Messages
        | Operation::GenerateContent
        | Operation::StreamGenerateContent
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::CacheContents
        | Operation::Realtime
        | Operation::Models
        | Operation::Unmetered => Ok(()),
    }
}

fn read_embeddings(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    call.input.sequences = sequences(body.input, "input")?;
    Ok(())
}

fn read_model(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    let model = match body.model.text("model")? {
        Some(model) => model,
        // Tokens can be counted for a prompt that names its model itself.
        None if call.operation == Operation::CountTokens => return Ok(()),
        None if call.operation == Operation::Moderations => Cow::Borrowed(MODERATION_MODEL_DEFAULT),
        None => {
            let message = "You must provide a `model`.";
            return Err(BadRequest::field("model", message));
        }
    };
    if model.is_empty() {
        return Err(BadRequest::field("model", "`model` must not be empty."));
    }
    call.name_model(&model);
    Ok(())
}

fn read_common(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    call.streamed = body.stream.flag("stream")?;
    call.tier = match body.service_tier.text("service_tier")?.as_deref() {
        // Saying nothing means `auto`: the tier that the provider's project is set to.
        None | Some("auto") => RequestedTier::Auto,
        Some("default") => RequestedTier::Standard,
        Some("flex") => RequestedTier::Flex,
        Some("priority") => RequestedTier::Priority,
        Some(_) => RequestedTier::Unknown,
    };
    (call.layout.open, call.layout.is_empty) = opening(bytes).unwrap_or_default();
    Ok(())
}

/// The largest of the caps that the caller wrote, all of which an edit must replace.
fn read_caps(
    call: &mut Call,
    bytes: &[u8],
    caps: &[(Member<'_>, &'static str)],
) -> Result<(), BadRequest> {
    for (member, name) in caps {
        call.layout.caps.extend(member.place(bytes));
        call.output_cap = call.output_cap.max(member.count(name)?);
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StreamOptions<'a> {
    #[serde(default, borrow)]
    include_usage: Member<'a>,
}

fn read_stream_options(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    let Some(value) = body.stream_options.place(bytes) else {
        return Ok(());
    };
    let written = body.stream_options.written();
    let options: Option<StreamOptions<'_>> = body.stream_options.parsed("stream_options")?;
    if let Some(options) = options {
        call.layout.include_usage = options.include_usage.place(bytes);
        call.layout.usage_asked = options.include_usage.flag("stream_options.include_usage")?;
    }
    let is_empty =
        written.is_none_or(|text| opening(text.as_bytes()).is_none_or(|(_, empty)| empty));
    call.layout.stream_options = Some(Nested { value, is_empty });
    Ok(())
}

fn read_chat(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    let caps = [
        (body.max_completion_tokens, "max_completion_tokens"),
        (body.max_tokens, "max_tokens"),
    ];
    read_caps(call, bytes, &caps)?;
    read_stream_options(call, body, bytes)?;
    call.choices = body.n.count("n")?.unwrap_or(1);
    call.add_content(&body.messages.content);
    let modalities: Option<Vec<Text<'_>>> = body.modalities.parsed("modalities")?;
    if modalities.is_some_and(|asked| asked.iter().any(|modality| &**modality == "audio")) {
        call.need(RateKind::AudioOutput);
    }
    let model = call.model.as_str();
    let is_search_model = model.contains("-search-preview") || model.contains("-search-api");
    if is_search_model || body.web_search_options.is_set() {
        // These models search once, before they answer.
        call.input.has_unbounded_input = true;
        call.input.web_search_calls = Calls::AtMost(call.choices);
        call.need(RateKind::WebSearchCall);
    }
    for tool in tools(body)? {
        if !matches!(tool.kind.as_deref(), None | Some("function" | "custom")) {
            call.refuse("a tool of an unknown type");
        }
    }
    Ok(())
}

fn read_completions(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    read_caps(call, bytes, &[(body.max_tokens, "max_tokens")])?;
    read_stream_options(call, body, bytes)?;
    call.output_cap = call.output_cap.or(Some(COMPLETION_TOKENS_DEFAULT));
    let asked = body.n.count("n")?.unwrap_or(1);
    let tried = body.best_of.count("best_of")?.unwrap_or(1);
    call.input.sequences = sequences(body.prompt, "prompt")?;
    call.choices = asked.max(tried).saturating_mul(call.input.sequences);
    Ok(())
}

fn read_responses(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    read_caps(
        call,
        bytes,
        &[(body.max_output_tokens, "max_output_tokens")],
    )?;
    if let Some(input) = body.input.parsed::<Walked<OpenAi>>("input")? {
        call.add_content(&input.content);
    }
    read_earlier_turns(call, body)?;
    if body.prompt.is_set() {
        // It may bring tools that cost fees.
        call.input.has_unbounded_input = true;
        call.refuse("a stored prompt");
    }
    call.is_background = body.background.flag("background")?;
    if body.store.is_set() {
        call.is_kept = body.store.flag("store")?;
    }
    if body.context_management.is_set() {
        call.refuse("context management by the provider");
    }
    let calls = body.max_tool_calls.count("max_tool_calls")?;
    let calls = calls.map_or(Calls::Unlimited, Calls::AtMost);
    let tools = tools(body)?;
    for tool in &tools {
        read_tool(call, tool.kind.as_deref().unwrap_or_default(), calls);
    }
    let is_own = |tool: &Tool<'_>| matches!(tool.kind.as_deref(), Some("function" | "custom"));
    if !tools.iter().all(is_own) {
        add_references_of_tools(call, body)?;
    }
    Ok(())
}

/// It reads what a response would, and has no cap and no stream.
fn read_compaction(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    read_common(call, body, bytes)?;
    read_responses(call, body, bytes)?;
    call.layout.caps.clear();
    call.output_cap = None;
    call.streamed = false;
    call.is_background = false;
    Ok(())
}

/// Names what the provider keeps of a conversation.
fn read_earlier_turns(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    if let Some(id) = body.previous_response_id.text("previous_response_id")? {
        let earlier = Reference::object(ObjectKind::Response, &id);
        call.references.push(earlier);
        call.input.has_unbounded_input = true;
    }
    for id in ids(body.conversation) {
        let kind = ReferenceKind::Of(Feature::Conversations);
        call.references.push(Reference::new(kind, &id));
    }
    call.input.has_unbounded_input |= body.conversation.is_set();
    Ok(())
}

/// What tools of the provider work with.
fn add_references_of_tools(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    if let Some(walked) = body.tools.parsed::<Walked<OpenAi>>("tools")? {
        call.references.extend(walked.content.references);
    }
    Ok(())
}

fn read_tool(call: &mut Call, kind: &str, calls: Calls) {
    match kind {
        // Run by the caller.
        "function" | "custom" | "namespace" | "local_shell" | "apply_patch" => {}
        "mcp" | "tool_search" => call.input.server_tool_calls = calls,
        "file_search" => call.refuse("file search"),
        "code_interpreter" | "shell" => call.refuse("containers of the provider"),
        "image_generation" => call.refuse("the image generation tool"),
        search if search.starts_with("web_search") => {
            call.input.server_tool_calls = calls;
            call.input.web_search_calls = calls;
            call.need(RateKind::WebSearchCall);
        }
        computer if computer.starts_with("computer") => call.refuse("computer use"),
        _ => call.refuse("a tool of an unknown type"),
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Tool<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

fn tools<'a>(body: &Body<'a>) -> Result<Vec<Tool<'a>>, BadRequest> {
    Ok(body.tools.parsed("tools")?.unwrap_or_default())
}

/// How many inputs there are: one text, a list of texts, a list of tokens or a list of such lists.
fn sequences(member: Member<'_>, name: &'static str) -> Result<u64, BadRequest> {
    let Some(text) = member.written() else {
        return Ok(1);
    };
    let first = text.strip_prefix('[').map(str::trim_start);
    if first.is_none_or(|first| first.starts_with(|first: char| first.is_ascii_digit())) {
        return Ok(1);
    }
    let items: Vec<IgnoredAny> = member.parsed(name)?.unwrap_or_default();
    Ok(u64::try_from(items.len()).unwrap_or(u64::MAX).max(1))
}
