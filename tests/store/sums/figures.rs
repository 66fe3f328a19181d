//! Every figure is the sum of its rows.

use std::collections::BTreeMap;

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{ApiKeyId, ProviderName, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::Weight;
use budgetguard::domain::usage::Basis;
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::store::Store;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::sums::{DAY, HOUR, filters, furnish, instants, matches, rows};
use crate::support::Database;

on_both_databases![every_figure_is_the_sum_of_the_rows];

/// Windows of all lengths, and days by a calendar that is ahead by so many hours and 45 minutes.
fn windows() -> impl Strategy<Value = Vec<Window>> {
    let between = (instants(), instants()).prop_map(|(one, other)| Window {
        start: UtcMicros::new(one.min(other)),
        end: UtcMicros::new(one.max(other)),
    });
    let short = (instants(), 0..3 * HOUR).prop_map(|(start, length)| Window {
        start: UtcMicros::new(start),
        end: UtcMicros::new(start + length),
    });
    let periods = prop_oneof![
        Just(Period::Daily),
        Just(Period::Weekly),
        Just(Period::Monthly)
    ];
    let zones = prop_oneof![
        Just("Asia/Kathmandu"),
        Just("Asia/Kolkata"),
        Just("America/New_York")
    ];
    let calendar = (instants(), periods, zones).prop_map(|(at, period, zone)| {
        let zone = TimeZone::get(zone).unwrap();
        period.window_at(UtcMicros::new(at), &zone).unwrap()
    });
    proptest::collection::vec(
        prop_oneof![between, short, calendar, Just(Window::TOTAL)],
        3..8,
    )
}

async fn every_figure_is_the_sum_of_the_rows(database: Database) {
    let store = &database.store;
    furnish(store).await;
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<LedgerRow> = Vec::new();
    for _ in 0..8 {
        let from = written.len() as u64;
        let new = rows(from).new_tree(&mut runner).unwrap().current();
        // Some of them again: they count once.
        let mut sent = new.clone();
        sent.extend(written.iter().take(5).cloned());
        assert_eq!(store.append(&sent).await.unwrap(), new.len());
        written.extend(new);
        for window in windows().new_tree(&mut runner).unwrap().current() {
            let rows: Vec<&LedgerRow> = written
                .iter()
                .filter(|row| window.contains(row.at))
                .collect();
            spending_is(store, window, &rows).await;
            days_and_models_are(store, window, &rows).await;
            days_of_models_are(store, window, &rows).await;
            tag_usage_is(store, window, &rows).await;
            totals_are(store, window, &rows).await;
        }
        sessions_and_keys_are(store, &written).await;
    }
}

fn cost<'a>(rows: impl Iterator<Item = &'a &'a LedgerRow>) -> Usd {
    rows.fold(Usd::ZERO, |sum, row| sum.saturating_add(row.cost))
}

async fn spending_is(store: &Store, window: Window, rows: &[&LedgerRow]) {
    let some = CallFilter {
        models: Patterns::new(["gpt-4*"]).unwrap(),
        providers: Patterns::new(["azure"]).unwrap(),
    };
    let half: Weight = "0.3".parse().unwrap();
    let scopes = [
        Scope::Installation,
        Scope::Tenant(TenantId(1)),
        Scope::Key(ApiKeyId(11)),
        Scope::Tag(TagId(1)),
        Scope::Tag(TagId(2)),
    ];
    let mut asked = Vec::new();
    for scope in scopes {
        asked.push(Coverage::all_of(scope));
        let calls = some.clone();
        asked.push(Coverage {
            calls,
            ..Coverage::all_of(scope)
        });
        if matches!(scope, Scope::Tag(_)) {
            asked.push(Coverage {
                weight: half,
                ..Coverage::all_of(scope)
            });
        }
    }
    let wanted: Vec<_> = asked.iter().map(|coverage| (coverage, window)).collect();
    let sums = store.spent(&wanted, &[]).await.unwrap();
    for (coverage, sum) in asked.iter().zip(sums) {
        let shares = rows.iter().filter_map(|row| {
            let share = coverage.share_of(&row.origin())?;
            Some(share.weight.of(row.cost))
        });
        let expected = shares.fold(Usd::ZERO, Usd::saturating_add);
        assert_eq!(sum, expected, "{coverage:?} in {window:?}");
    }
}

async fn days_and_models_are(store: &Store, window: Window, rows: &[&LedgerRow]) {
    let own: Vec<_> = rows
        .iter()
        .filter(|row| row.tenant == TenantId(1))
        .collect();
    let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
    let mut by_model: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for row in &own {
        *by_day.entry(row.at.get() - row.at.get() % DAY).or_default() += row.cost.nanos();
        let model = by_model.entry(row.model.as_str()).or_default();
        *model = (model.0 + 1, model.1 + row.cost.nanos());
    }
    let days = store.daily_usage(TenantId(1), window).await.unwrap();
    let days: BTreeMap<_, _> = days
        .iter()
        .map(|(day, spent)| (day.get(), spent.nanos()))
        .collect();
    assert_eq!(days, by_day, "{window:?}");
    let models = store.usage_by_model(TenantId(1), window).await.unwrap();
    assert!(models.is_sorted_by(|one, next| one.cost >= next.cost));
    let models: BTreeMap<_, _> = models
        .iter()
        .map(|model| (model.model.as_str(), (model.requests, model.cost.nanos())))
        .collect();
    assert_eq!(models, by_model, "{window:?}");
}

