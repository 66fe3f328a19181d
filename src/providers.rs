//! The wire formats of the three dialects: which endpoints there are, what a request asks for, what
//! an answer used, how a refusal looks. Pure and synchronous: nothing here does I/O, and nothing
//! outside knows a provider's field names.

use crate::domain::id::ProviderName;

pub mod batch;
pub mod bounds;
pub mod call;
pub mod deferred;
pub mod edit;
pub mod endpoints;
pub mod errors;
pub mod listing;
pub mod meter;
pub mod models;
pub mod object;
pub mod openai;
pub mod reference;
pub mod tokens;
pub mod translate;
pub mod upstream;

mod answer;
mod anthropic;
mod content;
mod elements;
mod ending;
mod google;
mod json;
mod multipart;
mod payload;
mod pictures;
mod scan;
mod shape;
mod sound;
mod sse;
mod transcript;

/// Whose API a caller speaks. It decides the provider that is called, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `OpenAI`: chat completions, responses, embeddings.
    OpenAi,
    /// Anthropic: messages.
    Anthropic,
    /// Google: the Gemini API.
    Google,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Google];

    /// The provider's name in the price book, the ledger and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
        }
    }

    /// The provider, as the price book is asked for it.
    pub fn provider(self) -> ProviderName {
        ProviderName::new(self.as_str())
    }
}
