//! The candidates behind one trait. Each keeps an intent by request id and outcomes in the order
//! they came, and takes an outcome for the end of its intent, in one atomic step.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::spool::{Spool, SpoolOptions, SyncPolicy};
use fjall::config::CompressionPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::Mutex;
use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition};

/// What is measured.
pub(crate) trait Engine: Sync {
    /// Before a request goes upstream.
    fn intent(&self, row: &LedgerRow) -> anyhow::Result<()>;
    /// Before the end of its answer goes out.
    fn outcome(&self, row: &LedgerRow) -> anyhow::Result<()>;
    /// Takes the oldest outcomes and removes them; says how many there were.
    fn drain(&self, rows_max: usize) -> anyhow::Result<usize>;
}

/// The spool itself.
pub(crate) struct SegmentLog(Spool);

impl SegmentLog {
    pub(crate) fn open(folder: &Path, sync: SyncPolicy) -> anyhow::Result<Self> {
        Ok(Self(Spool::open(SpoolOptions {
            folder: folder.join("log"),
            sync,
            entries_max: 10_000_000,
        })?))
    }
}

impl Engine for SegmentLog {
    fn intent(&self, row: &LedgerRow) -> anyhow::Result<()> {
        Ok(self.0.append_intent(row)?)
    }

    fn outcome(&self, row: &LedgerRow) -> anyhow::Result<()> {
        Ok(self.0.append_outcome(&Arc::new(row.clone()))?)
    }

    fn drain(&self, rows_max: usize) -> anyhow::Result<usize> {
        let rows = self.0.next_batch(rows_max)?;
        let requests: Vec<RequestId> = rows.iter().map(|row| row.request).collect();
        self.0.remove(&requests)?;
        Ok(requests.len())
    }
}

/// An LSM tree: one keyspace by request id, one by sequence number.
pub(crate) struct Fjall {
    db: Database,
    intents: Keyspace,
    outcomes: Keyspace,
    next: Mutex<u64>,
    drained: AtomicU64,
    persist: PersistMode,
}

impl Fjall {
    pub(crate) fn open(folder: &Path, persist: PersistMode) -> anyhow::Result<Self> {
        let db = Database::builder(folder.join("fjall"))
            .cache_size(4 << 20)
            .max_journaling_size(64 << 20)
            .worker_threads(1)
            .open()?;
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(4 << 20)
                .data_block_compression_policy(CompressionPolicy::disabled())
        };
        Ok(Self {
            intents: db.keyspace("intents", options)?,
            outcomes: db.keyspace("outcomes", options)?,
            db,
            next: Mutex::new(0),
            drained: AtomicU64::new(0),
            persist,
        })
    }
}

impl Engine for Fjall {
    fn intent(&self, row: &LedgerRow) -> anyhow::Result<()> {
        let mut batch = self.db.batch().durability(Some(self.persist));
        let key = row.request.as_bytes().as_slice();
        batch.insert(&self.intents, key, serde_json::to_vec(row)?);
        Ok(batch.commit()?)
    }

    fn outcome(&self, row: &LedgerRow) -> anyhow::Result<()> {
        let json = serde_json::to_vec(row)?;
        let mut batch = self.db.batch().durability(Some(self.persist));
        batch.remove_weak(&self.intents, row.request.as_bytes().as_slice());
        // Held until the commit: the drainer must not pass an outcome that is still to come.
        let mut next = self.next.lock();
        batch.insert(&self.outcomes, next.to_be_bytes(), json);
        *next += 1;
        Ok(batch.commit()?)
    }

    fn drain(&self, rows_max: usize) -> anyhow::Result<usize> {
        let mut batch = self.db.batch().durability(Some(self.persist));
        let mut rows = 0;
        // From the last one on: a walk from the beginning would step over every tombstone.
        let drained = self.drained.load(Ordering::Relaxed).to_be_bytes();
        for guard in self.outcomes.range(drained..).take(rows_max) {
            let (key, value) = guard.into_inner()?;
            let _row: LedgerRow = serde_json::from_slice(&value)?;
            batch.remove_weak(&self.outcomes, key);
            rows += 1;
        }
        batch.commit()?;
        self.drained.fetch_add(rows as u64, Ordering::Relaxed);
        Ok(rows)
    }
}

const INTENTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("intents");
const OUTCOMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outcomes");

/// A copy-on-write B-tree. `Durability::None` does not survive a kill; it is measured as a bound.
pub(crate) struct Redb {
    db: redb::Database,
    next: AtomicU64,
    durability: Durability,
}

impl Redb {
    pub(crate) fn open(folder: &Path, durability: Durability) -> anyhow::Result<Self> {
        let db = redb::Builder::new()
            .set_cache_size(16 << 20)
            .create(folder.join("redb"))?;
        let transaction = db.begin_write()?;
        transaction.open_table(INTENTS)?;
        transaction.open_table(OUTCOMES)?;
        transaction.commit()?;
        Ok(Self {
            db,
            next: AtomicU64::new(0),
            durability,
        })
    }
}

impl Engine for Redb {
    fn intent(&self, row: &LedgerRow) -> anyhow::Result<()> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(self.durability)?;
        transaction.open_table(INTENTS)?.insert(
            row.request.as_bytes().as_slice(),
            serde_json::to_vec(row)?.as_slice(),
        )?;
        Ok(transaction.commit()?)
    }

    fn outcome(&self, row: &LedgerRow) -> anyhow::Result<()> {
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(self.durability)?;
        transaction
            .open_table(OUTCOMES)?
            .insert(sequence, serde_json::to_vec(row)?.as_slice())?;
        transaction
            .open_table(INTENTS)?
            .remove(row.request.as_bytes().as_slice())?;
        Ok(transaction.commit()?)
    }

    fn drain(&self, rows_max: usize) -> anyhow::Result<usize> {
        let mut sequences = Vec::with_capacity(rows_max);
        {
            let outcomes = self.db.begin_read()?.open_table(OUTCOMES)?;
            for entry in outcomes.iter()?.take(rows_max) {
                let (sequence, row) = entry?;
                let _row: LedgerRow = serde_json::from_slice(row.value())?;
                sequences.push(sequence.value());
            }
        }
        if sequences.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(self.durability)?;
        {
            let mut outcomes = transaction.open_table(OUTCOMES)?;
            for sequence in &sequences {
                outcomes.remove(sequence)?;
            }
        }
        transaction.commit()?;
        Ok(sequences.len())
    }
}
