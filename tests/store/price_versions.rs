//! Prices in time: versions that begin before or after the moment at which they are set, models that
//! are retired, and what a seed makes of all that.

use budgetguard::domain::id::{ModelName, PriceId, ProviderName};
use budgetguard::domain::pricing::{ModelPrice, PriceBook, Rate};
use budgetguard::domain::usage::RateKind;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::prices::{PriceChange, PriceFilter, PriceRecord, SeedReport};
use budgetguard::store::seed::seed_prices;
use budgetguard::store::{Page, Store};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{Database, NOW, STAMP, stamp};

on_both_databases![
    the_version_in_force_is_the_last_to_begin_and_at_one_moment_the_later_one,
    a_change_at_once_is_in_force_though_a_clock_went_ahead_before,
    the_catalog_has_what_requests_of_an_instant_and_later_ones_are_charged_by,
    a_retired_model_has_no_price_from_then_on_whatever_was_scheduled,
    a_seed_leaves_alone_what_was_retired_or_is_scheduled,
    a_seed_of_a_new_version_gets_in_where_nobody_edited,
    the_history_of_a_price_is_complete_and_paged,
    lists_are_filtered_by_provider_mode_and_state,
    versions_from_before_the_migration_began_when_they_were_set,
];

const ALL: Page = Page {
    limit: 1_000,
    offset: 0,
};

fn at(seconds: i64) -> UtcMicros {
    UtcMicros::new(NOW.get() + seconds * 1_000_000)
}

fn from(effective_from: UtcMicros) -> PriceChange<'static> {
    PriceChange {
        version_tag: "v",
        effective_from: Some(effective_from),
    }
}

const AT_ONCE: PriceChange<'static> = PriceChange {
    version_tag: "v",
    effective_from: None,
};

const MODEL: &str = "claude-haiku-4-5";

/// A model of the list, at so many pico-dollars for an input token.
fn price(picos: i64) -> ModelPrice {
    let mut list = seed_prices().unwrap().into_iter();
    let mut price = list.find(|price| price.model.as_str() == MODEL).unwrap();
    let rate = Rate::from_picos(picos);
    price.bands[0].rates.set(RateKind::Input, rate);
    price
}

fn picos(record: &PriceRecord) -> i64 {
    let rate = record.price.bands[0].rates.get(RateKind::Input);
    rate.unwrap().picos()
}

/// What the data plane charges for an input token at an instant, by a catalog of another one.
async fn charged(store: &Store, known_since: UtcMicros, at: UtcMicros) -> Option<i64> {
    charged_in(&book(store, known_since).await, at)
}

async fn book(store: &Store, known_since: UtcMicros) -> PriceBook {
    let rows = store.load_catalog_after(0, known_since).await.unwrap();
    PriceBook::new(rows.prices)
}

fn charged_in(book: &PriceBook, at: UtcMicros) -> Option<i64> {
    let found = book.find("anthropic", &ModelName::new(MODEL), at)?;
    Some(found.bands[0].rates.get(RateKind::Input).unwrap().picos())
}

async fn in_force(store: &Store, at: UtcMicros) -> PriceRecord {
    let found = store.prices_of_model(&price(0).model, at).await;
    found.unwrap().remove(0)
}

async fn the_version_in_force_is_the_last_to_begin_and_at_one_moment_the_later_one(
    database: Database,
) {
    let store = &database.store;
    for (picos, begins) in [(1, 0), (2, 20), (3, 10), (4, 20), (5, -10)] {
        let change = from(at(begins));
        store
            .set_price(&price(picos), &change, &STAMP)
            .await
            .unwrap();
    }
    for (moment, expected) in [(-10, 5), (0, 1), (9, 1), (10, 3), (19, 3), (20, 4), (99, 4)] {
        let moment = at(moment);
        assert_eq!(picos(&in_force(store, moment).await), expected);
        let listed = store
            .list_prices(&PriceFilter::in_force(moment), ALL)
            .await
            .unwrap();
        assert_eq!((listed.total, picos(&listed.rows[0])), (1, expected));
        assert_eq!(
            charged(store, moment, moment).await,
            Some(expected),
            "{moment}"
        );
    }
    let before = in_force(store, at(-11)).await;
    assert_eq!(picos(&before), 5, "the first that begins later");
    let listed = store
        .list_prices(&PriceFilter::in_force(at(-11)), ALL)
        .await
        .unwrap();
    assert_eq!(listed.total, 0);
}

async fn a_change_at_once_is_in_force_though_a_clock_went_ahead_before(database: Database) {
    let store = &database.store;
    store
        .set_price(&price(1), &AT_ONCE, &stamp(at(5)))
        .await
        .unwrap();
    let change = from(at(60));
    store
        .set_price(&price(3), &change, &stamp(at(5)))
        .await
        .unwrap();
    let changed = store
        .set_price(&price(2), &AT_ONCE, &stamp(at(3)))
        .await
        .unwrap();
    assert_eq!((changed.effective_from, changed.made_at), (at(5), at(3)));
    assert_eq!(charged(store, at(5), at(59)).await, Some(2));
    assert_eq!(charged(store, at(5), at(60)).await, Some(3));
}

