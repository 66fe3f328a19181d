//! Drains the spool into the ledger: in batches, each row once, for as long as it takes. Either it writes
//! itself, or it ships rows to workers that do (`recorder/shipping.rs`, `recorder/writer.rs`).
//!
//! It never drops a row. While the database is away it waits longer and longer between tries, the
//! spool grows, and `spool.entries_max` decides when new requests are refused.

pub mod shipping;
pub mod writer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::engine::BudgetEngine;
use crate::metrics::Metrics;
use crate::queue::QueueError;
use crate::recorder::shipping::Shipper;
use crate::spool::{Spool, SpoolError};
use crate::store::Store;
use crate::store::error::StoreError;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Why rows are still waiting.
#[derive(Debug, Error)]
pub enum RecorderError {
    /// The ledger did not take them.
    #[error("could not write the ledger: {0}")]
    Ledger(#[from] StoreError),
    /// The spool could not be read or cleared.
    #[error("could not read the spool: {0}")]
    Spool(#[from] SpoolError),
    /// The queue did not take them.
    #[error("could not use the queue: {0}")]
    Queue(#[from] QueueError),
    /// A row has no packed form.
    #[error("a row cannot be packed for the queue")]
    Unpackable,
}

/// How batches are cut.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    /// The most rows in one transaction.
    pub rows_max: usize,
    /// How long rows may gather before they are written.
    pub interval: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    spool: Arc<Spool>,
    /// Told what the ledger has.
    engine: Arc<dyn BudgetEngine>,
    metrics: Arc<Metrics>,
    batching: Batching,
    /// Where rows go, if not straight into the ledger.
    shipper: Option<Shipper>,
    /// Held while a batch is under way between spool and ledger.
    batch: Mutex<()>,
}

impl Recorder {
    /// A recorder between a spool and a store.
    pub fn new(
        store: Store,
        spool: Arc<Spool>,
        engine: Arc<dyn BudgetEngine>,
        metrics: Arc<Metrics>,
        batching: Batching,
    ) -> Self {
        Self {
            store,
            spool,
            engine,
            metrics,
            batching,
            shipper: None,
            batch: Mutex::new(()),
        }
    }

    /// The same by way of a queue: [`Recorder::run`] leaves the writing to workers.
    #[must_use]
    pub fn by_queue(self, shipper: Shipper) -> Self {
        Self {
            shipper: Some(shipper),
            ..self
        }
    }

    /// Gives requests that were under way when the gateway died their outcome. Only at the start,
    /// before anything is admitted.
    pub fn settle_interrupted(&self) -> Result<usize, RecorderError> {
        let open = self.spool.open_intents()?;
        for intent in &open {
            let outcome = Arc::new(intent.clone().interrupted());
            self.spool.append_outcome(&outcome)?;
        }
        Ok(open.len())
    }

    /// Writes everything that waits, itself: also what was shipped, for a row is written only once.
    pub async fn drain(&self) -> Result<usize, RecorderError> {
        self.write_waiting(usize::MAX).await
    }

    /// Writes what waits now; of what comes meanwhile, only what is written with it.
    pub async fn catch_up(&self) -> Result<(), RecorderError> {
        let waiting = self.spool.status().waiting;
        self.write_waiting(waiting).await.map(drop)
    }

    async fn write_waiting(&self, rows_max: usize) -> Result<usize, RecorderError> {
        let mut written = 0_usize;
        while written < rows_max {
            match self.write_batch().await {
                Ok(0) => break,
                Ok(rows) => written = written.saturating_add(rows),
                // A row that nobody can write is a dead letter, and in nobody's way.
                Err(RecorderError::Ledger(error))
                    if self.shipper.is_some() && error.is_of_a_row() =>
                {
                    let others = self.write_the_others().await?;
                    return Ok(written.saturating_add(others));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Writes what waits, but for what the ledger refuses.
    async fn write_the_others(&self) -> Result<usize, RecorderError> {
        let _under_way = self.batch.lock().await;
        let (mut written, mut place) = (0_usize, 0);
        loop {
            let (rows, behind) = self.spool.batch_behind(place, self.batching.rows_max)?;
            if rows.is_empty() {
                return Ok(written);
            }
            written = written.saturating_add(self.write_by_halves(&rows).await?);
            place = behind;
        }
    }

    /// Halves a batch that is refused until it is known because of which rows. They stay in the spool.
    async fn write_by_halves(&self, rows: &[Arc<LedgerRow>]) -> Result<usize, RecorderError> {
        let mut written = 0_usize;
        let mut waiting = vec![rows];
        while let Some(some) = waiting.pop() {
            match self.write(some).await {
                Ok(()) => written = written.saturating_add(some.len()),
                Err(RecorderError::Ledger(error)) if error.is_of_a_row() => {
                    if some.len() > 1 {
                        let (first, second) = some.split_at(some.len() / 2);
                        waiting.extend([second, first]);
                    } else {
                        tracing::error!(%error, "a row is refused; it stays in the spool");
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Writes as rows come, until told to stop; what still waits then stays in the spool.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        if let Some(shipper) = &self.shipper {
            return self.run_by_queue(shipper, stop).await;
        }
        let mut retry = FIRST_RETRY;
        while self.until_rows_wait(&mut stop).await {
            pause(self.batching.interval, &mut stop).await;
            let Err(error) = self.write_what_gathered().await else {
                retry = FIRST_RETRY;
                continue;
            };
            self.metrics.ledger_write_failed();
            tell(&error, retry);
            pause(retry, &mut stop).await;
            retry = retry.saturating_mul(2).min(LAST_RETRY);
        }
    }

    /// Stops at the first batch that is not full: what has come meanwhile gathers for the next
    /// interval. Small transactions cost the most for each row.
    async fn write_what_gathered(&self) -> Result<(), RecorderError> {
        while self.write_batch().await? >= self.batching.rows_max {}
        Ok(())
    }

    /// False once told to stop.
    async fn until_rows_wait(&self, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            () = self.spool.outcome_waiting() => {}
            // Also if that was told during the pause before: it is not told again.
            _ = stop.wait_for(|told| *told) => {}
        }
        !*stop.borrow()
    }

    /// Waits until no row is between spool and ledger, and keeps it so: while the guard lives, a row
    /// is in the ledger exactly if it is not in the spool. Where workers write, it may be in both: there the
    /// records in Redis say which rows count beside the ledger.
    pub async fn stand_still(&self) -> MutexGuard<'_, ()> {
        self.batch.lock().await
    }

    async fn write_batch(&self) -> Result<usize, RecorderError> {
        let _under_way = self.batch.lock().await;
        let rows: Vec<Arc<LedgerRow>> = self.spool.next_batch(self.batching.rows_max)?;
        if rows.is_empty() {
            return Ok(0);
        }
        self.write(&rows).await?;
        Ok(rows.len())
    }

    async fn write(&self, rows: &[Arc<LedgerRow>]) -> Result<(), RecorderError> {
        self.engine.recording().await;
        let started = Instant::now();
        let inserted = self.store.append(rows).await?;
        let inserted = u64::try_from(inserted).unwrap_or_default();
        let head = rows.last().map(|row| &**row);
        self.metrics
            .ledger_appended(inserted, head, started.elapsed());
        self.engine.recorded(rows);
        let requests: Vec<RequestId> = rows.iter().map(|row| row.request).collect();
        self.spool.remove(&requests)?;
        Ok(())
    }
}

fn tell(error: &RecorderError, retry: Duration) {
    let retry_ms = retry.as_millis();
    tracing::warn!(%error, retry_ms, "ledger rows wait in the spool");
}

async fn pause(duration: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(duration) => {}
        _ = stop.wait_for(|told| *told) => {}
    }
}
