//! Alerts: thresholds on budgets of every kind, who is told and when, and what the API shows of it.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::alerts::courier::Courier;
use budgetguard::alerts::settlements::Settlements;
use budgetguard::alerts::watcher::{Watcher, WatcherOptions, WatcherParts};
use budgetguard::alerts::webhook::Webhook;
use budgetguard::domain::alert::Thresholds;
use budgetguard::domain::budget::Reservation;
use budgetguard::domain::id::{RequestId, TagId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, Weight};
use budgetguard::domain::window::{ManualClock, UtcMicros};
use budgetguard::settings::alerts::WebhookSettings;
use budgetguard::settings::secret::Secret;
use budgetguard::store::Store;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::installation::{Installation, NOW};
use crate::receiver::{Receiver, SECRET};
use crate::support::{Away, assert_fields, assert_refused, furnished, row};

const BUDGETS: &str = "/admin/tenant/1/budgets";
const DAY: Duration = Duration::from_hours(24);

/// Somebody who looks, on a clock of his own.
struct Lookout {
    watcher: Watcher,
    clock: Arc<ManualClock>,
    settlements: Arc<Settlements>,
}

impl Lookout {
    fn over(installation: &Installation) -> Self {
        Self::with(installation, |_| ())
    }

    fn with(installation: &Installation, change: impl FnOnce(&mut WatcherParts)) -> Self {
        let state = &installation.state;
        let clock = Arc::new(ManualClock::at(NOW));
        let settlements = Arc::new(Settlements::default());
        let mut parts = WatcherParts {
            catalog: Arc::clone(&state.catalog),
            engine: Arc::clone(&state.engine),
            store: state.store.clone(),
            metrics: Arc::clone(&state.metrics),
            clock: Arc::clone(&clock) as _,
            settlements: Arc::clone(&settlements),
            options: WatcherOptions {
                usual: Thresholds::new([50, 75, 90, 100]).unwrap(),
                keep: DAY,
            },
            courier: None,
        };
        change(&mut parts);
        Self {
            watcher: Watcher::new(parts),
            clock,
            settlements,
        }
    }

    /// Spends as a request of the key 1 does that was admitted at an instant.
    async fn spend(
        &self,
        installation: &Installation,
        at: UtcMicros,
        nanos: i64,
        tags: &[TagShare],
    ) {
        let snapshot = installation.state.catalog.snapshot();
        let entry = &snapshot.tenants[&TenantId(1)];
        let mut paid = row(1, at, "gpt-5", nanos);
        paid.tags = tags.iter().copied().collect();
        let reservation = Reservation {
            request: RequestId::new(at, rand::random()),
            at,
            charges: snapshot.charges(entry, &paid.origin(), at),
            origin: paid.origin(),
            wanted: Usd::from_nanos(nanos),
            at_least: Usd::from_nanos(nanos),
        };
        let engine = &installation.state.engine;
        let hold = engine.reserve(&reservation).await.unwrap();
        engine.settle(&hold, Usd::from_nanos(nanos));
        self.settlements.note(TenantId(1), at);
    }

    /// Looks, and gives the scope and threshold of each alert that it told.
    async fn look(&mut self) -> Vec<(&'static str, u16)> {
        let told = self.watcher.look().await.unwrap().into_iter();
        let told = told.map(|record| record.alert);
        let mut told: Vec<_> = told
            .map(|alert| (alert.scope.kind(), alert.threshold.get()))
            .collect();
        told.sort_unstable();
        told
    }
}

fn usd(dollars: i64) -> i64 {
    dollars * 1_000_000_000
}

