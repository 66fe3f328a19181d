//! Reads what an answer of `OpenAI` used. Cached tokens are inside the input that it reports,
//! reasoning tokens inside the output.

use serde::Deserialize;

use crate::domain::pricing::Tier;
use crate::domain::usage::TokenUsage;
use crate::providers::answer::{Count, Division, ErrorBody, Reported, Seen, Strings};
use crate::providers::endpoints::Operation;
use crate::providers::json::{Member, Text};

/// Usage of chat (`prompt`, `completion`) and of responses (`input`, `output`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
struct Usage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Count,
    #[serde(alias = "output_tokens")]
    completion_tokens: Count,
    #[serde(alias = "input_tokens_details")]
    prompt_tokens_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    completion_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
#[expect(clippy::struct_field_names, reason = "they are the names of the API")]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    reasoning_tokens: Count,
}

fn normalised(usage: &Usage) -> Reported {
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let mut input = Division::of(usage.prompt_tokens);
    let audio_input = input.take(details.audio_tokens);
    let image_input = input.take(details.image_tokens);
    let cache_write = input.take(details.cache_write_tokens);
    let cached_input = input.take(details.cached_tokens);
    let (plain_input, input_exact) = input.rest();
    let details = usage.completion_tokens_details.unwrap_or_default();
    let mut output = Division::of(usage.completion_tokens);
    let audio_output = output.take(details.audio_tokens);
    let image_output = output.take(details.image_tokens);
    let reasoning_output = output.take(details.reasoning_tokens);
    let (plain_output, output_exact) = output.rest();
    Reported {
        usage: TokenUsage {
            input: plain_input,
            cached_input,
            cache_write,
            output: plain_output,
            reasoning_output,
            audio_input,
            audio_output,
            image_input,
            image_output,
            ..TokenUsage::default()
        },
        knows_input: matches!(usage.prompt_tokens, Count::Known(_)),
        knows_output: matches!(usage.completion_tokens, Count::Known(_)),
        is_exact: input_exact && output_exact,
    }
}

fn note_usage(seen: &mut Seen, usage: Member<'_>) {
    if !usage.is_set() {
        return;
    }
    // Usage that is no usage is as good as none.
    if let Ok(Some(usage)) = usage.parsed::<Usage>("usage") {
        seen.reported = Some(normalised(&usage));
    }
}

fn note_tier(seen: &mut Seen, tier: Option<&str>) {
    seen.tier = match tier {
        Some("default") => Some(Tier::Standard),
        Some(other) => other.parse().ok().or(seen.tier),
        None => seen.tier,
    };
}

/// A chunk of a stream, or the whole answer, of chat, completions and embeddings.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Answer<'a> {
    #[serde(default, borrow)]
    model: Option<Text<'a>>,
    #[serde(default, borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(default, borrow)]
    usage: Member<'a>,
    #[serde(default, borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default, borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Choice<'a> {
    #[serde(default, borrow)]
    delta: Strings<'a>,
    #[serde(default, borrow)]
    message: Strings<'a>,
    #[serde(default, borrow)]
    text: Strings<'a>,
}

/// What an event means for a caller that did not ask for the usage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UsageInEvent<'a> {
    /// There is none, or it is part of something else.
    None,
    /// The event is there only for the usage.
    Only,
    /// The event says that the usage comes later.
    Null(Member<'a>),
}

/// Reads one event of a chat or completions stream.
pub(crate) fn read_chunk<'a>(seen: &mut Seen, data: &'a [u8]) -> UsageInEvent<'a> {
    if data == b"[DONE]" {
        seen.is_complete = true;
        seen.has_ended = true;
        return UsageInEvent::None;
    }
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(data) else {
        return UsageInEvent::None;
    };
    note_answer(seen, &answer);
    let has_choices = answer.choices.is_none_or(|choices| !choices.is_empty());
    if !answer.usage.is_set() {
        return UsageInEvent::Null(answer.usage);
    }
    // The usage is the last thing but the mark of the end, which some servers leave out.
    seen.is_complete = true;
    if has_choices {
        return UsageInEvent::None;
    }
    UsageInEvent::Only
}

fn note_answer(seen: &mut Seen, answer: &Answer<'_>) {
    seen.note_model(answer.model.as_deref());
    note_tier(seen, answer.service_tier.as_deref());
    note_usage(seen, answer.usage);
    seen.note_error(answer.error.as_ref());
    for choice in answer.choices.iter().flatten() {
        seen.add_text(&choice.delta);
        seen.add_text(&choice.message);
        seen.add_text(&choice.text);
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

/// Reads one event of a stream of `/v1/responses`.
pub(crate) fn read_response_event(seen: &mut Seen, data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<ResponseEvent<'_>>(data) else {
        return;
    };
    seen.add_text(&event.delta);
    seen.note_error(event.error.as_ref());
    if let Some(response) = &event.response {
        note_response(seen, response);
    }
    match event.kind.as_deref() {
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
    note_usage(seen, response.usage);
    seen.note_error(response.error.as_ref());
}

fn add_searches(seen: &mut Seen, searches: usize) {
    let searches = u64::try_from(searches).unwrap_or(u64::MAX);
    seen.web_searches = seen.web_searches.saturating_add(searches);
}

/// Reads a whole answer; whether it could be read.
pub(crate) fn read_document(seen: &mut Seen, operation: Operation, body: &[u8]) -> bool {
    if operation != Operation::Responses {
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) else {
            return false;
        };
        note_answer(seen, &answer);
        return true;
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
    for item in &output {
        seen.add_text(&item.content);
        seen.add_text(&item.arguments);
    }
    true
}
