//! Where data lives and how fast it is made safe: stores, spool and ledger writer.

use std::path::{Path, PathBuf};

use crate::settings::choice::Choice;
use crate::settings::operations::Admin;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// The longest prefix of keys in Redis.
const KEY_PREFIX_MAX: usize = 64;

/// `[stores]`
#[derive(Debug, Clone)]
pub struct Stores {
    /// Folder of the spool and of the embedded database.
    pub data_dir: PathBuf,
    /// PostgreSQL; without it the embedded database is used.
    pub database_url: Option<Secret>,
    /// Most connections to PostgreSQL.
    pub database_connections_max: usize,
}

/// `[redis]`
#[derive(Debug, Clone)]
pub struct Redis {
    /// Where replicas keep what they share; without it one process counts for itself.
    pub url: Option<Secret>,
    /// Whether this process takes slices of budgets, which it may spend without asking.
    pub leases: bool,
    /// What the names of all keys begin with.
    pub key_prefix: String,
    /// How long an answer may take.
    pub answer_within_ms: u64,
}

/// `[spool]`
#[derive(Debug, Clone)]
pub struct Spool {
    /// When entries reach the disk.
    pub sync: SpoolSync,
    /// For [`SpoolSync::Interval`].
    pub sync_interval_ms: u64,
    /// Entries that may wait; at this limit new requests are refused.
    pub entries_max: u64,
}

/// When the spool is written through to the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpoolSync {
    /// When the operating system likes.
    Os,
    /// Every `sync_interval_ms`.
    #[default]
    Interval,
    /// Before each request goes on.
    Always,
}

/// `[ledger]`
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Most rows in one write.
    pub batch_rows_max: usize,
    /// Longest wait before an incomplete batch is written.
    pub flush_interval_ms: u64,
    /// Who writes.
    pub queue: UsageQueue,
    /// Entries in the queue at which gateways keep theirs in the spool.
    pub queue_entries_max: u64,
    /// After how long the entries of a worker are another's.
    pub queue_reclaim_after_ms: u64,
    /// How often budgets are compared with the ledger; never, if it is 0.
    pub drift_check_s: u64,
}

/// By what way rows come into the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UsageQueue {
    /// Each gateway writes its own.
    #[default]
    Local,
    /// Workers write what gateways put into Redis.
    Redis,
}

impl Stores {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let key = "stores.data_dir";
        let data_dir = reader.checked_path(key, is_folder_or_free);
        if data_dir.is_none() {
            reader.problem(key, "must be a path");
        }
        let database_url = reader.secret("stores.database_url", 1);
        if let Some(url) = &database_url
            && !["postgres://", "postgresql://"]
                .iter()
                .any(|it| url.expose().starts_with(it))
        {
            reader.problem("stores.database_url", "must start with postgres://");
        }
        Self {
            data_dir: data_dir.unwrap_or_default(),
            database_url,
            database_connections_max: reader.integer("stores.database_connections_max", 1..=1000),
        }
    }
}

impl Redis {
    /// Replicas share counters only with a ledger and with keys that they share.
    pub(super) fn read(reader: &mut Reader<'_>, stores: &Stores, admin: &Admin) -> Self {
        let url = reader.secret("redis.url", 1);
        if let Some(url) = &url {
            if !url.expose().starts_with("redis://") {
                reader.problem("redis.url", "must start with redis://");
            } else if stores.database_url.is_none() {
                reader.problem("redis.url", "needs stores.database_url");
            } else if admin.key_pepper.is_none() {
                reader.problem("redis.url", "needs admin.key_pepper");
            }
        }
        Self {
            url,
            leases: reader.flag("redis.leases"),
            key_prefix: reader.required("redis.key_prefix", key_prefix),
            answer_within_ms: reader.integer("redis.answer_within_ms", 10..=60_000),
        }
    }
}

impl Spool {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            sync: reader.choice("spool.sync"),
            sync_interval_ms: reader.integer("spool.sync_interval_ms", 1..=60_000),
            entries_max: reader.integer("spool.entries_max", 1_000..=1_000_000_000),
        }
    }
}

impl Ledger {
    /// A queue is in the Redis that gateways share.
    pub(super) fn read(reader: &mut Reader<'_>, redis: &Redis) -> Self {
        let queue = reader.choice("ledger.queue");
        if queue == UsageQueue::Redis && redis.url.is_none() {
            reader.problem("ledger.queue", "needs redis.url");
        }
        Self {
            queue,
            queue_entries_max: reader.integer("ledger.queue_entries_max", 1..=100_000_000),
            queue_reclaim_after_ms: reader
                .integer("ledger.queue_reclaim_after_ms", 100..=3_600_000),
            drift_check_s: reader.integer("ledger.drift_check_s", 0..=86_400),
            batch_rows_max: reader.integer("ledger.batch_rows_max", 1..=100_000),
            flush_interval_ms: reader.integer("ledger.flush_interval_ms", 1..=60_000),
        }
    }
}

/// Braces would decide where a Cluster keeps a key; a pattern would remove the keys of others.
fn key_prefix(text: &str) -> Result<String, &'static str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    if text.is_empty() || text.len() > KEY_PREFIX_MAX || !text.chars().all(is_plain) {
        return Err("must be 1 to 64 letters, digits, or - _ . :");
    }
    Ok(text.to_owned())
}

fn is_folder_or_free(path: &Path) -> Result<(), String> {
    if path.exists() && !path.is_dir() {
        Err("is not a folder".into())
    } else {
        Ok(())
    }
}

impl Choice for UsageQueue {
    const NAMES: &'static [(&'static str, Self)] =
        &[("local", Self::Local), ("redis", Self::Redis)];
}

impl Choice for SpoolSync {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("os", Self::Os),
        ("interval", Self::Interval),
        ("always", Self::Always),
    ];
}
