//! Signs checkpoints: compares the ledger with what was signed before, and says how far its chains go now.
//! What is not as it was signed is told, and not signed again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::alerts::message::Message;
use crate::alerts::webhook::Webhook;
use crate::domain::ledger::chain::{Tail, WriterId};
use crate::domain::window::{Clock, UtcMicros};
use crate::evidence::book::{Book, OpenBook, Testimony};
use crate::evidence::chains::Signed;
use crate::evidence::checkpoint::{Checkpoint, CheckpointError, Retired, line_hash};
use crate::evidence::key::CheckpointKey;
use crate::metrics::Metrics;
use crate::metrics::evidence::CheckpointOutcome;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ledger::reading::{ChainEnd, LedgerReading};

const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Why there is no new checkpoint.
#[derive(Debug, Error)]
pub enum NotaryError {
    /// The database could not be read.
    #[error("could not read the ledger: {0}")]
    Store(#[from] StoreError),
    /// The book could not be read or written.
    #[error("the book of checkpoints: {0}")]
    Book(#[from] io::Error),
    /// The line could not be made.
    #[error("{0}")]
    Line(#[from] CheckpointError),
    /// The ledger or the book is not as it was signed.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
}

/// See the module.
#[derive(Debug)]
pub struct Notary {
    /// What is signed for.
    pub store: Store,
    /// Where checkpoints are kept.
    pub book: Book,
    /// Signs them.
    pub key: CheckpointKey,
    /// Where they are sent, and how often each is tried.
    pub webhook: Option<(Arc<Webhook>, u32)>,
    /// What counts.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What the ledger has of its chains now.
struct Ends {
    ends: Vec<ChainEnd>,
    unchained: u64,
}

impl Notary {
    /// Signs now and at every interval, until told to stop.
    pub async fn run(self: Arc<Self>, interval: Duration, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(interval);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.changed() => {}
            }
            if *stop.borrow() {
                return;
            }
            // What went wrong is told where it happened.
            let _ = self.sign().await;
        }
    }

    /// Signs a checkpoint, unless the ledger is not what was signed before, and sends it.
    pub async fn sign(&self) -> Result<Checkpoint, NotaryError> {
        let signed = self.sign_with(None).await;
        self.tell(signed.as_ref().err());
        let (checkpoint, line) = signed?;
        self.send(line).await;
        Ok(checkpoint)
    }

    /// Signs that rows leave the ledger. They must still be there.
    pub async fn retire(&self, retired: Retired) -> Result<Checkpoint, NotaryError> {
        let signed = self.sign_with(Some(retired)).await;
        self.tell(signed.as_ref().err());
        let (checkpoint, line) = signed?;
        self.send(line).await;
        Ok(checkpoint)
    }

    async fn sign_with(
        &self,
        retired: Option<Retired>,
    ) -> Result<(Checkpoint, String), NotaryError> {
        let book = self.book.clone();
        let public = self.key.public();
        let read = move || {
            let open = book.open()?;
            let testimony = Testimony::of(&open.lines, &[public]);
            Ok::<_, io::Error>((open, testimony))
        };
        let (open, testimony) = spawn_blocking(read).await.map_err(io::Error::other)??;
        let mut reading = self.store.read_ledger().await?;
        let now = Ends {
            ends: reading.chain_ends().await?,
            unchained: reading.unchained_rows().await?,
        };
        let problems = problems(&mut reading, &testimony, &now).await?;
        if !problems.is_empty() {
            return Err(NotaryError::Refused(problems));
        }
        let checkpoint = Checkpoint {
            at: self.clock.now(),
            previous: open.previous(),
            writers: now
                .ends
                .iter()
                .map(|end| (end.writer.id, end.recorded))
                .collect(),
            unchained: now.unchained,
            retired,
        };
        let line = checkpoint.sign(&self.key)?;
        append(open, line.clone()).await?;
        Ok((checkpoint, line))
    }

    fn tell(&self, problem: Option<&NotaryError>) {
        let outcome = match problem {
            None => CheckpointOutcome::Signed,
            Some(NotaryError::Refused(problems)) => {
                for problem in problems {
                    tell_of(problem);
                }
                CheckpointOutcome::Refused
            }
            Some(error) => {
                tracing::warn!(%error, "no checkpoint of the ledger");
                CheckpointOutcome::Failed
            }
        };
        self.metrics.checkpoint_tried(outcome);
    }

    async fn send(&self, line: String) {
        let Some((webhook, attempts_max)) = &self.webhook else {
            return;
        };
        let message = Message::of_checkpoint(&line_hash(&line), line);
        let mut pause = FIRST_RETRY;
        for attempt in 1..=*attempts_max {
            match webhook.send(&message, self.clock.now()).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, attempt, "a checkpoint was not delivered"),
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        self.metrics
            .checkpoint_tried(CheckpointOutcome::Undelivered);
    }
}

fn tell_of(problem: &str) {
    tracing::error!(%problem, "the ledger is not what was signed; no checkpoint");
}

async fn append(mut open: OpenBook, line: String) -> io::Result<()> {
    let written = spawn_blocking(move || open.append(line)).await;
    written.map_err(io::Error::other)?
}

/// What of the ledger and the book is not as it was signed.
async fn problems(
    reading: &mut LedgerReading,
    testimony: &Testimony,
    now: &Ends,
) -> Result<Vec<String>, StoreError> {
    let found = testimony.findings.iter().map(ToString::to_string);
    let mut problems: Vec<String> = found.collect();
    let signed = testimony.signed();
    let of = |writer| signed.get(&writer);
    if let Some(last) = testimony.checkpoints.last() {
        for (writer, tail) in &last.writers {
            let problem = compare_signed(reading, (*writer, *tail), of(*writer), last.at).await?;
            problems.extend(problem);
        }
    }
    if let Some(unchained) = testimony.unchained()
        && now.unchained < unchained
    {
        let there = now.unchained;
        problems.push(format!("of {unchained} rows in no chain, {there} are left"));
    }
    for end in &now.ends {
        let reached = end.last_row.unwrap_or_else(|| Tail::start(end.writer.id));
        if reached != end.recorded && !has_left(of(end.writer.id), end.recorded) {
            problems.push(format!(
                "the rows of writer {} end with {}, and its record says {}",
                end.writer.id, reached.seq, end.recorded.seq
            ));
        }
    }
    Ok(problems)
}

/// Compares a row with what was signed about it.
async fn compare_signed(
    reading: &mut LedgerReading,
    (writer, tail): (WriterId, Tail),
    signed: Option<&Signed>,
    at: UtcMicros,
) -> Result<Option<String>, StoreError> {
    let is_fine = match reading.hash_at(writer, tail.seq).await? {
        Some(hash) => hash == tail.hash,
        None => tail.seq == 0 || has_left(signed, tail),
    };
    let problem = format!(
        "row {} of writer {writer} is not what it was at the checkpoint of {at}",
        tail.seq
    );
    Ok((!is_fine).then_some(problem))
}

/// Whether a row left the ledger by a signed record.
fn has_left(signed: Option<&Signed>, tail: Tail) -> bool {
    let gap = signed.and_then(|signed| signed.gap_of(tail.seq));
    gap.is_some_and(|gap| gap.end.seq > tail.seq || gap.end.hash == tail.hash)
}
