//! Images, speech and transcripts: what reaches the provider, what is held, and what is charged.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;

const JSON: &str = "application/json";
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

/// The gateway in front of that provider, with a tenant that has so much to spend.
struct Stand {
    provider: Provider,
    gateway: TestGateway,
    tenant: Tenant,
}

impl Stand {
    async fn with(usd: &str) -> Self {
        let provider = Provider::start().await;
        let gateway = Setup::new().upstream(&provider.url()).start().await;
        let tenant = gateway.tenant_with("media", usd).await;
        Self {
            provider,
            gateway,
            tenant,
        }
    }

    async fn send(&self, path: &str, kind: &str, body: &[u8]) -> reqwest::Response {
        let request = self.gateway.request(Method::POST, path);
        let request = request.bearer_auth(&self.tenant.key);
        let request = request.header(header::CONTENT_TYPE, kind);
        request.body(body.to_vec()).send().await.unwrap()
    }

    /// The row of a call that succeeded, with nothing held any more.
    async fn row(&self, path: &str, kind: &str, body: &[u8]) -> Value {
        let rows = self.gateway.ledger(&self.tenant).await.len();
        let answer = self.send(path, kind, body).await;
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        let row = self
            .gateway
            .ledger_of(&self.tenant, rows + 1)
            .await
            .remove(0);
        let expected = (&json!("success"), &json!(path));
        assert_eq!((&row["status"], &row["route"]), expected, "{row}");
        self.gateway.assert_nothing_held().await;
        row
    }

    /// Checks what a call cost, of which the provider told the usage.
    async fn assert_cost(&self, path: &str, kind: &str, body: &[u8], nanos: i64) -> Value {
        let row = self.row(path, kind, body).await;
        let found = (&row["basis"], usd(&row));
        assert_eq!(found, (&json!("measured"), nanos), "{row}");
        row
    }
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

fn json_body(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_are_charged_to_the_nano_dollar() {
    let stand = Stand::with("100").await;
    let path = "/v1/images/generations";
    let image = json!({"model": "gpt-image-1.5", "prompt": "a cat", "n": 2, "quality": "low"});
    // 92 x 5 + 1,028 x 8 + 544 x 32 micro-dollars.
    let row = stand
        .assert_cost(path, JSON, &json_body(&image), 26_092_000)
        .await;
    let counts = (&row["promptTok"], &row["compTok"]);
    assert_eq!(counts, (&json!(1_120), &json!(544)));
    let stream = json!({"model": "gpt-image-1.5", "prompt": "a cat", "stream": true});
    // 50 x 5 + 24 x 10 + 1,156 x 32.
    stand
        .assert_cost(path, JSON, &json_body(&stream), 37_482_000)
        .await;
    let picture = vec![0x89; 300_000];
    let edit = form(&[
        ("\"model\"", b"gpt-image-1.5"),
        ("\"prompt\"", b"with a hat"),
        ("\"image[]\"; filename=\"cat.png\"", &picture),
    ]);
    stand
        .assert_cost("/v1/images/edits", FORM, &edit, 26_092_000)
        .await;
    let (kind, received) = stand.provider.seen.lock().take().unwrap();
    assert_eq!(kind, FORM);
    assert!(
        received == edit,
        "the form reaches the provider byte for byte"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speech_and_transcripts_are_charged_to_the_nano_dollar() {
    let stand = Stand::with("100").await;
    let mut speech = json!({"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy"});
    speech["stream_format"] = json!("sse");
    // 14 x 0.6 + 101 x 12.
    let path = "/v1/audio/speech";
    stand
        .assert_cost(path, JSON, &json_body(&speech), 1_220_400)
        .await;
    let recording = form(&[
        ("\"model\"", b"gpt-4o-transcribe"),
        ("\"file\"; filename=\"a.mp3\"", b"ID3"),
    ]);
    // 12 x 2.5 + 46 x 2.5 + 10 x 10.
    let path = "/v1/audio/transcriptions";
    stand.assert_cost(path, FORM, &recording, 245_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speech_that_does_not_tell_its_usage_costs_what_was_held() {
    let stand = Stand::with("1").await;
    let speech = json!({"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy"});
    let row = stand
        .row("/v1/audio/speech", JSON, &json_body(&speech))
        .await;
    assert_eq!(row["basis"], "unknown");
    assert_eq!(row["usd"], row["heldUsd"]);
    // Twelve tokens a byte and a minute more, at 12 dollars a million, beside the input.
    let said = 12_000 * (1_250 + 5 * 12);
    assert!((said..said + 200_000).contains(&usd(&row)), "{row}");
}

fn image(model: &str, quality: &str) -> String {
    json!({"model": model, "prompt": "a cat", "quality": quality, "size": "1024x1024"}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_do_not_fit_or_have_no_price_are_refused_before_they_are_sent() {
    let stand = Stand::with("0.1").await;
    let images = "/v1/images/generations";
    // 4,160 tokens at 40 dollars a million are more, 272 are not.
    for (path, body, status) in [
        (images, image("gpt-image-1", "high"), 402),
        (images, image("gpt-image-1", "low"), 200),
        (images, image("dall-e-3", "hd"), 404),
        (images, image("gpt-image-2.5-flare", "low"), 400),
        (images, image("gpt-4o-mini", "low"), 400),
        (
            "/v1/audio/speech",
            r#"{"model":"tts-1","input":"x"}"#.to_owned(),
            404,
        ),
        (
            "/v1/audio/transcriptions",
            r#"{"model":"whisper-1"}"#.to_owned(),
            400,
        ),
    ] {
        stand.provider.seen.lock().take();
        let answer = stand.send(path, JSON, body.as_bytes()).await;
        let told = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(told.0, status, "{body}: {}", told.1);
        let was_sent = stand.provider.seen.lock().is_some();
        assert_eq!(was_sent, status == 200, "{body}");
    }
    stand.gateway.assert_nothing_held().await;
    let (spent, held) = stand.gateway.standing(&stand.tenant).await;
    assert_eq!(held, 0);
    assert!(spent < nanos("0.1"));
}
