//! A slice of an account: what of it is held and spent here, and how large it should be.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::budget::{Account, Balance, Charge, Enforcement};
use crate::domain::money::Usd;
use crate::engine::redis::lease::Told;
use crate::engine::redis::reply::Standing;

/// A slice is meant to last for so many intervals: also while Redis does not answer for a moment.
const INTERVALS_COVERED: i64 = 40;
/// A slice that was not used for so long goes back.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// A slice that does not hold so many of the largest requests is not worth having: near the end, everybody
/// asks.
const REQUESTS_MIN: i64 = 2;
/// All slices of an account together are never more than this part of what is left of it.
const PART_OF_HEADROOM: i64 = 2;

/// A part of an account.
#[derive(Debug)]
pub(super) struct Slice {
    /// How much of it Redis gave.
    granted: Usd,
    /// What of it is held or spent, as far as Redis has not heard of it.
    out: Usd,
    /// What of it is on its way back.
    returning: Usd,
    limit: Usd,
    /// What all of the account has come to, by what Redis last told, and what of it is settled.
    used: Usd,
    spent: Usd,
    bounds: bool,
    /// What requests wanted since the last report, and usually want in that time.
    wanted: Usd,
    usual: Usd,
    largest: Usd,
    last_used: Instant,
}

/// What happened on one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::redis) struct Part {
    pub(in crate::engine::redis) account: Account,
    pub(in crate::engine::redis) used: Usd,
    pub(in crate::engine::redis) spent: Usd,
    pub(in crate::engine::redis) granted: Usd,
    pub(in crate::engine::redis) wanted: Usd,
    pub(in crate::engine::redis) used_max: Usd,
    /// What of `out` Redis will have heard of.
    heard: Usd,
    returned: Usd,
}

/// What a slice has room for.
pub(super) struct Room {
    pub(super) left: Option<Usd>,
}

impl Slice {
    pub(super) fn new() -> Self {
        Self {
            granted: Usd::ZERO,
            out: Usd::ZERO,
            returning: Usd::ZERO,
            limit: Usd::ZERO,
            used: Usd::ZERO,
            spent: Usd::ZERO,
            bounds: true,
            wanted: Usd::ZERO,
            usual: Usd::ZERO,
            largest: Usd::ZERO,
            last_used: Instant::now(),
        }
    }

    fn left(&self) -> Usd {
        self.granted
            .saturating_sub(self.out)
            .saturating_sub(self.returning)
    }

    /// Whether a request of this amount fits. Under another limit than that for which it was given, the
    /// slice says nothing.
    pub(super) fn room(&mut self, charge: &Charge, amount: Usd) -> Option<Room> {
        if self.limit != charge.limit {
            return None;
        }
        if !self.bounds {
            // A limit that bounds this request and none before it: only Redis knows what is left.
            return (!bounds(charge)).then_some(Room { left: None });
        }
        let weighted = charge.weight.of(amount);
        let left = self.left().saturating_sub(weighted);
        if left < Usd::ZERO {
            return None;
        }
        let beside = self.limit.saturating_sub(self.used);
        let all = charge.weight.fits(beside.saturating_add(left));
        Some(Room {
            left: charge.is_ceiling().then_some(all),
        })
    }

    /// What the account stands at, as far as it is known here: by what Redis last told.
    pub(super) fn balance(&self) -> Balance {
        let beyond = self.out.saturating_sub(self.granted);
        Balance {
            spent: self.spent,
            held: self.used.saturating_sub(self.spent).saturating_add(beyond),
        }
    }

    pub(super) fn take(&mut self, weighted: Usd) {
        self.out = self.out.saturating_add(weighted);
        self.want(weighted);
    }

    /// What was held or spent of it is no longer, or costs something else.
    pub(super) fn change(&mut self, before: Usd, after: Usd) {
        self.out = self.out.saturating_sub(before).saturating_add(after);
    }

