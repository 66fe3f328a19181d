//! The end of a stream that is cut off, in the words in which its dialect says that an answer has
//! reached its cap. It only words it; the meter knows when.

use crate::domain::usage::TokenUsage;
use crate::providers::anthropic::answer::Counts;
use crate::providers::endpoints::Operation;
use crate::providers::openai::draft::Draft;
use crate::providers::{Dialect, anthropic, google, openai};

/// An answer that does not come to its own end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfinished<'a> {
    /// Whose words it is written in.
    pub(crate) dialect: Dialect,
    /// What was asked.
    pub(crate) operation: Operation,
    /// It is a growing array and not events.
    pub(crate) is_array: bool,
    /// What the provider last sent: it has the ids that every part repeats.
    pub(crate) last: &'a [u8],
    /// The choices that have not ended.
    pub(crate) open: &'a [u64],
    /// What was used so far.
    pub(crate) usage: TokenUsage,
    /// The caller asked for the usage where it is told on request only.
    pub(crate) shows_usage: bool,
    /// What an Anthropic stream has open.
    pub(crate) anthropic: &'a Counts,
    /// What a stream of `/v1/responses` has told.
    pub(crate) draft: &'a Draft,
}

impl Unfinished<'_> {
    /// Everything that the caller gets after the provider's last part.
    pub(crate) fn last_words(&self) -> Vec<u8> {
        match self.dialect {
            Dialect::OpenAi if self.operation == Operation::Responses => {
                self.draft.last_words(&self.usage)
            }
            Dialect::OpenAi => openai::ending::last_words(self),
            Dialect::Anthropic => {
                anthropic::ending::last_words(self.anthropic.open_block, &self.usage)
            }
            Dialect::Google => google::ending::last_words(self),
        }
    }
}

/// An event with a name.
pub(crate) fn named_event(name: &str, data: &impl serde::Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", json(data))
}

/// What is written here always can be.
pub(crate) fn json(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default()
}
