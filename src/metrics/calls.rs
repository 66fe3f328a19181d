//! What was sent to providers: tokens, times and money, by model. The token and time metrics have
//! the names of OpenTelemetry's conventions for generative AI, which dashboards look for.

mod times;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use prometheus::local::{LocalHistogram, LocalIntCounter};
use prometheus::proto::MetricFamily;
use prometheus::{Error, Histogram, HistogramVec, IntCounter, IntCounterVec};

use crate::domain::money::Usd;
use crate::domain::usage::{Basis, TokenUsage};
use crate::metrics::OTHER;
use crate::metrics::calls::times::CallTimes;
use crate::metrics::register::Register;
use crate::metrics::series::SeriesCap;

const SPEND: &str = "budgetguard_spend_usd_total";
const NANOS_PER_USD: f64 = 1e9;

/// Different models that get series of their own.
const MODELS_MAX: usize = 500;
/// Different pairs of tenant and model that do, where tenants are shown.
const TENANT_MODELS_MAX: usize = 5_000;
/// No provider has a model with a longer name.
const MODEL_BYTES_MAX: usize = 128;

const TOKEN_BUCKETS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// One is all of it.
const RATIO_BUCKETS: [f64; 13] = [
    0.001, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 0.9, 1.0, 1.1,
];

/// Whether spend is shown by tenant. Each tenant multiplies the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TenantLabel {
    /// Spend of all tenants together.
    #[default]
    Hidden,
    /// Spend by tenant.
    Shown,
}

/// A request that was sent to a provider and is settled.
#[derive(Clone, Copy, Debug)]
pub struct CallFacts<'a> {
    /// The name of the tenant who pays.
    pub tenant: &'a str,
    /// What was asked for, in OpenTelemetry's words: `chat`, `embeddings`, ...
    pub operation: &'static str,
    /// Who bills.
    pub provider: &'a str,
    /// The model that was asked for.
    pub model: &'a str,
    /// What was used.
    pub usage: &'a TokenUsage,
    /// The charge.
    pub cost: Usd,
    /// What was held for it.
    pub held: Usd,
    /// How the charge came about.
    pub basis: Basis,
    /// Whether its answer came in pieces.
    pub streamed: bool,
    /// From the request to the last byte of the answer.
    pub duration: Duration,
    /// From the request to the first byte of the answer.
    pub first_byte: Option<Duration>,
}

impl CallFacts<'_> {
    /// Whole answers come with all of their tokens at once, so nothing can be said of one.
    fn seconds_per_token(&self) -> Option<f64> {
        let after_first = self.usage.output_total().checked_sub(1)?;
        let after_first = u32::try_from(after_first).ok().filter(|count| *count > 0)?;
        let took = self.duration.checked_sub(self.first_byte?)?;
        self.streamed
            .then(|| took.as_secs_f64() / f64::from(after_first))
    }

    /// In parts of a ten-thousandth, which is finer than anybody looks.
    fn held_ratio(&self) -> Option<f64> {
        const PARTS: i128 = 10_000;
        let charged = i128::from(self.cost.nanos()).checked_mul(PARTS)?;
        let parts = charged.checked_div(i128::from(self.held.nanos()))?;
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        Some(f64::from(parts) / 10_000.0)
    }
}

#[derive(Debug)]
pub(super) struct CallMetrics {
    tenant_label: TenantLabel,
    models: SeriesCap,
    tenant_models: SeriesCap,
    series_dropped: IntCounter,
    /// In nano-dollars, so that sums are exact; shown in dollars.
    spend: IntCounterVec,
    tokens: HistogramVec,
    times: CallTimes,
    held_ratio: Histogram,
}

