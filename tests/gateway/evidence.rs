//! That the ledger is whole, as somebody finds out who has only the program and the book of checkpoints.

#![expect(clippy::too_many_lines, reason = "each test tells one story")]

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use budgetguard::store::driver::Driver;
use budgetguard::store::sqlite::Sqlite;
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
async fn a_ledger_is_verified_from_a_shell_and_a_changed_one_is_not() {
    let receiver = Receiver::start().await;
    let mut gateway = used(&receiver).await;
    let data = gateway.data();
    // Signed at the start, by a command, and at the end.
    let signed = gateway.run(&["ledger", "checkpoint"]);
    assert!(
        text(&signed).contains("3 rows in 1 chains"),
        "{}",
        text(&signed)
    );
    let (is_clean, report) = verify(&gateway, &[]);
    assert!(is_clean, "{report:#}");
    assert_eq!(
        (&report["rows"], &report["checkpoints"]),
        (&3.into(), &2.into())
    );
    let key = gateway.run(&["ledger", "checkpoint", "--public-key"]);
    let key = text(&key).trim().to_owned();
    assert!(verify(&gateway, &["--public-key", &key]).0);
    let other = "aa".repeat(31) + "00";
    let forged = gateway.run(&["ledger", "verify", "--public-key", &other]);
    assert_eq!(forged.status.code(), Some(1), "{}", text(&forged));
    // An export needs no database.
    let export = data.join("export.jsonl");
    let export = export.to_string_lossy();
    let exported = gateway.run(&["ledger", "export", "--out", &export]);
    assert!(exported.status.success(), "{}", text(&exported));
    let (is_clean, report) = verify(&gateway, &["--export", &export, "--public-key", &key]);
    assert!(is_clean, "{report:#}");
    assert_eq!(report["rows"], 3);
    gateway.terminate();
    assert!(gateway.ended().await.success(), "{}", gateway.log());
    let book = std::fs::read_to_string(data.join("checkpoints.jsonl")).unwrap();
    assert_eq!(book.lines().count(), 3);
    let told = receiver.delivered();
    told.iter().for_each(Delivered::assert_signed);
    let told: Vec<_> = told
        .iter()
        .map(|it| String::from_utf8(it.body.to_vec()).unwrap())
        .collect();
    assert_eq!(told, book.lines().collect::<Vec<_>>());

    tamper(&data, "UPDATE usage_ledger SET cost = 0 WHERE seq = 2").await;
    let output = gateway.run(&["ledger", "verify"]);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("integrity: BROKEN\n  Altered, writer "),
        "{printed}"
    );
    assert!(printed.contains(", row 2, request "), "{printed}");
    assert!(printed.contains("completeness: verified"), "{printed}");
    tamper(&data, "DELETE FROM usage_ledger WHERE seq > 1").await;
    let (is_clean, report) = verify(&gateway, &[]);
    assert!(!is_clean);
    assert_eq!(report["integrity"], serde_json::json!([]));
    assert_eq!(report["completeness"][0]["fault"], "tail_deleted");
    // A gateway that starts on it says so and signs nothing.
    gateway.start().await;
    gateway
        .until("it is told", async || {
            gateway.log().contains("the ledger is not what was signed")
        })
        .await;
    let refused = "budgetguard_ledger_checkpoints_total{outcome=\"refused\"}";
    assert_eq!(gateway.metric(refused).await, 1);
    assert_eq!(
        std::fs::read_to_string(data.join("checkpoints.jsonl")).unwrap(),
        book
    );
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
