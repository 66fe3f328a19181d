//! Replicas that die and come back, and the ledger that they share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use budgetguard::domain::budget::{Coverage, Hold};
use budgetguard::domain::id::RequestId;
use budgetguard::domain::money::Usd;
use budgetguard::engine::{BudgetEngine, OpenMode, Opening, Spending, Spendings, UnknownSpending};
use futures::FutureExt;
use parking_lot::Mutex as ShortMutex;
use tokio::sync::Mutex;

use crate::books::{BUDGETS, coverage, tag_of};
use crate::fleet::{Fleet, Replica, row_of};
use crate::{opening, reservation};

/// A question to the ledger takes a moment, in which others go on.
const LEDGER_DELAY: Duration = Duration::from_millis(1);
/// How long it may take until everybody has noticed that the data is lost.
const BACK_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// The charges that were recorded, in one place for all replicas.
#[derive(Default)]
pub(crate) struct SharedLedger(ShortMutex<BTreeMap<RequestId, Spending>>);

impl SharedLedger {
    fn append(&self, spendings: &[Spending]) {
        let rows = spendings.iter().map(|it| (it.request, it.clone()));
        self.0.lock().extend(rows);
    }

    fn sum(&self, covered: &Coverage, without: &[RequestId]) -> Usd {
        let rows = self.0.lock();
        let counted = rows.values().filter(|row| !without.contains(&row.request));
        let shares = counted.filter_map(|row| {
            let share = covered.share_of(&row.origin)?;
            Some(share.weight.of(row.cost))
        });
        shares.fold(Usd::ZERO, Usd::saturating_add)
    }
}

#[async_trait]
impl Spendings for SharedLedger {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        tokio::time::sleep(LEDGER_DELAY).await;
        let sums = openings.iter();
        let sums = sums.map(|opening| self.sum(&opening.coverage, without));
        Ok(sums.collect())
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(Vec::new())
    }
}

/// A replica with a name and a data folder: it may be dead at the moment.
pub(crate) struct Member {
    name: String,
    has_leases: bool,
    pub(crate) replica: Option<Replica>,
    /// What the spool has of an earlier process.
    left_behind: Vec<Spending>,
    /// One batch at a time, and none while this replica opens accounts.
    recorder: Mutex<()>,
}

impl Member {
    /// One that was not started yet.
    pub(crate) fn new(name: String, has_leases: bool) -> Self {
        Self {
            name,
            has_leases,
            replica: None,
            left_behind: Vec::new(),
            recorder: Mutex::new(()),
        }
    }

    pub(crate) fn alive(&self) -> &Replica {
        self.replica.as_ref().unwrap()
    }

    pub(crate) fn engine(&self) -> Arc<dyn BudgetEngine> {
        self.alive().engine()
    }

    /// Ends a hold as the gateway does: its charge is in the spool first.
    pub(crate) fn settle(&self, hold: &Hold, spending: &Spending) {
        self.alive().spool.0.lock().push(spending.clone());
        self.engine().settle(hold, spending.cost);
    }

    /// Writes the oldest charges to the ledger, as the recorder does.
    pub(crate) async fn record(&self, rows_max: usize, ledger: &SharedLedger) {
        let _turn = self.recorder.lock().await;
        let batch = self.write(rows_max, ledger).await;
        let rows: Vec<_> = batch.iter().map(row_of).collect();
        self.engine().recorded(&rows);
        self.alive().spool.0.lock().drain(..batch.len());
    }

    async fn write(&self, rows_max: usize, ledger: &SharedLedger) -> Vec<Spending> {
        let spool = &self.alive().spool.0;
        let batch: Vec<Spending> = spool.lock().iter().take(rows_max).cloned().collect();
        self.engine().recording().await;
        ledger.append(&batch);
        tokio::time::sleep(LEDGER_DELAY).await;
        batch
    }

    /// Opens accounts, as the refresher does.
    pub(crate) async fn open(
        &self,
        bits: impl IntoIterator<Item = usize>,
        mode: OpenMode,
        ledger: &SharedLedger,
    ) -> Result<(), UnknownSpending> {
        let openings = bits
            .into_iter()
            .map(|bit| opening(tag_of(bit).0, coverage(bit)));
        let openings: Vec<Opening> = openings.collect();
        let _still = self.recorder.lock().await;
        self.engine().open(&openings, mode, ledger).await
    }

    /// `kill -9` while it writes rows. Its spool has what was charged, and what these requests held.
    pub(crate) async fn kill(
        &mut self,
        interrupted: Vec<Spending>,
        written: usize,
        ledger: &SharedLedger,
    ) {
        if self.replica.is_some() {
            self.write(written, ledger).await;
        }
        if let Some(replica) = self.replica.take() {
            self.left_behind.extend(replica.spool.0.lock().drain(..));
            self.left_behind.extend(interrupted);
            replica.kill();
        }
    }

    /// Starts it, also again, as the app does.
    pub(crate) async fn come_back(&mut self, fleet: &mut Fleet, ledger: &SharedLedger) {
        if self.replica.is_some() {
            return;
        }
        fleet.leases = self.has_leases;
        let replica = fleet.named(&self.name).await;
        replica.spool.0.lock().append(&mut self.left_behind);
        let recorded = replica.spool.0.lock().len();
        self.replica = Some(replica);
        self.record(recorded, ledger).await;
        let had_slices = self.alive().take_over().await;
        let mode = if had_slices || recorded > 0 {
            OpenMode::Anew
        } else {
            OpenMode::Missing
        };
        self.open_all(mode, ledger).await;
    }

    pub(crate) async fn open_all(&self, mode: OpenMode, ledger: &SharedLedger) {
        let deadline = Instant::now() + BACK_WITHIN;
        while let Err(unknown) = self.open(0..BUDGETS.len(), mode, ledger).await {
            assert!(Instant::now() < deadline, "not opened: {unknown:?}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Goes on after all data was lost: with this request, and then with any.
    pub(crate) async fn go_on(&self, number: u32, ledger: &SharedLedger) {
        let deadline = Instant::now() + BACK_WITHIN;
        let wish = reservation(number, &[], 1);
        let engine = self.engine();
        let hold = loop {
            match engine.reserve(&wish).await {
                Ok(hold) => break hold,
                Err(refusal) => assert!(Instant::now() < deadline, "{refusal:?}"),
            }
            tokio::time::sleep(POLL).await;
        };
        engine.release(&hold);
        self.open_all(OpenMode::Missing, ledger).await;
        let came_late = self.alive().came_late.notified().now_or_never();
        if came_late.is_some() {
            self.open_all(OpenMode::Anew, ledger).await;
        }
    }
}
