//! Settles what providers do after their answers: responses in the background, batches. Each is looked
//! after by whichever replica takes it next, so nothing is forgotten when one dies.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use http::HeaderMap;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::catalog::accounts::AccountOpener;
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::object::{ObjectChange, ObjectKind, ObjectNotes, ObjectRef};
use crate::domain::usage::Basis;
use crate::domain::window::{Clock, UtcMicros};
use crate::objects::client::{ProviderClient, Question, Unheard};
use crate::objects::tally::Tally;
use crate::providers::Dialect;
use crate::providers::deferred::{Answers, Ending, Standing, asked_at, path_of, standing};
use crate::store::Store;
use crate::store::deferred::DeferredCall;
use crate::store::error::StoreError;

/// How long whoever took a call has it for itself.
const TAKEN_FOR: Duration = Duration::from_mins(2);
/// How many calls are looked after at once.
const AT_ONCE: usize = 4;
/// The longest description of a response or a batch.
const DESCRIPTION_BYTES_MAX: usize = 128 * 1024 * 1024;
/// The longest answers of one batch, which are read line by line: a hundred thousand embeddings of three
/// thousand numbers are four gigabytes.
const ANSWERS_BYTES_MAX: usize = 8 * 1024 * 1024 * 1024;
/// A provider may not know at once what it has just begun.
const KNOWN_AFTER: Duration = Duration::from_mins(1);
/// Batches end within a day; their answers stay for weeks.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(24 * 7);
/// How often what nobody can ask for any more is deleted.
const TIDIED_EVERY: Duration = Duration::from_hours(1);
/// How long it is known that an object was deleted.
const DELETED_KEPT: Duration = Duration::from_hours(24 * 30);
/// Providers keep responses for thirty days.
const RESPONSES_KEPT: Duration = Duration::from_hours(24 * 35);

/// See the module.
#[derive(Debug)]
pub struct Poller {
    /// Where the calls are.
    pub store: Store,
    /// Who asks.
    pub client: Arc<ProviderClient>,
    /// What is paid for them.
    pub catalog: Arc<Catalog>,
    /// What counts budgets anew.
    pub accounts: Arc<AccountOpener>,
    /// How many there are, for those who would make more.
    pub open: Arc<AtomicU64>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long after its request a call is looked at first. Each time it is twice as long.
    pub interval: Duration,
    /// But not longer than this.
    pub interval_max: Duration,
}

