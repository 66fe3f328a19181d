//! A provider's error in `OpenAI`'s words.

use bytes::Bytes;
use serde::Deserialize;

use crate::providers::Dialect;
use crate::providers::errors::{ErrorFacts, ErrorKind, render};
use crate::providers::json::Text;

/// Anthropic's own status for "too busy".
const OVERLOADED: u16 = 529;
/// How providers say that the input is longer than the model can read.
const TOO_LONG: [&str; 3] = [
    "prompt is too long",
    "exceed context limit",
    "exceeds the maximum number of tokens",
];

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// The status that the caller gets: the provider's, unless only that provider has it.
pub fn status_for_openai(status: u16) -> u16 {
    if status == OVERLOADED { 503 } else { status }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ErrorAnswer<'a> {
    #[serde(borrow)]
    error: ErrorDetails<'a>,
}

/// What an error says, of either provider.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "an object")]
pub(super) struct ErrorDetails<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
    /// Anthropic's word for it.
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    /// Google's word for it.
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code(kind),
            message: message.into(),
        }
    }

    /// The answer cannot be read, or ends too early.
    pub(super) fn unreadable(what: &str) -> Self {
        Self::new(
            ErrorKind::Internal,
            format!("The provider's answer {what}."),
        )
    }

    /// An answer with the status of an error.
    pub(super) fn of_answer(status: u16, body: &[u8]) -> Self {
        // Google puts the error in a list where it would stream.
        let listed = serde_json::from_slice::<Vec<ErrorAnswer<'_>>>(body);
        let answer = match listed {
            Ok(answers) => answers.into_iter().next(),
            Err(_) => serde_json::from_slice(body).ok(),
        };
        let details = answer
            .map(|answer: ErrorAnswer<'_>| answer.error)
            .unwrap_or_default();
        Self::of_details(&details, status)
    }

    /// An error by its words, and where they say nothing by the status.
    pub(super) fn of_details(details: &ErrorDetails<'_>, status: u16) -> Self {
        let word = details.kind.as_deref().or(details.status.as_deref());
        let kind = word.and_then(kind_named).unwrap_or_else(|| kind_of(status));
        let message = match &details.message {
            Some(message) => message.to_string(),
            None => format!("The provider answered with status {status}."),
        };
        let mut failure = Self::new(kind, message);
        let is_too_long = TOO_LONG.iter().any(|words| failure.message.contains(words));
        if kind == ErrorKind::InvalidRequest && is_too_long {
            failure.code = "context_length_exceeded";
        }
        failure
    }

    /// The error's body.
    pub(super) fn body(&self) -> Bytes {
        render(
            Dialect::OpenAi,
            &ErrorFacts {
                status: 0,
                kind: self.kind,
                code: self.code,
                message: &self.message,
                param: None,
                request_id: "",
                retry_after: None,
            },
        )
    }
}

fn kind_named(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "invalid_request_error" | "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => {
            ErrorKind::InvalidRequest
        }
        "authentication_error" | "UNAUTHENTICATED" => ErrorKind::Authentication,
        "permission_error" | "PERMISSION_DENIED" => ErrorKind::Permission,
        "billing_error" => ErrorKind::Budget,
        "not_found_error" | "NOT_FOUND" => ErrorKind::NotFound,
        "request_too_large" => ErrorKind::TooLarge,
        "rate_limit_error" | "RESOURCE_EXHAUSTED" => ErrorKind::RateLimit,
        "overloaded_error" | "UNAVAILABLE" => ErrorKind::Unavailable,
        "timeout_error" | "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
        "api_error" | "INTERNAL" | "UNKNOWN" => ErrorKind::Internal,
        _ => return None,
    })
}

fn kind_of(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Budget,
        403 => ErrorKind::Permission,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimit,
        502 | 503 | OVERLOADED => ErrorKind::Unavailable,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Internal,
    }
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::Authentication => "invalid_api_key",
        ErrorKind::Permission => "permission_denied",
        ErrorKind::NotFound => "model_not_found",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Budget => "insufficient_quota",
        ErrorKind::Unavailable => "server_overloaded",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Internal => "server_error",
    }
}
