//! What was spent: the same to the nano-dollar, and every dollar that is not here is told.

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::money::Usd;
use budgetguard::domain::window::Window;
use budgetguard::import::Exact;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::import::{id_of, imported, ledger, moved, original, tag};
use crate::support::{Database, Schema};

on_both_databases![
    every_dollar_is_accounted_for,
    budgets_count_what_was_spent_there,
    spending_is_the_same_to_the_nano_dollar_whatever_it_is,
];

async fn every_dollar_is_accounted_for(database: Database) {
    let Some(report) = moved(&database).await else {
        return;
    };
    let exact = |text| Exact::parse(text).unwrap();
    let spending = &report.spending;
    assert_eq!(
        spending.source,
        exact("10000000002.682499999500000000000000000001")
    );
    assert_eq!(spending.skipped, exact("10000000000"));
    assert_eq!(spending.raised, exact("0.25"));
    assert_eq!(spending.here, spent(&database).await);
}

/// What all rows cost.
async fn spent(database: &Database) -> Exact {
    let rows = ledger(&database.store).await;
    let sum = rows.iter().map(|row| row.cost.nanos()).sum();
    Exact::from_usd(Usd::from_nanos(sum))
}

async fn budgets_count_what_was_spent_there(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let store = &database.store;
    let acme = id_of(store, "acme").await;
    let team = tag(store, acme, "team").await;
    for (scope, nanos) in [
        (Scope::Tenant(acme), 2_232_500_001),
        (Scope::Tag(team), 7_500_000),
    ] {
        let coverage = Coverage::all_of(scope);
        let counted = store.spent(&[(&coverage, Window::TOTAL)], &[]).await;
        assert_eq!(counted.unwrap(), [Usd::from_nanos(nanos)], "{scope:?}");
    }
}

type Amount = (u32, u64, u64, bool);

/// Decimals of up to thirty places, few of them alike.
fn amounts() -> impl Strategy<Value = Vec<Amount>> {
    let amount = (0_u32..2_000_000, any::<u64>(), any::<u64>(), any::<bool>());
    prop::collection::vec(amount, 1..40)
}

/// Adds rows of such amounts, a few of them below nothing.
async fn add(original: &Schema, first: u32, amounts: &[Amount]) {
    for (id, (whole, nanos, rest, is_negative)) in (first..).zip(amounts) {
        let sign = if *is_negative && id % 5 == 0 { "-" } else { "" };
        let (nanos, rest) = (nanos % 1_000_000_000, rest % 10_u64.pow(18));
        original
            .run_inside(&format!(
                "INSERT INTO \"UsageLedger\" (id, tenant, route, usd, \"promptTok\", \
                 \"compTok\", \"tenantId\", model) VALUES ({id}, 'public', '/', \
                 {sign}{whole}.{nanos:09}{rest:021}, 1, 1, 1, 'x')"
            ))
            .await;
    }
}

async fn spending_is_the_same_to_the_nano_dollar_whatever_it_is(database: Database) {
    let Some(original) = original().await else {
        return;
    };
    let mut runner = TestRunner::new(Config::with_cases(8));
    for case in 0..8_u32 {
        let tree = amounts().new_tree(&mut runner).unwrap();
        add(&original, case * 7_000, &tree.current()).await;
        let report = imported(&database.store, &original).await;
        assert_eq!(report.spending.here, spent(&database).await);
        let rows = report.kind("ledger").unwrap().found;
        let most = Exact::from_usd(Usd::from_nanos(rows.cast_signed()));
        assert!(report.spending.rounded_up < most, "{report:?}");
    }
    original.drop().await;
}
