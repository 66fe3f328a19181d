//! The crash-safe record of requests under way: an intent before a request goes upstream, its
//! outcome before the last byte of the answer. It does not know where outcomes are drained to.

mod behind;
mod durable;
mod log;
mod record;
mod segment;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::Notify;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::window::UtcMicros;
use crate::spool::durable::{BackgroundSync, DurableLog};
use crate::spool::log::{Log, SEGMENT_BYTES, Waiting};
pub use crate::spool::record::Unencodable;
use crate::spool::record::{Record, RowKind};
use crate::spool::segment::{Place, SegmentFile};

/// How many intents are moved under one lock: a request must not wait for more.
const MOVED_TOGETHER_MAX: usize = 32;
/// How many outcomes are removed under one lock, and by one record.
const GONE_TOGETHER_MAX: usize = 128;

/// How the spool is kept.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// Where its files are; made if it does not exist.
    pub folder: PathBuf,
    /// What a record has to survive before it counts.
    pub sync: SyncPolicy,
    /// Intents and outcomes together; at this number new intents are refused.
    pub entries_max: usize,
}

/// What a record has to survive before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// The end of this process: each record is handed to the operating system.
    Os,
    /// As [`SyncPolicy::Os`]; and a loss of power, but for what is younger than this.
    Interval(Duration),
    /// A loss of power: each record is on the disk. Threads that wait share one sync.
    Always,
}

/// Why the spool could not do what was asked.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// There are as many entries as there may be.
    #[error("the spool is full: {entries_max} entries")]
    Full {
        /// The limit that was reached.
        entries_max: usize,
    },
    /// Another process, or another part of this one, has the folder open.
    #[error("the spool in `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A file has damage that a crash does not explain.
    #[error("the spool file `{}` is damaged at byte {offset}: {reason}", .file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the first damaged record starts.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The row cannot be kept.
    #[error("could not encode a spool record")]
    Encode(#[from] Unencodable),
    /// The operating system refused.
    #[error("could not access the spool in `{}`", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// How full the spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Intents without outcome.
    pub open: usize,
    /// Outcomes that are not removed yet.
    pub waiting: usize,
    /// The size of all files.
    pub bytes_on_disk: u64,
    /// When the request of the outcome that has waited longest ended.
    pub oldest_waiting_at: Option<UtcMicros>,
}

impl SpoolError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

/// The record of requests under way. Share it in an `Arc`; every method may be called from any
/// thread, those that append from the proxy's.
#[derive(Debug)]
pub struct Spool {
    durable: Arc<DurableLog>,
    sync: SyncPolicy,
    entries_max: usize,
    outcome_added: Notify,
    tidying: Mutex<()>,
    // Dropped in this order: the folder is free once nothing writes to it.
    _background: Option<BackgroundSync>,
    _lock: FolderLock,
}

