//! Policies of tenants: what the routes tell of versions, what they refuse, and how a version is tried.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::support::{Refused, assert_all_refused, assert_fields, assert_refused, furnished};

const BUNDLES: &str = "/admin/tenant/1/policy-bundles";

fn rules(text: &str) -> Value {
    json!({"files": {"rules.rego": format!("package budgetguard.policy\n{text}")}})
}

/// With two versions, of which none is in force.
async fn with_versions() -> Installation {
    let installation = furnished().await;
    let denies = "default allow := false\nreason := \"closed\"\nallow if input.model == \"gpt-5\"";
    for text in [denies, "allow := true"] {
        installation.post(BUNDLES, rules(text)).await;
    }
    installation
}

#[tokio::test]
async fn a_version_is_kept_listed_and_shown() {
    let installation = furnished().await;
    let files = json!({
        "rules.rego": "package budgetguard.policy\nallow := true",
        "rules_test.rego": "package budgetguard.policy_test\ntest_nothing := true",
    });
    let body = json!({"files": files, "comment": " first "});
    let made = installation.post(BUNDLES, body).await;
    let expected = json!({
        "tenantId": 1, "version": 1, "kind": "rego", "comment": "first", "createdBy": "admin_key",
        "createdAt": "2026-01-15T12:00:00.000Z", "isActive": false, "activatedAt": null,
    });
    assert_fields(&made, &expected);
    assert_eq!(made["sha256"].as_str().unwrap().len(), 64);
    let listed = installation.get(BUNDLES).await;
    assert_eq!((&listed["data"][0], &listed["total"]), (&made, &json!(1)));
    let shown = installation.get(&format!("{BUNDLES}/1")).await;
    assert_fields(&shown, &made);
    assert_eq!(shown["files"], files);
    assert!(shown.get("module").is_none(), "{shown}");
}

