//! The decision on a request, in the order in which it is made. Everything that can refuse one is
//! here or called from here; afterwards it is only carried out.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use pingora::http::RequestHeader;
use pingora_proxy::Session;

use crate::catalog::Snapshot;
use crate::domain::budget::{Charge, Charges, Hold, Origin, Reservation};
use crate::domain::denial::Denial;
use crate::domain::id::{ProviderName, RequestId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::pricing::{ModelPrice, Tier};
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;
use crate::gateway::authenticate::{Authenticated, authenticate};
use crate::gateway::context::{RequestContext, Standing};
use crate::gateway::labels::Labels;
use crate::gateway::quote::{Quote, check_price, find_price};
use crate::gateway::rates::{Rate, TakenRate};
use crate::gateway::{Gateway, body, consult, rates, reserve};
use crate::metrics::Phase;
use crate::metrics::tally::Timings;
use crate::providers::call::{Call, read_call};
use crate::providers::edit::{Edits, edit_body};
use crate::providers::endpoints::{Billing, Endpoint, Hints, Route, route};

/// A request that may be sent. Only this module makes one.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) request: RequestId,
    pub(crate) at: UtcMicros,
    pub(crate) caller: Authenticated,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) call: Call,
    pub(crate) labels: Labels,
    /// What is sent: the caller's bytes, edited where a rule says so.
    pub(crate) body: Bytes,
    /// The tier that is charged if the provider names none.
    pub(crate) tier: Tier,
    /// The most input tokens that it can be billed for.
    pub(crate) input_bound: u64,
    /// The output tokens, over all choices, that the hold pays for; nothing where no budget bounds it.
    pub(crate) output_allowance: Option<u64>,
    /// The usage was asked for by us and is hidden from the caller.
    pub(crate) hides_usage: bool,
    pub(crate) standing: Standing,
    /// Counts for as long as it lives.
    pub(crate) taken_rate: Option<TakenRate>,
    worst_case: Usd,
}

impl Admitted {
    /// What is charged if nobody ever learns what the request used.
    pub(crate) fn held(&self) -> Usd {
        self.standing
            .hold
            .as_ref()
            .map_or(self.worst_case, |hold| hold.amount)
    }

    /// The row that stands for the request until its outcome is known.
    pub(crate) fn intent(&self) -> LedgerRow {
        let price = self.standing.price.as_deref();
        let asked = Asked {
            request: self.request,
            at: self.at,
            caller: &self.caller,
            endpoint: self.endpoint,
            call: &self.call,
            labels: &self.labels,
            body: &self.body,
        };
        LedgerRow {
            held: self.held(),
            tier: self.tier,
            ..asked.row(price)
        }
    }
}

/// What a caller asked for, as far as it is understood.
pub(crate) struct Asked<'a> {
    pub(crate) request: RequestId,
    pub(crate) at: UtcMicros,
    pub(crate) caller: &'a Authenticated,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) call: &'a Call,
    pub(crate) labels: &'a Labels,
    pub(crate) body: &'a Bytes,
}

impl Asked<'_> {
    /// Where the request's charges come from.
    pub(crate) fn origin(&self, price: Option<&ModelPrice>) -> Origin {
        let entry = self.caller.tenant();
        Origin {
            tenant: entry.tenant.id,
            key: self.caller.key(),
            tags: self.labels.shares.clone(),
            session: self.labels.session_key(entry),
            provider: self.provider(price),
            model: self.call.model.clone(),
        }
    }

    /// Who bills: whoever the price book names, else whoever is asked.
    fn provider(&self, price: Option<&ModelPrice>) -> ProviderName {
        let priced = price.map(|price| price.provider.clone());
        priced.unwrap_or_else(|| self.endpoint.home.provider())
    }

    /// The ledger row of a request that nothing is known of yet but what was asked.
    pub(crate) fn row(&self, price: Option<&ModelPrice>) -> LedgerRow {
        LedgerRow {
            request: self.request,
            at: self.at,
            tenant: self.caller.tenant().tenant.id,
            key: self.caller.key(),
            session: self.labels.session.clone(),
            tags: self.labels.shares.clone(),
            route: Cow::Borrowed(self.endpoint.label),
            provider: self.provider(price),
            model: self.call.model.clone(),
            model_served: None,
            status: Status::Interrupted,
            reason: None,
            http_status: None,
            streamed: self.call.streamed,
            usage: TokenUsage::default(),
            tier: Tier::Standard,
            price: price.map(|price| price.id),
            cost: Usd::ZERO,
            held: Usd::ZERO,
            basis: Basis::Measured,
            latency_us: 0,
            first_byte_us: None,
            upstream_request_id: None,
        }
    }
}

