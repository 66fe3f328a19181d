//! The queue of outcomes, and places in it from which a reader goes on.

use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::spool::log::{Entry, Log, Waiting, is_at};
use crate::spool::record::RowKind;
use crate::spool::segment::Place;

impl Log {
    /// Takes an outcome that cannot be written in place of its intent, which stays on the disk: should the
    /// process die before the ledger has the outcome, the request counts as interrupted. False without an intent.
    pub(in crate::spool) fn keep_in_memory(&mut self, row: &Arc<LedgerRow>) -> bool {
        let Some(intent) = self.entries.get(&row.request).copied() else {
            return false;
        };
        let (kind, place) = (RowKind::Outcome, intent.place);
        self.put(row.request, Entry { kind, place });
        self.unwritten.insert(row.request, Arc::clone(row));
        self.wait(row.request, place, Some(Arc::clone(row)));
        true
    }

    pub(super) fn wait(&mut self, request: RequestId, place: Place, row: Option<Arc<LedgerRow>>) {
        self.waiting.push_back(Waiting {
            request,
            place,
            row,
        });
    }

    /// The outcomes that wait, oldest first.
    pub(in crate::spool) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        let still_waits = |waiting: &&Waiting| self.still_waits(waiting);
        self.waiting.iter().filter(still_waits).cloned()
    }

    /// The outcomes that wait behind a place in the queue, each with the place behind it. Places are
    /// counted from the opening of the spool.
    pub(in crate::spool) fn waiting_behind(
        &self,
        place: u64,
    ) -> impl Iterator<Item = (u64, Waiting)> {
        let skipped = usize::try_from(place.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        let rest = self.waiting.range(skipped.min(self.waiting.len())..);
        let first = place.max(self.passed).saturating_add(1);
        let placed = (first..).zip(rest);
        let still_waits = |(_, waiting): &(u64, &Waiting)| self.still_waits(waiting);
        placed
            .filter(still_waits)
            .map(|(behind, waiting)| (behind, waiting.clone()))
    }

    /// Those of the requests that have an outcome.
    pub(in crate::spool) fn outcomes_of(&self, requests: &[RequestId]) -> Vec<Waiting> {
        let outcome = |request: &RequestId| {
            let entry = self.entries.get(request);
            let entry = entry.filter(|entry| entry.kind == RowKind::Outcome)?;
            Some(Waiting {
                request: *request,
                place: entry.place,
                row: self.unwritten.get(request).cloned(),
            })
        };
        requests.iter().filter_map(outcome).collect()
    }

    fn still_waits(&self, waiting: &Waiting) -> bool {
        is_at(&self.entries, waiting.request, waiting.place)
    }
}