    /// A request was charged by asking Redis, and the account stands at this.
    pub(super) fn note(&mut self, charge: &Charge, amount: Usd, standing: Standing) {
        self.bounds = bounds(charge);
        self.limit = charge.limit;
        (self.used, self.spent) = (standing.used, standing.spent);
        self.want(charge.weight.of(amount));
    }

    /// Redis has heard what was reported.
    pub(super) fn heard(&mut self, part: &Part, told: &Told) {
        self.out = self.out.saturating_sub(part.heard);
        self.returning = self.returning.saturating_sub(part.returned);
        self.granted = told.granted;
        (self.used, self.spent) = (told.standing.used, told.standing.spent);
    }

    fn want(&mut self, weighted: Usd) {
        self.wanted = self.wanted.saturating_add(weighted);
        self.largest = self.largest.max(weighted);
        self.last_used = Instant::now();
    }

    pub(super) fn is_empty(&self) -> bool {
        [self.granted, self.out, self.returning] == [Usd::ZERO; 3]
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_empty() && self.last_used.elapsed() > IDLE_MAX
    }

    /// How much of the account it should be.
    fn target(&self, replicas: i64) -> Usd {
        if self.last_used.elapsed() > IDLE_MAX || !self.bounds {
            return Usd::ZERO;
        }
        let beside = self.limit.saturating_sub(self.used);
        let headroom = beside.saturating_add(self.left()).nanos().max(0);
        let share = headroom / replicas.max(1).saturating_mul(PART_OF_HEADROOM);
        let covers = self.usual.nanos().saturating_mul(INTERVALS_COVERED);
        let target = share.min(covers.max(self.largest.nanos().saturating_mul(REQUESTS_MIN)));
        if target < self.largest.nanos().saturating_mul(REQUESTS_MIN) {
            Usd::ZERO
        } else {
            Usd::from_nanos(target)
        }
    }

    pub(super) fn report(
        &mut self,
        account: Account,
        [heard, spent]: [Usd; 2],
        replicas: Option<i64>,
    ) -> Option<Part> {
        // Half of it is what it was: bursts count, and are forgotten.
        let both = self.usual.saturating_add(self.wanted).nanos();
        self.usual = Usd::from_nanos(both / 2);
        self.wanted = Usd::ZERO;
        let target = replicas.map_or(Usd::ZERO, |replicas| self.target(replicas));
        let left = self.left().max(Usd::ZERO);
        let returned = left.saturating_sub(target).max(Usd::ZERO);
        let wanted = target.saturating_sub(left).max(Usd::ZERO);
        let is_worth_asking = wanted.nanos() > target.nanos() / 4;
        let wanted = if is_worth_asking { wanted } else { Usd::ZERO };
        // A slice is told of in any case: the answer says whether others need it.
        if [heard, returned, wanted, self.granted] == [Usd::ZERO; 4] {
            return None;
        }
        self.returning = self.returning.saturating_add(returned);
        // What was spent beyond the slice is more of the account than Redis knew of.
        let beyond = heard.saturating_sub(self.granted).max(Usd::ZERO);
        let from_slice = heard.saturating_sub(beyond);
        let returned_now = returned.min(self.granted.saturating_sub(from_slice));
        self.returning = self
            .returning
            .saturating_sub(returned.saturating_sub(returned_now));
        Some(Part {
            account,
            used: beyond.saturating_sub(returned_now),
            spent,
            granted: Usd::ZERO
                .saturating_sub(from_slice)
                .saturating_sub(returned_now),
            wanted,
            used_max: self.limit.saturating_sub(wanted),
            heard,
            returned: returned_now,
        })
    }
}

/// Whether a limit says how much a request may cost.
fn bounds(charge: &Charge) -> bool {
    match charge.enforcement {
        Enforcement::Ceiling | Enforcement::Settled => true,
        Enforcement::Counted | Enforcement::Shadow(_) => false,
    }
}
