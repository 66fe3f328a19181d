//! OpenAI's transcriptions and translations of sound, billed by tokens or by seconds.

use serde::Deserialize;
use serde_json::{Value, json};

use super::billed::BilledTokens;
use super::directives::Flag;
use super::exchange::{Answer, Ask, Exchange, Frame, Plan, set, words};
use super::openai::{missing, parse};
use super::prompt::Prompt;
use super::refusal::Refusal;

/// Sound whose length no directive tells: that of 16 bits at 16 kHz.
const BYTES_PER_SECOND: u64 = 32_000;
const TOKENS_PER_SECOND: u64 = 10;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    prompt: Option<Prompt>,
    response_format: Option<String>,
    stream: Option<bool>,
}

pub(super) fn transcription(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    Transcript::new(exchange, "transcribe").map(|transcript| transcript.answer())
}

/// Only Whisper translates, and its short form says nothing about its length.
pub(super) fn translation(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    Transcript::new(exchange, "translate").map(|transcript| transcript.answer())
}

struct Transcript {
    task: &'static str,
    model: String,
    format: String,
    streamed: bool,
    seconds: u64,
    plan: Plan,
    billed: BilledTokens,
    usage: Value,
}

impl Transcript {
    fn new(exchange: &Exchange<'_>, task: &'static str) -> Result<Self, Refusal> {
        let request: Request = parse(exchange.body)?;
        let model = request.model.ok_or_else(|| missing("model"))?;
        let sound = exchange.file("file").ok_or_else(|| missing("file"))?;
        let length = (sound.bytes.len() as u64).div_ceil(BYTES_PER_SECOND);
        let seconds = exchange.directives.seconds.unwrap_or(length.max(1));
        let heard = (seconds * TOKENS_PER_SECOND).min(exchange.body_bytes);
        let said = exchange.input_tokens(&[request.prompt.as_ref()]);
        let plan = exchange.plan(&Ask {
            input: said + heard,
            ..Ask::default()
        });
        let by_seconds = model.starts_with("whisper");
        let mut billed = plan.billed;
        if exchange.directives.units.audio_input == 0 {
            billed.audio_input = heard.min(billed.input);
        }
        if by_seconds {
            billed = BilledTokens {
                audio_seconds: seconds,
                ..BilledTokens::default()
            };
        }
        let usage = if exchange.directives.has(Flag::NoUsage) {
            Value::Null
        } else if by_seconds {
            json!({"type": "duration", "seconds": seconds})
        } else {
            token_usage(billed)
        };
        let format = request.response_format.unwrap_or_else(|| "json".to_owned());
        if !by_seconds && matches!(format.as_str(), "srt" | "vtt" | "verbose_json") {
            return Err(Refusal::bad_request(format!(
                "response_format '{format}' is not compatible with model '{model}'."
            )));
        }
        Ok(Self {
            task,
            streamed: request.stream == Some(true) && !by_seconds,
            model,
            format,
            seconds,
            plan,
            billed,
            usage,
        })
    }

    fn answer(&self) -> Answer {
        let text = words(self.plan.visible);
        let text = text.trim_start();
        let answer = if self.streamed {
            Answer::events(&self.model, self.billed, self.stream(text))
        } else {
            let mut answer = Answer::json(&self.model, self.billed, self.body(text));
            if !self.format.ends_with("json") {
                "text/plain; charset=utf-8".clone_into(&mut answer.content_type);
            }
            answer
        };
        answer.at_tier("default")
    }

    fn body(&self, text: &str) -> String {
        let times = format!("00:00:00,000 --> {}", clock(self.seconds));
        match self.format.as_str() {
            "text" => format!("{text}\n"),
            "srt" => format!("1\n{times},000\n{text}\n\n"),
            "vtt" => format!("WEBVTT\n\n{times},000\n{text}\n\n").replace(',', "."),
            "verbose_json" => self.object(&json!({
                "task": self.task, "language": "english", "duration": self.seconds, "text": text,
                "segments": [], "words": [],
            })),
            _ => self.object(&json!({ "text": text })),
        }
    }

    /// A translation tells its usage only by its duration.
    fn object(&self, fields: &Value) -> String {
        let mut fields = fields.clone();
        if self.task == "transcribe" && !self.usage.is_null() {
            set(&mut fields, "usage", self.usage.clone());
        }
        fields.to_string()
    }

    fn stream(&self, text: &str) -> Vec<Frame> {
        let mut output = self.plan.hidden();
        let mut frames: Vec<Frame> = self
            .plan
            .pieces()
            .map(|tokens| {
                output += tokens;
                let delta = json!({"type": "transcript.text.delta", "delta": words(tokens)});
                Frame {
                    bytes: format!("data: {delta}\n\n").into(),
                    output,
                }
            })
            .collect();
        let mut done = json!({"type": "transcript.text.done", "text": text});
        if !self.usage.is_null() {
            set(&mut done, "usage", self.usage.clone());
        }
        frames.push(Frame {
            bytes: format!("data: {done}\n\n").into(),
            output: self.billed.output,
        });
        frames
    }
}

fn token_usage(billed: BilledTokens) -> Value {
    json!({
        "type": "tokens", "input_tokens": billed.input,
        "input_token_details": {
            "text_tokens": billed.text_input(), "audio_tokens": billed.audio_input,
        },
        "output_tokens": billed.output, "total_tokens": billed.total(),
    })
}

fn clock(seconds: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}
