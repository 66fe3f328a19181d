//! Pictures and sound: forms, streams, and what they are billed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::simulator::{BilledTokens, Simulator};

use super::objects::{FORM, answer, call, form};
use super::{FLASH, events, names, simulator};

async fn send_form(simulator: &Simulator, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let field = if path.contains("images") {
        "image[]"
    } else {
        "file"
    };
    // Not UTF-8, as sound and pictures are not.
    let body = form(fields, (field, "x.bin", &vec![0xff; 64_000]));
    call(simulator, "POST", path, &[FORM], body).await
}

fn billed(simulator: &Simulator) -> BilledTokens {
    simulator.calls().pop().unwrap().billed
}

#[tokio::test]
async fn images_are_billed_by_the_size_and_quality_that_are_asked_for() {
    let simulator = simulator().await;
    let path = "/v1/images/generations";
    let body = json!({"model": "gpt-image-1", "prompt": "a cat", "n": 2, "quality": "low"});
    let made = answer(&simulator, path, &body).await;
    assert_eq!(made["data"].as_array().unwrap().len(), 2);
    let picture = made["data"][1]["b64_json"].as_str().unwrap();
    assert!(STANDARD.decode(picture).unwrap().starts_with(b"\x89PNG"));
    let usage = &made["usage"];
    assert_eq!(usage["output_tokens"], 2 * 272);
    assert_eq!(
        usage["input_tokens_details"],
        json!({"text_tokens": usage["input_tokens"], "image_tokens": 0})
    );
    let booked = billed(&simulator);
    assert_eq!((booked.output, booked.image_output), (544, 544));

    let older = json!({"model": "dall-e-3", "prompt": "a cat", "response_format": "url"});
    let made = answer(&simulator, path, &older).await;
    assert!(made["data"][0]["url"].is_string() && made.get("usage").is_none());
    assert_eq!(
        billed(&simulator),
        BilledTokens {
            images: 1,
            ..BilledTokens::default()
        }
    );
}

#[tokio::test]
async fn images_stream_what_is_shown_before_they_are_ready() {
    let simulator = simulator().await;
    let body = json!({"model": "gpt-image-1", "prompt": "a cat", "stream": true,
                      "partial_images": 2, "quality": "low"});
    let stream = events(&simulator, "/v1/images/generations", &body).await;
    assert_eq!(
        names(&stream),
        [
            "image_generation.partial_image",
            "image_generation.completed"
        ]
    );
    assert_eq!(stream[1].1["partial_image_index"], 1);
    assert!(stream[0].1.get("usage").is_none());
    assert_eq!(stream[2].1["usage"]["output_tokens"], 272 + 200);
    assert_eq!(billed(&simulator).image_output, 472);
}

