//! The way by the queue: rows are shipped, and stay in the spool until a worker says that the ledger has
//! them. What Redis lost meanwhile is shipped once more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::queue::{Entry, EntryId, Names, Queue, Shelf, Verdict};
use crate::recorder::{FIRST_RETRY, LAST_RETRY, Recorder, RecorderError, pause, tell};

/// How often it is looked whether the queue still has what was shipped.
const PATROL_INTERVAL: Duration = Duration::from_secs(1);
/// How many entries are looked for at once.
const PATROL_TOGETHER_MAX: usize = 1_000;
/// How many dead letters are read at once.
const DEAD_TOGETHER_MAX: usize = 100;
/// How long rows wait for room in a full queue before it is asked again.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// Where rows go if not into the ledger.
#[derive(Debug)]
pub struct Shipper {
    queue: Arc<Queue>,
    names: Arc<dyn Names>,
    /// What this gateway is called, also after a restart.
    gateway: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How far in the spool's queue everything was shipped.
    place: u64,
    /// What was shipped, and where it went.
    sent: BTreeMap<RequestId, (Shelf, EntryId)>,
    /// Rows may wait that were put among the dead letters when an earlier process had shipped them.
    may_have_dead: bool,
    /// The last that was looked for.
    patrolled: Option<RequestId>,
    patrol_at: Instant,
    is_full: bool,
}

impl Shipper {
    /// A shipper to a queue, for a gateway of this name.
    pub fn new(queue: Arc<Queue>, names: Arc<dyn Names>, gateway: String) -> Self {
        Self {
            queue,
            names,
            gateway,
            state: Mutex::new(State {
                place: 0,
                sent: BTreeMap::new(),
                may_have_dead: false,
                patrolled: None,
                patrol_at: Instant::now() + PATROL_INTERVAL,
                is_full: false,
            }),
        }
    }
}

impl Recorder {
    /// Ships rows as they come, until told to stop; what the ledger does not have then stays in the spool.
    pub(super) async fn run_by_queue(&self, shipper: &Shipper, mut stop: watch::Receiver<bool>) {
        let mut state = shipper.state.lock().await;
        // Whatever else was left has been written before the start.
        state.may_have_dead = self.spool.status().waiting > 0;
        let mut retry = FIRST_RETRY;
        while !*stop.borrow() {
            self.until_due(&state, &mut stop).await;
            let Err(error) = self.round(shipper, &mut state).await else {
                retry = FIRST_RETRY;
                if state.is_full {
                    pause(FULL_PAUSE, &mut stop).await;
                }
                continue;
            };
            self.metrics.ledger_write_failed();
            tell(&error, retry);
            pause(retry, &mut stop).await;
            retry = retry.saturating_mul(2).min(LAST_RETRY);
        }
    }

    /// Waits for a row if nothing is under way, and then until it may have company.
    async fn until_due(&self, state: &State, stop: &mut watch::Receiver<bool>) {
        if state.sent.is_empty() {
            tokio::select! {
                () = self.spool.outcome_behind(state.place) => {}
                _ = stop.changed() => return,
            }
        }
        pause(self.batching.interval, stop).await;
    }

    async fn round(&self, shipper: &Shipper, state: &mut State) -> Result<(), RecorderError> {
        if state.may_have_dead {
            self.recall_dead(shipper, state).await?;
            state.may_have_dead = false;
        }
        self.hear(shipper, state).await?;
        if Instant::now() >= state.patrol_at {
            self.patrol(shipper, state).await?;
            state.patrol_at = Instant::now() + PATROL_INTERVAL;
        }
        while self.ship_next(shipper, state).await? {}
        Ok(())
    }

    /// Finds the rows that are among the dead letters already: shipped once more, they would be there twice.
    async fn recall_dead(&self, shipper: &Shipper, state: &mut State) -> Result<(), RecorderError> {
        let mut behind = None;
        loop {
            let letters = shipper.queue.dead_letters(behind, DEAD_TOGETHER_MAX);
            let letters = letters.await?;
            let Some(last) = letters.last() else {
                return Ok(());
            };
            behind = Some(last.id);
            let known = letters.iter().filter_map(|letter| {
                let request = letter.request()?;
                let waits = self.spool.has_outcome(request);
                waits.then_some((request, (Shelf::Dead, letter.id)))
            });
            state.sent.extend(known);
        }
    }

    /// Takes note of what workers said.
    async fn hear(&self, shipper: &Shipper, state: &mut State) -> Result<(), RecorderError> {
        loop {
            let verdicts = shipper.queue.verdicts(&shipper.gateway).await?;
            if verdicts.is_empty() {
                return Ok(());
            }
            for verdict in &verdicts {
                self.note(verdict, state)?;
            }
        }
    }

    fn note(&self, verdict: &Verdict, state: &mut State) -> Result<(), RecorderError> {
        match verdict {
            Verdict::Written(requests) => self.let_go(requests, state)?,
            Verdict::Removed(request) => {
                tell_of_removal(request);
                self.let_go(&[*request], state)?;
            }
            Verdict::Dead(request, place) => {
                tell_of_death(request, place);
                state.sent.insert(*request, (Shelf::Dead, *place));
            }
        }
        Ok(())
    }

