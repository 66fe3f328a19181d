//! What is counted of alerts and their webhooks.

use prometheus::IntCounterVec;

use crate::domain::alert::Alert;
use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment};

/// How one try of a webhook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It arrived.
    Delivered,
    /// It did not, and is tried again.
    Failed,
    /// It did not, and is not tried again.
    GivenUp,
}

impl DeliveryOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

#[derive(Debug)]
pub(super) struct AlertMetrics {
    raised: IntCounterVec,
    deliveries: IntCounterVec,
}

impl AlertMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            // A threshold is one of a thousand, and operators choose them.
            raised: register.counters(
                "budgetguard_alerts_total",
                "Thresholds of budgets that spending passed, told by this process.",
                &["scope_kind", "threshold"],
            )?,
            deliveries: register.counters(
                "budgetguard_alert_deliveries_total",
                "Tries to deliver the webhook of an alert.",
                &["outcome"],
            )?,
        })
    }
}

impl Metrics {
    /// An alert was raised here.
    pub fn alert_raised(&self, alert: &Alert) {
        let threshold = alert.threshold.to_string();
        increment(&self.alerts.raised, &[alert.scope.kind(), &threshold]);
    }

    /// The webhook of an alert was tried.
    pub fn alert_delivery_tried(&self, outcome: DeliveryOutcome) {
        increment(&self.alerts.deliveries, &[outcome.as_str()]);
    }
}
