//! Chains of rows and what is found when somebody tampers with them. The tests are the attacker: they set
//! the triggers aside, as whoever owns the database can.

#![expect(
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::unnecessary_wraps,
    reason = "each test tells one story"
)]

use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::id::{ModelName, TagId};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::ledger::canonical::{COLUMNS, Kind};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::TagShare;
use budgetguard::domain::window::ManualClock;
use budgetguard::evidence::book::{Book, Testimony};
use budgetguard::evidence::chains::{Fault, Finding};
use budgetguard::evidence::key::CheckpointKey;
use budgetguard::evidence::notary::{Notary, NotaryError};
use budgetguard::evidence::retention::{Month, RetentionError};
use budgetguard::evidence::sorting::Exports;
use budgetguard::evidence::verify::{self, Report};
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::store::Store;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::value::Value;
use tempfile::TempDir;

use crate::ledger::full_row;
use crate::support::{Database, NOW, request, row};

on_both_databases![
    every_row_is_in_its_writers_chain_and_two_writers_do_not_mix,
    a_changed_value_in_any_column_is_found,
    a_removed_row_is_missing,
    a_removed_tail_is_found_by_the_record_and_by_a_checkpoint,
    rows_that_changed_places_are_reordered,
    a_row_that_is_there_twice_is_duplicated,
    an_older_state_is_rolled_back,
    a_chain_that_is_gone_is_missing,
    a_chain_that_was_written_anew_is_not_the_one_that_was_signed,
    tags_beside_the_ledger_say_the_same,
    rows_in_no_chain_are_told_and_found_when_they_are_new,
    the_notary_signs_nothing_that_is_not_as_it_was,
    a_month_leaves_by_a_signed_record_and_only_so,
    nothing_leaves_that_is_not_what_was_written,
    sums_are_those_of_the_rows,
];

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A notary with a book of its own.
struct Office {
    notary: Notary,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

impl Office {
    fn of(store: &Store) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        Self {
            notary: Notary {
                store: store.clone(),
                book: Book::new(&folder.path().join("book.jsonl")),
                key: CheckpointKey::parse(KEY).unwrap(),
                webhook: None,
                metrics: Arc::new(Metrics::new(TenantLabel::default()).unwrap()),
                clock: Arc::clone(&clock) as _,
            },
            clock,
            _folder: folder,
        }
    }

    async fn sign(&self) {
        self.notary.sign().await.unwrap();
    }

    fn testimony(&self) -> Testimony {
        let lines = self.notary.book.read().unwrap();
        Testimony::of(&lines, &[self.notary.key.public()])
    }
}

async fn verified(store: &Store, testimony: &Testimony) -> Report {
    let verified = verify::of_store(store, testimony, Exports::default()).await;
    verified.unwrap()
}

async fn check(database: &Database) -> Report {
    verified(&database.store, &Testimony::default()).await
}

fn faults(findings: &[Finding]) -> Vec<Fault> {
    findings.iter().map(|finding| finding.fault).collect()
}

/// The one thing that is wrong with rows: what, where, and of which request.
fn broken(report: &Report) -> (Fault, Option<u64>, Option<String>) {
    let [finding] = &report.integrity[..] else {
        panic!("{report:#?}");
    };
    (finding.fault, finding.seq, finding.request.clone())
}

/// Chains cannot tell; whoever did it did not think of the sums.
fn only_sums_differ(report: &Report) {
    assert_eq!(
        faults(&report.integrity),
        [Fault::SumsDiffer],
        "{report:#?}"
    );
    assert_eq!(report.completeness, []);
}

fn id(number: u64) -> Option<String> {
    Some(request(number).to_string())
}

fn rows(numbers: std::ops::Range<u64>) -> Vec<LedgerRow> {
    numbers.map(|number| row(number, 1, 5)).collect()
}

/// A row with a value in every column.
fn whole_row(number: u64) -> LedgerRow {
    LedgerRow {
        request: request(number),
        model_asked: Some(ModelName::new("fast")),
        attempt_of: Some(request(7)),
        tags: [7, 8].map(tag_of).into_iter().collect(),
        held: Usd::from_nanos(number.cast_signed()),
        first_byte_us: Some(number),
        ..full_row()
    }
}

