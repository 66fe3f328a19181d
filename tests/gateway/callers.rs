//! Callers that open too many connections, or say too little on them.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};
use crate::raw::{RawConnection, head, small};
use crate::tls_support::Certificates;

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

async fn answered(gateway: &TestGateway) -> RawConnection {
    let mut connection = RawConnection::open(gateway).await;
    connection.write(HEALTH).await;
    assert_eq!(connection.answer().await.unwrap().status, 200);
    connection
}

/// A connection that is served; nothing if it is refused.
async fn let_in(gateway: &TestGateway) -> Option<RawConnection> {
    let mut connection = RawConnection::open(gateway).await;
    connection.write(HEALTH).await;
    let told = connection.answer().await;
    assert!(
        told.as_ref()
            .is_none_or(|told| [200, 503].contains(&told.status))
    );
    told.is_some_and(|told| told.status == 200)
        .then_some(connection)
}

/// Asks for a metric on a connection of its own, which counts.
async fn refused(gateway: &TestGateway, limit: &str) -> u64 {
    let name = format!("budgetguard_connections_refused_total{{limit=\"{limit}\"}}");
    gateway.metric(&name).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_in_all_and_for_each_address() {
    for (key, limit) in [
        ("limits.connections_max", "total"),
        ("limits.connections_per_address_max", "address"),
    ] {
        let gateway = Setup::new().set(key, "3").start().await;
        // The test's own client may keep one of them.
        let mut kept = Vec::new();
        while let Some(connection) = let_in(&gateway).await {
            kept.push(connection);
            assert!(kept.len() <= 3, "{limit}");
        }
        assert!(kept.len() >= 2, "{limit}: {}", kept.len());
        kept.pop();
        gateway
            .until("there is room again", async || {
                let_in(&gateway).await.is_some()
            })
            .await;
        kept.clear();
        // For these two while they are closed, and for the test's own client.
        gateway
            .until("there is room for two", async || {
                let (one, other) = (let_in(&gateway).await, let_in(&gateway).await);
                one.is_some() && other.is_some()
            })
            .await;
        assert!(refused(&gateway, limit).await >= 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_may_have_as_many_connections_as_they_like() {
    let gateway = Setup::new()
        .set("limits.connections_per_address_max", "1")
        .env("TRUSTED_PROXIES", "127.0.0.0/8")
        .start()
        .await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.push(answered(&gateway).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_with_tls_are_counted_before_their_handshake() {
    let certificates = Certificates::new();
    for protocol in ["h2", "http/1.1"] {
        // One for each: connections that are left are counted for a moment longer.
        let gateway = Setup::new()
            .env("TLS_CERT", certificates.path("cert.pem").to_string_lossy())
            .env("TLS_KEY", certificates.path("key.pem").to_string_lossy())
            .set("limits.connections_max", "2")
            .start()
            .await;
        let first = certificates.connect(gateway.port, &[protocol]).await;
        let second = certificates.connect(gateway.port, &[protocol]).await;
        let (first, _second) = (first.unwrap(), second.unwrap());
        certificates
            .connect(gateway.port, &[protocol])
            .await
            .unwrap_err();
        drop(first);
        gateway
            .until("there is room again", async || {
                certificates
                    .connect(gateway.port, &[protocol])
                    .await
                    .is_ok()
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_callers_are_left_however_often_they_say_a_little() {
    let gateway = Setup::new()
        .set("limits.header_timeout_s", "1")
        .set("limits.idle_timeout_s", "2")
        .set("limits.body_timeout_s", "1")
        .start()
        .await;
    let tenant = gateway.tenant_with("slow", "1").await;
    let begun = Instant::now();
    // The head never ends.
    let mut dripping = RawConnection::open(&gateway).await;
    let mut silent = RawConnection::open(&gateway).await;
    while begun.elapsed() < Duration::from_secs(3) && dripping.write(b"GET /").await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "it goes on for ever"
    );
    assert!(silent.is_closed().await);
    // The body never ends.
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    let mut body = RawConnection::open(&gateway).await;
    let head = head(&call, &tenant, &["content-length: 1000"]);
    body.write(head.as_bytes()).await;
    let dripped = async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            body.write(b"{").await;
        }
    };
    // What is written after the answer is for nobody.
    dripped.await;
    assert_eq!(body.answer().await.unwrap().status, 408);
    // The next request never comes. One that does in time is served.
    let mut idle = RawConnection::open(&gateway).await;
    for _ in 0..2 {
        idle.write(&small(Dialect::OpenAi, &tenant)).await;
        assert_eq!(idle.answer().await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    assert!(idle.is_closed().await);
    assert!(
        gateway
            .metric("budgetguard_connections_expired_total")
            .await
            >= 2
    );
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_take_longer_than_a_connection_may_wait() {
    let gateway = Setup::new()
        .set("limits.header_timeout_s", "1")
        .set("limits.idle_timeout_s", "1")
        .start()
        .await;
    let tenant = gateway.tenant_with("long", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=30 chunks=30 delay_ms=100]]", Some(50), true);
    let text = call.text(&gateway, &tenant).await;
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    let http2 = reqwest::Client::builder().http2_prior_knowledge();
    let http2 = http2.no_proxy().build().unwrap();
    let (name, value) = call.dialect.key_header(&tenant.key);
    let request = http2.post(format!("{}{}", gateway.url, call.path));
    let request = request.header(name, value).body(call.body.clone());
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_answer_ourselves_has_the_headers_that_keep_browsers_out() {
    let gateway = Setup::new().start().await;
    for path in [
        "/health",
        "/metrics",
        "/docs",
        "/dashboard",
        "/admin/tenant",
    ] {
        let answer = gateway.request(Method::GET, path).send().await.unwrap();
        let headers = answer.headers();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
    }
}
