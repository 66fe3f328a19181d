//! What many writers and absurd rows add up to.

use std::collections::BTreeSet;

use budgetguard::domain::id::{ModelName, TenantId};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::usage::TokenUsage;
use budgetguard::domain::window::Window;
use budgetguard::store::usage::LedgerFilter;

use rusqlite::Connection;

use crate::sums::{DAY, FIRST, append_with, furnish, made};
use crate::support::{Database, row};

on_both_databases![
    many_writers_at_once_add_up,
    a_sum_stops_at_the_largest_number,
];

async fn many_writers_at_once_add_up(database: Database) {
    let stores = [
        database.open_again().await,
        database.open_again().await,
        database.open_again().await,
        database.store.clone(),
    ];
    let batches = (0..4_u64).map(|writer| {
        let rows = (0..600_u64).map(move |number| {
            let spread = (number * 7 + writer * 3) % 90;
            let at = FIRST + spread.cast_signed() * DAY;
            made(
                writer * 1_000 + number,
                (at, 1 + spread.cast_signed() % 3, 0, 5),
                9,
            )
        });
        rows.collect::<Vec<_>>()
    });
    let written = stores.iter().zip(batches).map(|(store, rows)| async move {
        for batch in rows.chunks(60) {
            assert_eq!(store.append(batch).await.unwrap(), batch.len());
        }
    });
    futures::future::join_all(written).await;
    let totals = database
        .store
        .ledger_totals(&LedgerFilter::default())
        .await
        .unwrap();
    assert_eq!((totals.rows, totals.cost), (2_400, Usd::from_nanos(12_000)));
    let days = database
        .store
        .daily_usage(TenantId(1), Window::TOTAL)
        .await
        .unwrap();
    let days: BTreeSet<_> = days.into_iter().map(|(day, _)| day).collect();
    assert_eq!(days.len(), 30);
}

async fn a_sum_stops_at_the_largest_number(database: Database) {
    let absurd = |number| LedgerRow {
        usage: TokenUsage {
            input: u64::MAX,
            ..TokenUsage::default()
        },
        ..row(number, 1, i64::MAX)
    };
    let store = &database.store;
    store.append(&[absurd(1), absurd(2)]).await.unwrap();
    store.append(&[absurd(3)]).await.unwrap();
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!((totals.rows, totals.cost), (3, Usd::from_nanos(i64::MAX)));
    let reader = store.ledger_reader(LedgerFilter::default()).next().await;
    assert_eq!(reader.unwrap().len(), 3);
}

/// All sums in one order, whatever the numbers of their series.
fn sums_in(file: &Connection) -> Vec<String> {
    const SUMS: [&str; 4] = [
        "SELECT family, tenant_id, key_id, provider, model, answered, route, status, level, start, \
         requests, not_measured, input, cached_input, output, cost, last_at \
         FROM usage_sum JOIN usage_series ON usage_series.id = series_id",
        "SELECT tag_id, is_inherited, weight, provider, model, level, start, requests, cost, share \
         FROM tag_sum JOIN tag_series ON tag_series.id = series_id",
        "SELECT tenant_id, tags, level, start, requests, cost \
         FROM tagged_sum JOIN tagged_series ON tagged_series.id = series_id",
        "SELECT tenant_id, session_id, requests, cost FROM session_sum",
    ];
    let mut sums = Vec::new();
    for statement in SUMS {
        let mut statement = file.prepare(statement).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap()));
            sums.push(values.collect::<Vec<_>>().join(" "));
        }
    }
    sums.sort_unstable();
    sums
}

/// The version before left the adding up to the trigger.
#[tokio::test]
async fn what_a_writer_adds_up_is_what_the_trigger_would() {
    let database = Database::sqlite().await;
    furnish(&database.store).await;
    let long = |number| LedgerRow {
        model: ModelName::new(&"m".repeat(300)),
        session: None,
        ..row(number, 1, i64::MAX / 2)
    };
    append_with(&database.store, (9_000..9_003).map(long)).await;
    let file = database.raw();
    let by_writer = sums_in(&file);
    assert!(by_writer.len() > 100, "{}", by_writer.len());
    file.execute_batch(
        "DELETE FROM usage_sum; DELETE FROM tag_sum; DELETE FROM tagged_sum; DELETE FROM session_sum;
         UPDATE ledger_writer SET summed = 0;
         UPDATE ledger_writer SET seq = seq;",
    )
    .unwrap();
    assert_eq!(sums_in(&file), by_writer);
}
