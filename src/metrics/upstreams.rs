//! Providers that fail, and what is made of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::RwLock;
use prometheus::IntCounterVec;

use crate::domain::id::ProviderName;
use crate::domain::window::UtcMicros;
use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment};

/// Where a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryTarget {
    /// At the provider that failed.
    Same,
    /// At the next one that serves the model.
    Next,
}

impl RetryTarget {
    fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Next => "next",
        }
    }
}

/// When a provider answered and failed, by the requests that were sent anyway. Whoever sends them keeps
/// it, so that nothing has to be looked up for one.
#[derive(Debug)]
pub struct UpstreamSeen {
    name: ProviderName,
    is_configured: AtomicBool,
    /// In microseconds; 0 before the first.
    answered_at: AtomicI64,
    failed_at: AtomicI64,
    left_alone_until: AtomicI64,
}

impl UpstreamSeen {
    /// Threads do not take turns at a note that is as good a second later.
    const NOTED_EVERY_MICROS: i64 = 1_000_000;

    /// There are keys for it, or none is needed.
    pub fn set_configured(&self, is_configured: bool) {
        self.is_configured.store(is_configured, Ordering::Relaxed);
    }

    /// It answered.
    pub fn answered(&self, now: UtcMicros) {
        let known = self.answered_at.load(Ordering::Relaxed);
        let failed = self.failed_at.load(Ordering::Relaxed);
        let is_fresh = known > failed && now.get().saturating_sub(known) < Self::NOTED_EVERY_MICROS;
        if !is_fresh {
            self.answered_at.store(now.get(), Ordering::Relaxed);
        }
    }

    /// It did not answer, or answered that it cannot.
    pub fn failed(&self, now: UtcMicros) {
        self.failed_at.store(now.get(), Ordering::Relaxed);
    }

    /// Nothing is sent to it until then, unless it is to find out how it is.
    pub fn left_alone(&self, until: UtcMicros) {
        self.left_alone_until.store(until.get(), Ordering::Relaxed);
    }

    fn figures(&self, now: UtcMicros) -> UpstreamFigures {
        let answered = self.answered_at.load(Ordering::Relaxed);
        let failed = self.failed_at.load(Ordering::Relaxed);
        let state = if failed > answered {
            if now.get() < self.left_alone_until.load(Ordering::Relaxed) {
                UpstreamState::LeftAlone
            } else {
                UpstreamState::Failing
            }
        } else if answered > 0 {
            UpstreamState::Reachable
        } else {
            UpstreamState::Unknown
        };
        let instant = |micros: i64| (micros > 0).then(|| UtcMicros::new(micros));
        UpstreamFigures {
            name: self.name.clone(),
            is_configured: self.is_configured.load(Ordering::Relaxed),
            state,
            answered_at: instant(answered),
            failed_at: instant(failed),
        }
    }
}

/// How a provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// Nothing was sent yet.
    Unknown,
    /// It answered last.
    Reachable,
    /// It failed last.
    Failing,
    /// It failed again and again.
    LeftAlone,
}

/// What is known of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamFigures {
    /// What the ledger calls it.
    pub name: ProviderName,
    /// Whether it can be called without a key of the caller.
    pub is_configured: bool,
    /// How it does.
    pub state: UpstreamState,
    /// When it answered last, to the second.
    pub answered_at: Option<UtcMicros>,
    /// When it failed last.
    pub failed_at: Option<UtcMicros>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct UpstreamMetrics {
    retries: IntCounterVec,
    breakers_opened: IntCounterVec,
    seen: RwLock<Vec<Arc<UpstreamSeen>>>,
}

impl UpstreamMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            retries: register.counters(
                "budgetguard_upstream_retries_total",
                "Requests that were tried again after a failure of this provider, at the same or the next one.",
                &["provider", "target"],
            )?,
            breakers_opened: register.counters(
                "budgetguard_upstream_breaker_opened_total",
                "How often a provider was left alone because it failed again and again.",
                &["provider"],
            )?,
            seen: RwLock::default(),
        })
    }
}

impl Metrics {
    /// A provider of which is told what becomes of requests to it.
    pub fn watch_upstream(&self, name: &ProviderName, is_configured: bool) -> Arc<UpstreamSeen> {
        let seen = Arc::new(UpstreamSeen {
            name: name.clone(),
            is_configured: AtomicBool::new(is_configured),
            answered_at: AtomicI64::new(0),
            failed_at: AtomicI64::new(0),
            left_alone_until: AtomicI64::new(0),
        });
        self.upstreams.seen.write().push(Arc::clone(&seen));
        seen
    }

    /// What is known of each provider, in the order in which they were told of.
    pub fn upstreams_seen(&self, now: UtcMicros) -> Vec<UpstreamFigures> {
        let seen = self.upstreams.seen.read();
        seen.iter().map(|upstream| upstream.figures(now)).collect()
    }

    /// A provider that failed again and again is left alone.
    pub fn breaker_opened(&self, provider: &ProviderName) {
        increment(&self.upstreams.breakers_opened, &[provider.as_str()]);
    }

    /// A request is tried again, at the same provider or at another.
    pub fn request_retried(&self, provider: &ProviderName, target: RetryTarget) {
        increment(
            &self.upstreams.retries,
            &[provider.as_str(), target.as_str()],
        );
    }
}
