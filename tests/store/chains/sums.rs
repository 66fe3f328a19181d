//! Sums beside the ledger are those of its rows.

use budgetguard::domain::money::Usd;
use budgetguard::store::usage::LedgerFilter;
use tempfile::TempDir;

use crate::chains::{Office, check, only_sums_differ, two_months, verified};
use crate::support::Database;

on_both_databases![a_changed_sum_is_found, sums_of_what_has_left_stay,];

/// What is summed, and where.
const SUMS: [(&str, &str); 2] = [("usage_sum", "cost"), ("usage_sum", "requests")];

async fn a_changed_sum_is_found(database: Database) {
    two_months(&database).await;
    for (table, column) in SUMS {
        for level in 0..3_i64 {
            let more = format!("UPDATE {table} SET {column} = {column} + $1 WHERE level = $2");
            database.tamper(&more, &[1_i64.into(), level.into()]).await;
            only_sums_differ(&check(&database).await);
            database
                .tamper(&more, &[(-1_i64).into(), level.into()])
                .await;
            assert!(check(&database).await.is_clean());
        }
    }
}

async fn sums_of_what_has_left_stay(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    let folder = TempDir::new().unwrap();
    office.take_out(month, &folder).await.unwrap().unwrap();
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    let spent = database
        .store
        .ledger_totals(&LedgerFilter::default())
        .await
        .unwrap();
    assert_eq!((spent.rows, spent.cost), (12, Usd::from_nanos(-60)));
}
