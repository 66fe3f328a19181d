//! Sums are those of the rows, whatever the window; pages and exports have each row once.

mod breakdown;
mod figures;
mod pages;
mod ranked;
mod writers;

use budgetguard::domain::id::{ApiKeyId, ModelName, ProviderName, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::tag::{TagShare, TagShares};
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::Store;
use budgetguard::store::tags::TagSettings;
use budgetguard::store::usage::LedgerFilter;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{STAMP, key, row, session, tenant};

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

/// Appends rows of all kinds, always the same, and then more.
async fn append_with(store: &Store, more: impl Iterator<Item = LedgerRow>) -> Vec<LedgerRow> {
    let mut runner = TestRunner::deterministic();
    let mut written: Vec<LedgerRow> = Vec::new();
    for _ in 0..4 {
        let from = written.len() as u64;
        written.extend(rows(from).new_tree(&mut runner).unwrap().current());
    }
    written.extend(more);
    store.append(&written).await.unwrap();
    written
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
        of(&|filter| filter.provider = Some(ProviderName::new("azure"))),
        of(&|filter| filter.key = Some(ApiKeyId(11))),
        of(&|filter| {
            filter.key = Some(ApiKeyId(10));
            filter.tenant = Some(TenantId(1));
            filter.model = Some("mini".to_owned());
            filter.provider = Some(ProviderName::new("openai"));
        }),
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
        && filter.key.is_none_or(|key| key == row.key)
        && filter
            .provider
            .as_ref()
            .is_none_or(|name| *name == row.provider)
        && filter.cost_min.is_none_or(|least| least <= row.cost)
        && filter.cost_max.is_none_or(|most| row.cost <= most)
        && filter
            .session
            .as_ref()
            .is_none_or(|wanted| session.as_ref() == Some(wanted))
        && has(row.model.as_str(), &filter.model)
        && has(&row.route, &filter.route)
        && has(name, &filter.tenant_name)
}
