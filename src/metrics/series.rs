//! Keeps the number of series bounded when a label's values come from callers.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::RwLock;

/// Remembers the first so many different values; the rest get no series of their own.
#[derive(Debug)]
pub(super) struct SeriesCap {
    /// Hashes, so that asking never allocates. Their key is random: a caller cannot make two meet.
    seen: RwLock<HashSet<u64>>,
    hasher: RandomState,
    values_max: usize,
}

impl SeriesCap {
    pub(super) fn new(values_max: usize) -> Self {
        Self {
            seen: RwLock::new(HashSet::with_capacity(values_max)),
            hasher: RandomState::new(),
            values_max,
        }
    }

    /// Whether `value` is, or now becomes, one of those with a series of their own.
    pub(super) fn admits(&self, value: &impl Hash) -> bool {
        let hash = self.hasher.hash_one(value);
        {
            let seen = self.seen.read();
            if seen.contains(&hash) {
                return true;
            }
            if seen.len() >= self.values_max {
                return false;
            }
        }
        let mut seen = self.seen.write();
        seen.contains(&hash) || (seen.len() < self.values_max && seen.insert(hash))
    }
}
