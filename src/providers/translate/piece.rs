//! An answer in the words of no provider, piece by piece: what the readers of the providers'
//! answers hand to those who write the caller's.

use std::borrow::Cow;

use crate::domain::usage::TokenUsage;
use crate::providers::translate::failure::Failure;

/// What comes next in an answer.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    /// The answer begins, under the provider's id for it.
    Begin {
        id: Option<&'a str>,
        model: Option<&'a str>,
    },
    /// More text of a choice.
    Text { choice: u64, text: Cow<'a, str> },
    /// More of what the model thinks.
    Thought { choice: u64, text: Cow<'a, str> },
    /// The provider's proof that the thought is the model's.
    Signature(&'a str),
    /// A thought that nobody may read.
    Redacted(&'a str),
    /// A call of a tool begins; its arguments follow.
    Call {
        choice: u64,
        id: Cow<'a, str>,
        name: &'a str,
        /// Google's signature of the thought that led to the call.
        signature: Option<&'a str>,
    },
    /// More of the arguments of the call that has begun.
    Arguments { choice: u64, json: &'a str },
    /// The thought or the call has ended.
    Close,
    /// Why a choice has ended.
    Finish { choice: u64, reason: Finish },
    /// All that was used.
    Usage(TokenUsage),
    /// The answer breaks off with an error.
    Failed(Failure),
    /// The answer has come to its proper end.
    End,
}

impl Piece<'_> {
    /// The piece, if the answer is not too long with it. Writers may keep all that was answered.
    pub(super) fn within(self, room: &mut usize) -> Self {
        let bytes = match &self {
            Self::Text { text, .. } | Self::Thought { text, .. } => text.len(),
            Self::Arguments { json, .. } => json.len(),
            Self::Signature(text) | Self::Redacted(text) => text.len(),
            Self::Begin { .. }
            | Self::Call { .. }
            | Self::Close
            | Self::Finish { .. }
            | Self::Usage(_)
            | Self::Failed(_)
            | Self::End => 0,
        };
        match room.checked_sub(bytes) {
            Some(rest) => {
                *room = rest;
                self
            }
            None => Self::Failed(Failure::unreadable("is too long")),
        }
    }
}

/// Why a choice has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model has said what it wanted, or a stop sequence came.
    Stop,
    /// The cap was reached.
    Length,
    /// Tools are to be called.
    Calls,
    /// The provider withheld the rest.
    Filtered,
    /// The model did not manage to answer properly, in the provider's word.
    Broken(String),
}
