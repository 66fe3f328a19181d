//! Reads a request to `/v1/chat/completions`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::providers::translate::given::{Given, Members, refuse};
use crate::providers::translate::parts::{self, Content};
use crate::providers::translate::prompt::{self, At, Call, Outcome, Part, Prompt, Role};
use crate::providers::translate::settings;
use crate::providers::translate::tools::{self, Nesting};

/// Members that change nothing in the answer: who asks, and hints for a cache that other providers
/// have no such hints for.
pub(super) const HARMLESS: [&str; 5] = [
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
];

/// Reads the members that are not about the model.
pub(super) fn read(mut body: Members<'_>) -> Result<Prompt<'_>, BadRequest> {
    let mut prompt = Prompt::default();
    body.ignore(&HARMLESS);
    read_neutral(&mut body)?;
    for message in body.need("messages")?.list()? {
        read_message(&mut prompt, &message)?;
    }
    if let Some(tools) = body.take("tools") {
        prompt.tools = tools::read_tools(&tools, Nesting::Inside)?;
    }
    if let Some(choice) = body.take("tool_choice") {
        prompt.tool_choice = Some(tools::read_choice(&choice, Nesting::Inside)?);
    }
    if let Some(format) = body.take("response_format") {
        prompt.format = tools::read_format(&format, Nesting::Inside)?;
    }
    prompt.stop = read_stop(&mut body)?;
    prompt.choices = settings::count(&mut body, "n")?;
    prompt.output_cap = read_cap(&mut body)?;
    prompt.reasoning.effort = settings::effort(&mut body, "reasoning_effort")?;
    for (name, slot) in [
        ("seed", &mut prompt.sampling.seed),
        ("frequency_penalty", &mut prompt.sampling.frequency_penalty),
        ("presence_penalty", &mut prompt.sampling.presence_penalty),
    ] {
        *slot = settings::number(&mut body, name)?;
    }
    settings::read_common(&mut prompt, &mut body)?;
    prompt.shows_usage = read_stream_options(&mut body)?;
    body.finish()?;
    Ok(prompt)
}

/// Members that may say only what is the case anyway.
fn read_neutral(body: &mut Members<'_>) -> Result<(), BadRequest> {
    body.only("store", &["false"])?;
    body.only("logprobs", &["false"])?;
    body.only("top_logprobs", &["0"])?;
    body.only("logit_bias", &["{}"])?;
    body.only("modalities", &["[\"text\"]"])?;
    body.only("verbosity", &["\"medium\""])
}

fn read_stop<'a>(body: &mut Members<'a>) -> Result<Vec<Cow<'a, str>>, BadRequest> {
    match body.take("stop") {
        None => Ok(Vec::new()),
        Some(stop) if stop.is_text() => Ok(vec![stop.text()?]),
        Some(stop) => stop.list()?.iter().map(Given::text).collect(),
    }
}

fn read_cap(body: &mut Members<'_>) -> Result<Option<At<u64>>, BadRequest> {
    let cap = settings::count(body, "max_completion_tokens")?;
    let older = settings::count(body, "max_tokens")?;
    match (cap, older) {
        (Some(cap), Some(older)) if cap.value != older.value => Err(refuse(
            older.place,
            "and `max_completion_tokens` are the same thing and must not differ.",
        )),
        (cap, older) => Ok(cap.or(older)),
    }
}

fn read_stream_options(body: &mut Members<'_>) -> Result<bool, BadRequest> {
    let Some(given) = body.take("stream_options") else {
        return Ok(false);
    };
    let mut options = given.members()?;
    // Padding against listeners who measure the length of chunks: there is none here.
    options.ignore(&["include_obfuscation"]);
    let shows_usage = options.flag("include_usage")?.unwrap_or(false);
    options.finish()?;
    Ok(shows_usage)
}

fn read_message<'a>(prompt: &mut Prompt<'a>, given: &Given<'a>) -> Result<(), BadRequest> {
    let mut message = given.members()?;
    let role = message.need("role")?;
    match &*role.text()? {
        "system" | "developer" => {
            let texts = parts::read_texts(&message.need("content")?)?;
            prompt.instruct(texts);
        }
        "user" => {
            let content = parts::read(&message.need("content")?, Content::Any)?;
            prompt.say(Role::User, content);
        }
        "assistant" => {
            let said = read_assistant(&mut message)?;
            prompt.say(Role::Assistant, said);
        }
        "tool" => {
            // The function's, which its call has told.
            message.ignore(&["name"]);
            let id = message.need("tool_call_id")?;
            let outcome = Outcome {
                call_id: At::new(id.text()?, id.place()),
                parts: parts::read(&message.need("content")?, Content::Text)?,
            };
            prompt.say(Role::User, [Part::Outcome(outcome)]);
        }
        _ => return Err(role.not_possible()),
    }
    message.finish()
}

fn read_assistant<'a>(message: &mut Members<'a>) -> Result<Vec<Part<'a>>, BadRequest> {
    // What we told of the model's thoughts ourselves, and what SDKs read out of an answer: both
    // come back with the message and are not read again.
    message.ignore(&["reasoning_content", "parsed"]);
    message.only("annotations", &["[]"])?;
    let mut said = match message.take("content") {
        Some(content) => parts::read(&content, Content::Text)?,
        None => Vec::new(),
    };
    said.extend(message.text("refusal")?.map(Part::Text));
    if let Some(calls) = message.take("tool_calls") {
        for call in calls.list()? {
            said.push(Part::Call(read_call(&call)?));
        }
    }
    Ok(said)
}

fn read_call<'a>(given: &Given<'a>) -> Result<Call<'a>, BadRequest> {
    let mut call = given.members()?;
    call.ignore(&["index"]);
    if let Some(kind) = call.take("type")
        && kind.text()? != "function"
    {
        return Err(kind.not_possible());
    }
    let id = call.need("id")?.text()?;
    let signature = read_signature(&mut call)?;
    let mut function = call.need("function")?.members()?;
    call.finish()?;
    function.ignore(&["parsed_arguments"]);
    let arguments = match function.take("arguments") {
        Some(arguments) => prompt::arguments(&arguments)?,
        None => RawValue::from_string("{}".to_owned()).unwrap_or_default(),
    };
    let read = Call {
        id,
        name: function.need("name")?.text()?,
        arguments,
        signature,
    };
    function.finish()?;
    Ok(read)
}

/// Google's signature of a thought, where its own `OpenAI`-compatible API puts it.
pub(super) fn read_signature<'a>(
    call: &mut Members<'a>,
) -> Result<Option<Cow<'a, str>>, BadRequest> {
    let Some(extra) = call.take("extra_content") else {
        return Ok(None);
    };
    let mut extra = extra.members()?;
    let Some(google) = extra.take("google") else {
        extra.finish()?;
        return Ok(None);
    };
    extra.finish()?;
    let mut google = google.members()?;
    let signature = google.text("thought_signature")?;
    google.finish()?;
    Ok(signature)
}
