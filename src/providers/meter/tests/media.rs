//! Answers that are images, speech and transcripts.

use bytes::Bytes;

use super::{JSON, SSE, facts, replay, start};
use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::call::{Call, read_request};
use crate::providers::endpoints::{Hints, route};
use crate::providers::meter::Metered;

const IMAGE_BODY: &str = r#"{"model":"gpt-image-1.5","prompt":"a cat","n":2}"#;
const FORM: &str = "multipart/form-data; boundary=X";

fn form(model: &str, file: &str) -> String {
    let part = "--X\r\nContent-Disposition: form-data; name=";
    format!(
        "{part}\"model\"\r\n\r\n{model}\r\n{part}\"{file}\"; filename=\"a\"\r\n\r\nbytes\r\n--X--\r\n"
    )
}

fn call(path: &str, content_type: &str, body: &str) -> Call {
    let route = route("POST", path, &Hints::default()).unwrap();
    read_request(
        &route,
        Some(content_type),
        &Bytes::copy_from_slice(body.as_bytes()),
    )
    .unwrap()
}

/// Meters an answer whole and split at every byte, and checks that the bytes are untouched.
fn golden(call: &Call, content_type: &'static str, answer: &[u8]) -> Metered {
    let whole = replay(call, start(content_type, false), &[answer]);
    assert_eq!(whole.1, answer);
    for at in 0..answer.len() {
        let (left, right) = answer.split_at(at);
        let split = replay(call, start(content_type, false), &[left, right]);
        assert_eq!(split, whole, "split at {at}");
    }
    whole.0
}

#[test]
fn images_are_billed_by_what_went_in_and_what_came_out() {
    let call = call("/v1/images/generations", JSON, IMAGE_BODY);
    let metered = golden(&call, JSON, fixture!("openai/image.json"));
    let expected = TokenUsage {
        input: 92,
        image_input: 1_028,
        image_output: 544,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    assert_eq!(facts(&metered), (Basis::Measured, true, None, None));
}

#[test]
fn a_streamed_image_is_billed_when_it_is_done() {
    let generation = call("/v1/images/generations", JSON, IMAGE_BODY);
    let metered = golden(&generation, SSE, fixture!("openai/image.sse"));
    let expected = TokenUsage {
        input: 50,
        output: 24,
        image_output: 1_156,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    assert_eq!(facts(&metered), (Basis::Measured, true, None, None));
    let edit = call("/v1/images/edits", FORM, &form("gpt-image-1", "image"));
    let metered = golden(&edit, SSE, fixture!("openai/image_edit.sse"));
    let expected = TokenUsage {
        input: 47,
        image_input: 581,
        image_output: 4_372,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
}

#[test]
fn each_of_several_streamed_images_is_billed() {
    let call = call("/v1/images/generations", JSON, IMAGE_BODY);
    let twice = fixture!("openai/image.sse").repeat(2);
    let (metered, _) = replay(&call, start(SSE, false), &[&twice]);
    assert_eq!(metered.usage.image_output, 2 * 1_156);
    assert_eq!(metered.usage.input, 2 * 50);
}

#[test]
fn media_that_do_not_come_to_their_end_are_charged_at_the_worst() {
    let image = call("/v1/images/generations", JSON, IMAGE_BODY);
    let speech_body = r#"{"model":"gpt-4o-mini-tts","input":"Hi","stream_format":"sse"}"#;
    let speech = call("/v1/audio/speech", JSON, speech_body);
    for (call, kind, answer) in [
        (&image, SSE, fixture!("openai/image.sse")),
        (&image, JSON, fixture!("openai/image.json")),
        (&speech, SSE, fixture!("openai/speech.sse")),
    ] {
        let cut = &answer[..answer.len() / 2];
        let (metered, _) = replay(call, start(kind, false), &[cut]);
        assert_eq!(metered.basis, Basis::Unknown);
        assert!(!metered.is_complete);
    }
}

#[test]
fn speech_tells_its_usage_only_as_a_stream() {
    let body = r#"{"model":"gpt-4o-mini-tts","input":"Hi","stream_format":"sse"}"#;
    let call = call("/v1/audio/speech", JSON, body);
    let metered = golden(&call, SSE, fixture!("openai/speech.sse"));
    let expected = TokenUsage {
        input: 14,
        audio_output: 101,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    assert_eq!(facts(&metered), (Basis::Measured, true, None, None));
    let sound = golden(&call, "audio/mpeg", b"\xff\xf3\x84\xc4{\"usage\":1}");
    assert_eq!(facts(&sound), (Basis::Unknown, true, None, None));
}

#[test]
fn transcripts_count_sound_and_text_apart() {
    let path = "/v1/audio/transcriptions";
    let call = call(path, FORM, &form("gpt-4o-transcribe", "file"));
    let metered = golden(&call, JSON, fixture!("openai/transcript.json"));
    let expected = TokenUsage {
        input: 12,
        audio_input: 46,
        output: 10,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    assert_eq!(facts(&metered), (Basis::Measured, true, None, None));
    let metered = golden(&call, SSE, fixture!("openai/transcript.sse"));
    let expected = TokenUsage {
        audio_input: 39,
        output: 6,
        ..TokenUsage::default()
    };
    assert_eq!(metered.usage, expected);
    assert_eq!(facts(&metered), (Basis::Measured, true, None, None));
}

#[test]
fn a_transcript_that_does_not_tell_its_tokens_is_estimated_or_unknown() {
    let path = "/v1/audio/transcriptions";
    let by_length = fixture!("openai/transcript_by_length.json");
    let counted = call(path, FORM, &form("gpt-4o-transcribe", "file"));
    let metered = golden(&counted, JSON, by_length);
    assert_eq!(metered.usage.input, 1_000, "the bound of the recording");
    assert!(metered.usage.output > 0);
    assert_eq!(facts(&metered), (Basis::Estimated, true, None, None));
    let timed = call(path, FORM, &form("whisper-1", "file"));
    let metered = golden(&timed, JSON, by_length);
    assert_eq!(facts(&metered), (Basis::Unknown, true, None, None));
    let plain = golden(&timed, "text/plain; charset=utf-8", b"Good morning.");
    assert_eq!(facts(&plain), (Basis::Unknown, true, None, None));
}
