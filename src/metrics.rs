//! What the gateway counts and measures, in the Prometheus text format. Typed methods keep labels
//! few and bounded; nothing here is global, and nothing decides on a request.

pub mod alerts;
pub mod budgets;
pub mod calls;
pub mod connections;
mod engine;
pub mod evidence;
pub mod otlp;
mod policy;
mod process;
pub mod queue;
mod register;
mod reloads;
mod series;
mod shadows;
pub mod upstreams;
pub mod tally;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder};

use crate::domain::denial::Denial;
use crate::domain::id::ProviderName;
use crate::domain::ledger::LedgerRow;
use crate::metrics::alerts::AlertMetrics;
use crate::metrics::budgets::Budgets;
use crate::metrics::calls::{CallMetrics, TenantLabel};
use crate::metrics::connections::ConnectionMetrics;
use crate::metrics::engine::EngineMetrics;
use crate::metrics::evidence::EvidenceMetrics;
use crate::metrics::otlp::OtlpMetrics;
use crate::metrics::policy::PolicyMetrics;
use crate::metrics::queue::QueueMetrics;
use crate::metrics::register::Register;
use crate::metrics::reloads::ReloadMetrics;
use crate::metrics::shadows::ShadowMetrics;
use crate::metrics::tally::{RequestFacts, Tally, Timings};
use crate::metrics::upstreams::UpstreamMetrics;
use thread_local::ThreadLocal;

/// The `Content-Type` of [`Metrics::render`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// A label's value where there is nothing to name.
const NONE: &str = "none";
/// What values share that have no series of their own.
const OTHER: &str = "other";

/// From a microsecond to a tenth of a second: the gateway's own work.
const MICRO_BUCKETS: [f64; 16] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1,
];
/// From a millisecond to half a minute: a database at work.
const STORE_BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// A part of the gateway's own work on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From the headers to a known key, within its rate.
    Auth,
    /// Reading the caller's body.
    Body,
    /// Reading what is asked, and pricing its worst case.
    Price,
    /// Evaluating the policy.
    Policy,
    /// Holding the worst case.
    Reserve,
    /// Charging and recording the outcome.
    Settle,
    /// All that the gateway adds, waiting for others left out.
    Total,
}

impl Phase {
    const ALL: [Self; 7] = [
        Self::Auth,
        Self::Body,
        Self::Price,
        Self::Policy,
        Self::Reserve,
        Self::Settle,
        Self::Total,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Body => "body",
            Self::Price => "price",
            Self::Policy => "policy",
            Self::Reserve => "reserve",
            Self::Settle => "settle",
            Self::Total => "total",
        }
    }
}

/// Every metric of the gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    admission: AdmissionMetrics,
    engine: EngineMetrics,
    records: RecordMetrics,
    queue: QueueMetrics,
    alerts: AlertMetrics,
    evidence: EvidenceMetrics,
    reloads: ReloadMetrics,
    policy: PolicyMetrics,
    shadows: ShadowMetrics,
    upstreams: UpstreamMetrics,
    otlp: OtlpMetrics,
    connections: ConnectionMetrics,
    calls: Arc<CallMetrics>,
    /// What each thread has counted; a thread's lock is taken by others only for a scrape.
    tallies: ThreadLocal<Mutex<Tally>>,
}

#[derive(Debug)]
struct AdmissionMetrics {
    requests: IntCounterVec,
    denials: IntCounterVec,
    unavailable: IntCounterVec,
    overhead: Vec<Histogram>,
    policy_eval: Histogram,
    price_misses: IntCounter,
    cut_offs: IntCounterVec,
}

#[derive(Debug)]
struct RecordMetrics {
    spool_open: IntGauge,
    spool_waiting: IntGauge,
    spool_bytes: IntGauge,
    spool_oldest: IntGauge,
    ledger_backlog: IntGauge,
    ledger_rows: IntCounter,
    ledger_append: Histogram,
    ledger_failures: IntCounter,
    chain_head: IntGauge,
    blocked_rows_dropped: IntCounter,
}

