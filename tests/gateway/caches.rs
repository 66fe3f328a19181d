//! Contents that Google keeps for later requests: making one is paid as input and for the time that it
//! is kept, and who keeps it for longer pays the rest.

use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;

const CACHES: &str = "/v1beta/cachedContents";
/// Pico-dollars for a token of gemini-2.5-flash, and for keeping one for an hour.
const INPUT: u64 = 300_000;
const STORAGE: u64 = 1_000_000;
const HOUR: u64 = 3_600;

struct Asked {
    status: u16,
    body: Value,
    held: Option<i64>,
}

async fn ask(
    gateway: &TestGateway,
    tenant: &Tenant,
    (method, path): (Method, &str),
    body: Value,
) -> Asked {
    let request = gateway
        .request(method, path)
        .header("x-goog-api-key", &tenant.key);
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let answer = request.send().await.unwrap();
    let held = answer.headers().get("x-budgetguard-held-usd");
    Asked {
        held: held.map(|held| nanos(held.to_str().unwrap())),
        status: answer.status().as_u16(),
        body: serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    }
}

fn book(model: &str, ttl: &str) -> Value {
    let text = "much to read ".repeat(400);
    json!({"model": format!("models/{model}"), "ttl": ttl,
        "contents": [{"role": "user", "parts": [{"text": text}]}]})
}

/// What so many tokens cost as input, and for so many seconds in the cache.
fn cost(input: u64, tokens: u64, seconds: u64) -> i64 {
    let storage = (tokens * seconds * STORAGE).div_ceil(HOUR);
    i64::try_from((input * INPUT + storage).div_ceil(1_000)).unwrap()
}

/// The newest row of a route.
async fn row_of(gateway: &TestGateway, tenant: &Tenant, rows: usize) -> Value {
    gateway.ledger_of(tenant, rows).await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_are_paid_when_they_are_made_and_when_they_are_kept_for_longer() {
    let gateway = Setup::new().start().await;
    let (mine, theirs) = (
        gateway.tenant_with("mine", "10").await,
        gateway.tenant("theirs").await,
    );
    let made = ask(
        &gateway,
        &mine,
        (Method::POST, CACHES),
        book("gemini-2.5-flash", "7200s"),
    );
    let made = made.await;
    assert_eq!(made.status, 200, "{}", made.body);
    let tokens = made.body["usageMetadata"]["totalTokenCount"].as_u64();
    let tokens = tokens.unwrap();
    let row = row_of(&gateway, &mine, 1).await;
    assert_eq!(
        (&row["route"], &row["model"], &row["basis"]),
        (
            &json!(CACHES),
            &json!("gemini-2.5-flash"),
            &json!("measured")
        )
    );
    let first = cost(tokens, tokens, 2 * HOUR);
    assert_eq!(usd(&row), first);
    assert!(made.held.unwrap() >= first);

    let path = format!("/v1beta/{}", made.body["name"].as_str().unwrap());
    keep_for_longer(&gateway, &mine, &path, tokens).await;
    let longer = json!({"ttl": "10800s"});
    let denied = ask(&gateway, &theirs, (Method::PATCH, &path), longer);
    assert_eq!(denied.await.status, 404);

    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "and?"}]}],
        "cachedContent": made.body["name"], "generationConfig": {"maxOutputTokens": 20}});
    let generate = "/v1beta/models/gemini-2.5-flash:generateContent";
    let answer = ask(&gateway, &mine, (Method::POST, generate), asked).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let gone = ask(&gateway, &mine, (Method::DELETE, &path), Value::Null).await;
    assert_eq!(gone.status, 200);
    let last = ask(
        &gateway,
        &mine,
        (Method::PATCH, &path),
        json!({"ttl": "9s"}),
    );
    assert_eq!(last.await.status, 404, "it is gone");
    assert_in_ledger(&gateway, &mine).await;
}

/// What is spent is the sum of the rows.
async fn assert_in_ledger(gateway: &TestGateway, tenant: &Tenant) {
    gateway.assert_nothing_held().await;
    let (spent, _) = gateway.standing(tenant).await;
    let is_spent = async || {
        let rows = gateway.ledger(tenant).await;
        rows.iter().map(usd).sum::<i64>() == spent
    };
    gateway
        .until("the ledger has what was spent", is_spent)
        .await;
}

async fn keep_for_longer(gateway: &TestGateway, tenant: &Tenant, path: &str, tokens: u64) {
    let longer = json!({"ttl": "10800s"});
    let kept = ask(gateway, tenant, (Method::PATCH, path), longer).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    let row = row_of(gateway, tenant, 2).await;
    let calls = gateway.simulator.calls();
    let billed = calls.last().unwrap().billed.stored_token_seconds;
    // An hour more, and the moments between the two requests.
    assert!(billed >= tokens * HOUR && billed < tokens * (HOUR + 60));
    assert_eq!(usd(&row), cost(0, billed, 1));
    assert_eq!(row["basis"], "measured");
    assert!(kept.held.unwrap() >= usd(&row));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_that_would_cost_more_than_is_left_are_not_made() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("small", "0.1").await;
    let year = book("gemini-2.5-flash", "31536000s");
    let later = json!({"model": "models/gemini-2.5-flash", "contents": year["contents"],
        "expireTime": "2099-01-01T00:00:00Z"});
    for (wish, status) in [
        (year, 402),
        (later, 402),
        (book("gemini-2.5-flash", "soon"), 400),
        // Nobody knows what it costs to keep contents for this one.
        (book("gemini-2.0-flash", "60s"), 400),
    ] {
        let asked = ask(&gateway, &tenant, (Method::POST, CACHES), wish).await;
        assert_eq!(asked.status, status, "{}", asked.body);
        assert!(asked.body["error"]["status"].is_string(), "{}", asked.body);
    }
    assert!(gateway.simulator.calls().is_empty(), "nothing was sent");
    let made = ask(
        &gateway,
        &tenant,
        (Method::POST, CACHES),
        book("gemini-2.5-flash", "60s"),
    );
    let made = made.await;
    assert_eq!(made.status, 200, "{}", made.body);
    let path = format!("/v1beta/{}", made.body["name"].as_str().unwrap());
    let year = json!({"ttl": "31536000s"});
    let refused = ask(&gateway, &tenant, (Method::PATCH, &path), year).await;
    assert_eq!(refused.status, 402, "{}", refused.body);
    let read = ask(&gateway, &tenant, (Method::GET, &path), Value::Null).await;
    assert_eq!(read.body["expireTime"], made.body["expireTime"]);
    gateway.assert_nothing_held().await;
}
