//! Ends of chains that are gone, and older states in the place of the present one.

use std::sync::Arc;

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::evidence::book::Testimony;
use budgetguard::evidence::findings::Fault;
use budgetguard::store::Store;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::value::Value;
use tempfile::TempDir;

use crate::chains::{Office, check, faults, only_sums_differ, rows, verified};
use crate::support::{Database, request, row};

on_both_databases![
    a_removed_tail_is_found_by_the_record_and_by_a_checkpoint,
    an_older_state_is_rolled_back,
    a_chain_that_is_gone_is_missing,
    a_chain_that_was_written_anew_is_not_the_one_that_was_signed,
];

async fn a_removed_tail_is_found_by_the_record_and_by_a_checkpoint(database: Database) {
    database.store.append(&rows(1..10)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    database.store.append(&rows(10..12)).await.unwrap();
    let from = [Value::from(8_i64)];
    database
        .tamper("DELETE FROM usage_ledger WHERE seq >= $1", &from)
        .await;
    for testimony in [Testimony::default(), office.testimony()] {
        let report = verified(&database.store, &testimony).await;
        assert_eq!(report.integrity, []);
        assert_eq!(faults(&report.completeness), [Fault::TailDeleted]);
        assert_eq!(report.completeness[0].seq, Some(8));
    }
    // Whoever sets the record back, too, is found by the checkpoint only.
    let back =
        "UPDATE ledger_writer SET seq = 7, hash = (SELECT hash FROM usage_ledger WHERE seq = 7)";
    database.tamper(back, &[]).await;
    only_sums_differ(&check(&database).await);
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(faults(&report.completeness), [Fault::RolledBack]);
}

async fn an_older_state_is_rolled_back(database: Database) {
    database.store.append(&rows(1..6)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    for statement in [
        "CREATE TABLE old_rows AS SELECT * FROM usage_ledger",
        "CREATE TABLE old_writers AS SELECT * FROM ledger_writer",
    ] {
        database.tamper(statement, &[]).await;
    }
    database.store.append(&rows(6..9)).await.unwrap();
    office.sign().await;
    assert!(
        verified(&database.store, &office.testimony())
            .await
            .is_clean()
    );
    for statement in [
        "DELETE FROM usage_ledger",
        "DELETE FROM ledger_writer",
        "INSERT INTO usage_ledger SELECT * FROM old_rows",
        "INSERT INTO ledger_writer SELECT * FROM old_writers",
    ] {
        database.tamper(statement, &[]).await;
    }
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(report.integrity, []);
    assert_eq!(faults(&report.completeness), [Fault::RolledBack]);
    // Without what was signed, an older state is as good as any.
    only_sums_differ(&check(&database).await);
    // Going on from the older state does not hide it.
    database.store.append(&rows(20..30)).await.unwrap();
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(faults(&report.completeness), [Fault::Rewritten]);
    for statement in ["DROP TABLE old_rows", "DROP TABLE old_writers"] {
        database.tamper(statement, &[]).await;
    }
}

#[tokio::test]
async fn a_copy_of_the_file_that_is_put_back_is_rolled_back() {
    let database = Database::sqlite().await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    database.store.append(&rows(1..6)).await.unwrap();
    let into = format!("VACUUM INTO '{}'", copy.display());
    database
        .driver
        .execute(String::leak(into), &[])
        .await
        .unwrap();
    database.store.append(&rows(6..9)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    let older = Store::new(Arc::new(Sqlite::open(&copy).await.unwrap()));
    let report = verified(&older, &office.testimony()).await;
    assert_eq!(report.integrity, []);
    assert_eq!(faults(&report.completeness), [Fault::RolledBack]);
}

async fn a_chain_that_is_gone_is_missing(database: Database) {
    let other = database.open_again().await;
    database.store.append(&rows(1..6)).await.unwrap();
    other.append(&rows(6..9)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    let third = [Value::from(&request(7).as_bytes()[..])];
    let rows_of = "DELETE FROM usage_ledger WHERE writer = \
         (SELECT writer FROM usage_ledger WHERE request_id = $1)";
    let writer_of = "DELETE FROM ledger_writer WHERE id = \
         (SELECT writer FROM usage_ledger WHERE request_id = $1)";
    database.tamper(writer_of, &third).await;
    database.tamper(rows_of, &third).await;
    only_sums_differ(&check(&database).await);
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(report.integrity, []);
    assert_eq!(faults(&report.completeness), [Fault::WriterMissing]);
}

async fn a_chain_that_was_written_anew_is_not_the_one_that_was_signed(database: Database) {
    database.store.append(&rows(1..6)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    // The attacker has the program: everything is written again, cheaper, by the same writer.
    database.tamper("DELETE FROM usage_ledger", &[]).await;
    database.tamper("DELETE FROM ledger_writer", &[]).await;
    let cheaper: Vec<LedgerRow> = (1..6).map(|number| row(number, 1, 1)).collect();
    database.store.append(&cheaper).await.unwrap();
    only_sums_differ(&check(&database).await);
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(report.integrity, []);
    assert_eq!(faults(&report.completeness), [Fault::Rewritten]);
}
