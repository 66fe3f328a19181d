//! A policy of the operator's own decides before any money is held.

mod caps;
mod facts;
mod failures;
mod models;
mod tags;

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};

/// The rules of a test, for as long as a gateway may read them.
struct Rules {
    _folder: TempDir,
    path: String,
}

impl Rules {
    fn new(rules: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("own.rego");
        fs::write(&file, format!("package budgetguard.policy\n{rules}")).unwrap();
        Self {
            path: file.to_string_lossy().into_owned(),
            _folder: folder,
        }
    }

    /// Rules that decide on every request alike.
    fn deciding(decision: &Value) -> Self {
        Self::new(&format!("decision := {decision}"))
    }

    /// A gateway under these rules.
    fn setup(&self) -> Setup {
        Setup::new().env("OPA_POLICY_PATH", self.path.clone())
    }
}

/// The newest row.
async fn newest(gateway: &TestGateway, tenant: &Tenant, count: usize) -> Value {
    gateway.ledger_of(tenant, count).await.remove(0)
}

const POLICY: &str = r#"
package budgetguard.policy

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "no streams today" if input.streamed

deny contains "too dear" if input.worst_case > 0.5
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_denies_is_forbidden_in_each_dialect() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("own.rego");
    fs::write(&file, POLICY).unwrap();
    let setup = Setup::new().env("OPA_POLICY_PATH", file.to_string_lossy());
    let gateway = setup.start().await;
    let tenant = gateway.tenant_with("ruled", "100").await;
    for dialect in Dialect::ALL {
        dialect
            .call("hello", Some(16), false)
            .text(&gateway, &tenant)
            .await;
        let calls = gateway.simulator.totals().calls;
        for (call, reason) in [
            (dialect.call("hello", Some(16), true), "no streams today"),
            (dialect.call("hello", Some(50_000_000), false), "too dear"),
        ] {
            let refused = call.refused(&gateway, &tenant).await;
            assert_eq!((refused.status, &*refused.code), (403, "policy_denied"));
            assert_eq!(refused.message, reason);
            assert_eq!(refused.header("x-should-retry"), Some("false"));
        }
        assert_eq!(gateway.simulator.totals().calls, calls);
    }
    gateway.assert_nothing_held().await;
    let rows = gateway.ledger_of(&tenant, 9).await;
    let blocked = rows.iter().filter(|row| row["status"] == "blocked");
    let reasons: Vec<_> = blocked.map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, vec!["policy_denied"; 6]);
}