#[tokio::test]
async fn a_version_is_in_force_until_another_one_is_or_none() {
    let installation = with_versions().await;
    let active = async || {
        let listed = installation.get(BUNDLES).await;
        let versions = listed["data"].as_array().unwrap().iter();
        let active = versions.filter(|version| version["isActive"] == true);
        active.map(|it| it["version"].clone()).collect::<Vec<_>>()
    };
    let tell = async |what: &str| {
        let path = format!("{BUNDLES}/{what}");
        installation.post(&path, Value::Null).await["version"].clone()
    };
    assert_eq!(active().await, Vec::<Value>::new());
    for (what, version, expected) in [
        ("1/activate", 1, vec![json!(1)]),
        ("2/activate", 2, vec![json!(2)]),
        ("rollback", 1, vec![json!(1)]),
        ("deactivate", 1, vec![]),
    ] {
        assert_eq!(tell(what).await, version, "{what}");
        assert_eq!(active().await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_version_is_tried_on_an_input_and_nothing_is_changed() {
    let installation = with_versions().await;
    let path = format!("{BUNDLES}/1/test");
    let version = installation.state.store.catalog_version().await.unwrap();
    for (model, allow, reason) in [
        ("gpt-5", true, Value::Null),
        ("o1-pro", false, json!("closed")),
    ] {
        let tried = installation
            .post(&path, json!({"input": {"model": model}}))
            .await;
        let decision = json!({
            "allow": allow, "reason": reason, "maxOutputTokens": null, "model": null, "tagsRequired": [],
        });
        let expected = json!({"version": 1, "decision": decision, "error": null});
        assert_eq!(tried, expected);
    }
    let now = installation.state.store.catalog_version().await.unwrap();
    assert_eq!(now, version);
}

#[tokio::test]
async fn a_version_that_fails_on_an_input_says_why() {
    let installation = furnished().await;
    let runaway = "allow if count([1 | some x in numbers.range(1, input.count)]) > 0";
    installation.post(BUNDLES, rules(runaway)).await;
    let path = format!("{BUNDLES}/1/test");
    let tried = installation
        .post(&path, json!({"input": {"count": 1_000_000}}))
        .await;
    assert_eq!(tried["decision"], Value::Null, "{tried}");
    let error = tried["error"].as_str().unwrap();
    assert!(!error.is_empty(), "{tried}");
}

#[rustfmt::skip]
const BAD_REQUESTS: &[Refused] = &[
    ("POST", BUNDLES, "{}", 400, "files is required"),
    ("POST", BUNDLES, r#"{"files":{}}"#, 400, "files is empty"),
    ("POST", BUNDLES, r#"{"files":[]}"#, 400, "files must be an object"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":null}}"#, 400, "files/a.rego must be a string"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":7}}"#, 400, "files/a.rego must be a string"),
    ("POST", BUNDLES, r#"{"files":{"../a.rego":""}}"#, 400, "files has a file `../a.rego`"),
    ("POST", BUNDLES, r#"{"files":{"a.txt":""}}"#, 400, "files has a file `a.txt`"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":"x"},"module":"AGFzbQ=="}"#, 400, "module cannot be there beside files"),
    ("POST", BUNDLES, r#"{"module":"no base64"}"#, 400, "module must be base64"),
    ("POST", BUNDLES, r#"{"module":""}"#, 400, "module is empty"),
    ("POST", BUNDLES, r#"{"module":"AAAA"}"#, 400, "module cannot be used"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":"package budgetguard.policy\nallow if {"}}"#, 400, "a.rego:2:11:"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":"package budgetguard.policy\nallow := ((((((((((1))))))))))"}}"#, 400, "nested"),
    ("POST", BUNDLES, r#"{"files":{"a.rego":"package budgetguard.policy\npermit := true"}}"#, 400, "budgetguard.policy.allow"),
    ("POST", BUNDLES, r#"{"files":{"a_test.rego":"package budgetguard.policy\nallow := true"}}"#, 400, "cannot be used"),
    ("POST", "/admin/tenant/9/policy-bundles", r#"{"files":{"a.rego":""}}"#, 404, "Tenant not found"),
    ("GET", "/admin/tenant/1/policy-bundles/9", "", 404, "Policy version not found"),
    ("GET", "/admin/tenant/1/policy-bundles/x", "", 400, "Invalid policy version"),
    ("POST", "/admin/tenant/1/policy-bundles/9/activate", "", 404, "Policy version not found"),
    ("POST", "/admin/tenant/1/policy-bundles/9/test", r#"{"input":{}}"#, 404, "Policy version not found"),
    ("POST", "/admin/tenant/1/policy-bundles/1/test", "{}", 400, "input is required"),
    ("POST", "/admin/tenant/1/policy-bundles/1/test", r#"{"input":7}"#, 400, "input must be an object"),
    ("POST", "/admin/tenant/1/policy-bundles/rollback", "", 400, "no policy in force"),
    ("POST", "/admin/tenant/1/policy-bundles/deactivate", "", 400, "no policy in force"),
];

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let installation = with_versions().await;
    assert_all_refused(&installation, BAD_REQUESTS).await;
    let path = format!("{BUNDLES}/1/activate");
    installation.post(&path, Value::Null).await;
    let back = installation
        .call("POST", &format!("{BUNDLES}/rollback"), "")
        .await;
    assert_refused(&back, 400, "No version was in force", "the first");
}

#[tokio::test]
async fn an_upload_has_bounds() {
    let installation = furnished().await;
    let texts = [
        json!({"files": {"a.rego": "#".repeat(64 * 1024 + 1)}}),
        json!({"files": {"a.rego": "#".repeat(40 * 1024), "b.rego": "#".repeat(40 * 1024)}}),
        json!({"module": "A".repeat(1_398_108)}),
    ];
    for body in texts {
        let answer = installation.call("POST", BUNDLES, body.to_string()).await;
        assert_refused(&answer, 400, "bytes", "too large");
    }
    let many = (0..33).map(|number| (format!("{number}.rego"), json!("")));
    let many = json!({"files": many.collect::<serde_json::Map<_, _>>()});
    let answer = installation.call("POST", BUNDLES, many.to_string()).await;
    assert_refused(&answer, 400, "at most 32", "too many files");
    let endless = json!({"module": "A".repeat(2_000_000)}).to_string();
    let answer = installation.call("POST", BUNDLES, endless).await;
    assert_refused(&answer, 413, "too large", "a body without end");
    let listed = installation.get(BUNDLES).await;
    assert_eq!(listed["total"], 0);
}
