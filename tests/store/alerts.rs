//! Alerts: told once among all who look, delivered by one at a time.

use std::time::Duration;

use budgetguard::domain::alert::{Alert, Percent, Thresholds};
use budgetguard::domain::budget::Scope;
use budgetguard::domain::id::{BudgetId, TagId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::store::Page;
use budgetguard::store::alerts::AlertRecord;
use budgetguard::store::budgets::BudgetSettings;

use crate::support::{Database, NOW, STAMP, tenant};

on_both_databases![
    an_alert_is_raised_once_in_each_window,
    of_many_who_raise_the_same_each_alert_is_told_by_one,
    an_alert_is_read_as_it_was_raised,
    a_webhook_is_taken_by_one_at_a_time_and_again_when_that_one_is_gone,
    a_webhook_that_failed_is_due_again_until_it_is_delivered,
    nothing_is_due_without_a_webhook,
    alerts_are_listed_newest_first_and_forgotten_after_their_window,
    what_names_no_thresholds_in_an_old_row_leaves_the_usual_ones,
];

const HOUR: Duration = Duration::from_hours(1);
const LEASE: Duration = Duration::from_secs(40);

fn hour(number: u32) -> Window {
    let start = NOW.plus(HOUR * number);
    Window {
        start,
        end: start.plus(HOUR),
    }
}

/// The alert of a tenant's budget with the same number.
fn alert(number: i64, threshold: u64, window: Window) -> Alert {
    Alert {
        budget: BudgetId(number),
        tenant: Some(TenantId(number)),
        scope: Scope::Tenant(TenantId(number)),
        period: Period::Hourly,
        window,
        threshold: Percent::new(threshold).unwrap(),
        limit: Usd::from_nanos(1_000),
        spent: Usd::from_nanos(999),
    }
}

async fn raise(database: &Database, alerts: &[Alert]) -> Vec<AlertRecord> {
    let raised = database.store.raise_alerts(alerts, NOW, Some(NOW)).await;
    raised.unwrap()
}

async fn claim(database: &Database, at: UtcMicros) -> Option<AlertRecord> {
    let claimed = database.store.claim_alert(at, at.plus(LEASE)).await;
    claimed.unwrap()
}

async fn list(database: &Database, tenant: Option<i64>) -> Vec<AlertRecord> {
    let page = Page {
        limit: 100,
        offset: 0,
    };
    let listed = database.store.list_alerts(tenant.map(TenantId), page);
    let listed = listed.await.unwrap();
    assert_eq!(listed.rows.len() as u64, listed.total);
    listed.rows
}

async fn an_alert_is_raised_once_in_each_window(database: Database) {
    let first = alert(1, 50, hour(0));
    assert_eq!(raise(&database, &[first]).await.len(), 1);
    let more = Alert {
        spent: Usd::from_nanos(1_000),
        ..first
    };
    let new_limit = Alert {
        limit: Usd::from_nanos(1_500),
        ..first
    };
    let others = [
        alert(1, 75, hour(0)),
        alert(1, 50, hour(1)),
        alert(2, 50, hour(0)),
        new_limit,
    ];
    let raised = raise(&database, &[&[first, more], &others[..]].concat()).await;
    let mut told: Vec<Alert> = raised.into_iter().map(|record| record.alert).collect();
    told.sort_by_key(Alert::key);
    let mut expected = others.to_vec();
    expected.sort_by_key(Alert::key);
    assert_eq!(told, expected, "and nothing that was told before");
    assert_eq!(raise(&database, &others).await, []);
}

async fn of_many_who_raise_the_same_each_alert_is_told_by_one(database: Database) {
    let forwards: Vec<Alert> = (1..=20).map(|id| alert(id, 50, hour(0))).collect();
    let backwards: Vec<Alert> = forwards.iter().rev().copied().collect();
    let (here, there) = (&database.store, database.open_again().await);
    let (first, second, third) = tokio::join!(
        here.raise_alerts(&forwards, NOW, None),
        there.raise_alerts(&backwards, NOW, None),
        here.raise_alerts(&backwards, NOW, None),
    );
    let told = [first, second, third].map(|raised| raised.unwrap().len());
    assert_eq!(told.iter().sum::<usize>(), forwards.len(), "{told:?}");
}

async fn an_alert_is_read_as_it_was_raised(database: Database) {
    let of_everybody = Alert {
        tenant: None,
        scope: Scope::Installation,
        period: Period::Total,
        window: Window::TOTAL,
        ..alert(3, 1_000, hour(0))
    };
    let of_tag = Alert {
        scope: Scope::Tag(TagId(8)),
        period: Period::Custom(hour(2)),
        ..alert(4, 1, hour(2))
    };
    for wanted in [of_everybody, of_tag] {
        let raised = raise(&database, &[wanted]).await.remove(0);
        assert_eq!((raised.alert, raised.raised_at), (wanted, NOW));
        assert_eq!(list(&database, None).await[0], raised);
    }
}

async fn a_webhook_is_taken_by_one_at_a_time_and_again_when_that_one_is_gone(database: Database) {
    const ALERTS: i64 = 40;
    let alerts: Vec<Alert> = (1..=ALERTS).map(|id| alert(id, 50, hour(0))).collect();
    raise(&database, &alerts).await;
    let there = database.open_again().await;
    let stores = [&database.store, &there, &database.store, &there];
    let couriers = stores.map(async |store| {
        let mut taken = Vec::new();
        // One that finds what it chose taken goes without, so there are more tries than alerts.
        for _ in 0..2 * ALERTS {
            let claimed = store.claim_alert(NOW, NOW.plus(LEASE)).await.unwrap();
            taken.extend(claimed.map(|record| record.id));
        }
        taken
    });
    let mut taken = futures::future::join_all(couriers).await.concat();
    taken.sort();
    let count = taken.len();
    taken.dedup();
    assert_eq!((taken.len(), count), (alerts.len(), alerts.len()));
    assert_eq!(claim(&database, NOW).await, None);
    // Whoever had taken them is gone.
    let again = claim(&database, NOW.plus(LEASE)).await.unwrap();
    assert_eq!(again.delivery.attempts, 2);
}

async fn a_webhook_that_failed_is_due_again_until_it_is_delivered(database: Database) {
    raise(&database, &[alert(1, 50, hour(0))]).await;
    let id = claim(&database, NOW).await.unwrap().id;
    let (store, later) = (&database.store, NOW.plus(HOUR));
    store.alert_failed(id, "no", Some(later)).await.unwrap();
    assert_eq!(claim(&database, NOW.plus(LEASE)).await, None);
    let again = claim(&database, later).await.unwrap();
    assert_eq!(again.delivery.last_error.as_deref(), Some("no"));
    store.alert_delivered(id, later).await.unwrap();
    // A try that was thought to have failed does not take back what arrived.
    store.alert_failed(id, "late", Some(later)).await.unwrap();
    let delivered = list(&database, None).await.remove(0).delivery;
    let shown = (
        delivered.attempts,
        delivered.delivered_at,
        delivered.last_error,
    );
    assert_eq!(shown, (2, Some(later), None));
    assert_eq!(claim(&database, later.plus(HOUR)).await, None);

    raise(&database, &[alert(2, 50, hour(0))]).await;
    let id = claim(&database, NOW).await.unwrap().id;
    store.alert_failed(id, "never", None).await.unwrap();
    assert_eq!(claim(&database, later.plus(HOUR)).await, None, "given up");
}

async fn nothing_is_due_without_a_webhook(database: Database) {
    let alerts = [alert(1, 50, hour(0))];
    let raised = database.store.raise_alerts(&alerts, NOW, None).await;
    assert_eq!(raised.unwrap()[0].delivery.next_attempt_at, None);
    assert_eq!(claim(&database, NOW.plus(HOUR)).await, None);
}

async fn alerts_are_listed_newest_first_and_forgotten_after_their_window(database: Database) {
    let endless = Alert {
        period: Period::Total,
        window: Window::TOTAL,
        ..alert(1, 50, hour(0))
    };
    for one in [alert(1, 50, hour(0)), alert(2, 50, hour(1)), endless] {
        raise(&database, &[one]).await;
    }
    let budgets = |rows: Vec<AlertRecord>| -> Vec<_> {
        let rows = rows.into_iter().map(|row| row.alert);
        rows.map(|alert| (alert.budget.0, alert.period.name()))
            .collect()
    };
    let all = budgets(list(&database, None).await);
    assert_eq!(all, [(1, "total"), (2, "hourly"), (1, "hourly")]);
    let own = budgets(list(&database, Some(1)).await);
    assert_eq!(own, [(1, "total"), (1, "hourly")]);
    // An hour and a little later, only the first window has been over for long enough.
    let before = hour(1).start.plus(Duration::from_secs(1));
    assert_eq!(database.store.forget_alerts(before).await.unwrap(), 1);
    let left = budgets(list(&database, None).await);
    assert_eq!(left, [(1, "total"), (2, "hourly")]);
}

async fn what_names_no_thresholds_in_an_old_row_leaves_the_usual_ones(database: Database) {
    let scope = Scope::Tenant(tenant(&database.store, "acme").await.tenant.id);
    for (kept, expected) in [
        (Some(r#"{"colour":"red"}"#), None),
        (Some(r#"{"high":60}"#), Some(Thresholds::new([60]).unwrap())),
        // An amount that is set anew leaves them.
        (None, Some(Thresholds::new([60]).unwrap())),
        (Some("[]"), Some(Thresholds::default())),
    ] {
        let budget = BudgetSettings {
            thresholds: kept.map(str::to_owned),
            ..BudgetSettings::plain(Period::Daily, Usd::from_nanos(5))
        };
        let set = database.store.set_budgets(scope, &[budget], &STAMP).await;
        assert_eq!(set.unwrap().unwrap().len(), 1);
        let catalog = database.store.load_catalog().await.unwrap();
        assert_eq!(catalog.budgets[0].thresholds, expected, "{kept:?}");
    }
}