async fn the_catalog_has_what_requests_of_an_instant_and_later_ones_are_charged_by(
    database: Database,
) {
    let store = &database.store;
    for begins in [0, 10, 20, 30] {
        let change = from(at(begins));
        store
            .set_price(&price(begins), &change, &STAMP)
            .await
            .unwrap();
    }
    let known = store.load_catalog_after(0, at(15)).await.unwrap().prices;
    let mut begins: Vec<_> = known.iter().map(|version| version.effective_from).collect();
    begins.sort();
    assert_eq!(begins, [at(10), at(20), at(30)]);
    for (moment, expected) in [(15, 10), (20, 20), (29, 20), (30, 30)] {
        assert_eq!(charged(store, at(15), at(moment)).await, Some(expected));
    }
}

async fn a_retired_model_has_no_price_from_then_on_whatever_was_scheduled(database: Database) {
    let store = &database.store;
    store.set_price(&price(1), &AT_ONCE, &STAMP).await.unwrap();
    let change = from(at(30));
    store.set_price(&price(2), &change, &STAMP).await.unwrap();
    let change = from(at(10));
    let retired = store
        .retire_price(&price(1), &change, &STAMP)
        .await
        .unwrap();
    assert_eq!((retired.is_retired, picos(&retired)), (true, 1));
    for (moment, expected) in [(9, Some(1)), (10, None), (30, None), (99, None)] {
        assert_eq!(charged(store, NOW, at(moment)).await, expected);
    }
    let change = from(at(40));
    store.set_price(&price(3), &change, &STAMP).await.unwrap();
    assert_eq!(charged(store, NOW, at(39)).await, None);
    assert_eq!(charged(store, NOW, at(40)).await, Some(3));
}

async fn a_seed_leaves_alone_what_was_retired_or_is_scheduled(database: Database) {
    let store = &database.store;
    let mut list = seed_prices().unwrap()[..4].to_vec();
    store.seed_prices(&list, "one", &STAMP).await.unwrap();
    store
        .retire_price(&list[0], &AT_ONCE, &stamp(at(1)))
        .await
        .unwrap();
    let change = from(at(1_000));
    store
        .set_price(&list[1], &change, &stamp(at(1)))
        .await
        .unwrap();
    let change = from(at(-1_000));
    store
        .set_price(&list[2], &change, &stamp(at(1)))
        .await
        .unwrap();
    for price in &mut list {
        price.output_tokens_max = Some(7);
    }
    let before = store.load_catalog().await.unwrap();
    let report = store
        .seed_prices(&list, "two", &stamp(at(2)))
        .await
        .unwrap();
    assert_eq!(report, SeedReport { added: 1, kept: 3 });
    let after = store.load_catalog().await.unwrap();
    assert_eq!(after.prices.len(), before.prices.len() + 1);
    let report = store
        .seed_prices(&list, "two", &stamp(at(3)))
        .await
        .unwrap();
    assert_eq!(report, SeedReport { added: 0, kept: 4 });
}

async fn a_seed_of_a_new_version_gets_in_where_nobody_edited(database: Database) {
    let store = &database.store;
    store.seed_prices(&[price(1)], "one", &STAMP).await.unwrap();
    // From a machine whose clock goes behind.
    let report = store
        .seed_prices(&[price(2)], "two", &stamp(at(-5)))
        .await
        .unwrap();
    assert_eq!(report, SeedReport { added: 1, kept: 0 });
    assert_eq!(charged(store, NOW, NOW).await, Some(2));
    let found = in_force(store, NOW).await;
    assert_eq!((found.version_tag.as_str(), found.made_at), ("two", at(-5)));
}

async fn the_history_of_a_price_is_complete_and_paged(database: Database) {
    let store = &database.store;
    let listed = price(1);
    let other = ModelPrice {
        provider: ProviderName::new("google"),
        ..price(9)
    };
    store.seed_prices(&[price(1)], "one", &STAMP).await.unwrap();
    store.set_price(&other, &AT_ONCE, &STAMP).await.unwrap();
    let change = from(at(50));
    store
        .set_price(&price(2), &change, &stamp(at(1)))
        .await
        .unwrap();
    store
        .set_price(&price(3), &AT_ONCE, &stamp(at(2)))
        .await
        .unwrap();
    let history = async |limit, offset| {
        let page = Page { limit, offset };
        let found = store.price_history(&listed.provider, &listed.model, page);
        let found = found.await.unwrap();
        assert_eq!(found.total, 3);
        found.rows
    };
    let all = history(9, 0).await;
    let told = |row: &PriceRecord| (picos(row), row.source.as_str(), row.made_at);
    let told: Vec<_> = all.iter().map(told).collect();
    let expected = [(2, "admin", at(1)), (3, "admin", at(2)), (1, "seed", NOW)];
    assert_eq!(told, expected);
    assert!(all.iter().all(|row| row.created_at == NOW));
    assert_eq!(history(1, 1).await, all[1..2]);
}

