//! What is counted of one tenant's minute: for itself and for each of its keys that is limited.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::domain::id::ApiKeyId;
use crate::domain::rate::{
    MinuteFull, RateLimits, RateStanding, RateStandings, RateSubject, RateUnit, RateWish,
    SlidingMinute, TooMany,
};
use crate::domain::window::UtcMicros;

/// When to try again where only the end of another request makes room.
const CONCURRENT_RETRY: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct TenantRates {
    own: Rates,
    keys: HashMap<ApiKeyId, Rates>,
}

#[derive(Debug, Default)]
struct Rates {
    requests: SlidingMinute,
    tokens: SlidingMinute,
    under_way: u32,
}

impl TenantRates {
    pub(super) fn take(&mut self, wish: &RateWish) -> Result<RateStandings, TooMany> {
        self.for_each(wish, |subject, rates, limits| {
            rates.check(subject, limits, wish.at)
        })?;
        let mut standings = RateStandings::unlimited(wish.at);
        self.for_each(wish, |_, rates, limits| {
            rates.count(limits, wish.at);
            standings = standings.and(rates.standings(limits, wish.at));
            Ok(())
        })?;
        Ok(standings)
    }

    pub(super) fn take_tokens(
        &mut self,
        wish: &RateWish,
        count: u32,
    ) -> Result<RateStandings, TooMany> {
        let full = |subject| move |full| too_many(RateUnit::Tokens, subject, full);
        self.for_each(wish, |subject, rates, limits| {
            let Some(limit) = limits.tokens else {
                return Ok(());
            };
            let checked = rates.tokens.check(wish.at, limit.get(), count);
            checked.map_err(full(subject))
        })?;
        let mut standings = RateStandings::unlimited(wish.at);
        self.for_each(wish, |_, rates, limits| {
            if limits.tokens.is_some() {
                rates.tokens.add(wish.at, count);
            }
            standings = standings.and(rates.standings(limits, wish.at));
            Ok(())
        })?;
        Ok(standings)
    }

    pub(super) fn end(&mut self, wish: &RateWish, taken: u32, used: u32) {
        // Nothing here refuses.
        let _ = self.for_each(wish, |_, rates, limits| {
            if limits.concurrent.is_some() {
                rates.under_way = rates.under_way.saturating_sub(1);
            }
            if limits.tokens.is_some() {
                rates.tokens.correct(wish.at, taken, used);
            }
            Ok(())
        });
    }

    /// Does something with the tenant's rates and with the key's, if they are limited.
    fn for_each(
        &mut self,
        wish: &RateWish,
        mut step: impl FnMut(RateSubject, &mut Rates, &RateLimits) -> Result<(), TooMany>,
    ) -> Result<(), TooMany> {
        if !wish.of_tenant.is_unlimited() {
            step(RateSubject::Tenant, &mut self.own, &wish.of_tenant)?;
        }
        if !wish.of_key.is_unlimited() {
            let rates = self.keys.entry(wish.key).or_default();
            step(RateSubject::Key, rates, &wish.of_key)?;
        }
        Ok(())
    }
}

impl Rates {
    fn check(
        &mut self,
        subject: RateSubject,
        limits: &RateLimits,
        now: UtcMicros,
    ) -> Result<(), TooMany> {
        if let Some(limit) = limits.concurrent
            && self.under_way >= limit.get()
        {
            let full = MinuteFull {
                standing: RateStanding {
                    limit: limit.get(),
                    remaining: 0,
                    resets_in: CONCURRENT_RETRY,
                },
                retry_after: CONCURRENT_RETRY,
            };
            return Err(too_many(RateUnit::Concurrent, subject, full));
        }
        let Some(limit) = limits.requests else {
            return Ok(());
        };
        let checked = self.requests.check(now, limit.get(), 1);
        checked.map_err(|full| too_many(RateUnit::Requests, subject, full))
    }

    fn standings(&mut self, limits: &RateLimits, now: UtcMicros) -> RateStandings {
        let standing = |minute: &mut SlidingMinute, limit: Option<NonZeroU32>| {
            limit.map(|limit| minute.standing(now, limit.get()))
        };
        RateStandings {
            at: now,
            requests: standing(&mut self.requests, limits.requests),
            tokens: standing(&mut self.tokens, limits.tokens),
        }
    }

    fn count(&mut self, limits: &RateLimits, now: UtcMicros) {
        if limits.requests.is_some() {
            self.requests.add(now, 1);
        }
        if limits.concurrent.is_some() {
            self.under_way = self.under_way.saturating_add(1);
        }
    }
}

fn too_many(unit: RateUnit, subject: RateSubject, full: MinuteFull) -> TooMany {
    TooMany {
        unit,
        subject,
        standing: full.standing,
        retry_after: full.retry_after,
    }
}
