//! What changes without a restart: the certificate, the log filter, and keys for providers.

use std::fs;

use axum::body::Body;
use axum::http::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioIo;

use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};
use crate::tls_support::{Certificates, http2};
use crate::upstream::RecordingUpstream;

const FAILED: &str = "budgetguard_tls_reload_failed";

/// The files that the gateway was told, with what others hold.
fn exchange(told: &Certificates, for_those_of: &Certificates, names: &[&str]) {
    for name in names {
        let beside = told.path("beside.pem");
        fs::copy(for_those_of.path(name), &beside).unwrap();
        fs::rename(beside, told.path(name)).unwrap();
    }
}

/// The authority that signed the certificate of a new connection.
async fn is_trusted(gateway: &TestGateway, by: &Certificates) -> bool {
    by.connect(gateway.port, &["http/1.1"]).await.is_ok()
}

async fn health(connection: &mut SendRequest<Body>, port: u16) -> u16 {
    let request = Request::get(format!("https://localhost:{port}/health"));
    let request = request.body(Body::empty()).unwrap();
    let answer = connection.send_request(request).await.unwrap();
    answer.status().as_u16()
}

async fn metric(certificates: &Certificates, port: u16, name: &str) -> String {
    let (stream, _) = certificates.connect(port, &["http/1.1"]).await.unwrap();
    let begun = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = begun.unwrap();
    let asked = async {
        let request = Request::get("/metrics").header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await;
        String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap()
    };
    let text = tokio::select! {
        text = asked => text,
        ended = connection => panic!("{ended:?}"),
    };
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    value
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .to_owned()
}

/// A certificate without its key, and then a file that is none: the one in force stays.
async fn refuses_what_is_broken(
    gateway: &TestGateway,
    told: &Certificates,
    (other, in_force): (&Certificates, &Certificates),
) {
    exchange(told, other, &["cert.pem"]);
    gateway
        .until("it is told", async || {
            gateway.log().contains("what was before stays in force")
        })
        .await;
    assert!(is_trusted(gateway, in_force).await);
    assert_eq!(metric(in_force, gateway.port, FAILED).await, "1");
    fs::write(told.path("cert.pem"), "no certificate").unwrap();
    gateway.signal("-HUP");
    gateway
        .until("it is told again", async || {
            gateway
                .log()
                .matches("what was before stays in force")
                .count()
                > 1
        })
        .await;
    assert!(is_trusted(gateway, in_force).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_to_new_connections_and_a_broken_one_to_nobody() {
    let (told, first, second) = (
        Certificates::new(),
        Certificates::new(),
        Certificates::new(),
    );
    exchange(&told, &first, &["cert.pem", "key.pem"]);
    let gateway = Setup::new()
        .env("TLS_CERT", told.path("cert.pem").to_string_lossy())
        .env("TLS_KEY", told.path("key.pem").to_string_lossy())
        .start()
        .await;
    let (stream, _) = first.connect(gateway.port, &["h2"]).await.unwrap();
    let mut old = http2(stream).await;
    assert_eq!(health(&mut old, gateway.port).await, 200);
    assert!(!is_trusted(&gateway, &second).await);

    exchange(&told, &second, &["cert.pem", "key.pem"]);
    gateway
        .until("the new certificate is shown", async || {
            is_trusted(&gateway, &second).await
        })
        .await;
    assert!(!is_trusted(&gateway, &first).await);
    assert_eq!(health(&mut old, gateway.port).await, 200, "it goes on");

    refuses_what_is_broken(&gateway, &told, (&first, &second)).await;

    exchange(&told, &first, &["cert.pem", "key.pem"]);
    gateway.signal("-HUP");
    gateway
        .until("the good one is shown", async || {
            is_trusted(&gateway, &first).await
        })
        .await;
    assert_eq!(metric(&first, gateway.port, FAILED).await, "0");
    assert_eq!(health(&mut old, gateway.port).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_takes_over_the_log_filter_and_names_what_needs_a_restart() {
    let mut gateway = Setup::new()
        .set("telemetry.log_filter", "\"warn\"")
        .start()
        .await;
    let taken = r#"budgetguard_settings_reloads_total{outcome="loaded"}"#;
    let failed = r#"budgetguard_settings_reloads_total{outcome="failed"}"#;
    assert!(!gateway.log().contains("settings were read again"));
    gateway.set("telemetry.log_filter", "\"info,pingora=warn\"");
    gateway.set("limits.header_count_max", "50");
    gateway.write_settings();
    gateway.signal("-HUP");
    gateway
        .until("they are taken over", async || {
            gateway.metric(taken).await == 1
        })
        .await;
    let log = gateway.log();
    assert!(log.contains("limits.header_count_max"), "{log}");
    assert!(!log.contains("stopping"), "{log}");

    gateway.set("limits.header_count_max", "\"many\"");
    gateway.set("no.such_key", "1");
    gateway.write_settings();
    gateway.signal("-HUP");
    gateway
        .until("they are refused", async || {
            gateway.metric(failed).await == 1
        })
        .await;
    let log = gateway.log();
    assert!(
        log.contains("no.such_key") && log.contains("must be a whole number"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_shows_providers_the_key_that_its_file_has_now() {
    let provider = RecordingUpstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openai-key");
    fs::write(&file, "sk-first").unwrap();
    let gateway = Setup::new()
        .env("OPENAI_KEY", format!("file:{}", file.display()))
        .upstream(&provider.url())
        .start()
        .await;
    let tenant = gateway.tenant("rotates").await;
    let shown = async || {
        let call = Dialect::OpenAi.call("hello", Some(16), false);
        assert_eq!(call.send(&gateway, &tenant).await.status(), 200);
        let received = provider.received.take();
        let shown = received[0].headers["authorization"].to_str();
        shown.unwrap().to_owned()
    };
    assert_eq!(shown().await, "Bearer sk-first");
    fs::write(&file, "sk-second").unwrap();
    assert_eq!(shown().await, "Bearer sk-first", "it was not told yet");
    gateway.signal("-HUP");
    let is_shown = async || shown().await == "Bearer sk-second";
    gateway.until("the second key is shown", is_shown).await;
    let log = gateway.log();
    assert!(
        !log.contains("sk-first") && !log.contains("sk-second"),
        "{log}"
    );
}
