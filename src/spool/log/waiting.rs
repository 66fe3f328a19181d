//! The queue of outcomes, and places in it from which a reader goes on.

use crate::domain::id::RequestId;
use crate::spool::log::{Log, Waiting, is_at};
use crate::spool::record::RowKind;

impl Log {
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
