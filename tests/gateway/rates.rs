//! Requests a minute: what a caller is told, and when it is refused.

use reqwest::Method;
use serde_json::json;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway};

fn free() -> Call {
    let body = json!({"input": "hello"});
    Call::to(Dialect::OpenAi, "/v1/moderations", &body)
}

async fn limit(gateway: &TestGateway, tenant: &Tenant, limit: u32) {
    let path = format!("/admin/tenant/{}/ratelimit", tenant.id);
    let body = json!({"rateLimitPerMin": limit});
    gateway.admin(Method::PUT, &path, body).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_told_where_it_stands_and_then_to_wait() {
    let gateway = Setup::new().start().await;
    for dialect in Dialect::ALL {
        let tenant = gateway.tenant(&format!("hurries {dialect:?}")).await;
        limit(&gateway, &tenant, 3).await;
        let call = dialect.call("hello", Some(16), false);
        for remaining in ["2", "1", "0"] {
            let answer = call.send(&gateway, &tenant).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["x-ratelimit-limit-requests"], "3");
            assert_eq!(
                answer.headers()["x-ratelimit-remaining-requests"],
                remaining
            );
            assert!(answer.headers().contains_key("x-ratelimit-reset-requests"));
        }
        let calls = gateway.simulator.totals().calls;
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (429, "rate_limit_exceeded")
        );
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        // A request counts until its whole second is a minute old.
        assert!((1..=61).contains(&wait), "{wait}");
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
        assert_eq!(refused.header("x-should-retry"), None);
        assert_eq!(gateway.simulator.totals().calls, calls);
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_zero_is_none_and_a_change_holds_at_once() {
    let gateway = Setup::new().env("MAX_REQS_PER_MIN", "2").start().await;
    let (usual, free_one) = (gateway.tenant("usual").await, gateway.tenant("free").await);
    limit(&gateway, &free_one, 0).await;
    for _ in 0..10 {
        let answer = free().send(&gateway, &free_one).await;
        assert_eq!(answer.status(), 200);
    }
    for status in [200, 200, 429] {
        assert_eq!(free().send(&gateway, &usual).await.status(), status);
    }
    limit(&gateway, &usual, 4).await;
    assert_eq!(free().send(&gateway, &usual).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_callers_get_exactly_the_limit() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("crowd").await;
    limit(&gateway, &tenant, 20).await;
    let call = free();
    let sent = (0..60).map(|_| call.send(&gateway, &tenant));
    let answers = futures::future::join_all(sent).await;
    let taken = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    assert_eq!(taken, 20);
    assert_eq!(gateway.simulator.totals().calls, 20);
}

async fn limits_of(gateway: &TestGateway, path: &str, limits: serde_json::Value) {
    gateway.admin(Method::PUT, path, limits).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_limits_of_its_own_beside_its_tenants() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("shared").await;
    limit(&gateway, &tenant, 5).await;
    let path = format!("/admin/apikey/{}/ratelimit", tenant.key_id);
    limits_of(&gateway, &path, json!({"rateLimitPerMin": 2})).await;
    for status in [200, 200, 429, 429] {
        assert_eq!(free().send(&gateway, &tenant).await.status(), status);
    }
    let refused = free().refused(&gateway, &tenant).await;
    assert!(
        refused.message.contains("of this key of 2 requests"),
        "{refused:?}"
    );
    let keys = format!("/admin/tenant/{}/apikeys", tenant.id);
    let other = gateway.admin(Method::POST, &keys, json!({})).await;
    let other = Tenant {
        key: other["key"].as_str().unwrap().to_owned(),
        ..tenant.clone()
    };
    for status in [200, 200, 200, 429] {
        assert_eq!(free().send(&gateway, &other).await.status(), status);
    }
}

/// A caller has its answer before its tokens are counted.
async fn until_finished(gateway: &TestGateway, calls: u64) {
    let is_over = async || gateway.requests_finished().await == calls;
    gateway.until("the requests are over", is_over).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_a_minute_are_those_that_were_used() {
    let gateway = Setup::new().start().await;
    let mut calls = 0;
    for dialect in Dialect::ALL {
        let tenant = gateway.tenant(&format!("verbose {dialect:?}")).await;
        let path = format!("/admin/tenant/{}/ratelimit", tenant.id);
        limits_of(&gateway, &path, json!({"tokensPerMin": 1_000})).await;
        // It may use nearly all of them, and uses a few.
        let call = dialect.call("hello [[sim output=10]]", Some(900), false);
        for _ in 0..3 {
            let answer = call.send(&gateway, &tenant).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["x-ratelimit-limit-tokens"], "1000");
            answer.text().await.unwrap();
            calls += 1;
            until_finished(&gateway, calls).await;
        }
        let call = dialect.call("hello [[sim output=800]]", Some(900), true);
        call.text(&gateway, &tenant).await;
        calls += 1;
        until_finished(&gateway, calls).await;
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (429, "rate_limit_exceeded")
        );
        assert!(
            refused.message.contains("1000 tokens a minute"),
            "{refused:?}"
        );
        let left: u64 = refused
            .header("x-ratelimit-remaining-tokens")
            .unwrap()
            .parse()
            .unwrap();
        assert!(left < 200, "{left}");
        assert!(refused.header("retry-after").is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_requests_are_under_way_at_once() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("patient").await;
    let path = format!("/admin/tenant/{}/ratelimit", tenant.id);
    limits_of(&gateway, &path, json!({"maxConcurrent": 3})).await;
    let slow = Dialect::OpenAi.call("[[sim output=20 chunks=20 delay_ms=20]]", Some(20), true);
    for _ in 0..3 {
        let sent = (0..8).map(|_| slow.send(&gateway, &tenant));
        let answers = futures::future::join_all(sent).await;
        let (mut accepted, mut refused) = (0, 0);
        for answer in answers {
            if answer.status() != 200 {
                let told = Dialect::OpenAi.refused(answer).await;
                assert!(told.message.contains("3 requests at once"), "{told:?}");
                assert_eq!((told.status, told.header("retry-after")), (429, Some("1")));
                refused += 1;
                continue;
            }
            accepted += 1;
            answer.text().await.unwrap();
        }
        assert_eq!((accepted, refused), (3, 5));
        // Those that were refused, and those whose callers left, count no longer.
        drop(slow.send(&gateway, &tenant).await);
        gateway
            .until("nothing is under way", async || {
                gateway.simulator.totals().in_flight == 0
            })
            .await;
        gateway.assert_nothing_held().await;
    }
}