impl Metrics {
    /// Registers every metric. Fails only if two of them have one name.
    pub fn new(tenant_label: TenantLabel) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let register = Register(&registry);
        Ok(Self {
            admission: AdmissionMetrics::new(&register)?,
            engine: EngineMetrics::new(&register)?,
            records: RecordMetrics::new(&register)?,
            queue: QueueMetrics::new(&register)?,
            alerts: AlertMetrics::new(&register)?,
            evidence: EvidenceMetrics::new(&register)?,
            reloads: ReloadMetrics::new(&register)?,
            policy: PolicyMetrics::new(&register)?,
            shadows: ShadowMetrics::new(&register)?,
            upstreams: UpstreamMetrics::new(&register)?,
            otlp: OtlpMetrics::new(&register)?,
            connections: ConnectionMetrics::new(&register)?,
            calls: Arc::new(CallMetrics::new(&register, tenant_label)?),
            tallies: ThreadLocal::new(),
            registry,
        })
    }

    /// A request ended.
    pub fn request_finished(&self, request: &RequestFacts<'_>) {
        self.tally().lock().finish(request);
    }

    fn tally(&self) -> &Mutex<Tally> {
        let new = || Mutex::new(Tally::new(&self.admission, Arc::clone(&self.calls)));
        self.tallies.get_or(new)
    }

    /// A request was refused, after those parts of our work that are noted.
    pub fn request_denied(&self, denial: &Denial, timings: &Timings) {
        self.tally().lock().time(timings);
        let scope_kind = match denial {
            Denial::OverBudget(over) => over.exhausted.scope.kind(),
            Denial::RateLimited(_) => "tenant",
            Denial::Unavailable { what, .. } => {
                increment(&self.admission.unavailable, &[what.as_str()]);
                NONE
            }
            Denial::UnknownRoute
            | Denial::Unmetered { .. }
            | Denial::NoSuchObject { .. }
            | Denial::HandsOutCredentials
            | Denial::NoReceipt
            | Denial::MethodNotAllowed { .. }
            | Denial::MissingKey
            | Denial::InvalidKey
            | Denial::TenantClosed
            | Denial::BadRequest(_)
            | Denial::HeadersTooLarge
            | Denial::BodyTooLarge { .. }
            | Denial::BodyTimeout
            | Denial::UnpricedModel { .. }
            | Denial::Unpriced { .. }
            | Denial::Policy { .. }
            | Denial::Effect(_)
            | Denial::ProviderNotConfigured { .. } => NONE,
        };
        increment(&self.admission.denials, &[denial.code(), scope_kind]);
    }

    /// A request named a model that no price is known for.
    pub fn price_lookup_missed(&self) {
        self.admission.price_misses.inc();
    }

    /// A stream was ended because its provider went beyond the output that was held for.
    pub fn stream_cut_off(&self, provider: &ProviderName) {
        increment(&self.admission.cut_offs, &[provider.as_str()]);
    }

    /// What the spool holds: requests under way, outcomes that wait for the ledger, their bytes, and
    /// for how long the oldest has waited.
    pub fn set_spool(&self, open: u64, waiting: u64, bytes: u64, oldest: Duration) {
        set(&self.records.spool_open, open);
        set(&self.records.spool_waiting, waiting);
        set(&self.records.ledger_backlog, waiting);
        set(&self.records.spool_bytes, bytes);
        set(&self.records.spool_oldest, oldest.as_secs());
    }

    /// A batch of rows is in the ledger, with this one at the head of its chain.
    pub fn ledger_appended(&self, rows: u64, head: Option<&LedgerRow>, took: Duration) {
        self.records.ledger_rows.inc_by(rows);
        self.records.ledger_append.observe(took.as_secs_f64());
        if let Some(head) = head {
            let seconds = head.at.as_millis() / 1_000;
            self.records.chain_head.set(seconds);
        }
    }

    /// A batch of rows could not be written and will be tried again.
    pub fn ledger_write_failed(&self) {
        self.records.ledger_failures.inc();
    }

    /// Rows of refused requests were not kept, because there were too many.
    pub fn blocked_rows_dropped(&self, rows: u64) {
        self.records.blocked_rows_dropped.inc_by(rows);
    }

    /// Everything that is counted, and how these budgets stand.
    pub fn gather(&self, budgets: &Budgets) -> Vec<MetricFamily> {
        for tally in &self.tallies {
            tally.lock().flush();
        }
        let mut families = self.registry.gather();
        calls::show_dollars(&mut families);
        families.extend(process::families());
        families.extend(budgets.families());
        families
    }

    /// The same as text, for a scrape.
    pub fn render(&self, budgets: &Budgets) -> String {
        let families = self.gather(budgets);
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(%error, "metrics are incomplete");
        }
        text
    }
}

