//! Every endpoint that is passed on, and how a request finds its own. A path that is not in the
//! table is refused, so nothing goes to a provider unmetered.

use http::HeaderMap;
use http::header::HeaderName;

use crate::domain::denial::{BadRequest, Denial};
use crate::domain::feature::Feature;
use crate::domain::object::ObjectKind;
use crate::providers::reference::OBJECT_ID_BYTES_MAX;
use crate::providers::upstream::query_members;
use crate::providers::{Dialect, bounds};

pub mod coverage;

mod table;

pub use table::ENDPOINTS;

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `OpenAI` chat completions.
    ChatCompletions,
    /// `OpenAI` responses.
    Responses,
    /// `OpenAI`'s conversation in short, encrypted.
    Compaction,
    /// `OpenAI` embeddings.
    Embeddings,
    /// `OpenAI` text completions.
    Completions,
    /// `OpenAI` moderations.
    Moderations,
    /// Anthropic messages.
    Messages,
    /// Counting tokens without a model's answer.
    CountTokens,
    /// Google's answer in one piece.
    GenerateContent,
    /// Google's answer as a stream.
    StreamGenerateContent,
    /// Google's embedding of one text.
    EmbedContent,
    /// Google's embedding of several texts.
    BatchEmbedContents,
    /// Google's contents that are kept for later requests: made, or kept for longer.
    CacheContents,
    /// `OpenAI`'s conversation over a WebSocket. Each response in it is a request of its own.
    Realtime,
    /// `OpenAI` images: made, edited or varied.
    Images,
    /// `OpenAI` speech from text.
    Speech,
    /// `OpenAI` text from speech, translated or not.
    Transcriptions,
    /// The list of models, or one of them.
    Models,
    /// A batch of requests, which are answered later.
    CreateBatch,
    /// Google's batch of texts, whose embeddings are made later.
    CreateEmbeddingBatch,
    /// Files, batches and the like: made, read, listed, deleted.
    Object,
    /// What costs something that is not metered here.
    Unmetered,
}

impl Operation {
    /// The operation in `OpenTelemetry`'s words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions | Self::Responses | Self::Messages => "chat",
            Self::Compaction => "compaction",
            Self::Completions => "text_completion",
            Self::GenerateContent | Self::StreamGenerateContent => "generate_content",
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents => "embeddings",
            Self::Moderations => "moderation",
            Self::CacheContents => "cache_contents",
            Self::CountTokens => "count_tokens",
            Self::Realtime => "realtime",
            Self::Images => "image_generation",
            Self::Speech => "speech",
            Self::Transcriptions => "transcription",
            Self::Models => "list_models",
            Self::CreateBatch | Self::CreateEmbeddingBatch => "batch",
            Self::Object => "object",
            Self::Unmetered => "unmetered",
        }
    }

    /// Whether it makes a batch.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::CreateBatch | Self::CreateEmbeddingBatch)
    }
}

/// What an endpoint costs, and when that is known. All of them are authenticated, rate limited and
/// recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// Nothing.
    Free,
    /// Held before, metered in the answer.
    Metered,
    /// Something that is not metered here: refused, unless the installation lets it pass.
    Refused(Feature),
    /// It would hand out what the provider trusts us with: always refused.
    Never,
}

/// What an endpoint does with what the provider keeps. Behind a shared key the provider shows each
/// caller everything; here a tenant has only what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectUse {
    /// Nothing.
    None,
    /// The answer names a new one.
    Creates(ObjectKind),
    /// The path names one.
    Uses(ObjectKind),
    /// The path names one that goes.
    Deletes(ObjectKind),
    /// All that there are.
    Lists(ObjectKind),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The path as the ledger and metrics show it. `{model}` and `{id}` stand for one segment,
    /// `{rest}` for all that follows.
    pub label: &'static str,
    /// The one method it has; `*` where any is refused.
    pub method: &'static str,
    /// Whose words it is in.
    pub dialect: Dialect,
    /// Whose servers have it.
    pub home: Dialect,
    /// What it does.
    pub operation: Operation,
    /// What it costs.
    pub billing: Billing,
    /// Whether its answer can be a stream.
    pub streams: bool,
    /// What it does with objects.
    pub object: ObjectUse,
}

