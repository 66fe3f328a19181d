//! What the notary signs, and books that were edited or forged.

use budgetguard::evidence::findings::Fault;
use budgetguard::evidence::key::CheckpointKey;
use budgetguard::evidence::notary::NotaryError;
use budgetguard::metrics::budgets::Budgets;
use budgetguard::store::value::Value;

use crate::chains::{KEY, Office, faults, rows, verified};
use crate::support::Database;

on_both_databases![
    a_signed_row_that_is_another_one_is_not_signed_over,
    a_tail_that_is_gone_is_not_signed_over,
];

/// Two checkpoints, of five rows and of eight.
async fn signed_twice(database: &Database) -> Office {
    database.store.append(&rows(1..6)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    database.store.append(&rows(6..9)).await.unwrap();
    office.sign().await;
    office
}

impl Office {
    async fn refuses(&self) {
        let refused = self.notary.sign().await.unwrap_err();
        assert!(matches!(&refused, NotaryError::Refused(_)), "{refused}");
    }
}

async fn a_signed_row_that_is_another_one_is_not_signed_over(database: Database) {
    let office = signed_twice(&database).await;
    let lines = office.notary.book.read().unwrap();
    assert_eq!(lines.len(), 2);
    // Its hash went with it.
    let other = "UPDATE usage_ledger SET hash = $1 WHERE seq = 8";
    let hash = "SELECT hash FROM usage_ledger WHERE seq = 8";
    let before = database.driver.query(hash, &[]).await.unwrap();
    let before: [u8; 32] = before[0].bytes("hash").unwrap();
    database.tamper(other, &[Value::Bytes(vec![1; 32])]).await;
    office.refuses().await;
    let read = office.notary.book.read().unwrap();
    assert_eq!(read, lines, "nothing was added");
    let metrics = office.notary.metrics.render(&Budgets::default());
    assert!(metrics.contains("budgetguard_ledger_checkpoints_total{outcome=\"refused\"} 1"));
    database
        .tamper(other, &[Value::Bytes(before.to_vec())])
        .await;
    office.sign().await;
}

async fn a_tail_that_is_gone_is_not_signed_over(database: Database) {
    let office = signed_twice(&database).await;
    database
        .tamper("DELETE FROM usage_ledger WHERE seq > 6", &[])
        .await;
    office.refuses().await;
}

/// Four checkpoints of a chain that grows by a row each.
async fn signed_four_times(database: &Database) -> Office {
    let office = Office::of(&database.store);
    for number in 1..5 {
        let one = rows(number..number + 1);
        database.store.append(&one).await.unwrap();
        office.sign().await;
    }
    assert_eq!(office.testimony().findings, []);
    office
}

#[tokio::test]
async fn an_edited_or_forged_book_is_found_and_not_continued() {
    let database = Database::sqlite().await;
    let office = signed_four_times(&database).await;
    let lines = office.notary.book.read().unwrap();
    let (edited, forged) = (Fault::CheckpointsEdited, Fault::CheckpointForged);
    let fewer = changed(&lines, r#""seq":"2""#, r#""seq":"1""#);
    let foreign = [&lines[..3], &[forged_line(&database).await]].concat();
    let cases: [(&str, Vec<String>, Fault); 5] = [
        ("one is gone", without(&lines, 1), edited),
        ("the first is gone", without(&lines, 0), edited),
        ("two changed places", swapped(&lines), edited),
        ("a number was changed", fewer, forged),
        ("another key signed it", foreign, forged),
    ];
    for (what, lines, expected) in cases {
        std::fs::write(office.notary.book.path(), lines.join("\n") + "\n").unwrap();
        let report = verified(&database.store, &office.testimony()).await;
        assert!(
            faults(&report.completeness).contains(&expected),
            "{what}: {report:#?}"
        );
        let refused = office.notary.sign().await;
        assert!(matches!(refused, Err(NotaryError::Refused(_))), "{what}");
    }
}

#[tokio::test]
async fn a_line_that_a_crash_left_half_is_written_over() {
    let database = Database::sqlite().await;
    let office = signed_four_times(&database).await;
    let book = office.notary.book.path();
    let whole = std::fs::read_to_string(book).unwrap();
    std::fs::write(book, format!("{whole}{{\"checkpoint\":{{\"at\"")).unwrap();
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    office.sign().await;
    assert_eq!(office.testimony().findings, []);
    assert_eq!(office.testimony().checkpoints.len(), 5);
}

/// A checkpoint of the same ledger by another key.
async fn forged_line(database: &Database) -> String {
    let mut forger = Office::of(&database.store);
    forger.notary.key = CheckpointKey::parse(&KEY.replace('0', "1")).unwrap();
    forger.sign().await;
    forger.notary.book.read().unwrap().remove(0)
}

fn without(lines: &[String], index: usize) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.remove(index);
    lines
}

fn swapped(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.swap(1, 2);
    lines
}

fn changed(lines: &[String], from: &str, to: &str) -> Vec<String> {
    let changed: Vec<String> = lines.iter().map(|line| line.replace(from, to)).collect();
    assert_ne!(changed, lines);
    changed
}
