//! The decision on a request, in the order in which it is made. Everything that can refuse one is
//! here or called from here; afterwards it is only carried out.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use pingora::http::RequestHeader;
use pingora_proxy::Session;

use crate::catalog::Snapshot;
use crate::domain::denial::Denial;
use crate::domain::id::{ProviderName, RequestId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::pricing::Tier;
use crate::domain::ruling::Ruling;
use crate::domain::window::UtcMicros;
pub(crate) use crate::gateway::admit::asked::Asked;
use crate::gateway::admit::decide::{Decision, decide};
use crate::gateway::admit::enter::enter;
use crate::gateway::admit::pending::Pending;
use crate::gateway::aim::{Aim, Aimed, Source, aim};
use crate::gateway::authenticate::Authenticated;
use crate::gateway::consult::Ruled;
use crate::gateway::context::{RequestContext, Standing};
use crate::gateway::labels::Labels;
use crate::gateway::rates::{Counted, Rate, TakenRate};
use crate::gateway::routing::Target;
use crate::gateway::tries::Again;
use crate::gateway::{Gateway, body, objects, rates};
use crate::metrics::Phase;
use crate::metrics::tally::Timings;
use crate::providers::call::Call;
use crate::providers::edit::{Edits, edit_body};
use crate::providers::endpoints::{Endpoint, Hints, Route, route};

pub(crate) mod enter;
pub(crate) mod turn;
mod asked;
mod decide;
mod pending;

/// A request that may be sent. Only this module makes one.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) request: RequestId,
    pub(crate) at: UtcMicros,
    pub(crate) caller: Authenticated,
    pub(crate) endpoint: &'static Endpoint,
    /// Where it goes.
    pub(crate) aim: Aim,
    /// Who bills.
    pub(crate) provider: ProviderName,
    /// What is asked, in the words in which it is sent.
    pub(crate) call: Arc<Call>,
    pub(crate) labels: Labels,
    /// What is sent: the caller's bytes, edited where a rule says so.
    pub(crate) body: Bytes,
    /// What it takes to try it again.
    pub(crate) again: Option<Box<Again>>,
    /// The first try, if this is a later one.
    pub(crate) first_try: Option<RequestId>,
    /// What the policy decided on it.
    pub(crate) ruling: Option<Ruling>,
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
            provider: &self.provider,
            prices: &self.provider,
            call: &self.call,
            named: self.aim.model_asked.as_ref(),
            labels: &self.labels,
            body: &self.body,
            ruling: self.ruling.as_ref(),
        };
        LedgerRow {
            held: self.held(),
            tier: self.tier,
            attempt_of: self.first_try,
            ..asked.row(price)
        }
    }
}

/// Decides on a request: everything that is needed to send it, or why it is not sent.
pub(crate) async fn admit(
    gateway: &Gateway,
    session: &mut Session,
    context: &mut RequestContext,
) -> Result<Box<Admitted>, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let uri = session.req_header().uri.clone();
    let head = session.req_header();
    let route = find_route(head, &uri, context)?;
    let ids = (context.request, context.at);
    let (caller, labels) = enter(gateway, &snapshot, (head, route.endpoint)).await?;
    let rate = rates::take(gateway, &caller, ids, Counted::Request).await?;
    context.timings.end(Phase::Auth);

    let body = body::capture(session, &gateway.limits).await?;
    context.timings.end(Phase::Body);

    let mut call = body::understood(session, &route, &body)?;
    objects::check(gateway, &caller, &route, (&mut call, &body)).await?;
    let (endpoint, uri) = (route.endpoint, uri.clone());
    let understood = Understood {
        source: Source {
            endpoint,
            uri,
            call: Arc::new(call),
            body,
            named: None,
        },
        caller,
        labels,
        rate,
    };
    let headers = &session.req_header().headers;
    let deciding = (ids, &mut context.timings);
    judge(gateway, &snapshot, headers, understood, deciding).await
}

/// A request that is read.
struct Understood {
    source: Source,
    caller: Authenticated,
    labels: Labels,
    rate: Rate,
}