impl Endpoint {
    /// Whether money is held for it before it is sent.
    pub fn is_billed(&self) -> bool {
        self.billing == Billing::Metered
    }

    /// Whether its answer is ended when it goes beyond what is held for it.
    pub fn is_cut_off(&self) -> bool {
        self.is_billed() && self.streams && bounds::takes_cap(self.operation)
    }
}

/// Whether what the ledger shows under this path may cost something.
pub fn is_billed(label: &str) -> bool {
    let named = |endpoint: &&Endpoint| endpoint.label == label;
    ENDPOINTS.iter().filter(named).any(Endpoint::is_billed)
}

/// The longest model name in a path. Names are far shorter; the ledger keeps them.
const MODEL_BYTES_MAX: usize = 200;
/// The method of rows that are refused whatever is asked.
const ANY_METHOD: &str = "*";

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// The row of the table.
    pub endpoint: &'static Endpoint,
    /// The model that the path names, checked to be one plain path segment.
    pub model_in_path: Option<&'a str>,
    /// The object that the path names, checked likewise.
    pub object_in_path: Option<&'a str>,
    /// The caller asked Anthropic for a longer context than the model's usual one.
    pub asks_long_context: bool,
}

/// A request that goes nowhere, and the dialect to say so in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrouted {
    /// The dialect that the caller most likely speaks.
    pub dialect: Dialect,
    /// Why.
    pub denial: Denial,
}

/// What headers and query say about the caller's dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints<'a> {
    /// `anthropic-version` is there.
    pub anthropic_version: bool,
    /// `x-goog-api-key` or `key=` is there.
    pub google_key: bool,
    /// `anthropic-beta` asks for a million tokens of context.
    pub long_context_beta: bool,
    /// The query, without the question mark.
    pub query: Option<&'a str>,
}

impl<'a> Hints<'a> {
    /// Reads the hints of a request.
    pub fn new(headers: &HeaderMap, query: Option<&'a str>) -> Self {
        let beta = HeaderName::from_static("anthropic-beta");
        Self {
            anthropic_version: headers.contains_key("anthropic-version"),
            google_key: headers.contains_key("x-goog-api-key")
                || query.is_some_and(|query| query_members(query).any(|(name, _)| name == "key")),
            long_context_beta: headers.get_all(beta).iter().any(|value| {
                value
                    .to_str()
                    .is_ok_and(|features| features.contains("context-1m"))
            }),
            query,
        }
    }

    /// The dialect of a path that several share, or of one that is unknown.
    fn dialect_of(&self, path: &str) -> Dialect {
        if path.starts_with("/v1beta/openai/") {
            Dialect::OpenAi
        } else if path == "/v1beta" || path.starts_with("/v1beta/") {
            Dialect::Google
        } else if self.anthropic_version || path.starts_with("/v1/messages") {
            Dialect::Anthropic
        } else if self.google_key {
            Dialect::Google
        } else {
            Dialect::OpenAi
        }
    }
}

/// Finds where a request goes.
pub fn route<'a>(
    method: &str,
    path: &'a str,
    hints: &Hints<'_>,
) -> Result<Route<'a>, Box<Unrouted>> {
    let guess = hints.dialect_of(path);
    let refuse = |dialect, denial| Err(Box::new(Unrouted { dialect, denial }));
    let (mut found, mut other_method) = (None::<(&'static Endpoint, Named<'a>)>, None);
    for endpoint in ENDPOINTS {
        let Some(named) = matches(endpoint.label, path) else {
            continue;
        };
        if endpoint.method != method && endpoint.method != ANY_METHOD {
            other_method = other_method
                .filter(|other: &&Endpoint| other.dialect == guess)
                .or(Some(endpoint));
        } else if endpoint.dialect == guess {
            found = Some((endpoint, named));
            break;
        } else if found.is_none() {
            found = Some((endpoint, named));
        }
    }
    let Some((endpoint, named)) = found else {
        return match other_method {
            Some(endpoint) => {
                let allowed = endpoint.method;
                refuse(endpoint.dialect, Denial::MethodNotAllowed { allowed })
            }
            None => refuse(guess, Denial::UnknownRoute),
        };
    };
    let checked = named
        .check()
        .and_then(|()| check_query(endpoint, hints.query));
    if let Err(wrong) = checked {
        return refuse(endpoint.dialect, Denial::BadRequest(wrong));
    }
    Ok(Route {
        endpoint,
        model_in_path: named.model(),
        object_in_path: named.object(),
        asks_long_context: endpoint.dialect == Dialect::Anthropic && hints.long_context_beta,
    })
}

