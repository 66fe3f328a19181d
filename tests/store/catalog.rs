//! Tenants, keys and budgets, and the catalog that is read of them.

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::id::{ApiKeyId, BudgetId, TenantId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::store::budgets::BudgetSettings;
use budgetguard::store::catalog::NO_VERSION;
use budgetguard::store::error::StoreError;
use budgetguard::store::tenants::{RateSettings, TenantSettings};
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::value::Value;
use budgetguard::store::{Page, Store};
use jiff::tz::TimeZone;

use crate::support::{Database, NOW, STAMP, key, row, settings, stamp, tenant};
mod changes;

on_both_databases![
    a_tenant_is_kept_as_it_was_given,
    a_name_belongs_to_one_open_tenant,
    a_tenant_is_changed_whole_or_in_its_rate_limit,
    a_closed_tenant_keeps_its_history_and_frees_its_name,
    tenants_are_listed_by_page,
    a_tenant_is_ensured_once,
    a_key_is_kept_revoked_and_never_moves,
    a_key_was_last_used_when_the_ledger_says,
    budgets_are_set_all_or_none,
    a_budget_keeps_its_id_and_the_id_never_comes_back,
    a_period_belongs_to_one_budget_of_a_scope,
];

const LIMIT: Usd = Usd::from_nanos(1_000_000_000);

async fn a_tenant_is_kept_as_it_was_given(database: Database) {
    let given = TenantSettings {
        name: "Müller & Söhne \0 '; DROP TABLE tenant".to_owned(),
        requests_per_minute: Some(60),
        time_zone: TimeZone::get("Europe/Berlin").unwrap(),
        default_session_budget: Some(Usd::from_nanos(1)),
    };
    let made = database.store.create_tenant(&given, &STAMP).await.unwrap();
    assert_eq!(
        made.tenant.name,
        "Müller & Söhne \u{fffd} '; DROP TABLE tenant"
    );
    assert_eq!(made.tenant.requests_per_minute, Some(60));
    assert_eq!(made.tenant.time_zone, given.time_zone);
    assert_eq!(made.tenant.default_session_budget, Some(Usd::from_nanos(1)));
    assert_eq!((made.created_at, made.updated_at), (NOW, NOW));
    let read = database.store.tenant(made.tenant.id).await.unwrap();
    assert_eq!(read, Some(made));
    assert_eq!(database.store.tenant(TenantId(99)).await.unwrap(), None);
}

async fn a_name_belongs_to_one_open_tenant(database: Database) {
    let store = &database.store;
    let first = tenant(store, "acme").await;
    let second = tenant(store, "ACME").await;
    assert_ne!(first.tenant.id, second.tenant.id, "names are exact");
    for error in [
        store
            .create_tenant(&settings("acme"), &STAMP)
            .await
            .unwrap_err(),
        store
            .update_tenant(second.tenant.id, &settings("acme"), &STAMP)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "the tenant name is already in use");
        assert!(matches!(error, StoreError::Conflict { .. }));
    }
}

async fn a_tenant_is_changed_whole_or_in_its_rate_limit(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    let later = UtcMicros::new(NOW.get() + 1);
    let wanted = TenantSettings {
        requests_per_minute: Some(0),
        default_session_budget: Some(LIMIT),
        ..settings("new")
    };
    let changed = store
        .update_tenant(id, &wanted, &stamp(later))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(changed.tenant.name, "new");
    assert_eq!(changed.tenant.requests_per_minute, Some(0));
    assert_eq!(changed.tenant.default_session_budget, Some(LIMIT));
    assert_eq!((changed.created_at, changed.updated_at), (NOW, later));
    let changed = store
        .set_tenant_rate_limits(id, &RateSettings::default(), &stamp(later))
        .await
        .unwrap();
    assert_eq!(changed.unwrap().tenant.requests_per_minute, None);
    let nobody = TenantId(99);
    assert!(
        store
            .update_tenant(nobody, &wanted, &STAMP)
            .await
            .unwrap()
            .is_none()
    );
    let limited = store
        .set_tenant_rate_limits(nobody, &RateSettings::default(), &STAMP)
        .await;
    assert!(limited.unwrap().is_none());
}

