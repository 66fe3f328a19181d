//! Ledger rows of refused requests: so many a minute for each tenant, and only counted beyond that,
//! so that nobody can write the disk full by being refused.

use std::borrow::Cow;
use std::sync::Arc;

use dashmap::DashMap;

use crate::domain::denial::Denial;
use crate::domain::id::TenantId;
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::rate::SlidingMinute;
use crate::gateway::admit::Asked;
use crate::metrics::Metrics;
use crate::spool::Spool;

/// Records refusals.
#[derive(Debug)]
pub(crate) struct BlockedRows {
    spool: Arc<Spool>,
    metrics: Arc<Metrics>,
    rows_per_minute: u32,
    minutes: DashMap<TenantId, SlidingMinute>,
}

impl BlockedRows {
    pub(crate) fn new(spool: Arc<Spool>, metrics: Arc<Metrics>, rows_per_minute: u32) -> Self {
        Self {
            spool,
            metrics,
            rows_per_minute,
            minutes: DashMap::new(),
        }
    }

    /// Writes the row of a request that was understood and refused. Its caller is proved: no row
    /// names a tenant that did not call.
    pub(crate) fn record(&self, asked: &Asked<'_>, denial: &Denial) {
        let row = asked.row(None);
        let taken = self
            .minutes
            .entry(row.tenant)
            .or_default()
            .take(row.at, self.rows_per_minute);
        if taken.is_err() || !self.spool.has_room() {
            self.metrics.blocked_rows_dropped(1);
            return;
        }
        let row = Arc::new(LedgerRow {
            status: Status::Blocked,
            reason: Some(Cow::Borrowed(denial.code())),
            ..row
        });
        if let Err(error) = self.spool.append_outcome(&row) {
            tracing::warn!(request = %row.request, %error, "a refusal could not be recorded");
            self.metrics.blocked_rows_dropped(1);
        }
    }
}
