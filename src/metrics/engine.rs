//! What is seen of the budget engine at a scrape.

use std::time::Duration;

use prometheus::{Gauge, IntCounter, IntGauge};

use crate::domain::money::Usd;
use crate::metrics::budgets::usd;
use crate::metrics::register::Register;
use crate::metrics::{Metrics, set};

#[derive(Debug)]
pub(super) struct EngineMetrics {
    reservations_open: IntGauge,
    reservation_age: IntGauge,
    is_available: IntGauge,
    reservations_leaked: IntCounter,
    counter_drift: Gauge,
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
            reservations_leaked: register.counter(
                "budgetguard_reservations_leaked_total",
                "Holds that nobody ended and nobody renewed: charged in full, until their replica comes back.",
            )?,
            counter_drift: register.amount(
                "budgetguard_counter_drift_usd",
                "By how much budgets stand elsewhere than the ledger says, where that stays so; 0 is right.",
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

    /// So many holds were left behind since the start.
    pub fn set_reservations_leaked(&self, count: u64) {
        let told = self.engine.reservations_leaked.get();
        self.engine
            .reservations_leaked
            .inc_by(count.saturating_sub(told));
    }

    /// Budgets stand elsewhere than the ledger says.
    pub fn set_counter_drift(&self, apart: Usd) {
        self.engine.counter_drift.set(usd(apart));
    }

    /// Whether budgets can be decided on now.
    pub fn set_engine_available(&self, is_available: bool) {
        set(&self.engine.is_available, u64::from(is_available));
    }
}
