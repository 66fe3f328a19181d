//! Pages by cost, and of rows of some costs, give each row once whichever way they are found.

use budgetguard::domain::id::{ApiKeyId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::Store;
use budgetguard::store::ledger_page::Place;
use budgetguard::store::ledger_ranked::{Bounds, Mark, REACH_MAX, Ranked, Ranking, Start};
use budgetguard::store::order::{Order, Sort};
use budgetguard::store::usage::LedgerFilter;

use crate::sums::{DAY, FIRST, append_with, filters, furnish, made, matches};
use crate::support::Database;

on_both_databases![
    all_ranked_pages_together_are_all_rows_once,
    a_page_that_needs_too_many_rows_is_not_looked_for,
    what_is_for_nothing_is_found_though_all_else_is_dearer,
];

const LIMIT: u32 = 41;
const WALKING: Bounds = Bounds {
    few_rows_max: 0,
    walk_rows_max: 10_000,
    step_rows: (3, 11),
};
/// What is dear is rare.
const RARE: Bounds = Bounds {
    few_rows_max: 60,
    ..WALKING
};

fn costs_asked(filter: &LedgerFilter) -> [LedgerFilter; 3] {
    let of = |least: Option<i64>, most: Option<i64>| LedgerFilter {
        cost_min: least.map(Usd::from_nanos),
        cost_max: most.map(Usd::from_nanos),
        ..filter.clone()
    };
    [
        of(None, None),
        of(Some(300_000_000), Some(700_000_000)),
        of(Some(900_000_000), None),
    ]
}

async fn all_ranked_pages_together_are_all_rows_once(database: Database) {
    let store = &database.store;
    furnish(store).await;
    // Many of the same cost and moment.
    let same = (1_000..1_030).map(|number| made(number, (FIRST, 1, 0, 400_000_000), 4));
    let written = append_with(store, same).await;
    let narrow = Window {
        start: UtcMicros::new(FIRST + 10 * DAY + 5),
        end: UtcMicros::new(FIRST + 60 * DAY + 7),
    };
    let of_key = LedgerFilter {
        key: Some(ApiKeyId(11)),
        status: Some(Status::Success),
        ..LedgerFilter::default()
    };
    let of_all = LedgerFilter::default();
    let asked: Vec<_> = filters(narrow)
        .into_iter()
        .chain([of_all, of_key])
        .collect();
    for filter in asked.iter().flat_map(costs_asked) {
        for sort in Sort::ALL {
            for order in Order::ALL {
                let expected = expected(&written, &filter, (sort, order));
                for bounds in [Bounds::default(), WALKING, RARE] {
                    let pages = Pages {
                        store,
                        filter: &filter,
                        sort,
                        order,
                        bounds,
                    };
                    pages.assert_are(&expected).await;
                }
            }
        }
    }
}

fn expected(written: &[LedgerRow], filter: &LedgerFilter, order: (Sort, Order)) -> Vec<Mark> {
    let matching = written.iter().filter(|row| matches(filter, row));
    let mut marks: Vec<Mark> = matching
        .map(|row| Mark {
            cost: match order.0 {
                Sort::At => Usd::ZERO,
                Sort::Cost => row.cost,
            },
            place: Place::of(row),
        })
        .collect();
    marks.sort_unstable();
    if order.1 == Order::Desc {
        marks.reverse();
    }
    marks
}

#[derive(Debug)]
struct Pages<'a> {
    store: &'a Store,
    filter: &'a LedgerFilter,
    sort: Sort,
    order: Order,
    bounds: Bounds,
}