#[tokio::test]
async fn thresholds_are_set_and_shown_on_budgets_of_every_kind() {
    let installation = furnished().await;
    let tag = json!({"name": "team"});
    installation.post("/admin/tenant/1/tags", tag).await;
    for path in ["/admin/budgets", BUDGETS, "/admin/apikey/1/budgets"] {
        let budget = json!({"period": "total", "amountUsd": 1, "alertThresholds": [80, 50]});
        let set = installation.post(path, json!({"budgets": [budget]})).await;
        let own = json!({"alertThresholds": [80, 50]});
        assert_fields(&set[0], &own);
        let listed = installation.get(path).await;
        let total = listed.as_array().unwrap().last().unwrap();
        assert_fields(total, &own);
    }
    let tags = "/admin/tenant/1/tags/1/budgets";
    let named = json!({"period": "daily", "amountUsd": 1, "alertThresholds": {"critical": 95}});
    let made = installation.post(tags, named).await;
    assert_fields(&made, &json!({"alertThresholds": {"critical": 95}}));
    let path = format!("/admin/budget/tag/{}", made["id"]);
    let none = installation
        .put(&path, json!({"alertThresholds": []}))
        .await;
    assert_fields(&none, &json!({"alertThresholds": []}));

    let budget = "/admin/budget/1";
    assert_fields(
        &installation.get(BUDGETS).await[0],
        &json!({"alertThresholds": null}),
    );
    for (body, expected) in [
        (json!({"alertThresholds": [60]}), json!([60])),
        (json!({"amountUsd": 11}), json!([60])),
        (json!({"alertThresholds": null}), Value::Null),
    ] {
        let changed = installation.put(budget, body).await;
        assert_fields(&changed, &json!({"alertThresholds": expected}));
    }
    installation
        .put(budget, json!({"alertThresholds": [60]}))
        .await;
    let amount = json!({"budgets": [{"period": "daily", "amountUsd": 12}]});
    let set = installation.post(BUDGETS, amount).await;
    assert_fields(
        &set[0],
        &json!({"amountUsd": "12", "alertThresholds": [60]}),
    );
}

