//! Which provider and which operation a request addresses: by its path and, where the providers
//! share a path, by its headers.

use axum::http::Method;
use serde::Serialize;

use super::target::Target;

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
    /// OpenAI `POST /v1/responses/compact`.
    Compaction,
    /// OpenAI `/v1/responses/{id}` and what is under it.
    StoredResponses,
    /// OpenAI `POST /v1/embeddings`.
    Embeddings,
    /// OpenAI `POST /v1/moderations`.
    Moderations,
    /// OpenAI `POST /v1/images/generations`.
    ImageGenerations,
    /// OpenAI `POST /v1/images/edits`.
    ImageEdits,
    /// OpenAI `POST /v1/images/variations`.
    ImageVariations,
    /// OpenAI `POST /v1/audio/speech`.
    Speech,
    /// OpenAI `POST /v1/audio/transcriptions`.
    Transcriptions,
    /// OpenAI `POST /v1/audio/translations`.
    Translations,
    /// A turn of OpenAI `/v1/realtime`.
    Realtime,
    /// OpenAI `/v1/uploads`.
    Uploads,
    /// Files of any provider.
    Files,
    /// Batches of any provider; Gemini makes them by `:batchGenerateContent`.
    Batches,
    /// Gemini `:asyncBatchEmbedContent`.
    EmbeddingBatches,
    /// Anthropic `POST /v1/messages`.
    Messages,
    /// Anthropic `POST /v1/messages/count_tokens`, Gemini `:countTokens` and OpenAI
    /// `POST /v1/responses/input_tokens`.
    CountTokens,
    /// Gemini `:generateContent`.
    GenerateContent,
    /// Gemini `:streamGenerateContent`.
    StreamGenerateContent,
    /// Gemini `:embedContent`.
    EmbedContent,
    /// Gemini `:batchEmbedContents`.
    BatchEmbedContents,
    /// Gemini `:predict`.
    Predict,
    /// Gemini `/v1beta/cachedContents`.
    CachedContents,
    /// The list of models or one of them, in any dialect.
    Models,
    /// A known path with a method that the provider does not accept there.
    WrongMethod,
    /// A path that the provider does not have.
    Unknown,
}

#[derive(Clone)]
pub(super) struct Route {
    /// The wire format.
    pub(super) dialect: Dialect,
    /// Whose key is asked for: Gemini speaks OpenAI's format, too.
    pub(super) provider: Dialect,
    pub(super) operation: Operation,
    /// From the path: Gemini names the model there, and so does `/models/{id}`.
    pub(super) model: Option<String>,
    /// Gemini's `alt=sse`.
    pub(super) sse: bool,
}

impl Route {
    pub(super) fn of(target: &Target) -> Self {
        let path = target.path.as_str();
        if let Some(rest) = path.strip_prefix("/v1beta/openai/") {
            return Self::compatible(target, rest);
        }
        let fixed = match path.strip_prefix("/v1/") {
            Some("messages") => Some((Dialect::Anthropic, Operation::Messages)),
            Some("messages/count_tokens") => Some((Dialect::Anthropic, Operation::CountTokens)),
            Some(path) => openai(path).map(|operation| (Dialect::OpenAi, operation)),
            None => None,
        };
        let route = match fixed {
            Some((dialect, operation)) => Self::new(dialect, operation, None),
            None => match objects(target) {
                Some((dialect, operation)) => return Self::new(dialect, operation, None),
                None => Self::models(target),
            },
        };
        route.checked(target)
    }

    /// Gemini's endpoints in OpenAI's format.
    fn compatible(target: &Target, path: &str) -> Self {
        let (operation, model) = match path.split_once('/') {
            _ if path == "models" => (Operation::Models, None),
            Some(("models", name)) => (Operation::Models, Some(name)),
            Some(_) | None => match openai(path) {
                Some(
                    operation @ (Operation::ChatCompletions
                    | Operation::Embeddings
                    | Operation::ImageGenerations),
                ) => (operation, None),
                Some(_) | None => (Operation::Unknown, None),
            },
        };
        Self {
            provider: Dialect::Gemini,
            ..Self::new(Dialect::OpenAi, operation, model)
        }
        .checked(target)
    }

