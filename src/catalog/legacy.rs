//! Keys of the TypeScript BudgetGuard that were not used here yet, by their first characters.

use std::collections::HashMap;

use crate::domain::tenant::{LEGACY_PREFIX_LENGTH, LegacyKey};

/// Those that may call. They leave when our own hash of them is known.
#[derive(Debug, Default)]
pub struct LegacyKeys(HashMap<String, Vec<LegacyKey>>);

impl LegacyKeys {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = LegacyKey>) -> Self {
        let mut by_prefix: HashMap<String, Vec<LegacyKey>> = HashMap::new();
        for key in keys {
            by_prefix.entry(key.prefix.clone()).or_default().push(key);
        }
        Self(by_prefix)
    }

    /// Those that a text may be the whole of.
    pub fn beginning(&self, text: &str) -> &[LegacyKey] {
        let prefix = text.get(..LEGACY_PREFIX_LENGTH);
        let found = prefix.and_then(|prefix| self.0.get(prefix));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Every one of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &LegacyKey> {
        self.0.values().flatten()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
