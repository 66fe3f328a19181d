//! The table of every endpoint that is passed on. A path that is not here is refused, so nothing
//! goes to a provider unmetered.

use http::HeaderMap;
use http::header::HeaderName;

use crate::domain::denial::{BadRequest, Denial};
use crate::providers::Dialect;
use crate::providers::upstream::query_members;

/// What an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `OpenAI` chat completions.
    ChatCompletions,
    /// `OpenAI` responses.
    Responses,
    /// `OpenAI` embeddings.
    Embeddings,
    /// `OpenAI` text completions.
    Completions,
    /// `OpenAI` moderations.
    Moderations,
    /// Anthropic messages.
    Messages,
    /// Counting tokens without a model's answer, Anthropic and Google.
    CountTokens,
    /// Google's answer in one piece.
    GenerateContent,
    /// Google's answer as a stream.
    StreamGenerateContent,
    /// Google's embedding of one text.
    EmbedContent,
    /// Google's embedding of several texts.
    BatchEmbedContents,
    /// The list of models, or one of them.
    Models,
}

impl Operation {
    /// The operation in `OpenTelemetry`'s words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions | Self::Responses | Self::Messages => "chat",
            Self::Completions => "text_completion",
            Self::GenerateContent | Self::StreamGenerateContent => "generate_content",
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents => "embeddings",
            Self::Moderations => "moderation",
            Self::CountTokens => "count_tokens",
            Self::Models => "list_models",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The path as the ledger and metrics show it, a model replaced by `{model}`.
    pub label: &'static str,
    /// The one method it has.
    pub method: &'static str,
    /// Whose endpoint it is.
    pub dialect: Dialect,
    /// What it does.
    pub operation: Operation,
    /// Whether it costs money: reserved before, metered after. The others are free, but are still
    /// authenticated, rate limited and recorded.
    pub is_billed: bool,
    /// Whether its answer can be a stream.
    pub streams: bool,
}

const fn billed(
    dialect: Dialect,
    operation: Operation,
    label: &'static str,
    streams: bool,
) -> Endpoint {
    Endpoint {
        label,
        method: "POST",
        dialect,
        operation,
        is_billed: true,
        streams,
    }
}

const fn free(
    dialect: Dialect,
    operation: Operation,
    method: &'static str,
    label: &'static str,
) -> Endpoint {
    Endpoint {
        label,
        method,
        dialect,
        operation,
        is_billed: false,
        streams: false,
    }
}

/// Every endpoint. Rows of one path differ in dialect; headers tell which one is meant.
pub const ENDPOINTS: &[Endpoint] = {
    use Dialect::{Anthropic, Google, OpenAi};
    use Operation as Op;
    &[
        billed(OpenAi, Op::ChatCompletions, "/v1/chat/completions", true),
        billed(OpenAi, Op::Responses, "/v1/responses", true),
        billed(OpenAi, Op::Embeddings, "/v1/embeddings", false),
        billed(OpenAi, Op::Completions, "/v1/completions", true),
        free(OpenAi, Op::Moderations, "POST", "/v1/moderations"),
        free(OpenAi, Op::Models, "GET", "/v1/models"),
        free(OpenAi, Op::Models, "GET", "/v1/models/{model}"),
        billed(Anthropic, Op::Messages, "/v1/messages", true),
        free(
            Anthropic,
            Op::CountTokens,
            "POST",
            "/v1/messages/count_tokens",
        ),
        free(Anthropic, Op::Models, "GET", "/v1/models"),
        free(Anthropic, Op::Models, "GET", "/v1/models/{model}"),
        billed(
            Google,
            Op::GenerateContent,
            "/v1beta/models/{model}:generateContent",
            false,
        ),
        billed(
            Google,
            Op::StreamGenerateContent,
            "/v1beta/models/{model}:streamGenerateContent",
            true,
        ),
        billed(
            Google,
            Op::EmbedContent,
            "/v1beta/models/{model}:embedContent",
            false,
        ),
        billed(
            Google,
            Op::BatchEmbedContents,
            "/v1beta/models/{model}:batchEmbedContents",
            false,
        ),
        free(
            Google,
            Op::CountTokens,
            "POST",
            "/v1beta/models/{model}:countTokens",
        ),
        free(Google, Op::Models, "GET", "/v1beta/models"),
        free(Google, Op::Models, "GET", "/v1beta/models/{model}"),
        billed(
            Google,
            Op::GenerateContent,
            "/v1/models/{model}:generateContent",
            false,
        ),
        billed(
            Google,
            Op::StreamGenerateContent,
            "/v1/models/{model}:streamGenerateContent",
            true,
        ),
        billed(
            Google,
            Op::EmbedContent,
            "/v1/models/{model}:embedContent",
            false,
        ),
        billed(
            Google,
            Op::BatchEmbedContents,
            "/v1/models/{model}:batchEmbedContents",
            false,
        ),
        free(
            Google,
            Op::CountTokens,
            "POST",
            "/v1/models/{model}:countTokens",
        ),
        free(Google, Op::Models, "GET", "/v1/models"),
        free(Google, Op::Models, "GET", "/v1/models/{model}"),
    ]
};

