//! The promise: whatever the load, the provider's bill stays within the budget, which can be used.

use std::sync::Arc;

use rand::RngExt;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::{cost, usd};

const LIMIT: i64 = 1_000_000_000;
const CLIENTS: usize = 256;
/// A client gives up after so many refusals at the smallest size.
const REFUSALS_MAX: u32 = 4;
const SMALLEST: u64 = 64;

/// Calls with random sizes, smaller and smaller once refused, until nothing fits any more.
async fn spend(gateway: Arc<TestGateway>, tenant: Tenant) {
    let (mut largest, mut refusals) = (4_000, 0);
    while refusals < REFUSALS_MAX {
        let (dialect, streamed, cap, share) = {
            let mut rng = rand::rng();
            let dialect = Dialect::ALL[rng.random_range(0..3)];
            let cap = rng.random_range(SMALLEST..=largest);
            (dialect, rng.random_bool(0.3), cap, rng.random_range(1..=3))
        };
        let prompt = format!("[[sim output={} chunks=8]]", cap * share / 2);
        let call = dialect.call(&prompt, Some(cap), streamed);
        let answer = call.send(&gateway, &tenant).await;
        let status = answer.status().as_u16();
        answer.bytes().await.unwrap();
        match status {
            200 => refusals = 0,
            402 if largest > SMALLEST => largest = (largest / 2).max(SMALLEST),
            402 => refusals += 1,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "clients that call side by side")]
async fn two_hundred_and_fifty_six_clients_never_overspend_one_dollar() {
    let gateway = Arc::new(Setup::new().start().await);
    let tenant = gateway.tenant_with("crowd", "1").await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(spend(Arc::clone(&gateway), tenant.clone())))
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let calls = gateway.simulator.calls();
    let bill: i64 = calls
        .iter()
        .map(|call| cost(&call.model, &call.billed))
        .sum();
    assert!(bill <= LIMIT, "overspent: {bill}");
    assert!(bill * 100 >= LIMIT * 95, "only {bill} could be used");
    gateway.assert_nothing_held().await;
    assert_eq!(gateway.standing(&tenant).await, (bill, 0));
    gateway
        .until("the ledger is complete", async || {
            gateway
                .metric("budgetguard_spool_entries{state=\"waiting\"}")
                .await
                == 0
        })
        .await;
    let rows = gateway.ledger(&tenant).await;
    let sent = rows.iter().filter(|row| row["status"] == "success");
    assert_eq!(sent.count(), calls.len());
    assert_eq!(rows.iter().map(usd).sum::<i64>(), bill);
}
