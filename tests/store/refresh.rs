//! The snapshot of a replica: what others change is in force as soon as the database tells of it, and
//! what could not be taken over stays wanted. No check from time to time helps here.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::catalog::refresh::Refresher;
use budgetguard::domain::budget::{Account, AccountOwner, Scope};
use budgetguard::domain::id::{BudgetId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Clock, ManualClock, Period, Window};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::store::Store;
use budgetguard::store::budgets::BudgetSettings;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::refresher::{refresher, spool};
use crate::support::{Database, NOW, STAMP, key, row, tenant};

const CHANGE_HOLDS_WITHIN: Duration = Duration::from_secs(1);
const NEWS_WITHIN: Duration = Duration::from_secs(10);
/// Those of this test alone: other tests listen on the same server.
const END_LISTENERS: &str = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) AS ended \
     FROM pg_stat_activity WHERE query = 'LISTEN budgetguard_catalog' \
     AND application_name = current_setting('application_name')";

on_both_databases![
    keys_that_changed_are_put_beside_those_that_did_not,
    accounts_that_could_not_be_opened_again_are_opened_the_next_time,
];

fn replica(store: &Store, engine: &Arc<dyn BudgetEngine>, folder: &Path) -> Refresher {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
    refresher(store, &Arc::new(spool(folder)), engine, &clock)
}

/// Waits until a replica has all changes of its store.
async fn is_current(replica: &Refresher, store: &Store) {
    let version = store.catalog_version().await.unwrap();
    let deadline = Instant::now() + CHANGE_HOLDS_WITHIN;
    while replica.catalog.snapshot().version < version {
        assert!(Instant::now() < deadline, "the replica was not told");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_replica_takes_over_a_change_as_soon_as_it_is_told_also_after_it_lost_its_connection() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let replica = replica(&database.open_again().await, &engine, folder.path());
    let (stop, stopped) = watch::channel(false);
    let store = &database.store;
    let changes = async {
        for name in ["first", "second"] {
            tenant(store, name).await;
            is_current(&replica, store).await;
        }
        for name in ["third", "fourth"] {
            database.driver.query(END_LISTENERS, &[]).await.unwrap();
            tenant(store, name).await;
            is_current(&replica, store).await;
        }
        stop.send(true).unwrap();
    };
    tokio::join!(replica.run(stopped), changes);
    schema.drop().await;
}

#[tokio::test]
async fn many_changes_at_once_are_one_piece_of_news() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let mut changes = database.store.listen().await.unwrap().unwrap();
    for name in ["a", "b", "c"] {
        tenant(&database.store, name).await;
    }
    timeout(NEWS_WITHIN, changes.next()).await.unwrap().unwrap();
    // Asked on the same server after all of it was told.
    let version = database.store.catalog_version().await.unwrap();
    assert_eq!(version, 4);
    database.driver.query(END_LISTENERS, &[]).await.unwrap();
    let lost = async { while changes.next().await.is_ok() {} };
    timeout(NEWS_WITHIN, lost).await.unwrap();
    schema.drop().await;
}

#[tokio::test]
async fn a_sqlite_file_tells_nobody() {
    let database = Database::sqlite().await;
    assert!(database.store.listen().await.unwrap().is_none());
}

async fn keys_that_changed_are_put_beside_those_that_did_not(database: Database) {
    let store = &database.store;
    let folder = TempDir::new().unwrap();
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let replica = replica(store, &engine, folder.path());
    let owner = tenant(store, "acme").await.tenant.id;
    let first = store.create_key(&key(owner, 1), &STAMP).await.unwrap();
    let takes_over = async |expected: &[(u64, bool)]| {
        replica.refresh().await.unwrap();
        let snapshot = replica.catalog.snapshot();
        let keys = snapshot.keys.values();
        let mut keys: Vec<_> = keys.map(|key| (key.lookup.0, key.is_active)).collect();
        keys.sort_unstable();
        assert_eq!(keys, expected);
    };
    takes_over(&[(1, true)]).await;
    store.create_key(&key(owner, 2), &STAMP).await.unwrap();
    takes_over(&[(1, true), (2, true)]).await;
    store
        .deactivate_key(first.unwrap().id, &STAMP)
        .await
        .unwrap();
    takes_over(&[(1, false), (2, true)]).await;
    store.close_tenant(owner, &STAMP).await.unwrap();
    takes_over(&[(1, false), (2, true)]).await;
    // An older state of the database knows none of them.
    store.reset().await.unwrap();
    takes_over(&[]).await;
}

async fn accounts_that_could_not_be_opened_again_are_opened_the_next_time(database: Database) {
    let store = &database.store;
    let folder = TempDir::new().unwrap();
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let replica = replica(store, &engine, folder.path());
    let payer = tenant(store, "acme").await.tenant.id;
    let limit = BudgetSettings::plain(Period::Total, Usd::from_nanos(100));
    let set = store
        .set_budgets(Scope::Tenant(payer), &[limit], &STAMP)
        .await;
    let budget = set.unwrap().unwrap()[0].budget.id;
    replica.refresh().await.unwrap();
    let spent = async || spent_on(engine.as_ref(), payer, budget).await;
    store.append(&[row(1, payer.0, 5)]).await.unwrap();
    replica.refresh().await.unwrap();
    assert_eq!(spent().await, Usd::ZERO, "nothing changed");

    replica.reopen.anew();
    let rename = async |statement| database.driver.execute(statement, &[]).await.unwrap();
    rename("ALTER TABLE tag RENAME TO gone").await;
    replica.refresh().await.unwrap_err();
    rename("ALTER TABLE gone RENAME TO tag").await;
    replica.refresh().await.unwrap();
    assert_eq!(spent().await, Usd::from_nanos(5), "counted anew");
}

async fn spent_on(engine: &dyn BudgetEngine, payer: TenantId, budget: BudgetId) -> Usd {
    let account = Account {
        owner: AccountOwner::Budget(budget),
        window: Window::TOTAL,
    };
    let balances = engine.balances(payer, &[account]).await;
    balances[0].unwrap().spent
}