impl Pages<'_> {
    async fn page(&self, start: Start, limit: u32) -> (Vec<Mark>, u64, bool) {
        let ranking = Ranking {
            sort: self.sort,
            order: self.order,
            start,
            limit,
        };
        let found = self.store.ranked_page(self.filter, ranking, self.bounds);
        let Ranked::Page {
            rows,
            total,
            is_total_exact,
        } = found.await.unwrap()
        else {
            panic!("too many: {self:?}");
        };
        let marks = rows.iter().map(|entry| ranking.mark_of(entry)).collect();
        (marks, total, is_total_exact)
    }

    async fn assert_are(&self, expected: &[Mark]) {
        let (mut by_page, mut by_cursor) = (Vec::new(), Vec::new());
        loop {
            let start = Start::Skip(by_page.len() as u64);
            let (marks, total, is_exact) = self.page(start, LIMIT).await;
            let seen = (by_page.len() + marks.len()) as u64;
            let all = expected.len() as u64;
            let is_bound = !is_exact && (seen..all).contains(&total);
            assert!(total == all || is_bound, "{total} {self:?}");
            if marks.is_empty() {
                break;
            }
            by_page.extend(marks);
        }
        assert_eq!(by_page, expected, "{self:?}");
        let mut start = Start::Skip(0);
        loop {
            let (marks, ..) = self.page(start, LIMIT).await;
            let Some(last) = marks.last() else { break };
            start = Start::After(*last);
            by_cursor.extend(marks);
        }
        assert_eq!(by_cursor, expected, "{self:?}");
    }
}

/// So many rows of which one in ten is of the tenant 1 and cheap.
fn mostly_of_others() -> Vec<LedgerRow> {
    let rows = (0_i64..200).map(|number| {
        let (tenant, nanos) = if number % 10 == 0 {
            (1, 5)
        } else {
            (2, 1_000 + number)
        };
        made(number.unsigned_abs(), (FIRST + number, tenant, 0, nanos), 1)
    });
    rows.collect()
}

const DEAREST: Ranking = Ranking {
    sort: Sort::Cost,
    order: Order::Desc,
    start: Start::Skip(0),
    limit: 5,
};

async fn a_page_that_needs_too_many_rows_is_not_looked_for(database: Database) {
    let store = &database.store;
    store.append(&mostly_of_others()).await.unwrap();
    let filter = LedgerFilter {
        tenant: Some(TenantId(1)),
        ..LedgerFilter::default()
    };
    let bounds = |walk_rows_max| Bounds {
        walk_rows_max,
        ..WALKING
    };
    let found = store
        .ranked_page(&filter, DEAREST, bounds(100))
        .await
        .unwrap();
    assert_eq!(found, Ranked::TooMany);
    let found = store
        .ranked_page(&filter, DEAREST, bounds(200))
        .await
        .unwrap();
    let Ranked::Page {
        rows,
        total,
        is_total_exact,
    } = found
    else {
        panic!("{found:?}");
    };
    assert_eq!((rows.len(), total, is_total_exact), (5, 20, true));
    let far = Ranking {
        start: Start::Skip(REACH_MAX),
        ..DEAREST
    };
    let found = store
        .ranked_page(&filter, far, Bounds::default())
        .await
        .unwrap();
    assert_eq!(found, Ranked::TooMany);
}

async fn what_is_for_nothing_is_found_though_all_else_is_dearer(database: Database) {
    let store = &database.store;
    let mut written = mostly_of_others();
    for (row, number) in written.iter_mut().zip(0..) {
        // Of another tenant, too, and all that this one has.
        if row.tenant == TenantId(1) || number % 10 == 3 {
            row.cost = Usd::ZERO;
        }
    }
    store.append(&written).await.unwrap();
    let filter = LedgerFilter {
        tenant: Some(TenantId(1)),
        ..LedgerFilter::default()
    };
    let walking = Bounds {
        walk_rows_max: 50,
        ..WALKING
    };
    for order in Order::ALL {
        let expected = expected(&written, &filter, (Sort::Cost, order));
        for bounds in [walking, RARE, Bounds::default()] {
            let pages = Pages {
                store,
                filter: &filter,
                sort: Sort::Cost,
                order,
                bounds,
            };
            pages.assert_are(&expected).await;
        }
    }
}
