//! Rows in no chain: from before, and of replicas of the version before.

use std::time::Duration;

use budgetguard::domain::ledger::canonical::COLUMNS;
use budgetguard::evidence::findings::Fault;
use budgetguard::evidence::notary::NotaryError;
use budgetguard::evidence::verify::Report;
use budgetguard::store::value::Value;

use crate::chains::{Office, faults, only_sums_differ, rows, verified};
use crate::support::{Database, NOW, request};

on_both_databases![
    rows_in_no_chain_are_told_while_an_older_replica_may_write,
    rows_in_no_chain_that_are_new_are_found,
    rows_in_no_chain_that_are_gone_are_found,
];

const HOUR: i64 = 3_600_000_000;

/// Three rows, one from before, and a checkpoint; an hour later, one of an old replica.
async fn upgraded(database: &Database) -> Office {
    database.store.append(&rows(1..4)).await.unwrap();
    insert_as_before(database, 500, 0).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.unchained_rows), (3, 1));
    insert_as_before(database, 501, HOUR).await;
    office.clock.set(NOW.plus(Duration::from_hours(30)));
    office.sign().await;
    office
}

/// As a replica of the version before writes. None runs beside this one on SQLite, where such rows are old: there it is
/// taken out of a chain that it was alone in.
async fn insert_as_before(database: &Database, number: u64, later: i64) {
    let columns = COLUMNS.map(|column| column.name).join(", ");
    let values = COLUMNS.map(|column| match column.name {
        "request_id" => "$1",
        "at" => "$2",
        name => name,
    });
    let values = values.join(", ");
    let id = Value::from(&request(number).as_bytes()[..]);
    let row = [id, Value::from(NOW.get() + later)];
    if database.driver.name() == "postgres" {
        let insert = format!(
            "INSERT INTO usage_ledger ({columns}) SELECT {values} FROM usage_ledger WHERE seq = 1"
        );
        return execute(database, insert, &row).await;
    }
    for statement in [
        "INSERT INTO ledger_writer (id, name, seq, hash) VALUES (ZEROBLOB(16), 'old', 0, ZEROBLOB(32))".to_owned(),
        format!(
            "INSERT INTO usage_ledger ({columns}, writer, seq, hash) \
             SELECT {values}, ZEROBLOB(16), 1, hash FROM usage_ledger WHERE seq = 1"
        ),
        "UPDATE ledger_writer SET seq = 1 WHERE id = ZEROBLOB(16)".to_owned(),
        "DELETE FROM ledger_writer WHERE id = ZEROBLOB(16)".to_owned(),
    ] {
        let takes_row = statement.contains("$1");
        execute(database, statement, if takes_row { &row } else { &[] }).await;
    }
    let take_out = "UPDATE usage_ledger SET writer = NULL, seq = NULL, hash = NULL WHERE writer = ZEROBLOB(16)";
    database.tamper(take_out, &[]).await;
}

async fn execute(database: &Database, statement: String, params: &[Value]) {
    let statement: &'static str = String::leak(statement);
    database.driver.execute(statement, params).await.unwrap();
}

async fn remove(database: &Database, number: u64) {
    let gone = [Value::from(&request(number).as_bytes()[..])];
    database
        .tamper("DELETE FROM usage_ledger WHERE request_id = $1", &gone)
        .await;
}

async fn checked(database: &Database, office: &Office) -> Report {
    verified(&database.store, &office.testimony()).await
}

async fn rows_in_no_chain_are_told_while_an_older_replica_may_write(database: Database) {
    let office = upgraded(&database).await;
    let report = checked(&database, &office).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.unchained_rows, 2);
}

async fn rows_in_no_chain_that_are_new_are_found(database: Database) {
    let office = upgraded(&database).await;
    // A day later there is none any more, whatever the row says of its time.
    insert_as_before(&database, 502, 48 * HOUR).await;
    let report = checked(&database, &office).await;
    assert_eq!(
        faults(&report.integrity),
        [Fault::Unchained, Fault::Unchained]
    );
    remove(&database, 502).await;
    only_sums_differ(&checked(&database, &office).await);
}

async fn rows_in_no_chain_that_are_gone_are_found(database: Database) {
    let office = upgraded(&database).await;
    remove(&database, 500).await;
    let report = checked(&database, &office).await;
    assert_eq!(faults(&report.completeness), [Fault::UnchainedMissing]);
    assert!(matches!(
        office.notary.sign().await,
        Err(NotaryError::Refused(_))
    ));
}
