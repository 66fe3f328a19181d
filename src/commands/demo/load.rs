//! The calls: every dialect, whole and streamed, of random size, as fast as the gateway takes them.

use std::cell::Cell;
use std::io::IsTerminal as _;

use anyhow::Result;
use futures::StreamExt as _;
use futures::stream;
use serde_json::{Value, json};

use crate::commands::terminal::note;

const OUTPUT_TOKENS_MIN: u64 = 16;
const OUTPUT_TOKENS_MAX: u64 = 900;
/// How often the progress is told.
const PROGRESS_CALLS: u32 = 200;

/// What became of the calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub(super) sent: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    pub(super) streamed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Refused,
    Failed,
}

/// What is left after the burst is spent by small calls, a few at a time.
const REST_PARALLEL: usize = 8;
const REST_CALLS_MAX: u32 = 4_000;
const REST_OUTPUT_TOKENS: u64 = 32;
/// So many refusals in a row mean that nothing is left for even a small call.
const REST_REFUSALS: u32 = 16;

impl Load {
    /// Spends what is left, until small calls are refused as well: a ceiling that refuses too early
    /// would be no feat.
    pub(super) async fn spend_the_rest(&mut self, url: &str, key: &str) -> Result<()> {
        let client = reqwest::Client::new();
        let refusals = Cell::new(0);
        let numbers = (0..REST_CALLS_MAX).take_while(|_| refusals.get() < REST_REFUSALS);
        let mut outcomes = stream::iter(numbers)
            .map(|number| {
                let what = (number, REST_OUTPUT_TOKENS);
                call(client.clone(), url.to_owned(), key.to_owned(), what)
            })
            .buffer_unordered(REST_PARALLEL);
        while let Some((outcome, streamed)) = outcomes.next().await {
            let is_refused = outcome == Outcome::Refused;
            refusals.set(if is_refused { refusals.get() + 1 } else { 0 });
            self.count(outcome, streamed);
        }
        Ok(())
    }

    fn count(&mut self, outcome: Outcome, streamed: bool) {
        self.sent += 1;
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Failed => self.failed += 1,
        }
        self.streamed += u64::from(streamed);
    }

    /// Fires the calls and reads every answer to its end.
    pub(super) async fn fire(url: &str, key: &str, calls: u32, parallel: u32) -> Result<Self> {
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(usize::MAX)
            .build()?;
        let width = usize::try_from(parallel)?;
        let mut outcomes = stream::iter(0..calls)
            .map(|number| {
                let size = rand::random_range(OUTPUT_TOKENS_MIN..=OUTPUT_TOKENS_MAX);
                call(
                    client.clone(),
                    url.to_owned(),
                    key.to_owned(),
                    (number, size),
                )
            })
            .buffer_unordered(width);
        let mut load = Self::default();
        while let Some((outcome, streamed)) = outcomes.next().await {
            load.count(outcome, streamed);
            if load.sent.is_multiple_of(u64::from(PROGRESS_CALLS))
                && std::io::stderr().is_terminal()
            {
                note(&format!("  {} of {calls} answered", load.sent));
            }
        }
        Ok(load)
    }
}

async fn call(
    client: reqwest::Client,
    url: String,
    key: String,
    (number, output_tokens): (u32, u64),
) -> (Outcome, bool) {
    let (path, body, is_streamed) = request(number, output_tokens);
    let sent = client
        .post(format!("{url}{path}"))
        .bearer_auth(key)
        .json(&body)
        .send()
        .await;
    let outcome = match sent {
        Ok(response) if response.status().is_success() => match response.bytes().await {
            Ok(_) => Outcome::Accepted,
            Err(_) => Outcome::Failed,
        },
        Ok(response) if response.status().as_u16() == 402 => Outcome::Refused,
        Ok(_) | Err(_) => Outcome::Failed,
    };
    (outcome, is_streamed)
}

/// One of six kinds of call. The answer uses between a tenth and all of its cap.
fn request(number: u32, output_tokens: u64) -> (&'static str, Value, bool) {
    const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
    const GEMINI_STREAM: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
    let used = rand::random_range(output_tokens / 10..=output_tokens);
    let text = format!("Call {number} [[sim output={used} chunks=8]]");
    let is_streamed = number % 2 == 1;
    match (number % 6) / 2 {
        0 => {
            let body = json!({
                "model": "gpt-4o", "max_completion_tokens": output_tokens, "stream": is_streamed,
                "messages": [{"role": "user", "content": text}],
            });
            ("/v1/chat/completions", body, is_streamed)
        }
        1 => {
            let body = json!({
                "model": "claude-haiku-4-5", "max_tokens": output_tokens, "stream": is_streamed,
                "messages": [{"role": "user", "content": text}],
            });
            ("/v1/messages", body, is_streamed)
        }
        _ => {
            let body = json!({
                "contents": [{"role": "user", "parts": [{"text": text}]}],
                "generationConfig": {"maxOutputTokens": output_tokens},
            });
            (
                if is_streamed { GEMINI_STREAM } else { GEMINI },
                body,
                is_streamed,
            )
        }
    }
}
