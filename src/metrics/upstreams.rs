//! Providers that fail, and what is made of it.

use prometheus::IntCounterVec;

use crate::domain::id::ProviderName;
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

/// See the module.
#[derive(Debug)]
pub(super) struct UpstreamMetrics {
    retries: IntCounterVec,
    breakers_opened: IntCounterVec,
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
        })
    }
}

impl Metrics {
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
