//! That the ledger is whole, as somebody finds out who has only the program and the book of checkpoints.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use budgetguard::domain::id::RequestId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::usage::LedgerFilter;
use reqwest::Method;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};
use crate::receiver::{Delivered, Receiver, SECRET};

async fn used(receiver: &Receiver) -> TestGateway {
    let gateway = Setup::new()
        .env("CHECKPOINT_WEBHOOK_URL", receiver.url())
        .env("CHECKPOINT_WEBHOOK_SECRET", SECRET)
        .start()
        .await;
    let tenant = gateway.tenant_with("used", "100").await;
    for _call in 0..3 {
        let call = Dialect::ALL[0].call("hello", Some(2_000), false);
        call.text(&gateway, &tenant).await;
    }
    gateway.ledger_of(&tenant, 3).await;
    gateway
}

fn verify(gateway: &TestGateway, more: &[&str]) -> (bool, Value) {
    let output = gateway.run(&[&["ledger", "verify", "--json"], more].concat());
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    (output.status.success(), report)
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(all).unwrap()
}

/// Changes the file behind the gateway's back.
async fn tamper(data: &Path, statement: &'static str) {
    let driver: Arc<dyn Driver> =
        Arc::new(Sqlite::open(&data.join("budgetguard.db")).await.unwrap());
    for trigger in [
        "DROP TRIGGER IF EXISTS usage_ledger_no_update",
        "DROP TRIGGER IF EXISTS usage_ledger_no_delete",
    ] {
        driver.execute(trigger, &[]).await.unwrap();
    }
    driver.execute(statement, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_is_verified_from_a_shell() {
    let receiver = Receiver::start().await;
    let gateway = used(&receiver).await;
    // Signed at the start, and by a command.
    let signed = gateway.run(&["ledger", "checkpoint"]);
    let signed = text(&signed);
    assert!(signed.contains("3 rows in 1 chains"), "{signed}");
    let (is_clean, report) = verify(&gateway, &[]);
    assert!(is_clean, "{report:#}");
    let counted = (&report["rows"], &report["checkpoints"]);
    assert_eq!(counted, (&3.into(), &2.into()));
    assert!(verify(&gateway, &["--public-key", &public_key(&gateway)]).0);
    let other = "aa".repeat(31) + "00";
    let forged = gateway.run(&["ledger", "verify", "--public-key", &other]);
    assert_eq!(forged.status.code(), Some(1), "{}", text(&forged));
}

fn public_key(gateway: &TestGateway) -> String {
    let key = gateway.run(&["ledger", "checkpoint", "--public-key"]);
    text(&key).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_needs_no_database() {
    let receiver = Receiver::start().await;
    let gateway = used(&receiver).await;
    let export = gateway.data().join("export.jsonl");
    let export = export.to_string_lossy();
    let exported = gateway.run(&["ledger", "export", "--out", &export]);
    assert!(exported.status.success(), "{}", text(&exported));
    let key = public_key(&gateway);
    let (is_clean, report) = verify(&gateway, &["--export", &export, "--public-key", &key]);
    assert!(is_clean, "{report:#}");
    assert_eq!(report["rows"], 3);
}

/// Ends it, and gives the book of checkpoints.
async fn ended(gateway: &mut TestGateway) -> String {
    gateway.terminate();
    assert!(gateway.ended().await.success(), "{}", gateway.log());
    book_of(gateway)
}

fn book_of(gateway: &TestGateway) -> String {
    std::fs::read_to_string(gateway.data().join("checkpoints.jsonl")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_checkpoint_is_in_the_book_and_was_sent() {
    let receiver = Receiver::start().await;
    let mut gateway = used(&receiver).await;
    gateway.run(&["ledger", "checkpoint"]);
    // At the start, by the command, and at the end.
    let book = ended(&mut gateway).await;
    assert_eq!(book.lines().count(), 3);
    let told = receiver.delivered();
    told.iter().for_each(Delivered::assert_signed);
    let told: Vec<_> = told
        .iter()
        .map(|it| String::from_utf8(it.body.to_vec()).unwrap())
        .collect();
    assert_eq!(told, book.lines().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_row_is_named() {
    let receiver = Receiver::start().await;
    let mut gateway = used(&receiver).await;
    ended(&mut gateway).await;
    let change = "UPDATE usage_ledger SET cost = 0 WHERE seq = 2";
    tamper(&gateway.data(), change).await;
    let output = gateway.run(&["ledger", "verify"]);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let altered = "integrity: BROKEN\n  Altered, writer ";
    assert!(printed.contains(altered), "{printed}");
    assert!(printed.contains(", row 2, request "), "{printed}");
    assert!(printed.contains("completeness: verified"), "{printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_on_a_shortened_ledger_says_so_and_signs_nothing() {
    let receiver = Receiver::start().await;
    let mut gateway = used(&receiver).await;
    let book = ended(&mut gateway).await;
    tamper(&gateway.data(), "DELETE FROM usage_ledger WHERE seq > 1").await;
    let (is_clean, report) = verify(&gateway, &[]);
    assert!(!is_clean);
    assert_eq!(report["integrity"], serde_json::json!([]));
    assert_eq!(report["completeness"][0]["fault"], "tail_deleted");
    gateway.start().await;
    let is_told = async || {
        let told = "the ledger is not what was signed";
        gateway.log().contains(told)
    };
    gateway.until("it is told", is_told).await;
    let refused = "budgetguard_ledger_checkpoints_total{outcome=\"refused\"}";
    assert_eq!(gateway.metric(refused).await, 1);
    assert_eq!(book_of(&gateway), book);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_present_month_stays() {
    let receiver = Receiver::start().await;
    let gateway = used(&receiver).await;
    let out = gateway.data().join("out");
    let out = out.to_string_lossy();
    let retain = ["ledger", "retain", "--export-dir", &out, "--before"];
    let refused = gateway.run(&[&retain[..], &["2099-01"]].concat());
    assert!(
        text(&refused).contains("the present month stays"),
        "{}",
        text(&refused)
    );
    let nothing = gateway.run(&[&retain[..], &["2020-01"]].concat());
    assert!(nothing.status.success(), "{}", text(&nothing));
    assert!(verify(&gateway, &[]).0);
}

/// Two rows of January 2025, by somebody else.
async fn append_old(data: &Path) {
    let driver = Sqlite::open(&data.join("budgetguard.db")).await.unwrap();
    let store = Store::new(Arc::new(driver));
    let known = store.ledger_reader(LedgerFilter::default()).next().await;
    let old = known.unwrap().into_iter().zip(1..3);
    let old: Vec<LedgerRow> = old
        .map(|(known, number)| LedgerRow {
            request: RequestId::from_bytes([number; 16]),
            at: UtcMicros::new(1_736_000_000_000_000),
            ..known.row
        })
        .collect();
    assert_eq!(store.append(&old).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_months_leave_by_themselves() {
    let receiver = Receiver::start().await;
    let mut gateway = used(&receiver).await;
    ended(&mut gateway).await;
    append_old(&gateway.data()).await;
    gateway.set("ledger.retention_months", "2");
    gateway.start().await;
    let left = "budgetguard_ledger_retention_total{outcome=\"left\"}";
    let has_left = async || gateway.metric(left).await == 1;
    gateway.until("a month left", has_left).await;
    let (is_clean, report) = verify(&gateway, &[]);
    assert!(is_clean, "{report:#}");
    assert_eq!(
        (&report["rows"], &report["retiredRows"]),
        (&3.into(), &2.into())
    );
    let archive = gateway.data().join("ledger-archive/ledger-2025-01.jsonl");
    let archive = archive.to_string_lossy();
    let (is_clean, report) = verify(&gateway, &["--archive", &archive]);
    assert!(is_clean, "{report:#}");
    assert_eq!(
        (&report["rows"], &report["retiredRows"]),
        (&5.into(), &0.into())
    );
    let path = "/admin/audit?action=ledger.retain";
    let noted = gateway.admin(Method::GET, path, Value::Null).await;
    let noted = noted.to_string();
    assert!(
        noted.contains("\"2025-01\"") && noted.contains("system"),
        "{noted}"
    );
}
