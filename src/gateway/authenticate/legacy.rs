//! Keys of the TypeScript BudgetGuard, which are known by a bcrypt hash until their first use. bcrypt is slow on
//! purpose: it runs beside the requests, a few at once and a bounded number in line, and neither a right nor
//! a wrong key is checked again soon.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;

use crate::catalog::legacy::LegacyKeys;
use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::ApiKeyId;
use crate::domain::tenant::{KeyHash, LegacyKey};
use crate::domain::window::{Clock, UtcMicros};
use crate::gateway::authenticate::Known;
use crate::keys::KeyHasher;
use crate::store::keys::KeyUpgrade;

/// bcrypt looks at no more: of a longer text it would only prove the beginning.
const KEY_BYTES_MAX: usize = 72;
/// Keys that are checked at once, by a core each.
const CHECKS_AT_ONCE_MAX: usize = 2;
/// Keys that are checked or wait for it.
const CHECKS_MAX: usize = 32;
/// For how long a wrong key is known to be wrong. It may be imported meanwhile.
const WRONG_FOR: Duration = Duration::from_secs(30);
/// The most keys whose outcome is remembered, of each kind.
const OUTCOMES_MAX: usize = 10_000;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Proves keys by their bcrypt hashes.
pub(crate) struct LegacyCheck {
    hasher: KeyHasher,
    clock: Arc<dyn Clock>,
    in_line: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
    outcomes: Mutex<Outcomes>,
    /// Whoever stores our own hash of a proved key.
    upgrades: mpsc::Sender<KeyUpgrade>,
}

impl fmt::Debug for LegacyCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LegacyCheck(..)")
    }
}

/// What became of keys, by our hash of them.
#[derive(Default)]
struct Outcomes {
    right: HashMap<[u8; 32], ApiKeyId>,
    wrong: HashMap<[u8; 32], UtcMicros>,
}

enum Outcome {
    Right(ApiKeyId),
    Wrong,
}

impl Outcomes {
    fn of(&self, hash: &KeyHash, now: UtcMicros) -> Option<Outcome> {
        if let Some(id) = self.right.get(&hash.0) {
            return Some(Outcome::Right(*id));
        }
        let until = self.wrong.get(&hash.0)?;
        (now < *until).then_some(Outcome::Wrong)
    }

    fn note_right(&mut self, hash: &KeyHash, id: ApiKeyId) {
        if self.right.len() >= OUTCOMES_MAX {
            self.right.clear();
        }
        self.right.insert(hash.0, id);
    }

    fn note_wrong(&mut self, hash: &KeyHash, now: UtcMicros) {
        if self.wrong.len() >= OUTCOMES_MAX {
            self.wrong.retain(|_hash, until| now < *until);
        }
        if self.wrong.len() >= OUTCOMES_MAX {
            self.wrong.clear();
        }
        self.wrong.insert(hash.0, now.plus(WRONG_FOR));
    }
}

impl LegacyCheck {
    /// Sends our hashes of proved keys to `upgrades`.
    pub(crate) fn new(
        hasher: KeyHasher,
        clock: Arc<dyn Clock>,
        upgrades: mpsc::Sender<KeyUpgrade>,
    ) -> Self {
        Self {
            hasher,
            clock,
            in_line: Arc::new(Semaphore::new(CHECKS_MAX)),
            at_once: Arc::new(Semaphore::new(CHECKS_AT_ONCE_MAX)),
            outcomes: Mutex::default(),
            upgrades,
        }
    }

    /// The one of the keys that a text is, if it is one.
    pub(super) async fn check(
        &self,
        text: &str,
        keys: &LegacyKeys,
    ) -> Result<Option<Known>, Denial> {
        let candidates = keys.beginning(text);
        if candidates.is_empty() || text.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let made = self.hasher.describe(text.to_owned());
        let outcome = match self.remembered(&made.hash) {
            Some(outcome) => outcome,
            None => self.prove(text, candidates, &made.hash).await?,
        };
        let Outcome::Right(id) = outcome else {
            return Ok(None);
        };
        // One that was revoked is no candidate any more.
        let Some(key) = candidates.iter().find(|key| key.id == id) else {
            return Ok(None);
        };
        // If the line is full, it is sent at one of the next requests.
        let _ = self.upgrades.try_send(KeyUpgrade {
            id,
            lookup: made.lookup,
            hash: made.hash,
        });
        Ok(Some(Known {
            id,
            tenant: key.tenant,
            name: Arc::clone(&key.name),
            limits: key.limits,
        }))
    }

    fn remembered(&self, hash: &KeyHash) -> Option<Outcome> {
        self.outcomes.lock().of(hash, self.clock.now())
    }

