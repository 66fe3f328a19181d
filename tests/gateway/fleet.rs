//! Two gateways that share a PostgreSQL and a Redis: budgets and limits count over both of them.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dialect::{Call, Dialect, Refused};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::outage::Cable;
use crate::postgres::Schema;
use crate::prices::usd;
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::redis_server::RedisServer;
use crate::replicas::{CHANGE_HOLDS_WITHIN, PEPPER, within};
mod running;

pub(crate) use running::Fleet;

/// How long it may take until it is noticed that Redis is gone, or back and empty.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);
/// Slices that nobody uses are given back before.
const SLICES_BACK_WITHIN: Duration = Duration::from_secs(5);

/// What `GET /v1/budget` says; nothing where the key is not valid.
async fn limits(gateway: &TestGateway, tenant: &Tenant) -> Option<Value> {
    let request = gateway.request(Method::GET, "/v1/budget");
    let answer = request.bearer_auth(&tenant.key).send().await.unwrap();
    let is_known = answer.status() != 401;
    let body: Value = answer.json().await.unwrap();
    is_known.then_some(body)
}

/// Something small that costs the same each time.
fn small() -> Call {
    Dialect::OpenAi.call("hello [[sim output=20]]", Some(20), false)
}

fn free() -> Call {
    let body = json!({"input": "hello"});
    Call::to(Dialect::OpenAi, "/v1/moderations", &body)
}

