//! What can be wrong with a ledger, and how it is told.

use std::fmt;

use serde::Serialize;

use crate::domain::ledger::chain::WriterId;

/// What is wrong with a row or a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A row is not what was written.
    Altered,
    /// Rows are gone, and later ones are there.
    Missing,
    /// A row stands where another one was written.
    Reordered,
    /// Two rows have one place.
    Duplicated,
    /// `usage_tag` says something else than the row.
    TagsDiffer,
    /// `usage_tag` has rows of no row of the ledger.
    TagsAdded,
    /// The sums beside the ledger are not those of its rows.
    SumsDiffer,
    /// A row from after the chains began is in none.
    Unchained,
    /// A line of an export is no row.
    Unreadable,
    /// Rows from before the chains are gone.
    UnchainedMissing,
    /// The last rows are gone; their writer's record says that they were there.
    TailDeleted,
    /// The chain ends before a signed checkpoint: an older state was put in its place.
    RolledBack,
    /// A chain that a checkpoint knows is gone.
    WriterMissing,
    /// The chain is another one than a checkpoint says.
    Rewritten,
    /// A checkpoint's signature is none of the keys that are trusted.
    CheckpointForged,
    /// A line of the checkpoints was changed, or lines are gone.
    CheckpointsEdited,
}

impl Fault {
    /// Whether it is that something is gone, rather than that something is not as it was.
    pub fn is_of_completeness(self) -> bool {
        match self {
            Self::TailDeleted
            | Self::RolledBack
            | Self::WriterMissing
            | Self::Rewritten
            | Self::UnchainedMissing
            | Self::CheckpointForged
            | Self::CheckpointsEdited => true,
            Self::Altered
            | Self::Missing
            | Self::Reordered
            | Self::Duplicated
            | Self::TagsDiffer
            | Self::TagsAdded
            | Self::SumsDiffer
            | Self::Unchained
            | Self::Unreadable => false,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is.
    pub fault: Fault,
    /// In whose chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer: Option<WriterId>,
    /// At which place of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The request of the row, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The rest, for people.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.fault)?;
        if let Some(writer) = self.writer {
            write!(formatter, ", writer {writer}")?;
        }
        if let Some(seq) = self.seq {
            write!(formatter, ", row {seq}")?;
        }
        if let Some(request) = &self.request {
            write!(formatter, ", request {request}")?;
        }
        write!(formatter, ": {}", self.detail)
    }
}