/// What a path has where its label has a word in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named<'a> {
    Nothing,
    Model(&'a str),
    Object(&'a str),
    Rest,
}

impl<'a> Named<'a> {
    fn model(self) -> Option<&'a str> {
        match self {
            Self::Model(model) => Some(model),
            Self::Nothing | Self::Object(_) | Self::Rest => None,
        }
    }

    fn object(self) -> Option<&'a str> {
        match self {
            Self::Object(id) => Some(id),
            Self::Nothing | Self::Model(_) | Self::Rest => None,
        }
    }

    /// A name must be one plain segment: what we price and look up is what the provider will read.
    fn check(self) -> Result<(), BadRequest> {
        match self {
            Self::Model(model) => check_model(model),
            Self::Object(_) | Self::Nothing | Self::Rest => Ok(()),
        }
    }
}

/// What `path` has where the label has a word in braces, if the rest is the same.
fn matches<'a>(label: &str, path: &'a str) -> Option<Named<'a>> {
    // Most labels have no such word, and a byte is found faster than a word.
    let Some((before, word)) = label.find('{').and_then(|at| label.split_at_checked(at)) else {
        return (label == path).then_some(Named::Nothing);
    };
    let (word, after) = word.split_at_checked(word.find('}')?.saturating_add(1))?;
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    match word {
        "{model}" => {
            let is_whole = after.is_empty() || !name.is_empty();
            // A Google method that is not in the table is no model's name.
            let is_method =
                after.is_empty() && before.starts_with("/v1beta/models") && name.contains(':');
            (is_whole && !is_method).then_some(Named::Model(name))
        }
        "{id}" => is_object_id(name).then_some(Named::Object(name)),
        _ => (!name.is_empty()).then_some(Named::Rest),
    }
}

/// Whether a text can be the id of an object: one segment, without Google's methods.
pub(crate) fn is_object_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty()
        && text.len() <= OBJECT_ID_BYTES_MAX
        && text.bytes().all(is_plain)
        && !text.contains("..")
        && !text.starts_with('.')
}

/// The name of a model in a path must be one plain segment.
pub(crate) fn check_model(model: &str) -> Result<(), BadRequest> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:@".contains(&byte);
    if model.is_empty()
        || model.len() > MODEL_BYTES_MAX
        || !model.bytes().all(is_plain)
        || model.contains("..")
        || model.starts_with('.')
    {
        return Err(BadRequest::field(
            "model",
            "The address does not name a model: expected letters, digits and `-._:@`.",
        ));
    }
    Ok(())
}

/// Google lets a query choose the answer's form; in some of them the usage could not be read.
fn check_query(endpoint: &Endpoint, query: Option<&str>) -> Result<(), BadRequest> {
    if endpoint.dialect != Dialect::Google || !endpoint.is_billed() {
        return Ok(());
    }
    for (name, value) in query.into_iter().flat_map(query_members) {
        match name.trim_start_matches('$') {
            "alt" if value != "sse" && value != "json" => {
                let message = "Only `alt=sse` and `alt=json` are possible here.";
                return Err(BadRequest::field("alt", message));
            }
            "fields" | "callback" => {
                let message = "`fields` and `callback` are not possible here: the usage of the \
                               answer could not be read.";
                return Err(BadRequest::field("fields", message));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
