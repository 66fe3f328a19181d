//! OpenAI's speech: silence of the right length, as bytes or as events.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan};
use super::openai::{missing, parse};
use super::prompt::Prompt;
use super::refusal::Refusal;

/// Sound of one token: a twentieth of a second in 16 bits at 24 kHz, or compressed.
const PCM_BYTES_PER_TOKEN: usize = 2_400;
const COMPRESSED_BYTES_PER_TOKEN: usize = 800;
/// Longer sound is billed, but its bytes are not all made.
const FRAME_BYTES_MAX: usize = 256 * 1024;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    input: Option<Prompt>,
    instructions: Option<Prompt>,
    voice: Option<serde_json::Value>,
    response_format: Option<String>,
    stream_format: Option<String>,
}

pub(super) fn answer(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let request: Request = parse(exchange.body)?;
    let model = request.model.as_deref().ok_or_else(|| missing("model"))?;
    let input = request.input.as_ref().ok_or_else(|| missing("input"))?;
    if request.voice.is_none() {
        return Err(missing("voice"));
    }
    let parts = [Some(input), request.instructions.as_ref()];
    let plan = exchange.plan(&Ask {
        input: exchange.input_tokens(&parts),
        ..Ask::default()
    });
    // All of it is sound.
    let mut billed = plan.billed;
    (billed.reasoning, billed.audio_output) = (0, billed.output);
    let sound = Sound::of(&request)?;
    if request.stream_format.as_deref() == Some("sse") {
        let usage = !exchange.directives.has(Flag::NoUsage);
        let mut frames = sound.frames(&plan, |sound| delta(&sound).into());
        frames.push(done(billed, usage));
        return Ok(Answer::events(model, billed, frames).at_tier("default"));
    }
    let frames = sound.frames(&plan, Bytes::from);
    let mut answer = Answer::events(model, billed, frames).at_tier("default");
    sound.content_type.clone_into(&mut answer.content_type);
    Ok(answer)
}

/// How sound is written.
struct Sound {
    content_type: &'static str,
    bytes_per_token: usize,
}

impl Sound {
    fn of(request: &Request) -> Result<Self, Refusal> {
        let (content_type, bytes_per_token) = match request.response_format.as_deref() {
            None | Some("mp3") => ("audio/mpeg", COMPRESSED_BYTES_PER_TOKEN),
            Some("opus") => ("audio/opus", COMPRESSED_BYTES_PER_TOKEN),
            Some("aac") => ("audio/aac", COMPRESSED_BYTES_PER_TOKEN),
            Some("flac") => ("audio/flac", COMPRESSED_BYTES_PER_TOKEN),
            Some("wav") => ("audio/wav", PCM_BYTES_PER_TOKEN),
            Some("pcm") => ("audio/pcm", PCM_BYTES_PER_TOKEN),
            Some(_) => return Err(Refusal::bad_request("Invalid value for 'response_format'.")),
        };
        Ok(Self {
            content_type,
            bytes_per_token,
        })
    }

    fn frames(&self, plan: &Plan, write: impl Fn(Vec<u8>) -> Bytes) -> Vec<Frame> {
        let mut output = plan.hidden();
        plan.pieces()
            .map(|tokens| {
                output += tokens;
                let tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
                let bytes = tokens.saturating_mul(self.bytes_per_token);
                Frame {
                    bytes: write(vec![0; bytes.min(FRAME_BYTES_MAX)]),
                    output,
                }
            })
            .collect()
    }
}

fn delta(sound: &[u8]) -> String {
    let sound = STANDARD.encode(sound);
    format!("data: {{\"type\":\"speech.audio.delta\",\"audio\":\"{sound}\"}}\n\n")
}

fn done(billed: BilledTokens, usage: bool) -> Frame {
    let usage = if usage {
        format!(
            r#","usage":{{"input_tokens":{},"output_tokens":{},"total_tokens":{}}}"#,
            billed.input,
            billed.output,
            billed.total()
        )
    } else {
        String::new()
    };
    Frame {
        bytes: format!("data: {{\"type\":\"speech.audio.done\"{usage}}}\n\n").into(),
        output: billed.output,
    }
}
