//! TLS on both sides: callers with HTTP/2 and HTTP/1.1, providers with certificates of an own authority.

use axum::body::Body;
use axum::http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{ADMIN_KEY, Setup};
use crate::tls_support::{Certificates, http2, provider};

const KEY: &str = "bg_the_key_of_the_tls_tests";

fn request(dialect: Dialect, port: u16, body: Vec<u8>) -> Request<Body> {
    let (name, value) = dialect.key_header(KEY);
    Request::post(format!("https://localhost:{port}{}", dialect.path(false)))
        .header(name, value)
        .header("host", format!("localhost:{port}"))
        .body(Body::from(body))
        .unwrap()
}

async fn assert_answered(answer: hyper::Result<Response<Incoming>>, version: Version) {
    let answer = answer.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    let whole = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Value>(&whole).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "ends with the connection")]
async fn callers_are_served_over_tls_with_http2_and_http1() {
    let certificates = Certificates::new();
    let gateway = Setup::new()
        .env("TLS_CERT", certificates.path("cert.pem").to_string_lossy())
        .env("TLS_KEY", certificates.path("key.pem").to_string_lossy())
        .env("DEFAULT_API_KEY", KEY)
        .start()
        .await;
    let (stream, agreed) = certificates
        .connect(gateway.port, &["h2", "http/1.1"])
        .await
        .unwrap();
    assert_eq!(agreed.as_deref(), Some("h2"));
    let mut http2 = http2(stream).await;
    let (stream, agreed) = certificates
        .connect(gateway.port, &["http/1.1"])
        .await
        .unwrap();
    assert_eq!(agreed.as_deref(), Some("http/1.1"));
    let begun = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut http1, connection) = begun.unwrap();
    tokio::spawn(connection);
    for dialect in Dialect::ALL {
        for prompt in ["hello", &"long ".repeat(100_000)] {
            let body = dialect.body(prompt, Some(16), false).to_string();
            let body = body.into_bytes();
            let asked = request(dialect, gateway.port, body.clone());
            assert_answered(http2.send_request(asked).await, Version::HTTP_2).await;
            let mut asked = request(dialect, gateway.port, body);
            *asked.uri_mut() = dialect.path(false).parse().unwrap();
            http1.ready().await.unwrap();
            assert_answered(http1.send_request(asked).await, Version::HTTP_11).await;
        }
        // A refusal does not end the connection for others.
        let asked = request(dialect, gateway.port, b"{".to_vec());
        assert_eq!(http2.send_request(asked).await.unwrap().status(), 400);
    }
    let ledger = Request::get(format!(
        "https://localhost:{}/admin/usage/ledger",
        gateway.port
    ));
    let ledger = ledger
        .header("x-admin-key", ADMIN_KEY)
        .body(Body::empty())
        .unwrap();
    assert_eq!(http2.send_request(ledger).await.unwrap().status(), 200);
    assert_eq!(gateway.simulator.totals().finished, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_trusts_somebody_else_does_not_get_in() {
    let certificates = Certificates::new();
    let gateway = Setup::new()
        .env("TLS_CERT", certificates.path("cert.pem").to_string_lossy())
        .env("TLS_KEY", certificates.path("key.pem").to_string_lossy())
        .start()
        .await;
    Certificates::new()
        .connect(gateway.port, &["h2"])
        .await
        .unwrap_err();
    certificates.connect(gateway.port, &["h2"]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_reached_over_tls_by_an_authority_that_was_added() {
    let certificates = Certificates::new();
    for (protocol, http2) in [("http/1.1", true), ("http/1.1", false), ("h2", true)] {
        let provider = provider(&certificates, protocol).await;
        let url = format!("https://localhost:{}", provider.address.port());
        let setup = Setup::new().upstream(&url);
        let gateway = setup
            .set("upstream.ca_file", certificates.quoted("ca.pem"))
            .set("upstream.http2", http2.to_string())
            .start()
            .await;
        let tenant = gateway.tenant_with("trusts", "1").await;
        for dialect in Dialect::ALL {
            for prompt in ["hello", &"long ".repeat(30_000)] {
                let call = dialect.call(prompt, Some(16), false);
                call.text(&gateway, &tenant).await;
                let received = provider.received.take();
                assert_eq!(received.len(), 1, "{protocol}");
                assert!(received[0].body == call.body, "{protocol} {dialect:?}");
            }
        }
        let rows = gateway.ledger_of(&tenant, 6).await;
        assert!(
            rows.iter().all(|row| row["basis"] == "measured"),
            "{rows:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_with_a_wrong_certificate_is_not_spoken_to() {
    let (theirs, ours) = (Certificates::new(), Certificates::new());
    let provider = provider(&theirs, "http/1.1").await;
    let url = format!("https://localhost:{}", provider.address.port());
    let setup = Setup::new().upstream(&url);
    let gateway = setup
        .set("upstream.ca_file", ours.quoted("ca.pem"))
        .start()
        .await;
    let tenant = gateway.tenant_with("mistrusts", "1").await;
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        let refused = dialect
            .call("hello", Some(16), at == 1)
            .refused(&gateway, &tenant)
            .await;
        assert_eq!(
            (refused.status, &*refused.code),
            (502, "upstream_unreachable")
        );
    }
    assert!(provider.received.take().is_empty());
    let rows = gateway.ledger_of(&tenant, 3).await;
    assert!(
        rows.iter()
            .all(|row| row["usd"] == "0" && row["status"] == "failed"),
        "{rows:?}"
    );
    assert_eq!(gateway.standing(&tenant).await, (0, 0));
    gateway.assert_nothing_held().await;
}
