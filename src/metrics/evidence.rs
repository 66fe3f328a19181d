//! What is counted of checkpoints.

use prometheus::IntCounterVec;

use crate::metrics::register::Register;
use crate::metrics::{Metrics, increment};

/// How one try to make a checkpoint ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointOutcome {
    /// It was signed and is in the book.
    Signed,
    /// The ledger is not what was signed before.
    Refused,
    /// The database or the book could not be read or written.
    Failed,
    /// It was signed, and its webhook did not take it.
    Undelivered,
}

impl CheckpointOutcome {
    const ALL: [Self; 4] = [Self::Signed, Self::Refused, Self::Failed, Self::Undelivered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
        }
    }
}

/// What became of a month that was to leave the ledger by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionOutcome {
    /// It left.
    Left,
    /// It stays, and so do later ones.
    Failed,
}

impl RetentionOutcome {
    const ALL: [Self; 2] = [Self::Left, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug)]
pub(super) struct EvidenceMetrics {
    checkpoints: IntCounterVec,
    retention: IntCounterVec,
}

impl EvidenceMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        let checkpoints = register.counters(
            "budgetguard_ledger_checkpoints_total",
            "Checkpoints of the ledger; refused: it is not what was signed before.",
            &["outcome"],
        )?;
        let retention = register.counters(
            "budgetguard_ledger_retention_total",
            "Months that left the ledger by themselves; failed: they stay.",
            &["outcome"],
        )?;
        // Shown before there is one: an alert on the first failure needs the zero before it.
        for outcome in CheckpointOutcome::ALL {
            checkpoints.get_metric_with_label_values(&[outcome.as_str()])?;
        }
        for outcome in RetentionOutcome::ALL {
            retention.get_metric_with_label_values(&[outcome.as_str()])?;
        }
        Ok(Self {
            checkpoints,
            retention,
        })
    }
}

impl Metrics {
    /// A checkpoint was tried.
    pub fn checkpoint_tried(&self, outcome: CheckpointOutcome) {
        increment(&self.evidence.checkpoints, &[outcome.as_str()]);
    }

    /// A month was to leave the ledger.
    pub fn retention_tried(&self, outcome: RetentionOutcome) {
        increment(&self.evidence.retention, &[outcome.as_str()]);
    }
}