impl CallMetrics {
    pub(super) fn new(register: &Register<'_>, tenant_label: TenantLabel) -> Result<Self, Error> {
        const TOKENS: [&str; 4] = [
            "gen_ai_operation_name",
            "gen_ai_provider_name",
            "gen_ai_token_type",
            "gen_ai_request_model",
        ];
        // The library tells series apart by their values strung together, so no two values that
        // others choose may stand side by side.
        let spend_labels: &[&str] = match tenant_label {
            TenantLabel::Hidden => &["provider", "basis", "model"],
            TenantLabel::Shown => &["tenant", "provider", "basis", "model"],
        };
        Ok(Self {
            tenant_label,
            models: SeriesCap::new(MODELS_MAX),
            tenant_models: SeriesCap::new(TENANT_MODELS_MAX),
            series_dropped: register.counter(
                "budgetguard_series_dropped_total",
                "Observations counted under `other`, because there were too many models or tenants.",
            )?,
            spend: register.counters(SPEND, "Money that was charged.", spend_labels)?,
            tokens: register.histograms(
                "gen_ai_client_token_usage",
                "Tokens of one call.",
                &TOKENS,
                &TOKEN_BUCKETS,
            )?,
            times: CallTimes::new(register)?,
            held_ratio: register.histogram(
                "budgetguard_estimate_error_ratio",
                "What was charged, as a part of what was held for it: 1 is all of it.",
                &RATIO_BUCKETS,
            )?,
        })
    }

    /// What a call names.
    fn labels<'a>(&self, call: &CallFacts<'a>) -> Labels<'a> {
        Labels {
            operation: call.operation,
            provider: call.provider,
            model: call.model,
            tenant: match self.tenant_label {
                TenantLabel::Hidden => None,
                TenantLabel::Shown => Some(call.tenant),
            },
            spend_model: call.model,
        }
    }

    /// What it is counted under: what it names, or [`OTHER`] beyond the caps.
    fn within_caps<'a>(&self, named: Labels<'a>) -> Labels<'a> {
        let is_shown = named.model.len() <= MODEL_BYTES_MAX && self.models.admits(&named.model);
        let model = if is_shown { named.model } else { OTHER };
        let is_tenant_shown = named
            .tenant
            .is_none_or(|tenant| self.tenant_models.admits(&(tenant, model)));
        if !(is_shown && is_tenant_shown) {
            self.series_dropped.inc();
        }
        Labels {
            model,
            tenant: named
                .tenant
                .map(|tenant| if is_tenant_shown { tenant } else { OTHER }),
            spend_model: if is_tenant_shown { model } else { OTHER },
            ..named
        }
    }

    fn spend(&self, labels: &Labels<'_>, basis: Basis) -> Option<LocalIntCounter> {
        let (provider, basis, model) = (labels.provider, basis.as_str(), labels.spend_model);
        let counter = match labels.tenant {
            None => self
                .spend
                .get_metric_with_label_values(&[provider, basis, model]),
            Some(tenant) => self
                .spend
                .get_metric_with_label_values(&[tenant, provider, basis, model]),
        };
        counter.ok().map(|counter| counter.local())
    }
}

/// The values of the labels of one call's series.
#[derive(Clone, Copy, Debug, Hash)]
struct Labels<'a> {
    operation: &'static str,
    provider: &'a str,
    model: &'a str,
    tenant: Option<&'a str>,
    spend_model: &'a str,
}

/// The calls that one thread has counted since the last scrape.
#[derive(Debug)]
pub(super) struct CallTally {
    shared: Arc<CallMetrics>,
    /// By the hash of their labels, so that finding them never allocates. The hash's key is random: a
    /// caller cannot make two meet. Only labels within the caps are here, so they are bounded.
    series: HashMap<u64, CallSeries>,
    hasher: RandomState,
    held_ratio: LocalHistogram,
}

/// The series of one model: made when first needed, so that none is shown that counts nothing.
#[derive(Debug, Default)]
struct CallSeries {
    spend: [Option<LocalIntCounter>; Basis::ALL.len()],
    input: Option<LocalHistogram>,
    output: Option<LocalHistogram>,
    duration: Option<LocalHistogram>,
    first_token: Option<LocalHistogram>,
    per_token: Option<LocalHistogram>,
}

