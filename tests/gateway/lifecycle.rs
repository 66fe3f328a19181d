//! Starting with wrong settings, stopping while a stream runs, and starting again.

use std::process::Output;

use futures::StreamExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::gateway::{Setup, program};
use crate::prices::usd;
use crate::raw::{RawConnection, small};

fn start_with(folder: &TempDir, environment: &[(&str, &str)]) -> (Output, String) {
    let mut command = program(folder.path());
    let output = command
        .arg("serve")
        .env("DATA_DIR", folder.path().join("data"))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    (output, told)
}

#[test]
fn wrong_settings_are_all_told_and_nothing_is_started() {
    let folder = TempDir::new().unwrap();
    let (output, told) = start_with(
        &folder,
        &[
            ("PORT", "seventy"),
            ("OPENAI_BASE_URL", "ftp://provider"),
            ("BUDGET_DENIAL_STATUS", "418"),
            ("DEFAULT_BUDGET_USD", "-5"),
            ("OPA_POLICY_PATH", "/no/such/policy.rego"),
            ("TLS_CERT", "/no/such/cert.pem"),
            ("BUDGETGUARD_TYPO", "1"),
            ("OPENAI_KEY", "file:/no/such/key"),
        ],
    );
    assert_eq!(output.status.code(), Some(2), "{told}");
    for name in [
        "PORT",
        "OPENAI_BASE_URL",
        "BUDGET_DENIAL_STATUS",
        "DEFAULT_BUDGET_USD",
        "OPA_POLICY_PATH",
        "TLS_CERT",
        "server.tls_key",
        "BUDGETGUARD_TYPO",
        "OPENAI_KEY",
    ] {
        assert!(told.contains(name), "nothing about {name} in {told}");
    }
    assert!(
        !folder.path().join("data").exists(),
        "it began before it was sure"
    );
}

#[test]
fn a_policy_that_cannot_be_read_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("broken.rego");
    std::fs::write(&file, "package budgetguard.policy\nallow if {").unwrap();
    let (output, told) = start_with(&folder, &[("OPA_POLICY_PATH", file.to_str().unwrap())]);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("broken.rego"), "{told}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = TempDir::new().unwrap();
    let output = program(folder.path())
        .arg("no-such-command")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_a_running_stream_end_and_a_second_start_keeps_everything() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("stays", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=40 chunks=40 delay_ms=20]]", Some(100), true);
    let mut idle = RawConnection::open(&gateway).await;
    idle.write(&small(Dialect::OpenAi, &tenant)).await;
    idle.answer().await.unwrap();
    let mut stream = call.send(&gateway, &tenant).await.bytes_stream();
    let mut text = stream.next().await.unwrap().unwrap().to_vec();
    gateway.terminate();
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches(" token").count(), 40);
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());

    gateway.start().await;
    let rows = gateway.ledger(&tenant).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(
        rows.iter()
            .all(|row| row["status"] == "success" && row["basis"] == "measured")
    );
    let spent = rows.iter().map(usd).sum::<i64>();
    assert_eq!(gateway.standing(&tenant).await, (spent, 0));
    call.text(&gateway, &tenant).await;
    let first_keys = gateway.admin(reqwest::Method::GET, "/admin/tenant/1/apikeys", Value::Null);
    assert_eq!(
        first_keys.await.as_array().unwrap().len(),
        1,
        "a second first key"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_cannot_wait_longer_charges_what_is_still_running() {
    let setup = Setup::new().set("server.shutdown_drain_s", "0");
    let mut gateway = setup.start().await;
    let tenant = gateway.tenant_with("cut", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=400 chunks=400 delay_ms=50]]", Some(500), true);
    let mut stream = call.send(&gateway, &tenant).await.bytes_stream();
    stream.next().await.unwrap().unwrap();
    gateway.terminate();
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
    gateway.start().await;
    let rows = gateway.ledger(&tenant).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_ne!(rows[0]["status"], "success");
    assert!(usd(&rows[0]) > 0, "{rows:?}");
    assert_eq!(gateway.standing(&tenant).await, (usd(&rows[0]), 0));
}
