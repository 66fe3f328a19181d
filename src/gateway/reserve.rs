//! Holds the worst case of a request on all of its budgets.

use std::time::Duration;

use bytes::Bytes;

use crate::domain::budget::{Charges, Hold, Reservation};
use crate::domain::denial::{Denial, Dependency};
use crate::engine::Refusal;
use crate::gateway::Gateway;
use crate::gateway::admit::Asked;
use crate::gateway::quote::Quote;
use crate::providers::call::Call;
use crate::providers::tokens;

/// Bodies beyond this are not counted token by token: their length has to fit.
const COUNTED_BYTES_MAX: usize = 1024 * 1024;
/// When to try again what could not be decided.
const UNDECIDED_RETRY: Duration = Duration::from_secs(1);

/// Holds the worst case. If it does not fit by the length of the input, the input is counted and
/// tried once more.
pub(crate) async fn hold<'price>(
    gateway: &Gateway,
    asked: &Asked<'_>,
    charges: Charges,
    quote: Quote<'price>,
    body: &Bytes,
) -> Result<(Hold, Quote<'price>), Denial> {
    let mut wish = Reservation {
        request: asked.request,
        tenant: asked.caller.tenant().tenant.id,
        key: asked.caller.key(),
        at: asked.at,
        charges,
        wanted: quote.wanted(),
        at_least: quote.at_least(),
    };
    let refusal = match gateway.engine.reserve(&wish).await {
        Ok(hold) => return Ok((hold, quote)),
        Err(refusal) => refusal,
    };
    let Some(counted) = count(gateway, asked.call, &quote, &refusal, body).await else {
        return Err(over_budget(gateway, asked.call, &quote, &refusal));
    };
    wish.wanted = counted.wanted();
    wish.at_least = counted.at_least();
    match gateway.engine.reserve(&wish).await {
        Ok(hold) => Ok((hold, counted)),
        Err(refusal) => Err(over_budget(gateway, asked.call, &counted, &refusal)),
    }
}

/// The quote by an exact count, where there is one and it could help.
async fn count<'price>(
    gateway: &Gateway,
    call: &Call,
    quote: &Quote<'price>,
    refusal: &Refusal,
    body: &Bytes,
) -> Option<Quote<'price>> {
    let Refusal::Exhausted(exhausted) = refusal else {
        return None;
    };
    let headroom = exhausted.balance.headroom(exhausted.limit);
    if body.len() > COUNTED_BYTES_MAX || quote.without_input() > headroom {
        return None;
    }
    let (dialect, model, text) = (call.dialect, call.model.clone(), body.clone());
    // A large body takes milliseconds to count: not on a thread that others wait for.
    let counting =
        tokio::task::spawn_blocking(move || tokens::count_upper(dialect, model.as_str(), &text));
    let text_tokens = counting.await.ok()??;
    let counted = quote
        .counted(call, gateway.limits.output_cap_floor, text_tokens)
        .ok()?;
    (counted.at_least() < quote.at_least()).then_some(counted)
}

fn over_budget(gateway: &Gateway, call: &Call, quote: &Quote<'_>, refusal: &Refusal) -> Denial {
    match *refusal {
        Refusal::Exhausted(exhausted) => {
            let headroom = exhausted.balance.headroom(exhausted.limit);
            let floor = gateway.limits.output_cap_floor;
            Denial::OverBudget {
                affordable_output_tokens: quote.affordable_cap(headroom, call.choices, floor),
                exhausted,
            }
        }
        Refusal::Unknown(account) => {
            tracing::warn!(
                ?account,
                "a budget's account is not known; it is opened again"
            );
            gateway.reopen.notify();
            Denial::Unavailable {
                what: Dependency::Budgets,
                retry_after: UNDECIDED_RETRY,
            }
        }
    }
}
