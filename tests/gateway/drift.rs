//! That budgets stand at what the ledger says, as an operator sees it.

use std::sync::Arc;

use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::store::Store;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::usage::LedgerFilter;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};

const DRIFT: &str = "budgetguard_counter_drift_usd";

/// A row that no gateway knows of, as one that was restored by hand.
async fn append(gateway: &TestGateway, cost: Usd) {
    let driver = Sqlite::open(&gateway.data().join("budgetguard.db")).await;
    let store = Store::new(Arc::new(driver.unwrap()));
    let known = store.ledger_reader(LedgerFilter::default()).next().await;
    let known = known.unwrap().into_iter().next().unwrap();
    let row = LedgerRow {
        request: RequestId::from_bytes([7; 16]),
        cost,
        ..known.row
    };
    assert_eq!(store.append(&[row]).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_no_budget_counted_is_seen() {
    let setup = Setup::new().set("ledger.drift_check_s", "1");
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("drifts", "100").await;
    for _call in 0..3 {
        let call = Dialect::OpenAi.call("hello", Some(2_000), false);
        call.text(&gateway, &tenant).await;
    }
    gateway.ledger_of(&tenant, 3).await;
    let head = "budgetguard_ledger_chain_head_timestamp_seconds";
    assert!(gateway.metric(head).await > 1_700_000_000);
    assert_eq!(gateway.metric(DRIFT).await, 0);
    append(&gateway, Usd::from_nanos(3_000_000_000)).await;
    let is_seen = async || gateway.metric(DRIFT).await == 3;
    gateway.until("it is seen", is_seen).await;
    let told = "a budget does not stand at what the ledger says";
    assert!(gateway.log().contains(told), "{}", gateway.log());
}
