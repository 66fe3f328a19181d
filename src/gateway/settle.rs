//! The end of a request: what it cost, the release of what was held, its outcome in the spool.
//!
//! Called once for each admitted request, before the last byte of its answer is released, so
//! it neither waits nor asks a store.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alerts::settlements::Settlements;
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::pricing::{Exactness, ModelPrice, Tier, UsageBound};
use crate::domain::usage::{Basis, TokenUsage};
use crate::engine::BudgetEngine;
use crate::gateway::admit::Admitted;
use crate::gateway::context::Progress;
use crate::gateway::objects;
use crate::metrics::calls::CallFacts;
use crate::metrics::tally::{RequestFacts, Timings};
use crate::metrics::{Metrics, Phase};
use crate::objects::Objects;
use crate::providers::endpoints::Billing;
use crate::providers::meter::Metered;
use crate::spool::Spool;
use crate::telemetry::spans::Tracer;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The provider's answer is here, whole as far as HTTP is concerned.
    Answered,
    /// We ended the answer: its provider went beyond what is held for it.
    CutOff,
    /// The caller went away.
    CallerGone,
    /// The caller's key was revoked.
    KeyRevoked,
    /// The provider could not be reached, or broke off; the word goes into the ledger.
    UpstreamFailed {
        /// What happened.
        reason: &'static str,
        /// What the caller was told, if its answer had not begun.
        http_status: Option<u16>,
    },
    /// We refused it after it was admitted: it was not sent, and has no row.
    Refused,
    /// The gateway stopped and dropped it.
    GatewayStopped,
}

/// Settles requests.
#[derive(Debug)]
pub(crate) struct Settler {
    /// Where money is held.
    pub(crate) engine: Arc<dyn BudgetEngine>,
    /// Where outcomes go.
    pub(crate) spool: Arc<Spool>,
    /// What counts them.
    pub(crate) metrics: Arc<Metrics>,
    /// Where it is noted that budgets were charged.
    pub(crate) settlements: Arc<Settlements>,
    /// Where it is noted what providers keep.
    pub(crate) objects: Arc<Objects>,
    /// Where spans go, if anywhere.
    pub(crate) tracer: Option<Tracer>,
}

/// What a request is charged.
#[derive(Clone, Copy)]
struct Charged {
    status: Status,
    reason: Option<&'static str>,
    usage: TokenUsage,
    tier: Tier,
    cost: Usd,
    basis: Basis,
}

impl Settler {
    /// Writes the outcome and ends the hold. The outcome comes first: a crash between the two is
    /// mended at the next start, a charge without a row never would be.
    pub(crate) fn settle(
        &self,
        admitted: &Admitted,
        progress: &Progress,
        metered: impl FnOnce() -> Option<Metered>,
        ending: Ending,
    ) -> Arc<LedgerRow> {
        let started = Instant::now();
        let metered = metered();
        let objects = objects::notes(admitted, progress);
        let mut charged = charge(admitted, progress, metered.as_ref(), ending);
        if objects.settles_with.is_some() {
            // What the provider has told of it is not all.
            charged = worst_case(admitted, charged);
        }
        let row = Arc::new(LedgerRow {
            latency_us: micros(started.saturating_duration_since(progress.started)),
            objects,
            ..outcome(admitted, progress, metered.as_ref(), &charged, ending)
        });
        // A row of a request that was not sent is of use, but not at the price of a full disk.
        if progress.is_sent || (ending != Ending::Refused && self.spool.has_room()) {
            self.record(&row);
        }
        self.objects.book.note(row.tenant, &row.objects);
        if let Some(hold) = &admitted.standing.hold {
            self.engine.settle(hold, row.cost);
            self.settlements.note(row.tenant, row.at);
        }
        if let Some(taken) = &admitted.taken_rate {
            let is_known = row.basis != Basis::Unknown;
            let tokens = row
                .usage
                .input_total()
                .saturating_add(row.usage.output_total());
            taken.note_used(is_known.then_some(tokens));
        }
        self.tell_of_cut_off(&row, ending);
        let mut timings = progress.timings;
        timings.note(Phase::Settle, started.elapsed());
        self.count(admitted, &row, &timings);
        row
    }