    async fn prove(
        &self,
        text: &str,
        candidates: &[LegacyKey],
        hash: &KeyHash,
    ) -> Result<Outcome, Denial> {
        let full = |_full| Denial::Unavailable {
            what: Dependency::Keys,
            retry_after: RETRY_AFTER,
        };
        let place = Arc::clone(&self.in_line)
            .try_acquire_owned()
            .map_err(full)?;
        // It is never closed.
        let Ok(turn) = Arc::clone(&self.at_once).acquire_owned().await else {
            return Ok(Outcome::Wrong);
        };
        // Somebody may have shown the same key while this waited.
        if let Some(outcome) = self.remembered(hash) {
            return Ok(outcome);
        }
        let of_keys: Vec<_> = candidates
            .iter()
            .map(|key| (key.id, key.hash.clone()))
            .collect();
        let (found, _permits) = proved(text.to_owned(), of_keys, [place, turn]).await;
        let mut outcomes = self.outcomes.lock();
        if let Some(id) = found {
            outcomes.note_right(hash, id);
            return Ok(Outcome::Right(id));
        }
        outcomes.note_wrong(hash, self.clock.now());
        Ok(Outcome::Wrong)
    }
}

/// What lets a check run: both places are free when its work is over, and when somebody has heard of it.
type Permits = [OwnedSemaphorePermit; 2];

/// The key whose hash this is of. Runs on a thread that may be kept busy, and goes on if nobody waits for it any more.
async fn proved(
    text: String,
    hashes: Vec<(ApiKeyId, String)>,
    permits: Permits,
) -> (Option<ApiKeyId>, Option<Permits>) {
    let work = spawn_blocking(move || {
        let is_of = |hash: &str| bcrypt::verify(&text, hash).unwrap_or(false);
        let found = hashes.into_iter().find(|(_id, hash)| is_of(hash));
        (found.map(|(id, _hash)| id), permits)
    });
    match work.await {
        Ok((found, permits)) => (found, Some(permits)),
        Err(_panicked) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::domain::id::TenantId;
    use crate::domain::rate::RateLimits;
    use crate::domain::window::SystemClock;

    const NOW: UtcMicros = UtcMicros::new(1_795_000_000_000_000);

    fn hash(number: usize) -> KeyHash {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        KeyHash(bytes)
    }

    #[test]
    fn a_wrong_key_is_known_for_a_while() {
        let mut outcomes = Outcomes::default();
        outcomes.note_wrong(&hash(1), NOW);
        let of = |at| outcomes.of(&hash(1), at);
        assert!(matches!(of(NOW), Some(Outcome::Wrong)));
        assert!(of(NOW.plus(WRONG_FOR)).is_none());
        assert!(outcomes.of(&hash(2), NOW).is_none());
    }

    #[tokio::test]
    async fn a_check_that_nobody_waits_for_any_more_is_still_one_of_few() {
        const KEY: &str = "3f9a1c7b and more";
        let hasher = KeyHasher::new(b"pepper").unwrap();
        let (upgrades, _proved) = mpsc::channel(1);
        let check = LegacyCheck::new(hasher, Arc::new(SystemClock), upgrades);
        let keys = LegacyKeys::new([LegacyKey {
            id: ApiKeyId(1),
            tenant: TenantId(1),
            prefix: "3f9a1c7b".to_owned(),
            name: "imported".into(),
            hash: bcrypt::hash(KEY, 8).unwrap(),
            limits: RateLimits::default(),
        }]);
        let free = || check.at_once.available_permits();
        let given_up = check.check(KEY, &keys).now_or_never();
        assert!(given_up.is_none(), "the work is done elsewhere");
        assert_eq!(free(), CHECKS_AT_ONCE_MAX - 1);
        let all = u32::try_from(CHECKS_AT_ONCE_MAX).unwrap();
        let over = check.at_once.acquire_many(all).await;
        drop(over.unwrap());
        assert_eq!(check.in_line.available_permits(), CHECKS_MAX);
        assert!(check.check(KEY, &keys).await.unwrap().is_some());
    }

    #[test]
    fn however_many_guesses_there_are_few_are_remembered() {
        let mut outcomes = Outcomes::default();
        outcomes.note_right(&hash(0), ApiKeyId(7));
        for number in 1..=3 * OUTCOMES_MAX {
            outcomes.note_wrong(&hash(number), NOW);
            assert!(outcomes.wrong.len() <= OUTCOMES_MAX);
        }
        let right = outcomes.of(&hash(0), NOW);
        assert!(matches!(right, Some(Outcome::Right(ApiKeyId(7)))));
    }
}
