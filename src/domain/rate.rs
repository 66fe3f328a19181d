//! Request rates: at most so many in any sixty seconds.

use std::time::Duration;

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

/// A request that came too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Where the caller stands.
    pub standing: RateStanding,
    /// When one request will be admitted again.
    pub retry_after: Duration,
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
    pub fn take(&mut self, now: UtcMicros, limit: u32) -> Result<RateStanding, TooMany> {
        self.advance(now);
        if self.total >= limit {
            let standing = self.standing(now, limit);
            return Err(TooMany {
                standing,
                retry_after: standing.resets_in,
            });
        }
        if let Some(slot) = self.slots.get_mut(slot_of(self.newest)) {
            *slot = slot.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
        Ok(self.standing(now, limit))
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

    fn standing(&mut self, now: UtcMicros, limit: u32) -> RateStanding {
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
