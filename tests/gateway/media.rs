//! Images, speech and transcripts: what reaches the provider, what is held, and what is charged.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;

const FORM: &str = "multipart/form-data; boundary=BoUnDaRy";

/// What came in, the last of it.
type Seen = Arc<Mutex<Option<(String, Bytes)>>>;

/// A provider that answers each endpoint as its documentation shows.
struct Provider {
    address: SocketAddr,
    seen: Seen,
}

impl Provider {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    *seen.lock() = Some((kind, body));
    let streams = text.contains("\"stream\":true") || text.contains("\"stream_format\":\"sse\"");
    let (kind, answer): (&str, &[u8]) = match uri.path() {
        "/v1/images/generations" if streams => (
            "text/event-stream",
            include_bytes!("../fixtures/openai/image.sse"),
        ),
        "/v1/images/generations" | "/v1/images/edits" => (
            "application/json",
            include_bytes!("../fixtures/openai/image.json"),
        ),
        "/v1/audio/speech" if streams => (
            "text/event-stream",
            include_bytes!("../fixtures/openai/speech.sse"),
        ),
        "/v1/audio/speech" => ("audio/mpeg", b"\xff\xf3\x84\xc4sound"),
        "/v1/audio/transcriptions" => (
            "application/json",
            include_bytes!("../fixtures/openai/transcript.json"),
        ),
        path => panic!("{path}"),
    };
    ([(header::CONTENT_TYPE, kind)], answer).into_response()
}

async fn send(
    gateway: &TestGateway,
    tenant: &Tenant,
    path: &str,
    kind: &str,
    body: &[u8],
) -> reqwest::Response {
    gateway
        .request(Method::POST, path)
        .bearer_auth(&tenant.key)
        .header(header::CONTENT_TYPE, kind)
        .body(body.to_vec())
        .send()
        .await
        .unwrap()
}

