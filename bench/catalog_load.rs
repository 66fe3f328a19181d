//! What a large installation's catalog costs: `cargo run --release --example catalog_load [URL]`.
//! Fills an empty database with 10,000 tenants and 100,000 keys, loads it as a start does, and takes
//! over a revoked key as a running gateway does. Without a URL of Postgres it is a SQLite file.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::catalog::Catalog;
use budgetguard::catalog::accounts::AccountOpener;
use budgetguard::catalog::refresh::{DefaultBudgets, Refresher};
use budgetguard::domain::budget::shadow::Mode;
use budgetguard::domain::budget::{Budget, Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, BudgetId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::stamp::Stamp;
use budgetguard::domain::tag::Inheritance;
use budgetguard::domain::tenant::Tenant;
use budgetguard::domain::window::{Period, SystemClock, UtcMicros};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::recorder::{Batching, Recorder};
use budgetguard::spool::{Spool, SpoolOptions, SyncPolicy};
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::value::Value;
use tokio::sync::Mutex;

const TENANTS: i64 = 10_000;
const KEYS: i64 = 100_000;
const CHANGES: i64 = 5;
const CONNECTIONS_MAX: usize = 4;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Each tenant has a monthly budget, as those of a new installation have.
#[derive(Debug)]
struct Monthly;

impl DefaultBudgets for Monthly {
    fn budgets(&self, tenant: &Tenant, _own: &[Budget]) -> Vec<Budget> {
        vec![Budget {
            id: BudgetId(-tenant.id.0),
            tenant: Some(tenant.id),
            coverage: Coverage::all_of(Scope::Tenant(tenant.id)),
            period: Period::Monthly,
            limit: Usd::from_nanos(50_000_000_000),
            inheritance: Inheritance::default(),
            thresholds: None,
            mode: Mode::Enforced,
        }]
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let driver: Arc<dyn Driver> = match std::env::args().nth(1) {
        Some(url) => Arc::new(Postgres::open(&url, CONNECTIONS_MAX)?),
        None => Arc::new(Sqlite::open(&folder.path().join("bench.db")).await?),
    };
    let store = Store::new(Arc::clone(&driver));
    store.migrate().await?;
    fill(driver.as_ref()).await?;
    let refresher = refresher(&store, folder.path())?;
    say(&format!(
        "{}: {TENANTS} tenants, {KEYS} keys",
        driver.name()
    ));
    let before = resident_mib();
    let took = timed(refresher.refresh()).await?;
    say(&format!("first load, accounts opened: {took:?}"));
    say(&format!(
        "memory: +{} MiB",
        resident_mib().saturating_sub(before)
    ));
    let stamp = Stamp::by_system(UtcMicros::new(0));
    for id in 1..=CHANGES {
        store.deactivate_key(ApiKeyId(id), &stamp).await?;
        let took = timed(refresher.refresh()).await?;
        say(&format!("a revoked key is taken over: {took:?}"));
    }
    let grown = resident_mib().saturating_sub(before);
    say(&format!("memory afterwards: +{grown} MiB"));
    Ok(())
}

/// A piece of work, and how long it took.
async fn timed<E>(work: impl Future<Output = Result<(), E>>) -> Result<Duration, E> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed())
}

async fn fill(driver: &dyn Driver) -> Result<(), Box<dyn Error>> {
    const MAKE_TENANTS: &str = "INSERT INTO tenant (name, time_zone, created_at, updated_at) \
         WITH RECURSIVE number (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
         SELECT n + 1 FROM number WHERE n < $1) \
         SELECT 'customer-' || n, 'Europe/Berlin', 1, 1 FROM number";
    const MAKE_KEYS: &str = "INSERT INTO api_key (tenant_id, name, prefix, lookup, hash, created_at) \
         WITH RECURSIVE number (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
         SELECT n + 1 FROM number WHERE n < $1) \
         SELECT 1 + n % $2, 'laptop', 'bg_1234', n * 7919, $3, 1 FROM number";
    let mut change = driver.begin().await?;
    change
        .execute(MAKE_TENANTS, &[Value::from(TENANTS)])
        .await?;
    let hash = Value::from(&[7_u8; 32][..]);
    let values = [Value::from(KEYS), Value::from(TENANTS), hash];
    change.execute(MAKE_KEYS, &values).await?;
    change.commit().await?;
    Ok(())
}

fn refresher(store: &Store, folder: &Path) -> Result<Refresher, Box<dyn Error>> {
    let spool = Arc::new(Spool::open(SpoolOptions {
        folder: folder.join("spool"),
        sync: SyncPolicy::Os,
        entries_max: 1_000,
    })?);
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let batching = Batching {
        rows_max: 100,
        interval: Duration::ZERO,
    };
    let (told, rows) = (Arc::clone(&engine), Arc::clone(&spool));
    let recorder = Recorder::new(store.clone(), rows, told, metrics, batching);
    let accounts = AccountOpener::new(store.clone(), engine, spool, Arc::new(recorder));
    Ok(Refresher {
        store: store.clone(),
        catalog: Arc::new(Catalog::default()),
        accounts: Arc::new(accounts),
        clock: Arc::new(SystemClock),
        defaults: Arc::new(Monthly),
        turn: Mutex::default(),
        check_interval: Duration::from_secs(1),
        reopen: Arc::default(),
    })
}

/// How much memory the process has, as Linux counts it.
fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or_default()
        / 1024
}

fn say(line: &str) {
    // A closed pipe is the reader's wish, not a failure.
    let _ = writeln!(io::stdout(), "{line}");
}
