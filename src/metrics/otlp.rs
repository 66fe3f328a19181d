//! What is counted of spans and metrics on their way to a collector.

use prometheus::{IntCounter, IntCounterVec};

use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
}

impl Signal {
    const ALL: [Self; 2] = [Self::Traces, Self::Metrics];

    fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

const SENT: &str = "sent";
const FAILED: &str = "failed";

#[derive(Debug)]
pub(super) struct OtlpMetrics {
    lost: IntCounter,
    messages: IntCounterVec,
}

impl OtlpMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let messages = register.counters(
            "budgetguard_otlp_messages_total",
            "Messages to the collector of traces and metrics.",
            &["outcome", "signal"],
        )?;
        for signal in Signal::ALL {
            for outcome in [SENT, FAILED] {
                messages.get_metric_with_label_values(&[outcome, signal.as_str()])?;
            }
        }
        Ok(Self {
            lost: register.counter(
                "budgetguard_otlp_lost_total",
                "Spans that were lost: too many waited, or the collector did not take them.",
            )?,
            messages,
        })
    }
}

impl Metrics {
    /// So many spans are lost.
    pub fn spans_lost(&self, count: u64) {
        self.otlp.lost.inc_by(count);
    }

    /// A message was sent to the collector, or could not be.
    pub fn otlp_sent(&self, signal: Signal, has_arrived: bool) {
        let outcome = if has_arrived { SENT } else { FAILED };
        increment(&self.otlp.messages, &[outcome, signal.as_str()]);
    }
}
