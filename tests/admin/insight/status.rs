//! How the installation is, and nothing that is secret.

use std::sync::Arc;

use budgetguard::domain::id::ProviderName;
use budgetguard::settings::shown::{Layer, Shown};
use budgetguard::store::Store;
use serde_json::json;

use crate::installation::{Installation, NOW};
use crate::support::{Away, CAUSE, assert_fields, furnished, row};

#[tokio::test]
async fn stores_spool_replicas_and_settings_are_told_of() {
    let installation = furnished().await;
    let rows = [1, 2].map(|number| row(number, NOW, "gpt-5", 1_000));
    installation.state.store.append(&rows).await.unwrap();
    let shown = installation.with_part(|state| {
        state.options.settings = Arc::new([Shown {
            key: "server.port".to_owned(),
            value: Some("3000".to_owned()),
            source: Layer::File,
            is_secret: false,
        }]);
    });
    let status = shown.get("/admin/status").await;
    let expected = json!({
        "healthy": true, "version": env!("CARGO_PKG_VERSION"), "startedAt": NOW.to_string(),
        "uptimeSeconds": 0, "queue": null,
        "stores": [
            {"role": "ledger", "kind": "sqlite", "reachable": true},
            {"role": "budgets", "kind": "memory", "reachable": true},
        ],
        "settings": [
            {"key": "server.port", "value": "3000", "source": "file", "isSecret": false},
        ],
    });
    assert_fields(&status, &expected);
    let spool = json!({"open": 0, "waiting": 0, "oldestWaitingAt": null, "hasRoom": true});
    assert_fields(&status["spool"], &spool);
    let replica = json!({"name": "command", "rows": 2, "lastRowAt": NOW.to_string()});
    assert_fields(&status["replicas"][0], &replica);
}

#[tokio::test]
async fn what_is_away_is_told_without_the_reason() {
    let installation = furnished().await;
    let cut_off = installation.with_part(|state| state.store = Store::new(Arc::new(Away)));
    let answer = cut_off.call("GET", "/admin/status", "").await;
    assert_eq!(answer.status, 200);
    assert_fields(&answer.json(), &json!({"healthy": false, "replicas": []}));
    assert_eq!(answer.json()["stores"][0]["reachable"], false);
    assert!(!answer.text.contains(CAUSE));
}

#[tokio::test]
async fn providers_are_known_by_the_requests_that_were_sent_anyway() {
    let installation = Installation::new().await;
    let metrics = &installation.state.metrics;
    let names = ["unknown", "reachable", "failing", "left_alone"];
    let seen = names.map(|name| metrics.watch_upstream(&ProviderName::new(name), true));
    let later = NOW.plus(std::time::Duration::from_secs(5));
    seen[1].failed(NOW);
    seen[1].answered(later);
    seen[2].answered(NOW);
    seen[2].failed(later);
    seen[3].failed(later);
    seen[3].left_alone(later.plus(std::time::Duration::from_mins(1)));
    let status = installation.get("/admin/status").await;
    for (number, name) in names.iter().enumerate() {
        let provider = &status["providers"][number];
        assert_fields(
            provider,
            &json!({"name": name, "state": name, "configured": true}),
        );
    }
    let failing = json!({"lastAnswerAt": NOW.to_string(), "lastFailureAt": later.to_string()});
    assert_fields(&status["providers"][2], &failing);
}