#[tokio::test]
async fn what_names_no_thresholds_is_refused() {
    let installation = furnished().await;
    for thresholds in ["[0.8]", "50", r#"{"warning":"half"}"#, "[0]", "[1001]"] {
        let body = format!(r#"{{"alertThresholds":{thresholds}}}"#);
        let answer = installation.call("PUT", "/admin/budget/1", body).await;
        let reason = "alertThresholds must be at most 16 whole percents from 1 to 1000";
        assert_refused(&answer, 400, reason, thresholds);
        let body = format!(
            r#"{{"budgets":[{{"period":"total","amountUsd":1,"alertThresholds":{thresholds}}}]}}"#
        );
        let answer = installation.call("POST", BUDGETS, body).await;
        assert_refused(
            &answer,
            400,
            "budgets/0/alertThresholds must be",
            thresholds,
        );
    }
}

#[tokio::test]
async fn a_threshold_is_told_once_in_each_window() {
    let installation = furnished().await;
    let mut lookout = Lookout::over(&installation);
    assert_eq!(lookout.look().await, []);
    lookout.spend(&installation, NOW, usd(6), &[]).await;
    assert_eq!(lookout.look().await, [("tenant", 50)]);
    lookout.spend(&installation, NOW, usd(1), &[]).await;
    assert_eq!(lookout.look().await, [], "7 of 10 dollars");
    lookout.spend(&installation, NOW, usd(3), &[]).await;
    let rest = [("tenant", 75), ("tenant", 90), ("tenant", 100)];
    assert_eq!(lookout.look().await, rest);

    // Another process, or the same after a restart, finds all of it told.
    let mut second = Lookout::over(&installation);
    assert_eq!(second.look().await, []);

    let tomorrow = NOW.plus(DAY);
    lookout.clock.set(tomorrow);
    lookout.spend(&installation, tomorrow, usd(5), &[]).await;
    assert_eq!(lookout.look().await, [("tenant", 50)]);
}

#[tokio::test]
async fn a_request_that_ends_after_its_window_is_told_of_too() {
    let installation = furnished().await;
    let mut lookout = Lookout::over(&installation);
    lookout.look().await;
    lookout.clock.set(NOW.plus(DAY));
    lookout.spend(&installation, NOW, usd(6), &[]).await;
    assert_eq!(lookout.look().await, [("tenant", 50)]);
    let listed = installation.get("/admin/alerts").await;
    let today = json!({"windowStart": "2026-01-15T00:00:00.000Z"});
    assert_fields(&listed["data"][0], &today);
}

#[tokio::test]
async fn each_budget_has_its_own_thresholds_or_the_usual_ones() {
    let installation = furnished().await;
    let budget = |amount: u32, thresholds: Value| {
        let budget = json!({"period": "total", "amountUsd": amount, "alertThresholds": thresholds});
        json!({"budgets": [budget]})
    };
    for name in ["company", "team"] {
        let parent = (name == "team").then_some(1);
        let tag = json!({"name": name, "parentId": parent});
        installation.post("/admin/tenant/1/tags", tag).await;
    }
    let everybody = budget(100, json!([1]));
    installation.post("/admin/budgets", everybody).await;
    let of_key = budget(1, json!({"half": 50, "over": 200}));
    installation.post("/admin/apikey/1/budgets", of_key).await;
    let company = json!({"period": "daily", "amountUsd": 1, "inheritanceMode": "BYPASS"});
    installation
        .post("/admin/tenant/1/tags/1/budgets", company)
        .await;
    let team = json!({"period": "daily", "amountUsd": 5, "alertThresholds": []});
    installation
        .post("/admin/tenant/1/tags/2/budgets", team)
        .await;
    let mut lookout = Lookout::over(&installation);
    let share = |id, is_inherited| TagShare {
        tag: TagId(id),
        weight: Weight::ONE,
        is_inherited,
    };
    let tags = [share(2, false), share(1, true)];
    lookout.spend(&installation, NOW, usd(1), &tags).await;
    let told = [
        ("installation", 1),
        ("key", 50),
        ("tag", 50),
        ("tag", 75),
        ("tag", 90),
        ("tag", 100),
    ];
    assert_eq!(lookout.look().await, told);
    let shown = installation.send("GET", "/metrics", None, "").await;
    let metric = r#"budgetguard_alerts_total{scope_kind="key",threshold="50"} 1"#;
    assert!(shown.text.contains(metric), "{}", shown.text);
}

#[tokio::test]
async fn a_changed_limit_is_looked_at_without_a_request() {
    let installation = furnished().await;
    let mut lookout = Lookout::over(&installation);
    lookout.spend(&installation, NOW, usd(4), &[]).await;
    assert_eq!(lookout.look().await, []);
    let budget = "/admin/budget/1";
    installation.put(budget, json!({"amountUsd": 5})).await;
    assert_eq!(lookout.look().await, [("tenant", 50), ("tenant", 75)]);
    // Whoever raises the limit wants to know when the new one is reached.
    installation.put(budget, json!({"amountUsd": 8})).await;
    assert_eq!(lookout.look().await, [("tenant", 50)]);
    let lower = json!({"alertThresholds": [40, 50]});
    installation.put(budget, lower).await;
    assert_eq!(lookout.look().await, [("tenant", 40)]);
}

#[tokio::test]
async fn what_cannot_be_written_is_told_when_the_database_is_back() {
    let installation = furnished().await;
    let settlements = Arc::new(Settlements::default());
    let mut cut_off = Lookout::with(&installation, |parts| {
        parts.store = Store::new(Arc::new(Away));
        parts.settlements = Arc::clone(&settlements);
    });
    cut_off.spend(&installation, NOW, usd(6), &[]).await;
    settlements.note(TenantId(1), NOW);
    cut_off.watcher.look().await.unwrap_err();
    assert_eq!(settlements.take().len(), 1, "it is still to be looked at");
    let mut back = Lookout::over(&installation);
    assert_eq!(back.look().await, [("tenant", 50)]);
}

#[tokio::test]
async fn alerts_are_listed_by_page_with_names_and_delivery() {
    let installation = furnished().await;
    installation
        .post("/admin/tenant", json!({"name": "beta"}))
        .await;
    let mut lookout = Lookout::over(&installation);
    lookout.spend(&installation, NOW, usd(8), &[]).await;
    lookout.look().await;
    let newest = json!({
        "id": 2, "budgetId": 1, "scope": "tenant", "scopeId": 1, "tenantId": 1, "tenant": "acme",
        "tagPath": null, "period": "daily", "windowStart": "2026-01-15T00:00:00.000Z",
        "windowEnd": "2026-01-16T00:00:00.000Z", "threshold": 75, "limitUsd": "10",
        "spentUsd": "8", "raisedAt": "2026-01-15T12:00:00.000Z",
        "delivery": {"state": "none", "attempts": 0, "deliveredAt": null, "nextAttemptAt": null,
            "lastError": null},
    });
    let listed = installation.get("/admin/alerts?limit=1").await;
    let expected = json!({"data": [newest], "total": 2, "page": 0, "limit": 1});
    assert_eq!(listed, expected);
    let second = installation
        .get("/admin/tenant/1/alerts?limit=1&page=1")
        .await;
    assert_fields(&second["data"][0], &json!({"id": 1, "threshold": 50}));
    let others = installation.get("/admin/tenant/2/alerts").await;
    assert_fields(&others, &json!({"data": [], "total": 0}));
    // A closed tenant still has its alerts.
    installation.delete("/admin/tenant/1").await;
    let listed = installation.get("/admin/tenant/1/alerts").await;
    assert_fields(&listed, &json!({"total": 2}));
}

pub(crate) fn webhook(url: String) -> Arc<Webhook> {
    let settings = WebhookSettings {
        url: Secret::new(url),
        secret: Some(SECRET.parse().unwrap()),
        timeout: Duration::from_secs(5),
        attempts_max: 3,
    };
    Arc::new(Webhook::new(&settings, rustls::RootCertStore::empty()).unwrap())
}

#[tokio::test]
async fn a_test_of_the_webhook_tells_how_it_went() {
    let installation = furnished().await;
    let test = "/admin/alerts/test";
    let answer = installation.call("POST", test, "").await;
    assert_refused(&answer, 400, "No alert webhook is configured", test);

    let receiver = Receiver::start().await;
    let told = installation.with_part(|state| state.webhook = Some(webhook(receiver.url())));
    receiver.answer([200, 302, 500]);
    let arrived = json!({"delivered": true, "error": null});
    assert_fields(&told.post(test, json!({})).await, &arrived);
    for status in [302, 500] {
        let error = format!("the receiver answered {status}");
        let failed = json!({"delivered": false, "error": error});
        assert_fields(&told.post(test, json!({})).await, &failed);
    }
    let delivered = receiver.delivered();
    assert_eq!(delivered.len(), 3, "a redirection is not followed");
    assert_fields(&delivered[0].json(), &json!({"type": "test", "data": null}));
    delivered[0].assert_signed();

    let nobody = "http://127.0.0.1:1/the-secret-path".to_owned();
    let nobody = installation.with_part(|state| state.webhook = Some(webhook(nobody)));
    let failed = nobody.post(test, json!({})).await;
    assert_fields(&failed, &json!({"error": "the receiver cannot be reached"}));
    assert!(!format!("{:?}", nobody.state).contains("the-secret-path"));
}

/// An alert that is due for a courier who tries three times.
async fn due(installation: &Installation, receiver: &Receiver) -> (Lookout, Courier) {
    let wake = Arc::new(Notify::new());
    let mut lookout = Lookout::with(installation, |parts| {
        parts.courier = Some(Arc::clone(&wake));
    });
    let courier = Courier {
        store: installation.state.store.clone(),
        catalog: Arc::clone(&installation.state.catalog),
        metrics: Arc::clone(&installation.state.metrics),
        clock: Arc::clone(&lookout.clock) as _,
        webhook: webhook(receiver.url()),
        attempts_max: 3,
        wake,
    };
    assert_eq!(courier.deliver_next().await.unwrap(), None);
    lookout.spend(installation, NOW, usd(5), &[]).await;
    assert_eq!(lookout.look().await, [("tenant", 50)]);
    (lookout, courier)
}

async fn newest_delivery(installation: &Installation) -> Value {
    let listed = installation.get("/admin/alerts").await;
    listed["data"][0]["delivery"].clone()
}

#[tokio::test]
async fn a_webhook_is_tried_again_later_and_later_until_it_arrives() {
    let installation = furnished().await;
    let receiver = Receiver::start().await;
    let (lookout, courier) = due(&installation, &receiver).await;
    receiver.answer([500, 503]);
    for (after_ms, is_due) in [
        (0, true),
        (999, false),
        (1_000, true),
        (2_999, false),
        (3_000, true),
        (100_000, false),
    ] {
        lookout.clock.set(NOW.plus(Duration::from_millis(after_ms)));
        let tried = courier.deliver_next().await.unwrap();
        assert_eq!(tried.is_some(), is_due, "after {after_ms} ms");
    }
    let delivered = receiver.delivered();
    assert_eq!(delivered.len(), 3);
    let (id, body) = (delivered[0].header("webhook-id"), &delivered[0].body);
    for message in &delivered {
        message.assert_signed();
        assert_eq!((message.header("webhook-id"), &message.body), (id, body));
    }
    let state = json!({
        "state": "delivered", "attempts": 3, "deliveredAt": "2026-01-15T12:00:03.000Z",
        "nextAttemptAt": null, "lastError": null,
    });
    assert_eq!(newest_delivery(&installation).await, state);
}

#[tokio::test]
async fn a_webhook_that_never_arrives_is_given_up() {
    let installation = furnished().await;
    let receiver = Receiver::start().await;
    let (lookout, courier) = due(&installation, &receiver).await;
    receiver.answer([500; 5]);
    for days in 0..5 {
        lookout.clock.set(NOW.plus(DAY * days));
        courier.deliver_next().await.unwrap();
    }
    assert_eq!(receiver.delivered().len(), 3);
    let state = json!({
        "state": "given_up", "attempts": 3, "deliveredAt": null, "nextAttemptAt": null,
        "lastError": "the receiver answered 500",
    });
    assert_eq!(newest_delivery(&installation).await, state);
}
