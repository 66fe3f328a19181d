//! Budgets whose accounts are opened while rows are in the queue count each charge once.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::queue::{Queue, QueueOptions};
use budgetguard::store::Store;
use budgetguard::store::postgres::Postgres;

use crate::gateway::{Setup, Tenant};
use crate::worker::fleet::{BURST, Fleet};

/// Opens accounts before, while and after workers write.
async fn accounts_count_each_row_once(leases: &str) {
    let with_leases = |setup: Setup| setup.env("REDIS_LEASES", leases);
    let Some(fleet) = Fleet::start_with(with_leases).await else {
        return;
    };
    let tenant = fleet.tenant("opens", "100").await;
    opened_before(&fleet, &tenant, "monthly").await;
    opened_meanwhile(&fleet, &tenant).await;
    // Afterwards, with some in the ledger and some not.
    opened_before(&fleet, &tenant, "daily").await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

/// Rows are in the queue, and no worker has seen them.
async fn opened_before(fleet: &Fleet, tenant: &Tenant, period: &str) {
    fleet.burst(tenant).await;
    fleet.is_queued(BURST).await;
    fleet.open(tenant, period).await;
    fleet.assert_spent(tenant, fleet.bill().1).await;
}

async fn opened_meanwhile(fleet: &Fleet, tenant: &Tenant) {
    let _worker = fleet.worker().await;
    for period in ["custom", "weekly"] {
        fleet.open(tenant, period).await;
        fleet.assert_spent(tenant, fleet.bill().1).await;
    }
    fleet.assert_recorded(tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_that_are_opened_while_rows_are_in_the_queue_count_each_once() {
    accounts_count_each_row_once("false").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_with_slices_that_are_opened_while_rows_are_in_the_queue_count_each_once() {
    accounts_count_each_row_once("true").await;
}

/// The queue as a worker has it.
fn queue(fleet: &Fleet) -> Queue {
    Queue::new(&QueueOptions {
        url: fleet.redis.url(),
        prefix: "bg".to_owned(),
        answer_within: Duration::from_secs(1),
        entries_max: 1_000,
        reclaim_after: Duration::from_mins(1),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_wrote_before_it_died_without_saying_so_counts_once() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("half", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    let queue = queue(&fleet);
    queue.begin().await.unwrap();
    let taken = queue.take("dies", BURST / 2).await.unwrap();
    let rows: Vec<_> = taken.iter().map(|it| it.row.clone().unwrap()).collect();
    assert_eq!(rows.len(), BURST / 2);
    let postgres = Postgres::open(&fleet.database.1, 1).unwrap();
    let store = Store::new(Arc::new(postgres));
    assert_eq!(store.append(&rows).await.unwrap(), BURST / 2);
    // Half of the rows are in the ledger, all in the queue, the spools and the books.
    assert_eq!(fleet.queued(), BURST);
    fleet.open(&tenant, "monthly").await;
    fleet.assert_spent(&tenant, bill).await;
    fleet.one.kill();
    fleet.one.start().await;
    fleet.open(&tenant, "custom").await;
    fleet.assert_spent(&tenant, bill).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}
