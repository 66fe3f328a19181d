//! API keys: making, listing and revoking them.

use serde_json::json;

use crate::installation::Installation;
use crate::support::{assert_fields, furnish};

#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let installation = Installation::new().await;
    let text = furnish(&installation).await;
    let state = &installation.state;
    let found = || {
        let snapshot = state.catalog.snapshot();
        snapshot.keys[&state.hasher.lookup(&text)].clone()
    };
    assert!(found().is_active && state.hasher.verify(&text, Some(&found().hash)));

    let path = "/admin/tenant/1/apikeys";
    let unnamed = installation.post(path, json!({})).await;
    assert_fields(&unnamed, &json!({"id": 2, "name": "", "isActive": true}));
    let listed = installation.call("GET", path, "").await;
    let first = &listed.json()[0];
    assert_fields(first, &json!({"id": 1, "name": "ci", "isActive": true}));
    let prefix = first["prefix"].as_str().unwrap();
    assert!(text.starts_with(prefix) && prefix.len() < text.len() / 2);
    assert!(first.get("lastUsedAt").is_none());

    let revoked = installation.delete("/admin/apikey/1").await;
    assert_eq!(revoked, json!({"ok": true}));
    assert!(!found().is_active, "in force when it was answered");
    let listed = installation.get(path).await;
    assert_eq!(listed[0]["isActive"], false);
}
