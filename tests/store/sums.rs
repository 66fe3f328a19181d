//! Sums are those of the rows, whatever the window; pages and exports have each row once.

#![expect(clippy::too_many_lines, reason = "each test tells one story")]

use std::collections::{BTreeMap, BTreeSet};

use budgetguard::domain::budget::{Coverage, Scope};
use budgetguard::domain::filter::{CallFilter, Patterns};
use budgetguard::domain::id::{ApiKeyId, ModelName, ProviderName, TagId, TenantId};
use budgetguard::domain::ledger::chain::ExportLine;
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, TagShares, Weight};
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::{Period, UtcMicros, Window};
use budgetguard::store::ledger_page::Place;
use budgetguard::store::tags::TagSettings;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::{Page, Store};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{Database, STAMP, key, row, session, tenant};

on_both_databases![
    every_figure_is_the_sum_of_the_rows,
    all_pages_together_are_all_rows_once,
    a_reader_gives_every_row_once_and_exactly,
    many_writers_at_once_add_up,
    a_sum_stops_at_the_largest_number,
];

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// Two and a half months around the turn of a year in which the rows are.
const FIRST: i64 = 1_763_000_000_000_000;
const LENGTH: i64 = 75 * DAY;

/// An instant, often one at which an hour, a day or a month begins or ends.
fn instants() -> impl Strategy<Value = i64> {
    // The first of January 2026, at midnight.
    const NEW_YEAR: i64 = 1_767_225_600_000_000;
    prop_oneof![
        4 => FIRST..FIRST + LENGTH,
        2 => (0..LENGTH / HOUR, -1_i64..2).prop_map(|(hour, more)| {
            FIRST - FIRST % HOUR + hour * HOUR + more
        }),
        1 => (0..LENGTH / DAY, -1_i64..2).prop_map(|(day, more)| {
            FIRST - FIRST % DAY + day * DAY + more
        }),
        1 => (-2_i64..3).prop_map(|more| NEW_YEAR + more),
    ]
}

/// Rows that share hours, models and tags with others.
fn rows(from: u64) -> impl Strategy<Value = Vec<LedgerRow>> {
    let one = (
        instants(),
        1_i64..4,
        0_i64..3,
        0_i64..1_000_000_000,
        any::<u8>(),
    );
    proptest::collection::vec(one, 1..60).prop_map(move |rows| {
        let rows = (from..).zip(rows);
        rows.map(|(number, (at, tenant, kind, nanos, bits))| {
            made(number, (at, tenant, kind, nanos), bits)
        })
        .collect()
    })
}

fn made(number: u64, (at, tenant, kind, nanos): (i64, i64, i64, i64), bits: u8) -> LedgerRow {
    let models = ["gpt-4o", "o3", "gpt-4o-mini"];
    let kind_index = usize::try_from(kind).unwrap();
    LedgerRow {
        at: UtcMicros::new(at),
        key: ApiKeyId(tenant * 10 + kind % 2),
        model: ModelName::new(models[kind_index]),
        model_served: (bits.is_multiple_of(2)).then(|| ModelName::new("gpt-4o-2024-08-06")),
        provider: ProviderName::new(if bits.is_multiple_of(3) {
            "azure"
        } else {
            "openai"
        }),
        route: ["/v1/chat/completions", "/v1/embeddings"][usize::from(bits % 2)].into(),
        status: Status::ALL[usize::from(bits % 5)],
        basis: if bits.is_multiple_of(7) {
            Basis::Unknown
        } else {
            Basis::Measured
        },
        session: (bits.is_multiple_of(4)).then(|| session(&format!("s{}", bits % 16))),
        tags: tags(tenant, bits),
        usage: TokenUsage {
            input: u64::from(bits),
            cached_input: 3,
            cache_write: 1,
            output: u64::from(bits) * 2,
            reasoning_output: 5,
            image_output: 7,
            ..TokenUsage::default()
        },
        ..row(number, tenant, nanos)
    }
}

/// Tags 1 and 2 are those of the tenant 1: half or all of a charge, for itself or by another.
fn tags(tenant: i64, bits: u8) -> TagShares {
    let share = |tag, weight: &str, is_inherited| TagShare {
        tag: TagId(tag),
        weight: weight.parse().unwrap(),
        is_inherited,
    };
    let shares = [
        share(1, "1", bits.is_multiple_of(3)),
        share(2, "0.333333", bits.is_multiple_of(5)),
    ];
    let count = usize::from(bits % 3) * usize::from(tenant == 1);
    shares.into_iter().take(count.min(2)).collect()
}

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
            usage_is(store, window, &rows).await;
            tag_usage_is(store, window, &rows).await;
            totals_are(store, window, &rows).await;
        }
        sessions_and_keys_are(store, &written).await;
    }
}

