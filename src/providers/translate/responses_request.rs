//! Reads a request to `/v1/responses`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::denial::BadRequest;
use crate::providers::translate::chat_request::{HARMLESS, read_signature};
use crate::providers::translate::given::{Given, Members};
use crate::providers::translate::parts::{self, Content};
use crate::providers::translate::prompt::{self, At, Call, Outcome, Part, Prompt, Role, Seal};
use crate::providers::translate::settings;
use crate::providers::translate::tools::{self, Nesting};

/// Members that an answer repeats.
const ECHOED: [&str; 11] = [
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "user",
];

/// What an answer repeats of its request.
pub(super) fn echo(body: &[u8]) -> Map<String, Value> {
    let mut members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    members.retain(|name, value| ECHOED.contains(&name.as_str()) && !value.is_null());
    members
}

/// Reads the members that are not about the model.
pub(super) fn read(mut body: Members<'_>) -> Result<Prompt<'_>, BadRequest> {
    let mut prompt = Prompt::default();
    body.ignore(&HARMLESS);
    // It limits the calls of tools that the provider runs, of which there are none.
    body.count("max_tool_calls")?;
    read_neutral(&mut body)?;
    prompt.instruct(body.text("instructions")?);
    read_input(&mut prompt, &body.need("input")?)?;
    if let Some(tools) = body.take("tools") {
        prompt.tools = tools::read_tools(&tools, Nesting::Beside)?;
    }
    if let Some(choice) = body.take("tool_choice") {
        prompt.tool_choice = Some(tools::read_choice(&choice, Nesting::Beside)?);
    }
    if let Some(text) = body.take("text") {
        read_text_settings(&mut prompt, &text)?;
    }
    if let Some(reasoning) = body.take("reasoning") {
        read_reasoning(&mut prompt, &reasoning)?;
    }
    prompt.output_cap = settings::count(&mut body, "max_output_tokens")?;
    settings::read_common(&mut prompt, &mut body)?;
    if let Some(options) = body.take("stream_options") {
        let mut options = options.members()?;
        options.ignore(&["include_obfuscation"]);
        options.finish()?;
    }
    body.finish()?;
    Ok(prompt)
}

/// Members that may say only what is the case anyway.
fn read_neutral(body: &mut Members<'_>) -> Result<(), BadRequest> {
    if let Some(store) = body.take("store")
        && store.flag()?
    {
        return Err(store.refuse(
            "must be false for this model: what another provider answered is not stored, so that \
             it cannot be asked for again.",
        ));
    }
    if let Some(include) = body.take("include") {
        for included in include.list()? {
            // It is always included: what is not stored can be sent back only by the caller.
            if included.text()? != "reasoning.encrypted_content" {
                return Err(included.not_possible());
            }
        }
    }
    body.only("background", &["false"])?;
    body.only("truncation", &["\"disabled\""])?;
    body.only("top_logprobs", &["0"])
}

fn read_text_settings<'a>(prompt: &mut Prompt<'a>, given: &Given<'a>) -> Result<(), BadRequest> {
    let mut text = given.members()?;
    text.only("verbosity", &["\"medium\""])?;
    if let Some(format) = text.take("format") {
        prompt.format = tools::read_format(&format, Nesting::Beside)?;
    }
    text.finish()
}

fn read_reasoning(prompt: &mut Prompt<'_>, given: &Given<'_>) -> Result<(), BadRequest> {
    let mut reasoning = given.members()?;
    prompt.reasoning.effort = settings::effort(&mut reasoning, "effort")?;
    for name in ["summary", "generate_summary"] {
        if let Some(summary) = reasoning.take(name) {
            let length = summary.text()?;
            if !["auto", "concise", "detailed"].contains(&&*length) {
                return Err(summary.not_possible());
            }
            prompt.reasoning.has_summary = true;
        }
    }
    reasoning.finish()
}

fn read_input<'a>(prompt: &mut Prompt<'a>, given: &Given<'a>) -> Result<(), BadRequest> {
    if given.is_text() {
        prompt.say(Role::User, [Part::Text(given.text()?)]);
        return Ok(());
    }
    for item in given.list()? {
        read_item(prompt, &item)?;
    }
    Ok(())
}

fn read_item<'a>(prompt: &mut Prompt<'a>, given: &Given<'a>) -> Result<(), BadRequest> {
    let mut item = given.members()?;
    // Ids and states are the answer's; what counts is what is said. A message may go without type.
    item.ignore(&["id", "status", "phase"]);
    let kind = item.take("type");
    let name = kind.as_ref().map(Given::text).transpose()?;
    match name.as_deref() {
        None | Some("message") => read_message(prompt, &mut item)?,
        Some("function_call") => {
            let call = read_call(&mut item)?;
            prompt.say(Role::Assistant, [Part::Call(call)]);
        }
        Some("function_call_output") => {
            let id = item.need("call_id")?;
            let outcome = Outcome {
                call_id: At::new(id.text()?, id.place()),
                parts: parts::read(&item.need("output")?, Content::Any)?,
            };
            prompt.say(Role::User, [Part::Outcome(outcome)]);
        }
        Some("reasoning") => {
            let thought = read_thought(&mut item)?;
            prompt.say(Role::Assistant, [thought]);
        }
        Some(_) => return Err(kind.unwrap_or_else(|| given.clone()).not_possible()),
    }
    item.finish()
}

fn read_message<'a>(prompt: &mut Prompt<'a>, item: &mut Members<'a>) -> Result<(), BadRequest> {
    let role = item.need("role")?;
    let content = item.need("content")?;
    match &*role.text()? {
        "system" | "developer" => prompt.instruct(parts::read_texts(&content)?),
        "user" => prompt.say(Role::User, parts::read(&content, Content::Any)?),
        "assistant" => prompt.say(Role::Assistant, parts::read(&content, Content::Text)?),
        _ => return Err(role.not_possible()),
    }
    Ok(())
}

fn read_call<'a>(item: &mut Members<'a>) -> Result<Call<'a>, BadRequest> {
    Ok(Call {
        id: item.need("call_id")?.text()?,
        name: item.need("name")?.text()?,
        arguments: prompt::arguments(&item.need("arguments")?)?,
        signature: read_signature(item)?,
    })
}

/// How the provider's proof of a thought travels in `encrypted_content`.
pub(super) const SIGNED: &str = "signed:";
/// The same of a thought that nobody may read.
pub(super) const REDACTED: &str = "redacted:";

fn read_thought<'a>(item: &mut Members<'a>) -> Result<Part<'a>, BadRequest> {
    let mut text = String::new();
    for name in ["summary", "content"] {
        let Some(summary) = item.take(name) else {
            continue;
        };
        for part in summary.list()? {
            let mut part = part.members()?;
            part.only("type", &["\"summary_text\"", "\"reasoning_text\""])?;
            text.push_str(&part.need("text")?.text()?);
            part.finish()?;
        }
    }
    let seal = match item.take("encrypted_content") {
        None => Seal::Open(item.place_of("encrypted_content")),
        Some(given) => seal(&given)?,
    };
    let text = Cow::Owned(text);
    Ok(Part::Thought { text, seal })
}

fn seal<'a>(given: &Given<'a>) -> Result<Seal<'a>, BadRequest> {
    let content = given.text()?;
    let owned = |text: &str| Cow::Owned(text.to_owned());
    if let Some(signature) = content.strip_prefix(SIGNED) {
        return Ok(Seal::Signed(owned(signature)));
    }
    match content.strip_prefix(REDACTED) {
        Some(data) => Ok(Seal::Redacted(owned(data))),
        None => Ok(Seal::Open(given.place().to_owned())),
    }
}