async fn lists_are_filtered_by_provider_mode_and_state(database: Database) {
    let store = &database.store;
    let list = seed_prices().unwrap();
    store.seed_prices(&list, "one", &STAMP).await.unwrap();
    let count = async |filter: PriceFilter| store.list_prices(&filter, ALL).await.unwrap().total;
    let expected = |wanted: &dyn Fn(&ModelPrice) -> bool| {
        u64::try_from(list.iter().filter(|price| wanted(price)).count()).unwrap()
    };
    let google = ProviderName::new("google");
    let filter = PriceFilter {
        provider: Some(google.clone()),
        mode: Some("embedding".to_owned()),
        ..PriceFilter::in_force(NOW)
    };
    let embeddings = |price: &ModelPrice| price.provider == google && price.mode == "embedding";
    assert_ne!(expected(&embeddings), 0);
    assert_eq!(count(filter).await, expected(&embeddings));

    store
        .retire_price(&list[0], &AT_ONCE, &STAMP)
        .await
        .unwrap();
    let change = from(at(9));
    store.set_price(&list[1], &change, &STAMP).await.unwrap();
    for (is_retired, total) in [(true, 1), (false, list.len() - 1)] {
        let filter = PriceFilter {
            is_retired: Some(is_retired),
            ..PriceFilter::in_force(NOW)
        };
        assert_eq!(count(filter).await, u64::try_from(total).unwrap());
    }
    let scheduled = |at| PriceFilter {
        is_scheduled: true,
        ..PriceFilter::in_force(at)
    };
    assert_eq!(count(scheduled(NOW)).await, 1);
    assert_eq!(count(scheduled(at(9))).await, 0);
    let nobody = ModelName::new("nobody");
    let found = store.prices_of_model(&nobody, NOW).await.unwrap();
    assert_eq!(found, []);
}

async fn versions_from_before_the_migration_began_when_they_were_set(database: Database) {
    let store = &database.store;
    let insert = "INSERT INTO model_price (provider, model, mode, version_tag, source, \
         effective_from, created_at) VALUES ('openai', 'old', 'chat', 'v', 'seed', 1000, 500)";
    database.driver.execute(insert, &[]).await.unwrap();
    let found = store.price(PriceId(1)).await.unwrap().unwrap();
    assert_eq!(found.made_at, UtcMicros::new(1_000));
    assert!(!found.is_retired);
}

/// What somebody does with the price of the model.
#[derive(Clone, Debug)]
enum Step {
    Set(i64, Option<i64>),
    Retire(Option<i64>),
    Seed(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let begins = || prop::option::of(-20_i64..20);
    prop_oneof![
        (1_i64..1_000, begins()).prop_map(|(picos, begins)| Step::Set(picos, begins)),
        begins().prop_map(Step::Retire),
        (1_i64..1_000).prop_map(Step::Seed),
    ]
}

/// What the model costs at each second of the time that steps are about.
async fn timeline(store: &Store) -> Vec<Option<i64>> {
    let book = book(store, at(-21)).await;
    let seconds = -21..22;
    seconds
        .map(|second| charged_in(&book, at(second)))
        .collect()
}

/// Does a step at a second, and tells whether it is one of an admin.
async fn take(store: &Store, step: &Step, now: i64) -> bool {
    let wanted = |begins: &Option<i64>| PriceChange {
        version_tag: "v",
        effective_from: begins.map(at),
    };
    match step {
        Step::Set(picos, begins) => {
            let (price, wanted) = (price(*picos), wanted(begins));
            store
                .set_price(&price, &wanted, &stamp(at(now)))
                .await
                .unwrap();
            true
        }
        Step::Retire(begins) => {
            let (price, wanted) = (price(1), wanted(begins));
            store
                .retire_price(&price, &wanted, &stamp(at(now)))
                .await
                .unwrap();
            true
        }
        Step::Seed(picos) => {
            let list = [price(*picos)];
            store
                .seed_prices(&list, "seed", &stamp(at(now)))
                .await
                .unwrap();
            false
        }
    }
}

#[test]
fn no_seed_changes_what_is_charged_once_an_admin_has_said_something() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    let outcome = runner.run(&prop::collection::vec(step(), 1..8), |steps| {
        runtime.block_on(async {
            let database = Database::sqlite().await;
            let store = &database.store;
            let mut is_edited = false;
            for (step, now) in steps.iter().zip(0..) {
                let before = timeline(store).await;
                let by_admin = take(store, step, now).await;
                let after = timeline(store).await;
                if is_edited && !by_admin {
                    prop_assert_eq!(&after, &before, "{:?}", step);
                }
                if let (Step::Seed(picos), false) = (step, is_edited) {
                    prop_assert_eq!(after.last(), Some(&Some(*picos)));
                }
                is_edited |= by_admin;
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
