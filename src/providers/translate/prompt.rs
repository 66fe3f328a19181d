//! What a request asks for, in the words of no provider. The readers of the caller's API fill it
//! in, the writers of the providers' APIs say it anew.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::domain::denial::BadRequest;
use crate::providers::translate::given::Given;

/// A value with the place where the caller asked for it, should it not be possible.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: String,
}

impl<T> At<T> {
    pub(super) fn new(value: T, place: impl Into<String>) -> Self {
        Self {
            value,
            place: place.into(),
        }
    }
}

/// A request.
#[derive(Debug, Default)]
pub(super) struct Prompt<'a> {
    /// What the developer says, in order. It precedes the conversation, wherever it was in it.
    pub(super) system: Vec<Cow<'a, str>>,
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) tool_choice: Option<ToolChoice<'a>>,
    /// Set where the model must not call several tools at once.
    pub(super) single_calls: Option<At<()>>,
    pub(super) format: Option<At<Format<'a>>>,
    pub(super) stop: Vec<Cow<'a, str>>,
    /// How many answers.
    pub(super) choices: Option<At<u64>>,
    pub(super) sampling: Sampling<'a>,
    pub(super) reasoning: Reasoning,
    /// The most output tokens of one answer.
    pub(super) output_cap: Option<At<u64>>,
    pub(super) tier: Option<At<Tier>>,
    pub(super) streamed: bool,
    /// A stream is to tell its usage.
    pub(super) shows_usage: bool,
}

/// How the next token is chosen. The numbers stay as they were written.
#[derive(Debug, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<Given<'a>>,
    pub(super) top_p: Option<Given<'a>>,
    pub(super) seed: Option<Given<'a>>,
    pub(super) frequency_penalty: Option<Given<'a>>,
    pub(super) presence_penalty: Option<Given<'a>>,
}

/// How much the model is to think.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    pub(super) effort: Option<At<Effort>>,
    /// A member of the original's own: the most tokens of thought.
    pub(super) budget: Option<At<u64>>,
    /// What was thought is to be summed up in the answer.
    pub(super) has_summary: bool,
}

/// Levels of thought, from none upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// How urgently, where the caller cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Standard,
    Flex,
    Priority,
}

/// What one side says until the other one does.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) role: Role,
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(Cow<'a, str>),
    Media(Media<'a>),
    /// The model calls a tool.
    Call(Call<'a>),
    /// What a tool answered.
    Outcome(Outcome<'a>),
    /// What the model thought, with the provider's proof that it is the model's.
    Thought {
        text: Cow<'a, str>,
        seal: Seal<'a>,
    },
}

/// How a provider knows its own thoughts again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seal<'a> {
    /// A signature of the text.
    Signed(Cow<'a, str>),
    /// The thought itself, unreadable.
    Redacted(Cow<'a, str>),
    /// None: it is only for people.
    Open(String),
}

#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    /// A JSON object.
    pub(super) arguments: Box<RawValue>,
    /// Google's signature of the thought that led to the call.
    pub(super) signature: Option<Cow<'a, str>>,
}

#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) call_id: At<Cow<'a, str>>,
    /// Text and media.
    pub(super) parts: Vec<Part<'a>>,
}

/// An image or a document.
#[derive(Debug)]
pub(super) struct Media<'a> {
    pub(super) place: String,
    pub(super) source: Source<'a>,
}

#[derive(Debug)]
pub(super) enum Source<'a> {
    /// Base64, with its media type.
    Inline {
        media_type: String,
        data: Cow<'a, str>,
    },
    /// Where an image can be fetched.
    Address(Cow<'a, str>),
}

#[derive(Debug)]
pub(super) struct Tool<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) description: Option<Cow<'a, str>>,
    pub(super) parameters: Option<&'a RawValue>,
    /// Arguments must follow the schema.
    pub(super) is_strict: bool,
}

#[derive(Debug)]
pub(super) enum ToolChoice<'a> {
    None,
    Auto,
    Required,
    Named(Cow<'a, str>),
}

/// The form of the answer, where it is not free.
#[derive(Debug)]
pub(super) enum Format<'a> {
    /// Any JSON object.
    Json,
    Schema(Cow<'a, RawValue>),
}

impl<'a> Prompt<'a> {
    /// Adds what the developer says. Empty texts say nothing, and providers refuse them.
    pub(super) fn instruct(&mut self, texts: impl IntoIterator<Item = Cow<'a, str>>) {
        let texts = texts.into_iter().filter(|text| !text.is_empty());
        self.system.extend(texts);
    }

    /// Adds what one side says. What it says in several messages is one turn. A user's message that
    /// is nothing but an empty text is the provider's to refuse.
    pub(super) fn say(&mut self, role: Role, parts: impl IntoIterator<Item = Part<'a>>) {
        let mut parts: Vec<Part<'a>> = parts.into_iter().collect();
        if role == Role::Assistant || parts.len() > 1 {
            parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        }
        if parts.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            Some(_) | None => self.turns.push(Turn { role, parts }),
        }
    }

    /// The tools that were called, by the ids of the calls.
    pub(super) fn called(&self) -> BTreeMap<&str, &str> {
        let parts = self.turns.iter().flat_map(|turn| &turn.parts);
        let calls = parts.filter_map(|part| match part {
            Part::Call(call) => Some((&*call.id, &*call.name)),
            Part::Text(_) | Part::Media(_) | Part::Outcome(_) | Part::Thought { .. } => None,
        });
        calls.collect()
    }
}

/// The arguments of a call, which are JSON inside a string; nothing at all is no arguments.
pub(super) fn arguments(given: &Given<'_>) -> Result<Box<RawValue>, BadRequest> {
    let text = given.text()?;
    let text = text.trim();
    let text = if text.is_empty() { "{}" } else { text };
    RawValue::from_string(text.to_owned())
        .ok()
        .filter(|raw| raw.get().starts_with('{'))
        .ok_or_else(|| given.refuse("must be a JSON object in a string."))
}
