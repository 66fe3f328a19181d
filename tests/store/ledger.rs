//! The ledger: each request once, for good, and sums that are exact.

use std::time::Instant;

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{ApiKeyId, ModelName, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::ruling::{AppliedEffects, PolicyFailure, RulesHash, Ruling};
use budgetguard::domain::tag::{TagShare, TagShares};
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::Page;
use budgetguard::store::usage::LedgerFilter;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{Database, request, row, session};

on_both_databases![
    a_row_comes_back_as_it_was_written,
    a_request_is_written_once_however_often_it_is_sent,
    writers_that_send_the_same_rows_at_once_write_each_once,
    a_batch_is_written_whole_or_not_at_all,
    a_written_row_is_never_changed_and_never_removed,
    spending_is_the_sum_of_the_window,
    a_session_is_summed_without_what_is_left_out,
    fifty_thousand_rows_are_written_in_a_few_seconds,
];

const ALL: Page = Page {
    limit: 1_000,
    offset: 0,
};

/// A row in which everything differs from its neighbours.
pub(crate) fn full_row() -> LedgerRow {
    LedgerRow {
        session: Some(session("session \0 with a NUL")),
        model_served: Some(ModelName::new("gpt-4o-mini-2024-07-18")),
        status: Status::Aborted,
        reason: Some("client_gone".into()),
        http_status: Some(499),
        streamed: true,
        usage: TokenUsage {
            input: 1,
            cached_input: 2,
            cache_write: 3,
            cache_write_1h: 4,
            output: 5,
            reasoning_output: 6,
            audio_input: 7,
            audio_output: 8,
            image_input: 9,
            image_output: 10,
            web_search_calls: 11,
            cache_storage_token_seconds: 12,
        },
        tier: Tier::Flex,
        held: Usd::from_nanos(99),
        basis: Basis::Estimated,
        latency_us: u64::MAX,
        first_byte_us: Some(12),
        upstream_request_id: Some("req_1".to_owned()),
        ruling: Some(Ruling {
            rules: RulesHash::from_bytes([9; 32]),
            decision: request(3),
            effects: AppliedEffects {
                max_output_tokens: Some(100),
                model: Some(ModelName::new("gpt-4o-mini")),
                failed_open: Some(PolicyFailure::Timeout),
            },
        }),
        ..row(1, 7, -5)
    }
}

/// Rows of requests that were decided on themselves, and left as they were.
const NOT_KEPT: &str = "SELECT request_id FROM usage_ledger WHERE policy_hash IS NOT NULL \
     AND decision_id IS NULL AND policy_effects IS NULL";

async fn a_row_comes_back_as_it_was_written(database: Database) {
    let store = &database.store;
    let plain = LedgerRow {
        price: None,
        http_status: None,
        // Decided on itself, and changed in nothing.
        ruling: Some(Ruling {
            rules: RulesHash::from_bytes([8; 32]),
            decision: request(2),
            effects: AppliedEffects::default(),
        }),
        ..row(2, 7, 0)
    };
    store.append(&[full_row(), plain.clone()]).await.unwrap();
    let listed = store
        .ledger_page(&LedgerFilter::default(), ALL)
        .await
        .unwrap();
    let rows: Vec<LedgerRow> = listed.rows.into_iter().map(|entry| entry.row).collect();
    let bare = database.driver.query(NOT_KEPT, &[]).await.unwrap();
    assert_eq!(bare.len(), 1, "what says nothing takes no room");
    let kept = LedgerRow {
        session: Some(session("session \u{fffd} with a NUL")),
        latency_us: i64::MAX.unsigned_abs(),
        ..full_row()
    };
    assert_eq!(rows, [plain, kept]);
}

async fn a_request_is_written_once_however_often_it_is_sent(database: Database) {
    let store = &database.store;
    assert_eq!(store.append::<LedgerRow>(&[]).await.unwrap(), 0);
    let batch = [row(1, 1, 5), row(2, 1, 5), row(1, 1, 5)];
    assert_eq!(store.append(&batch).await.unwrap(), 2);
    assert_eq!(store.append(&batch).await.unwrap(), 0);
    // What was written first stays, also when a later copy says something else.
    let batch = [row(2, 1, 500), row(3, 1, 5)];
    assert_eq!(store.append(&batch).await.unwrap(), 1);
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!((totals.rows, totals.cost), (3, Usd::from_nanos(15)));
}

async fn writers_that_send_the_same_rows_at_once_write_each_once(database: Database) {
    let other = database.open_again().await;
    let rows: Vec<LedgerRow> = (0..3_000).map(|number| row(number, 1, 1)).collect();
    let reversed: Vec<LedgerRow> = rows.iter().rev().cloned().collect();
    let (first, second) = tokio::join!(database.store.append(&rows), other.append(&reversed));
    assert_eq!(first.unwrap() + second.unwrap(), 3_000);
}

async fn a_batch_is_written_whole_or_not_at_all(database: Database) {
    let store = &database.store;
    let rows: Vec<LedgerRow> = (0..4_001).map(|number| row(number, 1, 1)).collect();
    let mut doomed = Box::pin(store.append(&rows));
    // Gives up somewhere in the middle, as a recorder does that is told to stop.
    for _ in 0..3 {
        let _ = futures::poll!(doomed.as_mut());
        tokio::task::yield_now().await;
    }
    drop(doomed);
    let written = store.append(&rows).await.unwrap();
    assert!(written == 0 || written == 4_001, "{written} were new");
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!(totals.rows, 4_001);
}

async fn a_written_row_is_never_changed_and_never_removed(database: Database) {
    database.store.append(&[full_row()]).await.unwrap();
    let mut statements = vec![
        "UPDATE usage_ledger SET cost = 0",
        "DELETE FROM usage_ledger",
        "DELETE FROM usage_ledger WHERE cost = -5",
    ];
    if database.driver.name() == "postgres" {
        statements.extend([
            "TRUNCATE usage_ledger",
            "UPDATE usage_ledger_default SET cost = 0",
            "DELETE FROM usage_ledger_default",
            "TRUNCATE usage_ledger_default",
        ]);
    } else {
        statements.push("REPLACE INTO usage_ledger SELECT * FROM usage_ledger");
    }
    for statement in statements {
        let error = database.driver.execute(statement, &[]).await.unwrap_err();
        assert!(
            error.to_string().contains("is append-only"),
            "{statement}: {error}"
        );
    }
    let listed = database
        .store
        .ledger_page(&LedgerFilter::default(), ALL)
        .await
        .unwrap();
    assert_eq!(listed.rows[0].row.cost, Usd::from_nanos(-5));
}

async fn spending_is_the_sum_of_the_window(database: Database) {
    let charges = proptest::collection::vec((1_i64..4, 0_i64..2, -50_i64..50, 0_i64..1_000), 0..60);
    let windows = proptest::collection::vec((-60_i64..60, 0_i64..60), 1..6);
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<LedgerRow> = Vec::new();
    for _ in 0..12 {
        let charges = charges.new_tree(&mut runner).unwrap().current();
        let new: Vec<LedgerRow> = (written.len() as u64..)
            .zip(charges)
            .map(|(number, (tenant, key, at, nanos))| LedgerRow {
                key: ApiKeyId(tenant * 10 + key),
                at: UtcMicros::new(at),
                model: ModelName::new(if nanos % 2 == 0 { "gpt-4o" } else { "o3" }),
                tags: tags(nanos),
                ..row(number, tenant, nanos)
            })
            .collect();
        assert_eq!(database.store.append(&new).await.unwrap(), new.len());
        written.extend(new);
        let windows = windows.new_tree(&mut runner).unwrap().current();
        let wanted = asked_of(&windows);
        let expected: Vec<Usd> = wanted.iter().map(|wanted| sum(&written, wanted)).collect();
        let asked: Vec<_> = wanted
            .iter()
            .map(|(what, window)| (what, *window))
            .collect();
        assert_eq!(database.store.spent(&asked, &[]).await.unwrap(), expected);
        // Without some of them, and without one that there is no row of.
        let (left_out, left): (Vec<LedgerRow>, Vec<LedgerRow>) = written
            .iter()
            .cloned()
            .partition(|row| row.cost.nanos() % 3 == 0);
        let expected: Vec<Usd> = wanted.iter().map(|wanted| sum(&left, wanted)).collect();
        let mut without: Vec<_> = left_out.iter().map(|row| row.request).collect();
        without.push(row(1_000_000, 1, 1).request);
        let sums = database.store.spent(&asked, &without).await;
        assert_eq!(sums.unwrap(), expected);
    }
}

async fn a_session_is_summed_without_what_is_left_out(database: Database) {
    let rows: Vec<LedgerRow> = (0..40)
        .map(|number| LedgerRow {
            session: Some(session(if number % 2 == 0 { "even" } else { "odd" })),
            ..row(number, 1, 10)
        })
        .collect();
    database.store.append(&rows).await.unwrap();
    let names = ["even", "odd", "none"].map(|id| (TenantId(1), id.to_owned()));
    let without: Vec<_> = rows.iter().take(5).map(|row| row.request).collect();
    let sums = database.store.spent_in_sessions(&names, &without).await;
    assert_eq!(sums.unwrap(), [170, 180, 0].map(Usd::from_nanos));
}

/// What is asked about, in each window and in all of time.
fn asked_of(windows: &[(i64, i64)]) -> Vec<(Coverage, Window)> {
    let mut wanted = vec![
        (Coverage::all_of(Scope::Tenant(TenantId(1))), Window::TOTAL),
        (Coverage::all_of(Scope::Key(ApiKeyId(99))), Window::TOTAL),
        (Coverage::all_of(Scope::Installation), Window::TOTAL),
    ];
    for &(start, length) in windows {
        let window = Window {
            start: UtcMicros::new(start),
            end: UtcMicros::new(start + length),
        };
        wanted.push((Coverage::all_of(Scope::Tenant(TenantId(2))), window));
        wanted.push((Coverage::all_of(Scope::Key(ApiKeyId(21))), window));
        wanted.push((Coverage::all_of(Scope::Installation), window));
        wanted.push((weighted(Scope::Tag(TagId(7)), "0.3"), window));
        let some = CallFilter {
            models: Patterns::new(["gpt-4*"]).unwrap(),
            providers: Patterns::new(["openai"]).unwrap(),
        };
        for scope in [Scope::Tenant(TenantId(3)), Scope::Tag(TagId(7))] {
            let calls = some.clone();
            wanted.push((
                Coverage {
                    calls,
                    ..Coverage::all_of(scope)
                },
                window,
            ));
        }
    }
    wanted
}

/// Some rows count on the tag 7, in full or in part.
fn tags(nanos: i64) -> TagShares {
    let shares = ["1", "0.5", "0.000001"].map(|weight| TagShare {
        tag: TagId(7 + nanos % 2),
        weight: weight.parse().unwrap(),
        is_inherited: nanos % 5 == 0,
    });
    let count = usize::from(nanos % 3 != 0);
    shares
        .into_iter()
        .skip(usize::try_from(nanos % 3).unwrap())
        .take(count)
        .collect()
}

fn weighted(scope: Scope, weight: &str) -> Coverage {
    Coverage {
        weight: weight.parse().unwrap(),
        ..Coverage::all_of(scope)
    }
}

/// As the engine counts, request by request.
fn sum(rows: &[LedgerRow], (coverage, window): &(Coverage, Window)) -> Usd {
    rows.iter()
        .filter(|row| window.contains(row.at))
        .filter_map(|row| Some((coverage.share_of(&row.origin())?, row.cost)))
        .fold(Usd::ZERO, |sum, (share, cost)| {
            sum.saturating_add(share.weight.of(cost))
        })
}

async fn fifty_thousand_rows_are_written_in_a_few_seconds(database: Database) {
    let rows: Vec<LedgerRow> = (0..50_000)
        .map(|number| LedgerRow {
            session: Some(session(&format!("session-{}", number % 100))),
            upstream_request_id: Some(format!("req_{number:024}")),
            ..row(number, (number % 50).cast_signed(), 12_345)
        })
        .collect();
    let started = Instant::now();
    for batch in rows.chunks(1_000) {
        assert_eq!(database.store.append(batch).await.unwrap(), batch.len());
    }
    println!(
        "{}: 50,000 rows in {:?}",
        database.driver.name(),
        started.elapsed()
    );
    let coverage = Coverage::all_of(Scope::Tenant(TenantId(7)));
    let spent = database
        .store
        .spent(&[(&coverage, Window::TOTAL)], &[])
        .await;
    let spent = spent.unwrap();
    assert_eq!(spent, [Usd::from_nanos(1_000 * 12_345)]);
}
