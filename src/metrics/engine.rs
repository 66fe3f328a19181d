//! What is seen of the budget engine at a scrape.

use std::time::Duration;

use prometheus::IntGauge;

use crate::metrics::register::Register;
use crate::metrics::{Metrics, set};

#[derive(Debug)]
pub(super) struct EngineMetrics {
    reservations_open: IntGauge,
    reservation_age: IntGauge,
    is_available: IntGauge,
}

impl EngineMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            reservations_open: register.gauge(
                "budgetguard_reservations_open",
                "Requests that hold money now.",
            )?,
            reservation_age: register.gauge(
                "budgetguard_reservation_age_seconds",
                "For how long the oldest of them has held it.",
            )?,
            is_available: register.gauge(
                "budgetguard_engine_available",
                "1 while budgets can be decided on, 0 while Redis does not answer.",
            )?,
        })
    }
}

impl Metrics {
    /// So many requests hold money now, and the oldest of them for so long.
    pub fn set_reservations(&self, count: u64, oldest: Duration) {
        set(&self.engine.reservations_open, count);
        set(&self.engine.reservation_age, oldest.as_secs());
    }

    /// Whether budgets can be decided on now.
    pub fn set_engine_available(&self, is_available: bool) {
        set(&self.engine.is_available, u64::from(is_available));
    }
}
