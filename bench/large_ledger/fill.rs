//! Fills an empty database: tenants with keys, tags and budgets, a year's months, and rows by several writers at once.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::Store;
use budgetguard::store::driver::{Driver, Transaction};
use budgetguard::store::error::StoreError;
use budgetguard::store::value::Value;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::made::{KEYS_EACH, TAGS_EACH, TENANTS, row};
use crate::{Outcome, say};

const DAY: i64 = 86_400_000_000;
const YEAR: i64 = 365 * DAY;
/// The year, and what begins before and after it.
const MONTHS: u32 = 15;
const BATCH: u64 = 2_000;
const WRITERS: u64 = 2;
/// How often a batch is written that the database did not take.
const TRIES_MAX: u32 = 10;

/// Fills it with so many rows of the year until now.
pub(crate) async fn fill(
    driver: &Arc<dyn Driver>,
    (store, url): (&Store, Option<&str>),
    (rows, now): (u64, UtcMicros),
) -> Outcome<()> {
    let mut change = driver.begin().await?;
    for tenant in 1..=TENANTS {
        furnish(change.as_mut(), tenant).await?;
    }
    change.commit().await?;
    let first = UtcMicros::new(now.get() - YEAR);
    store.make_partitions(first, MONTHS).await?;
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(Arc::clone(driver), writer, (rows, first)));
    }
    while let Some(written) = writers.join_next().await {
        written?.map_err(|error| error.to_string())?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let name = driver.name();
    say(&format!("{name}: {rows} rows written in {seconds:.0} s"));
    if let Some(url) = url {
        vacuum(url).await?;
    }
    Ok(())
}

/// Takes longer than the gateway waits for any statement.
async fn vacuum(url: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let mut serving = JoinSet::new();
    serving.spawn(connection);
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

/// A tenant, its keys, its tags, and budgets for itself and for each tag.
async fn furnish(change: &mut dyn Transaction, tenant: u64) -> Result<(), StoreError> {
    const TENANT: &str = "INSERT INTO tenant (name, created_at, updated_at) VALUES ($1, 1, 1)";
    const KEY: &str = "INSERT INTO api_key (tenant_id, name, prefix, lookup, hash, created_at) \
         VALUES ($1, 'service', 'bg_1234', $2, $3, 1)";
    const TAG: &str = "INSERT INTO tag (tenant_id, parent_id, name, created_at, updated_at) VALUES ($1, $2, $3, 1, 1)";
    let id = || Value::from(tenant);
    let name = Value::from(format!("customer-{tenant}").as_str());
    change.execute(TENANT, &[name]).await?;
    for key in 0..KEYS_EACH {
        let lookup = Value::from(tenant * 1_000 + key);
        let hash = Value::from(&[7_u8; 32][..]);
        change.execute(KEY, &[id(), lookup, hash]).await?;
    }
    let root = (tenant - 1) * TAGS_EACH + 1;
    for tag in 1..=TAGS_EACH {
        let parent = Value::from((tag > 1).then_some(root));
        let name = Value::from(format!("team-{tag}").as_str());
        change.execute(TAG, &[id(), parent, name]).await?;
        limit(change, tenant, ("tag", root + tag - 1, "monthly")).await?;
    }
    for period in ["daily", "monthly", "total"] {
        limit(change, tenant, ("tenant", tenant, period)).await?;
    }
    Ok(())
}

/// A budget that is never reached.
async fn limit(
    change: &mut dyn Transaction,
    tenant: u64,
    (kind, scope, period): (&str, u64, &str),
) -> Result<(), StoreError> {
    const BUDGET: &str = "INSERT INTO budget (tenant_id, scope_kind, scope_id, period, amount, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 1000000000000000, 1, 1)";
    let tenant = Value::from(tenant);
    let values = [tenant, kind.into(), scope.into(), period.into()];
    change.execute(BUDGET, &values).await.map(drop)
}

/// Every so-manieth batch, in the order of time.
async fn write(
    driver: Arc<dyn Driver>,
    writer: u64,
    (rows, first): (u64, UtcMicros),
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let store = Store::new(driver);
    let step = YEAR / i64::try_from(rows)?.max(1);
    for batch in (writer..rows.div_ceil(BATCH)).step_by(usize::try_from(WRITERS)?) {
        let numbers = batch * BATCH..rows.min((batch + 1) * BATCH);
        let made: Vec<LedgerRow> = numbers
            .map(|number| row(number, first.get() + step * number.cast_signed()))
            .collect();
        let mut tries = 1;
        while let Err(error) = store.append(&made).await {
            if tries == TRIES_MAX {
                return Err(error.into());
            }
            say(&format!("once more: {error}"));
            tries += 1;
        }
    }
    Ok(())
}
