//! What a question may cost, and that it changes nothing.

use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::{Period, Window};
use budgetguard::whatif::change::Changes;
use budgetguard::whatif::{Bounds, WhatIfError};

use super::{ACME, MINUTE, Room, question, request, tenants_budget, usd};
use crate::support::Database;

on_both_databases![
    a_question_is_bounded_in_rows_and_in_time,
    one_question_at_a_time,
    nothing_is_written,
];

async fn a_question_is_bounded_in_rows_and_in_time(database: Database) {
    let rows: Vec<LedgerRow> = (1..=10).map(|number| request(number, 0, 1, 1)).collect();
    let mut room = Room::new(&database, &rows).await;
    room.whatif.bounds.rows_max = 10;
    assert_eq!(room.ask(Changes::default()).await.changed.rows, 10);
    room.whatif.bounds.rows_max = 9;
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(
        matches!(asked, Err(WhatIfError::TooManyRows(9))),
        "{asked:?}"
    );
    room.whatif.bounds = Bounds {
        time_max: Duration::ZERO,
        ..Bounds::default()
    };
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(matches!(asked, Err(WhatIfError::TooLong(_))), "{asked:?}");
}

async fn one_question_at_a_time(database: Database) {
    let room = Room::new(&database, &[request(1, 0, 1, 1)]).await;
    let taken = Arc::clone(&room.whatif.turn).try_acquire_owned().unwrap();
    let asked = room.whatif.ask(question(Changes::default())).await;
    assert!(matches!(asked, Err(WhatIfError::Busy)), "{asked:?}");
    drop(taken);
    for _ in 0..3 {
        assert_eq!(room.ask(Changes::default()).await.changed.rows, 1);
    }
}

async fn nothing_is_written(database: Database) {
    let rows = [request(1, 0, 60, 60), request(2, MINUTE, 60, 60)];
    let room = Room::new(&database, &rows).await;
    let version = room.store.catalog_version().await.unwrap();
    let answer = room.ask(tenants_budget(Period::Total, 100)).await.changed;
    assert_eq!(answer.total.refused, 1);
    assert_eq!(room.store.catalog_version().await.unwrap(), version);
    let budgets = room.store.list_budgets(Scope::Tenant(ACME)).await;
    assert_eq!(budgets.unwrap(), []);
    let everything = Coverage::all_of(Scope::Installation);
    let spent = room.store.spent(&[(&everything, Window::TOTAL)], &[]).await;
    assert_eq!(spent.unwrap(), [usd(120)]);
}
