//! Which provider and which operation a request addresses: by its path and, where the providers
//! share a path, by its headers.

use axum::http::{HeaderMap, Method, request::Parts};
use serde::Serialize;

/// The provider whose wire format a call speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The OpenAI API.
    OpenAi,
    /// The Anthropic API.
    Anthropic,
    /// The Gemini API.
    Gemini,
}

/// What a call asks its provider to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// OpenAI `POST /v1/chat/completions`.
    ChatCompletions,
    /// OpenAI `POST /v1/completions`.
    Completions,
    /// OpenAI `POST /v1/responses`.
    Responses,
    /// OpenAI `POST /v1/embeddings`.
    Embeddings,
    /// OpenAI `POST /v1/moderations`.
    Moderations,
    /// Anthropic `POST /v1/messages`.
    Messages,
    /// Anthropic `POST /v1/messages/count_tokens` and Gemini `:countTokens`.
    CountTokens,
    /// Gemini `:generateContent`.
    GenerateContent,
    /// Gemini `:streamGenerateContent`.
    StreamGenerateContent,
    /// Gemini `:embedContent`.
    EmbedContent,
    /// Gemini `:batchEmbedContents`.
    BatchEmbedContents,
    /// The list of models or one of them, in any dialect.
    Models,
    /// A known path with a method that the provider does not accept there.
    WrongMethod,
    /// A path that the provider does not have.
    Unknown,
}

pub(super) struct Route {
    pub(super) dialect: Dialect,
    pub(super) operation: Operation,
    /// From the path: Gemini names the model there, and so does `/models/{id}`.
    pub(super) model: Option<String>,
    /// Gemini's `alt=sse`.
    pub(super) sse: bool,
}

impl Route {
    pub(super) fn of(parts: &Parts) -> Self {
        let path = parts.uri.path();
        let query = parts.uri.query().unwrap_or_default();
        let fixed = match path {
            "/v1/chat/completions" => Some((Dialect::OpenAi, Operation::ChatCompletions)),
            "/v1/completions" => Some((Dialect::OpenAi, Operation::Completions)),
            "/v1/responses" => Some((Dialect::OpenAi, Operation::Responses)),
            "/v1/embeddings" => Some((Dialect::OpenAi, Operation::Embeddings)),
            "/v1/moderations" => Some((Dialect::OpenAi, Operation::Moderations)),
            "/v1/messages" => Some((Dialect::Anthropic, Operation::Messages)),
            "/v1/messages/count_tokens" => Some((Dialect::Anthropic, Operation::CountTokens)),
            _ => None,
        };
        let mut route = match fixed {
            Some((dialect, operation)) => Self::new(dialect, operation, None),
            None => Self::models(parts, query),
        };
        let method = if route.operation == Operation::Models {
            Method::GET
        } else {
            Method::POST
        };
        if route.operation != Operation::Unknown && parts.method != method {
            route.operation = Operation::WrongMethod;
        }
        route.sse = query.split('&').any(|pair| pair == "alt=sse");
        route
    }

    /// Everything under `/models`, and what is nowhere.
    fn models(parts: &Parts, query: &str) -> Self {
        let path = parts.uri.path();
        let beta = path.starts_with("/v1beta");
        let dialect = if beta {
            Dialect::Gemini
        } else {
            shared_path(&parts.headers, query)
        };
        let Some(rest) = path
            .strip_prefix("/v1/models")
            .or_else(|| path.strip_prefix("/v1beta/models"))
        else {
            return Self::new(dialect, Operation::Unknown, None);
        };
        let Some(name) = rest.strip_prefix('/').filter(|name| !name.is_empty()) else {
            let operation = if rest.is_empty() {
                Operation::Models
            } else {
                Operation::Unknown
            };
            return Self::new(dialect, operation, None);
        };
        // Only Gemini posts under /models; an OpenAI model name may hold a colon of its own.
        match name
            .rsplit_once(':')
            .filter(|_| parts.method == Method::POST)
        {
            Some((model, action)) => Self::new(Dialect::Gemini, gemini_action(action), Some(model)),
            None => Self::new(dialect, Operation::Models, Some(name)),
        }
    }

    fn new(dialect: Dialect, operation: Operation, model: Option<&str>) -> Self {
        Self {
            dialect,
            operation,
            model: model.map(str::to_owned),
            sse: false,
        }
    }
}

fn gemini_action(action: &str) -> Operation {
    match action {
        "generateContent" => Operation::GenerateContent,
        "streamGenerateContent" => Operation::StreamGenerateContent,
        "countTokens" => Operation::CountTokens,
        "embedContent" => Operation::EmbedContent,
        "batchEmbedContents" => Operation::BatchEmbedContents,
        _ => Operation::Unknown,
    }
}

fn shared_path(headers: &HeaderMap, query: &str) -> Dialect {
    if headers.contains_key("x-goog-api-key") || query.split('&').any(|p| p.starts_with("key=")) {
        Dialect::Gemini
    } else if headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}