impl Spool {
    /// Opens the spool in a folder, or makes one.
    pub fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        Self::open_with_segments(options, SEGMENT_BYTES)
    }

    fn open_with_segments(options: SpoolOptions, segment_bytes: usize) -> Result<Self, SpoolError> {
        let SpoolOptions {
            folder,
            sync,
            entries_max,
        } = options;
        fs::create_dir_all(&folder).map_err(SpoolError::io(&folder))?;
        let lock = FolderLock::take(&folder)?;
        let durable = Arc::new(DurableLog::new(Log::open(folder.clone(), segment_bytes)?));
        durable.sync_folder()?;
        let background = match sync {
            SyncPolicy::Os | SyncPolicy::Interval(_) => {
                let started = BackgroundSync::start(Arc::clone(&durable), sync);
                Some(started.map_err(SpoolError::io(&folder))?)
            }
            SyncPolicy::Always => None,
        };
        let spool = Self {
            durable,
            sync,
            entries_max,
            outcome_added: Notify::new(),
            tidying: Mutex::new(()),
            _background: background,
            _lock: lock,
        };
        spool.tidy()?;
        Ok(spool)
    }

    /// Records that a request is about to go upstream. A second intent of the same request is
    /// ignored.
    pub fn append_intent(&self, row: &LedgerRow) -> Result<(), SpoolError> {
        self.durable.check()?;
        let record = record::encode_row(RowKind::Intent, row)?;
        let mut log = self.durable.log.lock();
        if log.kind_of(row.request).is_some() {
            return Ok(());
        }
        if log.open_count().saturating_add(log.waiting_count()) >= self.entries_max {
            return Err(SpoolError::Full {
                entries_max: self.entries_max,
            });
        }
        let written = log.append_row(RowKind::Intent, row.request, &record, None)?;
        drop(log);
        self.until_it_counts(written)
    }

    /// Whether the outcome of a request is on its way to the ledger.
    pub fn has_outcome(&self, request: RequestId) -> bool {
        self.durable.log.lock().kind_of(request) == Some(RowKind::Outcome)
    }

    /// Whether there is room for what need not be recorded: rows of requests that were not sent.
    pub fn has_room(&self) -> bool {
        let log = self.durable.log.lock();
        log.open_count().saturating_add(log.waiting_count()) < self.entries_max
    }

    /// Records how a request ended, in place of its intent. Never refused for being full; one that the disk
    /// does not take is kept in memory until the ledger has it. A second outcome of the same request is ignored
    /// for as long as the first is not removed.
    pub fn append_outcome(&self, row: &Arc<LedgerRow>) -> Result<(), SpoolError> {
        let record = record::encode_row(RowKind::Outcome, row)?;
        let mut log = self.durable.log.lock();
        if log.kind_of(row.request) == Some(RowKind::Outcome) {
            return Ok(());
        }
        let written = match log.append_row(RowKind::Outcome, row.request, &record, Some(row)) {
            Err(error) if log.keep_in_memory(row) => {
                tracing::warn!(request = %row.request, %error, "an outcome is in memory alone");
                log.written()
            }
            written => written?,
        };
        drop(log);
        self.outcome_added.notify_waiters();
        self.until_it_counts(written)
    }

    /// Takes back the intent of a request that was never sent. Does nothing once it has an outcome.
    pub fn withdraw(&self, request: RequestId) -> Result<(), SpoolError> {
        self.durable.log.lock().withdraw(request)
    }

    /// Every intent without outcome, by the time of admission: after a restart, the requests that
    /// were under way when the gateway died.
    pub fn open_intents(&self) -> Result<Vec<LedgerRow>, SpoolError> {
        let (places, files) = {
            let log = self.durable.log.lock();
            (log.open_places(), log.files())
        };
        read_rows(places, files).collect()
    }

    /// Every outcome that is not removed yet, oldest first, as of now. Those on disk only are read
    /// when they are asked for.
    pub fn outcomes(&self) -> impl Iterator<Item = Result<Arc<LedgerRow>, SpoolError>> + use<> {
        let (waiting, files) = {
            let log = self.durable.log.lock();
            (log.waiting().collect(), log.files())
        };
        rows_of(waiting, files)
    }

    /// The oldest outcomes that are not removed yet, at most `rows_max`.
    pub fn next_batch(&self, rows_max: usize) -> Result<Vec<Arc<LedgerRow>>, SpoolError> {
        let (waiting, files) = {
            let log = self.durable.log.lock();
            (log.waiting().take(rows_max).collect(), log.files())
        };
        rows_of(waiting, files).collect()
    }

    /// Forgets outcomes that are safe elsewhere. Intents and unknown requests are left alone. A
    /// crash may bring back the last of them, so recording one again must have no effect.
    pub fn remove(&self, requests: &[RequestId]) -> Result<(), SpoolError> {
        for some in requests.chunks(GONE_TOGETHER_MAX) {
            self.durable.log.lock().remove(some);
        }
        self.tidy()
    }

    /// Waits until [`Spool::next_batch`] would not be empty.
    pub async fn outcome_waiting(&self) {
        loop {
            // Asked for before the look, so that no outcome comes between unnoticed.
            let added = self.outcome_added.notified();
            if self.durable.log.lock().waiting_count() > 0 {
                return;
            }
            added.await;
        }
    }

    /// How full the spool is.
    pub fn status(&self) -> SpoolStatus {
        let (status, mut oldest) = {
            let log = self.durable.log.lock();
            let status = SpoolStatus {
                open: log.open_count(),
                waiting: log.waiting_count(),
                bytes_on_disk: log.bytes_on_disk(),
                oldest_waiting_at: None,
            };
            let oldest: Vec<_> = log.waiting().take(1).collect();
            (status, rows_of(oldest, log.files()))
        };
        let oldest_row = oldest.find_map(Result::ok);
        SpoolStatus {
            oldest_waiting_at: oldest_row
                .map(|row| row.at.plus(Duration::from_micros(row.latency_us))),
            ..status
        }
    }

    fn until_it_counts(&self, written: u64) -> Result<(), SpoolError> {
        match self.sync {
            SyncPolicy::Always => self.durable.wait(written),
            SyncPolicy::Os | SyncPolicy::Interval(_) => Ok(()),
        }
    }

    /// Deletes the segments that are done with. Runs on the thread that removes, so that no request
    /// waits for it.
    fn tidy(&self) -> Result<(), SpoolError> {
        let Some(_only_one) = self.tidying.try_lock() else {
            return Ok(());
        };
        let held = self.durable.log.lock().held_by_intents();
        if let Some(file) = held {
            self.move_intents(&file)?;
        }
        let Some((last, written)) = self.durable.log.lock().droppable() else {
            return Ok(());
        };
        match self.sync {
            SyncPolicy::Os => {}
            SyncPolicy::Interval(_) | SyncPolicy::Always => self.durable.wait(written)?,
        }
        self.durable.log.lock().drop_finished(last)
    }

    fn move_intents(&self, file: &SegmentFile) -> Result<(), SpoolError> {
        let mut intents = Vec::new();
        file.visit(|record, place| {
            if let Record::Row(RowKind::Intent, request, _) = record {
                intents.push((request, place));
            }
        })?;
        for some in intents.chunks(MOVED_TOGETHER_MAX) {
            self.durable.log.lock().move_intents(some, file)?;
        }
        Ok(())
    }
}

