//! Reads what both of `OpenAI`'s APIs call by the same name, or say in the same words.

use crate::domain::denial::BadRequest;
use crate::providers::translate::given::{Given, Members};
use crate::providers::translate::prompt::{At, Effort, Prompt, Tier};

/// Reads the members that both have.
pub(super) fn read_common<'a>(
    prompt: &mut Prompt<'a>,
    body: &mut Members<'a>,
) -> Result<(), BadRequest> {
    body.need("model")?.text()?;
    prompt.streamed = body.flag("stream")?.unwrap_or(false);
    prompt.sampling.temperature = number(body, "temperature")?;
    prompt.sampling.top_p = number(body, "top_p")?;
    prompt.reasoning.budget = count(body, "thinking_budget")?;
    prompt.tier = tier(body)?;
    if let Some(parallel) = body.take("parallel_tool_calls")
        && !parallel.flag()?
        && !prompt.tools.is_empty()
    {
        prompt.single_calls = Some(At::new((), parallel.place()));
    }
    Ok(())
}

/// A count and its place.
pub(super) fn count(body: &mut Members<'_>, name: &str) -> Result<Option<At<u64>>, BadRequest> {
    let Some(given) = body.take(name) else {
        return Ok(None);
    };
    Ok(Some(At::new(given.count()?, given.place())))
}

/// A number, as it was written.
pub(super) fn number<'a>(
    body: &mut Members<'a>,
    name: &str,
) -> Result<Option<Given<'a>>, BadRequest> {
    let Some(given) = body.take(name) else {
        return Ok(None);
    };
    given.number()?;
    Ok(Some(given))
}

/// How much the model is to think.
pub(super) fn effort(body: &mut Members<'_>, name: &str) -> Result<Option<At<Effort>>, BadRequest> {
    let Some(given) = body.take(name) else {
        return Ok(None);
    };
    let effort = match &*given.text()? {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::XHigh,
        "max" => Effort::Max,
        _ => return Err(given.refuse("is no level of effort that is known.")),
    };
    Ok(Some(At::new(effort, given.place())))
}

fn tier(body: &mut Members<'_>) -> Result<Option<At<Tier>>, BadRequest> {
    let Some(given) = body.take("service_tier") else {
        return Ok(None);
    };
    let tier = match &*given.text()? {
        "auto" => return Ok(None),
        "default" => Tier::Standard,
        "flex" => Tier::Flex,
        "priority" => Tier::Priority,
        _ => return Err(given.not_possible()),
    };
    Ok(Some(At::new(tier, given.place())))
}