fn tag_of(tag: i64) -> TagShare {
    TagShare {
        tag: TagId(tag),
        weight: "0.5".parse().unwrap(),
        is_inherited: tag == 8,
    }
}

impl Database {
    /// Changes what nobody may change.
    async fn tamper(&self, statement: &str, params: &[Value]) {
        let statement: &'static str = String::leak(statement.to_owned());
        let mut change = self.driver.begin().await.unwrap();
        if self.driver.name() == "postgres" {
            let aside = "SET LOCAL session_replication_role = replica";
            change.execute(aside, &[]).await.unwrap();
        } else {
            for trigger in [
                "DROP TRIGGER IF EXISTS usage_ledger_no_update",
                "DROP TRIGGER IF EXISTS usage_ledger_no_delete",
                "DROP TRIGGER IF EXISTS usage_tag_no_update",
                "DROP TRIGGER IF EXISTS usage_tag_no_delete",
            ] {
                change.execute(trigger, &[]).await.unwrap();
            }
        }
        let touched = change.execute(statement, params).await;
        touched.unwrap_or_else(|error| panic!("{statement}: {error}"));
        change.commit().await.unwrap();
    }
}

async fn every_row_is_in_its_writers_chain_and_two_writers_do_not_mix(database: Database) {
    let other = database.open_again().await;
    database.store.append(&rows(0..3)).await.unwrap();
    other.append(&rows(2..5)).await.unwrap();
    // Both at once, with rows that both have.
    let (ours, theirs) = (rows(100..1_100), rows(600..1_600));
    let (first, second) = tokio::join!(database.store.append(&ours), other.append(&theirs));
    assert_eq!(first.unwrap() + second.unwrap(), 1_500);
    // Two processes of one data folder.
    let twin = database.store.clone();
    let (ours, theirs) = (rows(2_000..2_300), rows(2_200..2_500));
    let (first, second) = tokio::join!(database.store.append(&ours), twin.append(&theirs));
    assert_eq!(first.unwrap() + second.unwrap(), 500);
    let report = check(&database).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(
        (report.chains, report.rows, report.unchained_rows),
        (2, 2_005, 0)
    );
}

/// The column that tells the third row from the others while another one is changed.
fn third(name: &str) -> &'static str {
    if name == "held" {
        "first_byte_us = 12"
    } else {
        "held = 12"
    }
}

async fn value_of(database: &Database, name: &str, kind: Kind) -> Value {
    let select = format!(
        "SELECT {name} AS it FROM usage_ledger WHERE {}",
        third(name)
    );
    let rows = database
        .driver
        .query(String::leak(select), &[])
        .await
        .unwrap();
    let row = &rows[0];
    match kind {
        Kind::Number | Kind::NumberOrZero => Value::Int(row.int("it").unwrap()),
        Kind::Text => Value::from(row.text("it").unwrap()),
        Kind::Id if name == "hash" => Value::Bytes(row.bytes::<32>("it").unwrap().to_vec()),
        Kind::Id => Value::Bytes(row.bytes::<16>("it").unwrap().to_vec()),
    }
}

/// The value with the least change.
fn another(value: &Value) -> Value {
    match value {
        Value::Int(number) => Value::Int(number.checked_add(1).unwrap_or(0)),
        Value::Text(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            letters.pop();
            letters.push('~');
            Value::Text(letters.into_iter().collect::<String>().into())
        }
        Value::Bytes(bytes) => {
            let mut bytes = bytes.clone();
            *bytes.last_mut().unwrap() ^= 0x80;
            Value::Bytes(bytes)
        }
        Value::Null => panic!("there is nothing to change"),
    }
}

async fn set(database: &Database, name: &str, value: &Value) {
    let update = format!("UPDATE usage_ledger SET {name} = $1 WHERE {}", third(name));
    database.tamper(&update, std::slice::from_ref(value)).await;
}

