//! Reads what a request to Google asks for. Names may be written `camelCase` or `snake_case`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::usage::RateKind;
use crate::providers::batch;
use crate::providers::call::{Call, Calls, Nested, RequestedTier};
use crate::providers::content::{Key, Names, Part, Walked};
use crate::providers::endpoints::Operation;
use crate::providers::google::cache::CacheTerm;
use crate::providers::json::{Member, Text, opening, parse_object};
use crate::providers::reference::Reference;
use crate::providers::sound;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Body<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default, borrow, alias = "generation_config")]
    generation_config: Member<'a>,
    #[serde(default, borrow)]
    tools: Member<'a>,
    #[serde(default, borrow, alias = "cached_content")]
    cached_content: Member<'a>,
    #[serde(default, borrow, alias = "service_tier")]
    service_tier: Member<'a>,
    #[serde(default, borrow)]
    requests: Member<'a>,
    #[serde(default, borrow)]
    ttl: Member<'a>,
    #[serde(default, borrow, alias = "expire_time")]
    expire_time: Member<'a>,
    #[serde(default)]
    contents: Walked<Google>,
    #[serde(default)]
    content: Walked<Google>,
    #[serde(default, alias = "system_instruction")]
    system_instruction: Walked<Google>,
    #[serde(default, alias = "generate_content_request")]
    generate_content_request: Walked<Google>,
}

/// Fills in the call from its body.
pub(crate) fn read(call: &mut Call, bytes: &[u8]) -> Result<(), BadRequest> {
    if call.operation.is_batch() {
        return batch::read_google(call, bytes);
    }
    let body: Body<'_> = parse_object(bytes)?;
    if call.operation == Operation::CacheContents {
        return read_cache(call, &body);
    }
    check_model(call, body.model)?;
    call.layout.model = body.model.place(bytes);
    match call.operation {
        Operation::GenerateContent | Operation::StreamGenerateContent => {
            read_generation(call, &body, bytes)
        }
        Operation::EmbedContent => {
            call.add_content(&body.content.content);
            Ok(())
        }
        Operation::BatchEmbedContents => read_batch(call, &body),
        Operation::CountTokens => {
            call.add_content(&body.contents.content);
            call.add_content(&body.generate_content_request.content);
            Ok(())
        }
        Operation::ChatCompletions
        | Operation::CacheContents
        | Operation::Object
        | Operation::CreateBatch
        | Operation::CreateEmbeddingBatch
        | Operation::Responses
        | Operation::Compaction
        | Operation::Embeddings
        | Operation::Completions
        | Operation::Moderations
        | Operation::Images
        | Operation::Speech
        | Operation::Transcriptions
        | Operation::Messages
        | Operation::Realtime
        | Operation::Models
        | Operation::Unmetered => Ok(()),
    }
}

/// A body that names another model than the path could be billed as that one.
pub(crate) fn check_model(call: &Call, model: Member<'_>) -> Result<(), BadRequest> {
    let Some(model) = model.text("model")? else {
        return Ok(());
    };
    if model.strip_prefix("models/").unwrap_or(&model) == call.model.as_str() {
        return Ok(());
    }
    let message = "The model in the body is not the one in the path.";
    Err(BadRequest::field("model", message))
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct EmbedRequest<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default)]
    content: Walked<Google>,
}

fn read_batch(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    let requests: Vec<EmbedRequest<'_>> = body.requests.parsed("requests")?.unwrap_or_default();
    for request in &requests {
        check_model(call, request.model)?;
        call.add_content(&request.content.content);
    }
    call.input.sequences = u64::try_from(requests.len()).unwrap_or(u64::MAX).max(1);
    Ok(())
}

/// Reads what is to be kept for later requests, and for how long.
fn read_cache(call: &mut Call, body: &Body<'_>) -> Result<(), BadRequest> {
    call.cache_term = Some(CacheTerm::read(body.ttl, body.expire_time)?);
    call.need(RateKind::CacheStorage);
    if call.object.is_some() {
        // Only the time is changed; what is kept is known where it is.
        return Ok(());
    }
    let model = body.model.text("model")?;
    let model = model.filter(|model| !model.is_empty());
    let missing = || BadRequest::field("model", "You must provide a `model`.");
    call.name_model(&model.ok_or_else(missing)?);
    call.add_content(&body.contents.content);
    call.add_content(&body.system_instruction.content);
    for (name, _) in tools(body)?.iter().flatten().filter(|(_, it)| it.is_set()) {
        if !is_of_caller(name) {
            call.refuse("a tool that Google runs, in cached contents");
        }
    }
    Ok(())
}

