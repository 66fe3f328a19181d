//! The part of admission that is about money: the worst case, the rules, the hold.

use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::domain::budget::{Charge, Charges, Hold, Origin, Reservation};
use crate::domain::denial::Denial;
use crate::domain::money::Usd;
use crate::domain::pricing::ModelPrice;
use crate::gateway::admit::Asked;
use crate::gateway::quote::{Quote, check_price, find_price, quote};
use crate::gateway::rates::Rate;
use crate::gateway::{Gateway, consult, reserve, shadows};
use crate::metrics::Phase;
use crate::metrics::tally::Timings;

/// What was decided on a request that may be sent.
pub(super) struct Decision {
    pub(super) price: Option<Arc<ModelPrice>>,
    pub(super) hold: Option<Hold>,
    pub(super) worst_case: Usd,
    pub(super) input_bound: u64,
    pub(super) output_cap: Option<u64>,
    pub(super) output_allowance: Option<u64>,
}

/// Prices the request, asks the policy, and holds the money.
pub(super) async fn decide(
    gateway: &Gateway,
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    rate: &mut Rate,
    timings: &mut Timings,
) -> Result<Decision, Denial> {
    let price = if asked.endpoint.is_billed() {
        find_price(asked.prices, asked.call, snapshot, asked.at)
    } else {
        None
    };
    let mut wish = wish(snapshot, asked);
    let is_limited = wish.charges.iter().any(|charge| !charge.is_shadow());
    let quote = quote_for(gateway, asked, price.as_deref(), &wish.charges)?;
    let worst_case = quote.as_ref().map_or(Usd::ZERO, Quote::wanted);

    timings.end(Phase::Price);

    let allowed = consult::policy(gateway, asked, &wish.charges, worst_case).await;
    timings.end(Phase::Policy);
    allowed?;

    let body_bytes = u64::try_from(asked.body.len()).unwrap_or(u64::MAX);
    let Some(quote) = quote else {
        rate.take_due().await?;
        let decision = Decision {
            price,
            hold: None,
            worst_case,
            input_bound: body_bytes,
            output_cap: None,
            output_allowance: None,
        };
        return Ok(decision);
    };
    // Also where no budget applies: one that is made before the request ends counts it.
    let (hold, quote) = reserve::hold(gateway, asked, &mut wish, quote, rate).await?;
    timings.end(Phase::Reserve);
    let (input_bound, output_cap) = if is_limited {
        let cap = quote.cap_within(hold.amount, asked.call.choices);
        (quote.input_tokens(), cap)
    } else {
        (body_bytes, None)
    };
    let has_ceiling = wish.charges.iter().any(Charge::is_ceiling);
    let output_allowance = has_ceiling.then(|| quote.affordable(hold.amount));
    Ok(Decision {
        price,
        worst_case,
        input_bound,
        output_cap,
        output_allowance,
        hold: Some(hold),
    })
}

/// The worst case. Where budgets count the request, all of it must have a price and a bound; those that only
/// count note that they would have refused it, and let it go on.
fn quote_for<'price>(
    gateway: &Gateway,
    asked: &Asked<'_>,
    price: Option<&'price ModelPrice>,
    charges: &Charges,
) -> Result<Option<Quote<'price>>, Denial> {
    let quoted = |is_counted| quote(gateway, asked.call, price, is_counted);
    if charges.is_empty() {
        return quoted(false);
    }
    let checked = check_price(asked.call, price)
        .inspect_err(|_| gateway.metrics.price_lookup_missed())
        .and_then(|()| quoted(true));
    match checked {
        Err(_) if charges.iter().all(Charge::is_shadow) => {
            shadows::note_unpriced(gateway, asked, charges);
            quoted(false)
        }
        decided => decided,
    }
}

/// What the request is charged to, before it is known how much.
fn wish(snapshot: &Snapshot, asked: &Asked<'_>) -> Reservation {
    let origin = asked.origin();
    Reservation {
        request: asked.request,
        at: asked.at,
        charges: charges(snapshot, asked, &origin),
        origin,
        wanted: Usd::ZERO,
        at_least: Usd::ZERO,
    }
}

/// The accounts that the request is charged to: those of budgets, and its session's.
fn charges(snapshot: &Snapshot, asked: &Asked<'_>, origin: &Origin) -> Charges {
    if !asked.endpoint.is_billed() {
        return Charges::new();
    }
    let entry = asked.caller.tenant();
    let mut charges = snapshot.charges(entry, origin, asked.at);
    if let Some(session) = origin.session
        && let Some(limit) = asked.labels.session_budget(session, entry, snapshot)
    {
        charges.push(Charge::of_session(session, limit));
    }
    charges
}
