//! Places in a minute that this process may give away without asking: counted when they are taken, in the
//! second until whose end they are good, so that no minute ever sees more than its limit.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::id::ApiKeyId;
use crate::domain::rate::{RateLimits, RateStanding};
use crate::domain::window::UtcMicros;

/// Fewer are not worth having.
const PERMITS_MIN: u32 = 8;
/// They are meant to last for so many reports.
const INTERVALS_COVERED: u32 = 10;
/// All permits of a minute together are never more than this part of what is left of it.
pub(super) const PART_OF_MINUTE: i64 = 2;
const IDLE_MAX: Duration = Duration::from_secs(1);
const SECONDS: i64 = 61;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The permits of a tenant, or of one of its keys.
#[derive(Debug)]
pub(super) struct Permits {
    limit: u32,
    batches: VecDeque<Batch>,
    /// What of the minute was left, and when its oldest second ends, as Redis said last.
    left_beside: u32,
    resets_at: Instant,
    wanted: u32,
    usual: u32,
    last_used: Instant,
}

#[derive(Debug)]
struct Batch {
    /// Where they are counted.
    second: i64,
    left: u32,
    until: Instant,
}

/// What is asked for, and given back.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::redis) struct PermitPart {
    pub(in crate::engine::redis) key: Option<ApiKeyId>,
    pub(in crate::engine::redis) limit: u32,
    pub(in crate::engine::redis) wanted: u32,
    pub(in crate::engine::redis) returned: (i64, u32),
}

/// What Redis said.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::redis) struct PermitsTold {
    pub(in crate::engine::redis) granted: u32,
    pub(in crate::engine::redis) total: u32,
    pub(in crate::engine::redis) oldest: i64,
}

/// Whether these limits count nothing but requests.
pub(super) fn count_only_requests(limits: &RateLimits) -> bool {
    limits.tokens.is_none() && limits.concurrent.is_none()
}

impl Permits {
    pub(super) fn new() -> Self {
        Self {
            limit: 0,
            batches: VecDeque::new(),
            left_beside: 0,
            resets_at: Instant::now(),
            wanted: 0,
            usual: 0,
            last_used: Instant::now(),
        }
    }

    /// A request was counted by asking Redis.
    pub(super) fn note(&mut self, limit: u32) {
        self.limit = limit;
        self.want();
    }

    fn want(&mut self) {
        self.wanted = self.wanted.saturating_add(1);
        self.last_used = Instant::now();
    }

    /// Whether there is one. Under another limit than that for which they were given, there is none.
    pub(super) fn has_one(&self, limit: u32, now: Instant) -> bool {
        let is_good = |batch: &Batch| batch.left > 0 && now < batch.until;
        self.limit == limit && self.batches.iter().any(is_good)
    }

    /// Takes one.
    pub(super) fn take(&mut self, now: Instant) -> RateStanding {
        let is_good = |batch: &&mut Batch| batch.left > 0 && now < batch.until;
        if let Some(batch) = self.batches.iter_mut().find(is_good) {
            batch.left = batch.left.saturating_sub(1);
        }
        self.want();
        let left = self.batches.iter().map(|batch| batch.left).sum::<u32>();
        RateStanding {
            limit: self.limit,
            remaining: self.left_beside.saturating_add(left),
            resets_in: self.resets_at.saturating_duration_since(now),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.batches.is_empty() && self.last_used.elapsed() > IDLE_MAX
    }

    /// What there is to ask for and to give back.
    pub(super) fn report(&mut self, key: Option<ApiKeyId>, now: Instant) -> Option<PermitPart> {
        self.usual = self.usual.midpoint(self.wanted);
        self.wanted = 0;
        let is_gone = |batch: &Batch| now >= batch.until;
        let gone = self.batches.iter().position(is_gone);
        let gone = gone.and_then(|index| self.batches.remove(index));
        let returned = gone.map_or((0, 0), |batch| (batch.second, batch.left));
        let left = self.batches.iter().map(|batch| batch.left).sum::<u32>();
        let target = self.usual.saturating_mul(INTERVALS_COVERED);
        let is_worth_asking = target >= PERMITS_MIN && left < target / 2;
        let wanted = if is_worth_asking { target - left } else { 0 };
        ((returned.1, wanted) != (0, 0)).then_some(PermitPart {
            key,
            limit: self.limit,
            wanted,
            returned,
        })
    }

    /// Redis has answered what was sent then; its time was this.
    pub(super) fn heard(&mut self, told: &PermitsTold, sent: Instant, time: UtcMicros) {
        let second = time.get().div_euclid(MICROS_PER_SECOND).saturating_add(1);
        // From when it was sent: it may have been answered at once.
        let ends = |second: i64| {
            let end = UtcMicros::new(second.saturating_mul(MICROS_PER_SECOND));
            sent + end.since(time)
        };
        if told.granted > 0 {
            self.batches.push_back(Batch {
                second,
                left: told.granted,
                until: ends(second.saturating_add(1)),
            });
        }
        self.left_beside = self.limit.saturating_sub(told.total);
        self.resets_at = ends(told.oldest.saturating_add(SECONDS));
    }
}
