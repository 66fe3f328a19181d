//! Prices: of their time, unless they are wanted now.

use budgetguard::domain::id::ModelName;
use budgetguard::domain::usage::RateKind;
use budgetguard::domain::window::UtcMicros;
use budgetguard::import::{ImportOptions, run};
use budgetguard::store::Store;
use budgetguard::store::prices::PriceRecord;

use crate::import::{OPTIONS, full_original, imported, moved};
use crate::support::{Database, NOW};

on_both_databases![
    prices_are_of_their_time,
    a_rate_that_is_nothing_is_none,
    prices_that_are_wanted_are_in_force,
];

async fn price(store: &Store, name: &str, at: UtcMicros) -> PriceRecord {
    let found = store.prices_of_model(&ModelName::new(name), at).await;
    found.unwrap().remove(0)
}

async fn prices_are_of_their_time(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let then = price(&database.store, "house-model", NOW).await;
    assert_eq!(then.effective_from.to_string(), "2025-06-01T12:00:00.000Z");
    let rates = &then.price.bands[0].rates;
    assert_eq!(rates.get(RateKind::CachedInput).unwrap().picos(), 1_250_000);
}

async fn a_rate_that_is_nothing_is_none(database: Database) {
    if moved(&database).await.is_none() {
        return;
    }
    let fine = price(&database.store, "fine-model", NOW).await;
    let rates = &fine.price.bands[0].rates;
    assert_eq!(rates.get(RateKind::Input).unwrap().picos(), 1);
    assert_eq!(rates.get(RateKind::CachedInput), None, "else it were free");
}

async fn prices_that_are_wanted_are_in_force(database: Database) {
    let Some(original) = full_original().await else {
        return;
    };
    let store = &database.store;
    imported(store, &original).await;
    original
        .run_inside("UPDATE \"ModelPricing\" SET \"outputPrice\" = 12 WHERE id = 1")
        .await;
    let now = ImportOptions {
        prices_in_force: true,
        at: UtcMicros::new(NOW.get() + 1),
        ..OPTIONS
    };
    run(store, &original.url(), now).await.unwrap();
    let in_force = price(store, "house-model", now.at).await;
    assert_eq!(in_force.effective_from, now.at);
    let output = in_force.price.bands[0].rates.get(RateKind::Output);
    assert_eq!(output.unwrap().picos(), 12_000_000);
    original.drop().await;
}