    fn tell_of_cut_off(&self, row: &LedgerRow, ending: Ending) {
        if ending == Ending::CutOff {
            self.metrics.stream_cut_off(&row.provider);
            tracing::warn!(
                request = %row.request, model = %row.model,
                "a provider went beyond the output that was held for, and was cut off"
            );
        }
    }

    fn record(&self, row: &Arc<LedgerRow>) {
        if let Err(error) = self.spool.append_outcome(row) {
            // The intent is still there: the next start charges what was held.
            tracing::error!(request = %row.request, %error, "an outcome could not be recorded");
        }
    }

    fn count(&self, admitted: &Admitted, row: &LedgerRow, timings: &Timings) {
        let was_called = admitted.endpoint.is_billed() && row.http_status.is_some();
        let call = was_called.then(|| CallFacts {
            tenant: &admitted.caller.tenant().tenant.name,
            operation: admitted.endpoint.operation.as_str(),
            provider: row.provider.as_str(),
            model: row.model.as_str(),
            usage: &row.usage,
            cost: row.cost,
            held: admitted.held(),
            basis: row.basis,
            streamed: admitted.call.streamed,
            duration: Duration::from_micros(row.latency_us),
            first_byte: row.first_byte_us.map(Duration::from_micros),
        });
        self.metrics.request_finished(&RequestFacts {
            endpoint: admitted.endpoint.label,
            provider: Some(row.provider.as_str()),
            outcome: row.status,
            call,
            timings,
        });
        tracing::debug!(
            request = %row.request, status = row.status.as_str(), cost_usd = %row.cost,
            basis = row.basis.as_str(), latency_us = row.latency_us, "request settled"
        );
    }
}

fn charge(
    admitted: &Admitted,
    progress: &Progress,
    metered: Option<&Metered>,
    ending: Ending,
) -> Charged {
    let (status, reason) = status_of(progress, metered, ending);
    let nothing = Charged {
        status,
        reason,
        usage: TokenUsage::default(),
        tier: admitted.tier,
        cost: Usd::ZERO,
        basis: Basis::Measured,
    };
    match admitted.endpoint.billing {
        Billing::Metered if progress.is_sent => {}
        // It was let pass, whatever it costs.
        Billing::Refused(_) if progress.is_sent => {
            return Charged {
                basis: Basis::Unknown,
                ..nothing
            };
        }
        Billing::Metered | Billing::Free | Billing::Refused(_) | Billing::Never => return nothing,
    }
    match progress.upstream_status {
        Some(status) if answer_may_be_lost(status) => worst_case(admitted, nothing),
        Some(400..) => nothing,
        // It goes on, and nobody can say with what.
        Some(_) if is_unknown_later(admitted, metered) => worst_case(admitted, nothing),
        Some(_) => match metered {
            Some(metered) if metered.basis == Basis::Unknown => worst_case(admitted, nothing),
            Some(metered) => priced(admitted, metered, nothing),
            None => worst_case(admitted, nothing),
        },
        None => worst_case(admitted, nothing),
    }
}

/// A gateway between the provider and us lost the answer; the provider may have billed for it. The
/// provider's own errors are not billed.
fn answer_may_be_lost(status: u16) -> bool {
    matches!(status, 502 | 504 | 520..=527)
}

/// Whether the provider goes on with something whose end is not looked for here: it is in the background,
/// and its answer does not have its usage.
fn is_unknown_later(admitted: &Admitted, metered: Option<&Metered>) -> bool {
    let is_told = metered.is_some_and(|metered| metered.basis == Basis::Measured);
    objects::is_finished_later(admitted) && !is_told
}

/// Nobody knows what the provider did, so it is charged at the most that it can have billed.
fn worst_case(admitted: &Admitted, charged: Charged) -> Charged {
    Charged {
        cost: admitted.held(),
        basis: Basis::Unknown,
        ..charged
    }
}

