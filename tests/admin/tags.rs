//! Tags and their budgets: trees, paths, and everything that is refused.

use serde_json::{Value, json};

use crate::installation::Installation;
use crate::support::{assert_fields, assert_refused, furnished};

const TAGS: &str = "/admin/tenant/1/tags";
const COMPANY: &str = "/admin/tenant/1/tags/1";

/// `company` (1) with `team` (2) with `agent` (3), and `other` (4).
async fn with_tree() -> Installation {
    let installation = furnished().await;
    for (name, parent) in [
        ("company", Value::Null),
        ("team", json!(1)),
        ("agent", json!(2)),
        ("other", Value::Null),
    ] {
        let body = json!({"name": name, "parentId": parent});
        installation.post(TAGS, body).await;
    }
    installation
}

#[tokio::test]
async fn a_tag_is_shown_with_what_stands_around_it() {
    let installation = with_tree().await;
    let team = installation.get("/admin/tenant/1/tags/2").await;
    let expected = json!({
        "id": 2, "tenantId": 1, "name": "team", "description": null, "parentId": 1,
        "path": "company/team", "level": 1, "isActive": true, "color": null,
        "metadata": null, "sessionBudgetUsd": null, "budgets": [],
    });
    assert_fields(&team, &expected);
    assert_fields(
        &team["parent"],
        &json!({"id": 1, "path": "company", "level": 0}),
    );
    assert_fields(
        &team["children"][0],
        &json!({"id": 3, "path": "company/team/agent"}),
    );
    let listed = installation.get(TAGS).await;
    let paths: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["path"])
        .collect();
    assert_eq!(
        paths,
        ["company", "other", "company/team", "company/team/agent"]
    );
    assert_eq!(listed[0]["_count"], json!({"usage": 0}));
    let below = installation.get(&format!("{TAGS}?parentId=1")).await;
    assert_eq!(below.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_shows_of_each_tag_its_own_budgets() {
    let installation = with_tree().await;
    for (tag, period) in [(1, "daily"), (2, "weekly"), (1, "monthly")] {
        let budget = json!({"period": period, "amountUsd": 1});
        let path = format!("{TAGS}/{tag}/budgets");
        installation.post(&path, budget).await;
    }
    let listed = installation.get(TAGS).await;
    let periods = |name: &str| {
        let mut tags = listed.as_array().unwrap().iter();
        let tag = tags.find(|tag| tag["name"] == name).unwrap();
        let budgets = tag["budgets"].as_array().unwrap().iter();
        let periods: Vec<_> = budgets.map(|budget| budget["period"].clone()).collect();
        json!(periods)
    };
    assert_eq!(periods("company"), json!(["daily", "monthly"]));
    assert_eq!(periods("team"), json!(["weekly"]));
    assert_eq!(periods("agent"), json!([]));
}

#[tokio::test]
async fn a_new_name_moves_the_paths_of_everything_below() {
    let installation = with_tree().await;
    let body = json!({
        "name": "firm", "description": "all of us", "color": "#fff",
        "metadata": {"cost centre": 7}, "sessionBudgetUsd": 2.5,
    });
    let renamed = installation.put("/admin/tenant/1/tags/1", body).await;
    let expected = json!({
        "path": "firm", "description": "all of us", "color": "#fff",
        "metadata": {"cost centre": 7}, "sessionBudgetUsd": "2.5",
    });
    assert_fields(&renamed, &expected);
    let agent = installation.get("/admin/tenant/1/tags/3").await;
    assert_eq!(agent["path"], "firm/team/agent");
    // What is not sent stays as it is; what is sent as null goes.
    let cleared = installation
        .put("/admin/tenant/1/tags/1", json!({"sessionBudgetUsd": null}))
        .await;
    assert_fields(
        &cleared,
        &json!({"name": "firm", "sessionBudgetUsd": null, "color": "#fff"}),
    );
    let moved = installation
        .put("/admin/tenant/1/tags/3", json!({"parentId": 4}))
        .await;
    assert_eq!(moved["path"], "other/agent");
}

#[tokio::test]
async fn a_tag_goes_only_when_nothing_stands_under_it() {
    let installation = with_tree().await;
    for (method, path, reason) in [
        (
            "DELETE",
            "/admin/tenant/1/tags/2",
            "Cannot delete tag with children",
        ),
        (
            "PATCH",
            "/admin/tenant/1/tags/2/deactivate",
            "Cannot deactivate tag with active children",
        ),
    ] {
        let answer = installation.call(method, path, "").await;
        assert_refused(&answer, 400, reason, path);
    }
    let patch = async |path: &str| {
        let answer = installation.call("PATCH", path, "").await;
        assert_eq!(answer.text, r#"{"success":true}"#, "{path}");
    };
    patch("/admin/tenant/1/tags/3/deactivate").await;
    let answer = installation.call("GET", "/admin/tenant/1/tags/3", "").await;
    assert_refused(&answer, 404, "Tag not found", "an inactive tag");
    let shown = async |query: &str| {
        let listed = installation.get(&format!("{TAGS}{query}")).await;
        listed.as_array().unwrap().len()
    };
    assert_eq!(
        (shown("").await, shown("?includeInactive=true").await),
        (3, 4)
    );
    patch("/admin/tenant/1/tags/2/deactivate").await;
    patch("/admin/tenant/1/tags/3/activate").await;

    let removed = installation.delete("/admin/tenant/1/tags/3").await;
    assert_eq!(removed, json!({"success": true}));
    let answer = installation
        .call("DELETE", "/admin/tenant/1/tags/3", "")
        .await;
    assert_refused(&answer, 404, "Tag not found", "a deleted tag");
    // Its name is free again.
    installation.post(TAGS, json!({"name": "agent"})).await;
}

const BAD_TAGS: &[(&str, &str, &str, &str)] = &[
    ("POST", TAGS, "{}", "name is required"),
    ("POST", TAGS, r#"{"name":" "}"#, "name is required"),
    (
        "POST",
        TAGS,
        r#"{"name":"team"}"#,
        "Tag name already exists",
    ),
    ("POST", TAGS, r#"{"name":"a,b"}"#, "must not contain , or /"),
    ("POST", TAGS, r#"{"name":"a/b"}"#, "must not contain , or /"),
    (
        "POST",
        TAGS,
        r#"{"name":"x","parentId":99}"#,
        "Parent tag not found",
    ),
    (
        "POST",
        TAGS,
        r#"{"name":"x","parentId":-1}"#,
        "parentId must be >= 0",
    ),
    (
        "POST",
        TAGS,
        r#"{"name":"x","sessionBudgetUsd":-1}"#,
        "must be >= 0",
    ),
    (
        "POST",
        TAGS,
        r#"{"name":"x","metadata":[]}"#,
        "metadata must be an object",
    ),
    (
        "PUT",
        COMPANY,
        r#"{"name":"other"}"#,
        "Tag name already exists",
    ),
    ("PUT", COMPANY, r#"{"name":null}"#, "name is required"),
    (
        "PUT",
        COMPANY,
        r#"{"parentId":1}"#,
        "A tag cannot stand under itself",
    ),
    (
        "PUT",
        COMPANY,
        r#"{"parentId":3}"#,
        "A tag cannot stand under itself",
    ),
    (
        "PUT",
        COMPANY,
        r#"{"isActive":"no"}"#,
        "isActive must be true or false",
    ),
];

#[tokio::test]
async fn a_tag_that_cannot_be_is_refused_with_a_reason() {
    let installation = with_tree().await;
    for (method, path, body, reason) in BAD_TAGS {
        let answer = installation.call(method, path, *body).await;
        assert_refused(&answer, 400, reason, &format!("{method} {path} {body}"));
    }
    // Another tenant's tag is no tag of this one.
    installation
        .post("/admin/tenant", json!({"name": "b"}))
        .await;
    let theirs = json!({"name": "theirs"});
    installation.post("/admin/tenant/2/tags", theirs).await;
    let stolen = installation
        .call("POST", TAGS, r#"{"name":"x","parentId":5}"#)
        .await;
    assert_refused(&stolen, 400, "Parent tag not found", "another tenant's");
    for path in ["/admin/tenant/1/tags/5", "/admin/tenant/9/tags/1"] {
        let answer = installation.call("GET", path, "").await;
        assert_eq!(answer.status.as_u16(), 404, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_tree_is_only_so_deep() {
    let installation = furnished().await;
    for level in 1..=32 {
        let parent = if level == 1 {
            Value::Null
        } else {
            json!(level - 1)
        };
        let body = json!({"name": format!("level {level}"), "parentId": parent});
        installation.post(TAGS, body).await;
    }
    let body = r#"{"name":"too deep","parentId":32}"#;
    let answer = installation.call("POST", TAGS, body).await;
    assert_refused(&answer, 400, "at most 32 levels", "a 33rd");
    installation.post(TAGS, json!({"name": "above"})).await;
    let answer = installation
        .call("PUT", "/admin/tenant/1/tags/1", r#"{"parentId":33}"#)
        .await;
    assert_refused(
        &answer,
        400,
        "at most 32 levels",
        "all of them under another",
    );
}

#[tokio::test]
async fn a_tags_budget_has_a_weight_and_a_mode() {
    let installation = with_tree().await;
    let path = "/admin/tenant/1/tags/2/budgets";
    let body = json!({
        "period": "daily", "amountUsd": 5, "weight": 0.25, "inheritanceMode": "NONE",
        "alertThresholds": {"warning": 50}, "models": ["gpt-*"],
    });
    let made = installation.post(path, body).await;
    let expected = json!({
        "id": 2, "tagId": 2, "period": "daily", "amountUsd": "5", "startDate": null,
        "endDate": null, "isActive": true, "weight": 0.25, "inheritanceMode": "BYPASS",
        "alertThresholds": {"warning": 50}, "models": ["gpt-*"], "providers": [],
    });
    assert_fields(&made, &expected);
    assert_fields(&made["tag"], &json!({"id": 2, "path": "company/team"}));
    let plain = installation
        .post(path, json!({"period": "total", "amountUsd": "0.5"}))
        .await;
    assert_fields(&plain, &json!({"weight": 1, "inheritanceMode": "LENIENT"}));
    let listed = installation.get(path).await;
    let ids: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|budget| &budget["id"])
        .collect();
    assert_eq!(ids, [3, 2]);

    let body = json!({"amountUsd": 7, "isActive": false, "period": "hourly"});
    let changed = installation.put("/admin/budget/tag/2", body).await;
    let expected = json!({"amountUsd": "7", "isActive": false, "period": "daily", "weight": 0.25});
    assert_fields(&changed, &expected);
    assert_eq!(installation.get(path).await.as_array().unwrap().len(), 1);
    let removed = installation.delete("/admin/budget/tag/2").await;
    assert_eq!(removed, json!({"success": true}));
}

const BAD_BUDGETS: &[(&str, &str)] = &[
    (r#"{"period":"yearly","amountUsd":1}"#, "Invalid period"),
    (r#"{"period":"daily"}"#, "amountUsd is required"),
    (r#"{"period":"daily","amountUsd":-1}"#, "must be >= 0"),
    (
        r#"{"period":"total","amountUsd":1}"#,
        "Budget already exists",
    ),
    (
        r#"{"period":"custom","amountUsd":1}"#,
        "requires valid startDate",
    ),
    (
        r#"{"period":"daily","amountUsd":1,"weight":-1}"#,
        "weight must be",
    ),
    (
        r#"{"period":"daily","amountUsd":1,"weight":11}"#,
        "weight must be",
    ),
    (
        r#"{"period":"daily","amountUsd":1,"inheritanceMode":"MILD"}"#,
        "must be STRICT",
    ),
    (
        r#"{"period":"daily","amountUsd":1,"models":["a b"]}"#,
        "models cannot be used",
    ),
    (
        r#"{"period":"daily","amountUsd":1,"models":"gpt"}"#,
        "must be an array",
    ),
];

#[tokio::test]
async fn a_tag_budget_that_cannot_be_is_refused_with_a_reason() {
    let installation = with_tree().await;
    let path = "/admin/tenant/1/tags/2/budgets";
    let total = json!({"period": "total", "amountUsd": 1});
    installation.post(path, total).await;
    for (body, reason) in BAD_BUDGETS {
        let answer = installation.call("POST", path, *body).await;
        assert_refused(&answer, 400, reason, body);
    }
    // The routes of the two kinds of budgets do not reach each other's.
    for (method, path) in [
        ("PUT", "/admin/budget/2"),
        ("DELETE", "/admin/budget/2"),
        ("PUT", "/admin/budget/tag/1"),
        ("DELETE", "/admin/budget/tag/1"),
        ("PUT", "/admin/budget/tag/99"),
    ] {
        let answer = installation.call(method, path, "{}").await;
        assert_eq!(
            answer.status.as_u16(),
            404,
            "{method} {path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn budgets_of_one_period_differ_by_their_models() {
    let installation = furnished().await;
    let path = "/admin/tenant/1/budgets";
    let budgets = json!({"budgets": [
        {"period": "daily", "amountUsd": 1, "models": ["o3", "gpt-*", "o3"]},
        {"period": "daily", "amountUsd": 2},
    ]});
    let set = installation.post(path, budgets).await;
    assert_fields(
        &set[0],
        &json!({"models": ["gpt-*", "o3"], "providers": []}),
    );
    let same = json!({"budgets": [{"period": "daily", "amountUsd": 3, "models": ["gpt-*", "o3"]}]});
    let again = installation.post(path, same).await;
    assert_eq!(again[0]["id"], set[0]["id"]);
    let twice =
        r#"{"budgets":[{"period":"daily","amountUsd":1},{"period":"daily","amountUsd":2}]}"#;
    let answer = installation.call("POST", path, twice).await;
    assert_refused(&answer, 400, "is given twice", "the same calls");
    let many: Vec<Value> = (0..101).map(|_| json!({})).collect();
    let body = json!({"budgets": many}).to_string();
    let answer = installation.call("POST", path, body).await;
    assert_refused(&answer, 400, "at most 100 items", "too many");
}

#[tokio::test]
async fn the_installation_has_budgets_of_its_own() {
    let installation = furnished().await;
    let budgets = json!({"budgets": [{"period": "monthly", "amountUsd": 500}]});
    let set = installation.post("/admin/budgets", budgets).await;
    assert_fields(&set[0], &json!({"period": "monthly", "amountUsd": "500"}));
    assert!(set[0].get("tenantId").is_none());
    let listed = installation.get("/admin/budgets").await;
    assert_fields(
        &listed[0],
        &json!({"currentUsage": 0, "heldUsd": "0", "isRecurring": true}),
    );
    let path = format!("/admin/budget/{}", set[0]["id"]);
    let changed = installation.put(&path, json!({"amountUsd": 600})).await;
    assert_fields(&changed, &json!({"amountUsd": "600"}));
    installation.delete(&path).await;
    assert_eq!(installation.get("/admin/budgets").await, json!([]));
}
