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

use crate::faults::{row, tenants, until_leased};
use crate::fleet::Fleet;
use crate::{Spent, charge, comes_to, open, stands};

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
