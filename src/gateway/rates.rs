//! What a caller may ask for in a minute and at once, counted on its tenant and on its key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::denial::Denial;
use crate::domain::rate::{RateLimits, RateStandings, RateWish};
use crate::domain::window::UtcMicros;
use crate::engine::BudgetEngine;
use crate::gateway::Gateway;
use crate::gateway::authenticate::Authenticated;
use crate::providers::call::Call;

/// How many bytes of a body count as a token until the provider says how many there were.
const BYTES_PER_TOKEN: u64 = 4;

/// A request that was counted.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Where its caller stands.
    pub(crate) standings: RateStandings,
    /// What has to be ended with it; nothing where its end does not matter.
    pub(crate) taken: Option<TakenRate>,
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

/// Counts the request.
pub(crate) async fn take(
    gateway: &Gateway,
    caller: &Authenticated,
    at: UtcMicros,
) -> Result<Rate, Denial> {
    let tenant = &caller.tenant().tenant;
    let requests = tenant
        .requests_per_minute
        .unwrap_or(gateway.limits.default_requests_per_minute);
    let of_tenant = RateLimits::from_kept(
        Some(requests),
        tenant.tokens_per_minute,
        tenant.concurrent_requests,
    );
    let wish = RateWish {
        tenant: tenant.id,
        key: caller.key(),
        at,
        of_tenant,
        of_key: caller.limits(),
    };
    if wish.of_tenant.is_unlimited() && wish.of_key.is_unlimited() {
        return Ok(Rate {
            standings: RateStandings::default(),
            taken: None,
        });
    }
    let standings = gateway.engine.take_rate(&wish).await;
    let standings = standings.map_err(Denial::RateLimited)?;
    let ends = wish.of_tenant.count_to_the_end() || wish.of_key.count_to_the_end();
    Ok(Rate {
        standings,
        taken: ends.then(|| TakenRate {
            engine: Arc::clone(&gateway.engine),
            wish,
            tokens: 0,
            used: AtomicU32::new(0),
        }),
    })
}

impl Rate {
    /// Counts the tokens that the call is expected to use: its text, and all the output that it asks
    /// for. What it really used is put right at its end.
    pub(crate) async fn take_tokens(&mut self, call: &Call) -> Result<(), Denial> {
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        let output = call.output_cap.unwrap_or_default();
        let expected = call
            .input
            .body_bytes
            .div_ceil(BYTES_PER_TOKEN)
            .saturating_add(output.saturating_mul(call.choices));
        let expected = u32::try_from(expected).unwrap_or(u32::MAX);
        let standing = taken.engine.take_tokens(&taken.wish, expected).await;
        let standing = standing.map_err(Denial::RateLimited)?;
        taken.tokens = expected;
        self.standings.tokens = standing.or(self.standings.tokens);
        Ok(())
    }
}
