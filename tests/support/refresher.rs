//! What keeps the catalog current, of parts that are made for a test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use budgetguard::catalog::Catalog;
use budgetguard::catalog::accounts::AccountOpener;
use budgetguard::catalog::refresh::{DefaultBudgets, Refresher};
use budgetguard::domain::budget::Budget;
use budgetguard::domain::tenant::Tenant;
use budgetguard::domain::window::Clock;
use budgetguard::engine::BudgetEngine;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::recorder::{Batching, Recorder};
use budgetguard::spool::{Spool, SpoolOptions, SyncPolicy};
use budgetguard::store::Store;

/// So long that no test waits for it: what is taken over was told of.
const CHECK_INTERVAL: Duration = Duration::from_hours(1);

/// Tenants have the budgets that they are given.
#[derive(Debug)]
pub(crate) struct NoDefaults;

impl DefaultBudgets for NoDefaults {
    fn budgets(&self, _tenant: &Tenant, _own: &[Budget]) -> Vec<Budget> {
        Vec::new()
    }
}

pub(crate) fn refresher(
    store: &Store,
    spool: &Arc<Spool>,
    engine: &Arc<dyn BudgetEngine>,
    clock: &Arc<dyn Clock>,
) -> Refresher {
    let metrics = Arc::new(Metrics::new(TenantLabel::default()).unwrap());
    let batching = Batching {
        rows_max: 100,
        interval: Duration::ZERO,
    };
    let (told, rows) = (Arc::clone(engine), Arc::clone(spool));
    let recorder = Recorder::new(store.clone(), rows, told, metrics, batching);
    let (opened, read) = (Arc::clone(engine), Arc::clone(spool));
    let accounts = AccountOpener::new(store.clone(), opened, read, Arc::new(recorder));
    Refresher {
        store: store.clone(),
        catalog: Arc::new(Catalog::default()),
        accounts: Arc::new(accounts),
        clock: Arc::clone(clock),
        defaults: Arc::new(NoDefaults),
        turn: tokio::sync::Mutex::default(),
        check_interval: CHECK_INTERVAL,
        reopen: Arc::default(),
    }
}

pub(crate) fn spool(folder: &Path) -> Spool {
    Spool::open(SpoolOptions {
        folder: folder.join("spool"),
        sync: SyncPolicy::Os,
        entries_max: 1_000,
    })
    .unwrap()
}
