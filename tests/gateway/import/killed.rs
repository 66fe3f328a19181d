//! An import that is killed on its way is made up for by the next one.

use std::process::{Command, Stdio};
use std::time::Duration;

use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;

use crate::gateway::Setup;
use crate::import::{SCHEMA, import};
use crate::postgres::Schema;
use crate::replicas::within;

const ROWS: i64 = 200;
/// Half of the ids of a block, so that few rows make many blocks.
const LEDGER: &str = "INSERT INTO \"UsageLedger\" (id, ts, tenant, route, usd, \"promptTok\", \"compTok\", \
     \"tenantId\", model) SELECT number * 2500, '2025-06-05 11:00:00', 'public', '/', 0.000000001, \
     1, 1, 1, 'x' FROM generate_series(1, 200) AS number";
const SPENT: &str = "SELECT CAST(SUM(cost) AS BIGINT) AS count FROM usage_ledger";
/// Whoever waits to note something.
const WAITING: &str = "SELECT COUNT(*) AS count FROM pg_locks \
     WHERE relation = 'import_mark'::regclass AND NOT granted";
const WITHIN: Duration = Duration::from_secs(20);

async fn count(driver: &Postgres, sql: &'static str) -> i64 {
    let rows = driver.query(sql, &[]).await.unwrap();
    rows[0].int("count").unwrap()
}

async fn rows(driver: &Postgres) -> i64 {
    count(driver, "SELECT COUNT(*) AS count FROM usage_ledger").await
}

/// Blocks that came over and were noted.
async fn noted(driver: &Postgres) -> i64 {
    const NOTED: &str = "SELECT COUNT(*) AS count FROM import_mark WHERE kind = 'ledger'";
    count(driver, NOTED).await
}

/// Kills an import that has written a block and not noted it, and tells how many rows there are.
async fn kill_between_two_writes(command: &mut Command, driver: &Postgres) -> i64 {
    let mut import = command.stdout(Stdio::null()).spawn().unwrap();
    within(WITHIN, "a block is noted", async || noted(driver).await > 0).await;
    let mut hold = driver.begin().await.unwrap();
    let lock = "LOCK TABLE import_mark IN SHARE MODE";
    hold.execute(lock, &[]).await.unwrap();
    within(WITHIN, "the next one cannot be", async || {
        count(driver, WAITING).await > 0
    })
    .await;
    import.kill().unwrap();
    import.wait().unwrap();
    let (written, noted) = (rows(driver).await, noted(driver).await);
    assert!(written < ROWS, "{written}");
    assert!(written > noted * 2, "{written} rows, {noted} noted blocks");
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_an_import_that_was_killed_between_two_writes_is_finished_by_the_next() {
    let (Some(original), Some(target)) = (Schema::new().await, Schema::new().await) else {
        return;
    };
    original.run_inside(SCHEMA).await;
    original.run_inside(LEDGER).await;
    let gateway = Setup::new().env("DATABASE_URL", target.url()).start().await;
    let driver = Postgres::open(&target.url(), 2).unwrap();
    let mut command = gateway.command(&["import", "--from", &original.url()]);
    let written = kill_between_two_writes(&mut command, &driver).await;
    let report = import(&gateway, &original);
    assert_eq!(report["spending"]["addsUp"], true, "{report:#}");
    let ledger = &report["kinds"]["ledger"];
    assert_eq!(ledger["alreadyThere"], written, "{report:#}");
    assert_eq!(ledger["imported"], ROWS - written, "{report:#}");
    assert_eq!(rows(&driver).await, ROWS);
    assert_eq!(count(&driver, SPENT).await, ROWS, "a nano-dollar each");
    drop(gateway);
    target.drop().await;
    original.drop().await;
}
