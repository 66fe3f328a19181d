//! Model prices: adding, changing, listing them.

use std::time::Duration;

use axum::http::StatusCode;
use budgetguard::domain::id::ModelName;
use budgetguard::domain::stamp::Stamp;
use budgetguard::domain::usage::RateKind;
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::seed::seed_prices;
use serde_json::{Value, json};

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
    store
        .seed_prices(&seed, "seed", &Stamp::by_system(NOW))
        .await
        .unwrap();
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
    store
        .seed_prices(&seed, "seed", &Stamp::by_system(NOW))
        .await
        .unwrap();
    let all = installation.get(PRICES).await;
    for price in all.as_array().unwrap().iter().step_by(9) {
        let path = format!("{PRICES}/{}", price["id"]);
        let change = json!({"rates": [{"kind": "image_input", "price": 1}]});
        installation.put(&path, change).await;
    }
}

/// What an input token of `gpt-test` costs at an instant, as the data plane sees it now.
fn charged(installation: &Installation, at: UtcMicros) -> Option<String> {
    let snapshot = installation.state.catalog.snapshot();
    let model = ModelName::new("gpt-test");
    let price = snapshot.prices.find("openai", &model, at)?;
    let rate = price.bands[0].rates.get(RateKind::Input).unwrap();
    Some(rate.per_million())
}

fn day(number: u64) -> UtcMicros {
    const MIDNIGHT: UtcMicros = UtcMicros::new(NOW.get() - 12 * 3_600_000_000);
    MIDNIGHT.plus(Duration::from_hours(24 * (number - 15)))
}