/// Keeps other processes out of the folder until it is dropped, or this process ends.
#[derive(Debug)]
struct FolderLock(File);

impl FolderLock {
    fn take(folder: &Path) -> Result<Self, SpoolError> {
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(SpoolError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self(lock)),
            Err(TryLockError::WouldBlock) => Err(SpoolError::InUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(SpoolError::Io { path, source }),
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that was just forked has the file open as well.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "could not unlock the spool");
        }
    }
}

/// Reads rows without the lock. The files stay readable when their segments are deleted meanwhile.
fn read_rows(
    places: Vec<Place>,
    files: Vec<Arc<SegmentFile>>,
) -> impl Iterator<Item = Result<LedgerRow, SpoolError>> {
    places.into_iter().map(move |place| read_row(place, &files))
}

/// As [`read_rows`], but only those that are not in memory.
fn rows_of(
    waiting: Vec<Waiting>,
    files: Vec<Arc<SegmentFile>>,
) -> impl Iterator<Item = Result<Arc<LedgerRow>, SpoolError>> {
    waiting.into_iter().map(move |waiting| match waiting.row {
        Some(row) => Ok(row),
        None => read_row(waiting.place, &files).map(Arc::new),
    })
}

fn read_row(place: Place, files: &[Arc<SegmentFile>]) -> Result<LedgerRow, SpoolError> {
    let index = files.binary_search_by_key(&place.segment, |file| file.number);
    match index.ok().and_then(|index| files.get(index)) {
        Some(file) => file.read_row(place),
        None => Err(SpoolError::io(Path::new("spool"))(
            io::ErrorKind::NotFound.into(),
        )),
    }
}
