//! What a call is billed, in every unit of the providers' price lists.

use serde::Serialize;

/// Units that the provider bills. Parts are inside their whole, whatever the wire format says, and
/// never overlap each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BilledTokens {
    /// All input, cache reads and writes included (also for Anthropic, whose wire format leaves
    /// them out).
    pub input: u64,
    /// The part of the input that was read from the cache.
    pub cached_input: u64,
    /// The part of the input that was written to the cache for five minutes.
    pub cache_write: u64,
    /// The part of the input that was written to the cache for an hour.
    pub cache_write_1h: u64,
    /// The part of the input that was sound.
    pub audio_input: u64,
    /// The part of the input that was pictures.
    pub image_input: u64,
    /// All output, reasoning included (also for Gemini, whose wire format leaves it out).
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
    /// The part of the output that was sound.
    pub audio_output: u64,
    /// The part of the output that was pictures.
    pub image_output: u64,
    /// Searches of the web, which have a fee for each call.
    pub web_search_calls: u64,
    /// Tokens that are kept for later, times the seconds for which that was asked.
    pub stored_token_seconds: u64,
    /// Seconds of sound, where a model is priced by them instead of by tokens.
    pub audio_seconds: u64,
    /// Pictures made, where a model is priced by them instead of by tokens.
    pub images: u64,
}

impl BilledTokens {
    pub(super) fn add(&mut self, other: Self) {
        self.input += other.input;
        self.cached_input += other.cached_input;
        self.cache_write += other.cache_write;
        self.cache_write_1h += other.cache_write_1h;
        self.audio_input += other.audio_input;
        self.image_input += other.image_input;
        self.output += other.output;
        self.reasoning += other.reasoning;
        self.audio_output += other.audio_output;
        self.image_output += other.image_output;
        self.web_search_calls += other.web_search_calls;
        self.stored_token_seconds += other.stored_token_seconds;
        self.audio_seconds += other.audio_seconds;
        self.images += other.images;
    }

    /// What is billed once the request was read and nothing was produced.
    pub(super) fn before_output(self) -> Self {
        Self {
            web_search_calls: 0,
            images: 0,
            ..self.until(0)
        }
    }

    /// What is billed once that much output was produced: reasoning first, then pictures and
    /// sound, then text. Searches precede all of it.
    pub(super) fn until(self, output: u64) -> Self {
        let output = output.min(self.output);
        let mut left = output;
        let mut take = |part: u64| {
            let taken = part.min(left);
            left -= taken;
            taken
        };
        Self {
            output,
            reasoning: take(self.reasoning),
            image_output: take(self.image_output),
            audio_output: take(self.audio_output),
            ..self
        }
    }

    /// Input that is neither read from a cache nor written to one.
    pub(super) fn uncached(self) -> u64 {
        self.input - self.cached_input - self.cache_write - self.cache_write_1h
    }

    /// Input that is text, cached or not.
    pub(super) fn text_input(self) -> u64 {
        self.input - self.audio_input - self.image_input
    }

    /// Output that is text, reasoning included.
    pub(super) fn text_output(self) -> u64 {
        self.output - self.audio_output - self.image_output
    }

    pub(super) fn total(self) -> u64 {
        self.input + self.output
    }
}
