//! The worker's side: entries come in, and go when they are written or cannot be.

use std::collections::BTreeMap;

use redis::{Pipeline, Value};

use crate::domain::id::RequestId;
use crate::queue::entry::Taken;
use crate::queue::outgoing::Verdict;
use crate::queue::wire::{self, array, integer};
use crate::queue::{GROUP, Queue, QueueError, WAIT_FOR_ENTRIES};

/// For how long a gateway that is away finds what was said of its rows; then it ships them once more.
const VERDICTS_KEPT_S: u64 = 86_400;
/// The most dead letters that are kept: more would be a fault of something else than of rows.
pub(super) const DEAD_MAX: u64 = 100_000;
/// Workers that were not heard of for so long, and have nothing, are forgotten.
const WORKER_FORGOTTEN_MS: u64 = 3_600_000;

impl Queue {
    /// Makes the stream and its group, if they are not there. A new group begins with the oldest entry.
    pub async fn begin(&self) -> Result<(), QueueError> {
        const SCRIPT: &str = include_str!("begin.lua");
        let mut asked = Pipeline::new();
        asked.cmd("EVAL").arg(SCRIPT).arg(1).arg(&self.keys.stream);
        asked.arg(GROUP);
        self.link.ask::<Value>(&asked).await.map(drop)
    }

    /// Takes entries that nobody has, at most so many. Waits a moment for the first.
    pub async fn take(&self, worker: &str, entries_max: usize) -> Result<Vec<Taken>, QueueError> {
        let mut asked = Pipeline::new();
        asked.cmd("XREADGROUP").arg("GROUP").arg(GROUP).arg(worker);
        asked.arg("COUNT").arg(entries_max);
        asked.arg("BLOCK").arg(wire::millis(WAIT_FOR_ENTRIES));
        asked.arg("STREAMS").arg(&self.keys.stream).arg(">");
        let answers: Vec<Value> = self.waiting.ask(&asked).await?;
        let streams = array(answers.first().ok_or(QueueError::Unreadable)?)?;
        let Some(stream) = streams.first() else {
            return Ok(Vec::new());
        };
        let [_name, entries] = array(stream)? else {
            return Err(QueueError::Unreadable);
        };
        taken(entries)
    }

    /// Takes entries that another worker has had for too long, at most so many.
    pub async fn reclaim(
        &self,
        worker: &str,
        entries_max: usize,
    ) -> Result<Vec<Taken>, QueueError> {
        let mut asked = Pipeline::new();
        asked.cmd("XAUTOCLAIM").arg(&self.keys.stream).arg(GROUP);
        asked.arg(worker).arg(wire::millis(self.reclaim_after));
        asked.arg("0-0").arg("COUNT").arg(entries_max);
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        let [_next, entries, ..] = array(answers.first().ok_or(QueueError::Unreadable)?)? else {
            return Err(QueueError::Unreadable);
        };
        taken(entries)
    }

    /// Acknowledges entries whose rows are in the ledger, removes them, and tells their gateways: all of it
    /// or nothing.
    pub async fn written(&self, entries: &[&Taken]) -> Result<(), QueueError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut asked = Pipeline::new();
        asked.atomic();
        for (command, group) in [("XACK", Some(GROUP)), ("XDEL", None)] {
            asked.cmd(command).arg(&self.keys.stream).arg(group);
            for entry in entries {
                asked.arg(entry.id.to_string());
            }
        }
        let mut gateways: BTreeMap<&str, Vec<RequestId>> = BTreeMap::new();
        for entry in entries {
            if let (Some(gateway), Some(request)) = (&entry.gateway, entry.request) {
                gateways.entry(gateway).or_default().push(request);
            }
        }
        for (gateway, requests) in gateways {
            self.say(&mut asked, gateway, &Verdict::Written(requests));
        }
        self.link.ask::<Value>(&asked).await.map(drop)
    }

    pub(super) fn say(&self, asked: &mut Pipeline, gateway: &str, verdict: &Verdict) {
        let key = self.keys.verdicts(gateway);
        asked.cmd("RPUSH").arg(&key).arg(verdict.pack());
        asked.cmd("EXPIRE").arg(key).arg(VERDICTS_KEPT_S);
    }

    /// Puts an entry that cannot be written among the dead letters, and tells its gateway.
    pub async fn bury(&self, entry: &Taken, reason: &str) -> Result<(), QueueError> {
        const SCRIPT: &str = include_str!("bury.lua");
        let gateway = entry.gateway.as_deref().unwrap_or_default();
        let mut asked = Pipeline::new();
        asked.cmd("EVAL").arg(SCRIPT).arg(3);
        asked.arg(&self.keys.stream).arg(&self.keys.dead);
        asked.arg(self.keys.verdicts(gateway));
        asked.arg(GROUP).arg(entry.id.to_string()).arg(DEAD_MAX);
        // Whoever cannot be told has an empty one.
        let request = entry.request.filter(|_| !gateway.is_empty());
        asked.arg(request.map(Verdict::dead_without_place).unwrap_or_default());
        asked.arg(VERDICTS_KEPT_S).arg(reason);
        for (name, value) in &entry.fields {
            asked.arg(name.as_slice()).arg(value.as_slice());
        }
        let answers: Vec<Value> = self.link.ask(&asked).await?;
        match answers.first().map(integer) {
            Some(Ok(1)) => Ok(()),
            Some(Ok(0)) => Err(QueueError::TooManyDead(DEAD_MAX)),
            _other => Err(QueueError::Unreadable),
        }
    }

    /// Forgets workers that are gone, and has entries delivered once more that nobody has although they
    /// were delivered: somebody deleted the worker that had them.
    pub async fn tidy(&self) -> Result<(), QueueError> {
        const SCRIPT: &str = include_str!("tidy.lua");
        let mut asked = Pipeline::new();
        asked.cmd("EVAL").arg(SCRIPT).arg(1).arg(&self.keys.stream);
        asked.arg(GROUP).arg(WORKER_FORGOTTEN_MS);
        self.link.ask::<Value>(&asked).await.map(drop)
    }
}

fn taken(entries: &Value) -> Result<Vec<Taken>, QueueError> {
    let entries = wire::entries(entries)?.into_iter();
    Ok(entries
        .map(|(id, fields)| Taken::read(id, fields))
        .collect())
}