async fn a_changed_value_in_any_column_is_found(database: Database) {
    let rows: Vec<LedgerRow> = (10..15).map(whole_row).collect();
    database.store.append(&rows).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    let columns = COLUMNS.map(|column| (column.name, column.kind));
    let of_chain = [
        ("writer", Kind::Id),
        ("seq", Kind::Number),
        ("hash", Kind::Id),
    ];
    for (name, kind) in columns.into_iter().chain(of_chain) {
        let before = value_of(&database, name, kind).await;
        let after = another(&before);
        set(&database, name, &after).await;
        let report = verified(&database.store, &office.testimony()).await;
        let in_chains = report
            .integrity
            .iter()
            .filter(|finding| finding.seq.is_some());
        let found: Vec<Fault> = in_chains.map(|finding| finding.fault).collect();
        let expected = match name {
            "writer" => vec![Fault::Missing, Fault::Missing],
            "seq" => vec![Fault::Reordered],
            _ => vec![Fault::Altered],
        };
        assert_eq!(found, expected, "{name}: {report:#?}");
        assert!(
            report
                .integrity
                .iter()
                .any(|finding| finding.seq == Some(3)),
            "{name}: {report:#?}"
        );
        set(&database, name, &before).await;
        let report = verified(&database.store, &office.testimony()).await;
        assert!(report.is_clean(), "{name}: {report:#?}");
    }
}

async fn a_removed_row_is_missing(database: Database) {
    database.store.append(&rows(1..10)).await.unwrap();
    let gone = [Value::from(&request(5).as_bytes()[..])];
    database
        .tamper("DELETE FROM usage_ledger WHERE request_id = $1", &gone)
        .await;
    let report = check(&database).await;
    assert_eq!(broken(&report), (Fault::Missing, Some(5), None));
    assert!(report.completeness.is_empty(), "{report:#?}");
    // The rows before and after are judged all the same.
    assert_eq!((report.rows, report.bad_rows), (8, 1));
}

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

async fn rows_that_changed_places_are_reordered(database: Database) {
    for (one, other) in [(3_i64, 4_i64), (2, 9)] {
        let database = fresh(&database).await;
        database.store.append(&rows(1..11)).await.unwrap();
        let swap = "UPDATE usage_ledger SET seq = CASE seq WHEN $1 THEN $2 ELSE $1 END \
             WHERE seq = $1 OR seq = $2";
        database.tamper(swap, &[one.into(), other.into()]).await;
        let report = check(database).await;
        let (fault, seq, _request) = broken(&report);
        assert_eq!((fault, seq), (Fault::Reordered, one.try_into().ok()));
        assert!(
            report.integrity[0]
                .detail
                .contains(&format!("place {other}")),
            "{report:#?}"
        );
    }
}

/// The same database, emptied.
async fn fresh(database: &Database) -> &Database {
    database.store.reset().await.unwrap();
    database
}

