//! A text that must never be printed: keys, tokens, passwords. It does not wipe memory.

use std::fmt;

/// A secret: `Debug` shows that there is one, nothing shows which.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// One of several keys, and how many shares of the requests it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedKey {
    /// The key.
    pub secret: Secret,
    /// Its shares.
    pub shares: u32,
}
