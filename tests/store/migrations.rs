//! The schema: made once, by whoever comes first, and kept.

use std::collections::BTreeSet;
use std::path::Path;

use budgetguard::store::error::StoreError;
use budgetguard::store::usage::LedgerFilter;

use crate::support::{Database, STAMP, row, tenant};

const MIGRATIONS: [&str; 19] = [
    "V1__init",
    "V2__scopes",
    "V3__alerts",
    "V4__catalog_changes",
    "V5__price_versions",
    "V6__objects",
    "V7__attempts",
    "V8__cache_storage",
    "V9__chain",
    "V10__rollups",
    "V11__access",
    "V12__import",
    "V13__shadow_budgets",
    "V14__policy",
    "V15__policy_bundles",
    "V16__batch_sums",
    "V17__dashboard",
    "V18__sum_families",
    "V19__presummed",
];

on_both_databases![
    four_processes_migrate_at_once_and_one_of_them_does_it,
    the_status_tells_what_was_applied_and_a_reset_starts_anew,
    every_statement_fails_politely_before_the_schema_is_made,
];

#[test]
fn every_file_of_the_folder_is_a_migration() {
    for folder in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(folder);
        let names = folder
            .read_dir()
            .unwrap()
            .map(|file| file.unwrap().file_name());
        let names: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
        let expected = MIGRATIONS.map(|name| format!("{name}.sql"));
        assert_eq!(names, BTreeSet::from(expected));
    }
}

async fn four_processes_migrate_at_once_and_one_of_them_does_it(database: Database) {
    database.driver.reset().await.unwrap();
    drop_schema(&database).await;
    let stores = [
        database.open_again().await,
        database.open_again().await,
        database.open_again().await,
        database.store.clone(),
    ];
    let (first, second, third, fourth) = tokio::join!(
        stores[0].migrate(),
        stores[1].migrate(),
        stores[2].migrate(),
        stores[3].migrate(),
    );
    let applied = [first, second, third, fourth].map(|applied| applied.unwrap().len());
    assert_eq!(
        applied.iter().sum::<usize>(),
        MIGRATIONS.len(),
        "{applied:?}"
    );
    assert_eq!(database.store.catalog_version().await.unwrap(), 1);
}

async fn the_status_tells_what_was_applied_and_a_reset_starts_anew(database: Database) {
    let status = database.store.migration_status().await.unwrap();
    let applied: Vec<_> = status.applied.into_iter().map(|one| one.name).collect();
    assert_eq!(applied, MIGRATIONS);
    assert_eq!(status.pending, Vec::<String>::new());

    tenant(&database.store, "acme").await;
    database.store.append(&[row(1, 1, 5)]).await.unwrap();
    database.store.reset().await.unwrap();
    let catalog = database.store.load_catalog().await.unwrap();
    assert_eq!((catalog.version, catalog.tenants.len()), (1, 0));
    let totals = database.store.ledger_totals(&LedgerFilter::default()).await;
    assert_eq!(totals.unwrap().rows, 0);

    drop_schema(&database).await;
    let status = database.store.migration_status().await.unwrap();
    assert_eq!(status.pending, MIGRATIONS);
}

async fn every_statement_fails_politely_before_the_schema_is_made(database: Database) {
    drop_schema(&database).await;
    let error = database
        .store
        .ensure_tenant("acme", &STAMP)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Query(_)), "{error}");
    database.store.ping().await.unwrap();
}

/// What there is, in an order in which it can be taken away.
const TABLES: [&str; 31] = [
    "DROP TABLE audit_log",
    "DROP TABLE admin_session",
    "DROP TABLE admin_user",
    "DROP TABLE admin_user_version",
    "DROP TABLE session_sum",
    "DROP TABLE tagged_sum",
    "DROP TABLE tagged_series",
    "DROP TABLE tag_sum",
    "DROP TABLE tag_series",
    "DROP TABLE IF EXISTS usage_batch",
    "DROP TABLE usage_sum",
    "DROP TABLE usage_series",
    "DROP TABLE import_mark",
    "DROP TABLE ledger_retention",
    "DROP TABLE ledger_writer",
    "DROP TABLE deferred_call",
    "DROP TABLE provider_object",
    "DROP TABLE alert",
    "DROP TABLE usage_tag",
    "DROP TABLE tagging_rule",
    "DROP TABLE policy_bundle",
    "DROP TABLE usage_ledger",
    "DROP TABLE session",
    "DROP TABLE catalog_version",
    "DROP TABLE model_rate",
    "DROP TABLE model_price",
    "DROP TABLE budget",
    "DROP TABLE tag",
    "DROP TABLE api_key",
    "DROP TABLE tenant",
    "DROP TABLE refinery_schema_history",
];
const FUNCTIONS: [&str; 11] = [
    "DROP FUNCTION drop_month",
    "DROP FUNCTION drop_month_of",
    "DROP FUNCTION refuse_change",
    "DROP FUNCTION tell_of_change",
    "DROP FUNCTION note_version",
    "DROP FUNCTION sum_usage",
    "DROP FUNCTION sum_tags",
    "DROP FUNCTION make_months",
    "DROP FUNCTION make_month",
    "DROP FUNCTION usage_start",
    "DROP FUNCTION capped",
];

/// Takes the schema away as if nobody had ever migrated.
async fn drop_schema(database: &Database) {
    let functions = if database.driver.name() == "postgres" {
        &FUNCTIONS[..]
    } else {
        &[]
    };
    for statement in TABLES.iter().chain(functions) {
        database.driver.execute(statement, &[]).await.unwrap();
    }
}