/// A tenant with the id 1, its keys and its tags, as the rows have them.
async fn furnish(store: &Store) {
    let acme = tenant(store, "acme").await.tenant.id;
    assert_eq!(acme, TenantId(1));
    for name in ["first", "second"] {
        let settings = TagSettings {
            name: name.to_owned(),
            parent: None,
            description: None,
            color: None,
            metadata: None,
            session_budget: None,
            is_active: true,
        };
        store
            .create_tag(acme, &settings, &STAMP)
            .await
            .unwrap()
            .unwrap();
    }
    for lookup in 1..=11 {
        store
            .create_key(&key(acme, lookup), &STAMP)
            .await
            .unwrap()
            .unwrap();
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

async fn usage_is(store: &Store, window: Window, rows: &[&LedgerRow]) {
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

fn filters(window: Window) -> Vec<LedgerFilter> {
    let all = LedgerFilter {
        window,
        ..LedgerFilter::default()
    };
    let of = |set: &dyn Fn(&mut LedgerFilter)| {
        let mut filter = all.clone();
        set(&mut filter);
        filter
    };
    vec![
        all.clone(),
        of(&|filter| filter.tenant = Some(TenantId(1))),
        of(&|filter| filter.tenant_name = Some("CM".to_owned())),
        of(&|filter| filter.model = Some("MINI".to_owned())),
        of(&|filter| filter.status = Some(Status::Blocked)),
        of(&|filter| {
            filter.tenant = Some(TenantId(1));
            filter.route = Some("embed".to_owned());
            filter.status = Some(Status::Success);
        }),
        of(&|filter| {
            filter.tenant = Some(TenantId(1));
            filter.session = Some("s0".to_owned());
        }),
    ]
}

fn matches(filter: &LedgerFilter, row: &LedgerRow) -> bool {
    let has = |text: &str, wanted: &Option<String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    let name = if row.tenant == TenantId(1) {
        "acme"
    } else {
        ""
    };
    let session = row.session.as_ref().map(|session| session.id.clone());
    filter.window.contains(row.at)
        && filter.tenant.is_none_or(|tenant| tenant == row.tenant)
        && filter.status.is_none_or(|status| status == row.status)
        && filter
            .session
            .as_ref()
            .is_none_or(|wanted| session.as_ref() == Some(wanted))
        && has(row.model.as_str(), &filter.model)
        && has(&row.route, &filter.route)
        && has(name, &filter.tenant_name)
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

async fn all_pages_together_are_all_rows_once(database: Database) {
    let store = &database.store;
    furnish(store).await;
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<LedgerRow> = Vec::new();
    for _ in 0..4 {
        let from = written.len() as u64;
        written.extend(rows(from).new_tree(&mut runner).unwrap().current());
    }
    // Many that came at the same moment.
    let same = (1_000..1_040).map(|number| made(number, (FIRST, 1, 0, 5), 4));
    written.extend(same);
    store.append(&written).await.unwrap();
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
        expected.sort_unstable_by(|one, other| other.cmp(one));
        for limit in [6, 41, 1_000] {
            assert_eq!(
                by_page(store, &filter, limit).await,
                expected,
                "{limit} {filter:?}"
            );
            assert_eq!(
                by_cursor(store, &filter, limit).await,
                expected,
                "{limit} {filter:?}"
            );
        }
    }
}

async fn by_page(store: &Store, filter: &LedgerFilter, limit: u32) -> Vec<Place> {
    let mut places = Vec::new();
    loop {
        let offset = places.len() as u64;
        let listed = store
            .ledger_page(filter, Page { limit, offset })
            .await
            .unwrap();
        if listed.rows.is_empty() {
            assert_eq!(listed.total, offset, "{filter:?}");
            return places;
        }
        places.extend(listed.rows.iter().map(|entry| Place::of(&entry.row)));
    }
}

async fn by_cursor(store: &Store, filter: &LedgerFilter, limit: u32) -> Vec<Place> {
    let first = store
        .ledger_page(filter, Page { limit, offset: 0 })
        .await
        .unwrap();
    let mut places: Vec<Place> = first
        .rows
        .iter()
        .map(|entry| Place::of(&entry.row))
        .collect();
    while let Some(last) = places.last() {
        let listed = store.ledger_page_after(filter, *last, limit).await.unwrap();
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
    for filter in filters(Window::TOTAL) {
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

async fn many_writers_at_once_add_up(database: Database) {
    let stores = [
        database.open_again().await,
        database.open_again().await,
        database.open_again().await,
        database.store.clone(),
    ];
    let batches = (0..4_u64).map(|writer| {
        let rows = (0..600_u64).map(move |number| {
            let spread = (number * 7 + writer * 3) % 90;
            let at = FIRST + spread.cast_signed() * DAY;
            made(
                writer * 1_000 + number,
                (at, 1 + spread.cast_signed() % 3, 0, 5),
                9,
            )
        });
        rows.collect::<Vec<_>>()
    });
    let written = stores.iter().zip(batches).map(|(store, rows)| async move {
        for batch in rows.chunks(60) {
            assert_eq!(store.append(batch).await.unwrap(), batch.len());
        }
    });
    futures::future::join_all(written).await;
    let totals = database
        .store
        .ledger_totals(&LedgerFilter::default())
        .await
        .unwrap();
    assert_eq!((totals.rows, totals.cost), (2_400, Usd::from_nanos(12_000)));
    let days = database
        .store
        .daily_usage(TenantId(1), Window::TOTAL)
        .await
        .unwrap();
    let days: BTreeSet<_> = days.into_iter().map(|(day, _)| day).collect();
    assert_eq!(days.len(), 30);
}

async fn a_sum_stops_at_the_largest_number(database: Database) {
    let absurd = |number| LedgerRow {
        usage: TokenUsage {
            input: u64::MAX,
            ..TokenUsage::default()
        },
        ..row(number, 1, i64::MAX)
    };
    let store = &database.store;
    store.append(&[absurd(1), absurd(2)]).await.unwrap();
    store.append(&[absurd(3)]).await.unwrap();
    let totals = store.ledger_totals(&LedgerFilter::default()).await.unwrap();
    assert_eq!((totals.rows, totals.cost), (3, Usd::from_nanos(i64::MAX)));
    let reader = store.ledger_reader(LedgerFilter::default()).next().await;
    assert_eq!(reader.unwrap().len(), 3);
}
