//! Pages, and readers of everything, give each row once.

use budgetguard::domain::id::ApiKeyId;
use budgetguard::domain::ledger::chain::ExportLine;
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::ledger_page::Place;
use budgetguard::store::order::Order;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::{Page, Store};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::sums::{DAY, FIRST, append_with, filters, furnish, made, matches, rows};
use crate::support::Database;

on_both_databases![
    all_pages_together_are_all_rows_once,
    a_reader_gives_every_row_once_and_exactly,
];

async fn all_pages_together_are_all_rows_once(database: Database) {
    let store = &database.store;
    furnish(store).await;
    // Many that came at the same moment.
    let same = (1_000..1_040).map(|number| made(number, (FIRST, 1, 0, 5), 4));
    let written = append_with(store, same).await;
    let narrow = Window {
        start: UtcMicros::new(FIRST + 10 * DAY + 5),
        end: UtcMicros::new(FIRST + 60 * DAY + 7),
    };
    for filter in [Window::TOTAL, narrow].into_iter().flat_map(filters) {
        let mut expected: Vec<Place> = written
            .iter()
            .filter(|row| matches(&filter, row))
            .map(Place::of)
            .collect();
        expected.sort_unstable();
        for limit in [6, 41, 1_000] {
            for order in Order::ALL {
                let what = format!("{limit} {order:?} {filter:?}");
                let found = by_page(store, &filter, (order, limit)).await;
                assert_eq!(found, expected, "{what}");
                let found = by_cursor(store, &filter, (order, limit)).await;
                assert_eq!(found, expected, "{what}");
                expected.reverse();
            }
        }
    }
}

async fn by_page(store: &Store, filter: &LedgerFilter, (order, limit): (Order, u32)) -> Vec<Place> {
    let mut places = Vec::new();
    loop {
        let offset = places.len() as u64;
        let listed = store
            .ordered_page(filter, order, Page { limit, offset })
            .await
            .unwrap();
        if listed.rows.is_empty() {
            assert_eq!(listed.total, offset, "{filter:?}");
            return places;
        }
        places.extend(listed.rows.iter().map(|entry| Place::of(&entry.row)));
    }
}

async fn by_cursor(
    store: &Store,
    filter: &LedgerFilter,
    (order, limit): (Order, u32),
) -> Vec<Place> {
    let first = store
        .ordered_page(filter, order, Page { limit, offset: 0 })
        .await
        .unwrap();
    let mut places: Vec<Place> = first
        .rows
        .iter()
        .map(|entry| Place::of(&entry.row))
        .collect();
    while let Some(last) = places.last() {
        let listed = store
            .ordered_page_after(filter, order, (*last, limit))
            .await
            .unwrap();
        assert_eq!(listed.total, first.total);
        if listed.rows.is_empty() {
            break;
        }
        places.extend(listed.rows.iter().map(|entry| Place::of(&entry.row)));
    }
    places
}

async fn a_reader_gives_every_row_once_and_exactly(database: Database) {
    let store = &database.store;
    furnish(store).await;
    let mut runner = TestRunner::deterministic();
    let mut written = rows(0).new_tree(&mut runner).unwrap().current();
    // More than a batch of the same moment.
    let same = (10_000..14_500).map(|number| made(number, (FIRST + DAY, 1, 0, 5), 5));
    written.extend(same);
    store.append(&written).await.unwrap();
    let by_cost = LedgerFilter {
        key: Some(ApiKeyId(11)),
        status: Some(Status::Success),
        cost_min: Some(Usd::from_nanos(1_000)),
        cost_max: Some(Usd::from_nanos(700_000_000)),
        ..LedgerFilter::default()
    };
    for filter in filters(Window::TOTAL).into_iter().chain([by_cost]) {
        let mut reader = store.ledger_reader(filter.clone());
        let mut read = Vec::new();
        loop {
            let rows = reader.next().await.unwrap();
            if rows.is_empty() {
                break;
            }
            read.extend(rows);
        }
        let mut expected: Vec<&LedgerRow> =
            written.iter().filter(|row| matches(&filter, row)).collect();
        expected.sort_unstable_by_key(|row| Place::of(row));
        let found: Vec<&LedgerRow> = read.iter().map(|exact| &exact.row).collect();
        assert_eq!(found, expected, "{filter:?}");
        for exact in read.iter().take(50) {
            let line = exact.line.to_string();
            assert_eq!(ExportLine::parse(&line).unwrap(), exact.line);
            assert!(line.contains(&format!("\"cost\":\"{}\"", exact.row.cost.nanos())));
        }
    }
}
