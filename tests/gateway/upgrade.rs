//! One process takes over from another on the same data: no caller is turned away, no request is lost.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use budgetguard::simulator::CallOutcome;
use futures::StreamExt;
use futures::future::join_all;
use reqwest::Client;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::{cost, usd};

const ENDS_WITHIN: Duration = Duration::from_secs(30);

async fn ended(mut process: Child) -> bool {
    let deadline = Instant::now() + ENDS_WITHIN;
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait().unwrap() {
            return status.success();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    false
}

/// Calls one after the other until told to stop; every one must succeed. A kept connection may be used as long
/// as its answers do not say otherwise.
async fn call_on(
    (gateway, tenant, call): (&TestGateway, &Tenant, &Call),
    is_over: &AtomicBool,
    count: &AtomicUsize,
) {
    let client = Client::builder().no_proxy().build().unwrap();
    let (name, value) = call.dialect.key_header(&tenant.key);
    while !is_over.load(Ordering::Acquire) {
        let request = client
            .post(format!("{}{}", gateway.url, call.path))
            .header(name.clone(), value.clone())
            .timeout(ENDS_WITHIN);
        let answer = request.body(call.body.clone()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        count.fetch_add(1, Ordering::AcqRel);
    }
}

/// The provider has finished so many calls, and the ledger has as many rows at what they were billed.
async fn assert_books_agree(gateway: &TestGateway, tenant: &Tenant, expected: usize) {
    let calls = gateway.simulator.calls();
    let finished = calls
        .iter()
        .filter(|it| it.outcome == CallOutcome::Finished);
    assert_eq!(finished.count(), expected);
    // Pages shift while rows are still written.
    gateway
        .until("all rows are written", async || {
            gateway.metric("budgetguard_ledger_backlog").await == 0
        })
        .await;
    let rows = gateway.ledger(tenant).await;
    let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!((rows.len(), ids.len()), (expected, expected));
    let bill: i64 = calls
        .iter()
        .map(|call| cost(&call.model, &call.billed))
        .sum();
    let odd = rows.iter().filter(|row| row["basis"] != "measured");
    let odd: Vec<_> = odd.collect();
    assert_eq!(
        rows.iter().map(usd).sum::<i64>(),
        bill,
        "{odd:#?} {calls:#?}"
    );
    assert_eq!(gateway.standing(tenant).await, (bill, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_is_turned_away_and_no_request_is_lost() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("upgraded", "100").await;
    let long = Dialect::OpenAi.call("[[sim output=80 chunks=80 delay_ms=100]]", Some(100), true);
    let mut stream = long.send(&gateway, &tenant).await.bytes_stream();
    let mut text = stream.next().await.unwrap().unwrap().to_vec();
    let before = gateway.upgrade();
    let calls = [
        Dialect::OpenAi.call("[[sim output=5]]", Some(5), false),
        Dialect::Anthropic.call("[[sim output=5 chunks=5 delay_ms=10]]", Some(5), true),
    ];
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = join_all((0..8).map(|number| {
        let call = &calls[number % 2];
        call_on((&gateway, &tenant, call), &is_over, &count)
    }));
    let watched = async {
        while let Some(chunk) = stream.next().await {
            text.extend_from_slice(&chunk.unwrap());
        }
        assert!(ended(before).await, "{}", gateway.log());
        let so_far = count.load(Ordering::Acquire);
        // By now only the new process is there.
        gateway
            .until("the new process serves", async || {
                count.load(Ordering::Acquire) > so_far + 20
            })
            .await;
        is_over.store(true, Ordering::Release);
    };
    futures::join!(load, watched);
    assert!(
        text.ends_with(b"data: [DONE]\n\n"),
        "the old stream was cut"
    );
    let expected = count.load(Ordering::Acquire) + 1;
    assert_books_agree(&gateway, &tenant, expected).await;
    gateway.terminate();
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_data_is_refused_and_an_upgrade_of_none_just_starts() {
    let mut gateway = Setup::new().start().await;
    let output = gateway.run_with(&["serve"], &[("PORT", "1")]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("in use by another process"), "{told}");
    gateway.terminate();
    gateway.ended().await;
    gateway.start_as_upgrade().await;
    let tenant = gateway.tenant_with("starts", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=5]]", Some(5), false);
    call.text(&gateway, &tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_with_wrong_settings_does_not_disturb_the_one_that_runs() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("stays", "1").await;
    let output = gateway.run_with(&["serve", "--upgrade"], &[("PORT", "none")]);
    assert_eq!(output.status.code(), Some(2));
    let call = Dialect::OpenAi.call("[[sim output=5]]", Some(5), false);
    call.text(&gateway, &tenant).await;
}