/// The row of a call that succeeded, with nothing held any more.
async fn row_of(
    gateway: &TestGateway,
    tenant: &Tenant,
    path: &str,
    kind: &str,
    body: &[u8],
) -> Value {
    let rows = gateway.ledger(tenant).await.len();
    let answer = send(gateway, tenant, path, kind, body).await;
    let status = answer.status();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
    let row = gateway.ledger_of(tenant, rows + 1).await.remove(0);
    assert_eq!(
        (&row["status"], &row["route"]),
        (&json!("success"), &json!(path)),
        "{row}"
    );
    gateway.assert_nothing_held().await;
    row
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!("--BoUnDaRy\r\nContent-Disposition: form-data; name={name}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--BoUnDaRy--\r\n");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_speech_and_transcripts_are_charged_to_the_nano_dollar() {
    let provider = Provider::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("media", "100").await;
    const JSON: &str = "application/json";
    let image = json!({"model": "gpt-image-1.5", "prompt": "a cat", "n": 2, "quality": "low"});
    let row = row_of(
        &gateway,
        &tenant,
        "/v1/images/generations",
        JSON,
        image.to_string().as_bytes(),
    )
    .await;
    // 92 x 5 + 1,028 x 8 + 544 x 32 micro-dollars.
    assert_eq!((&row["basis"], usd(&row)), (&json!("measured"), 26_092_000));
    assert_eq!(
        (&row["promptTok"], &row["compTok"]),
        (&json!(1_120), &json!(544))
    );

    let stream = json!({"model": "gpt-image-1.5", "prompt": "a cat", "stream": true});
    let row = row_of(
        &gateway,
        &tenant,
        "/v1/images/generations",
        JSON,
        stream.to_string().as_bytes(),
    )
    .await;
    // 50 x 5 + 24 x 10 + 1,156 x 32.
    assert_eq!((&row["basis"], usd(&row)), (&json!("measured"), 37_482_000));

    let picture = vec![0x89; 300_000];
    let edit = form(&[
        ("\"model\"", b"gpt-image-1.5"),
        ("\"prompt\"", b"with a hat"),
        ("\"image[]\"; filename=\"cat.png\"", &picture),
    ]);
    let row = row_of(&gateway, &tenant, "/v1/images/edits", FORM, &edit).await;
    assert_eq!((&row["basis"], usd(&row)), (&json!("measured"), 26_092_000));
    let (kind, received) = provider.seen.lock().take().unwrap();
    assert_eq!(kind, FORM);
    assert!(
        received == edit,
        "the form goes to the provider byte for byte"
    );

    let speech = json!({"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy", "stream_format": "sse"});
    let row = row_of(
        &gateway,
        &tenant,
        "/v1/audio/speech",
        JSON,
        speech.to_string().as_bytes(),
    )
    .await;
    // 14 x 0.6 + 101 x 12.
    assert_eq!((&row["basis"], usd(&row)), (&json!("measured"), 1_220_400));

    let recording = form(&[
        ("\"model\"", b"gpt-4o-transcribe"),
        ("\"file\"; filename=\"a.mp3\"", b"ID3"),
    ]);
    let row = row_of(
        &gateway,
        &tenant,
        "/v1/audio/transcriptions",
        FORM,
        &recording,
    )
    .await;
    // 12 x 2.5 + 46 x 2.5 + 10 x 10.
    assert_eq!((&row["basis"], usd(&row)), (&json!("measured"), 245_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speech_that_does_not_tell_its_usage_costs_what_was_held() {
    let provider = Provider::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("speaks", "1").await;
    let speech =
        json!({"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy"}).to_string();
    let row = row_of(
        &gateway,
        &tenant,
        "/v1/audio/speech",
        "application/json",
        speech.as_bytes(),
    )
    .await;
    assert_eq!(row["basis"], "unknown");
    assert_eq!(row["usd"], row["heldUsd"]);
    // Twelve tokens a byte and a minute more, at 12 dollars a million, beside the input.
    let said = 12_000 * (1_250 + 5 * 12);
    assert!((said..said + 200_000).contains(&usd(&row)), "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_do_not_fit_or_have_no_price_are_refused_before_they_are_sent() {
    let provider = Provider::start().await;
    let gateway = Setup::new().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant_with("poor", "0.1").await;
    let image = |model: &str, quality: &str| {
        json!({"model": model, "prompt": "a cat", "quality": quality, "size": "1024x1024"})
            .to_string()
    };
    // 4,160 tokens at 40 dollars a million are more, 272 are not.
    for (path, kind, body, status) in [
        (
            "/v1/images/generations",
            "application/json",
            image("gpt-image-1", "high"),
            402,
        ),
        (
            "/v1/images/generations",
            "application/json",
            image("gpt-image-1", "low"),
            200,
        ),
        (
            "/v1/images/generations",
            "application/json",
            image("dall-e-3", "hd"),
            400,
        ),
        (
            "/v1/images/generations",
            "application/json",
            image("gpt-image-2.5-flare", "low"),
            400,
        ),
        (
            "/v1/images/generations",
            "application/json",
            image("gpt-4o-mini", "low"),
            400,
        ),
        (
            "/v1/audio/speech",
            "application/json",
            r#"{"model":"tts-1","input":"x"}"#.to_owned(),
            400,
        ),
        (
            "/v1/audio/transcriptions",
            "application/json",
            r#"{"model":"whisper-1"}"#.to_owned(),
            400,
        ),
    ] {
        provider.seen.lock().take();
        let answer = send(&gateway, &tenant, path, kind, body.as_bytes()).await;
        let told = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(told.0, status, "{body}: {}", told.1);
        assert_eq!(provider.seen.lock().is_some(), status == 200, "{body}");
    }
    gateway.assert_nothing_held().await;
    let (spent, held) = gateway.standing(&tenant).await;
    assert_eq!(held, 0);
    assert!(spent < nanos("0.1"));
}
