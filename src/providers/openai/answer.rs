//! Reads what an answer of `OpenAI` brought: its model, its tier, its text, its usage and its errors.

use serde::Deserialize;

use crate::domain::pricing::Tier;
use crate::providers::answer::{Count, ErrorBody, Seen, Strings};
use crate::providers::endpoints::Operation;
use crate::providers::json::{Member, Text};
use crate::providers::openai::glance::Glance;
use crate::providers::openai::{media, usage};
use crate::providers::scan::{Unclear, text_of};

fn note_usage(seen: &mut Seen, usage: Option<&[u8]>) {
    // Usage that is no usage is as good as none.
    let shape = seen.usage_shape;
    if let Some(reported) = usage.and_then(|usage| usage::reported(usage, shape)) {
        seen.reported = Some(reported);
    }
}

fn note_tier(seen: &mut Seen, tier: Option<&str>) {
    seen.tier = match tier {
        Some("default") => Some(Tier::Standard),
        Some(other) => other.parse().ok().or(seen.tier),
        None => seen.tier,
    };
}

/// A chunk of a stream, or the whole answer, of chat, completions and embeddings, where a glance at it
/// does not say enough.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct Answer<'a> {
    #[serde(default, borrow)]
    model: Option<Text<'a>>,
    #[serde(default, borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) usage: Member<'a>,
    #[serde(default, borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Count,
    #[serde(default, borrow)]
    finish_reason: Member<'a>,
    #[serde(default, borrow)]
    delta: Strings<'a>,
    #[serde(default, borrow)]
    message: Strings<'a>,
    #[serde(default, borrow)]
    text: Strings<'a>,
}

/// Notes all but the text, or nothing where it is not clear.
pub(super) fn note_glance(seen: &mut Seen, glance: &Glance<'_>) -> Result<(), Unclear> {
    if glance.error.is_some() {
        return Err(Unclear);
    }
    let model = match glance.model {
        Some(model) if seen.model.is_none() => Some(text_of(model)?),
        Some(_) | None => None,
    };
    let tier = glance.service_tier.map(text_of).transpose()?;
    seen.note_model(model.as_deref());
    note_tier(seen, tier.as_deref());
    note_usage(seen, glance.usage.filter(|usage| *usage != b"null"));
    Ok(())
}

pub(super) fn note_answer(seen: &mut Seen, answer: &Answer<'_>) {
    seen.note_model(answer.model.as_deref());
    note_tier(seen, answer.service_tier.as_deref());
    note_usage(seen, answer.usage.written().map(str::as_bytes));
    seen.note_error(answer.error.as_ref());
    for choice in answer.choices.iter().flatten() {
        let index = choice.index.or_zero();
        seen.add_text(index, &choice.delta);
        seen.add_text(index, &choice.message);
        seen.add_text(index, &choice.text);
        if choice.finish_reason.is_set() {
            seen.note_finished(index);
        }
    }
}

/// A response, whole or as an event carries it.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Response<'a> {
    #[serde(default, borrow)]
    model: Option<Text<'a>>,
    #[serde(default, borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    output: Option<Vec<Item<'a>>>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Item<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    action: Member<'a>,
    #[serde(default, borrow)]
    content: Strings<'a>,
    #[serde(default, borrow)]
    arguments: Strings<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Action<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

impl Item<'_> {
    /// Whether it is a search that a fee is charged for; opening a page that was found is not.
    fn is_paid_search(&self) -> bool {
        let action: Option<Action<'_>> = self.action.parsed("action").ok().flatten();
        let action = action.and_then(|action| action.kind);
        self.kind.as_deref() == Some("web_search_call")
            && action.is_none_or(|kind| &*kind == "search")
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ResponseEvent<'a> {
    #[serde(default, borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default)]
    output_index: Count,
    #[serde(default, borrow)]
    delta: Strings<'a>,
    #[serde(default, borrow)]
    response: Option<Response<'a>>,
    #[serde(default, borrow)]
    item: Option<Item<'a>>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
    #[serde(default, borrow)]
    code: Member<'a>,
}

/// Events whose `delta` is no text that the model generated: sound, and what another model says of the
/// reasoning, which is billed by itself.
const NOT_GENERATED: [&str; 2] = [
    "response.audio.delta",
    "response.reasoning_summary_text.delta",
];

/// Reads one event of a stream of `/v1/responses`.
pub(crate) fn read_response_event(seen: &mut Seen, data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<ResponseEvent<'_>>(data) else {
        return;
    };
    let kind = event.kind.as_deref();
    if kind.is_none_or(|kind| !NOT_GENERATED.contains(&kind)) {
        seen.add_text(event.output_index.or_zero(), &event.delta);
    }
    seen.note_error(event.error.as_ref());
    if let Some(response) = &event.response {
        note_response(seen, response);
    }
    match kind {
        Some("response.output_item.done") => {
            let searches = event
                .item
                .iter()
                .filter(|item| item.is_paid_search())
                .count();
            add_searches(seen, searches);
        }
        Some("response.completed" | "response.incomplete" | "response.failed") => {
            seen.is_complete = true;
            seen.has_ended = true;
        }
        Some("error") if seen.error.is_none() => {
            let code = event.code.text("code").ok().flatten();
            seen.error = Some(code.as_deref().unwrap_or("error").to_owned());
        }
        Some(_) | None => {}
    }
}

fn note_response(seen: &mut Seen, response: &Response<'_>) {
    seen.note_model(response.model.as_deref());
    note_tier(seen, response.service_tier.as_deref());
    note_usage(seen, response.usage.written().map(str::as_bytes));
    seen.note_error(response.error.as_ref());
}

fn add_searches(seen: &mut Seen, searches: usize) {
    let searches = u64::try_from(searches).unwrap_or(u64::MAX);
    seen.web_searches = seen.web_searches.saturating_add(searches);
}

/// The text is looked for only where the usage does not come and it has to be counted.
fn glance_at_answer(seen: &mut Seen, body: &[u8]) -> Result<(), Unclear> {
    let answer = Glance::at(body)?;
    if answer.usage.is_none() {
        return Err(Unclear);
    }
    note_glance(seen, &answer)?;
    match seen.reported {
        Some(reported) if reported.knows_output || answer.choices.is_none() => Ok(()),
        Some(_) | None => Err(Unclear),
    }
}

fn read_answer(seen: &mut Seen, body: &[u8]) -> bool {
    if glance_at_answer(seen, body).is_ok() {
        return true;
    }
    let answer = serde_json::from_slice::<Answer<'_>>(body);
    answer.map(|answer| note_answer(seen, &answer)).is_ok()
}

/// Reads a whole answer; whether it could be read.
pub(crate) fn read_document(seen: &mut Seen, operation: Operation, body: &[u8]) -> bool {
    if operation == Operation::Transcriptions {
        return media::read_transcript(seen, body);
    }
    if operation != Operation::Responses {
        return read_answer(seen, body);
    }
    let Ok(response) = serde_json::from_slice::<Response<'_>>(body) else {
        return false;
    };
    note_response(seen, &response);
    let output = response.output.unwrap_or_default();
    add_searches(
        seen,
        output.iter().filter(|item| item.is_paid_search()).count(),
    );
    for (index, item) in (0..).zip(&output) {
        seen.add_text(index, &item.content);
        seen.add_text(index, &item.arguments);
    }
    true
}
