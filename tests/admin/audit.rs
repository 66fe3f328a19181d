//! The audit log: every change has one row that says what was before and after, and a change without
//! its row is not made.

mod changes;
mod reading;

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::session::SessionRef;
use serde_json::{Value, json};

use crate::alerts::webhook;
use crate::databases::Place;
use crate::installation::{Installation, NOW, options};
use crate::receiver::Receiver;
use crate::support::{furnish, row};

struct Everything {
    told: Installation,
    first: Installation,
    _receiver: Receiver,
}

/// One of everything: tenant, key, budget and price 1; the installation's budget 2; tag 1 with the
/// budget 3, tag 2, rule 1, the policy versions 1 and 2, the session `chat`, the admin Ann, and a
/// receiver of alerts.
async fn with_everything(place: &Place) -> Everything {
    let installation = place.installation(options()).await;
    furnish(&installation).await;
    let budgets = json!({"budgets": [{"period": "daily", "amountUsd": 100}]});
    installation.post("/admin/budgets", budgets).await;
    for name in ["tag", "spare"] {
        let tag = json!({"name": name});
        installation.post("/admin/tenant/1/tags", tag).await;
    }
    let budget = json!({"period": "monthly", "amountUsd": 1});
    installation
        .post("/admin/tenant/1/tags/1/budgets", budget)
        .await;
    let rule = json!({"name": "rule", "actions": {"tags": [{"tagId": 1}]}});
    installation
        .post("/admin/tenant/1/tagging-rules", rule)
        .await;
    furnish_policy(&installation).await;
    let chat = LedgerRow {
        session: Some(SessionRef {
            id: "chat".to_owned(),
            name: None,
            path: None,
        }),
        ..row(1, NOW, "gpt-test", 1)
    };
    installation.state.store.append(&[chat]).await.unwrap();
    let ann = json!({"name": "Ann", "role": "admin", "password": "correct horse battery"});
    installation.post("/admin/users", ann).await;
    let receiver = Receiver::start().await;
    let told = installation.with_part(|state| state.webhook = Some(webhook(receiver.url())));
    Everything {
        told,
        first: installation,
        _receiver: receiver,
    }
}

/// Two versions, the second of them in force.
async fn furnish_policy(installation: &Installation) {
    for allow in ["true", "1 == 1"] {
        let text = format!("package budgetguard.policy\nallow if {allow}");
        let bundle = json!({"files": {"a.rego": text}});
        installation
            .post("/admin/tenant/1/policy-bundles", bundle)
            .await;
    }
    for version in [1, 2] {
        let path = format!("/admin/tenant/1/policy-bundles/{version}/activate");
        installation.post(&path, json!(null)).await;
    }
}

async fn log(installation: &Installation, query: &str) -> Vec<Value> {
    let page = installation.get(&format!("/admin/audit?{query}")).await;
    page["data"].as_array().unwrap().clone()
}
