//! Rules in a replay.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use budgetguard::domain::budget::Scope;
use budgetguard::domain::id::ModelName;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::Period;
use budgetguard::whatif::WhatIfError;
use budgetguard::whatif::change::Changes;

use super::{ACME, MINUTE, Room, digest, question, refused, request, usd};
use crate::support::Database;

on_both_databases![
    rules_refuse_exactly_the_rows_that_they_name,
    rules_that_are_not_valid_are_told_of_by_their_line,
    rules_of_any_depth_cost_neither_the_stack_nor_much_time,
    rules_see_what_the_budgets_stood_at,
];

fn rules(text: &str) -> Changes {
    let text = format!("package budgetguard.policy\nimport rego.v1\n{text}");
    Changes {
        policy: Some(text),
        ..Changes::default()
    }
}

async fn rules_refuse_exactly_the_rows_that_they_name(database: Database) {
    let of = |number: u64, model: &str, at: i64| LedgerRow {
        model: ModelName::new(model),
        ..request(number, at, 10, 5)
    };
    // At noon, and at one o'clock in the night.
    let rows = [
        of(1, "o1-pro", 0),
        of(2, "gpt-4o-mini", 1),
        of(3, "o1-pro", 13 * 60 * MINUTE),
        of(4, "gpt-4o-mini", 13 * 60 * MINUTE),
        refused(5, 14 * 60 * MINUTE, "policy_denied"),
    ];
    let room = Room::new(&database, &rows).await;
    let changes = rules(
        "default allow := false\nallow if not startswith(input.model, \"o1\")\n\
         allow if input.time == 12",
    );
    let answer = room.ask(changes).await.changed;
    let decisions = [
        (rows[0].request, "admitted:"),
        (rows[1].request, "admitted:"),
        (rows[2].request, "policy_denied:"),
        (rows[3].request, "admitted:"),
        (rows[4].request, "admitted:"),
    ];
    assert_eq!(answer.decisions_hash(), digest(&decisions));
    assert_eq!(answer.refused_by, BTreeMap::from([("policy_denied", 1)]));
    let total = answer.total;
    assert_eq!((total.saved, total.newly_admitted), (usd(5), 1));
}

async fn rules_that_are_not_valid_are_told_of_by_their_line(database: Database) {
    let room = Room::new(&database, &[]).await;
    let broken = room.whatif.ask(question(rules("allow if {"))).await;
    let Err(WhatIfError::Policy(problem)) = broken else {
        panic!("{broken:?}")
    };
    assert!(problem.to_string().contains("policy:3:"), "{problem}");
}

async fn rules_of_any_depth_cost_neither_the_stack_nor_much_time(database: Database) {
    let room = Room::new(&database, &[]).await;
    let started = Instant::now();
    for (opened, closed) in [
        ("[", "]"),
        ("(", ")"),
        ("{", "}"),
        ("1 +\n", ""),
        ("not ", ""),
    ] {
        for depth in [8, 31, 8_000] {
            let (opened, closed) = (opened.repeat(depth), closed.repeat(depth));
            let deep = rules(&format!("allow if {opened}1{closed}"));
            let answer = room.whatif.ask(question(deep)).await;
            let is_told = matches!(answer, Ok(_) | Err(WhatIfError::Policy(_)));
            assert!(is_told, "{depth} {opened:?}: {answer:?}");
        }
    }
    assert!(
        started.elapsed() < Duration::from_mins(1),
        "{:?}",
        started.elapsed()
    );
}

async fn rules_see_what_the_budgets_stood_at(database: Database) {
    let rows: Vec<LedgerRow> = (1..=4)
        .map(|it| request(it, i64::try_from(it).unwrap() * MINUTE, 100, 60))
        .collect();
    let mut room = Room::new(&database, &rows).await;
    room.set(Scope::Tenant(ACME), Period::Daily, 1_000_000_000_000)
        .await;
    // 120 of nano-dollars are spent when the third comes.
    let changes = rules(
        "default allow := true\nallow := false if {\n some budget in input.budgets\n \
         budget.usage > 0.0000001\n}",
    );
    let answer = room.ask(changes).await.changed;
    assert_eq!(answer.refused_by, BTreeMap::from([("policy_denied", 2)]));
}
