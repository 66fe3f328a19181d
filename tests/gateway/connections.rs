//! Connections: kept ones that break, many requests on one, and callers on HTTP/2 that leave.

use std::time::Duration;

use budgetguard::simulator::CallOutcome;
use futures::StreamExt;
use futures::future::join_all;
use reqwest::Client;
use serde_json::Value;

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::{cost, usd};
use crate::upstream::ClosingUpstream;

fn http2() -> Client {
    let builder = Client::builder().no_proxy();
    builder.http2_prior_knowledge().build().unwrap()
}

async fn send(
    client: &Client,
    (gateway, tenant): (&TestGateway, &Tenant),
    call: &Call,
) -> reqwest::Response {
    let (name, value) = call.dialect.key_header(&tenant.key);
    let request = client
        .post(format!("{}{}", gateway.url, call.path))
        .header(name, value);
    request.body(call.body.clone()).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_may_have_read_is_never_sent_twice() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("once", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        for streamed in [false, true] {
            // The connection is kept, so the next call goes out on a used one.
            dialect
                .call("hello", Some(16), false)
                .text(&gateway, &tenant)
                .await;
            let call = dialect.call("[[sim output=200 cut_after=0]]", Some(500), streamed);
            let refused = call.refused(&gateway, &tenant).await;
            assert_eq!(
                (refused.status, &*refused.code),
                (502, "upstream_unreachable")
            );
            let sent = gateway.simulator.totals().calls;
            let expected = 4 * at as u64 + if streamed { 4 } else { 2 };
            assert_eq!(sent, expected, "{dialect:?} was asked again");
        }
    }
    let rows = gateway.ledger_of(&tenant, 12).await;
    let bill: i64 = gateway
        .simulator
        .calls()
        .iter()
        .map(|call| cost(&call.model, &call.billed))
        .sum();
    assert!(
        rows.iter().map(usd).sum::<i64>() >= bill,
        "the provider billed more: {rows:#?}"
    );
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_http2_connection_carries_many_requests_at_once() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("multiplexes", "100").await;
    let client = http2();
    let calls = (0..120).map(|number| {
        let dialect = Dialect::ALL[number % 3];
        let call = dialect.call(
            "[[sim output=20 chunks=5 delay_ms=5]]",
            Some(50),
            number % 2 == 0,
        );
        let (gateway, tenant, client) = (&gateway, &tenant, &client);
        async move {
            let answer = send(client, (gateway, tenant), &call).await;
            assert_eq!(answer.status(), 200);
            let text = answer.text().await.unwrap();
            assert_eq!(text.matches(" token").count(), 20, "{text}");
        }
    });
    join_all(calls).await;
    let rows = gateway.ledger_of(&tenant, 120).await;
    assert!(rows.iter().all(|row| row["basis"] == "measured"));
    let calls = gateway.simulator.calls();
    let bill: i64 = calls
        .iter()
        .map(|call| cost(&call.model, &call.billed))
        .sum();
    assert_eq!(gateway.standing(&tenant).await, (bill, 0));
}

async fn leave_over_http2(gateway: &TestGateway, tenant: &Tenant, dialect: Dialect) -> Value {
    let rows = gateway.ledger(tenant).await.len();
    let prompt = "hello [[sim output=100 chunks=100 delay_ms=8]]";
    let call = dialect.call(prompt, Some(500), true);
    let client = http2();
    let mut stream = send(&client, (gateway, tenant), &call).await.bytes_stream();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    drop(client);
    gateway
        .until("the provider ends", async || {
            gateway.simulator.totals().in_flight == 0
        })
        .await;
    let row = gateway.ledger_of(tenant, rows + 1).await.remove(0);
    gateway.assert_nothing_held().await;
    row
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_leaves_over_http2_is_charged_as_over_http1() {
    for mode in ["cancel", "drain"] {
        let gateway = Setup::new().env("ABORT_MODE", mode).start().await;
        let tenant = gateway.tenant_with("resets", "1").await;
        for dialect in Dialect::ALL {
            let row = leave_over_http2(&gateway, &tenant, dialect).await;
            let provider = gateway.simulator.calls().pop().unwrap();
            if mode == "drain" {
                assert_eq!(provider.outcome, CallOutcome::Finished);
                assert_eq!(usd(&row), cost(dialect.model(), &provider.billed), "{row}");
            } else {
                assert_eq!(provider.outcome, CallOutcome::Aborted);
                assert_eq!(row["status"], "aborted", "{row}");
                assert!(usd(&row) <= nanos(row["heldUsd"].as_str().unwrap()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_a_large_body_is_told_so_and_does_not_block_anybody() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("patient").await;
    let stranger = Tenant {
        key: "bg_nobodys".to_owned(),
        ..tenant.clone()
    };
    let call = Dialect::OpenAi.call(&"x".repeat(20 << 20), Some(16), false);
    for client in [http2(), Client::builder().no_proxy().build().unwrap()] {
        let answer = send(&client, (&gateway, &stranger), &call).await;
        assert_eq!(Dialect::OpenAi.refused(answer).await.status, 401);
        let small = Dialect::OpenAi.call("hello", Some(16), false);
        let answer = send(&client, (&gateway, &tenant), &small).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(gateway.simulator.totals().calls, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_gets_the_whole_stream() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("slow", "100").await;
    for client in [http2(), Client::builder().no_proxy().build().unwrap()] {
        let call = Dialect::OpenAi.call("[[sim output=20000 chunks=20000]]", Some(20_000), true);
        let answer = send(&client, (&gateway, &tenant), &call).await;
        // Long enough for every buffer on the way to fill.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let text = answer.text().await.unwrap();
        assert_eq!(text.matches(" token").count(), 20_000);
        assert!(text.ends_with("data: [DONE]\n\n"));
    }
    let rows = gateway.ledger_of(&tenant, 2).await;
    assert!(
        rows.iter()
            .all(|row| row["compTok"] == 20_000 && row["basis"] == "measured")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_that_the_provider_has_closed_is_not_used_again() {
    const TIMES: usize = 20;
    let closing = ClosingUpstream::start().await;
    let gateway = Setup::new().upstream(&closing.url()).start().await;
    let tenant = gateway.tenant_with("unnoticed", "1").await;
    for served in 1..=TIMES {
        let call = Dialect::OpenAi.call("hello", Some(16), served % 2 == 0);
        call.text(&gateway, &tenant).await;
        gateway
            .until("it is closed", async || closing.closed() == served)
            .await;
    }
    gateway.ledger_of(&tenant, TIMES).await;
}
