//! Policies that do not decide.

use prometheus::IntCounterVec;

use crate::domain::ruling::PolicyFailure;
use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment};

/// See the module.
#[derive(Debug)]
pub(super) struct PolicyMetrics {
    failures: IntCounterVec,
}

impl PolicyMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let failures = register.counters(
            "budgetguard_policy_failures_total",
            "Requests that the policy did not decide on.",
            &["mode"],
        )?;
        for failure in PolicyFailure::ALL {
            failures.get_metric_with_label_values(&[failure.as_str()])?;
        }
        Ok(Self { failures })
    }
}

impl Metrics {
    /// The policy did not decide on a request.
    pub fn policy_failed(&self, failure: PolicyFailure) {
        increment(&self.policy.failures, &[failure.as_str()]);
    }
}