fn priced(admitted: &Admitted, metered: &Metered, charged: Charged) -> Charged {
    let tier = metered.tier_served.unwrap_or(admitted.tier);
    let Some(price) = &admitted.standing.price else {
        return Charged {
            usage: metered.usage,
            tier,
            basis: Basis::Unknown,
            ..charged
        };
    };
    let usage = if metered.is_cut_off {
        within_hold(admitted.held(), price, tier, metered)
    } else {
        metered.usage
    };
    let cost = ModelPrice::cost(price, tier, &usage);
    let basis = match (cost.exactness, metered.basis) {
        (Exactness::Neighbour, Basis::Measured) => Basis::Estimated,
        (Exactness::Exact | Exactness::Neighbour, basis) => basis,
    };
    Charged {
        usage,
        tier,
        cost: cost.usd,
        basis,
        ..charged
    }
}

/// What we ended because of the hold is not estimated beyond the hold: only what the provider itself
/// told of is.
fn within_hold(held: Usd, price: &ModelPrice, tier: Tier, metered: &Metered) -> TokenUsage {
    let mut usage = metered.usage;
    if ModelPrice::cost(price, tier, &usage).usd <= held {
        return usage;
    }
    let input = UsageBound {
        input_tokens: usage.input_total(),
        output_tokens: 0,
        web_search_calls: usage.web_search_calls,
        cache_storage_token_seconds: usage.cache_storage_token_seconds,
    };
    let paid = price.affordable_output_tokens(tier, &input, held);
    let excess = usage
        .output_total()
        .saturating_sub(paid.max(metered.output_reported));
    usage.output = usage.output.saturating_sub(excess);
    usage
}

fn status_of(
    progress: &Progress,
    metered: Option<&Metered>,
    ending: Ending,
) -> (Status, Option<&'static str>) {
    match ending {
        Ending::CallerGone | Ending::KeyRevoked
            if metered.is_some_and(|metered| metered.is_complete) =>
        {
            (Status::Success, None)
        }
        Ending::KeyRevoked => (Status::Aborted, Some("key_revoked")),
        Ending::CallerGone => (Status::Aborted, Some("caller_gone")),
        // The caller has an answer that ends properly, and pays for it.
        Ending::CutOff => (Status::Success, Some("cut_off")),
        Ending::GatewayStopped => (Status::Interrupted, Some("gateway_stopped")),
        Ending::Refused => (Status::Blocked, Some("refused_before_sending")),
        Ending::UpstreamFailed { reason, .. } => (Status::Failed, Some(reason)),
        Ending::Answered => match (progress.upstream_status, metered) {
            (Some(400..), _) => (Status::Failed, Some("upstream_status")),
            (_, Some(metered)) if metered.provider_error.is_some() => {
                (Status::Failed, Some("upstream_error_in_stream"))
            }
            (_, Some(metered)) if !metered.is_complete => (Status::Aborted, Some("upstream_cut")),
            _ => (Status::Success, None),
        },
    }
}

fn outcome(
    admitted: &Admitted,
    progress: &Progress,
    metered: Option<&Metered>,
    charged: &Charged,
    ending: Ending,
) -> LedgerRow {
    let told = match ending {
        Ending::UpstreamFailed { http_status, .. } => http_status,
        Ending::Answered
        | Ending::CutOff
        | Ending::CallerGone
        | Ending::KeyRevoked
        | Ending::Refused
        | Ending::GatewayStopped => None,
    };
    LedgerRow {
        model_served: metered.and_then(|metered| metered.model_served.clone()),
        status: charged.status,
        reason: charged.reason.or(failed_open(admitted)).map(Cow::Borrowed),
        http_status: progress.upstream_status.or(told),
        usage: charged.usage,
        tier: charged.tier,
        cost: charged.cost,
        basis: charged.basis,
        first_byte_us: progress.first_byte_us,
        upstream_request_id: progress.upstream_request_id.clone(),
        ..admitted.intent()
    }
}

/// What a row says of a request that ended well although the policy had failed.
fn failed_open(admitted: &Admitted) -> Option<&'static str> {
    let ruling = admitted.ruling.as_ref()?;
    ruling.effects.failed_open.map(|_| "policy_failed_open")
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
