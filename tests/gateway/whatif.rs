//! The command that asks what would have happened, against a gateway that serves.

use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{Setup, TestGateway};
use crate::scopes::{call, send};

/// What a command says; it must succeed.
fn said(gateway: &TestGateway, arguments: &[&str]) -> String {
    let output = gateway.run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn day_of(row: &Value) -> &str {
    row["ts"].as_str().unwrap().split('T').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_is_told_what_another_budget_would_have_done() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("asked").await;
    for _ in 0..4 {
        assert!(send(&gateway, &tenant, &call(100), &[]).await.is_ok());
    }
    let rows = gateway.ledger_of(&tenant, 4).await;
    let day = day_of(&rows[3]);
    let last = day_of(&rows[0]);
    // What the first one held: it fits, and the next one does not beside what the first one cost.
    let limit = rows[3]["heldUsd"].as_str().unwrap();
    let set = format!("tenant:{}:total={limit}", tenant.id);
    let url = gateway.url.clone();
    let asked = [
        "whatif", "--from", day, "--to", last, "--set", &set, "--url", &url,
    ];
    let table = said(&gateway, &asked);
    assert!(table.contains("budget_exceeded: 3"), "{table}");
    assert!(table.contains("with the changes"), "{table}");
    let answer: Value =
        serde_json::from_str(&said(&gateway, &[&asked[..], &["--json"]].concat())).unwrap();
    assert_eq!(answer["withChanges"]["admitted"], 1, "{answer}");
    assert_eq!(answer["recorded"]["admitted"], 4, "{answer}");
    let held = answer["budgets"][0]["highestUseUsd"].as_str().unwrap();
    assert_eq!(held, limit, "{answer}");

    let file = json!({"from": day, "to": last, "changes": {"setBudgets": [{"period": "yearly", "amountUsd": 1}]}});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("change.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let path = path.to_string_lossy();
    let output = gateway.run(&["whatif", "--file", &path, "--url", &url]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("Invalid period"),
        "{errors}"
    );
    let budgets = format!("/admin/tenant/{}/budgets", tenant.id);
    let listed = gateway.admin(Method::GET, &budgets, Value::Null).await;
    assert_eq!(listed, json!([]), "nothing was changed");
}
