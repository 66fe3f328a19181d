//! Reads the queue of outcomes for somebody who leaves them in it: from a place on, or by their requests.

use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::spool::log::Waiting;
use crate::spool::{Spool, SpoolError, rows_of};

impl Spool {
    /// The oldest outcomes behind a place in the queue, at most `rows_max`, and the place behind them. The
    /// first place is 0; places are good until the spool is closed.
    pub fn batch_behind(
        &self,
        place: u64,
        rows_max: usize,
    ) -> Result<(Vec<Arc<LedgerRow>>, u64), SpoolError> {
        let (placed, files) = {
            let log = self.durable.log.lock();
            let placed: Vec<(u64, Waiting)> = log.waiting_behind(place).take(rows_max).collect();
            (placed, log.files())
        };
        let behind = placed.last().map_or(place, |(behind, _)| *behind);
        let waiting = placed.into_iter().map(|(_, waiting)| waiting).collect();
        let rows: Result<_, _> = rows_of(waiting, files).collect();
        Ok((rows?, behind))
    }

    /// The outcomes of requests, of those that have one here.
    pub fn outcomes_of(&self, requests: &[RequestId]) -> Result<Vec<Arc<LedgerRow>>, SpoolError> {
        let (waiting, files) = {
            let log = self.durable.log.lock();
            (log.outcomes_of(requests), log.files())
        };
        rows_of(waiting, files).collect()
    }

    /// Waits until there is an outcome behind a place.
    pub async fn outcome_behind(&self, place: u64) {
        loop {
            // Asked for before the look, so that no outcome comes between unnoticed.
            let added = self.outcome_added.notified();
            if self
                .durable
                .log
                .lock()
                .waiting_behind(place)
                .next()
                .is_some()
            {
                return;
            }
            added.await;
        }
    }
}
