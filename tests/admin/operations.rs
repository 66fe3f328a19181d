//! `/health`, `/metrics`, and what is answered while the database is away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use budgetguard::admin::AdminOptions;
use budgetguard::catalog::Catalog;
use budgetguard::catalog::refresh::Refresher;
use budgetguard::settings::secret::Secret;
use budgetguard::store::Store;
use serde_json::json;

use crate::installation::{Installation, NOW, options};
use crate::support::{Away, CAUSE, ROUTES, assert_fields, assert_refused, furnished, hold};

#[tokio::test]
async fn health_tells_whether_the_process_can_serve() {
    let installation = Installation::new().await;
    let health = installation.send("GET", "/health", None, "").await;
    assert_eq!(health.status, StatusCode::OK);
    let dependencies =
        json!({"database": true, "redis": true, "providers": {"configured": 2, "healthy": 2}});
    assert_eq!(
        health.json(),
        json!({"ok": true, "dependencies": dependencies})
    );
    let head = installation.send("HEAD", "/health", None, "").await;
    assert_eq!(head.status, StatusCode::OK);
}

#[tokio::test]
async fn a_process_that_stops_is_not_healthy() {
    let installation = Installation::new().await;
    installation
        .state
        .is_draining
        .store(true, Ordering::Release);
    let health = installation.send("GET", "/health", None, "").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    let detailed = installation.get("/health/detailed").await;
    assert_fields(
        &detailed,
        &json!({"ok": false, "serves": false, "draining": true}),
    );
}

#[tokio::test]
async fn health_in_detail_is_for_those_who_may_see_it() {
    let installation = furnished().await;
    let _under_way = hold(&installation, 1, 1).await;
    let answer = installation.send("GET", "/health/detailed", None, "").await;
    assert_refused(&answer, 401, "Unauthorized", "health in detail");
    let detailed = installation.get("/health/detailed").await;
    let expected = json!({
        "ok": true, "serves": true, "draining": false, "queue": null, "reservationsOpen": 1,
        "startedAt": NOW.to_string(), "uptimeSeconds": 0, "version": env!("CARGO_PKG_VERSION"),
        "stores": [
            {"role": "ledger", "kind": "sqlite", "reachable": true},
            {"role": "budgets", "kind": "memory", "reachable": true},
        ],
        "providers": [],
    });
    assert_fields(&detailed, &expected);
    assert_eq!(detailed["policy"]["reloadFailed"], false);
    assert_eq!(detailed["policy"]["hash"].as_str().unwrap().len(), 64);

    let cut_off = installation.with_part(|state| state.store = Store::new(Arc::new(Away)));
    let detailed = cut_off.call("GET", "/health/detailed", "").await;
    assert_fields(&detailed.json(), &json!({"ok": false, "serves": false}));
    assert!(!detailed.text.contains(CAUSE));
}

#[tokio::test]
async fn metrics_tell_how_budgets_stand_up_to_a_number_of_them() {
    let installation = furnished().await;
    let _under_way = hold(&installation, 1, 1).await;
    let two = json!({"budgets": [
        {"period": "daily", "amountUsd": 10}, {"period": "monthly", "amountUsd": 50},
    ]});
    installation.post("/admin/tenant/1/budgets", two).await;
    let none = installation.send("GET", "/metrics", None, "").await;
    assert!(!none.text.contains("budgetguard_budget_limit_usd"));
    let shown = installation.with_part(|state| state.options.budget_series_max = 1);
    let shown = shown.send("GET", "/metrics", None, "").await.text;
    for line in [
        r#"scope="tenant",tenant="acme"} 10"#,
        r#"budgetguard_budgets{series="own"} 1"#,
        r#"budgetguard_budgets{series="other"} 1"#,
        "budgetguard_reservation_age_seconds ",
        "budgetguard_ledger_backlog 0",
    ] {
        assert!(shown.contains(line), "no {line} in {shown}");
    }
    assert!(shown.contains("budgetguard_budget_held_usd{"), "{shown}");
}

#[tokio::test]
async fn metrics_ask_for_their_token_if_they_have_one() {
    let open = furnished().await;
    let _under_way = hold(&open, 1, 1).await;
    let shown = open.send("GET", "/metrics", None, "").await;
    assert!(
        shown.text.contains("budgetguard_reservations_open 1"),
        "{}",
        shown.text
    );
    let closed = Installation::with(AdminOptions {
        metrics_token: Some(Secret::new("scrape")),
        ..options()
    })
    .await;
    for header in [
        None,
        Some(("authorization", "Bearer wrong")),
        Some(("authorization", "scrape")),
    ] {
        let answer = closed.send("GET", "/metrics", header, "").await;
        assert_refused(&answer, 401, "Unauthorized", "metrics");
    }
    let header = Some(("authorization", "Bearer scrape"));
    assert_eq!(
        closed.send("GET", "/metrics", header, "").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn while_the_database_is_away_every_route_says_so_and_not_why() {
    let installation = furnished().await;
    let cut_off = installation.with_part(|state| state.store = Store::new(Arc::new(Away)));
    for (method, path) in ROUTES {
        let body = json!({
            "name": "beta", "rateLimitPerMin": 1, "budgets": [], "model": "m", "versionTag": "v",
            "inputPrice": 1, "cachedInputPrice": 1, "outputPrice": 1,
        });
        let body = if path.ends_with("gpt-test") {
            json!({})
        } else {
            body
        };
        let answer = cut_off.call(method, path, body.to_string()).await;
        assert_refused(&answer, 503, "The database is not available", path);
    }
    let health = cut_off.send("GET", "/health", None, "").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_fields(&health.json(), &json!({"ok": false}));
    assert!(!health.text.contains(CAUSE));

    let remote = cut_off.with_part(|state| state.options.store_is_embedded = false);
    let health = remote.send("GET", "/health", None, "").await;
    assert_eq!(
        health.status,
        StatusCode::OK,
        "it serves from what it knows"
    );
    assert_fields(&health.json(), &json!({"ok": false}));
}

#[tokio::test]
async fn a_process_that_never_loaded_anything_is_not_healthy() {
    let installation = Installation::new().await;
    let empty = installation.with_part(|state| state.catalog = Arc::new(Catalog::default()));
    let health = empty.send("GET", "/health", None, "").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_change_that_is_stored_and_not_in_force_is_told_as_such() {
    let installation = Installation::new().await;
    let refresher = &installation.state.refresher;
    let blind = Refresher {
        store: Store::new(Arc::new(Away)),
        catalog: Arc::clone(&refresher.catalog),
        accounts: Arc::clone(&refresher.accounts),
        clock: Arc::clone(&refresher.clock),
        defaults: Arc::clone(&refresher.defaults),
        turn: tokio::sync::Mutex::default(),
        check_interval: refresher.check_interval,
        reopen: Arc::default(),
    };
    let delayed = installation.with_part(|state| state.refresher = Arc::new(blind));
    let answer = delayed
        .call("POST", "/admin/tenant", r#"{"name":"acme"}"#)
        .await;
    assert_refused(&answer, 503, "stored but not yet in force", "a tenant");
    let stored = installation.get("/admin/tenant/1").await;
    assert_fields(&stored, &json!({"name": "acme"}));
}
