//! Prices: the list that comes with the program, and what admins make of it.

use budgetguard::domain::id::{ModelName, PriceId};
use budgetguard::domain::pricing::{ModelPrice, Rate};
use budgetguard::domain::usage::RateKind;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::prices::{PriceChange, PriceFilter, PriceSource, SeedReport};
use budgetguard::store::seed::{SEED_VERSION, seed_prices};
use budgetguard::store::{Page, Store};

use crate::support::{Database, NOW, STAMP, stamp};

on_both_databases![
    the_whole_list_is_seeded_and_read_back_and_a_second_seed_changes_nothing,
    a_price_that_an_admin_set_outlives_every_seed,
    a_changed_list_makes_new_versions_of_what_changed_only,
    a_model_may_be_listed_without_any_rate,
    prices_are_searched_and_paged,
    versions_are_never_changed,
];

const LATER: UtcMicros = UtcMicros::new(NOW.get() + 1);

fn at_once(version_tag: &str) -> PriceChange<'_> {
    PriceChange {
        version_tag,
        effective_from: None,
    }
}

async fn seed(store: &Store, prices: &[ModelPrice]) -> SeedReport {
    store
        .seed_prices(prices, SEED_VERSION, &STAMP)
        .await
        .unwrap()
}

async fn the_whole_list_is_seeded_and_read_back_and_a_second_seed_changes_nothing(
    database: Database,
) {
    let store = &database.store;
    let list = seed_prices().unwrap();
    let started = std::time::Instant::now();
    let report = seed(store, &list).await;
    println!(
        "{}: seeded in {:?}",
        database.driver.name(),
        started.elapsed()
    );
    assert_eq!(
        report,
        SeedReport {
            added: list.len(),
            kept: 0
        }
    );

    let before = store.load_catalog().await.unwrap();
    let loaded = before.prices.iter().map(|version| &version.price);
    let mut loaded: Vec<_> = loaded.cloned().map(without_id).collect();
    loaded.sort_by_key(|price| (price.provider.clone(), price.model.clone()));
    assert_eq!(loaded, list);
    // A replica whose clock is behind the one that seeded knows all models, too.
    let behind = UtcMicros::new(NOW.get() - 600_000_000);
    assert!(before.prices.iter().all(|it| it.effective_from <= behind));

    let report = seed(store, &list).await;
    assert_eq!(
        report,
        SeedReport {
            added: 0,
            kept: list.len()
        }
    );
    let after = store.load_catalog().await.unwrap();
    assert_eq!(after.version, before.version);
    assert_eq!(after.prices.len(), before.prices.len());
}

fn without_id(price: ModelPrice) -> ModelPrice {
    ModelPrice {
        id: PriceId(0),
        ..price
    }
}

async fn a_price_that_an_admin_set_outlives_every_seed(database: Database) {
    let store = &database.store;
    let list = &seed_prices().unwrap()[..3];
    seed(store, list).await;
    let name = &list[1].model;
    let first = store.prices_of_model(name, LATER).await.unwrap().remove(0);
    assert_eq!(
        (first.source, first.version_tag.as_str()),
        (PriceSource::Seed, SEED_VERSION)
    );

    let mut edited = list[1].clone();
    edited.bands[0]
        .rates
        .set(RateKind::Input, Rate::from_picos(42));
    let set = store
        .set_price(&edited, &at_once("ours"), &stamp(LATER))
        .await
        .unwrap();
    assert_eq!(
        (set.source, set.version_tag.as_str()),
        (PriceSource::Admin, "ours")
    );
    assert_eq!((set.created_at, set.effective_from), (NOW, LATER));
    assert!(set.price.id > first.price.id);

    assert_eq!(seed(store, list).await, SeedReport { added: 0, kept: 3 });
    let in_force = store.prices_of_model(name, LATER).await.unwrap();
    assert_eq!(in_force, [set]);
    let rate = in_force[0].price.bands[0].rates.get(RateKind::Input);
    assert_eq!(rate, Some(Rate::from_picos(42)));
    assert_eq!(store.price(first.price.id).await.unwrap(), Some(first));
    assert_eq!(store.price(PriceId(99_999)).await.unwrap(), None);
}

async fn a_changed_list_makes_new_versions_of_what_changed_only(database: Database) {
    let store = &database.store;
    let mut list = seed_prices().unwrap()[..3].to_vec();
    seed(store, &list).await;
    list[0].output_tokens_max = Some(1);
    list[2].bands[0]
        .rates
        .set(RateKind::Output, Rate::from_picos(1));
    assert_eq!(seed(store, &list).await, SeedReport { added: 2, kept: 1 });
    let with_first = store.load_catalog().await.unwrap().prices.len();
    assert_eq!(with_first, 5, "first prices count from an earlier time on");
    list[2].bands[0]
        .rates
        .set(RateKind::Output, Rate::from_picos(2));
    assert_eq!(seed(store, &list).await, SeedReport { added: 1, kept: 2 });
    let all = store.load_catalog().await.unwrap().prices;
    assert_eq!(
        all.len(),
        with_first,
        "of two versions that begin together the later one counts"
    );
    let changed = store.prices_of_model(&list[0].model, NOW).await.unwrap();
    assert_eq!(changed[0].price.output_tokens_max, Some(1));
}

async fn a_model_may_be_listed_without_any_rate(database: Database) {
    let mut listed = seed_prices().unwrap().remove(0);
    listed.bands.clear();
    let set = database
        .store
        .set_price(&listed, &at_once("free"), &STAMP)
        .await
        .unwrap();
    assert_eq!(without_id(set.price), listed);
}

async fn prices_are_searched_and_paged(database: Database) {
    let store = &database.store;
    let mut list = seed_prices().unwrap()[..5].to_vec();
    list[0].model = ModelName::new("100%_sure\\");
    seed(store, &list).await;
    seed(store, &list).await;
    let matching = |search: Option<&str>| PriceFilter {
        search: search.map(str::to_owned),
        ..PriceFilter::in_force(NOW)
    };
    let found = async |search, limit, offset| {
        let listed = store
            .list_prices(&matching(search), Page { limit, offset })
            .await
            .unwrap();
        (listed.rows.len(), listed.total)
    };
    assert_eq!(found(None, 3, 0).await, (3, 5));
    assert_eq!(found(None, 3, 3).await, (2, 5));
    assert_eq!(found(Some("%_SURE\\"), 9, 0).await, (1, 1));
    assert_eq!(found(Some("%"), 9, 0).await, (1, 1));
    assert_eq!(found(Some("0__"), 9, 0).await, (0, 0));
    assert_eq!(found(Some("ANTHROPIC"), 9, 0).await, (5, 5));
    let listed = store
        .list_prices(
            &matching(Some("100%")),
            Page {
                limit: 1,
                offset: 0,
            },
        )
        .await
        .unwrap();
    assert_eq!(without_id(listed.rows[0].price.clone()), list[0]);
}

async fn versions_are_never_changed(database: Database) {
    seed(&database.store, &seed_prices().unwrap()[..1]).await;
    for statement in [
        "UPDATE model_price SET model = 'other'",
        "UPDATE model_rate SET picos = 0",
        "DELETE FROM model_rate",
    ] {
        let error = database.driver.execute(statement, &[]).await.unwrap_err();
        assert!(error.to_string().contains("is append-only"), "{error}");
    }
}
