//! A breakdown is what the rows add up to, whatever they are told apart by.

use std::collections::BTreeMap;

use budgetguard::domain::id::TenantId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::Store;
use budgetguard::store::breakdown::{Breakdown, Dimension, Group, Question, Sums};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::sums::{DAY, FIRST, furnish, rows};
use crate::support::Database;

on_both_databases![
    every_breakdown_is_what_its_rows_add_up_to,
    only_the_dearest_groups_are_shown_and_all_are_counted,
];

const GROUPS_MAX: u32 = 10_000;

/// What a row is told apart by, as text.
fn name_in(row: &LedgerRow, dimension: Dimension) -> String {
    match dimension {
        Dimension::Day => (row.at.get() - row.at.get().rem_euclid(DAY)).to_string(),
        Dimension::Tenant => row.tenant.to_string(),
        Dimension::Key => row.key.to_string(),
        Dimension::Provider => row.provider.to_string(),
        Dimension::Model => row.model.to_string(),
        Dimension::Route => row.route.to_string(),
        Dimension::Status => row.status.as_str().to_owned(),
    }
}

fn name_of(group: &Group, dimension: Dimension) -> String {
    match dimension {
        Dimension::Day => group.day.unwrap().get().to_string(),
        Dimension::Tenant => group.tenant.as_ref().unwrap().0.to_string(),
        Dimension::Key => group.key.as_ref().unwrap().id.to_string(),
        Dimension::Provider => group.provider.as_ref().unwrap().to_string(),
        Dimension::Model => group.model.as_ref().unwrap().to_string(),
        Dimension::Route => group.route.clone().unwrap(),
        Dimension::Status => group.status.unwrap().as_str().to_owned(),
    }
}

fn sums_of(row: &LedgerRow) -> Sums {
    Sums {
        requests: 1,
        input: row.usage.input_total(),
        output: row.usage.output_total(),
        cost: row.cost,
    }
}

fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for one in Dimension::ALL {
        questions.extend(Question::by(vec![one], GROUPS_MAX));
        for other in Dimension::ALL.into_iter().filter(|other| *other != one) {
            questions.extend(Question::by(vec![one, other], GROUPS_MAX));
        }
    }
    // Keys go with neither routes nor statuses.
    assert_eq!(questions.len(), 7 + 42 - 4);
    questions
}

async fn furnished(store: &Store) -> Vec<LedgerRow> {
    furnish(store).await;
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<LedgerRow> = Vec::new();
    for _ in 0..3 {
        let from = written.len() as u64;
        written.extend(rows(from).new_tree(&mut runner).unwrap().current());
    }
    store.append(&written).await.unwrap();
    written
}

async fn every_breakdown_is_what_its_rows_add_up_to(database: Database) {
    let store = &database.store;
    let written = furnished(store).await;
    let part = Window {
        start: UtcMicros::new(FIRST + 10 * DAY + 5),
        end: UtcMicros::new(FIRST + 60 * DAY + 7),
    };
    for mut question in questions() {
        for window in [Window::TOTAL, part] {
            for tenant in [None, Some(TenantId(1))] {
                question.window = window;
                question.tenant = tenant;
                let found = store.breakdown(&question).await.unwrap();
                assert_is_of(&found, &written, &question);
            }
        }
    }
}

fn assert_is_of(found: &Breakdown, written: &[LedgerRow], question: &Question) {
    let is_wanted = |row: &&LedgerRow| {
        question.window.contains(row.at) && question.tenant.is_none_or(|id| id == row.tenant)
    };
    let names = question.dimensions();
    let mut expected: BTreeMap<Vec<String>, Sums> = BTreeMap::new();
    let mut totals = Sums::default();
    for row in written.iter().filter(is_wanted) {
        let name = names.iter().map(|it| name_in(row, *it)).collect();
        let sums = expected.entry(name).or_default();
        *sums = sums.plus(sums_of(row));
        totals = totals.plus(sums_of(row));
    }
    assert_eq!(found.totals, totals, "{question:?}");
    assert_eq!(found.groups_total, expected.len() as u64, "{question:?}");
    let costs: Vec<_> = found.groups.iter().map(|group| group.sums.cost).collect();
    assert!(costs.is_sorted_by(|one, next| one >= next), "{question:?}");
    let groups = found.groups.iter();
    let groups: BTreeMap<Vec<String>, Sums> = groups
        .map(|group| {
            let name = names.iter().map(|it| name_of(group, *it)).collect();
            (name, group.sums)
        })
        .collect();
    assert_eq!(groups, expected, "{question:?}");
}

async fn only_the_dearest_groups_are_shown_and_all_are_counted(database: Database) {
    let store = &database.store;
    furnished(store).await;
    let all = Question::by(vec![Dimension::Model, Dimension::Tenant], GROUPS_MAX).unwrap();
    let all = store.breakdown(&all).await.unwrap();
    let some = Question::by(vec![Dimension::Model, Dimension::Tenant], 2).unwrap();
    let some = store.breakdown(&some).await.unwrap();
    assert_eq!(some.groups, all.groups[..2]);
    assert_eq!(
        (some.groups_total, some.totals),
        (all.groups_total, all.totals)
    );
    let named = all.groups.iter().filter_map(|group| group.tenant.as_ref());
    let acme = named.clone().find(|(id, _)| *id == TenantId(1)).unwrap();
    assert_eq!(acme.1, "acme");
    let keys = Question::by(vec![Dimension::Key], GROUPS_MAX).unwrap();
    let keys = store.breakdown(&keys).await.unwrap();
    let key = keys.groups.iter().filter_map(|group| group.key.as_ref());
    let known = key.clone().find(|key| key.id.0 == 10).unwrap();
    assert!(!known.prefix.is_empty(), "{known:?}");
}
