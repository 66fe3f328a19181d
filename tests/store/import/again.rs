//! Once, twice, and later: what is here already stays as it is.

use budgetguard::domain::money::Usd;
use budgetguard::import::{ImportOptions, Report, run};

use crate::import::audit::logged;
use crate::import::{OPTIONS, figures, full_original, id_of, imported, ledger};
use crate::support::{Database, STAMP, tenant};

on_both_databases![
    everything_comes_over_once,
    tenants_of_the_same_name_are_one,
    a_dry_run_writes_nothing,
    a_dry_run_tells_what_would_come_over,
    what_is_new_comes_over_later,
];

const DRY: ImportOptions = ImportOptions {
    is_dry_run: true,
    ..OPTIONS
};

async fn everything_comes_over_once(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    let first = imported(store, &original).await;
    assert_eq!(
        figures(&first),
        [
            ("tenants", 4, 4, 0, 0),
            ("deleted tenants", 1, 1, 0, 0),
            ("tags", 8, 8, 0, 0),
            ("prices", 4, 2, 0, 2),
            ("sessions", 3, 3, 0, 0),
            ("ledger", 12, 10, 0, 2),
            ("budgets", 9, 6, 0, 3),
            ("tag budgets", 6, 4, 0, 2),
            ("keys", 5, 3, 0, 2),
            ("audit log", 2, 2, 0, 0),
            ("tagging rules", 1, 0, 0, 1),
        ]
    );
    let catalog = store.load_catalog().await.unwrap();
    let second = imported(store, &original).await;
    for (kind, found, imported, already_there, skipped) in figures(&second) {
        assert_eq!(imported, 0, "{kind}");
        assert_eq!(already_there + skipped, found, "{kind}");
    }
    assert_eq!(second.spending, first.spending);
    let again = store.load_catalog().await.unwrap();
    assert_eq!(again, catalog, "the second run changed something");
    original.drop().await;
}

async fn tenants_of_the_same_name_are_one(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    let public = tenant(store, "public").await.tenant.id;
    let acme = tenant(store, "acme").await.tenant.id;
    store
        .set_default_session_budget(acme, Some(Usd::from_nanos(3)), &STAMP)
        .await
        .unwrap();
    imported(store, &original).await;
    assert_eq!(id_of(store, "public").await, public);
    let merged = store.tenant_named("acme").await.unwrap().unwrap();
    assert_eq!(merged.tenant.id, acme);
    assert_eq!(
        merged.tenant.default_session_budget,
        Some(Usd::from_nanos(3)),
        "what was set here stays"
    );
    assert_eq!(merged.tenant.requests_per_minute, Some(0));
    assert_eq!(store.list_keys(acme).await.unwrap().len(), 2);
    original.drop().await;
}

async fn a_dry_run_writes_nothing(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    let before = store.load_catalog().await.unwrap();
    let told = run(store, &original.url(), DRY).await.unwrap();
    assert!(told.adds_up(), "{told:#?}");
    assert_eq!(store.load_catalog().await.unwrap(), before);
    assert!(ledger(store).await.is_empty());
    assert!(logged(&database).await.is_empty());
    original.drop().await;
}

async fn a_dry_run_tells_what_would_come_over(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    let told = run(store, &original.url(), DRY).await.unwrap();
    let done = imported(store, &original).await;
    assert_eq!(sorted(&told), sorted(&done));
    assert_eq!(told.spending, done.spending);
    let told = run(store, &original.url(), DRY).await.unwrap();
    for (kind, _, imported, ..) in figures(&told) {
        assert_eq!(imported, 0, "{kind}");
    }
    original.drop().await;
}

/// A dry run reads in another order.
fn sorted(report: &Report) -> Vec<(&'static str, u64, u64, u64, u64)> {
    let mut figures = figures(report);
    figures.sort_unstable();
    figures
}

async fn what_is_new_comes_over_later(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    imported(store, &original).await;
    let recounts = store.load_catalog().await.unwrap().recounts;
    assert_eq!(recounts, 1, "running gateways count anew");
    original
        .run_inside(
            "INSERT INTO \"UsageLedger\" (id, tenant, route, usd, \"promptTok\", \"compTok\", \
             \"tenantId\", model) VALUES (11, 'acme', '/v1/responses', 0.4, 1, 1, 2, 'x'), \
             (200000, 'acme', '/v1/responses', 0.6, 1, 1, 2, 'x'); \
             INSERT INTO \"Budget\" (id, \"tenantId\", period, \"amountUsd\") \
             VALUES (100, 2, 'daily', 4); \
             INSERT INTO \"AuditLog\" (\"tenantId\", actor, event, details) \
             VALUES (2, 'apiKey:1', 'api_key_used', '/v1/responses'); \
             UPDATE \"ModelPricing\" SET \"outputPrice\" = 11, \"updatedAt\" = now() WHERE id = 1;",
        )
        .await;
    let later = imported(store, &original).await;
    let new: Vec<_> = figures(&later)
        .into_iter()
        .filter(|(_, _, imported, ..)| *imported > 0)
        .map(|(kind, _, imported, ..)| (kind, imported))
        .collect();
    let expected = [
        ("prices", 1),
        ("ledger", 2),
        ("budgets", 1),
        ("audit log", 1),
    ];
    assert_eq!(new, expected);
    assert_eq!(ledger(store).await.len(), 12);
    assert_eq!(store.load_catalog().await.unwrap().recounts, 2);
    original.drop().await;
}
