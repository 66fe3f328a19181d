//! `kill -9` under load, again and again: each provider call has its one row, and nothing stays held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use budgetguard::simulator::CallRecord;
use futures::future::join_all;
use reqwest::Client;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::usd;

const ROUNDS: usize = 50;
const CLIENTS: usize = 32;
const LOAD: Duration = Duration::from_millis(300);

/// Callers that go on until the gateway is gone. Each request has a number: it is its session in the
/// ledger and its input tokens in the provider's books.
struct Load {
    url: String,
    tenant: Tenant,
    http: Client,
    next: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    fn new(gateway: &TestGateway, tenant: &Tenant) -> Arc<Self> {
        Arc::new(Self {
            url: gateway.url.clone(),
            tenant: tenant.clone(),
            http: Client::builder().no_proxy().build().unwrap(),
            // No prompt below has so many tokens by itself.
            next: AtomicU64::new(1_000),
            is_over: AtomicBool::new(false),
        })
    }

    async fn call(self: Arc<Self>) {
        while !self.is_over.load(Ordering::Acquire) {
            let number = self.next.fetch_add(1, Ordering::AcqRel);
            let at = usize::try_from(number).unwrap();
            let (dialect, streamed) = (Dialect::ALL[at % 3], at % 4 < 2);
            let pace = if streamed {
                "chunks=10 delay_ms=5"
            } else {
                "first_byte_ms=3"
            };
            let prompt = format!("[[sim input={number} output=20 {pace}]]");
            let call = dialect.call(&prompt, Some(50), streamed);
            let (name, value) = dialect.key_header(&self.tenant.key);
            let request = self
                .http
                .post(format!("{}{}", self.url, call.path))
                .header(name, value)
                .header("x-session-id", number.to_string())
                .timeout(Duration::from_secs(10))
                .body(call.body);
            let Ok(answer) = request.send().await else {
                continue;
            };
            assert_eq!(answer.status(), 200);
            // It may break off.
            let _ = answer.bytes().await;
        }
    }
}

/// How often a kill came at which moment.
#[derive(Debug, Default)]
struct Seen {
    calls: usize,
    interrupted: usize,
    /// Killed between the record of the intent and the provider.
    never_sent: usize,
}

fn by_number(calls: &[CallRecord]) -> BTreeMap<u64, &CallRecord> {
    // A call whose body never arrived has no number; the provider bills nothing for it.
    let numbered = calls.iter().filter(|call| !call.model.is_empty());
    let by_number: BTreeMap<_, _> = numbered.clone().map(|it| (it.billed.input, it)).collect();
    assert_eq!(
        by_number.len(),
        numbered.count(),
        "a request was sent twice"
    );
    by_number
}

fn check(calls: &[CallRecord], rows: &[Value], seen: &mut Seen) {
    let calls = by_number(calls);
    let mut recorded = BTreeSet::new();
    for row in rows {
        let number: u64 = row["sessionId"].as_str().unwrap().parse().unwrap();
        assert!(recorded.insert(number), "two rows of one request: {row}");
        let is_interrupted = row["status"] == "interrupted";
        if is_interrupted {
            seen.interrupted += 1;
            assert_eq!(
                (&row["usd"], &row["basis"]),
                (&row["heldUsd"], &Value::from("unknown"))
            );
        }
        match calls.get(&number) {
            Some(call) if !is_interrupted => {
                assert_eq!(row["upstreamRequestId"], *call.request_id, "{row}");
            }
            Some(_) => {}
            None => {
                assert!(is_interrupted, "a row without a call: {row}");
                seen.never_sent += 1;
            }
        }
    }
    for (number, call) in &calls {
        assert!(recorded.contains(number), "a call without a row: {call:?}");
    }
    seen.calls += calls.len();
}

#[expect(clippy::disallowed_methods, reason = "clients that call side by side")]
async fn round(gateway: &mut TestGateway, number: usize, seen: &mut Seen) {
    gateway.simulator.reset();
    let tenant = gateway
        .tenant_with(&format!("round {number}"), "1000")
        .await;
    let load = Load::new(gateway, &tenant);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(Arc::clone(&load).call()))
        .collect();
    tokio::time::sleep(LOAD).await;
    gateway.kill();
    load.is_over.store(true, Ordering::Release);
    let ended = join_all(clients).await;
    assert!(
        ended.iter().all(Result::is_ok),
        "a client saw something else than an answer"
    );
    gateway
        .until("the provider notices", async || {
            gateway.simulator.totals().in_flight == 0
        })
        .await;
    gateway.start().await;
    let rows = gateway.ledger(&tenant).await;
    check(&gateway.simulator.calls(), &rows, seen);
    assert_settled(gateway, &tenant, &rows).await;
}

/// Nothing is held, and what is spent is what the ledger says.
async fn assert_settled(gateway: &TestGateway, tenant: &Tenant, rows: &[Value]) {
    let spent = rows.iter().map(usd).sum::<i64>();
    assert_eq!(gateway.standing(tenant).await, (spent, 0));
    for metric in [
        "budgetguard_reservations_open",
        "budgetguard_spool_entries{state=\"open\"}",
    ] {
        assert_eq!(gateway.metric(metric).await, 0, "{metric}");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn rounds() -> usize {
    let asked = std::env::var("BUDGETGUARD_KILL_ROUNDS");
    asked.map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_or_doubles_a_row() {
    let mut gateway = Setup::new().start().await;
    let mut seen = Seen::default();
    for number in 0..rounds() {
        round(&mut gateway, number, &mut seen).await;
    }
    println!("{seen:?}");
    assert!(
        seen.calls > 0 && seen.interrupted > 0,
        "the kills hit nothing: {seen:?}"
    );
}