impl AdmissionMetrics {
    fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let overhead = register.histograms(
            "budgetguard_overhead_seconds",
            "The gateway's own work on a request, by phase.",
            &["phase"],
            &MICRO_BUCKETS,
        )?;
        Ok(Self {
            requests: register.counters(
                "budgetguard_requests_total",
                "Requests that ended.",
                &["endpoint", "provider", "outcome"],
            )?,
            denials: register.counters(
                "budgetguard_denials_total",
                "Requests that were refused.",
                &["reason", "scope_kind"],
            )?,
            unavailable: register.counters(
                "budgetguard_unavailable_total",
                "Requests that were refused because something they need was not to be had.",
                &["dependency"],
            )?,
            overhead: Phase::ALL
                .into_iter()
                .map(|phase| overhead.get_metric_with_label_values(&[phase.as_str()]))
                .collect::<Result<_, _>>()?,
            policy_eval: register.histogram(
                "budgetguard_policy_eval_seconds",
                "Evaluations of the policy.",
                &MICRO_BUCKETS,
            )?,
            price_misses: register.counter(
                "budgetguard_price_lookup_misses_total",
                "Requests for a model without a known price.",
            )?,
            cut_offs: register.counters(
                "budgetguard_streams_cut_off_total",
                "Streams that were ended because their provider went beyond the output that was held for.",
                &["provider"],
            )?,
        })
    }
}

impl RecordMetrics {
    fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let spool_entries = register.gauges(
            "budgetguard_spool_entries",
            "Requests in the spool: under way (open) or not yet in the ledger (waiting).",
            &["state"],
        )?;
        Ok(Self {
            spool_open: spool_entries.get_metric_with_label_values(&["open"])?,
            spool_waiting: spool_entries.get_metric_with_label_values(&["waiting"])?,
            spool_bytes: register.gauge("budgetguard_spool_bytes", "Size of the spool.")?,
            spool_oldest: register.gauge(
                "budgetguard_spool_oldest_seconds",
                "For how long the oldest outcome has waited for the ledger.",
            )?,
            ledger_backlog: register.gauge(
                "budgetguard_ledger_backlog",
                "Rows that are not in the ledger yet.",
            )?,
            ledger_rows: register.counter(
                "budgetguard_ledger_rows_written_total",
                "Rows that were written to the ledger.",
            )?,
            ledger_append: register.histogram(
                "budgetguard_ledger_append_seconds",
                "Writing one batch of rows to the ledger.",
                &STORE_BUCKETS,
            )?,
            ledger_failures: register.counter(
                "budgetguard_ledger_write_failures_total",
                "Batches that could not be written and are tried again.",
            )?,
            chain_head: register.gauge(
                "budgetguard_ledger_chain_head_timestamp_seconds",
                "When the request was admitted whose row this process put last on its chain; 0 before the first.",
            )?,
            blocked_rows_dropped: register.counter(
                "budgetguard_blocked_rows_dropped_total",
                "Rows of refused requests that were not kept, because there were too many.",
            )?,
        })
    }
}

/// Adds one. The number of labels is right by construction; were it not, the fact goes uncounted.
fn increment(counters: &IntCounterVec, labels: &[&str]) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests;
