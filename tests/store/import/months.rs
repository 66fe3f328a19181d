//! Months of old rows on Postgres: each has its table, but for times that no installation ran at.

use crate::import::{imported, original};
use crate::partitions::tables;
use crate::support::Database;

#[tokio::test]
async fn postgres_old_rows_go_into_their_months() {
    let Some((database, schema)) = Database::postgres().await else {
        return;
    };
    let Some(original) = original().await else {
        return;
    };
    original
        .run_inside(
            "INSERT INTO \"UsageLedger\" (id, ts, tenant, route, usd, \"promptTok\", \"compTok\", \
             \"tenantId\", model) SELECT row_number() OVER (), ts, 'public', '/', 0.1, 1, 1, 1, 'x' \
             FROM (VALUES (TIMESTAMP '2024-02-29 23:59:59.999'), ('2024-03-01'), ('2024-03-31'), \
             ('2025-06-05'), ('1970-01-01'), ('2199-01-01')) AS times (ts)",
        )
        .await;
    imported(&database.store, &original).await;
    let expected = [
        ("usage_ledger_2024_02", 1),
        ("usage_ledger_2024_03", 2),
        ("usage_ledger_2025_06", 1),
        ("usage_ledger_default", 2),
    ];
    assert_eq!(
        tables(&database).await,
        expected.map(|(name, rows)| (name.to_owned(), rows))
    );
    original.drop().await;
    schema.drop().await;
}
