//! What a caller may ask for in a minute and at once, counted on its tenant and on its key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::budget::{Hold, Reservation};
use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::RequestId;
use crate::domain::rate::{RateClaim, RateLimits, RateStandings, RateWish};
use crate::domain::window::UtcMicros;
use crate::engine::{BudgetEngine, RateRefusal, Refusal};
use crate::gateway::Gateway;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::reserve::UNDECIDED_RETRY;
use crate::providers::call::Call;

/// How many bytes of a body count as a token until the provider says how many there were.
const BYTES_PER_TOKEN: u64 = 4;

/// A request that is counted: at once, or together with its hold where that saves asking twice.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Where its caller stands.
    pub(crate) standings: RateStandings,
    /// What has to be ended with it; nothing where its end does not matter.
    pub(crate) taken: Option<TakenRate>,
    engine: Arc<dyn BudgetEngine>,
    /// It is not counted yet.
    due: Option<RateClaim>,
}

/// A request that counts for as long as it is under way.
#[derive(Debug)]
pub(crate) struct TakenRate {
    engine: Arc<dyn BudgetEngine>,
    wish: RateWish,
    tokens: u32,
    used: AtomicU32,
}

impl TakenRate {
    /// The request used so many tokens, as far as anybody knows.
    pub(crate) fn note_used(&self, tokens: Option<u64>) {
        let used = tokens.map_or(self.tokens, |tokens| {
            u32::try_from(tokens).unwrap_or(u32::MAX)
        });
        self.used.store(used, Ordering::Relaxed);
    }
}

impl Drop for TakenRate {
    fn drop(&mut self) {
        let used = *self.used.get_mut();
        self.engine.end_rate(&self.wish, self.tokens, used);
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A request.
    Request,
    /// A connection in whose course requests are made: it is under way, and nothing else.
    Connection,
    /// A request in such a connection.
    Turn,
}

impl Counted {
    /// The limits that bear on it.
    fn under(self, limits: RateLimits) -> RateLimits {
        match self {
            Self::Request => limits,
            Self::Connection => limits.only_concurrent(),
            Self::Turn => limits.without_concurrent(),
        }
    }
}

/// Counts the request.
pub(crate) async fn take(
    gateway: &Gateway,
    caller: &Authenticated,
    (request, at): (RequestId, UtcMicros),
    counted: Counted,
) -> Result<Rate, Denial> {
    let tenant = &caller.tenant().tenant;
    let of_tenant = tenant.rate_limits(gateway.limits.default_requests_per_minute);
    let wish = RateWish {
        request,
        tenant: tenant.id,
        key: caller.key(),
        at,
        of_tenant: counted.under(of_tenant),
        of_key: counted.under(caller.limits()),
    };
    let mut rate = Rate {
        standings: RateStandings::unlimited(at),
        taken: None,
        engine: Arc::clone(&gateway.engine),
        due: None,
    };
    if wish.of_tenant.is_unlimited() && wish.of_key.is_unlimited() {
        return Ok(rate);
    }
    let claim = RateClaim { wish, tokens: 0 };
    if gateway.engine.is_shared() {
        rate.due = Some(claim);
        return Ok(rate);
    }
    let standings = gateway.engine.take_rate(&wish).await;
    rate.note_taken(&claim, standings.map_err(refused)?);
    Ok(rate)
}

impl Rate {
    /// Of a request that was counted before, when it was first tried.
    pub(crate) fn counted(
        gateway: &Gateway,
        standings: RateStandings,
        taken: Option<TakenRate>,
    ) -> Self {
        Self {
            standings,
            taken,
            engine: Arc::clone(&gateway.engine),
            due: None,
        }
    }

    /// Counts the tokens that the call is expected to use: its text, and all the output that it asks
    /// for. What it really used is put right at its end.
    pub(crate) async fn take_tokens(&mut self, call: &Call) -> Result<(), Denial> {
        let output = call.output_cap.unwrap_or_default();
        let expected = call
            .input
            .body_bytes
            .div_ceil(BYTES_PER_TOKEN)
            .saturating_add(output.saturating_mul(call.choices));
        let expected = u32::try_from(expected).unwrap_or(u32::MAX);
        if let Some(due) = &mut self.due {
            due.tokens = expected;
        }
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        let standings = self.engine.take_tokens(&taken.wish, expected).await;
        taken.tokens = expected;
        self.standings.tokens = standings.map_err(refused)?.tokens;
        Ok(())
    }

    /// Counts what is due now, without a hold to do it with.
    pub(crate) async fn take_due(&mut self) -> Result<(), Denial> {
        if let Some(claim) = self.due.take() {
            let standings = self.engine.take_both(&claim).await;
            self.note_taken(&claim, standings.map_err(refused)?);
        }
        Ok(())
    }

    /// Holds money, and counts the request in the same step if that is due.
    pub(crate) async fn reserve(&mut self, wish: &Reservation) -> Result<Hold, Refusal> {
        let Some(claim) = self.due else {
            return self.engine.reserve(wish).await;
        };
        let (standings, held) = self.engine.reserve_at_rate(wish, &claim).await;
        if let Some(standings) = standings {
            self.due = None;
            self.note_taken(&claim, standings);
        }
        held
    }

    fn note_taken(&mut self, claim: &RateClaim, standings: RateStandings) {
        self.standings = standings;
        // It is put right later where it was counted.
        let wish = RateWish {
            at: standings.at,
            ..claim.wish
        };
        let ends = wish.of_tenant.count_to_the_end() || wish.of_key.count_to_the_end();
        self.taken = ends.then(|| TakenRate {
            engine: Arc::clone(&self.engine),
            wish,
            tokens: claim.tokens,
            used: AtomicU32::new(0),
        });
    }
}

/// What a caller is told whose request was not counted.
fn refused(refusal: RateRefusal) -> Denial {
    match refusal {
        RateRefusal::TooMany(too_many) => Denial::RateLimited(too_many),
        RateRefusal::Unavailable => Denial::Unavailable {
            what: Dependency::Budgets,
            retry_after: UNDECIDED_RETRY,
        },
    }
}