async fn a_closed_tenant_keeps_its_history_and_frees_its_name(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    store.append(&[row(1, id.0, 5)]).await.unwrap();
    let closed = store.close_tenant(id, &STAMP).await.unwrap().unwrap();
    assert!(closed.tenant.is_closed);
    assert_eq!(store.close_tenant(id, &STAMP).await.unwrap(), None);
    assert_eq!(
        store
            .update_tenant(id, &settings("x"), &STAMP)
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.tenant_named("acme").await.unwrap(), None);
    assert_eq!(store.create_key(&key(id, 1), &STAMP).await.unwrap(), None);
    let daily = [BudgetSettings::plain(Period::Daily, LIMIT)];
    let budgets = store.set_budgets(Scope::Tenant(id), &daily, &STAMP);
    assert_eq!(budgets.await.unwrap(), None);

    assert_ne!(tenant(store, "acme").await.tenant.id, id);
    let all = Page {
        limit: 10,
        offset: 0,
    };
    let ledger = store
        .ledger_page(&LedgerFilter::default(), all)
        .await
        .unwrap();
    assert_eq!(ledger.rows[0].tenant_name, "acme");
    let catalog = store.load_catalog().await.unwrap();
    assert!(catalog.tenants.iter().any(|tenant| tenant.is_closed));
}

async fn tenants_are_listed_by_page(database: Database) {
    let store = &database.store;
    for name in ["a", "b", "c", "d"] {
        tenant(store, name).await;
    }
    let id = store.tenant_named("b").await.unwrap().unwrap().tenant.id;
    store.close_tenant(id, &STAMP).await.unwrap();
    let names = async |limit, offset| {
        let listed = store.list_tenants(Page { limit, offset }).await.unwrap();
        assert_eq!(listed.total, 3);
        let names = listed.rows.into_iter().map(|record| record.tenant.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(2, 0).await, ["a", "c"]);
    assert_eq!(names(2, 2).await, ["d"]);
    assert_eq!(names(2, 4).await, Vec::<String>::new());
}

async fn a_tenant_is_ensured_once(database: Database) {
    let other = database.open_again().await;
    let (first, second) = tokio::join!(
        database.store.ensure_tenant("public", &STAMP),
        other.ensure_tenant("public", &STAMP),
    );
    assert_eq!(first.unwrap(), second.unwrap());
    let version = other.catalog_version().await.unwrap();
    other.ensure_tenant("public", &STAMP).await.unwrap();
    assert_eq!(other.catalog_version().await.unwrap(), version);
}

async fn a_key_is_kept_revoked_and_never_moves(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    let made = store
        .create_key(&key(id, u64::MAX), &STAMP)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (made.name.as_str(), made.prefix.as_str()),
        ("laptop", "bg_1234")
    );
    assert!(made.is_active && made.last_used_at.is_none());
    let error = store
        .create_key(&key(id, u64::MAX), &STAMP)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(
        store
            .create_key(&key(TenantId(99), 2), &STAMP)
            .await
            .unwrap(),
        None
    );

    let loaded = store.load_catalog().await.unwrap().keys;
    assert_eq!(loaded[0].lookup.0, u64::MAX);
    assert_eq!(loaded[0].hash.0, [7; 32]);
    assert!(loaded[0].is_active);
    for _ in 0..2 {
        let revoked = store
            .deactivate_key(made.id, &STAMP)
            .await
            .unwrap()
            .unwrap();
        assert!(!revoked.is_active);
    }
    assert_eq!(
        store.deactivate_key(ApiKeyId(99), &STAMP).await.unwrap(),
        None
    );
    assert!(!store.load_catalog().await.unwrap().keys[0].is_active);
    assert_eq!(store.list_keys(id).await.unwrap().len(), 1);
    assert_eq!(store.list_keys(TenantId(99)).await.unwrap(), []);
}

async fn a_key_was_last_used_when_the_ledger_says(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    let made = store
        .create_key(&key(id, 1), &STAMP)
        .await
        .unwrap()
        .unwrap();
    let mut used = row(1, id.0, 5);
    used.key = made.id;
    store.append(&[used]).await.unwrap();
    let listed = store.list_keys(id).await.unwrap();
    assert_eq!(listed[0].last_used_at, Some(NOW));
    assert_eq!(store.key(made.id).await.unwrap().as_ref(), listed.first());
}

