//! Limits of rates in a replay.

use std::collections::BTreeMap;

use budgetguard::domain::id::ApiKeyId;
use budgetguard::domain::ledger::LedgerRow;
use budgetguard::domain::usage::TokenUsage;
use budgetguard::domain::window::Period;
use budgetguard::whatif::change::{Changes, RateChange, RateOwner};

use super::{ACME, MINUTE, Room, request};
use crate::support::Database;

on_both_databases![
    a_rate_limit_admits_as_many_a_minute_as_it_says,
    a_later_try_is_not_made_where_the_first_is_refused,
    a_later_try_counts_as_no_request_of_its_own,
];

fn limited(
    subject: RateOwner,
    requests: Option<u32>,
    tokens: Option<u32>,
    concurrent: Option<u32>,
) -> Changes {
    Changes {
        rates: vec![RateChange {
            subject,
            requests,
            tokens,
            concurrent,
        }],
        ..Changes::default()
    }
}

/// A request that failed for what it cost, and one that was made in its place.
fn tries() -> [LedgerRow; 2] {
    let first = request(1, 0, 80, 60);
    let second = LedgerRow {
        attempt_of: Some(first.request),
        ..request(2, MINUTE, 10, 10)
    };
    [first, second]
}

async fn a_rate_limit_admits_as_many_a_minute_as_it_says(database: Database) {
    let rows: Vec<LedgerRow> = (0..30)
        .map(|number| LedgerRow {
            usage: TokenUsage {
                input: 40,
                output: 60,
                ..TokenUsage::default()
            },
            // Ten at a time, a minute and two seconds apart, each five seconds long.
            latency_us: 5_000_000,
            ..request(
                number,
                i64::try_from(number / 10).unwrap() * (MINUTE + 2_000_000),
                10,
                5,
            )
        })
        .collect();
    let room = Room::new(&database, &rows).await;
    let (acme, ci) = (RateOwner::Tenant(ACME), RateOwner::Key(ApiKeyId(1)));
    for (changes, admitted) in [
        (limited(acme, Some(4), None, None), 12),
        (limited(ci, Some(7), None, None), 21),
        (limited(ci, None, Some(350), None), 9),
        (limited(acme, None, None, Some(2)), 6),
        (limited(acme, Some(0), None, None), 30),
    ] {
        let answer = room.ask(changes).await.changed;
        assert_eq!(answer.total.admitted, admitted);
        let limited = answer.refused_by.get("rate_limited").copied();
        assert_eq!(limited.unwrap_or_default(), 30 - admitted);
    }
}

async fn a_later_try_is_not_made_where_the_first_is_refused(database: Database) {
    let room = Room::new(&database, &tries()).await;
    let answer = room.with_budget(Period::Total, 50).await;
    let expected = BTreeMap::from([("budget_exceeded", 1), ("first_try_refused", 1)]);
    assert_eq!(answer.refused_by, expected);
}

async fn a_later_try_counts_as_no_request_of_its_own(database: Database) {
    let room = Room::new(&database, &tries()).await;
    let one = limited(RateOwner::Tenant(ACME), Some(1), None, None);
    assert_eq!(room.ask(one).await.changed.total.admitted, 2);
}