async fn status(call: &Call, gateway: &TestGateway, tenant: &Tenant) -> u16 {
    let answer = call.send(gateway, tenant).await;
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

/// Spends from both at once, and then from each until both refuse.
async fn use_up(fleet: &Fleet, tenant: &Tenant) -> [usize; 2] {
    let call = small();
    let mut served = [0, 0];
    for (gateway, served) in fleet.both().into_iter().zip(&mut served) {
        let together = (0..20).map(|_| status(&call, gateway, tenant));
        let answers = join_all(together).await;
        *served += answers.iter().filter(|status| **status == 200).count();
    }
    loop {
        let before = served;
        for (gateway, served) in fleet.both().into_iter().zip(&mut served) {
            match status(&call, gateway, tenant).await {
                200 => *served += 1,
                status => assert_eq!(status, 402),
            }
        }
        if served == before {
            return served;
        }
    }
}

async fn refused_with_nothing_held(gateway: &TestGateway, tenant: &Tenant) -> Refused {
    let deadline = Instant::now() + SLICES_BACK_WITHIN;
    loop {
        let refused = small().refused(gateway, tenant).await;
        let is_free = refused.header("x-budgetguard-held-usd") == Some("0");
        if is_free || Instant::now() > deadline {
            assert!(is_free, "{refused:?}");
            return refused;
        }
    }
}

fn amount(refused: &Refused, name: &str) -> i64 {
    nanos(refused.header(name).unwrap())
}

async fn a_budget_is_one_budget(leases: bool) {
    let Some(fleet) = Fleet::start(leases).await else {
        return;
    };
    let tenant = fleet.tenant_with("shared", "0.001").await;
    let served = use_up(&fleet, &tenant).await;
    assert!(served.into_iter().all(|count| count >= 20), "{served:?}");
    let spent = recorded(&fleet.one, &tenant, served.into_iter().sum()).await;
    assert!(spent <= nanos("0.001"), "{spent}");
    for gateway in fleet.both() {
        assert_named(gateway, &tenant, spent).await;
        assert_shown(gateway, &tenant, spent).await;
    }
    fleet.end().await;
}

/// What so many calls cost, once the ledger has all of them.
async fn recorded(gateway: &TestGateway, tenant: &Tenant, calls: usize) -> i64 {
    let costs = async || {
        let rows = gateway.ledger(tenant).await;
        let charged = rows.iter().filter(|row| row["status"] != "blocked");
        charged.map(usd).collect::<Vec<i64>>()
    };
    let is_complete = async || costs().await.len() == calls;
    within(NOTICED_WITHIN, "the ledger is complete", is_complete).await;
    costs().await.into_iter().sum()
}

/// A refusal names the budget, and what was spent of it anywhere.
async fn assert_named(gateway: &TestGateway, tenant: &Tenant, spent: i64) {
    let refused = refused_with_nothing_held(gateway, tenant).await;
    assert_eq!(refused.header("x-budgetguard-denied-scope"), Some("tenant"));
    assert_eq!(refused.header("x-budgetguard-limit-usd"), Some("0.001"));
    assert_eq!(amount(&refused, "x-budgetguard-spent-usd"), spent);
}

/// `GET /v1/budget` says the same on each gateway.
async fn assert_shown(gateway: &TestGateway, tenant: &Tenant, spent: i64) {
    let shown = limits(gateway, tenant).await.unwrap();
    let amount = |name: &str| nanos(shown["data"][0][name].as_str().unwrap());
    assert_eq!((amount("spent_usd"), amount("held_usd")), (spent, 0));
    assert_eq!(amount("remaining_usd"), amount("limit_usd") - spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_one_budget_on_both_gateways() {
    a_budget_is_one_budget(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_one_budget_on_both_gateways_that_take_leases() {
    a_budget_is_one_budget(true).await;
}

fn assert_remaining(answer: &Response, limit: &str, remaining: usize) {
    assert_eq!(answer.status(), 200);
    let headers = answer.headers();
    assert_eq!(headers["x-ratelimit-limit-requests"], limit);
    let told = headers["x-ratelimit-remaining-requests"].to_str().unwrap();
    assert_eq!(told, remaining.to_string());
    assert!(headers.contains_key("x-ratelimit-reset-requests"));
}

/// The request came too soon, and its caller is told when there is room.
fn assert_too_soon(refused: &Refused) {
    assert_eq!(
        (refused.status, &*refused.code),
        (429, "rate_limit_exceeded")
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_a_minute_are_counted_over_both_gateways() {
    let Some(fleet) = Fleet::start(false).await else {
        return;
    };
    let limit = json!({"rateLimitPerMin": 6});
    let tenant = fleet.tenant_at("hurries", limit).await;
    for remaining in (0..6).rev() {
        let gateway = fleet.both()[remaining % 2];
        let answer = free().send(gateway, &tenant).await;
        assert_remaining(&answer, "6", remaining);
    }
    for gateway in fleet.both() {
        let calls = gateway.simulator.totals().calls;
        assert_eq!(calls, 3);
        let refused = free().refused(gateway, &tenant).await;
        assert_too_soon(&refused);
        assert_eq!(refused.header("x-ratelimit-limit-requests"), Some("6"));
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
        assert!(refused.header("x-ratelimit-reset-requests").is_some());
        assert_eq!(gateway.simulator.totals().calls, calls);
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_a_minute_are_counted_over_both_gateways() {
    let Some(fleet) = Fleet::start(false).await else {
        return;
    };
    let limit = json!({"tokensPerMin": 1_000});
    let tenant = fleet.tenant_at("verbose", limit).await;
    // What was taken for an answer that is short is given back, for the other as well.
    let modest = Dialect::OpenAi.call("hello [[sim output=10]]", Some(900), false);
    let call = Dialect::OpenAi.call("hello [[sim output=800]]", Some(900), false);
    for (gateway, call) in [
        (&fleet.one, &modest),
        (&fleet.other, &modest),
        (&fleet.one, &call),
    ] {
        let tokens_fit = async || status(call, gateway, &tenant).await == 200;
        within(CHANGE_HOLDS_WITHIN, "tokens are given back", tokens_fit).await;
    }
    for gateway in fleet.both() {
        let refused = call.refused(gateway, &tenant).await;
        assert_too_soon(&refused);
        let message = &refused.message;
        assert!(message.contains("1000 tokens a minute"), "{refused:?}");
        assert_eq!(refused.header("x-ratelimit-limit-tokens"), Some("1000"));
        let left = refused.header("x-ratelimit-remaining-tokens").unwrap();
        assert!(left.parse::<u64>().unwrap() < 200, "{refused:?}");
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_are_counted_over_both_gateways() {
    let Some(fleet) = Fleet::start(false).await else {
        return;
    };
    let limit = json!({"maxConcurrent": 3});
    let tenant = fleet.tenant_at("patient", limit).await;
    let slow = Dialect::OpenAi.call("[[sim output=20 chunks=20 delay_ms=150]]", Some(20), true);
    let mut under_way = Vec::new();
    for gateway in [&fleet.one, &fleet.other, &fleet.one] {
        let answer = slow.send(gateway, &tenant).await;
        assert_eq!(answer.status(), 200);
        under_way.push(answer);
    }
    for gateway in fleet.both() {
        let refused = free().refused(gateway, &tenant).await;
        let message = &refused.message;
        assert!(message.contains("3 requests at once"), "{refused:?}");
        let told = (refused.status, refused.header("retry-after"));
        assert_eq!(told, (429, Some("1")));
    }
    for answer in under_way {
        answer.text().await.unwrap();
    }
    for gateway in fleet.both() {
        let has_room = async || status(&free(), gateway, &tenant).await == 200;
        within(CHANGE_HOLDS_WITHIN, "there is room again", has_room).await;
    }
    fleet.end().await;
}

async fn changes_hold_on_the_other(leases: bool) {
    let Some(fleet) = Fleet::start(leases).await else {
        return;
    };
    let tenant = fleet.tenant_with("changes", "1").await;
    // So that the second has slices, if it takes any.
    let busy_until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < busy_until {
        assert_eq!(status(&small(), &fleet.other, &tenant).await, 200);
    }
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    for (amount, expected) in [("0.000001", 402), ("1", 200)] {
        let budgets = json!({"budgets": [{"period": "total", "amountUsd": amount}]});
        fleet.one.admin(Method::POST, &path, budgets).await;
        within(CHANGE_HOLDS_WITHIN, "a budget", async || {
            status(&small(), &fleet.other, &tenant).await == expected
        })
        .await;
    }
    let path = format!("/admin/apikey/{}", tenant.key_id);
    fleet.one.admin(Method::DELETE, &path, Value::Null).await;
    within(CHANGE_HOLDS_WITHIN, "a revoked key", async || {
        status(&small(), &fleet.other, &tenant).await == 401
    })
    .await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lower_budget_and_a_revoked_key_hold_on_the_other_gateway() {
    changes_hold_on_the_other(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lower_budget_and_a_revoked_key_hold_on_the_other_gateway_that_takes_leases() {
    changes_hold_on_the_other(true).await;
}

async fn tells_redis(gateway: &TestGateway) -> bool {
    let answer = gateway.request(Method::GET, "/health").send().await;
    let told: Value = answer.unwrap().json().await.unwrap();
    let dependencies = &told["dependencies"];
    assert_eq!(dependencies["database"], true, "{told}");
    assert_eq!(told["ok"], dependencies["redis"], "{told}");
    dependencies["redis"] == true
}

/// Nobody with a limit is served, and each is told so as its SDK expects it.
async fn assert_undecided(gateway: &TestGateway, limited: [&Tenant; 2]) {
    within(NOTICED_WITHIN, "Redis is missed", async || {
        !tells_redis(gateway).await
    })
    .await;
    let calls = gateway.simulator.totals().calls;
    let kinds = ["server_error", "overloaded_error", "UNAVAILABLE"];
    for (dialect, kind) in Dialect::ALL.into_iter().zip(kinds) {
        for tenant in limited {
            let call = dialect.call("hello", Some(16), false);
            let refused = call.refused(gateway, tenant).await;
            assert_eq!((refused.status, &*refused.kind), (503, kind), "{refused:?}");
            assert_eq!(refused.header("retry-after"), Some("1"));
        }
    }
    assert_eq!(gateway.simulator.totals().calls, calls);
}

/// As soon as Redis is back, what is left can be spent; what was spent before is spent.
async fn assert_it_goes_on(gateway: &TestGateway, [roomy, used_up]: [&Tenant; 2]) {
    within(NOTICED_WITHIN, "requests are served", async || {
        let used_up = status(&small(), gateway, used_up).await;
        assert!([402, 503].contains(&used_up), "{used_up}");
        status(&small(), gateway, roomy).await == 200
    })
    .await;
    within(NOTICED_WITHIN, "the other budget is known", async || {
        let status = status(&small(), gateway, used_up).await;
        assert!([402, 503].contains(&status), "{status}");
        status == 402
    })
    .await;
    assert!(tells_redis(gateway).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_nobody_with_a_limit_is_served_and_afterwards_nothing_is_forgotten() {
    let Some(mut fleet) = Fleet::start(false).await else {
        return;
    };
    let roomy = fleet.tenant_with("roomy", "1").await;
    let rated = fleet
        .tenant_at("rated", json!({"rateLimitPerMin": 1_000}))
        .await;
    let used_up = fleet.tenant_with("used up", "0.0003").await;
    use_up(&fleet, &used_up).await;
    let before = small().refused(&fleet.one, &used_up).await;
    fleet.redis.kill();
    for gateway in fleet.both() {
        assert_undecided(gateway, [&roomy, &rated]).await;
    }
    fleet.redis.start_again().await;
    for gateway in fleet.both() {
        assert_it_goes_on(gateway, [&roomy, &used_up]).await;
        let after = small().refused(gateway, &used_up).await;
        for name in ["x-budgetguard-spent-usd", "x-budgetguard-held-usd"] {
            assert_eq!(amount(&after, name), amount(&before, name), "{name}");
        }
        assert_eq!(status(&free(), gateway, &rated).await, 200);
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_on_two_gateways_share_a_budget_and_a_limit() {
    for leases in [false, true] {
        let provider = RealtimeProvider::start().await;
        let setup = || Setup::new().upstream(&provider.url());
        let Some(fleet) = Fleet::start_before(leases, setup).await else {
            return;
        };
        let tenant = fleet.tenant_with("converses", "2").await;
        let talk = async |gateway: &TestGateway| {
            let mut caller = Caller::connect(gateway.port, &tenant.key).await;
            for _ in 0..12 {
                caller.turn(json!({"output": "3000"})).await;
            }
        };
        join_all(fleet.both().map(talk)).await;
        within(SLICES_BACK_WITHIN, "what was spent", async || {
            fleet.one.standing(&tenant).await == (provider.billed(), 0)
        })
        .await;
        assert!(provider.billed() <= nanos("2"), "{}", provider.billed());
        assert!(provider.billed() >= nanos("1.3"), "{}", provider.billed());

        let limited = fleet.tenant_at("alone", json!({"maxConcurrent": 1})).await;
        let mut first = Caller::connect(fleet.one.port, &limited.key).await;
        let bearer = format!("Bearer {}", limited.key);
        let headers = [("authorization", bearer.as_str())];
        let second = Caller::try_connect(fleet.other.port, "", &headers).await;
        assert_eq!(second.err(), Some(429));
        assert_eq!(
            first.turn(json!({"output": "1"})).await["type"],
            "response.done"
        );
        fleet.end().await;
    }
}
