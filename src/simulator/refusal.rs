//! Errors in each provider's own shape.

use axum::http::StatusCode;

use super::exchange::quoted;
use super::route::Dialect;

/// Seconds that a rate-limit error asks the caller to wait when no directive says otherwise.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a call is answered with an error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<u64>,
    message: String,
    /// Where OpenAI is more exact than its status, or names no code at all.
    openai_code: Option<OpenAiCode>,
}

#[derive(Debug)]
enum OpenAiCode {
    Own(&'static str),
    Null,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            retry_after: None,
            message: message.into(),
            openai_code: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unknown_path(request: &str) -> Self {
        let message = format!("Unknown request URL: {request}.");
        Self {
            openai_code: Some(OpenAiCode::Own("unknown_url")),
            ..Self::new(StatusCode::NOT_FOUND, message)
        }
    }

    /// An object that was never made or is no longer there.
    pub(super) fn no_such(kind: &str, id: &str) -> Self {
        Self {
            openai_code: Some(OpenAiCode::Null),
            ..Self::new(
                StatusCode::NOT_FOUND,
                format!("No such {kind} object: {id}"),
            )
        }
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// A failure that a directive asks for.
    pub(super) fn simulated(status: StatusCode, retry_after: Option<u64>) -> Self {
        let limited = (status == StatusCode::TOO_MANY_REQUESTS).then_some(RETRY_AFTER_SECONDS);
        let message = format!("Simulated error {}.", status.as_u16());
        Self {
            retry_after: retry_after.or(limited),
            ..Self::new(status, message)
        }
    }

    pub(super) fn body(&self, dialect: Dialect, request_id: &str) -> String {
        let message = quoted(&self.message);
        match dialect {
            Dialect::OpenAi => {
                let (kind, code) = openai_kind(self.status);
                let code = match &self.openai_code {
                    Some(OpenAiCode::Own(code)) => Some(*code),
                    Some(OpenAiCode::Null) => None,
                    None => code,
                };
                let code = code.map_or_else(|| "null".to_owned(), quoted);
                format!(
                    r#"{{"error":{{"message":{message},"type":"{kind}","param":null,"code":{code}}}}}"#
                )
            }
            Dialect::Anthropic => format!(
                r#"{{"type":"error","error":{{"type":"{}","message":{message}}},"request_id":"{request_id}"}}"#,
                anthropic_kind(self.status)
            ),
            Dialect::Gemini => self.gemini(&message),
        }
    }

    /// The same error in the middle of a stream whose status was already 200.
    pub(super) fn event(&self, dialect: Dialect, request_id: &str) -> String {
        let body = self.body(dialect, request_id);
        match dialect {
            Dialect::OpenAi | Dialect::Gemini => format!("data: {body}\n\n"),
            Dialect::Anthropic => format!("event: error\ndata: {body}\n\n"),
        }
    }

    fn gemini(&self, message: &str) -> String {
        let details = self.retry_after.map_or_else(String::new, |seconds| {
            format!(
                r#","details":[{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{seconds}s"}}]"#
            )
        });
        format!(
            r#"{{"error":{{"code":{},"message":{message},"status":"{}"{details}}}}}"#,
            self.status.as_u16(),
            gemini_kind(self.status)
        )
    }
}

fn openai_kind(status: StatusCode) -> (&'static str, Option<&'static str>) {
    match status.as_u16() {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        403 => (
            "request_forbidden",
            Some("unsupported_country_region_territory"),
        ),
        404 => ("invalid_request_error", Some("model_not_found")),
        405 => ("invalid_request_error", Some("method_not_supported")),
        429 => ("requests", Some("rate_limit_exceeded")),
        503 => ("service_unavailable_error", None),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}

fn anthropic_kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn gemini_kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        402 | 429 => "RESOURCE_EXHAUSTED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
