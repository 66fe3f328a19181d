//! The catalog while it changes: its version, and what is read of it meanwhile.

use super::*;

on_both_databases![
    each_change_raises_the_version_by_one_and_a_failed_one_leaves_it,
    the_catalog_is_read_as_it_was_at_one_moment,
    changes_at_the_same_time_all_happen,
    a_large_catalog_is_read_whole_and_in_order,
    only_keys_that_changed_are_read_again_however_they_changed,
    what_is_not_committed_never_was,
];

async fn each_change_raises_the_version_by_one_and_a_failed_one_leaves_it(database: Database) {
    let store = &database.store;
    let mut expected = store.catalog_version().await.unwrap();
    let mut raised = async |happened: bool| {
        expected += i64::from(happened);
        assert_eq!(store.catalog_version().await.unwrap(), expected);
    };
    let id = tenant(store, "acme").await.tenant.id;
    raised(true).await;
    store
        .create_tenant(&settings("acme"), &STAMP)
        .await
        .unwrap_err();
    raised(false).await;
    let key = store
        .create_key(&key(id, 1), &STAMP)
        .await
        .unwrap()
        .unwrap()
        .id;
    raised(true).await;
    let limits = [Period::Daily, Period::Total].map(|period| BudgetSettings::plain(period, LIMIT));
    let set = store
        .set_budgets(Scope::Key(key), &limits, &STAMP)
        .await
        .unwrap()
        .unwrap();
    raised(true).await;
    store.delete_budget(set[0].budget.id, &STAMP).await.unwrap();
    raised(true).await;
    store.delete_budget(set[0].budget.id, &STAMP).await.unwrap();
    raised(false).await;
    store.deactivate_key(key, &STAMP).await.unwrap();
    raised(true).await;
    store.close_tenant(id, &STAMP).await.unwrap();
    raised(true).await;
    store.append(&[row(1, 1, 1)]).await.unwrap();
    raised(false).await;
}

async fn the_catalog_is_read_as_it_was_at_one_moment(database: Database) {
    let store = &database.store;
    let writer = database.open_again().await;
    let changes_made = async {
        for number in 0..20 {
            let id = tenant(&writer, &number.to_string()).await.tenant.id;
            writer.create_key(&key(id, number), &STAMP).await.unwrap();
        }
    };
    let catalogs_read = async {
        loop {
            let catalog = store.load_catalog().await.unwrap();
            let changes = catalog.tenants.len() + catalog.keys.len();
            assert_eq!(catalog.version, 1 + i64::try_from(changes).unwrap());
            if changes == 40 {
                break;
            }
        }
    };
    tokio::join!(changes_made, catalogs_read);
}

async fn changes_at_the_same_time_all_happen(database: Database) {
    let stores: [Store; 3] = [
        database.store.clone(),
        database.open_again().await,
        database.open_again().await,
    ];
    let names: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let changes = names.iter().zip(stores.iter().cycle());
    let changes = changes.map(|(name, store)| tenant(store, name));
    let made = futures::future::join_all(changes).await;
    assert_eq!(made.len(), 30);
    assert_eq!(database.store.catalog_version().await.unwrap(), 31);
}

async fn what_is_not_committed_never_was(database: Database) {
    const INSERT: &str = "INSERT INTO tenant (name, created_at, updated_at) VALUES ('ghost', 1, 1)";
    let mut abandoned = database.driver.begin().await.unwrap();
    abandoned.execute(INSERT, &[]).await.unwrap();
    drop(abandoned);
    let mut failed = database.driver.begin().await.unwrap();
    failed.execute(INSERT, &[]).await.unwrap();
    failed
        .execute("INSERT INTO nowhere VALUES (1)", &[])
        .await
        .unwrap_err();
    drop(failed);
    tenant(&database.store, "real").await;
    assert_eq!(database.store.tenant_named("ghost").await.unwrap(), None);
}

async fn a_large_catalog_is_read_whole_and_in_order(database: Database) {
    const MANY: &str = "INSERT INTO tenant (name, time_zone, created_at, updated_at) \
         WITH RECURSIVE number (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
         SELECT n + 1 FROM number WHERE n < $1) SELECT 'tenant-' || n, 'UTC', 1, 1 FROM number";
    let count: i64 = 10_000;
    let made = database.driver.execute(MANY, &[Value::from(count)]).await;
    assert_eq!(made.unwrap(), 10_000);
    let catalog = database.store.load_catalog().await.unwrap();
    let ids: Vec<i64> = catalog.tenants.iter().map(|tenant| tenant.id.0).collect();
    assert_eq!(ids, (1..=count).collect::<Vec<_>>());
}

async fn only_keys_that_changed_are_read_again_however_they_changed(database: Database) {
    let store = &database.store;
    let owner = tenant(store, "acme").await.tenant.id;
    let mut keys = Vec::new();
    for number in 1..=4 {
        let made = store.create_key(&key(owner, number), &STAMP).await.unwrap();
        keys.push(made.unwrap().id);
    }
    let known = store.catalog_version().await.unwrap();
    let changed = async |after: i64| {
        let rows = store.load_catalog_after(after, NOW).await.unwrap();
        assert_eq!(rows.tenants.len(), 1, "everything else is read whole");
        let keys = rows.keys.into_iter();
        keys.map(|key| (key.id, key.is_active)).collect::<Vec<_>>()
    };
    assert_eq!(changed(known).await, []);
    store.deactivate_key(keys[1], &STAMP).await.unwrap();
    let limits = RateSettings::default();
    store
        .set_key_rate_limits(keys[2], &limits, &STAMP)
        .await
        .unwrap();
    let made = store.create_key(&key(owner, 5), &STAMP).await.unwrap();
    let made = made.unwrap().id;
    let expected = [(keys[1], false), (keys[2], true), (made, true)];
    assert_eq!(changed(known).await, expected);
    assert_eq!(changed(known + 1).await, expected[1..]);
    assert_eq!(changed(NO_VERSION).await.len(), 5);
}
