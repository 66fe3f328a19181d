//! What several replicas do in the same moment.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::engine::{BudgetEngine, Opening, Spending, Spendings, UnknownSpending};
use parking_lot::Mutex;

use crate::faults::{row, tenants};
use crate::fleet::Fleet;
use crate::leases::until_leased;
use crate::{Spent, charge, comes_to, open, stands, usd};

/// How long the ledger takes to answer.
const QUERY: Duration = Duration::from_millis(400);
/// Longer than a slice that nobody uses is kept.
const SLICE_IDLE: Duration = Duration::from_millis(1_500);

/// A ledger to which a replica writes rows of ten nanos while it is asked.
struct Racing {
    writer: Arc<dyn BudgetEngine>,
    numbers: Range<u32>,
    rows: Arc<Mutex<Vec<Arc<LedgerRow>>>>,
}

impl Racing {
    /// As the recorder does it.
    #[expect(clippy::disallowed_methods, reason = "no app runs here")]
    fn begin_to_write(&self) {
        let (writer, rows) = (Arc::clone(&self.writer), Arc::clone(&self.rows));
        let numbers = self.numbers.clone();
        tokio::spawn(async move {
            writer.recording().await;
            let written: Vec<_> = numbers.map(|number| row(number, 10)).collect();
            rows.lock().extend(written.iter().cloned());
            writer.recorded(&written);
        });
    }
}

#[async_trait]
impl Spendings for Racing {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        self.begin_to_write();
        tokio::time::sleep(QUERY).await;
        let rows = self.rows.lock();
        let counted = rows.iter().filter(|row| !without.contains(&row.request));
        let sum = counted.fold(Usd::ZERO, |sum, row| sum.saturating_add(row.cost));
        Ok(openings.iter().map(|_| sum).collect())
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_that_is_written_while_accounts_are_opened_counts_once() {
    let Some(mut fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS").map(Fleet::with_leases) else {
        return;
    };
    let one = fleet.replica().await;
    fleet.leases = false;
    let other = fleet.replica().await;
    let charges = [charge(1, 100_000)];
    open(&*other.engine(), tenants(1), &Spent::default()).await;
    let mut spent = until_leased(&one, &charges, 0..60).await;
    // Fresh, and not yet told.
    for number in 60..80 {
        let held = one.reserve(number, &charges, 10).await.unwrap();
        one.settle(&held, 10);
        spent += 10;
    }
    let racing = Racing {
        writer: one.engine(),
        numbers: 0..80,
        rows: Arc::default(),
    };
    open(&*other.engine(), tenants(1), &racing).await;
    // Until the slice is given back, and all is told.
    tokio::time::sleep(SLICE_IDLE).await;
    comes_to(&*other.engine(), 1, stands(spent, 0)).await;
}

/// A ledger with nothing in it, which takes its time to say so.
struct Slow;

#[async_trait]
impl Spendings for Slow {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        _without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(openings.iter().map(|_| Usd::ZERO).collect())
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::disallowed_methods, reason = "no app runs here")]
async fn what_the_installation_refused_is_released_before_it_is_tried_again() {
    let Some(fleet) = Fleet::shared("BUDGETGUARD_TEST_REDIS") else {
        return;
    };
    let (one, other) = (fleet.replica().await, fleet.replica().await);
    let charges = [charge(1, 100_000_000), charge(4, 50)];
    open(&*other.engine(), tenants(1), &Slow).await;
    let engine = other.engine();
    // Books are frozen most of the time.
    let opening = tokio::spawn(async move {
        for _ in 0..60 {
            open(&*engine, tenants(1), &Slow).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    });
    for number in 0..60 {
        assert!(one.reserve(number, &charges, 100).await.is_err());
        let held = one.hold(number, &charges[..1], 40).await;
        assert_eq!(held.amount, usd(40), "a hold of its own");
        one.settle(&held, 40);
    }
    opening.await.unwrap();
    comes_to(&*other.engine(), 1, stands(2_400, 0)).await;
}