async fn budgets_are_set_all_or_none(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    let scope = Scope::Tenant(id);
    let dates = Window {
        start: NOW,
        end: UtcMicros::new(NOW.get() + 1),
    };
    let wanted = [
        (Period::Monthly, LIMIT),
        (Period::Custom(dates), Usd::ZERO),
        (Period::Daily, Usd::MAX),
    ]
    .map(|(period, limit)| BudgetSettings::plain(period, limit));
    let set = store
        .set_budgets(scope, &wanted, &STAMP)
        .await
        .unwrap()
        .unwrap();
    let kept: Vec<_> = set
        .iter()
        .map(|set| BudgetSettings::plain(set.budget.period, set.budget.limit))
        .collect();
    assert_eq!(kept, wanted, "in the order that was asked for");
    assert!(
        set.iter()
            .all(|set| set.budget.tenant == Some(id)
                && set.budget.coverage == Coverage::all_of(scope))
    );
    assert_eq!(store.list_budgets(scope).await.unwrap(), set);

    let negative = [
        (Period::Hourly, LIMIT),
        (Period::Weekly, Usd::from_nanos(-1)),
    ]
    .map(|(period, limit)| BudgetSettings::plain(period, limit));
    store
        .set_budgets(scope, &negative, &STAMP)
        .await
        .unwrap_err();
    assert_eq!(store.list_budgets(scope).await.unwrap(), set);
    let nobody = Scope::Key(ApiKeyId(99));
    assert_eq!(
        store.set_budgets(nobody, &wanted, &STAMP).await.unwrap(),
        None
    );
}

async fn a_budget_keeps_its_id_and_the_id_never_comes_back(database: Database) {
    let store = &database.store;
    let id = tenant(store, "acme").await.tenant.id;
    let key = store
        .create_key(&key(id, 1), &STAMP)
        .await
        .unwrap()
        .unwrap()
        .id;
    let scope = Scope::Key(key);
    let set = async |limit| {
        let set = store
            .set_budgets(
                scope,
                &[BudgetSettings::plain(Period::Total, limit)],
                &STAMP,
            )
            .await;
        set.unwrap().unwrap().remove(0).budget
    };
    let first = set(LIMIT).await;
    let again = set(Usd::ZERO).await;
    assert_eq!((first.id, again.limit), (again.id, Usd::ZERO));
    assert_eq!(first.tenant, Some(id));
    assert_eq!(
        store.load_catalog().await.unwrap().budgets,
        std::slice::from_ref(&again)
    );

    let deleted = store.delete_budget(first.id, &STAMP).await.unwrap();
    assert_eq!(deleted.unwrap().budget, again);
    assert_eq!(store.delete_budget(first.id, &STAMP).await.unwrap(), None);
    assert_eq!(store.budget(first.id).await.unwrap(), None);
    assert!(set(LIMIT).await.id > first.id);
}

async fn a_period_belongs_to_one_budget_of_a_scope(database: Database) {
    let store = &database.store;
    let scope = Scope::Tenant(tenant(store, "acme").await.tenant.id);
    let wanted = [Period::Daily, Period::Weekly].map(|period| BudgetSettings::plain(period, LIMIT));
    let set = store
        .set_budgets(scope, &wanted, &STAMP)
        .await
        .unwrap()
        .unwrap();
    let id = set[0].budget.id;
    let error = store.update_budget(id, &wanted[1], &STAMP).await;
    assert!(matches!(error, Err(StoreError::Conflict { .. })));
    let changed = store
        .update_budget(id, &BudgetSettings::plain(Period::Total, Usd::ZERO), &STAMP)
        .await;
    let changed = changed.unwrap().unwrap().budget;
    assert_eq!(
        (changed.id, changed.period, changed.limit),
        (id, Period::Total, Usd::ZERO)
    );
    let nothing = store
        .update_budget(
            BudgetId(99),
            &BudgetSettings::plain(Period::Total, LIMIT),
            &STAMP,
        )
        .await;
    assert_eq!(nothing.unwrap(), None);
}
