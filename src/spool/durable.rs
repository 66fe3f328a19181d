//! How far the spool is safe on disk: group commit for threads that wait for it, and a thread that
//! syncs in the background for those that do not.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::spool::log::Log;
use crate::spool::{SpoolError, SyncPolicy};

/// How soon a finished segment is synced where nothing else asks for it.
const FINISHED_SYNC_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct State {
    /// How many of the written bytes are on the disk.
    reached: u64,
    syncing: bool,
    stopping: bool,
}

/// The log, and how far it is on the disk.
#[derive(Debug)]
pub(super) struct DurableLog {
    pub(super) log: Mutex<Log>,
    state: Mutex<State>,
    /// After a failed sync nobody knows what is on the disk, also if a later one succeeds. Changes
    /// with the state locked; beside it, so that each intent can look without the lock.
    failed: AtomicBool,
    changed: Condvar,
}

impl DurableLog {
    pub(super) fn new(log: Log) -> Self {
        Self {
            log: Mutex::new(log),
            state: Mutex::default(),
            failed: AtomicBool::new(false),
            changed: Condvar::new(),
        }
    }

    /// Refuses once a sync has failed.
    pub(super) fn check(&self) -> Result<(), SpoolError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(self.failure());
        }
        Ok(())
    }

    /// Returns when the first `written` bytes are on the disk. One of the threads that wait does
    /// the sync for all that have written by then.
    pub(super) fn wait(&self, written: u64) -> Result<(), SpoolError> {
        let mut state = self.state.lock();
        while state.reached < written {
            if self.failed.load(Ordering::Acquire) {
                drop(state);
                return Err(self.failure());
            }
            if state.syncing {
                self.changed.wait(&mut state);
                continue;
            }
            state.syncing = true;
            drop(state);
            let result = self.sync();
            state = self.state.lock();
            state.syncing = false;
            match &result {
                Ok(reached) => state.reached = *reached,
                Err(_) => self.failed.store(true, Ordering::Release),
            }
            self.changed.notify_all();
            result?;
        }
        Ok(())
    }

    fn failure(&self) -> SpoolError {
        SpoolError::Io {
            path: self.log.lock().folder().clone(),
            source: io::Error::other("an earlier sync failed"),
        }
    }

    fn sync(&self) -> Result<u64, SpoolError> {
        let unsynced = self.log.lock().take_unsynced();
        for finished in &unsynced.finished {
            finished.sync()?;
        }
        unsynced.current.sync()?;
        if !unsynced.finished.is_empty() {
            self.sync_folder()?;
        }
        Ok(unsynced.written)
    }

    /// Makes the names of new files safe.
    pub(super) fn sync_folder(&self) -> Result<(), SpoolError> {
        let folder = self.log.lock().folder().clone();
        let synced = File::open(&folder).and_then(|opened| opened.sync_all());
        synced.map_err(SpoolError::io(&folder))
    }

    fn sync_in_background(&self, policy: SyncPolicy) {
        let mut state = self.state.lock();
        while !state.stopping {
            let rest = match policy {
                SyncPolicy::Interval(interval) => interval,
                SyncPolicy::Os | SyncPolicy::Always => FINISHED_SYNC_EVERY,
            };
            self.changed.wait_for(&mut state, rest);
            drop(state);
            self.sync_what_is_due(policy);
            state = self.state.lock();
        }
    }

    fn sync_what_is_due(&self, policy: SyncPolicy) {
        let written = {
            let log = self.log.lock();
            if policy == SyncPolicy::Os && !log.has_finished_unsynced() {
                return;
            }
            log.written()
        };
        if let Err(error) = self.wait(written) {
            tracing::error!(%error, "could not sync the spool");
        }
    }
}

/// Syncs in the background until it is dropped.
#[derive(Debug)]
pub(super) struct BackgroundSync {
    log: Arc<DurableLog>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundSync {
    pub(super) fn start(log: Arc<DurableLog>, policy: SyncPolicy) -> io::Result<Self> {
        let synced = Arc::clone(&log);
        let thread = thread::Builder::new()
            .name("spool-sync".to_owned())
            .spawn(move || synced.sync_in_background(policy))?;
        Ok(Self {
            log,
            thread: Some(thread),
        })
    }
}

impl Drop for BackgroundSync {
    fn drop(&mut self) {
        // The folder must not be opened anew while this thread still writes to it.
        self.log.state.lock().stopping = true;
        self.log.changed.notify_all();
        let joined = self.thread.take().map(JoinHandle::join);
        if matches!(joined, Some(Err(_))) {
            tracing::error!("the thread that syncs the spool panicked");
        }
    }
}
