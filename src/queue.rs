//! The queue between gateways and workers: a stream in Redis, read by a consumer group. Gateways ship
//! rows and are told what became of each; workers take rows, and acknowledge those that were written.
//! It knows neither the spool nor the ledger. ADR 17 tells why no row is lost or counted twice.

mod dead;
mod entry;
mod incoming;
mod link;
mod outgoing;
mod wire;

use std::fmt;
use std::time::Duration;

use redis::{Pipeline, RedisError, Value};
use thiserror::Error;

pub use crate::queue::dead::DeadLetter;
pub use crate::queue::entry::{Entry, Names, Taken, Undecodable};
use crate::queue::link::Link;
pub use crate::queue::outgoing::{Shelf, Verdict};
use crate::queue::wire::{array, integer};

/// The consumer group of all workers.
const GROUP: &str = "ledger";
/// How long a worker's question waits for entries.
const WAIT_FOR_ENTRIES: Duration = Duration::from_millis(500);

/// Where the queue is.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// `redis://host:port/database`.
    pub url: String,
    /// What all names of keys begin with.
    pub prefix: String,
    /// How long an answer may take.
    pub answer_within: Duration,
    /// With so many entries in the stream, gateways keep theirs.
    pub entries_max: u64,
    /// An entry that a worker has had for so long is another's.
    pub reclaim_after: Duration,
}

/// Why the queue could not be used. No message shows the address or a password.
#[derive(Debug, Error)]
pub enum QueueError {
    /// It cannot be reached, or refuses.
    #[error("Redis does not do what it should: {0}")]
    Redis(#[from] RedisError),
    /// It answers something else than it was asked for.
    #[error("Redis answers what this version does not understand")]
    Unreadable,
    /// What cannot be written has no place any more.
    #[error("there are {0} dead letters; no more are kept")]
    TooManyDead(u64),
}

/// An entry's place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId {
    /// When it was added, in milliseconds since 1970.
    pub millis: u64,
    /// Which of that millisecond.
    pub number: u64,
}

impl EntryId {
    /// Reads `millis-number`.
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, number) = text.split_once('-')?;
        Some(Self {
            millis: millis.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.millis, self.number)
    }
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entries that are not acknowledged.
    pub entries: u64,
    /// Those of them that a worker has taken.
    pub pending: u64,
    /// How long the oldest has waited.
    pub oldest: Duration,
    /// Entries that cannot be written.
    pub dead: u64,
}

/// The names of the keys. The braces keep them on one node of a Cluster, the one of the stream.
#[derive(Debug)]
struct Keys {
    stream: String,
    dead: String,
}

impl Keys {
    fn new(prefix: &str) -> Self {
        let stream = format!("{prefix}_events");
        Self {
            dead: format!("{{{stream}}}:dead"),
            stream,
        }
    }

    /// What became of the rows of a gateway.
    fn verdicts(&self, gateway: &str) -> String {
        format!("{{{}}}:verdicts:{gateway}", self.stream)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    link: Link,
    /// Waits for entries, while the other is for everything else.
    waiting: Link,
    keys: Keys,
    entries_max: u64,
    reclaim_after: Duration,
}

impl Queue {
    /// A queue that is not connected yet; it is when it is asked for something.
    pub fn new(options: &QueueOptions) -> Result<Self, QueueError> {
        let waits = options.answer_within.saturating_add(WAIT_FOR_ENTRIES);
        Ok(Self {
            link: Link::new(&options.url, options.answer_within)?,
            waiting: Link::new(&options.url, waits)?,
            keys: Keys::new(&options.prefix),
            entries_max: options.entries_max,
            reclaim_after: options.reclaim_after,
        })
    }

    /// After how long the entries of a worker are another's.
    pub fn reclaim_after(&self) -> Duration {
        self.reclaim_after
    }

    /// How full it is.
    pub async fn figures(&self) -> Result<Figures, QueueError> {
        let stream = &self.keys.stream;
        let mut asked = Pipeline::new();
        asked.cmd("XLEN").arg(stream);
        asked.cmd("XLEN").arg(&self.keys.dead);
        asked.cmd("XRANGE").arg(stream).arg("-").arg("+");
        asked.arg("COUNT").arg(1);
        asked.cmd("TIME");
        asked.cmd("EXISTS").arg(stream);
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        let [entries, dead, oldest, time, exists] = answers.as_slice() else {
            return Err(QueueError::Unreadable);
        };
        let pending = match integer(exists)? {
            0 => 0,
            _ => self.pending().await?,
        };
        let now = array(time)?.first().map(integer).transpose()?;
        let now_ms = now.unwrap_or_default().saturating_mul(1_000);
        let oldest = wire::entries(oldest)?.into_iter().next();
        let oldest = oldest.map_or(now_ms, |(id, _)| id.millis);
        Ok(Figures {
            entries: integer(entries)?,
            pending,
            oldest: Duration::from_millis(now_ms.saturating_sub(oldest)),
            dead: integer(dead)?,
        })
    }

    /// Taken by workers and not acknowledged. No group, no worker.
    async fn pending(&self) -> Result<u64, QueueError> {
        let mut asked = Pipeline::new();
        asked.cmd("XINFO").arg("GROUPS").arg(&self.keys.stream);
        let groups: Vec<Value> = self.link.ask(&asked).await?;
        let Some(groups) = groups.first() else {
            return Err(QueueError::Unreadable);
        };
        let mut pending = 0_u64;
        for group in array(groups)? {
            let fields = wire::pairs(group)?;
            let is_ours = fields
                .iter()
                .any(|(name, value)| name == b"name" && wire::bytes(value) == Ok(GROUP.as_bytes()));
            let count = fields.iter().find(|(name, _)| name == b"pending");
            if let Some((_, count)) = count.filter(|_| is_ours) {
                pending = integer(count)?;
            }
        }
        Ok(pending)
    }
}
