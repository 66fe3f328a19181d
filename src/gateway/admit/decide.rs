//! The part of admission that is about money: the worst case, the rules, the hold.

use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::domain::budget::{Charge, Charges, Hold, Origin, Reservation};
use crate::domain::denial::Denial;
use crate::domain::id::ModelName;
use crate::domain::money::Usd;
use crate::domain::pricing::ModelPrice;
use crate::gateway::admit::Asked;
use crate::gateway::admit::pending::{Pending, unfit, unless_passing};
use crate::gateway::consult::Costs;
use crate::gateway::quote::{Caps, Quote, check_price, find_price, quote};
use crate::gateway::rates::Rate;
use crate::gateway::{Gateway, reserve, shadows};
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
pub(super) async fn decide<'a>(
    gateway: &'a Gateway,
    snapshot: &Snapshot,
    pending: &mut Pending<'a>,
    rate: &mut Rate,
    timings: &mut Timings,
) -> Result<Decision, Denial> {
    let price = price_of(&pending.asked(), snapshot);
    let mut weighed = weigh(gateway, snapshot, &pending.asked(), price.as_deref())?;
    timings.end(Phase::Price);
    if pending.ruled.is_none() {
        let costs = weighed.costs(&pending.asked());
        let consulted = pending.consult(gateway, &weighed.wish.charges, costs).await;
        timings.end(Phase::Policy);
        consulted?;
        if let Some(model) = pending.model_instead() {
            let put = Box::pin(decide_instead(gateway, snapshot, pending, rate, &model));
            let decided = put.await;
            timings.end(Phase::Reserve);
            return decided;
        }
    }
    let decision = hold(gateway, pending, &mut weighed, rate).await?;
    timings.end(Phase::Reserve);
    Ok(Decision { price, ..decision })
}

/// Puts the request to the model that the policy names instead, and holds what that costs. The policy
/// is not asked again.
async fn decide_instead<'a>(
    gateway: &'a Gateway,
    snapshot: &Snapshot,
    pending: &mut Pending<'a>,
    rate: &mut Rate,
    model: &ModelName,
) -> Result<Decision, Denial> {
    pending.redirect(gateway, snapshot, model)?;
    let asked = pending.asked();
    let price = price_of(&asked, snapshot);
    if price.is_none() && asked.endpoint.is_billed() {
        return Err(unfit(model, "it has no price"));
    }
    let weighed = weigh(gateway, snapshot, &asked, price.as_deref());
    let mut weighed = weighed.map_err(|denial| unless_passing(model, denial))?;
    let decision = hold(gateway, pending, &mut weighed, rate).await?;
    Ok(Decision { price, ..decision })
}

fn price_of(asked: &Asked<'_>, snapshot: &Snapshot) -> Option<Arc<ModelPrice>> {
    let is_billed = asked.endpoint.is_billed();
    is_billed.then(|| find_price(asked.prices, asked.call, snapshot, asked.at))?
}

/// A request with what it can cost and where that is charged.
struct Weighed<'price> {
    price: Option<&'price ModelPrice>,
    wish: Reservation,
    quote: Option<Quote<'price>>,
}

impl Weighed<'_> {
    fn costs(&self, asked: &Asked<'_>) -> Costs {
        let nothing = (!asked.endpoint.is_billed()).then_some(Usd::ZERO);
        let quote = self.quote.as_ref();
        Costs {
            likely: quote.map(|quote| quote.likely(asked.call)).or(nothing),
            worst: quote.map(Quote::wanted).or(nothing),
        }
    }
}

fn weigh<'price>(
    gateway: &Gateway,
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    price: Option<&'price ModelPrice>,
) -> Result<Weighed<'price>, Denial> {
    let wish = wish(snapshot, asked);
    let caps = gateway.caps(None);
    let quote = quote_for(gateway, asked, price, &wish.charges, caps)?;
    Ok(Weighed { price, wish, quote })
}

/// Holds what the request can cost as the policy lets it pass. The decision's price is the caller's to add.
async fn hold(
    gateway: &Gateway,
    pending: &mut Pending<'_>,
    weighed: &mut Weighed<'_>,
    rate: &mut Rate,
) -> Result<Decision, Denial> {
    let Weighed { price, wish, quote } = weighed;
    let mut quote = quote.take();
    let ruled_cap = pending.take_cap(*price)?;
    let asked = pending.asked();
    if ruled_cap.is_some() && quote.is_some() {
        let caps = gateway.caps(ruled_cap);
        quote = quote_for(gateway, &asked, *price, &wish.charges, caps)?;
    }
    let choices = asked.call.choices;
    let mut decision = Decision {
        price: None,
        hold: None,
        worst_case: quote.as_ref().map_or(Usd::ZERO, Quote::wanted),
        input_bound: u64::try_from(asked.body.len()).unwrap_or(u64::MAX),
        output_cap: ruled_cap,
        output_allowance: ruled_cap.map(|cap| cap.saturating_mul(choices)),
    };
    let Some(quote) = quote else {
        rate.take_due().await?;
        return Ok(decision);
    };
    // Also where no budget applies: one that is made before the request ends counts it.
    let (hold, quote) = reserve::hold(gateway, &asked, wish, quote, rate).await?;
    if wish.charges.iter().any(|charge| !charge.is_shadow()) {
        decision.input_bound = quote.input_tokens();
        let cap_that_fits = quote.cap_within(hold.amount, choices);
        decision.output_cap = least(ruled_cap, cap_that_fits);
    }
    if wish.charges.iter().any(Charge::is_ceiling) {
        let paid_for = quote.affordable(hold.amount);
        decision.output_allowance = least(decision.output_allowance, Some(paid_for));
    }
    decision.hold = Some(hold);
    Ok(decision)
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// The worst case. Where budgets count the request, all of it must have a price and a bound; those that only
/// count note that they would have refused it, and let it go on.
fn quote_for<'price>(
    gateway: &Gateway,
    asked: &Asked<'_>,
    price: Option<&'price ModelPrice>,
    charges: &Charges,
    caps: Caps,
) -> Result<Option<Quote<'price>>, Denial> {
    let quoted = |is_counted| quote(asked.call, price, caps, is_counted);
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

impl Gateway {
    fn caps(&self, ceiling: Option<u64>) -> Caps {
        Caps {
            floor: self.limits.output_cap_floor,
            ceiling,
        }
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
