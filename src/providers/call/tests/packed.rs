//! Images and sound that are packed in a request: counted by their size, not by their letters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;
use crate::domain::usage::RateKind;
use crate::providers::call::Call;
use bytes::Bytes;

fn png(width: u32, height: u32, length: usize) -> String {
    let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    image.extend(width.to_be_bytes());
    image.extend(height.to_be_bytes());
    image.resize(length.max(33), 7);
    STANDARD.encode(image)
}

fn data_url(width: u32, height: u32) -> String {
    format!("data:image/png;base64,{}", png(width, height, 60_000))
}

fn chat(parts: &Value) -> String {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}).to_string()
}

fn text_length(call: &Call, body: &str) -> u64 {
    let text = call.text_of(&Bytes::copy_from_slice(body.as_bytes()));
    serde_json::from_slice::<Value>(&text).unwrap();
    assert_eq!(u64::try_from(text.len()).unwrap(), call.input.body_bytes);
    call.input.body_bytes
}

#[test]
fn an_image_in_the_request_counts_by_its_size() {
    let part = |url: &str, detail: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": detail}});
    for (detail, expected) in [("auto", 765), ("high", 765), ("low", 85)] {
        let body =
            chat(&json!([{"type": "text", "text": "hi"}, part(&data_url(1_024, 1_024), detail)]));
        let call = read("/v1/chat/completions", &body).unwrap();
        assert_eq!((call.input.images, call.input.image_tokens), (1, expected));
        assert!(text_length(&call, &body) < 300);
        assert!(!call.input.has_unbounded_input);
    }
    let both = json!([
        part(&data_url(2_048, 4_096), "auto"),
        part("https://example.com/a", "auto")
    ]);
    let body = chat(&both);
    let call = read("/v1/chat/completions", &body).unwrap();
    assert_eq!(
        (call.input.images, call.input.image_tokens),
        (2, 1_105 + 1_445)
    );
    assert!(text_length(&call, &body) < 300);
}

#[test]
fn what_could_be_one_of_two_images_counts_as_the_largest() {
    let (one, other) = (data_url(10, 10), data_url(20, 20));
    for part in [
        json!({"type": "input_image", "image_url": one, "file_id": "file-1"}),
        json!({"type": "image_url", "image_url": {"url": one, "image_url": other}}),
        json!({"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAA"}}),
        json!({"type": "image_url", "image_url": {}}),
    ] {
        let body = chat(&json!([part]));
        let call = read("/v1/chat/completions", &body).unwrap();
        assert_eq!(
            (call.input.images, call.input.image_tokens),
            (1, 1_445),
            "{body:.200}"
        );
        assert_eq!(
            text_length(&call, &body),
            u64::try_from(body.len()).unwrap()
        );
    }
    // As a text, it is a text.
    let body = chat(&json!([{"type": "text", "text": one}]));
    let call = read("/v1/chat/completions", &body).unwrap();
    assert_eq!((call.input.images, call.input.image_tokens), (0, 0));
    assert_eq!(
        text_length(&call, &body),
        u64::try_from(body.len()).unwrap()
    );
}

#[test]
fn images_of_responses_messages_and_contents_count_by_their_size() {
    let openai = json!({"model": "gpt-6-astra", "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": data_url(640, 320)}]}]});
    let anthropic = json!({"model": "claude-opus-5", "max_tokens": 9, "messages": [{"role": "user",
        "content": [{"type": "image", "source":
            {"type": "base64", "media_type": "image/png", "data": png(1_000, 1_000, 60_000)}}]}]});
    let google = json!({"contents": [{"parts": [
        {"inlineData": {"mimeType": "image/png", "data": png(960, 540, 60_000)}}]}]});
    for (path, body, tokens) in [
        ("/v1/responses", openai, 492),
        ("/v1/messages", anthropic, 1_334),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            google,
            6 * 258,
        ),
    ] {
        let body = body.to_string();
        let call = read(path, &body).unwrap();
        assert_eq!(
            (call.input.images, call.input.image_tokens),
            (1, tokens),
            "{path}"
        );
        assert!(text_length(&call, &body) < 300, "{path}");
        assert!(!call.input.has_unbounded_input, "{path}");
    }
}

#[test]
fn sound_counts_by_its_length_where_it_tells_it() {
    let mut wave =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\0\0\0\0\x02\0\x10\0data".to_vec();
    wave.resize(160_000, 0);
    let wave = STANDARD.encode(wave);
    let part =
        |data: &str| json!({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}});
    let body = chat(&json!([part(&wave)]));
    let call = read("/v1/chat/completions", &body).unwrap();
    // Ten seconds, twice ten tokens each.
    assert_eq!(call.input.sound_tokens, 201);
    assert_eq!(call.needs.as_slice(), [RateKind::AudioInput]);
    assert!(text_length(&call, &body) < 300);
    let body = chat(&json!([part("SUQzBA==")]));
    let call = read("/v1/chat/completions", &body).unwrap();
    assert_eq!(call.input.sound_tokens, 0, "its letters bound it");
    let path = "/v1beta/models/gemini-2.5-pro:generateContent";
    let google = |data: &str| {
        json!({"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": data}}]}]})
            .to_string()
    };
    let call = read(path, &google(&wave)).unwrap();
    assert_eq!(
        (call.input.sound_tokens, call.input.has_unbounded_input),
        (321, false)
    );
    let call = read(path, &google("SUQzBA==")).unwrap();
    assert_eq!(
        (call.input.sound_tokens, call.input.has_unbounded_input),
        (0, true)
    );
}

proptest! {
    /// Whatever is packed, the text around it stays counted.
    #[test]
    fn text_is_never_taken_for_an_image(text in "\\PC{0,60}", size in 1_u32..3_000, key in "url|image_url|file_id|data|text") {
        let inner = json!({key: data_url(size, size), "text": text});
        let body = chat(&json!([{"type": "image_url", "image_url": inner}, {"type": "text", "text": text}]));
        let call = read("/v1/chat/completions", &body).unwrap();
        let kept = call.text_of(&Bytes::copy_from_slice(body.as_bytes()));
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        prop_assert_eq!(&kept["messages"][0]["content"][1]["text"], &json!(text));
        prop_assert!(call.input.image_tokens >= 85);
    }
}
