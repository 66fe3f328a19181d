//! Reading the log, which nobody changes.

use std::time::Duration;

use serde_json::json;

use crate::audit::{Everything, log, with_everything};
use crate::databases::Place;
use crate::installation::{ADMIN_KEY, NOW};
use crate::support::{Refused, assert_all_refused};

const BAD_QUESTIONS: &[Refused] = &[
    (
        "GET",
        "/admin/audit?targetId=1",
        "",
        400,
        "targetId needs target",
    ),
    ("GET", "/admin/audit?before=x", "", 400, "before must be"),
    ("GET", "/admin/audit?limit=0", "", 400, "limit must be"),
    (
        "GET",
        "/admin/audit?actor=nobody",
        "",
        400,
        "actor must be one of",
    ),
    ("GET", "/admin/audit?startDate=x", "", 400, "Invalid date"),
];

on_both_databases![
    pages_make_up_the_whole_newest_first,
    the_log_is_filtered,
    what_is_no_filter_is_refused,
    the_log_shows_no_secret,
    nobody_changes_the_log,
];

/// With everything, and two days later a tenant 2 that is renamed at once.
async fn with_two_more(place: &Place) -> Everything {
    let everything = with_everything(place).await;
    let installation = &everything.told;
    installation.clock.set(NOW.plus(Duration::from_hours(48)));
    let other = json!({"name": "other"});
    installation.post("/admin/tenant", other).await;
    let third = json!({"name": "third"});
    installation.put("/admin/tenant/2", third).await;
    everything
}

async fn pages_make_up_the_whole_newest_first(place: Place) {
    let everything = with_two_more(&place).await;
    let installation = &everything.told;
    let all = log(installation, "limit=1000").await;
    assert_eq!(all[0]["action"], "tenant.update");
    assert_eq!(all[1]["action"], "tenant.create");
    let mut paged = Vec::new();
    let mut query = "limit=3".to_owned();
    loop {
        let page = installation.get(&format!("/admin/audit?{query}")).await;
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("limit=3&before={next}");
    }
    assert_eq!(paged, all, "pages make up the whole");
}

async fn the_log_is_filtered(place: Place) {
    let everything = with_two_more(&place).await;
    let installation = &everything.told;
    let count = log(installation, "limit=1000").await.len();
    for (query, expected) in [
        ("tenantId=2", 2),
        ("action=tenant.create", 2),
        ("tenantId=2&action=tenant.create", 1),
        ("target=tenant", 3),
        ("target=tenant&targetId=2", 2),
        ("target=user&targetId=2", 0),
        ("startDate=2026-01-17", 2),
        ("endDate=2026-01-16", count - 2),
        ("actor=admin_key", count),
        ("actor=user", 0),
        ("actorId=1", 0),
    ] {
        let found = log(installation, &format!("{query}&limit=1000")).await;
        assert_eq!(found.len(), expected, "{query}");
    }
}

async fn what_is_no_filter_is_refused(place: Place) {
    let everything = with_everything(&place).await;
    assert_all_refused(&everything.told, BAD_QUESTIONS).await;
}

async fn the_log_shows_no_secret(place: Place) {
    let everything = with_everything(&place).await;
    let installation = &everything.told;
    let key = installation
        .post("/admin/tenant/1/apikeys", json!({}))
        .await;
    let key = key["key"].as_str().unwrap();
    let text = serde_json::to_string(&log(installation, "limit=1000").await).unwrap();
    for secret in ["$argon2", "correct horse", ADMIN_KEY, key] {
        assert!(!text.contains(secret), "the log shows {secret}");
    }
}

async fn nobody_changes_the_log(place: Place) {
    let everything = with_everything(&place).await;
    let driver = &everything.first.driver;
    let is_postgres = driver.name() == "postgres";
    let truncate = is_postgres.then_some("TRUNCATE audit_log");
    for statement in ["UPDATE audit_log SET at = 0", "DELETE FROM audit_log"]
        .into_iter()
        .chain(truncate)
    {
        let error = driver.execute(statement, &[]).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}
