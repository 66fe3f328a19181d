//! What many writers and absurd rows add up to.

use std::collections::BTreeSet;

use budgetguard::domain::id::TenantId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::money::Usd;
use budgetguard::domain::usage::TokenUsage;
use budgetguard::domain::window::Window;
use budgetguard::store::usage::LedgerFilter;

use crate::sums::{DAY, FIRST, made};
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
