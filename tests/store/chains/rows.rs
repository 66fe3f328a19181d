//! Rows that were changed, removed, moved or doubled, and tags beside them.

use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::ledger::canonical::{COLUMNS, Kind};
use budgetguard::evidence::findings::Fault;
use budgetguard::store::value::Value;

use crate::chains::{Office, broken, check, id, rows, verified, whole_row};
use crate::support::{Database, request};

on_both_databases![
    every_row_is_in_its_writers_chain_and_two_writers_do_not_mix,
    a_changed_value_in_any_column_is_found,
    a_removed_row_is_missing,
    rows_that_changed_places_are_reordered,
    a_row_that_is_there_twice_is_duplicated,
    tags_beside_the_ledger_say_the_same,
];

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

async fn a_changed_value_in_any_column_is_found(database: Database) {
    let rows: Vec<LedgerRow> = (10..15).map(whole_row).collect();
    database.store.append(&rows).await.unwrap();
    let office = Office::of(&database.store);
    office.sign().await;
    let columns = COLUMNS.map(|column| (column.name, column.kind));
    let of_chain = [
        ("writer", Kind::Id),
        ("seq", Kind::Number),
        ("hash", Kind::Hash),
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
        Kind::Hash => Value::Bytes(row.bytes::<32>("it").unwrap().to_vec()),
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
    assert_eq!(
        broken(&report),
        (Fault::Duplicated, Some(3), Some(id(1_000)))
    );
    assert_eq!((report.rows, report.bad_rows), (6, 1));
}

async fn tags_beside_the_ledger_say_the_same(database: Database) {
    let tagged: Vec<LedgerRow> = (1..6).map(whole_row).collect();
    database.store.append(&tagged).await.unwrap();
    assert!(check(&database).await.is_clean());
    let third = [Value::from(&request(3).as_bytes()[..])];
    let cheaper = "UPDATE usage_tag SET cost = cost - 1 WHERE request_id = $1 AND tag_id = 7";
    database.tamper(cheaper, &third).await;
    let report = check(&database).await;
    assert_eq!(broken(&report), (Fault::TagsDiffer, Some(3), Some(id(3))));
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
