//! What is counted of the policy's files and of settings that are read again.

use prometheus::{IntCounterVec, IntGauge};

use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment, set};

#[derive(Debug)]
pub(super) struct ReloadMetrics {
    failed: IntGauge,
    outcomes: IntCounterVec,
    settings: IntCounterVec,
}

impl ReloadMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            failed: register.gauge(
                "budgetguard_policy_reload_failed",
                "1 while the policy's files are broken and the policy before them is in force.",
            )?,
            outcomes: register.counters(
                "budgetguard_policy_reloads_total",
                "Times that the policy's files had changed, and whether they could be loaded.",
                &["outcome"],
            )?,
            settings: register.counters(
                "budgetguard_settings_reloads_total",
                "Times that the settings were read again on SIGHUP, and whether they could be.",
                &["outcome"],
            )?,
        };
        // There from the start, so that a first failure is seen as an increase.
        for outcome in [LOADED, FAILED] {
            metrics.outcomes.get_metric_with_label_values(&[outcome])?;
            metrics.settings.get_metric_with_label_values(&[outcome])?;
        }
        Ok(metrics)
    }
}

const LOADED: &str = "loaded";
const FAILED: &str = "failed";

impl Metrics {
    /// The settings were read again, and taken over as far as they can be, or not.
    pub fn settings_read(&self, are_taken: bool) {
        let outcome = if are_taken { LOADED } else { FAILED };
        increment(&self.reloads.settings, &[outcome]);
    }

    /// The policy's files had changed, and another policy is in force.
    pub fn policy_loaded(&self) {
        set(&self.reloads.failed, 0);
        increment(&self.reloads.outcomes, &[LOADED]);
    }

    /// Whether the policy's files are something else than the policy in force, and no policy.
    pub fn has_policy_reload_failed(&self) -> bool {
        self.reloads.failed.get() != 0
    }

    /// The policy's files had changed, and are no policy.
    pub fn policy_reload_failed(&self) {
        set(&self.reloads.failed, 1);
        increment(&self.reloads.outcomes, &[FAILED]);
    }
}
