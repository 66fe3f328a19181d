//! Rates: at most so many requests or tokens in any sixty seconds, and so many requests at once.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::id::{ApiKeyId, RequestId, TenantId};
use crate::domain::window::UtcMicros;

/// A minute and the second that is under way: a request late in its second is a minute old only
/// when the sixty-first second after it begins.
const WINDOW_SECONDS: i64 = 61;
const SLOTS: usize = 61;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A sliding minute of one-second slots. A request counts until its whole slot is a minute old, so
/// no sixty seconds ever see more than the limit; in exchange it may count up to a second longer.
#[derive(Clone, Debug)]
pub struct SlidingMinute {
    slots: [u32; SLOTS],
    /// The newest second that was seen; slots of older seconds are within the last minute of it.
    newest: i64,
    /// No older second has a request that counts.
    oldest: i64,
    total: u32,
}

/// What a limited caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateStanding {
    /// Requests a minute.
    pub limit: u32,
    /// How many more would be admitted now.
    pub remaining: u32,
    /// When the oldest counted request stops counting.
    pub resets_in: Duration,
}

/// There is no room left in the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteFull {
    /// Where the caller stands.
    pub standing: RateStanding,
    /// When there will be room again.
    pub retry_after: Duration,
}

/// How much may be asked for; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests a minute.
    pub requests: Option<NonZeroU32>,
    /// Tokens a minute, of input and output together.
    pub tokens: Option<NonZeroU32>,
    /// Requests that are under way at once.
    pub concurrent: Option<NonZeroU32>,
}

impl RateLimits {
    /// Limits as they are kept: 0 is none.
    pub fn from_kept(requests: Option<u32>, tokens: Option<u32>, concurrent: Option<u32>) -> Self {
        Self {
            requests: requests.and_then(NonZeroU32::new),
            tokens: tokens.and_then(NonZeroU32::new),
            concurrent: concurrent.and_then(NonZeroU32::new),
        }
    }

    /// Whether there is no limit at all.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// What is left for a request in a connection that counts as under way itself.
    #[must_use]
    pub fn without_concurrent(self) -> Self {
        Self {
            concurrent: None,
            ..self
        }
    }

    /// What a connection is counted on in whose course requests are made.
    #[must_use]
    pub fn only_concurrent(self) -> Self {
        Self {
            requests: None,
            tokens: None,
            ..self
        }
    }

    /// Whether the end of a request matters to them.
    pub fn count_to_the_end(&self) -> bool {
        self.tokens.is_some() || self.concurrent.is_some()
    }
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSubject {
    /// The tenant's.
    Tenant,
    /// The key's.
    Key,
}

impl RateSubject {
    /// The key of a request that it is about; nothing for the tenant.
    pub fn key_of(self, wish: &RateWish) -> Option<ApiKeyId> {
        match self {
            Self::Tenant => None,
            Self::Key => Some(wish.key),
        }
    }
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// Requests a minute.
    Requests,
    /// Tokens a minute.
    Tokens,
    /// Requests at once.
    Concurrent,
}

/// A request that came too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Of what.
    pub unit: RateUnit,
    /// By whose limit.
    pub subject: RateSubject,
    /// Where the caller stands.
    pub standing: RateStanding,
    /// When one request will be admitted again.
    pub retry_after: Duration,
}

/// A request that wants to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateWish {
    /// The request.
    pub request: RequestId,
    /// Who calls.
    pub tenant: TenantId,
    /// With which key.
    pub key: ApiKeyId,
    /// When.
    pub at: UtcMicros,
    /// What the tenant may.
    pub of_tenant: RateLimits,
    /// What the key may.
    pub of_key: RateLimits,
}

/// A request that wants to be counted with the tokens that it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateClaim {
    /// The request.
    pub wish: RateWish,
    /// The most tokens that it is expected to use.
    pub tokens: u32,
}

impl RateWish {
    /// The same wish as far as tokens are limited.
    #[must_use]
    pub fn tokens_only(self) -> Self {
        let tokens = |limits: RateLimits| RateLimits {
            tokens: limits.tokens,
            ..RateLimits::default()
        };
        Self {
            of_tenant: tokens(self.of_tenant),
            of_key: tokens(self.of_key),
            ..self
        }
    }
}