/// The longest model name in a path. Names are far shorter; the ledger keeps them.
const MODEL_BYTES_MAX: usize = 200;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// The row of the table.
    pub endpoint: &'static Endpoint,
    /// The model that the path names, checked to be one plain path segment.
    pub model_in_path: Option<&'a str>,
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
        if path == "/v1beta" || path.starts_with("/v1beta/") {
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
    let (mut found, mut other_method) = (None::<(&'static Endpoint, Option<&'a str>)>, None);
    for endpoint in ENDPOINTS {
        let Some(model) = matches(endpoint.label, path) else {
            continue;
        };
        if endpoint.method != method {
            other_method = other_method
                .filter(|other: &&Endpoint| other.dialect == guess)
                .or(Some(endpoint));
        } else if endpoint.dialect == guess {
            found = Some((endpoint, model));
            break;
        } else if found.is_none() {
            found = Some((endpoint, model));
        }
    }
    let Some((endpoint, model)) = found else {
        return match other_method {
            Some(endpoint) => {
                let allowed = endpoint.method;
                refuse(endpoint.dialect, Denial::MethodNotAllowed { allowed })
            }
            None => refuse(guess, Denial::UnknownRoute),
        };
    };
    let checked = check_model(model).and_then(|()| check_query(endpoint, hints.query));
    if let Err(wrong) = checked {
        return refuse(endpoint.dialect, Denial::BadRequest(wrong));
    }
    Ok(Route {
        endpoint,
        model_in_path: model,
        asks_long_context: endpoint.dialect == Dialect::Anthropic && hints.long_context_beta,
    })
}

/// The model that `path` has where the label says `{model}`, if the rest is the same.
#[expect(
    clippy::option_option,
    reason = "no match, a match without a model, a match with one"
)]
fn matches<'a>(label: &str, path: &'a str) -> Option<Option<&'a str>> {
    const MODEL: &str = "{model}";
    // Most labels have no model in them, and a byte is found faster than a word.
    let Some((before, after)) = label.find('{').and_then(|at| label.split_at_checked(at)) else {
        return (label == path).then_some(None);
    };
    let after = after.strip_prefix(MODEL)?;
    let model = path.strip_prefix(before)?.strip_suffix(after)?;
    let is_whole = after.is_empty() || !model.is_empty();
    // A Google method that is not in the table is no model's name.
    let is_method = after.is_empty() && before.starts_with("/v1beta") && model.contains(':');
    (is_whole && !is_method).then_some(Some(model))
}

/// A model in a path must be one plain segment: what we price is what the provider will read.
fn check_model(model: Option<&str>) -> Result<(), BadRequest> {
    let Some(model) = model else { return Ok(()) };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:@".contains(&byte);
    if model.is_empty()
        || model.len() > MODEL_BYTES_MAX
        || !model.bytes().all(is_plain)
        || model.contains("..")
        || model.starts_with('.')
    {
        return Err(BadRequest::field(
            "model",
            "The path does not name a model: expected letters, digits and `-._:@`.",
        ));
    }
    Ok(())
}

/// Google lets a query choose the answer's form; in some of them the usage could not be read.
fn check_query(endpoint: &Endpoint, query: Option<&str>) -> Result<(), BadRequest> {
    if endpoint.dialect != Dialect::Google || !endpoint.is_billed {
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
