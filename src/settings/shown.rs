//! Settings as people may see them: what was read and where it came from, without what is secret.

use std::collections::{BTreeMap, BTreeSet};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The built-in defaults.
    Default,
    /// The settings file.
    File,
    /// The environment, or `.env`.
    Environment,
}

impl Layer {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::Default, Self::File, Self::Environment];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

/// A setting as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its key.
    pub key: String,
    /// What it was set to; nothing where it is not set. Of a secret only that there is one.
    pub value: Option<String>,
    /// Where from.
    pub source: Layer,
    /// Whether the value is kept back.
    pub is_secret: bool,
}

/// What stands in the place of a secret.
const KEPT_BACK: &str = "(set)";

/// What is read, key by key.
#[derive(Debug, Default)]
pub(super) struct Collected {
    read: BTreeMap<String, (String, Layer)>,
    secret: BTreeSet<String>,
}

impl Collected {
    pub(super) fn note(&mut self, key: &str, text: String, source: Layer) {
        self.read.insert(key.to_owned(), (text, source));
    }

    pub(super) fn keep_back(&mut self, key: &str) {
        self.secret.insert(key.to_owned());
    }

    /// By key. What could hold a password without being one is kept back too.
    pub(super) fn finish(self) -> Vec<Shown> {
        let Self { read, secret } = self;
        let shown = read.into_iter().map(|(key, (text, source))| {
            let is_secret = secret.contains(&key) || text.contains(['@', '?']);
            let shown = if is_secret {
                KEPT_BACK.to_owned()
            } else {
                text.clone()
            };
            Shown {
                value: (!text.is_empty()).then_some(shown),
                key,
                source,
                is_secret,
            }
        });
        shown.collect()
    }
}