/// Decides on a request: everything that is needed to send it, or why it is not sent.
pub(crate) async fn admit(
    gateway: &Gateway,
    session: &mut Session,
    context: &mut RequestContext,
) -> Result<Admitted, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let uri = session.req_header().uri.clone();
    let head = session.req_header();
    let route = find_route(head, &uri, context)?;
    gateway.limits.check_headers(&head.headers)?;
    let caller = authenticate(&head.headers, uri.query(), &snapshot, &gateway.hasher)?;
    gateway
        .upstreams
        .check_configured(route.endpoint.home, &caller)?;
    gateway.check_metered(route.endpoint)?;
    let mut labels = Labels::read(&head.headers, caller.tenant())?;
    let mut rate = rates::take(gateway, &caller, (context.request, context.at)).await?;
    context.timings.end(Phase::Auth);

    let body = body::capture(session, gateway.limits.body_bytes_max).await?;
    context.timings.end(Phase::Body);

    let call = read_call(&route, &body).map_err(Denial::BadRequest)?;
    rate.take_tokens(&call).await?;
    labels.apply_rules(
        caller.tenant(),
        (route.endpoint.label, call.model.as_str()),
        caller.key(),
        &session.req_header().headers,
    );
    gateway.recall_session(&mut labels, &caller).await?;
    let asked = Asked {
        request: context.request,
        at: context.at,
        caller: &caller,
        endpoint: route.endpoint,
        call: &call,
        labels: &labels,
        body: &body,
    };
    let decided = decide(gateway, &snapshot, &asked, &mut rate, &mut context.timings).await;
    let decision = decided.inspect_err(|denial| gateway.blocked.record(&asked, denial))?;
    context.timings.add_up();
    let parts = Parts {
        endpoint: route.endpoint,
        caller,
        call,
        labels,
        body,
        rate,
    };
    Ok(finish(context, decision, parts))
}

/// What admission has put together by the time that it is decided.
struct Parts {
    endpoint: &'static Endpoint,
    caller: Authenticated,
    call: Call,
    labels: Labels,
    body: Bytes,
    rate: Rate,
}

/// What was decided on a request that may be sent.
struct Decision {
    price: Option<Arc<ModelPrice>>,
    hold: Option<Hold>,
    worst_case: Usd,
    input_bound: u64,
    output_cap: Option<u64>,
    output_allowance: Option<u64>,
}

fn finish(context: &RequestContext, decision: Decision, parts: Parts) -> Admitted {
    let Parts {
        endpoint,
        caller,
        call,
        labels,
        body,
        rate,
    } = parts;
    let edits = Edits {
        output_cap: decision.output_cap,
        include_usage: endpoint.is_billed(),
    };
    let hides_usage =
        edits.include_usage && call.usage_is_on_request() && !call.include_usage_asked();
    let body = edit_body(&call, &edits, &body).unwrap_or(body);
    Admitted {
        request: context.request,
        at: context.at,
        tier: call.tier.unless_told(),
        caller,
        endpoint,
        call,
        labels,
        body,
        input_bound: decision.input_bound,
        output_allowance: decision.output_allowance,
        hides_usage,
        standing: Standing {
            hold: decision.hold,
            price: decision.price,
            rate: rate.standings,
        },
        taken_rate: rate.taken,
        worst_case: decision.worst_case,
    }
}

/// Prices the request, asks the policy, and holds the money.
async fn decide(
    gateway: &Gateway,
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    rate: &mut Rate,
    timings: &mut Timings,
) -> Result<Decision, Denial> {
    let price = if asked.endpoint.is_billed() {
        find_price(asked.endpoint.home, asked.call, snapshot)
    } else {
        None
    };
    let mut wish = wish(snapshot, asked, price.as_deref());
    let is_limited = !wish.charges.is_empty();
    if is_limited {
        check_price(asked.call, price.as_deref())
            .inspect_err(|_| gateway.metrics.price_lookup_missed())?;
    }
    let quote = quote(gateway, asked.call, price.as_deref(), is_limited)?;
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

/// What the request is charged to, before it is known how much.
fn wish(snapshot: &Snapshot, asked: &Asked<'_>, price: Option<&ModelPrice>) -> Reservation {
    let origin = asked.origin(price);
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

fn quote<'price>(
    gateway: &Gateway,
    call: &Call,
    price: Option<&'price ModelPrice>,
    is_limited: bool,
) -> Result<Option<Quote<'price>>, Denial> {
    let Some(price) = price else { return Ok(None) };
    match Quote::new(call, price, gateway.limits.output_cap_floor) {
        Ok(quote) => Ok(Some(quote)),
        Err(unbounded) if is_limited => Err(Denial::Unpriced {
            what: unbounded.to_string(),
        }),
        Err(_) => Ok(None),
    }
}

impl Gateway {
    /// What is not metered passes only where the installation says so.
    fn check_metered(&self, endpoint: &Endpoint) -> Result<(), Denial> {
        match endpoint.billing {
            Billing::Free | Billing::Metered => Ok(()),
            Billing::Refused(feature) if self.unmetered.contains(&feature) => Ok(()),
            Billing::Refused(feature) => Err(Denial::Unmetered { feature }),
            Billing::Never => Err(Denial::HandsOutCredentials),
        }
    }
}

fn find_route<'a>(
    head: &RequestHeader,
    uri: &'a Uri,
    context: &mut RequestContext,
) -> Result<Route<'a>, Denial> {
    let hints = Hints::new(&head.headers, uri.query());
    match route(head.method.as_str(), uri.path(), &hints) {
        Ok(route) => {
            context.dialect = route.endpoint.dialect;
            Ok(route)
        }
        Err(unrouted) => {
            context.dialect = unrouted.dialect;
            Err(unrouted.denial)
        }
    }
}
