//! Requests that may come as forms: images, speech and recordings.

use super::*;

fn form(parts: &[(&str, &str)]) -> String {
    let part = |(name, content): &(&str, &str)| {
        format!("--X\r\nContent-Disposition: form-data; name={name}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--X--\r\n"
}

fn read_form(path: &str, parts: &[(&str, &str)]) -> Result<Call, BadRequest> {
    let route = route("POST", path, &Hints::default()).unwrap();
    let kind = Some("multipart/form-data; boundary=X");
    read_request(&route, kind, &Bytes::from(form(parts)))
}

#[test]
fn images_are_priced_alike_as_json_and_as_a_form() {
    let body = r#"{"model":"gpt-image-1","prompt":"a cat","n":2,"size":"1024x1024","quality":"low",
        "partial_images":3,"stream":true,"images":[{"image_url":"https://a"},{"file_id":"f"}],
        "mask":{"file_id":"m"}}"#;
    let json = read("/v1/images/edits", body).unwrap();
    let parts = [
        ("\"model\"", "gpt-image-1"),
        ("\"prompt\"", "\"a cat\""),
        ("\"n\"", "2"),
        ("\"size\"", "1024x1024"),
        ("\"quality\"", "low"),
        ("\"partial_images\"", "3"),
        ("\"stream\"", "true"),
        ("\"image[]\"; filename=\"a.png\"", "one"),
        ("\"image[]\"; filename=\"b.png\"", "two"),
        ("\"mask\"; filename=\"c.png\"", "three"),
    ];
    let form = read_form("/v1/images/edits", &parts).unwrap();
    for call in [&json, &form] {
        assert_eq!(call.model.as_str(), "gpt-image-1");
        assert_eq!((call.output_cap, call.choices), (Some(272 + 300), 2));
        assert_eq!((call.streamed, call.input.images), (true, 6));
        assert_eq!(call.input.image_tokens, 6 * 7_337);
        let needs = [RateKind::ImageOutput, RateKind::ImageInput];
        assert_eq!(call.needs.as_slice(), needs);
        assert_eq!(call.tier, RequestedTier::Standard);
    }
    assert_eq!(json.input.body_bytes, 2 * 7, "the prompt, for each image");
}

#[test]
fn an_image_of_a_model_that_publishes_no_tokens_has_no_cap() {
    let bare = read("/v1/images/generations", r#"{"prompt":"a cat"}"#).unwrap();
    assert_eq!((bare.model.as_str(), bare.output_cap), ("dall-e-2", None));
    for body in [
        r#"{"n":0}"#,
        r#"{"n":"2"}"#,
        r#"{"model":""}"#,
        r#"{"partial_images":-1}"#,
    ] {
        assert!(read("/v1/images/generations", body).is_err(), "{body}");
    }
    assert!(read_form("/v1/images/variations", &[("\"n\"", "two")]).is_err());
}

#[test]
fn speech_is_bounded_by_what_is_said_and_how() {
    let body =
        r#"{"model":"gpt-4o-mini-tts","input":"0123456789","instructions":"slow","voice":"a"}"#;
    let call = read("/v1/audio/speech", body).unwrap();
    assert_eq!(call.output_cap, Some(1_250 + 14 * 12));
    assert!(!call.streamed);
    assert_eq!(call.needs.as_slice(), [RateKind::AudioOutput]);
    let streamed = body.replace("\"voice\"", "\"stream_format\":\"sse\",\"voice\"");
    assert!(read("/v1/audio/speech", &streamed).unwrap().streamed);
    assert!(read("/v1/audio/speech", r#"{"input":"x"}"#).is_err());
}

#[test]
fn a_recording_is_bounded_by_its_length_if_it_tells_it() {
    let path = "/v1/audio/transcriptions";
    let wave = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\0\0\0\0\x02\0\x10\0data";
    let model = ("\"model\"", "gpt-4o-transcribe");
    let second = wave.to_owned() + &"s".repeat(16_000 - wave.len());
    let file = ("\"file\"; filename=\"a.wav\"", second.as_str());
    let known = read_form(path, &[model, file, ("\"stream\"", "true")]).unwrap();
    assert_eq!((known.input.sound_tokens, known.choices), (21, 1));
    assert_eq!(
        (known.streamed, known.input.has_unbounded_input),
        (true, false)
    );
    assert_eq!(known.input.body_bytes, 17 + 4);
    assert_eq!(known.needs.as_slice(), [RateKind::AudioInput]);
    let file = ("\"file\"; filename=\"a.mp3\"", "ID3");
    let chunked = ("\"chunking_strategy\"", "auto");
    let unknown = read_form(path, &[model, file, chunked]).unwrap();
    assert!(unknown.input.has_unbounded_input);
    assert_eq!((unknown.input.sequences, unknown.choices), (2, 8));
    assert!(read_form(path, &[file]).is_err(), "no model");
    assert!(read(path, r#"{"model":"whisper-1"}"#).is_err(), "no form");
}