async fn a_row_that_is_there_twice_is_duplicated(database: Database) {
    database.store.append(&rows(1..6)).await.unwrap();
    // As another request, in the place and with the hash of the third.
    let columns = COLUMNS.map(|column| column.name).join(", ");
    let values = COLUMNS.map(|column| match column.name {
        "request_id" => "$1",
        name => name,
    });
    let values = values.join(", ");
    let copy = format!(
        "INSERT INTO usage_ledger ({columns}, writer, seq, hash) \
         SELECT {values}, writer, seq, hash FROM usage_ledger WHERE seq = 3"
    );
    let id_of_copy = request(1_000);
    database
        .tamper(&copy, &[Value::from(&id_of_copy.as_bytes()[..])])
        .await;
    let report = check(&database).await;
    assert_eq!(broken(&report), (Fault::Duplicated, Some(3), id(1_000)));
    assert_eq!((report.rows, report.bad_rows), (6, 1));
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

async fn tags_beside_the_ledger_say_the_same(database: Database) {
    let tagged: Vec<LedgerRow> = (1..6).map(whole_row).collect();
    database.store.append(&tagged).await.unwrap();
    assert!(check(&database).await.is_clean());
    let third = [Value::from(&request(3).as_bytes()[..])];
    let cheaper = "UPDATE usage_tag SET cost = cost - 1 WHERE request_id = $1 AND tag_id = 7";
    database.tamper(cheaper, &third).await;
    let report = check(&database).await;
    assert_eq!(broken(&report), (Fault::TagsDiffer, Some(3), id(3)));
    let dearer = "UPDATE usage_tag SET cost = cost + 1 WHERE request_id = $1 AND tag_id = 7";
    database.tamper(dearer, &third).await;
    assert!(check(&database).await.is_clean());
    let none = [Value::from(&request(99).as_bytes()[..])];
    let add = "INSERT INTO usage_tag (request_id, tag_id, at, weight, is_inherited, cost) \
         VALUES ($1, 7, 1, 1000000, 0, 5)";
    database.tamper(add, &none).await;
    let report = check(&database).await;
    assert_eq!(broken(&report), (Fault::TagsAdded, None, None));
}

async fn rows_in_no_chain_are_told_and_found_when_they_are_new(database: Database) {
    const HOUR: i64 = 3_600_000_000;
    database.store.append(&rows(1..4)).await.unwrap();
    let columns = COLUMNS.map(|column| column.name).join(", ");
    let add = |number: u64, at: i64| {
        // As a replica of the version before writes.
        let values = COLUMNS.map(|column| match column.name {
            "request_id" => "$1",
            "at" => "$2",
            name => name,
        });
        let values = values.join(", ");
        let insert = format!(
            "INSERT INTO usage_ledger ({columns}) SELECT {values} FROM usage_ledger WHERE seq = 1"
        );
        let id = Value::from(&request(number).as_bytes()[..]);
        (insert, [id, Value::from(NOW.get() + at)])
    };
    let (insert, params) = add(500, 0);
    insert_as_before(&database, insert, &params).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.unchained_rows), (3, 1));
    // An old replica goes on for a while.
    let (insert, params) = add(501, HOUR);
    insert_as_before(&database, insert, &params).await;
    office.clock.set(NOW.plus(Duration::from_hours(30)));
    office.sign().await;
    assert!(
        verified(&database.store, &office.testimony())
            .await
            .is_clean()
    );
    // A day later there is none any more, whatever the row says of its time.
    let (insert, params) = add(502, 48 * HOUR);
    insert_as_before(&database, insert, &params).await;
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(
        faults(&report.integrity),
        [Fault::Unchained, Fault::Unchained]
    );
    let gone = [Value::from(&request(502).as_bytes()[..])];
    database
        .tamper("DELETE FROM usage_ledger WHERE request_id = $1", &gone)
        .await;
    only_sums_differ(&verified(&database.store, &office.testimony()).await);
    let gone = [Value::from(&request(500).as_bytes()[..])];
    database
        .tamper("DELETE FROM usage_ledger WHERE request_id = $1", &gone)
        .await;
    let report = verified(&database.store, &office.testimony()).await;
    assert_eq!(faults(&report.completeness), [Fault::UnchainedMissing]);
    assert!(matches!(
        office.notary.sign().await,
        Err(NotaryError::Refused(_))
    ));
}

async fn insert_as_before(database: &Database, insert: String, params: &[Value]) {
    let insert: &'static str = String::leak(insert);
    database.driver.execute(insert, params).await.unwrap();
}

async fn sums_are_those_of_the_rows(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    for level in 0..3_i64 {
        for column in ["cost", "requests"] {
            let more = format!("UPDATE usage_sum SET {column} = {column} + $1 WHERE level = $2");
            database.tamper(&more, &[1_i64.into(), level.into()]).await;
            only_sums_differ(&check(&database).await);
            database
                .tamper(&more, &[(-1_i64).into(), level.into()])
                .await;
            assert!(check(&database).await.is_clean());
        }
    }
    // Sums of what has left stay, and nothing else may have more than its rows.
    let exports = TempDir::new().unwrap();
    office
        .notary
        .take_out(month, exports.path())
        .await
        .unwrap()
        .unwrap();
    assert!(
        verified(&database.store, &office.testimony())
            .await
            .is_clean()
    );
    let spent = database
        .store
        .ledger_totals(&LedgerFilter::default())
        .await
        .unwrap();
    assert_eq!((spent.rows, spent.cost), (12, Usd::from_nanos(-60)));
}