/// Where a caller stands by the tightest of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateStandings {
    /// When it was counted, by the clock of whoever counts: what is put right later, is put right there.
    pub at: UtcMicros,
    /// In requests.
    pub requests: Option<RateStanding>,
    /// In tokens.
    pub tokens: Option<RateStanding>,
}

impl RateStandings {
    /// Of a caller that nothing limits.
    pub fn unlimited(at: UtcMicros) -> Self {
        Self {
            at,
            requests: None,
            tokens: None,
        }
    }

    /// The tighter ones of these and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            at: other.at,
            requests: tighter(self.requests, other.requests),
            tokens: tighter(self.tokens, other.tokens),
        }
    }
}

fn tighter(one: Option<RateStanding>, other: Option<RateStanding>) -> Option<RateStanding> {
    match (one, other) {
        (Some(one), Some(other)) if other.remaining < one.remaining => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

impl Default for SlidingMinute {
    fn default() -> Self {
        Self {
            slots: [0; SLOTS],
            newest: i64::MIN,
            oldest: i64::MIN,
            total: 0,
        }
    }
}

impl SlidingMinute {
    /// Counts a request at `now` if the limit has room for it. Refused requests do not count.
    pub fn take(&mut self, now: UtcMicros, limit: u32) -> Result<RateStanding, MinuteFull> {
        self.check(now, limit, 1)?;
        self.add(now, 1);
        Ok(self.standing(now, limit))
    }

    /// Whether the limit has room for `count` more at `now`.
    pub fn check(&mut self, now: UtcMicros, limit: u32, count: u32) -> Result<(), MinuteFull> {
        self.advance(now);
        if self.total.saturating_add(count) <= limit {
            return Ok(());
        }
        let standing = self.standing(now, limit);
        let missing = self.total.saturating_add(count).saturating_sub(limit);
        Err(MinuteFull {
            standing,
            retry_after: self.until_freed(now, missing),
        })
    }

    /// Counts at `now`.
    pub fn add(&mut self, now: UtcMicros, count: u32) {
        self.advance(now);
        if let Some(slot) = self.slots.get_mut(slot_of(self.newest)) {
            *slot = slot.saturating_add(count);
            self.total = self.total.saturating_add(count);
        }
    }

    /// What was counted at `at` was more or less than was thought. Too late after a minute.
    pub fn correct(&mut self, at: UtcMicros, thought: u32, was: u32) {
        let second = at.get().div_euclid(MICROS_PER_SECOND);
        let is_counted =
            second <= self.newest && second > self.newest.saturating_sub(WINDOW_SECONDS);
        let slot = self.slots.get_mut(slot_of(second));
        if let Some(slot) = slot.filter(|_| is_counted) {
            let before = *slot;
            *slot = before.saturating_sub(thought).saturating_add(was);
            self.total = self.total.saturating_sub(before).saturating_add(*slot);
        }
    }

    /// When so many that are counted no longer are; a whole minute where that is not enough.
    fn until_freed(&mut self, now: UtcMicros, count: u32) -> Duration {
        let first = self.newest.saturating_sub(WINDOW_SECONDS).saturating_add(1);
        let mut freed = 0_u32;
        let found = (first..=self.newest).find(|second| {
            let slot = self.slots.get(slot_of(*second)).copied();
            freed = freed.saturating_add(slot.unwrap_or_default());
            freed >= count
        });
        let second = found.unwrap_or(self.newest);
        let free_at = second.saturating_add(WINDOW_SECONDS);
        UtcMicros::new(free_at.saturating_mul(MICROS_PER_SECOND)).since(now)
    }

    /// Forgets the seconds that are more than a minute old. A clock that went back stands still.
    fn advance(&mut self, now: UtcMicros) {
        let second = now.get().div_euclid(MICROS_PER_SECOND);
        if second <= self.newest {
            return;
        }
        if second.saturating_sub(self.newest) >= WINDOW_SECONDS {
            self.slots = [0; SLOTS];
            self.total = 0;
        } else {
            for passed in self.newest.saturating_add(1)..=second {
                if let Some(slot) = self.slots.get_mut(slot_of(passed)) {
                    self.total = self.total.saturating_sub(*slot);
                    *slot = 0;
                }
            }
        }
        self.newest = second;
    }

    /// The oldest second with a request that counts. Looks on from where it looked last.
    fn oldest_counted(&mut self) -> Option<i64> {
        let first = self.newest.saturating_sub(WINDOW_SECONDS).saturating_add(1);
        let found = (self.oldest.max(first)..=self.newest).find(|second| {
            let slot = self.slots.get(slot_of(*second));
            slot.is_some_and(|count| *count > 0)
        });
        self.oldest = found.unwrap_or(self.newest);
        found
    }

    /// Where a caller with this limit stands.
    pub fn standing(&mut self, now: UtcMicros, limit: u32) -> RateStanding {
        let frees_at = self.oldest_counted().map_or(now, |second| {
            let freed = second.saturating_add(WINDOW_SECONDS);
            UtcMicros::new(freed.saturating_mul(MICROS_PER_SECOND))
        });
        RateStanding {
            limit,
            remaining: limit.saturating_sub(self.total),
            resets_in: frees_at.since(now),
        }
    }
}

fn slot_of(second: i64) -> usize {
    usize::try_from(second.rem_euclid(WINDOW_SECONDS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_700_000_000_000_000;

    #[test]
    fn the_limit_is_admitted_and_the_next_request_told_when_to_return() {
        let mut minute = SlidingMinute::default();
        for taken in 1..=3 {
            let standing = minute.take(UtcMicros::new(START), 3).unwrap();
            assert_eq!(standing.remaining, 3 - taken);
        }
        let refused = minute.take(UtcMicros::new(START + 1), 3).unwrap_err();
        assert_eq!(refused.standing.remaining, 0);
        let returned = UtcMicros::new(START + 1).plus(refused.retry_after);
        assert!(
            minute.take(returned, 3).is_ok(),
            "the time that was named is late enough"
        );
    }

    #[test]
    fn what_is_counted_can_be_corrected_while_it_counts() {
        let (mut minute, start) = (SlidingMinute::default(), UtcMicros::new(START));
        minute.check(start, 100, 80).unwrap();
        minute.add(start, 80);
        minute.check(start, 100, 21).unwrap_err();
        minute.correct(start, 80, 30);
        assert_eq!(minute.standing(start, 100).remaining, 70);
        let later = UtcMicros::new(START + 62_000_000);
        minute.add(later, 5);
        minute.correct(start, 30, 90);
        assert_eq!(minute.standing(later, 100).remaining, 95, "too late");
    }

    #[test]
    fn many_at_once_wait_until_as_many_are_freed() {
        let mut minute = SlidingMinute::default();
        let at = |seconds: i64| UtcMicros::new(START + seconds * MICROS_PER_SECOND);
        for second in 0..10 {
            minute.add(at(second), 10);
        }
        for (count, freed_by) in [(10, 0), (11, 1), (55, 5), (100, 9), (101, 9)] {
            let full = minute.check(at(9), 100, count).unwrap_err();
            let free_at = at(9).plus(full.retry_after);
            assert_eq!(free_at, at(freed_by + WINDOW_SECONDS), "{count}");
        }
    }

    proptest! {
        #[test]
        fn no_sixty_seconds_see_more_than_the_limit(
            gaps in proptest::collection::vec(0_i64..7_000_000, 1..400),
            limit in 1_u32..20,
        ) {
            let mut minute = SlidingMinute::default();
            let mut admitted: Vec<i64> = Vec::new();
            let mut now = START;
            for gap in gaps {
                now += gap;
                let taken = minute.take(UtcMicros::new(now), limit);
                if taken.is_ok() {
                    admitted.push(now);
                }
                let second = |at: i64| at.div_euclid(MICROS_PER_SECOND);
                let counts = |at: &&i64| second(now) - second(**at) < WINDOW_SECONDS;
                let oldest = second(*admitted.iter().find(counts).unwrap());
                let frees_at = (oldest + WINDOW_SECONDS) * MICROS_PER_SECOND;
                let standing = taken.unwrap_or_else(|refused| refused.standing);
                let resets_in = i64::try_from(standing.resets_in.as_micros()).unwrap();
                prop_assert_eq!(now + resets_in, frees_at, "when the oldest request stops counting");
                let last_minute = admitted.iter().filter(|at| now - **at < 60_000_000).count();
                prop_assert!(last_minute <= usize::try_from(limit).unwrap());
            }
            let free_again = UtcMicros::new(now + 62_000_000);
            prop_assert!(minute.take(free_again, limit).is_ok(), "an idle minute frees everything");
        }
    }
}