async fn days_of_models_are(store: &Store, window: Window, rows: &[&LedgerRow]) {
    let mut expected: BTreeMap<(i64, &str), [u64; 6]> = BTreeMap::new();
    let provider = ProviderName::new("openai");
    for row in rows {
        if row.provider != provider || row.status == Status::Blocked {
            continue;
        }
        let model = row.model_served.as_ref().unwrap_or(&row.model);
        let day = row.at.get() - row.at.get() % DAY;
        let figures = expected.entry((day, model.as_str())).or_default();
        let more = [
            1,
            u64::from(row.basis != Basis::Measured),
            row.usage.input_total(),
            row.usage.cached_input,
            row.usage.output_total(),
            row.cost.nanos().unsigned_abs(),
        ];
        figures
            .iter_mut()
            .zip(more)
            .for_each(|(sum, more)| *sum += more);
    }
    let days = store.days_of_models(&provider, window).await.unwrap();
    let days: BTreeMap<_, _> = days
        .iter()
        .map(|day| {
            let cost = day.cost.nanos().unsigned_abs();
            let figures = [
                day.requests,
                day.not_measured,
                day.input,
                day.cached_input,
                day.output,
                cost,
            ];
            ((day.day.get(), day.model.as_str()), figures)
        })
        .collect();
    assert_eq!(days, expected, "{window:?}");
}

async fn tag_usage_is(store: &Store, window: Window, rows: &[&LedgerRow]) {
    let both = [TagId(1), TagId(2)];
    for asked in [None, Some(&both[..1]), Some(&both[..])] {
        let mut expected: BTreeMap<TagId, (u64, Usd)> = BTreeMap::new();
        let mut tagged = (0, Usd::ZERO);
        for row in rows {
            let own = row.tags.iter().filter(|share| !share.is_inherited);
            let own: Vec<_> = own
                .filter(|share| asked.is_none_or(|asked| asked.contains(&share.tag)))
                .collect();
            for share in &own {
                let (requests, cost) = expected.entry(share.tag).or_default();
                *requests += 1;
                *cost = cost.saturating_add(share.weight.of(row.cost));
            }
            if !own.is_empty() {
                tagged = (tagged.0 + 1, tagged.1.saturating_add(row.cost));
            }
        }
        let used = store.tag_usage(TenantId(1), window, asked).await.unwrap();
        let tags: BTreeMap<_, _> = used
            .tags
            .iter()
            .map(|tag| (tag.tag, (tag.requests, tag.cost)))
            .collect();
        assert_eq!(tags, expected, "{window:?}");
        assert_eq!((used.tagged.rows, used.tagged.cost), tagged, "{window:?}");
    }
}

async fn totals_are(store: &Store, window: Window, rows: &[&LedgerRow]) {
    for filter in filters(window) {
        let found: Vec<_> = rows.iter().filter(|row| matches(&filter, row)).collect();
        let totals = store.ledger_totals(&filter).await.unwrap();
        let expected = (found.len() as u64, cost(found.into_iter()));
        assert_eq!((totals.rows, totals.cost), expected, "{filter:?}");
    }
}

async fn sessions_and_keys_are(store: &Store, rows: &[LedgerRow]) {
    let named = |row: &&LedgerRow| {
        row.session
            .as_ref()
            .is_some_and(|session| session.id == "s4")
    };
    let of_session: Vec<_> = rows
        .iter()
        .filter(|row| row.tenant == TenantId(1))
        .filter(named)
        .collect();
    if let Some(record) = store.session(TenantId(1), "s4").await.unwrap() {
        assert_eq!(record.requests, of_session.len() as u64);
        assert_eq!(record.cost, cost(of_session.iter()));
    } else {
        assert!(of_session.is_empty());
    }
    let last = |id: i64| {
        rows.iter()
            .filter(|row| row.key.0 == id)
            .map(|row| row.at)
            .max()
    };
    for id in [10, 11] {
        let key = store.key(ApiKeyId(id)).await.unwrap().unwrap();
        assert_eq!(key.last_used_at, last(id), "key {id}");
    }
    let uses = store.tag_uses(TenantId(1)).await.unwrap();
    for id in [1, 2].map(TagId) {
        let own = |row: &&LedgerRow| {
            row.tags
                .iter()
                .any(|share| share.tag == id && !share.is_inherited)
        };
        let count = rows.iter().filter(own).count() as u64;
        assert_eq!(uses.get(&id).copied().unwrap_or_default(), count);
    }
}
