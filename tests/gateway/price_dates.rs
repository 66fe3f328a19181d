//! Prices that begin at a moment: on a running gateway, and on another replica that nobody tells.

use std::time::Duration;

use budgetguard::domain::window::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::postgres::Schema;
use crate::prices::usd;
use crate::replicas::PEPPER;

const PRICES: &str = "/admin/model-pricing";
/// Long enough to send a request before.
const SOON: Duration = Duration::from_secs(3);

/// A price of a million dollars for a million tokens of output: a dollar for each.
fn dear(effective_from: &str) -> Value {
    json!({
        "inputPrice": 0, "cachedInputPrice": 0, "outputPrice": 1_000_000,
        "versionTag": "dear", "effectiveFrom": effective_from,
    })
}

/// Sends a request and gives its row.
async fn row(gateway: &TestGateway, tenant: &Tenant) -> Value {
    let rows = gateway.ledger(tenant).await.len();
    let call = Dialect::OpenAi.call("[[sim output=2]]", Some(5), false);
    call.text(gateway, tenant).await;
    gateway.ledger_of(tenant, rows + 1).await.remove(0)
}

/// The price that a replica charges by switches at its moment.
async fn assert_switches(
    gateway: &TestGateway,
    tenant: &Tenant,
    (before, after): (&Value, &Value),
) {
    let first = row(gateway, tenant).await;
    assert_eq!(
        first["priceId"], *before,
        "too early, or the test is too slow"
    );
    gateway
        .until("the price switches", async || {
            row(gateway, tenant).await["priceId"] == *after
        })
        .await;
    let last = row(gateway, tenant).await;
    assert_eq!((&last["priceId"], usd(&last)), (after, 2_000_000_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_switches_at_its_moment_and_a_retired_model_is_refused_from_its_own() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("dated", "1000").await;
    let before = &row(&gateway, &tenant).await["priceId"].clone();
    let path = format!("{PRICES}/gpt-4o-mini");
    let soon = SystemClock.now().plus(SOON).to_string();
    let after = gateway.admin(Method::PUT, &path, dear(&soon)).await;
    assert_switches(&gateway, &tenant, (before, &after["id"])).await;

    let retirement = format!("{path}/retire");
    gateway.admin(Method::POST, &retirement, json!({})).await;
    let call = Dialect::OpenAi.call("[[sim output=2]]", Some(5), false);
    let refused = call.refused(&gateway, &tenant).await;
    assert_eq!(refused.status, 404, "{refused:?}");
    assert_eq!(refused.code, "model_not_found", "{refused:?}");
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_switches_by_itself() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let (cable, url) = schema.cable().await;
    let setup = || {
        Setup::new()
            .env("DATABASE_URL", &url)
            .env("KEY_PEPPER", PEPPER)
    };
    let (one, other) = (setup().start().await, setup().start().await);
    let tenant = one.tenant_with("dated", "1000").await;
    let before = &row(&one, &tenant).await["priceId"].clone();
    let path = format!("{PRICES}/gpt-4o-mini");
    let soon = SystemClock.now().plus(SOON).to_string();
    let after = one.admin(Method::PUT, &path, dear(&soon)).await;
    assert_switches(&other, &tenant, (before, &after["id"])).await;
    drop((one, other, cable));
    schema.drop().await;
}