impl Poller {
    /// Looks after calls until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut tidied_at = UtcMicros::new(0);
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                _ = stop.changed() => break,
            }
            tokio::select! {
                () = self.look_after_all(&mut tidied_at) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn look_after_all(&self, tidied_at: &mut UtcMicros) {
        let worked = self.work_off(tidied_at).await;
        if let Err(error) = worked {
            tracing::warn!(%error, "calls whose cost is not known yet cannot be looked after");
        }
    }

    async fn work_off(&self, tidied_at: &mut UtcMicros) -> Result<(), StoreError> {
        let workers = (0..AT_ONCE).map(|_| async {
            while self.look_after_next().await? {}
            Ok::<(), StoreError>(())
        });
        try_join_all(workers).await?;
        let count = self.store.deferred_count().await?;
        self.open.store(count, Ordering::Relaxed);
        let now = self.clock.now();
        if now.since(*tidied_at) > TIDIED_EVERY {
            let (deleted, responses) = (now.minus(DELETED_KEPT), now.minus(RESPONSES_KEPT));
            self.store.forget_objects(deleted, responses).await?;
            *tidied_at = now;
        }
        Ok(())
    }

    /// False when nothing is due.
    async fn look_after_next(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let claimed = self.store.claim_deferred(now, now.plus(TAKEN_FOR)).await?;
        let Some(call) = claimed else {
            return Ok(false);
        };
        if call.is_settled {
            self.count_anew(&call.row).await?;
            return Ok(true);
        }
        let outcome = self.outcome(&call).await;
        let Some(row) = decided(&call, outcome, now) else {
            let request = call.row.request;
            let again_at = self.clock.now().plus(self.pause_after(call.polls));
            self.store.put_off_deferred(request, again_at).await?;
            return Ok(true);
        };
        self.store.settle_deferred(&row).await?;
        tracing::debug!(
            request = %row.request, cost_usd = %row.cost, basis = row.basis.as_str(),
            "request settled after its answer"
        );
        self.count_anew(&row).await?;
        Ok(true)
    }

    fn pause_after(&self, polls: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(polls.saturating_sub(1).min(16));
        self.interval.saturating_mul(doubled).min(self.interval_max)
    }

    /// Budgets count what the ledger has; a crash before it is mended by whoever takes the call next.
    async fn count_anew(&self, row: &LedgerRow) -> Result<(), StoreError> {
        let snapshot = self.catalog.snapshot();
        match self
            .accounts
            .count_anew(&snapshot, row, self.clock.now())
            .await
        {
            Ok(()) => self.store.forget_deferred(row.request).await,
            Err(error) => {
                tracing::warn!(%error, "budgets still count what was held for a request");
                let again_at = self.clock.now().plus(self.interval_max);
                self.store.put_off_deferred(row.request, again_at).await
            }
        }
    }

    /// The real row, if the provider is done.
    async fn outcome(&self, call: &DeferredCall) -> Result<Option<LedgerRow>, Unheard> {
        let ObjectRef { provider, kind, id } = &call.object;
        let home = Dialect::ALL.into_iter();
        let home = home.clone().find(|home| home.as_str() == provider.as_str());
        let asked = home.and_then(|home| Some((home, path_of(home, *kind, id)?)));
        let Some((home, path)) = asked else {
            return Ok(Some(worst_case(&call.row, "unknown_object")));
        };
        let heard = self
            .client
            .ask(&question(home, &path, DESCRIPTION_BYTES_MAX))
            .await?;
        match heard.status {
            200 => {}
            404 if self.clock.now() > call.row.at.plus(KNOWN_AFTER) => {
                return Ok(Some(worst_case(&call.row, "object_gone")));
            }
            _ => return Ok(None),
        }
        match standing(home, (*kind, id), &call.row.model, &heard.body) {
            None | Some(Standing::UnderWay) => Ok(None),
            Some(Standing::Used(ending, used)) => {
                let mut tally = self.tally(home, &call.row);
                tally.add(&used);
                Ok(Some(settled(&call.row, ending, tally)))
            }
            Some(Standing::Answered(ending, answers)) => {
                self.read_answers(home, call, (ending, answers)).await
            }
        }
    }

    async fn read_answers(
        &self,
        home: Dialect,
        call: &DeferredCall,
        (ending, answers): (Ending, Answers),
    ) -> Result<Option<LedgerRow>, Unheard> {
        let operation = asked_at(&call.row.route).or(answers.operation);
        let mut tally = self.tally(home, &call.row);
        if answers.is_unknown {
            tally.note_unknown();
        }
        for line in &answers.lines {
            tally.add_line(home, operation, line);
        }
        if let Some(path) = &answers.path {
            let question = question(home, path, ANSWERS_BYTES_MAX);
            let mut read = |line: &[u8]| tally.add_line(home, operation, line);
            match self.client.ask_lines(&question, &mut read).await? {
                200 => {}
                404 => return Ok(Some(worst_case(&call.row, "answers_gone"))),
                _ => return Ok(None),
            }
        }
        let row = settled(&call.row, ending, tally);
        let made = answers.files.into_iter().map(|id| {
            let file = ObjectRef {
                provider: call.object.provider.clone(),
                kind: ObjectKind::File,
                id,
            };
            (file, ObjectChange::Made)
        });
        let objects = ObjectNotes {
            changes: made.collect(),
            settles_with: None,
        };
        Ok(Some(LedgerRow { objects, ..row }))
    }

    fn tally(&self, home: Dialect, row: &LedgerRow) -> Tally {
        let snapshot = self.catalog.snapshot();
        let price = snapshot.prices.find(home.as_str(), &row.model, row.at);
        Tally::new(price.cloned(), row)
    }
}

/// The real row; nothing where it has to be asked for again.
fn decided(
    call: &DeferredCall,
    outcome: Result<Option<LedgerRow>, Unheard>,
    now: UtcMicros,
) -> Option<LedgerRow> {
    let (request, polls) = (call.row.request, call.polls);
    let row = outcome.unwrap_or_else(|error| {
        tracing::debug!(%error, %request, polls, "the provider is asked again later");
        None
    });
    let is_given_up = now > call.row.at.plus(GIVEN_UP_AFTER);
    row.or_else(|| is_given_up.then(|| worst_case(&call.row, "never_settled")))
}

fn question(home: Dialect, path: &str, bytes_max: usize) -> Question<'_> {
    Question {
        home,
        path,
        headers: HeaderMap::new(),
        bytes_max,
    }
}

fn settled(row: &LedgerRow, ending: Ending, tally: Tally) -> LedgerRow {
    let (status, reason) = match ending {
        Ending::Done => (Status::Success, None),
        Ending::Failed => (Status::Failed, Some("upstream_failed")),
        Ending::Stopped => (Status::Aborted, Some("stopped")),
    };
    LedgerRow {
        status,
        reason: reason.map(Cow::Borrowed),
        ..tally.into_row(row)
    }
}

/// Nobody knows what it used, so it is charged at the most that it can have.
fn worst_case(row: &LedgerRow, reason: &'static str) -> LedgerRow {
    LedgerRow {
        status: Status::Aborted,
        reason: Some(Cow::Borrowed(reason)),
        cost: row.held,
        basis: Basis::Unknown,
        objects: ObjectNotes::default(),
        ..row.clone()
    }
}