#[tokio::test]
async fn a_change_with_a_date_waits_for_its_moment_and_needs_no_news_then() {
    let installation = furnished().await;
    let change = json!({"inputPrice": 7, "versionTag": "v2", "effectiveFrom": "2026-02-01"});
    let changed = installation.put(PRICE, change).await;
    let expected = json!({
        "inputPrice": "7", "effectiveFrom": "2026-02-01T00:00:00.000Z",
        "updatedAt": NOW.to_string(), "isRetired": false, "source": "admin",
    });
    assert_fields(&changed, &expected);
    let switch = day(15 + 17);
    let before = UtcMicros::new(switch.get() - 1);
    assert_eq!(charged(&installation, NOW).as_deref(), Some("2.5"));
    assert_eq!(charged(&installation, before).as_deref(), Some("2.5"));
    assert_eq!(charged(&installation, switch).as_deref(), Some("7"));

    // A change at once is one of what is in force now, and leaves alone what comes later.
    let now = installation.put(PRICE, json!({"outputPrice": 11})).await;
    assert_fields(&now, &json!({"inputPrice": "2.5", "outputPrice": "11"}));
    assert_eq!(charged(&installation, switch).as_deref(), Some("7"));
    // One for later is one of what will be in force then.
    let later = json!({"outputPrice": 12, "effectiveFrom": "2026-02-01T00:00:00.001Z"});
    let later = installation.put(PRICE, later).await;
    assert_fields(&later, &json!({"inputPrice": "7", "outputPrice": "12"}));

    let list = async |query: &str| {
        let listed = installation.get(&format!("{PRICES}{query}")).await;
        let prices = listed.as_array().unwrap().iter();
        let outputs = prices.map(|price| price["outputPrice"].as_str().unwrap().to_owned());
        outputs.collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["11"]);
    assert_eq!(list("?at=2026-02-01").await, ["10"]);
    assert_eq!(list("?at=2026-02-02").await, ["12"]);
    assert_eq!(list("?at=2026-01-14").await, Vec::<String>::new());
    assert_eq!(list("?scheduled=true").await, ["10", "12"]);
    assert_eq!(list("?scheduled=true&limit=1&page=1").await, ["12"]);
    assert_eq!(list("?mode=chat&provider=openai").await, ["11"]);
    assert_eq!(list("?mode=embedding").await, Vec::<String>::new());
    assert_eq!(list("?provider=google").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_may_begin_in_the_past() {
    let installation = furnished().await;
    let change = json!({"inputPrice": 7, "effectiveFrom": "2026-01-10"});
    installation.put(PRICE, change).await;
    assert_eq!(charged(&installation, NOW).as_deref(), Some("2.5"));
    let at = installation.get(&format!("{PRICES}?at=2026-01-12")).await;
    assert_eq!(at[0]["inputPrice"], "7");
    let mut first = price("gpt-new");
    first["effectiveFrom"] = json!("2026-01-15T11:30:00Z");
    installation.post(PRICES, first).await;
    let snapshot = installation.state.catalog.snapshot();
    let found = |minutes: i64| {
        let at = UtcMicros::new(NOW.get() + minutes * 60_000_000);
        let model = ModelName::new("gpt-new");
        snapshot.prices.find("openai", &model, at).is_some()
    };
    assert_eq!([found(-31), found(-30), found(0)], [false, true, true]);
}

#[tokio::test]
async fn a_retired_model_has_no_price_until_it_gets_one_again() {
    let installation = furnished().await;
    let retirement = format!("{PRICE}/retire");
    let retire = json!({"effectiveFrom": "2026-01-20", "versionTag": "gone"});
    let retired = installation.post(&retirement, retire).await;
    let expected = json!({
        "isRetired": true, "versionTag": "gone", "inputPrice": "2.5",
        "effectiveFrom": "2026-01-20T00:00:00.000Z",
    });
    assert_fields(&retired, &expected);
    assert_eq!(charged(&installation, NOW).as_deref(), Some("2.5"));
    assert_eq!(charged(&installation, day(20)), None);
    let again = r#"{"effectiveFrom":"2026-01-21"}"#;
    let again = installation.call("POST", &retirement, again).await;
    assert_refused(&again, 400, "retired already", "a second time");

    let at_once = installation.call("POST", &retirement, "").await;
    assert_eq!(at_once.status, StatusCode::OK, "{}", at_once.text);
    assert_eq!(charged(&installation, NOW), None);
    let listed = installation.get(&format!("{PRICES}?retired=true")).await;
    assert_eq!(listed[0]["isRetired"], true);
    let others = installation.get(&format!("{PRICES}?retired=false")).await;
    assert_eq!(others, json!([]));

    // By a change of what it was, or as a new one.
    let change = json!({"outputPrice": 9, "effectiveFrom": "2026-01-25"});
    let changed = installation.put(PRICE, change).await;
    let expected = json!({"isRetired": false, "inputPrice": "2.5", "outputPrice": "9"});
    assert_fields(&changed, &expected);
    let anew = installation.post(PRICES, price("gpt-test")).await;
    assert_fields(&anew, &json!({"isRetired": false, "outputPrice": "10"}));
    assert_eq!(charged(&installation, NOW).as_deref(), Some("2.5"));
    assert_eq!(charged(&installation, day(20)), None, "as it was decided");
    assert_eq!(charged(&installation, day(25)).as_deref(), Some("2.5"));
}

#[tokio::test]
async fn the_history_of_a_price_tells_who_when_and_from_when() {
    let installation = Installation::new().await;
    let store = &installation.state.store;
    let seed = &seed_prices().unwrap()[..1];
    store
        .seed_prices(seed, "2026-11", &Stamp::by_system(NOW))
        .await
        .unwrap();
    let path = format!("{PRICES}/{}", seed[0].model);
    let change = json!({"inputPrice": 3, "versionTag": "ours", "effectiveFrom": "2026-03-01"});
    installation.put(&path, change).await;
    let retirement = json!({"effectiveFrom": "2026-02-01"});
    let retirement_path = format!("{path}/retire");
    installation.post(&retirement_path, retirement).await;

    let history = installation.get(&format!("{path}/history")).await;
    let told = |row: &Value| {
        ["source", "versionTag", "effectiveFrom", "isRetired"].map(|name| row[name].to_string())
    };
    let told: Vec<_> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    let (spring, winter) = (
        "\"2026-03-01T00:00:00.000Z\"",
        "\"2026-02-01T00:00:00.000Z\"",
    );
    let expected = [
        ["\"admin\"", "\"2026-11\"", spring, "true"],
        ["\"admin\"", "\"ours\"", spring, "false"],
        ["\"admin\"", "\"2026-11\"", winter, "true"],
        [
            "\"seed\"",
            "\"2026-11\"",
            // An hour before it was seeded: a first price holds for replicas whose clocks are behind.
            "\"2026-01-15T11:00:00.000Z\"",
            "false",
        ],
    ];
    assert_eq!(told, expected);
    let last = format!("{path}/history?limit=1&page=3");
    let page = installation.get(&last).await;
    assert_fields(&page, &json!({"total": 4, "page": 3, "limit": 1}));
    assert_eq!(page["data"][0], history["data"][3]);
}
