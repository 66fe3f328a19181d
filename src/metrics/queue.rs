//! What is told of the queue between gateways and workers.

use std::time::Duration;

use prometheus::{IntCounter, IntGauge};

use crate::metrics::register::Register;
use crate::metrics::{Metrics, set};

#[derive(Debug)]
pub(super) struct QueueMetrics {
    available: IntGauge,
    entries: IntGauge,
    pending: IntGauge,
    oldest: IntGauge,
    dead: IntGauge,
    buried: IntCounter,
    shipped: IntCounter,
    full: IntCounter,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug)]
pub struct QueueFacts {
    /// Entries that are not acknowledged.
    pub entries: u64,
    /// Those of them that a worker has taken.
    pub pending: u64,
    /// How long the oldest has waited.
    pub oldest: Duration,
    /// Entries that cannot be written.
    pub dead: u64,
}

impl QueueMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            available: register.gauge(
                "budgetguard_queue_available",
                "1 while the queue of USAGE_QUEUE=redis answers; 0 without one.",
            )?,
            entries: register.gauge(
                "budgetguard_queue_entries",
                "Rows in the queue that no worker has acknowledged.",
            )?,
            pending: register.gauge(
                "budgetguard_queue_pending",
                "Those of them that a worker has taken.",
            )?,
            oldest: register.gauge(
                "budgetguard_queue_oldest_seconds",
                "For how long the oldest of them has waited.",
            )?,
            dead: register.gauge(
                "budgetguard_queue_dead_letters",
                "Rows that could not be written; `budgetguard worker dead-letters` shows them.",
            )?,
            buried: register.counter(
                "budgetguard_queue_buried_total",
                "Rows that this worker put among the dead letters.",
            )?,
            shipped: register.counter(
                "budgetguard_queue_shipped_total",
                "Rows that this gateway put into the queue, once more included.",
            )?,
            full: register.counter(
                "budgetguard_queue_full_total",
                "Times that the queue had no room, so that rows waited in the spool.",
            )?,
        })
    }
}

impl Metrics {
    /// How full the queue is; nothing, while it does not answer.
    pub fn set_queue(&self, facts: Option<QueueFacts>) {
        let metrics = &self.queue;
        set(&metrics.available, u64::from(facts.is_some()));
        // What was known last is better than nothing.
        let Some(facts) = facts else { return };
        set(&metrics.entries, facts.entries);
        set(&metrics.pending, facts.pending);
        set(&metrics.oldest, facts.oldest.as_secs());
        set(&metrics.dead, facts.dead);
    }

    /// A row was put among the dead letters.
    pub fn row_buried(&self) {
        self.queue.buried.inc();
    }

    /// Rows were put into the queue.
    pub fn rows_shipped(&self, rows: u64) {
        self.queue.shipped.inc_by(rows);
    }

    /// The queue had no room.
    pub fn queue_was_full(&self) {
        self.queue.full.inc();
    }
}