    /// These are in the ledger: the books need not remember them beside it, nor does the spool.
    fn let_go(&self, requests: &[RequestId], state: &mut State) -> Result<(), RecorderError> {
        self.engine.recorded(&self.spool.outcomes_of(requests)?);
        self.spool.remove(requests)?;
        for request in requests {
            state.sent.remove(request);
        }
        Ok(())
    }

    /// Looks for some of what was shipped, in turn; for all of it, as long as something is missing.
    async fn patrol(&self, shipper: &Shipper, state: &mut State) -> Result<(), RecorderError> {
        let mut looked_for = 0;
        while looked_for < state.sent.len() {
            let some = next_of(state);
            looked_for += some.len();
            let places: Vec<_> = some.iter().map(|(_, place)| *place).collect();
            let missing = shipper.queue.missing(&places).await?;
            if missing.is_empty() {
                return Ok(());
            }
            // A worker that removed an entry has said so before.
            self.hear(shipper, state).await?;
            let missing = missing.iter().filter_map(|index| some.get(*index));
            let lost = missing.filter(|(request, place)| state.sent.get(request) == Some(place));
            let lost: Vec<RequestId> = lost.map(|(request, _)| *request).collect();
            self.ship_again(shipper, state, &lost).await?;
        }
        Ok(())
    }

    async fn ship_again(
        &self,
        shipper: &Shipper,
        state: &mut State,
        lost: &[RequestId],
    ) -> Result<(), RecorderError> {
        let rows = self.spool.outcomes_of(lost)?;
        // What is not in the spool either was written from there.
        let kept: BTreeSet<RequestId> = rows.iter().map(|row| row.request).collect();
        for request in lost.iter().filter(|request| !kept.contains(request)) {
            state.sent.remove(request);
        }
        if !rows.is_empty() {
            let rows_lost = rows.len();
            tracing::warn!(rows_lost, "the queue lost rows; they are shipped once more");
            self.ship(shipper, state, &rows).await?;
        }
        Ok(())
    }

    /// Ships the next rows of the spool. True if there may be more for which there is room.
    async fn ship_next(&self, shipper: &Shipper, state: &mut State) -> Result<bool, RecorderError> {
        let rows_max = self.batching.rows_max;
        let (rows, behind) = self.spool.batch_behind(state.place, rows_max)?;
        if rows.is_empty() {
            state.is_full = false;
            return Ok(false);
        }
        let is_whole = rows.len() >= rows_max;
        let is_new = |row: &Arc<LedgerRow>| !state.sent.contains_key(&row.request);
        let new: Vec<_> = rows.into_iter().filter(is_new).collect();
        if !new.is_empty() && !self.ship(shipper, state, &new).await? {
            return Ok(false);
        }
        state.place = behind;
        Ok(is_whole)
    }

    /// False if there is no room.
    async fn ship(
        &self,
        shipper: &Shipper,
        state: &mut State,
        rows: &[Arc<LedgerRow>],
    ) -> Result<bool, RecorderError> {
        // From here on a worker may write them, and somebody count them from the ledger.
        self.engine.recording().await;
        let (gateway, names) = (&shipper.gateway, &*shipper.names);
        let entries = rows.iter().map(|row| Entry::new(row, gateway, names));
        let entries: Option<Vec<Entry>> = entries.collect();
        let entries = entries.ok_or(RecorderError::Unpackable)?;
        let Some(places) = shipper.queue.ship(&entries).await? else {
            if !state.is_full {
                tracing::warn!("the queue is full; rows wait in the spool");
            }
            state.is_full = true;
            self.metrics.queue_was_full();
            return Ok(false);
        };
        state.is_full = false;
        let count = u64::try_from(places.len()).unwrap_or(u64::MAX);
        self.metrics.rows_shipped(count);
        let news = rows.iter().map(|row| row.request).zip(places);
        let news = news.map(|(request, place)| (request, (Shelf::Stream, place)));
        state.sent.extend(news);
        Ok(true)
    }
}

/// The next that are looked for: behind the last, and from the first on when there are no more.
fn next_of(state: &mut State) -> Vec<(RequestId, (Shelf, EntryId))> {
    let behind = state.patrolled.map_or(Bound::Unbounded, Bound::Excluded);
    let rest = state.sent.range((behind, Bound::Unbounded));
    let together = state.sent.len().min(PATROL_TOGETHER_MAX);
    let some = rest.chain(&state.sent).take(together);
    let some: Vec<_> = some.map(|(request, place)| (*request, *place)).collect();
    state.patrolled = some.last().map(|(request, _)| *request);
    some
}

fn tell_of_removal(request: &RequestId) {
    tracing::warn!(%request, "an operator removed the row of a request");
}

fn tell_of_death(request: &RequestId, place: &EntryId) {
    tracing::error!(%request, %place, "a row is among the dead letters");
}