    fn checked(mut self, target: &Target) -> Self {
        let method = if self.operation == Operation::Models {
            Method::GET
        } else {
            Method::POST
        };
        if self.operation != Operation::Unknown && target.method != method {
            self.operation = Operation::WrongMethod;
        }
        self.sse = target.query("alt") == Some("sse");
        self
    }

    /// Everything under `/models`, and what is nowhere.
    fn models(target: &Target) -> Self {
        let path = target.path.as_str();
        let dialect = if path.starts_with("/v1beta") {
            Dialect::Gemini
        } else {
            shared_path(target)
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
            .filter(|_| target.method == Method::POST)
        {
            Some((model, action)) => Self::new(Dialect::Gemini, gemini_action(action), Some(model)),
            None => Self::new(dialect, Operation::Models, Some(name)),
        }
    }

    fn new(dialect: Dialect, operation: Operation, model: Option<&str>) -> Self {
        Self {
            dialect,
            provider: dialect,
            operation,
            model: model.map(str::to_owned),
            sse: false,
        }
    }
}

/// What is posted to OpenAI, by the path under its version.
fn openai(path: &str) -> Option<Operation> {
    Some(match path {
        "chat/completions" => Operation::ChatCompletions,
        "completions" => Operation::Completions,
        "responses" => Operation::Responses,
        "responses/compact" => Operation::Compaction,
        "responses/input_tokens" => Operation::CountTokens,
        "embeddings" => Operation::Embeddings,
        "moderations" => Operation::Moderations,
        "images/generations" => Operation::ImageGenerations,
        "images/edits" => Operation::ImageEdits,
        "images/variations" => Operation::ImageVariations,
        "audio/speech" => Operation::Speech,
        "audio/transcriptions" => Operation::Transcriptions,
        "audio/translations" => Operation::Translations,
        _ => return None,
    })
}

/// What is made, listed, read and deleted: each kind knows its own methods.
fn objects(target: &Target) -> Option<(Dialect, Operation)> {
    Some(match target.segments().as_slice() {
        ["v1", "realtime"] => (Dialect::OpenAi, Operation::Realtime),
        ["v1", "files", ..] => (shared_path(target), Operation::Files),
        ["v1", "batches", ..] => (shared_path(target), Operation::Batches),
        ["v1", "uploads", ..] => (Dialect::OpenAi, Operation::Uploads),
        ["v1", "responses", ..] => (Dialect::OpenAi, Operation::StoredResponses),
        ["v1", "messages", "batches", ..] => (Dialect::Anthropic, Operation::Batches),
        ["v1beta", "files", ..] | ["upload" | "download", "v1" | "v1beta", "files", ..] => {
            (Dialect::Gemini, Operation::Files)
        }
        ["v1beta", "batches", ..] => (Dialect::Gemini, Operation::Batches),
        ["v1" | "v1beta", "cachedContents", ..] => (Dialect::Gemini, Operation::CachedContents),
        _ => return None,
    })
}

fn gemini_action(action: &str) -> Operation {
    match action {
        "generateContent" => Operation::GenerateContent,
        "streamGenerateContent" => Operation::StreamGenerateContent,
        "countTokens" => Operation::CountTokens,
        "embedContent" => Operation::EmbedContent,
        "batchEmbedContents" => Operation::BatchEmbedContents,
        "batchGenerateContent" => Operation::Batches,
        "asyncBatchEmbedContent" => Operation::EmbeddingBatches,
        "predict" => Operation::Predict,
        _ => Operation::Unknown,
    }
}

fn shared_path(target: &Target) -> Dialect {
    if target.header("x-goog-api-key").is_some() || target.query("key").is_some() {
        Dialect::Gemini
    } else if target.header("anthropic-version").is_some() {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}
