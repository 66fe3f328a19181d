//! Tagging rules: what they look like, and what is refused.

use serde_json::json;

use crate::installation::Installation;
use crate::support::{assert_fields, assert_refused, furnished};

const RULES: &str = "/admin/tenant/1/tagging-rules";

async fn with_tag() -> Installation {
    let installation = furnished().await;
    let tag = json!({"name": "team"});
    installation.post("/admin/tenant/1/tags", tag).await;
    installation
}

#[tokio::test]
async fn a_rule_is_kept_changed_and_deleted() {
    let installation = with_tag().await;
    let body = json!({
        "name": "by header", "priority": 7,
        "conditions": {"headers": {"X-Team": ["b", "a*"]}, "models": ["gpt-*"], "apiKeyIds": [1, "2"]},
        "actions": {"tags": [{"tagId": 1, "weight": "0.5"}]},
    });
    let made = installation.post(RULES, body).await;
    let expected = json!({
        "id": 1, "tenantId": 1, "name": "by header", "priority": 7, "isActive": true,
        "conditions": {
            "routes": [], "models": ["gpt-*"], "apiKeyIds": [1, 2], "headers": {"x-team": ["a*", "b"]},
        },
        "actions": {"tags": [{"tagId": 1, "weight": 0.5}]},
    });
    assert_fields(&made, &expected);
    let path = format!("{RULES}/1");
    let changed = installation.put(&path, json!({"isActive": false})).await;
    assert_fields(&changed, &json!({"isActive": false, "priority": 7}));
    assert_eq!(changed["conditions"], expected["conditions"]);
    let second = json!({"name": "first", "priority": 8, "actions": {"tags": [{"tagId": 1}]}});
    installation.post(RULES, second).await;
    let listed = installation.get(RULES).await;
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["name"])
        .collect();
    assert_eq!(names, ["first", "by header"]);
    assert_eq!(installation.delete(&path).await, json!({"success": true}));
    let answer = installation.call("DELETE", &path, "").await;
    assert_refused(&answer, 404, "Tagging rule not found", "a deleted one");
}

const BAD_RULES: &[(&str, &str)] = &[
    ("{}", "name is required"),
    (r#"{"name":"x"}"#, "actions is required"),
    (r#"{"name":"x","actions":{}}"#, "actions/tags is required"),
    (
        r#"{"name":"x","actions":{"tags":[]}}"#,
        "actions/tags is required",
    ),
    (
        r#"{"name":"x","actions":{"tags":[{}]}}"#,
        "actions/tags/0/tagId is required",
    ),
    (
        r#"{"name":"x","actions":{"tags":[{"tagId":9}]}}"#,
        "must be a tag of the tenant",
    ),
    (
        r#"{"name":"x","actions":{"tags":[{"tagId":1},{"tagId":1}]}}"#,
        "actions/tags/1/tagId must be a tag of the tenant, each once",
    ),
    (
        r#"{"name":"x","actions":{"tags":[{"tagId":1,"weight":-1}]}}"#,
        "weight must be",
    ),
    (
        r#"{"name":"x","priority":-1,"actions":{"tags":[{"tagId":1}]}}"#,
        "priority must be >= 0",
    ),
    (
        r#"{"name":"x","conditions":{"models":["a b"]},"actions":{"tags":[{"tagId":1}]}}"#,
        "conditions/models cannot be used",
    ),
    (
        r#"{"name":"x","conditions":{"headers":{"a b":[]}},"actions":{"tags":[{"tagId":1}]}}"#,
        "conditions/headers/a b is no name of a header",
    ),
    (
        r#"{"name":"x","conditions":{"apiKeyIds":["a"]},"actions":{"tags":[{"tagId":1}]}}"#,
        "conditions/apiKeyIds must be",
    ),
    (
        r#"{"name":"taken","actions":{"tags":[{"tagId":1}]}}"#,
        "name already exists",
    ),
];

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_with_a_reason() {
    let installation = with_tag().await;
    let taken = json!({"name": "taken", "actions": {"tags": [{"tagId": 1}]}});
    installation.post(RULES, taken).await;
    for (body, reason) in BAD_RULES {
        let answer = installation.call("POST", RULES, *body).await;
        assert_refused(&answer, 400, reason, body);
    }
    let answer = installation
        .call("PUT", "/admin/tenant/1/tagging-rules/9", "{}")
        .await;
    assert_refused(&answer, 404, "Tagging rule not found", "an unknown one");
    let answer = installation
        .call("GET", "/admin/tenant/9/tagging-rules", "")
        .await;
    assert_refused(&answer, 404, "Tenant not found", "nobody's");
}