async fn the_notary_signs_nothing_that_is_not_as_it_was(database: Database) {
    database.store.append(&rows(1..6)).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    database.store.append(&rows(6..9)).await.unwrap();
    office.sign().await;
    let lines = office.notary.book.read().unwrap();
    assert_eq!(lines.len(), 2);
    // The signed row is another one; its hash went with it.
    let other = "UPDATE usage_ledger SET hash = $1 WHERE seq = 8";
    let before = database
        .driver
        .query("SELECT hash FROM usage_ledger WHERE seq = 8", &[])
        .await;
    let before: [u8; 32] = before.unwrap()[0].bytes("hash").unwrap();
    database.tamper(other, &[Value::Bytes(vec![1; 32])]).await;
    let refused = office.notary.sign().await.unwrap_err();
    assert!(matches!(&refused, NotaryError::Refused(_)), "{refused}");
    assert_eq!(
        office.notary.book.read().unwrap(),
        lines,
        "nothing was added"
    );
    let metrics = office.notary.metrics.render();
    assert!(metrics.contains("budgetguard_ledger_checkpoints_total{outcome=\"refused\"} 1"));
    database
        .tamper(other, &[Value::Bytes(before.to_vec())])
        .await;
    office.sign().await;
    // A tail that is gone.
    database
        .tamper("DELETE FROM usage_ledger WHERE seq > 6", &[])
        .await;
    let refused = office.notary.sign().await.unwrap_err();
    assert!(matches!(&refused, NotaryError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn an_edited_or_forged_book_is_found_and_not_continued() {
    let database = Database::sqlite().await;
    let office = Office::of(&database.store);
    for number in 1..5 {
        database
            .store
            .append(&rows(number..number + 1))
            .await
            .unwrap();
        office.sign().await;
    }
    let book = office.notary.book.path().to_owned();
    let lines = office.notary.book.read().unwrap();
    let whole = std::fs::read_to_string(&book).unwrap();
    assert_eq!(office.testimony().findings, []);
    let mut forger = Office::of(&database.store);
    forger.notary.key = CheckpointKey::parse(&KEY.replace('0', "1")).unwrap();
    forger.sign().await;
    let forged = forger.notary.book.read().unwrap().remove(0);
    let cases: [(&str, Vec<String>, Fault); 5] = [
        ("one is gone", without(&lines, 1), Fault::CheckpointsEdited),
        (
            "the first is gone",
            without(&lines, 0),
            Fault::CheckpointsEdited,
        ),
        (
            "two changed places",
            swapped(&lines),
            Fault::CheckpointsEdited,
        ),
        (
            "a number was changed",
            changed(&lines, r#""seq":"2""#, r#""seq":"1""#),
            Fault::CheckpointForged,
        ),
        (
            "another key signed it",
            lines.iter().take(3).cloned().chain([forged]).collect(),
            Fault::CheckpointForged,
        ),
    ];
    for (what, edited, expected) in cases {
        std::fs::write(&book, edited.join("\n") + "\n").unwrap();
        let report = verified(&database.store, &office.testimony()).await;
        assert!(
            faults(&report.completeness).contains(&expected),
            "{what}: {report:#?}"
        );
        let refused = office.notary.sign().await;
        assert!(matches!(refused, Err(NotaryError::Refused(_))), "{what}");
    }
    // A line that a crash left half is written over.
    std::fs::write(&book, format!("{whole}{{\"checkpoint\":{{\"at\"")).unwrap();
    assert!(
        verified(&database.store, &office.testimony())
            .await
            .is_clean()
    );
    office.sign().await;
    assert_eq!(office.testimony().findings, []);
    assert_eq!(office.testimony().checkpoints.len(), 5);
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

/// Rows of October and November 2026, whose writers go back and forth between both.
async fn two_months(database: &Database) -> (Store, Month) {
    let other = database.open_again().await;
    let (october, november) = (NOW.minus(Duration::from_hours(24 * 30)), NOW);
    for number in 1..=12_u64 {
        let at = if number % 5 < 2 || number > 9 {
            november
        } else {
            october
        };
        let row = LedgerRow {
            at,
            ..whole_row(number)
        };
        let store = if number % 3 == 0 {
            &other
        } else {
            &database.store
        };
        store.append(&[row]).await.unwrap();
    }
    (other, Month::of(october).unwrap())
}

async fn a_month_leaves_by_a_signed_record_and_only_so(database: Database) {
    let (_other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let exports = TempDir::new().unwrap();
    let before = Month::of(NOW).unwrap();
    assert_eq!(office.notary.months_before(before).await.unwrap(), [month]);
    let look = office.notary.look_at(month).await.unwrap();
    assert_eq!((look.rows, look.export), (6, None));
    let left = office
        .notary
        .take_out(month, exports.path())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.rows, 6);
    let archive = [left.export.unwrap()];
    // Nothing is left to leave, and the chains go on as if nothing had been.
    assert_eq!(
        office.notary.take_out(month, exports.path()).await.unwrap(),
        None
    );
    database.store.append(&rows(50..53)).await.unwrap();
    office.sign().await;
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.retired_rows), (9, 6));
    // With what left, all of it is recomputed.
    let given = Exports::read(&archive).unwrap();
    let report = verify::of_store(&database.store, &office.testimony(), given)
        .await
        .unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.retired_rows), (15, 0));
    // Without what was signed, the rows are just not there.
    let report = check(&database).await;
    assert!(
        faults(&report.integrity).contains(&Fault::Missing),
        "{report:#?}"
    );
    // An archive that was changed is found, also without the database.
    let text = std::fs::read_to_string(&archive[0]).unwrap();
    let offline = |text: &str| {
        std::fs::write(&archive[0], text).unwrap();
        let exports = Exports::read(&archive).unwrap();
        verify::of_exports(exports, &office.testimony()).unwrap()
    };
    assert_eq!(offline(&text).integrity, []);
    let changed = text.replacen("\"cost\":\"-5\"", "\"cost\":\"-6\"", 1);
    assert_ne!(changed, text);
    assert_eq!(faults(&offline(&changed).integrity), [Fault::Altered]);
    let shorter: Vec<&str> = text.lines().skip(1).collect();
    let report = offline(&(shorter.join("\n") + "\n"));
    assert_eq!(report.bad_rows + report.retired_rows, 1, "{report:#?}");
    // The guards are in their places again.
    for statement in ["DELETE FROM usage_ledger", "DELETE FROM usage_tag"] {
        let refused = database.driver.execute(statement, &[]).await.unwrap_err();
        assert!(refused.to_string().contains("is append-only"), "{refused}");
    }
    // A row that leaves beside the record is missing.
    database
        .tamper("DELETE FROM usage_ledger WHERE seq = 2", &[])
        .await;
    let report = verified(&database.store, &office.testimony()).await;
    assert!(
        faults(&report.integrity).contains(&Fault::Missing),
        "{report:#?}"
    );
}

async fn nothing_leaves_that_is_not_what_was_written(database: Database) {
    let (other, month) = two_months(&database).await;
    let office = Office::of(&database.store);
    office.sign().await;
    let exports = TempDir::new().unwrap();
    // A changed row of the month.
    let change = "UPDATE usage_ledger SET cost = cost + 1 WHERE request_id = $1";
    let third = [Value::from(&request(3).as_bytes()[..])];
    database.tamper(change, &third).await;
    let refused = office
        .notary
        .take_out(month, exports.path())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("the ledger was changed"),
        "{refused}"
    );
    database.tamper(&change.replace('+', "-"), &third).await;
    // A chain that is not as it was signed.
    database
        .tamper("UPDATE ledger_writer SET seq = seq - 1", &[])
        .await;
    let refused = office
        .notary
        .take_out(month, exports.path())
        .await
        .unwrap_err();
    assert!(matches!(refused, RetentionError::Notary(_)), "{refused}");
    database
        .tamper("UPDATE ledger_writer SET seq = seq + 1", &[])
        .await;
    // A row that comes while the month leaves.
    let window = month.window().unwrap();
    let late = LedgerRow {
        at: window.start,
        ..row(90, 1, 1)
    };
    other.append(&[late]).await.unwrap();
    let refused = database.store.drop_month(window, 6).await.unwrap_err();
    assert!(refused.to_string().contains("7 rows"), "{refused}");
    let report = verified(&database.store, &office.testimony()).await;
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.rows, report.retired_rows), (13, 0));
    let left = office
        .notary
        .take_out(month, exports.path())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.rows, 7);
}