#[tokio::test]
async fn edits_and_variations_take_forms_with_pictures() {
    let simulator = simulator().await;
    let fields = [
        ("model", "gpt-image-1"),
        ("prompt", "a hat"),
        ("n", "1"),
        ("quality", "high"),
    ];
    let (_, made) = send_form(&simulator, "/v1/images/edits", &fields).await;
    let usage = &made["usage"];
    assert_eq!(
        (
            &usage["output_tokens"],
            &usage["input_tokens_details"]["image_tokens"]
        ),
        (&json!(4160), &json!(64))
    );
    let streamed = [
        ("model", "gpt-image-1"),
        ("prompt", "a hat"),
        ("stream", "true"),
    ];
    let (_, stream) = send_form(&simulator, "/v1/images/edits", &streamed).await;
    assert!(
        stream
            .as_str()
            .unwrap()
            .contains("event: image_edit.completed")
    );
    let (status, _) = send_form(&simulator, "/v1/images/variations", &[("n", "2")]).await;
    assert_eq!((status, billed(&simulator).images), (200, 2));
    let prompt = json!({"model": "gpt-image-1", "prompt": "no picture"}).to_string();
    assert_eq!(
        call(&simulator, "POST", "/v1/images/edits", &[], prompt)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn speech_is_bytes_or_events() {
    let simulator = simulator().await;
    let body = json!({"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "pcm",
                      "input": "[[sim output=10 chunks=2]]"});
    let url = format!("http://{}/v1/audio/speech", simulator.address());
    let client = reqwest::Client::new();
    let sound = client.post(url).json(&body).send().await.unwrap();
    assert_eq!(sound.headers()["content-type"], "audio/pcm");
    assert_eq!(sound.bytes().await.unwrap().len(), 24_000);
    let booked = simulator.calls().pop().unwrap();
    assert_eq!((booked.billed.audio_output, booked.stream), (10, false));

    let body = super::with(body, &json!({"stream_format": "sse"}));
    let stream = events(&simulator, "/v1/audio/speech", &body).await;
    let kinds: Vec<&str> = stream
        .iter()
        .map(|(_, event)| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "speech.audio.delta",
            "speech.audio.delta",
            "speech.audio.done"
        ]
    );
    assert_eq!(stream[2].1["usage"]["output_tokens"], 10);
    assert!(simulator.calls().pop().unwrap().stream);
}

#[tokio::test]
async fn transcripts_are_billed_by_tokens_or_by_seconds() {
    let simulator = simulator().await;
    let path = "/v1/audio/transcriptions";
    let prompt = ("prompt", "[[sim output=6 seconds=30]]");
    let (_, made) = send_form(&simulator, path, &[("model", "gpt-4o-transcribe"), prompt]).await;
    let usage = &made["usage"];
    assert_eq!(
        (&usage["type"], &usage["output_tokens"]),
        (&json!("tokens"), &json!(6))
    );
    assert_eq!(usage["input_token_details"]["audio_tokens"], 300);
    let booked = billed(&simulator);
    assert_eq!(
        (booked.audio_input, booked.input),
        (300, usage["input_tokens"].as_u64().unwrap())
    );

    let streamed = [
        ("model", "gpt-4o-transcribe"),
        ("stream", "true"),
        ("prompt", "[[sim output=2]]"),
    ];
    let (_, stream) = send_form(&simulator, path, &streamed).await;
    let stream = stream.as_str().unwrap();
    assert_eq!(stream.matches("transcript.text.delta").count(), 2);
    let done = stream.trim().lines().last().unwrap();
    let done: Value = serde_json::from_str(done.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(
        (&done["type"], &done["usage"]["output_tokens"]),
        (&json!("transcript.text.done"), &json!(2))
    );

    let (_, made) = send_form(&simulator, path, &[("model", "whisper-1"), prompt]).await;
    assert_eq!(made["usage"], json!({"type": "duration", "seconds": 30}));
    assert_eq!(billed(&simulator).audio_seconds, 30);
    for (format, start) in [("text", "token"), ("srt", "1\n00:00"), ("vtt", "WEBVTT")] {
        let fields = [("model", "whisper-1"), ("response_format", format), prompt];
        let (_, made) = send_form(&simulator, path, &fields).await;
        assert!(made.as_str().unwrap().starts_with(start), "{made}");
    }
    let verbose = [
        ("model", "whisper-1"),
        ("response_format", "verbose_json"),
        prompt,
    ];
    let (_, made) = send_form(&simulator, "/v1/audio/translations", &verbose).await;
    assert_eq!(
        (&made["task"], &made["duration"]),
        (&json!("translate"), &json!(30))
    );
    let (status, _) = call(&simulator, "POST", path, &[], r#"{"model":"whisper-1"}"#).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn predictions_are_pictures_without_usage() {
    let simulator = simulator().await;
    let path = "/v1beta/models/imagen-4.0-generate-001:predict";
    let body = json!({"instances": [{"prompt": "a cat"}], "parameters": {"sampleCount": 2}});
    let made = answer(&simulator, path, &body).await;
    assert_eq!(made["predictions"].as_array().unwrap().len(), 2);
    assert_eq!(billed(&simulator).images, 2);
}

#[tokio::test]
async fn gemini_speaks_the_format_of_openai_too() {
    let keys = crate::simulator::ProviderKeys {
        openai: "o".into(),
        anthropic: "a".into(),
        gemini: "g".into(),
    };
    let options = crate::simulator::SimulatorOptions {
        require_keys: Some(keys),
        ..Default::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let base = "/v1beta/openai";
    let chat =
        json!({"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "hi"}]});
    let embed = json!({"model": "gemini-embedding-001", "input": "hi"});
    let image = json!({"model": "imagen-4.0", "prompt": "a cat"});
    for (path, body, field) in [
        ("chat/completions", chat, "choices"),
        ("embeddings", embed, "data"),
        ("images/generations", image, "data"),
    ] {
        let path = format!("{base}/{path}");
        let body = body.to_string();
        let google = [("authorization", "Bearer g")];
        let (status, answer) = call(&simulator, "POST", &path, &google, body.clone()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        assert!(answer[field].is_array());
        let call_of_google = simulator.calls().pop().unwrap();
        assert_eq!(call_of_google.dialect, crate::simulator::Dialect::Gemini);
        let openai = [("authorization", "Bearer o")];
        let (status, error) = call(&simulator, "POST", &path, &openai, body).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (401, &json!("invalid_api_key"))
        );
    }
    let google = [("authorization", "Bearer g")];
    let (_, models) = call(&simulator, "GET", &format!("{base}/models"), &google, "").await;
    assert_eq!(models["data"][0]["id"], "models/gemini-2.5-pro");
    let generate = format!("{FLASH}:generateContent");
    let (status, _) = call(&simulator, "POST", &generate, &google, "{}").await;
    assert_eq!(status, 401);
}
