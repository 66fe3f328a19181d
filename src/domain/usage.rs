//! What a request used, in the units that providers bill, and how sure we are of it.

use serde::{Deserialize, Serialize};

/// A unit that providers price. The names are those of the price book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Input tokens that were not in the provider's cache.
    Input,
    /// Input tokens read from the provider's cache.
    CachedInput,
    /// Input tokens written to the cache for five minutes.
    CacheWrite,
    /// Input tokens written to the cache for an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Output tokens that the caller can read.
    Output,
    /// Output tokens of hidden reasoning.
    ReasoningOutput,
    /// Input tokens of audio.
    AudioInput,
    /// Output tokens of audio.
    AudioOutput,
    /// Input tokens of images.
    ImageInput,
    /// Output tokens of images.
    ImageOutput,
    /// Web searches that the provider made.
    WebSearchCall,
    /// Tokens that the provider keeps ready for later requests, for each hour.
    CacheStorage,
}

impl RateKind {
    /// Every kind, in the order in which rates are kept.
    pub const ALL: [Self; 12] = [
        Self::Input,
        Self::CachedInput,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::Output,
        Self::ReasoningOutput,
        Self::AudioInput,
        Self::AudioOutput,
        Self::ImageInput,
        Self::ImageOutput,
        Self::WebSearchCall,
        Self::CacheStorage,
    ];

    /// The name in price lists and APIs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::ReasoningOutput => "reasoning_output",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::ImageInput => "image_input",
            Self::ImageOutput => "image_output",
            Self::WebSearchCall => "web_search_call",
            Self::CacheStorage => "cache_storage",
        }
    }

    /// Reads what [`RateKind::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether units of this kind count towards the length of the input.
    pub fn is_input(self) -> bool {
        match self {
            Self::Input
            | Self::CachedInput
            | Self::CacheWrite
            | Self::CacheWrite1h
            | Self::AudioInput
            | Self::ImageInput => true,
            Self::Output
            | Self::ReasoningOutput
            | Self::AudioOutput
            | Self::ImageOutput
            | Self::WebSearchCall
            | Self::CacheStorage => false,
        }
    }

    /// Whether units of this kind are tokens of an answer.
    pub fn is_output(self) -> bool {
        !self.is_input() && !self.is_fee()
    }

    /// Whether lists state its price once, beside the base rates, and mean it for every tier and length.
    pub fn is_fee(self) -> bool {
        matches!(self, Self::WebSearchCall | Self::CacheStorage)
    }

    /// How many of the units that are counted make one that is priced: what is kept is counted by the
    /// second, and priced by the hour.
    pub fn counted_per_priced(self) -> u64 {
        match self {
            Self::CacheStorage => 3_600,
            Self::Input
            | Self::CachedInput
            | Self::CacheWrite
            | Self::CacheWrite1h
            | Self::Output
            | Self::ReasoningOutput
            | Self::AudioInput
            | Self::AudioOutput
            | Self::ImageInput
            | Self::ImageOutput
            | Self::WebSearchCall => 1,
        }
    }
}

/// The billable units of one request. The counts are disjoint: a cached token is not also an
/// `input` token, whatever way the provider reports it. Deferred rows are kept by name, across
/// versions: a kind that they do not have is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// See [`RateKind::Input`].
    pub input: u64,
    /// See [`RateKind::CachedInput`].
    pub cached_input: u64,
    /// See [`RateKind::CacheWrite`].
    pub cache_write: u64,
    /// See [`RateKind::CacheWrite1h`].
    pub cache_write_1h: u64,
    /// See [`RateKind::Output`].
    pub output: u64,
    /// See [`RateKind::ReasoningOutput`].
    pub reasoning_output: u64,
    /// See [`RateKind::AudioInput`].
    pub audio_input: u64,
    /// See [`RateKind::AudioOutput`].
    pub audio_output: u64,
    /// See [`RateKind::ImageInput`].
    pub image_input: u64,
    /// See [`RateKind::ImageOutput`].
    pub image_output: u64,
    /// See [`RateKind::WebSearchCall`].
    pub web_search_calls: u64,
    /// See [`RateKind::CacheStorage`]: tokens times the seconds for which they are kept.
    pub cache_storage_token_seconds: u64,
}

impl TokenUsage {
    /// The units of one kind.
    pub fn get(&self, kind: RateKind) -> u64 {
        match kind {
            RateKind::Input => self.input,
            RateKind::CachedInput => self.cached_input,
            RateKind::CacheWrite => self.cache_write,
            RateKind::CacheWrite1h => self.cache_write_1h,
            RateKind::Output => self.output,
            RateKind::ReasoningOutput => self.reasoning_output,
            RateKind::AudioInput => self.audio_input,
            RateKind::AudioOutput => self.audio_output,
            RateKind::ImageInput => self.image_input,
            RateKind::ImageOutput => self.image_output,
            RateKind::WebSearchCall => self.web_search_calls,
            RateKind::CacheStorage => self.cache_storage_token_seconds,
        }
    }

    /// The units of both together.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        Self {
            input: self.input.saturating_add(more.input),
            cached_input: self.cached_input.saturating_add(more.cached_input),
            cache_write: self.cache_write.saturating_add(more.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_add(more.cache_write_1h),
            output: self.output.saturating_add(more.output),
            reasoning_output: self.reasoning_output.saturating_add(more.reasoning_output),
            audio_input: self.audio_input.saturating_add(more.audio_input),
            audio_output: self.audio_output.saturating_add(more.audio_output),
            image_input: self.image_input.saturating_add(more.image_input),
            image_output: self.image_output.saturating_add(more.image_output),
            web_search_calls: self.web_search_calls.saturating_add(more.web_search_calls),
            cache_storage_token_seconds: self
                .cache_storage_token_seconds
                .saturating_add(more.cache_storage_token_seconds),
        }
    }

    /// All input tokens: what long-context prices and the original's `promptTok` look at.
    pub fn input_total(&self) -> u64 {
        self.total_of(RateKind::is_input)
    }

    /// All output tokens: the original's `compTok`.
    pub fn output_total(&self) -> u64 {
        self.total_of(RateKind::is_output)
    }

    fn total_of(&self, counts: impl Fn(RateKind) -> bool) -> u64 {
        RateKind::ALL
            .into_iter()
            .filter(|kind| counts(*kind))
            .fold(0, |total, kind| total.saturating_add(self.get(kind)))
    }
}

/// How a ledger row's figures came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The provider reported the usage, and every unit of it has a price.
    #[default]
    Measured,
    /// We counted what went through, or had to price a unit by a neighbouring rate.
    Estimated,
    /// Nothing is known but the worst case, which is what was charged.
    Unknown,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 3] = [Self::Measured, Self::Estimated, Self::Unknown];

    /// The name in the ledger and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }

    /// Reads what [`Basis::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.as_str() == text)
    }
}
