//! Reads what a request for speech or for a transcript asks for.

use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::id::ModelName;
use crate::domain::usage::RateKind;
use crate::providers::call::Call;
use crate::providers::json::{Member, parse_object};
use crate::providers::multipart::Form;
use crate::providers::sound;
use crate::providers::tokens::to_u64;

/// The stated rule for speech, whose length nobody publishes: twelve tokens for each byte of what is said
/// and of how, and a minute of silence. A minute is 1,250 tokens by the provider's own price for it, and
/// fifteen letters are said in a second, so that this is eight times as slow as people speak.
const SPEECH_TOKENS_PER_BYTE: u64 = 12;
/// The minute of silence.
const SPEECH_TOKENS_LEAST: u64 = 1_250;
/// A recording that the provider cuts in pieces is at most 25 minutes long, which is one window of the
/// model's; its prompt is read again with each piece.
const WINDOWS_IN_PIECES: u64 = 2;
/// Each piece has an answer of its own; nobody says in 25 minutes what fills eight of the longest.
const ANSWERS_IN_PIECES: u64 = 8;
/// The part of a form that holds the recording.
const RECORDING_PARTS: [&str; 1] = ["file"];

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Speech<'a> {
    #[serde(default, borrow)]
    model: Member<'a>,
    #[serde(default, borrow)]
    input: Member<'a>,
    #[serde(default, borrow)]
    instructions: Member<'a>,
    #[serde(default, borrow)]
    stream_format: Member<'a>,
}

/// Fills in the call from what is to be said.
pub(crate) fn read_speech(call: &mut Call, bytes: &[u8]) -> Result<(), BadRequest> {
    let body: Speech<'_> = parse_object(bytes)?;
    note_model(call, body.model.text("model")?.as_deref())?;
    call.streamed = body.stream_format.text("stream_format")?.as_deref() == Some("sse");
    let said = [
        body.input.text("input")?,
        body.instructions.text("instructions")?,
    ];
    let said: usize = said.iter().flatten().map(|text| text.len()).sum();
    let tokens = to_u64(said).saturating_mul(SPEECH_TOKENS_PER_BYTE);
    call.output_cap = Some(tokens.saturating_add(SPEECH_TOKENS_LEAST));
    call.need(RateKind::AudioOutput);
    Ok(())
}

/// Fills in the call from a form with a recording.
pub(crate) fn read_recording(call: &mut Call, form: &Form) -> Result<(), BadRequest> {
    note_model(call, form.text("model")?)?;
    call.streamed = form.flag("stream")?;
    call.input.body_bytes = form.text_bytes;
    for recording in form.files(&RECORDING_PARTS) {
        match sound::openai_tokens(&recording.head, recording.bytes) {
            Some(tokens) => {
                let sound_tokens = &mut call.input.sound_tokens;
                *sound_tokens = sound_tokens.saturating_add(tokens);
            }
            None => call.input.has_unbounded_input = true,
        }
    }
    if form.has("known_speaker_references") {
        call.input.has_unbounded_input = true;
    }
    if form.has("chunking_strategy") || call.model.as_str().contains("diarize") {
        call.input.sequences = WINDOWS_IN_PIECES;
        call.choices = ANSWERS_IN_PIECES;
    }
    call.need(RateKind::AudioInput);
    Ok(())
}

fn note_model(call: &mut Call, model: Option<&str>) -> Result<(), BadRequest> {
    match model {
        Some(model) if !model.is_empty() => {
            call.model = ModelName::new(model);
            Ok(())
        }
        Some(_) | None => Err(BadRequest::field("model", "You must provide a `model`.")),
    }
}
