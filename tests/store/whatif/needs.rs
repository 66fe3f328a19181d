//! How much recorded requests need in a replay.

use std::collections::BTreeMap;

use budgetguard::domain::budget::Scope;
use budgetguard::domain::budget::shadow::Mode;
use budgetguard::domain::id::BudgetId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::Period;
use budgetguard::whatif::change::{BudgetChange, Changes, new_id};

use super::{ACME, MINUTE, Room, budget, digest, put, refused, request, tenants_budget};
use crate::support::Database;

on_both_databases![
    what_no_budget_bounded_is_admitted_where_what_it_cost_fits,
    what_ran_beside_others_finds_what_they_left,
    what_cost_nothing_is_refused_where_nothing_is_left,
    a_model_without_a_price_is_refused_by_the_first_budget,
    what_was_imported_needs_what_it_cost,
    what_had_no_bound_is_refused_by_the_first_budget,
    a_refused_request_comes_through_only_where_there_is_more_room_than_before,
];

async fn what_no_budget_bounded_is_admitted_where_what_it_cost_fits(database: Database) {
    // Each held ten times of what there is, for nobody had to count it.
    let rows = [
        request(1, 0, 1_000, 40),
        request(2, MINUTE, 1_000, 40),
        request(3, 2 * MINUTE, 1_000, 40),
    ];
    let room = Room::new(&database, &rows).await;
    for (limit, admitted) in [(39, 0), (40, 1), (79, 1), (80, 2), (100, 2), (120, 3)] {
        let answer = room.with_budget(Period::Total, limit).await;
        assert_eq!(answer.total.admitted, admitted, "{limit}");
    }
}

async fn what_ran_beside_others_finds_what_they_left(database: Database) {
    let long = |number, at, held| LedgerRow {
        latency_us: 10_000_000,
        ..request(number, at, held, 40)
    };
    // The second begins while the first is under way, the third when both have ended.
    let rows = [long(1, 0, 50), long(2, 5_000_000, 90), long(3, MINUTE, 90)];
    let room = Room::new(&database, &rows).await;
    let decisions = |second, third| {
        digest(&[
            (rows[0].request, "admitted:"),
            (rows[1].request, second),
            (rows[2].request, third),
        ])
    };
    let refused = "budget_exceeded:tenant";
    for (limit, second, third) in [
        (89, refused, "admitted:"),
        (90, "admitted:", refused),
        (120, "admitted:", "admitted:"),
    ] {
        let answer = room.with_budget(Period::Total, limit).await;
        assert_eq!(answer.decisions_hash(), decisions(second, third), "{limit}");
    }
}

async fn what_cost_nothing_is_refused_where_nothing_is_left(database: Database) {
    let rows = [request(1, 0, 60, 60), request(2, MINUTE, 60, 0)];
    let room = Room::new(&database, &rows).await;
    for (limit, admitted) in [(60, 1), (61, 2)] {
        let answer = room.with_budget(Period::Total, limit).await;
        assert_eq!(answer.total.admitted, admitted, "{limit}");
    }
}

async fn a_model_without_a_price_is_refused_by_the_first_budget(database: Database) {
    let unpriced = LedgerRow {
        price: None,
        ..request(1, 0, 0, 0)
    };
    let free = LedgerRow {
        route: "/v1/models".into(),
        price: None,
        ..request(2, 1, 0, 0)
    };
    let room = Room::new(&database, &[unpriced, free]).await;
    assert_eq!(room.ask(Changes::default()).await.changed.total.refused, 0);
    let answer = room.ask(tenants_budget(Period::Total, 50)).await.changed;
    assert_eq!(answer.refused_by, BTreeMap::from([("unpriced_model", 1)]));
    let mut shadow = budget(Scope::Tenant(ACME), Period::Total, 50);
    shadow.mode = Mode::Shadow;
    let answer = room.ask(put(shadow)).await.changed;
    assert_eq!(answer.total.refused, 0);
    assert_eq!(answer.budgets[&new_id(0)].would_have_refused, 1);
}

async fn what_was_imported_needs_what_it_cost(database: Database) {
    let imported = |number, at| LedgerRow {
        price: None,
        ..request(number, at, 0, 40)
    };
    let room = Room::new(&database, &[imported(1, 0), imported(2, MINUTE)]).await;
    for (limit, admitted) in [(39, 0), (79, 1), (80, 2)] {
        let answer = room.with_budget(Period::Total, limit).await;
        assert_eq!(answer.total.admitted, admitted, "{limit}");
    }
}

async fn what_had_no_bound_is_refused_by_the_first_budget(database: Database) {
    let room = Room::new(&database, &[request(1, 0, 0, 40)]).await;
    assert_eq!(room.ask(Changes::default()).await.changed.total.refused, 0);
    let answer = room.with_budget(Period::Total, 1_000).await;
    assert_eq!(answer.refused_by, BTreeMap::from([("unpriced", 1)]));
}

async fn a_refused_request_comes_through_only_where_there_is_more_room_than_before(
    database: Database,
) {
    let rows = [
        request(1, 0, 60, 60),
        refused(2, MINUTE, "budget_exceeded"),
        refused(3, 2 * MINUTE, "budget_exceeded"),
    ];
    let mut room = Room::new(&database, &rows).await;
    room.set(Scope::Tenant(ACME), Period::Daily, 100).await;
    // There were 40 left, and it needed more. With 50 in all the first one would not have been admitted.
    for (limit, newly_admitted) in [(50, 2), (60, 0), (100, 0), (101, 2)] {
        let answer = room.ask(tenants_budget(Period::Daily, limit)).await.changed;
        assert_eq!(answer.total.newly_admitted, newly_admitted, "{limit}");
    }
    let removed = Changes {
        budgets: vec![BudgetChange::Remove(BudgetId(1))],
        ..Changes::default()
    };
    assert_eq!(room.ask(removed).await.changed.total.newly_admitted, 2);
}
