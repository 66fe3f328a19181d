//! What is killed, flushed or deleted while rows are in the queue: each row is written, once.

use std::time::Duration;

use crate::replicas::within;
use crate::worker::fleet::{BURST, Fleet, STREAM, WITHIN, assert_spent, standings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_lose_and_double_nothing() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("unlucky", "100").await;
    let mut workers = [fleet.worker().await, fleet.worker().await];
    for number in 0..6 {
        let killing = async {
            tokio::time::sleep(Duration::from_millis(150 + 40 * number)).await;
            let worker = &mut workers[usize::try_from(number % 2).unwrap()];
            worker.kill();
            worker.start_again().await;
        };
        tokio::join!(fleet.burst(&tenant), killing);
    }
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_loses_is_shipped_once_more() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("forgotten", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    fleet.redis.run(&["FLUSHALL"]);
    fleet.is_queued(BURST).await;
    fleet.is_served(&tenant).await;
    fleet.is_queued(BURST + 2).await;
    fleet.assert_spent(&tenant, fleet.bill().1).await;
    // A server that comes back without its data.
    fleet.redis.kill();
    fleet.redis.start_again().await;
    fleet.is_queued(BURST + 2).await;
    fleet.is_served(&tenant).await;
    fleet.assert_spent(&tenant, fleet.bill().1).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.redis.run(&["FLUSHALL"]);
    fleet.is_served(&tenant).await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_while_its_rows_are_queued_has_each_once() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("restarts", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    fleet.one.kill();
    // It writes what is in its spool before it serves.
    fleet.one.start().await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), BURST / 2);
    fleet.assert_spent(&tenant, bill).await;
    // So it does when it stops.
    fleet.other.terminate();
    assert!(fleet.other.ended().await.success());
    fleet.other.start().await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), BURST);
    fleet.assert_spent(&tenant, bill).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_gateway_that_is_gone_with_its_disk_are_written() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("diskless", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    fleet.other.kill();
    let _worker = fleet.worker().await;
    within(WITHIN, "all is written", async || {
        fleet.queued() == 0 && fleet.one.ledger(&tenant).await.len() == BURST
    })
    .await;
    assert_spent(&fleet.one, &tenant, bill).await;
    fleet.open_on_one(&tenant, "monthly").await;
    assert_eq!(standings(&fleet.one, &tenant).await.len(), 2);
    assert_spent(&fleet.one, &tenant, bill).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_a_worker_that_somebody_deleted_are_written_all_the_same() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("deleted", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let group = fleet
        .redis
        .run(&["XGROUP", "CREATE", STREAM, "ledger", "0"]);
    assert_eq!(group, "OK");
    let take = [
        "XREADGROUP",
        "GROUP",
        "ledger",
        "gone",
        "STREAMS",
        STREAM,
        ">",
    ];
    fleet.redis.run(&take);
    let pending = fleet
        .redis
        .run(&["XGROUP", "DELCONSUMER", STREAM, "ledger", "gone"]);
    assert_eq!(pending, BURST.to_string());
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}
