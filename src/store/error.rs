//! Why a store could not do what it was asked. No message names a host, a user or a password.

use thiserror::Error;

/// What went wrong. That a row does not exist is no error: it is `Ok(None)`.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be reached, is overloaded or did not answer in time: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Another row has what must be unique.
    #[error("{what} is already in use")]
    Conflict {
        /// What must be unique.
        what: String,
    },
    /// A row holds something that this version cannot read.
    #[error("could not read `{what}` from the database")]
    Corrupt {
        /// The column, or what it should have been.
        what: String,
    },
    /// The database refused the statement; trying again will not help.
    #[error("the database refused: {0}")]
    Query(String),
    /// The database refused a value of a row: another row in its place might pass.
    #[error("the database refused a value: {0}")]
    Value(String),
    /// The store was opened with settings that it cannot use.
    #[error("{0}")]
    Settings(String),
}

impl StoreError {
    /// Names a conflict in the words of the caller.
    pub(in crate::store) fn conflict_on(self, what: &str) -> Self {
        match self {
            Self::Conflict { .. } => Self::Conflict {
                what: what.to_owned(),
            },
            Self::Unavailable(_)
            | Self::Corrupt { .. }
            | Self::Query(_)
            | Self::Value(_)
            | Self::Settings(_) => self,
        }
    }

    /// Whether it is because of a row that was to be written, and not of the database or of other writers.
    pub fn is_of_a_row(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// A value that should not be where it is.
    pub(in crate::store) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}
