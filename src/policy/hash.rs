//! What tells one text of rules from another.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of everything that a policy is made of: its files' names and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PolicyHash([u8; 32]);

impl PolicyHash {
    /// Of files with their names, in the order in which they are loaded.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut hash = Sha256::new();
        for (name, bytes) in files {
            for part in [name.as_bytes(), bytes] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                hash.update(part);
            }
        }
        Self(hash.finalize().into())
    }

    /// That of these rules and others that are asked after them.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self::of([("", self.0.as_slice()), ("", others.0.as_slice())])
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PolicyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}