type Tools<'a> = Vec<BTreeMap<Cow<'a, str>, Member<'a>>>;

fn tools<'a>(body: &Body<'a>) -> Result<Tools<'a>, BadRequest> {
    Ok(body.tools.parsed("tools")?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
struct GenerationConfig<'a> {
    #[serde(borrow, alias = "max_output_tokens")]
    max_output_tokens: Member<'a>,
    #[serde(borrow, alias = "candidate_count")]
    candidate_count: Member<'a>,
    #[serde(borrow, alias = "response_modalities")]
    response_modalities: Member<'a>,
}

fn read_generation(call: &mut Call, body: &Body<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    call.add_content(&body.contents.content);
    call.add_content(&body.system_instruction.content);
    if let Some(name) = body.cached_content.text("cachedContent")? {
        call.references.push(Reference::cached_content(&name));
        call.input.has_unbounded_input = true;
    }
    (call.layout.open, call.layout.is_empty) = opening(bytes).unwrap_or_default();
    call.tier = read_tier(body.service_tier)?;
    read_config(call, body.generation_config, bytes)?;
    for (name, _) in tools(body)?.iter().flatten().filter(|(_, it)| it.is_set()) {
        read_tool(call, name);
    }
    Ok(())
}

fn read_tier(member: Member<'_>) -> Result<RequestedTier, BadRequest> {
    let Some(tier) = member.text("serviceTier")? else {
        return Ok(RequestedTier::Standard);
    };
    let tier = tier.to_ascii_lowercase();
    Ok(match tier.strip_prefix("service_tier_").unwrap_or(&tier) {
        "standard" | "unspecified" => RequestedTier::Standard,
        "flex" => RequestedTier::Flex,
        "priority" => RequestedTier::Priority,
        _ => RequestedTier::Unknown,
    })
}

fn read_config(call: &mut Call, member: Member<'_>, bytes: &[u8]) -> Result<(), BadRequest> {
    let Some(value) = member.place(bytes) else {
        return Ok(());
    };
    let written = member.written();
    let config: GenerationConfig<'_> = member.parsed("generationConfig")?.unwrap_or_default();
    call.layout
        .caps
        .extend(config.max_output_tokens.place(bytes));
    call.output_cap = config
        .max_output_tokens
        .count("generationConfig.maxOutputTokens")?;
    let candidates = config
        .candidate_count
        .count("generationConfig.candidateCount")?;
    call.choices = candidates.unwrap_or(1);
    let modalities: Vec<Text<'_>> = config
        .response_modalities
        .parsed("generationConfig.responseModalities")?
        .unwrap_or_default();
    for modality in modalities {
        if modality.eq_ignore_ascii_case("audio") {
            call.need(RateKind::AudioOutput);
        } else if modality.eq_ignore_ascii_case("image") {
            call.need(RateKind::ImageOutput);
        }
    }
    let is_empty =
        written.is_none_or(|text| opening(text.as_bytes()).is_none_or(|(_, empty)| empty));
    call.layout.generation_config = Some(Nested { value, is_empty });
    Ok(())
}

/// Whether the caller itself does what the tool is for.
fn is_of_caller(tool: &str) -> bool {
    const OWN: [&str; 4] = [
        "functionDeclarations",
        "function_declarations",
        "computerUse",
        "computer_use",
    ];
    OWN.contains(&tool)
}

fn read_tool(call: &mut Call, name: &str) {
    match name {
        _ if is_of_caller(name) => {}
        "googleSearch" | "google_search" | "googleSearchRetrieval" | "google_search_retrieval" => {
            // What is found is not billed as input, but how often is searched has no limit.
            call.input.web_search_calls = Calls::Unlimited;
            call.need(RateKind::WebSearchCall);
        }
        "urlContext" | "url_context" | "codeExecution" | "code_execution" | "fileSearch"
        | "file_search" => call.input.server_tool_calls = Calls::Unlimited,
        "googleMaps" | "google_maps" => call.refuse("grounding with Google Maps"),
        _ => call.refuse("a tool of an unknown type"),
    }
}

/// The names in Google's contents, which have no types: a part is what its one member says.
#[derive(Debug)]
struct Google;

impl Names for Google {
    fn part(_type_name: &str) -> Part {
        Part::Plain
    }

    fn key(name: &str) -> Key {
        match name {
            "inlineData" | "inline_data" => Key::InlineData,
            "fileData" | "file_data" => Key::FileData,
            "args" | "response" => Key::Opaque,
            _ => Key::Other,
        }
    }

    fn sound_tokens(head: &[u8], bytes: u64) -> Option<u64> {
        sound::google_tokens(head, bytes)
    }
}
