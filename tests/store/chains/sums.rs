//! Sums beside the ledger are those of its rows.

use budgetguard::domain::money::Usd;
use budgetguard::store::usage::LedgerFilter;
use tempfile::TempDir;

use crate::chains::{Office, check, only_sums_differ, two_months, verified};
use crate::support::Database;

on_both_databases![
    a_changed_sum_is_found,
    one_sum_of_many_is_found,
    sums_that_were_moved_or_are_gone_are_found,
    sums_of_what_has_left_have_more_and_never_less,
    sums_of_what_has_left_stay,
];

/// What is summed, and where.
const SUMS: [(&str, &str); 7] = [
    ("usage_sum", "cost"),
    ("usage_sum", "requests"),
    ("tag_sum", "cost"),
    ("tag_sum", "requests"),
    ("tag_sum", "share"),
    ("tagged_sum", "cost"),
    ("tagged_sum", "requests"),
];

/// Adds to sums, looks, and takes it away again.
async fn is_found(database: &Database, (table, column): (&str, &str), of: &str) {
    let add = format!("UPDATE {table} SET {column} = {column} + $1 WHERE {of}");
    database.tamper(&add, &[1_i64.into()]).await;
    let report = check(database).await;
    only_sums_differ(&report);
    let detail = &report.integrity[0].detail;
    assert!(detail.starts_with(table), "{detail}");
    database.tamper(&add, &[(-1_i64).into()]).await;
    assert!(check(database).await.is_clean(), "{add}");
}

async fn a_changed_sum_is_found(database: Database) {
    two_months(&database).await;
    for sum in SUMS {
        for level in 0..3 {
            is_found(&database, sum, &format!("level = {level}")).await;
        }
    }
    for column in ["cost", "requests"] {
        is_found(&database, ("session_sum", column), "tenant_id > 0").await;
    }
}

async fn one_sum_of_many_is_found(database: Database) {
    two_months(&database).await;
    for family in 0..4 {
        let of = format!(
            "level = 1 AND series_id = (SELECT MAX(id) FROM usage_series WHERE family = {family}) \
             AND start = (SELECT MAX(start) FROM usage_sum WHERE level = 1)"
        );
        is_found(&database, ("usage_sum", "requests"), &of).await;
    }
}

async fn sums_that_were_moved_or_are_gone_are_found(database: Database) {
    for change in [
        "UPDATE usage_sum SET start = start + 3600000000 WHERE level = 0",
        "UPDATE tag_sum SET start = start + 3600000000 WHERE level = 0",
        "UPDATE usage_sum SET start = start - 86400000000 WHERE level = 1",
        "UPDATE tagged_sum SET start = start - 86400000000 WHERE level = 1",
        "UPDATE tag_series SET weight = weight + 1",
        "UPDATE session_sum SET session_id = 'other'",
        "DELETE FROM usage_sum WHERE level = 2",
        "DELETE FROM tagged_sum",
        "DELETE FROM tag_sum",
        "DELETE FROM session_sum",
    ] {
        database.store.reset().await.unwrap();
        two_months(&database).await;
        database.tamper(change, &[]).await;
        only_sums_differ(&check(&database).await);
    }
}

async fn sums_of_what_has_left_have_more_and_never_less(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    let folder = TempDir::new().unwrap();
    office.take_out(month, &folder).await.unwrap().unwrap();
    for table in ["usage_sum", "tag_sum", "tagged_sum", "session_sum"] {
        let add = format!("UPDATE {table} SET requests = requests + $1");
        database.tamper(&add, &[(-20_i64).into()]).await;
        only_sums_differ(&verified(&database.store, &office.testimony()).await);
        database.tamper(&add, &[20_i64.into()]).await;
    }
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
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
