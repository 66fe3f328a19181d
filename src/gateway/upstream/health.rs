//! Whether a provider, or one of its keys, is left alone for a while after it failed.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use crate::domain::window::UtcMicros;

/// How long a key rests that the provider does not take.
const REFUSED_KEY_REST: Duration = Duration::from_mins(1);
/// How long a key rests that is slowed down by a provider that does not say for how long.
const SLOWED_KEY_REST: Duration = Duration::from_secs(1);
/// The longest that a provider's word puts a key to rest.
const KEY_REST_MAX: Duration = Duration::from_mins(5);

/// When a provider is left alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerRules {
    /// Failures in a row; 0 = never.
    pub(crate) failures: u32,
    /// For how long.
    pub(crate) open: Duration,
}

/// A circuit breaker that learns from the requests that are sent anyway.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures_in_a_row: AtomicU32,
    /// Until when nothing is sent, in microseconds; 0 while all is well.
    open_until: AtomicI64,
}

impl Breaker {
    /// How long nothing should be sent. Once that is over, one request a period is let through to
    /// find out, until one succeeds.
    pub(crate) fn closed_in(&self, rules: BreakerRules, now: UtcMicros) -> Option<Duration> {
        let until = self.open_until.load(Ordering::Acquire);
        if until == 0 {
            return None;
        }
        let now = now.get();
        if now < until {
            let left = u64::try_from(until.saturating_sub(now)).unwrap_or_default();
            return Some(Duration::from_micros(left));
        }
        let next = after(now, rules.open);
        let is_first = self
            .open_until
            .compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        (!is_first).then_some(rules.open)
    }

    /// The provider answered.
    pub(crate) fn succeeded(&self) {
        if self.failures_in_a_row.load(Ordering::Relaxed) != 0 {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
            self.open_until.store(0, Ordering::Release);
        }
    }

    /// Until when nothing is sent, unless all is well.
    pub(crate) fn open_until(&self) -> Option<UtcMicros> {
        let until = self.open_until.load(Ordering::Acquire);
        (until != 0).then(|| UtcMicros::new(until))
    }

    /// The provider failed. True if it is left alone from now on.
    pub(crate) fn failed(&self, rules: BreakerRules, now: UtcMicros) -> bool {
        let failures = self.failures_in_a_row.fetch_add(1, Ordering::AcqRel);
        let is_over = rules.failures > 0 && failures.saturating_add(1) >= rules.failures;
        if is_over {
            let until = after(now.get(), rules.open);
            return self.open_until.swap(until, Ordering::AcqRel) == 0;
        }
        false
    }
}

/// Whether a key is spared.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    until: AtomicI64,
}

impl Rest {
    /// Whether it may be used.
    pub(crate) fn is_over(&self, now: UtcMicros) -> bool {
        now.get() >= self.until.load(Ordering::Relaxed)
    }

    /// The provider answered with a status that is about the key.
    pub(crate) fn note(&self, status: u16, retry_after: Option<Duration>, now: UtcMicros) {
        let rest = match status {
            401 | 403 => REFUSED_KEY_REST,
            429 => retry_after.unwrap_or(SLOWED_KEY_REST).min(KEY_REST_MAX),
            _ => return,
        };
        self.until.store(after(now.get(), rest), Ordering::Relaxed);
    }
}

fn after(micros: i64, duration: Duration) -> i64 {
    micros.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        failures: 3,
        open: Duration::from_secs(10),
    };

    fn at(seconds: i64) -> UtcMicros {
        UtcMicros::new(1_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let breaker = Breaker::default();
        for second in 0..2 {
            assert!(!breaker.failed(RULES, at(second)));
        }
        breaker.succeeded();
        for second in 2..4 {
            assert!(!breaker.failed(RULES, at(second)));
        }
        assert_eq!(breaker.closed_in(RULES, at(4)), None);
        assert_eq!(breaker.open_until(), None);
        assert!(breaker.failed(RULES, at(4)));
        assert_eq!(
            breaker.closed_in(RULES, at(6)),
            Some(Duration::from_secs(8))
        );
    }

    #[test]
    fn one_request_finds_out_whether_it_is_well_again() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            breaker.failed(RULES, at(0));
        }
        assert_eq!(breaker.closed_in(RULES, at(10)), None, "the one that tries");
        assert!(
            breaker.closed_in(RULES, at(10)).is_some(),
            "the others wait"
        );
        assert!(!breaker.failed(RULES, at(11)), "it was open already");
        assert_eq!(breaker.open_until(), Some(at(21)));
        assert!(breaker.closed_in(RULES, at(20)).is_some());
        assert_eq!(breaker.closed_in(RULES, at(21)), None);
        breaker.succeeded();
        assert_eq!(breaker.open_until(), None);
        assert_eq!(breaker.closed_in(RULES, at(21)), None);
        assert_eq!(breaker.closed_in(RULES, at(21)), None);
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let never = BreakerRules {
            failures: 0,
            ..RULES
        };
        let breaker = Breaker::default();
        assert!((0..1000).all(|_| !breaker.failed(never, at(0))));
        assert_eq!(breaker.closed_in(never, at(1)), None);
    }

    #[test]
    fn a_key_rests_as_long_as_the_provider_says() {
        let rest = Rest::default();
        for status in [200, 400, 500, 529] {
            rest.note(status, None, at(0));
            assert!(rest.is_over(at(0)), "{status}");
        }
        rest.note(429, Some(Duration::from_secs(5)), at(0));
        assert!(!rest.is_over(at(4)) && rest.is_over(at(5)));
        rest.note(429, Some(Duration::from_secs(100_000)), at(0));
        assert!(rest.is_over(at(300)));
        rest.note(401, None, at(400));
        assert!(!rest.is_over(at(459)) && rest.is_over(at(460)));
    }
}
