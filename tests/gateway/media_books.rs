//! Images, speech and transcripts against the provider's own books and arithmetic of its own.

use budgetguard::simulator::BilledTokens;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::usd;

/// Pico-USD for each token: of text, sound and images that went in, and that came out.
fn rates(model: &str) -> [u64; 6] {
    match model {
        "gpt-image-1.5" => [5_000_000, 0, 8_000_000, 10_000_000, 0, 32_000_000],
        "gpt-image-1-mini" => [2_000_000, 0, 2_500_000, 0, 0, 8_000_000],
        "gpt-4o-mini-tts" => [600_000, 0, 0, 10_000_000, 12_000_000, 0],
        "gpt-4o-transcribe" => [2_500_000, 2_500_000, 0, 10_000_000, 0, 0],
        other => panic!("no price of {other} here"),
    }
}

fn cost(model: &str, billed: &BilledTokens) -> i64 {
    let units = [
        billed.input - billed.audio_input - billed.image_input,
        billed.audio_input,
        billed.image_input,
        billed.output - billed.audio_output - billed.image_output,
        billed.audio_output,
        billed.image_output,
    ];
    let picos: u64 = units
        .iter()
        .zip(rates(model))
        .map(|(count, rate)| count * rate)
        .sum();
    i64::try_from(picos.div_ceil(1_000)).unwrap()
}

const BOUNDARY: &str = "multipart/form-data; boundary=BoUnDaRy";

fn form(fields: &[(&str, &str)], file: &str) -> String {
    let part = |name: &str, content: &str| {
        format!("--BoUnDaRy\r\nContent-Disposition: form-data; name={name}\r\n\r\n{content}\r\n")
    };
    let fields: String = fields.iter().map(|(name, text)| part(name, text)).collect();
    fields + &part(file, "RIFF, or a picture") + "--BoUnDaRy--\r\n"
}

/// Calls of each endpoint of media, whole and streamed: path, type and body.
fn calls() -> Vec<(&'static str, &'static str, String)> {
    let (images, edits) = ("/v1/images/generations", "/v1/images/edits");
    let (speech, transcripts) = ("/v1/audio/speech", "/v1/audio/transcriptions");
    let as_json = |path, body: Value| (path, "application/json", body.to_string());
    let picture = "\"image\"; filename=\"a.png\"";
    let recording = "\"file\"; filename=\"a.wav\"";
    let edit = [
        ("model", "gpt-image-1.5"),
        ("prompt", "with a hat"),
        ("n", "2"),
    ];
    let plain = [("model", "gpt-4o-transcribe")];
    let streamed = [("model", "gpt-4o-transcribe"), ("stream", "true")];
    vec![
        as_json(
            images,
            json!({"model": "gpt-image-1.5", "prompt": "a cat", "n": 2}),
        ),
        as_json(
            images,
            json!({"model": "gpt-image-1-mini", "prompt": "a cat", "stream": true,
                "partial_images": 2, "quality": "low", "size": "1024x1536"}),
        ),
        (edits, BOUNDARY, form(&edit, picture)),
        as_json(
            speech,
            json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Good morning",
                "stream_format": "sse"}),
        ),
        (transcripts, BOUNDARY, form(&plain, recording)),
        (transcripts, BOUNDARY, form(&streamed, recording)),
    ]
}

async fn row_of(
    gateway: &TestGateway,
    tenant: &Tenant,
    (path, kind, body): &(&str, &str, String),
) -> Value {
    let rows = gateway.ledger(tenant).await.len();
    let request = gateway.request(Method::POST, path).bearer_auth(&tenant.key);
    let request = request.header(CONTENT_TYPE, *kind).body(body.clone());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    gateway.ledger_of(tenant, rows + 1).await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_are_billed_what_the_provider_bills() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("media books", "100").await;
    let mut sum = 0;
    for call in calls() {
        let row = row_of(&gateway, &tenant, &call).await;
        let billed = gateway.simulator.calls().pop().unwrap().billed;
        assert_eq!(row["basis"], "measured", "{row}");
        let counts = (&row["promptTok"], &row["compTok"]);
        assert_eq!(
            counts,
            (&json!(billed.input), &json!(billed.output)),
            "{row}"
        );
        let expected = cost(row["model"].as_str().unwrap(), &billed);
        assert_eq!(usd(&row), expected, "{row} {billed:?}");
        sum += expected;
    }
    gateway.assert_nothing_held().await;
    assert_eq!(gateway.standing(&tenant).await, (sum, 0));
}