impl CallTally {
    pub(super) fn new(shared: Arc<CallMetrics>) -> Self {
        Self {
            held_ratio: shared.held_ratio.local(),
            shared,
            series: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn count(&mut self, call: &CallFacts<'_>) {
        let mut labels = self.shared.labels(call);
        let mut hash = self.hasher.hash_one(labels);
        if !self.series.contains_key(&hash) {
            labels = self.shared.within_caps(labels);
            hash = self.hasher.hash_one(labels);
        }
        let series = self.series.entry(hash).or_default();
        series.count(&self.shared, &labels, call);
        if let Some(ratio) = call.held_ratio() {
            self.held_ratio.observe(ratio);
        }
    }

    /// Adds everything to what a scrape shows.
    pub(super) fn flush(&self) {
        #[expect(
            clippy::iter_over_hash_type,
            reason = "sums do not depend on the order of what is added"
        )]
        for series in self.series.values() {
            series.flush();
        }
        self.held_ratio.flush();
    }
}

impl CallSeries {
    fn count(&mut self, shared: &CallMetrics, labels: &Labels<'_>, call: &CallFacts<'_>) {
        let provider = conventional_provider(labels.provider);
        let (operation, model) = (labels.operation, labels.model);
        let spend = self.spend.get_mut(call.basis as usize);
        if let Some(counter) =
            spend.and_then(|slot| made(slot, || shared.spend(labels, call.basis)))
        {
            counter.inc_by(u64::try_from(call.cost.nanos()).unwrap_or_default());
        }
        let sides = [
            (&mut self.input, "input", call.usage.input_total()),
            (&mut self.output, "output", call.usage.output_total()),
        ];
        for (slot, kind, count) in sides.into_iter().filter(|(_, _, count)| *count > 0) {
            // Lossless, and no answer has four billion tokens.
            let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            observe(
                slot,
                &shared.tokens,
                &[operation, provider, kind, model],
                count,
            );
        }
        let labels = [operation, provider, model];
        observe(
            &mut self.duration,
            &shared.times.duration,
            &labels,
            call.duration.as_secs_f64(),
        );
        if let Some(first_byte) = call.first_byte {
            let seconds = first_byte.as_secs_f64();
            observe(
                &mut self.first_token,
                &shared.times.first_token,
                &labels,
                seconds,
            );
        }
        if let Some(seconds) = call.seconds_per_token() {
            observe(
                &mut self.per_token,
                &shared.times.per_token,
                &labels,
                seconds,
            );
        }
    }

    fn flush(&self) {
        self.spend.iter().flatten().for_each(LocalIntCounter::flush);
        let times = [&self.duration, &self.first_token, &self.per_token];
        let histograms = [&self.input, &self.output].into_iter().chain(times);
        histograms.flatten().for_each(LocalHistogram::flush);
    }
}

/// What a slot holds, made if it holds nothing yet. The number of labels is right by construction;
/// were it not, the fact goes uncounted.
fn made<T>(slot: &mut Option<T>, make: impl FnOnce() -> Option<T>) -> Option<&T> {
    if slot.is_none() {
        *slot = make();
    }
    slot.as_ref()
}

fn observe(slot: &mut Option<LocalHistogram>, family: &HistogramVec, labels: &[&str], value: f64) {
    let make = || family.get_metric_with_label_values(labels).ok();
    if let Some(histogram) = made(slot, || make().map(|histogram| histogram.local())) {
        histogram.observe(value);
    }
}

/// Turns the nano-dollars that were gathered into dollars: the format has doubles only, and the
/// quotient of one division prints as the exact decimal up to nine million dollars.
pub(super) fn show_dollars(families: &mut [MetricFamily]) {
    let spend = families.iter_mut().find(|family| family.name() == SPEND);
    for metric in spend.into_iter().flat_map(MetricFamily::mut_metric) {
        let mut counter = metric.get_counter().clone();
        counter.set_value(counter.get_value() / NANOS_PER_USD);
        metric.set_counter(counter);
    }
}

/// The provider's name in OpenTelemetry's conventions.
fn conventional_provider(provider: &str) -> &str {
    match provider {
        "google" => "gcp.gemini",
        same => same,
    }
}
