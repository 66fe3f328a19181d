//! The command that asks what would have happened, against a gateway that serves.

use budgetguard::domain::money::Usd;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;
use crate::scopes::send;

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

/// A call that comes to what it can cost at the most: its tier is named, and its cap is used up.
fn exact_call() -> Call {
    let mut body = Dialect::OpenAi.body("hello [[sim output=200]]", Some(200), false);
    body["service_tier"] = json!("default");
    Call::to(Dialect::OpenAi, "/v1/chat/completions", &body)
}

/// A tenant without a budget that has made some such calls.
struct Recorded {
    gateway: TestGateway,
    tenant: Tenant,
    rows: Vec<Value>,
}

impl Recorded {
    async fn calls(count: usize) -> Self {
        let gateway = Setup::new().start().await;
        let tenant = gateway.tenant("asked").await;
        for _ in 0..count {
            assert!(send(&gateway, &tenant, &exact_call(), &[]).await.is_ok());
        }
        let rows = gateway.ledger_of(&tenant, count).await;
        Self {
            gateway,
            tenant,
            rows,
        }
    }

    /// What so many tenths of a call cost.
    fn tenths(&self, count: i64) -> Usd {
        Usd::from_nanos(usd(&self.rows[0]) * count / 10)
    }

    /// What the command says of a budget of the tenant's.
    fn asked(&self, limit: Usd, more: &[&str]) -> String {
        let days = [self.rows.last(), self.rows.first()].map(|row| day_of(row.unwrap()));
        let tenant = self.tenant.id.to_string();
        let set = format!("tenant:{tenant}:total={limit}");
        let asked = ["whatif", "--from", days[0], "--to", days[1]];
        let of = [
            "--tenant",
            &tenant,
            "--set",
            &set,
            "--url",
            &self.gateway.url,
        ];
        let asked = [asked.as_slice(), &of].concat();
        said(&self.gateway, &[&asked, more].concat())
    }

    fn answer(&self, limit: Usd) -> Value {
        serde_json::from_str(&self.asked(limit, &["--json"])).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_is_told_what_another_budget_would_have_done() {
    let recorded = Recorded::calls(4).await;
    let limit = recorded.tenths(25);
    let table = recorded.asked(limit, &[]);
    assert!(table.contains("budget_exceeded: 2"), "{table}");
    assert!(table.contains("with the changes"), "{table}");
    let answer = recorded.answer(limit);
    assert_eq!(answer["withChanges"]["admitted"], 2, "{answer}");
    assert_eq!(answer["recorded"]["admitted"], 4, "{answer}");
    // The second holds what it held then beside what the first one cost, or what is left.
    let held = nanos(recorded.rows[0]["heldUsd"].as_str().unwrap());
    let highest = limit.nanos().min(recorded.tenths(10).nanos() + held);
    let told = answer["budgets"][0]["highestUseUsd"].as_str().unwrap();
    assert_eq!(nanos(told), highest, "{answer}");
    let (gateway, tenant) = (&recorded.gateway, &recorded.tenant);
    let budgets = format!("/admin/tenant/{}/budgets", tenant.id);
    let listed = gateway.admin(Method::GET, &budgets, Value::Null).await;
    assert_eq!(listed, json!([]), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_admits_as_many_under_a_budget_as_was_said_before_there_was_one() {
    let recorded = Recorded::calls(5).await;
    let gateway = &recorded.gateway;
    for (tenths, admitted) in [(9, 0), (15, 1), (25, 2), (45, 4), (60, 5)] {
        let limit = recorded.tenths(tenths);
        let answer = recorded.answer(limit);
        assert_eq!(answer["withChanges"]["admitted"], admitted, "{answer}");
        let name = format!("limited to {tenths}");
        let tenant = gateway.tenant_with(&name, &limit.to_string()).await;
        let mut accepted = 0;
        for _ in 0..5 {
            let sent = send(gateway, &tenant, &exact_call(), &[]).await;
            accepted += usize::from(sent.is_ok());
        }
        assert_eq!(accepted, admitted, "of {limit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_in_a_file_is_refused_in_the_words_of_the_api() {
    let gateway = Setup::new().start().await;
    let changes = json!({"setBudgets": [{"period": "yearly", "amountUsd": 1}]});
    let question = json!({"from": "2026-11-01", "to": "2026-11-01", "changes": changes});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("change.json");
    std::fs::write(&path, question.to_string()).unwrap();
    let path = path.to_string_lossy();
    let output = gateway.run(&["whatif", "--file", &path, "--url", &gateway.url]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("Invalid period"),
        "{errors}"
    );
}