/// Decides on what is understood.
async fn judge(
    gateway: &Gateway,
    snapshot: &Snapshot,
    headers: &HeaderMap,
    mut understood: Understood,
    (ids, timings): Deciding<'_>,
) -> Result<Box<Admitted>, Denial> {
    let asked = &mut understood;
    asked.rate.take_tokens(&asked.source.call).await?;
    asked.labels.apply_rules(
        asked.caller.tenant(),
        (
            asked.source.endpoint.label,
            asked.source.call.model.as_str(),
        ),
        asked.caller.key(),
        headers,
    );
    let (labels, caller) = (&mut asked.labels, &asked.caller);
    gateway.recall_session(labels, caller).await?;
    let plan = gateway.plan(&asked.source, &asked.caller, ids)?;
    let Understood {
        source,
        caller,
        labels,
        mut rate,
    } = understood;
    let wish = Wish {
        source,
        target: plan.target,
        caller,
        labels,
        first_try: None,
        again: plan.again,
        ruled: None,
    };
    let mut pending = prepare(gateway, snapshot, wish, ids)?;
    let decided = decide(gateway, snapshot, &mut pending, &mut rate, timings).await;
    let decision = decided.inspect_err(|denial| pending.keep_blocked(gateway, denial))?;
    timings.add_up();
    Ok(finish(decision, pending, rate))
}

/// Which request is decided on, when it came, and how long that takes.
type Deciding<'a> = ((RequestId, UtcMicros), &'a mut Timings);

/// A request with everything that decides on it.
struct Wish {
    source: Source,
    target: Target,
    caller: Authenticated,
    labels: Labels,
    first_try: Option<RequestId>,
    again: Option<Box<Again>>,
    /// What the policy decided on all tries, if it did.
    ruled: Option<Ruled>,
}

/// A wish put to its provider. What is awaited from here on borrows it: moved into each future on the
/// way, it would be copied again and again.
fn prepare<'a>(
    gateway: &'a Gateway,
    snapshot: &Snapshot,
    wish: Wish,
    (request, at): (RequestId, UtcMicros),
) -> Result<Pending<'a>, Denial> {
    let Wish {
        source,
        target,
        caller,
        labels,
        first_try,
        again,
        ruled,
    } = wish;
    let upstream = gateway.upstreams.get(target.upstream);
    Ok(Pending {
        ids: (request, at),
        first_try,
        endpoint: source.endpoint,
        upstream: upstream.map_err(|_missing| Denial::UnknownRoute)?,
        aimed: aim(gateway, (snapshot, at), source, &target)?,
        caller,
        labels,
        ruled,
        again,
    })
}

impl Admitted {
    /// Decides on the same request to the provider that is next in turn: its policy, its price and
    /// its hold are its own. The rate was counted the first time.
    pub(crate) async fn admit_again(
        &mut self,
        gateway: &Gateway,
        ids: (RequestId, UtcMicros),
        timings: &mut Timings,
    ) -> Result<Box<Self>, Denial> {
        let missing = || Denial::UnknownRoute;
        let again = self.again.take().ok_or_else(missing)?;
        let wish = Wish {
            source: again.source.clone(),
            target: again.target().cloned().ok_or_else(missing)?,
            caller: self.caller.clone(),
            labels: self.labels.clone(),
            first_try: Some(again.first),
            ruled: again.ruled.clone(),
            again: Some(again),
        };
        let snapshot = gateway.catalog.snapshot();
        let mut rate = Rate::counted(gateway, self.standing.rate, self.taken_rate.take());
        let mut pending = prepare(gateway, &snapshot, wish, ids)?;
        let decided = decide(gateway, &snapshot, &mut pending, &mut rate, timings).await;
        let decision = decided.inspect_err(|denial| pending.keep_blocked(gateway, denial))?;
        Ok(finish(decision, pending, rate))
    }
}

fn finish(decision: Decision, pending: Pending<'_>, rate: Rate) -> Box<Admitted> {
    let Pending {
        ids: (request, at),
        first_try,
        caller,
        labels,
        endpoint,
        upstream,
        aimed,
        ruled,
        again,
    } = pending;
    let Aimed {
        aim,
        call,
        body,
        model_sent,
        ..
    } = aimed.capped(decision.output_cap);
    let edits = Edits {
        model: model_sent.as_deref(),
        output_cap: decision.output_cap,
        include_usage: endpoint.is_billed(),
    };
    let hides_usage = edits.include_usage && call.would_lack_usage();
    let body = edit_body(&call, &edits, &body).unwrap_or(body);
    Box::new(Admitted {
        request,
        at,
        tier: call.tier.unless_told(),
        caller,
        endpoint,
        aim,
        provider: upstream.name.clone(),
        call,
        labels,
        body,
        again,
        first_try,
        ruling: ruled.and_then(|ruled| ruled.ruling),
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
    })
}

/// Finds the row of the table that a request is for.
pub(crate) fn find_route<'a>(
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
