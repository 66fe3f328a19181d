//! Model prices: adding, changing, listing them.

use budgetguard::domain::id::ModelName;
use budgetguard::domain::usage::RateKind;
use budgetguard::store::seed::seed_prices;
use serde_json::json;

use crate::installation::{Installation, NOW};
use crate::support::{assert_fields, assert_refused, furnished, price};

const PRICES: &str = "/admin/model-pricing";
const PRICE: &str = "/admin/model-pricing/gpt-test";

#[tokio::test]
async fn a_change_is_exact_and_in_force_when_it_is_answered() {
    let installation = furnished().await;
    let change = json!({"inputPrice": "1.25", "maxOutputTokens": 4096, "rates": [
        {"kind": "input", "price": "2.5", "aboveInputTokens": 200_000},
        {"kind": "output", "price": 15, "aboveInputTokens": 200_000},
        {"kind": "cache_write", "price": 1.5},
    ]});
    let changed = installation.put(PRICE, change).await;
    let expected = json!({
        "id": 2, "provider": "openai", "model": "gpt-test", "versionTag": "v1", "source": "admin",
        "inputPrice": "1.25", "cachedInputPrice": "0.01875", "outputPrice": "10",
        "maxOutputTokens": 4096, "maxInputTokens": null, "mode": "chat",
    });
    assert_fields(&changed, &expected);
    assert_eq!(changed["rates"].as_array().unwrap().len(), 6);
    let snapshot = installation.state.catalog.snapshot();
    let (provider, model) = ("openai", ModelName::new("gpt-test"));
    let in_force = snapshot.prices.find(provider, &model, NOW).unwrap();
    let base = in_force.bands[0].rates.get(RateKind::Input).unwrap();
    assert_eq!(base.per_million(), "1.25");
}

#[tokio::test]
async fn a_price_is_named_by_the_id_of_any_version_or_by_its_model() {
    let installation = furnished().await;
    installation.put(PRICE, json!({"inputPrice": 3})).await;
    let by_old_id = json!({"outputPrice": 11, "versionTag": "v3"});
    let changed = installation.put("/admin/model-pricing/1", by_old_id).await;
    let expected = json!({"inputPrice": "3", "outputPrice": "11", "versionTag": "v3"});
    assert_fields(&changed, &expected);

    let mut other = price("gpt-test");
    other["provider"] = json!("google");
    installation.post(PRICES, other).await;
    let answer = installation.call("PUT", PRICE, r#"{"inputPrice":1}"#).await;
    assert_refused(&answer, 400, "provider is required", "two providers");
    let chosen = json!({"provider": "google", "inputPrice": 9});
    let chosen = installation.put(PRICE, chosen).await;
    assert_fields(&chosen, &json!({"provider": "google", "inputPrice": "9"}));
    let all = installation.get(PRICES).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_price_list_is_searched_and_paged() {
    let installation = Installation::new().await;
    let seed = seed_prices().unwrap();
    let store = &installation.state.store;
    store.seed_prices(&seed, "seed", NOW).await.unwrap();
    let list = async |query: &str| {
        let listed = installation.get(&format!("{PRICES}{query}")).await;
        listed.as_array().unwrap().clone()
    };
    let all = list("").await;
    assert_eq!(all.len(), seed.len());
    assert!(all.iter().all(|price| price["outputPrice"].is_string()));
    let second = list("?limit=7&page=1").await;
    assert_eq!((second.len(), &second[0]), (7, &all[7]));
    assert_eq!(list("?limit=7&page=1000000").await.len(), 0);
    let found = list("?search=GEMINI-2.5-pro").await;
    assert!(!found.is_empty() && found.len() < all.len());
}

#[tokio::test]
async fn a_seeded_price_takes_a_rate_whatever_its_tiers_lack() {
    let installation = Installation::new().await;
    let seed = seed_prices().unwrap();
    let store = &installation.state.store;
    store.seed_prices(&seed, "seed", NOW).await.unwrap();
    let all = installation.get(PRICES).await;
    for price in all.as_array().unwrap().iter().step_by(9) {
        let path = format!("{PRICES}/{}", price["id"]);
        let change = json!({"rates": [{"kind": "image_input", "price": 1}]});
        installation.put(&path, change).await;
    }
}
