//! What the ledger tells: pages, filters and sums.

use budgetguard::domain::id::{ModelName, TagId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, Weight};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::tags::TagSettings;
use budgetguard::store::usage::LedgerFilter;
use budgetguard::store::{Page, Store};

use crate::support::{Database, NOW, STAMP, row, tenant};

on_both_databases![
    the_ledger_is_paged_newest_first,
    every_filter_counts_and_wildcards_are_taken_literally,
    usage_is_summed_by_day_and_by_model,
    usage_is_summed_by_tag_and_over_all_tagged_requests,
];

const DAY: i64 = 86_400_000_000;
/// The first instant of the day in which tests happen.
const TODAY: i64 = NOW.get() - NOW.get() % DAY;

fn at(row: LedgerRow, micros: i64) -> LedgerRow {
    LedgerRow {
        at: UtcMicros::new(micros),
        ..row
    }
}

async fn the_ledger_is_paged_newest_first(database: Database) {
    let store = &database.store;
    let rows: Vec<LedgerRow> = (0..10)
        .map(|number| at(row(number, 1, 1), number.cast_signed() / 2))
        .collect();
    store.append(&rows).await.unwrap();
    let numbers = async |limit, offset| {
        let listed = store
            .ledger_page(&LedgerFilter::default(), Page { limit, offset })
            .await;
        let listed = listed.unwrap();
        assert_eq!(listed.total, 10);
        let requests = listed.rows.into_iter().map(|entry| entry.row.request);
        requests.collect::<Vec<_>>()
    };
    let newest_first: Vec<_> = rows.iter().rev().map(|row| row.request).collect();
    assert_eq!(numbers(10, 0).await, newest_first);
    assert_eq!(numbers(4, 3).await, newest_first[3..7]);
    assert_eq!(numbers(4, 10).await, []);
    assert_eq!(numbers(0, 0).await, []);
}

async fn count(store: &Store, filter: &LedgerFilter) -> u64 {
    let page = store
        .ledger_page(
            filter,
            Page {
                limit: 100,
                offset: 0,
            },
        )
        .await
        .unwrap();
    let totals = store.ledger_totals(filter).await.unwrap();
    assert_eq!(
        (page.rows.len() as u64, page.total),
        (totals.rows, totals.rows)
    );
    totals.rows
}

async fn every_filter_counts_and_wildcards_are_taken_literally(database: Database) {
    let store = &database.store;
    let acme = tenant(store, "Acme 100%").await.tenant.id;
    let other = tenant(store, "Other_one").await.tenant.id;
    let rows = distinct_rows(acme, other);
    store.append(&rows).await.unwrap();

    let window = Window {
        start: UtcMicros::new(5),
        end: NOW,
    };
    let of_acme = only(|filter| filter.tenant = Some(acme));
    let status = Some(Status::Success);
    for (filter, expected) in [
        (LedgerFilter::default(), 4),
        (
            LedgerFilter {
                status,
                ..of_acme.clone()
            },
            1,
        ),
        (of_acme, 2),
        (only(|filter| filter.tenant = Some(TenantId(5_000))), 0),
        (
            only(|filter| filter.tenant_name = Some("ACME".to_owned())),
            2,
        ),
        (only(|filter| filter.tenant_name = Some("%".to_owned())), 2),
        (
            only(|filter| filter.tenant_name = Some("r_o".to_owned())),
            1,
        ),
        (only(|filter| filter.tenant_name = Some("_".to_owned())), 1),
        (only(|filter| filter.tenant_name = Some(String::new())), 4),
        (only(|filter| filter.model = Some("gpt_4".to_owned())), 1),
        (only(|filter| filter.model = Some("4%".to_owned())), 1),
        (only(|filter| filter.model = Some("gpt".to_owned())), 4),
        (only(|filter| filter.route = Some("s\\X".to_owned())), 1),
        (only(|filter| filter.route = Some("\\%".to_owned())), 0),
        (only(|filter| filter.status = Some(Status::Blocked)), 1),
        (only(|filter| filter.window = window), 1),
    ] {
        assert_eq!(count(store, &filter).await, expected, "{filter:?}");
    }
}

fn distinct_rows(acme: TenantId, other: TenantId) -> [LedgerRow; 4] {
    let mut rows = [
        row(1, acme.0, 1),
        row(2, acme.0, 2),
        row(3, other.0, 4),
        row(4, 99, 8),
    ];
    rows[0].model = ModelName::new("GPT_4");
    rows[1].model = ModelName::new("gpt-4%");
    rows[1].status = Status::Blocked;
    rows[2].route = "/v1/messages\\x".into();
    rows[2].at = UtcMicros::new(5);
    rows
}

fn only(set: impl FnOnce(&mut LedgerFilter)) -> LedgerFilter {
    let mut filter = LedgerFilter::default();
    set(&mut filter);
    filter
}

