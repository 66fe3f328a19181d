//! Rows that gateways ship are written by workers: each once, and the queue tells how far they are.

use serde_json::json;

use crate::dialect::Dialect;
use crate::gateway::{Setup, nanos};
use crate::replicas::within;
use crate::worker::fleet::{BURST, Fleet, STREAM, WITHIN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_write_each_call_of_two_gateways_once() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("shared", "100").await;
    let mut workers = [fleet.worker().await, fleet.worker().await];
    for _ in 0..3 {
        fleet.burst(&tenant).await;
    }
    fleet.assert_recorded(&tenant).await;
    let mut written = 0;
    for worker in &mut workers {
        assert!(worker.is_healthy());
        let well = json!({"ok": true, "dependencies": {"database": true, "redis": true}});
        within(WITHIN, "all is well", async || {
            worker.health().await == well && worker.metric("budgetguard_queue_available").await == 1
        })
        .await;
        written += worker.metric("budgetguard_ledger_rows_written_total").await;
        assert!(worker.stop().await.success());
    }
    assert_eq!(written, 3 * BURST as u64);
    let shipped = fleet.one.metric("budgetguard_queue_shipped_total").await;
    assert_eq!(shipped, 3 * BURST as u64 / 2);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_worker_can_be_read_and_is_told() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("patient", "100").await;
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    let request = call
        .request(&fleet.one, &tenant)
        .header("x-session-id", "s-1");
    assert_eq!(request.send().await.unwrap().status(), 200);
    fleet.is_queued(1).await;
    let entry = fleet.redis.run(&["XRANGE", STREAM, "-", "+"]);
    let fields: Vec<&str> = entry.lines().collect();
    let field = |name: &str| {
        let at = fields.iter().position(|field| *field == name).unwrap();
        fields[at + 1]
    };
    let (_, bill) = fleet.bill();
    assert_eq!(field("tenant"), "patient");
    assert_eq!(field("route"), "/v1/chat/completions");
    assert_eq!(
        (field("model"), field("status")),
        ("gpt-4o-mini", "success")
    );
    assert_eq!((field("compTok"), field("sessionId")), ("20", "s-1"));
    assert!((nanos(field("usd")) - bill).abs() <= 500, "{entry}");
    let told = async |name: &str| fleet.one.metric(name).await;
    within(WITHIN, "it is told", async || {
        told("budgetguard_queue_entries").await == 1
            && told("budgetguard_queue_oldest_seconds").await >= 1
    })
    .await;
    assert_eq!(fleet.waiting().await, 1);
    assert_eq!(fleet.one.ledger(&tenant).await.len(), 0);
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_its_database_loses_nothing_and_a_full_queue_leaves_rows_in_the_spool() {
    let small = |setup: Setup| {
        setup
            .set("ledger.queue_entries_max", "30")
            .set("ledger.batch_rows_max", "10")
    };
    let Some(fleet) = Fleet::start_with(small).await else {
        return;
    };
    let tenant = fleet.tenant("waits", "100").await;
    let (cable, mut worker) = fleet.worker_by_cable().await;
    fleet.burst(&tenant).await;
    fleet.assert_recorded(&tenant).await;
    cable.cut();
    for _ in 0..3 {
        fleet.burst(&tenant).await;
    }
    within(WITHIN, "the queue is full", async || {
        fleet.one.metric("budgetguard_queue_full_total").await > 0
            && fleet.other.metric("budgetguard_queue_full_total").await > 0
    })
    .await;
    let queued = fleet.queued();
    assert!((30..=50).contains(&queued), "{queued}");
    assert_eq!(fleet.waiting().await, 3 * BURST as u64);
    assert!(worker.is_healthy(), "it waits, and is not stuck");
    assert_eq!(worker.health().await["ok"], false);
    // It leaves what it cannot write for another.
    assert!(worker.stop().await.success());
    cable.restore();
    worker.start_again().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_what_it_needs() {
    let gateway = Setup::new().start().await;
    for (name, said) in [("worker", "redis.url"), ("serve", "needs redis.url")] {
        let output = gateway.run_with(&[name], &[("USAGE_QUEUE", "redis")]);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}
