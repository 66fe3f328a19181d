//! What one thread has counted since the last scrape: plain numbers of its own, so that threads do
//! not take turns at a counter for each request. A scrape adds them up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::IntCounterVec;
use prometheus::local::{LocalHistogram, LocalIntCounterVec};

use crate::domain::ledger::Status;
use crate::metrics::calls::{CallFacts, CallMetrics, CallTally};
use crate::metrics::{AdmissionMetrics, NONE, Phase};

/// How long each part of the gateway's work on one request took. The clock is read once between two
/// parts, which are then noted without a gap.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    last: Instant,
    took: [Option<Duration>; Phase::ALL.len()],
}

impl Timings {
    /// The work begins at a moment that was read already.
    pub fn since(begun: Instant) -> Self {
        Self {
            last: begun,
            took: [None; Phase::ALL.len()],
        }
    }

    /// The part that was under way ends now; the next one begins.
    pub fn end(&mut self, phase: Phase) {
        let now = Instant::now();
        self.note(phase, now.saturating_duration_since(self.last));
        self.last = now;
    }

    /// Notes what a part took that did not follow the one before.
    pub fn note(&mut self, phase: Phase, took: Duration) {
        if let Some(slot) = self.took.get_mut(phase as usize) {
            *slot = Some(took);
        }
    }

    /// Notes the total of what has been done, waiting for the caller's body left out.
    pub fn add_up(&mut self) {
        let own = [Phase::Auth, Phase::Price, Phase::Policy, Phase::Reserve];
        let took = own.into_iter().filter_map(|phase| self.of(phase)).sum();
        self.note(Phase::Total, took);
    }

    fn of(&self, phase: Phase) -> Option<Duration> {
        self.took.get(phase as usize).copied().flatten()
    }
}

/// A request that ended.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// The route's pattern, never the path that the caller sent.
    pub endpoint: &'static str,
    /// Who was asked.
    pub provider: Option<&'a str>,
    /// How it ended.
    pub outcome: Status,
    /// What it used, if a provider may have billed it.
    pub call: Option<CallFacts<'a>>,
    /// How long our own work took.
    pub timings: &'a Timings,
}

#[derive(Debug)]
pub(super) struct Tally {
    requests: LocalIntCounterVec,
    overhead: Vec<LocalHistogram>,
    policy_eval: LocalHistogram,
    calls: CallTally,
}

impl Tally {
    pub(super) fn new(shared: &AdmissionMetrics, calls: Arc<CallMetrics>) -> Self {
        let overhead = shared.overhead.iter();
        Self {
            requests: IntCounterVec::local(&shared.requests),
            overhead: overhead.map(prometheus::Histogram::local).collect(),
            policy_eval: shared.policy_eval.local(),
            calls: CallTally::new(calls),
        }
    }

    pub(super) fn time(&mut self, timings: &Timings) {
        for (histogram, took) in self.overhead.iter().zip(&timings.took) {
            if let Some(took) = took {
                histogram.observe(took.as_secs_f64());
            }
        }
        if let Some(took) = timings.of(Phase::Policy) {
            self.policy_eval.observe(took.as_secs_f64());
        }
    }

    pub(super) fn finish(&mut self, request: &RequestFacts<'_>) {
        let provider = request.provider.unwrap_or(NONE);
        let labels = [request.endpoint, provider, request.outcome.as_str()];
        self.requests.with_label_values(&labels).inc();
        if let Some(call) = &request.call {
            self.calls.count(call);
        }
        self.time(request.timings);
    }

    /// Adds everything to what a scrape shows.
    pub(super) fn flush(&self) {
        self.requests.flush();
        self.overhead.iter().for_each(LocalHistogram::flush);
        self.policy_eval.flush();
        self.calls.flush();
    }
}