async fn usage_is_summed_by_day_and_by_model(database: Database) {
    let store = &database.store;
    let mini = |row| LedgerRow {
        model: ModelName::new("mini"),
        ..row
    };
    store
        .append(&[
            at(row(1, 1, 1), TODAY - 1),
            at(row(2, 1, 2), TODAY),
            mini(at(row(3, 1, 40), TODAY + DAY - 1)),
            at(row(4, 1, 8), TODAY + 3 * DAY),
            at(row(5, 2, 100), TODAY),
        ])
        .await
        .unwrap();
    let daily = |window| store.daily_usage(TenantId(1), window);
    let day = |number: i64, nanos| (UtcMicros::new(TODAY + number * DAY), Usd::from_nanos(nanos));
    let all = daily(Window::TOTAL).await.unwrap();
    assert_eq!(all, [day(-1, 1), day(0, 42), day(3, 8)]);
    let window = Window {
        start: UtcMicros::new(TODAY),
        end: UtcMicros::new(TODAY + DAY),
    };
    assert_eq!(daily(window).await.unwrap(), [day(0, 42)]);

    let by_model = store.usage_by_model(TenantId(1), window).await.unwrap();
    let by_model: Vec<_> = by_model
        .iter()
        .map(|spent| (spent.model.as_str(), spent.requests, spent.cost.nanos()))
        .collect();
    assert_eq!(by_model, [("mini", 1, 40), ("gpt-4o-mini", 1, 2)]);
}

async fn usage_is_summed_by_tag_and_over_all_tagged_requests(database: Database) {
    let store = &database.store;
    let acme = tenant(store, "acme").await.tenant.id;
    let other = tenant(store, "other").await.tenant.id;
    let parent = tag(store, acme, "parent", None).await;
    let child = tag(store, acme, "child", Some(parent)).await;
    let theirs = tag(store, other, "theirs", None).await;
    let third: Weight = "0.333333".parse().unwrap();
    let rows = [
        tagged(
            at(row(1, acme.0, 10), 5),
            &[(child, third), (parent, Weight::MAX)],
        ),
        tagged(
            at(row(2, acme.0, i64::MAX / 100), 6),
            &[(child, Weight::MAX)],
        ),
        at(row(3, acme.0, 100), 6),
        tagged(at(row(4, other.0, 7), 6), &[(theirs, Weight::ONE)]),
        tagged(at(row(5, acme.0, 1_000), 9), &[(parent, Weight::ONE)]),
    ];
    store.append(&rows).await.unwrap();
    let window = Window {
        start: UtcMicros::new(5),
        end: UtcMicros::new(9),
    };
    let used = async |asked: Option<&[TagId]>| {
        let used = store.tag_usage(acme, window, asked).await.unwrap();
        let tags = used.tags.into_iter();
        let tags: Vec<_> = tags
            .map(|tag| (tag.tag, tag.requests, tag.cost.nanos()))
            .collect();
        (tags, used.tagged.rows, used.tagged.cost.nanos())
    };
    // A third of ten is rounded up, as it is for budgets.
    let large = i64::MAX / 100;
    let of_child = (child, 2, large * 10 + 4);
    let of_parent = (parent, 1, 100);
    assert_eq!(used(None).await, (vec![of_child, of_parent], 2, large + 10));
    assert_eq!(used(Some(&[parent])).await, (vec![of_parent], 1, 10));
    assert_eq!(used(Some(&[parent, child])).await, used(None).await);
    assert_eq!(used(Some(&[theirs])).await, (vec![], 0, 0));

    let deleted = store.delete_tag((acme, child), &STAMP).await.unwrap();
    deleted.unwrap();
    assert_eq!(
        used(None).await,
        (vec![of_child, of_parent], 1, 10),
        "what was spent stays; no tag that is left was named with the rest"
    );
}

async fn tag(store: &Store, tenant: TenantId, name: &str, parent: Option<TagId>) -> TagId {
    let settings = TagSettings {
        name: name.to_owned(),
        parent,
        description: None,
        color: None,
        metadata: None,
        session_budget: None,
        is_active: true,
    };
    let made = store.create_tag(tenant, &settings, &STAMP).await.unwrap();
    made.unwrap().tag.id
}

/// A row with tags of its own; what it counts on besides does not count as named.
fn tagged(row: LedgerRow, own: &[(TagId, Weight)]) -> LedgerRow {
    let share = |(tag, weight): &(TagId, Weight)| TagShare {
        tag: *tag,
        weight: *weight,
        is_inherited: false,
    };
    let inherited = TagShare {
        tag: TagId(1_000),
        weight: Weight::ONE,
        is_inherited: true,
    };
    let own = own.iter().map(share);
    LedgerRow {
        tags: own.chain([inherited]).collect(),
        ..row
    }
}
