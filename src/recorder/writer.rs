//! What a worker does: takes rows from the queue, writes them to the ledger, and acknowledges them after
//! the commit. It loses none: what it does not acknowledge is taken again, and written once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::ledger::LedgerRow;
use crate::metrics::Metrics;
use crate::queue::{Queue, QueueError, Taken};
use crate::recorder::{FIRST_RETRY, LAST_RETRY, RecorderError, pause};
use crate::store::Store;

/// How often the ledger refuses a row by itself before it is a dead letter.
const REFUSALS_MAX: u32 = 3;
/// A worker that got no further for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    /// The most rows in one transaction.
    rows_max: usize,
    /// What this worker is called. No two have one name.
    name: String,
    started: Instant,
    /// When it last got further, in milliseconds from the start.
    moved: AtomicU64,
}

/// What became of the rows of a batch.
#[derive(Debug, Default)]
struct Sorted<'a> {
    written: Vec<&'a Taken>,
    /// Those that are to be dead letters, and why.
    refused: Vec<(&'a Taken, String)>,
}

impl Writer {
    /// A writer between a queue and a store.
    pub fn new(store: Store, queue: Arc<Queue>, metrics: Arc<Metrics>, rows_max: usize) -> Self {
        Self {
            store,
            queue,
            metrics,
            rows_max,
            name: format!("worker-{:016x}", rand::random::<u64>()),
            started: Instant::now(),
            moved: AtomicU64::new(0),
        }
    }

    /// Whether it goes on: also while it waits for Redis or for the database.
    pub fn is_moving(&self) -> bool {
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(moved) < STUCK_AFTER
    }

    fn note_moved(&self) {
        let millis = self.started.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.moved.store(millis, Ordering::Relaxed);
    }

    /// Writes until told to stop; a batch that is under way then is finished, if the ledger takes it.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut retry = FIRST_RETRY;
        let mut reclaim_at = Instant::now();
        let mut has_begun = false;
        while !*stop.borrow() {
            self.note_moved();
            let round = self.round(&mut has_begun, &mut reclaim_at, &mut stop);
            let Err(error) = round.await else {
                retry = FIRST_RETRY;
                continue;
            };
            // The group may be gone with the data.
            has_begun = false;
            let retry_ms = retry.as_millis();
            tracing::warn!(%error, retry_ms, "the queue cannot be read");
            pause(retry, &mut stop).await;
            retry = retry.saturating_mul(2).min(LAST_RETRY);
        }
    }

    async fn round(
        &self,
        has_begun: &mut bool,
        reclaim_at: &mut Instant,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), QueueError> {
        if !*has_begun {
            self.queue.begin().await?;
            *has_begun = true;
        }
        if Instant::now() >= *reclaim_at {
            *reclaim_at = self.reclaim(stop).await?;
        }
        let taken = self.queue.take(&self.name, self.rows_max).await?;
        self.write(&taken, stop).await
    }

    /// Writes what other workers left, and tells when to look again.
    async fn reclaim(&self, stop: &mut watch::Receiver<bool>) -> Result<Instant, QueueError> {
        self.queue.tidy().await?;
        let left = self.queue.reclaim(&self.name, self.rows_max).await?;
        tracing::debug!(entries = left.len(), "took what other workers left");
        self.write(&left, stop).await?;
        // Where there was a whole batch there may be more.
        let has_more = left.len() >= self.rows_max;
        let pause = self.queue.reclaim_after() / 2;
        Ok(Instant::now() + if has_more { Duration::ZERO } else { pause })
    }

    /// Writes entries, acknowledges what is in the ledger, and puts away what cannot be. If told to stop
    /// while the ledger takes nothing, the entries are left for another.
    pub async fn write(
        &self,
        entries: &[Taken],
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), QueueError> {
        if entries.is_empty() {
            return Ok(());
        }
        let Some(sorted) = self.sort(entries, stop).await else {
            return Ok(());
        };
        self.queue.written(&sorted.written).await?;
        for (entry, reason) in sorted.refused {
            tracing::error!(entry = %entry.id, reason, "an entry cannot be written: a dead letter");
            self.queue.bury(entry, &reason).await?;
            self.metrics.row_buried();
        }
        Ok(())
    }

    /// Halves a batch that is refused until it is known because of which rows. Nothing, if told to stop.
    async fn sort<'a>(
        &self,
        entries: &'a [Taken],
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Sorted<'a>> {
        let mut sorted = Sorted::default();
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            match &entry.row {
                Ok(row) => rows.push((entry, row)),
                Err(why) => sorted.refused.push((entry, why.to_string())),
            }
        }
        let mut waiting = vec![&*rows];
        let mut refusals = 0;
        while let Some(some) = waiting.pop().filter(|some| !some.is_empty()) {
            let Some(refusal) = self.append(some, stop).await? else {
                sorted.written.extend(some.iter().map(|(entry, _)| *entry));
                refusals = 0;
                continue;
            };
            match some {
                [_, _, ..] => {
                    let (first, second) = some.split_at(some.len() / 2);
                    waiting.extend([second, first]);
                }
                [(entry, _)] if refusals + 1 >= REFUSALS_MAX => {
                    sorted.refused.push((entry, refusal));
                    refusals = 0;
                }
                // Once more, alone.
                _ => {
                    refusals += 1;
                    pause(FIRST_RETRY * refusals, stop).await;
                    waiting.push(some);
                }
            }
        }
        Some(sorted)
    }

    /// Writes rows for as long as it takes, and tells why not, if that is because of them. Nothing, if told
    /// to stop before.
    async fn append(
        &self,
        rows: &[(&Taken, &LedgerRow)],
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Option<String>> {
        let rows: Vec<&LedgerRow> = rows.iter().map(|(_, row)| *row).collect();
        let mut retry = FIRST_RETRY;
        loop {
            self.note_moved();
            let started = Instant::now();
            match self.store.append(&rows).await {
                Ok(inserted) => {
                    let inserted = u64::try_from(inserted).unwrap_or_default();
                    let head = rows.last().copied();
                    self.metrics
                        .ledger_appended(inserted, head, started.elapsed());
                    return Some(None);
                }
                Err(error) if error.is_of_a_row() => return Some(Some(error.to_string())),
                Err(error) => {
                    self.metrics.ledger_write_failed();
                    let (error, retry_ms) = (RecorderError::Ledger(error), retry.as_millis());
                    tracing::warn!(%error, retry_ms, "rows wait in the queue");
                    if *stop.borrow() {
                        return None;
                    }
                    pause(retry, stop).await;
                    retry = retry.saturating_mul(2).min(LAST_RETRY);
                }
            }
        }
    }
}
