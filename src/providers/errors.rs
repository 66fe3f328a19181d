//! How a refusal looks on the wire: the error body of each dialect, as its SDKs parse it.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::providers::Dialect;

/// What sort of refusal it is: decides the error type that SDKs turn into a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be understood, or asks for what cannot be had.
    InvalidRequest,
    /// No key, or a wrong one.
    Authentication,
    /// A rule says no.
    Permission,
    /// No such endpoint or model.
    NotFound,
    /// The body is too large.
    TooLarge,
    /// Too many requests.
    RateLimit,
    /// A budget has no room.
    Budget,
    /// We, or the provider, cannot answer now.
    Unavailable,
    /// It took too long.
    Timeout,
    /// Something went wrong that is not the caller's fault.
    Internal,
}

/// Everything that a refusal says.
#[derive(Clone, Copy, Debug)]
pub struct ErrorFacts<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The sort.
    pub kind: ErrorKind,
    /// A word for programs.
    pub code: &'a str,
    /// What happened, in words for people.
    pub message: &'a str,
    /// The field that is wrong, if one is.
    pub param: Option<&'a str>,
    /// Our id of the request.
    pub request_id: &'a str,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

/// The code of a budget's refusal. With `too_dear`, this request alone is dearer than what is left;
/// otherwise nothing is left. The words are those that each provider uses for its own limits.
pub fn budget_code(dialect: Dialect, too_dear: bool) -> &'static str {
    match (dialect, too_dear) {
        (Dialect::OpenAi | Dialect::Anthropic | Dialect::Google, true) => "request_exceeds_budget",
        (Dialect::OpenAi, false) => "project_spend_limit_exceeded",
        (Dialect::Anthropic, false) => "enforced_spend_limit_reached",
        (Dialect::Google, false) => "budget_exceeded",
    }
}

/// The JSON body of a refusal.
pub fn render(dialect: Dialect, facts: &ErrorFacts<'_>) -> Bytes {
    let body = match dialect {
        Dialect::OpenAi => serde_json::to_vec(&openai(facts)),
        Dialect::Anthropic => serde_json::to_vec(&anthropic(facts)),
        Dialect::Google => serde_json::to_vec(&google(facts)),
    };
    // Strings and numbers always serialise.
    Bytes::from(body.unwrap_or_default())
}

#[derive(Serialize)]
struct OpenAiBody<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: &'a str,
}

fn openai<'a>(facts: &ErrorFacts<'a>) -> OpenAiBody<'a> {
    let kind = match facts.kind {
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::NotFound
        | ErrorKind::TooLarge => "invalid_request_error",
        ErrorKind::Permission => "permission_denied",
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Budget => "insufficient_quota",
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal => "server_error",
    };
    OpenAiBody {
        error: OpenAiError {
            message: facts.message,
            kind,
            param: facts.param,
            code: facts.code,
        },
    }
}

#[derive(Serialize)]
struct AnthropicBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: AnthropicError<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    details: AnthropicDetails<'a>,
}

#[derive(Serialize)]
struct AnthropicDetails<'a> {
    error_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

fn anthropic<'a>(facts: &ErrorFacts<'a>) -> AnthropicBody<'a> {
    let kind = match facts.kind {
        ErrorKind::InvalidRequest => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::Budget if facts.status == 402 => "billing_error",
        ErrorKind::RateLimit | ErrorKind::Budget => "rate_limit_error",
        ErrorKind::Unavailable => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Internal => "api_error",
    };
    AnthropicBody {
        kind: "error",
        error: AnthropicError {
            kind,
            message: facts.message,
            details: AnthropicDetails {
                error_code: facts.code,
                param: facts.param,
            },
        },
        request_id: facts.request_id,
    }
}

#[derive(Serialize)]
struct GoogleBody<'a> {
    error: GoogleError<'a>,
}

#[derive(Serialize)]
struct GoogleError<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    details: Vec<GoogleDetail<'a>>,
}

/// The messages of `google.rpc` that tell more about an error.
#[derive(Serialize)]
#[serde(tag = "@type")]
enum GoogleDetail<'a> {
    #[serde(rename = "type.googleapis.com/google.rpc.ErrorInfo")]
    ErrorInfo {
        reason: String,
        domain: &'static str,
    },
    #[serde(rename = "type.googleapis.com/google.rpc.QuotaFailure")]
    QuotaFailure { violations: [QuotaViolation<'a>; 1] },
    #[serde(rename = "type.googleapis.com/google.rpc.BadRequest")]
    BadRequest {
        #[serde(rename = "fieldViolations")]
        field_violations: [FieldViolation<'a>; 1],
    },
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo")]
    RetryInfo {
        #[serde(rename = "retryDelay")]
        retry_delay: String,
    },
    #[serde(rename = "type.googleapis.com/google.rpc.RequestInfo")]
    RequestInfo {
        #[serde(rename = "requestId")]
        request_id: &'a str,
    },
}

#[derive(Serialize)]
struct QuotaViolation<'a> {
    subject: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct FieldViolation<'a> {
    field: &'a str,
    description: &'a str,
}

fn google<'a>(facts: &ErrorFacts<'a>) -> GoogleBody<'a> {
    let status = match facts.kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::RateLimit | ErrorKind::Budget => "RESOURCE_EXHAUSTED",
        ErrorKind::Unavailable => "UNAVAILABLE",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
        ErrorKind::Internal => "INTERNAL",
    };
    GoogleBody {
        error: GoogleError {
            code: facts.status,
            message: facts.message,
            status,
            details: google_details(facts),
        },
    }
}

fn google_details<'a>(facts: &ErrorFacts<'a>) -> Vec<GoogleDetail<'a>> {
    let mut details = vec![GoogleDetail::ErrorInfo {
        reason: facts.code.to_ascii_uppercase(),
        domain: "budgetguard",
    }];
    if matches!(facts.kind, ErrorKind::Budget | ErrorKind::RateLimit) {
        details.push(GoogleDetail::QuotaFailure {
            violations: [QuotaViolation {
                subject: facts.code,
                description: facts.message,
            }],
        });
    }
    if let Some(field) = facts.param {
        details.push(GoogleDetail::BadRequest {
            field_violations: [FieldViolation {
                field,
                description: facts.message,
            }],
        });
    }
    // A retry would only repeat a budget's refusal, so no delay is suggested for one.
    if let Some(after) = facts
        .retry_after
        .filter(|_| facts.kind != ErrorKind::Budget)
    {
        let rounds_up = u64::from(after.subsec_nanos() > 0);
        let seconds = after.as_secs().saturating_add(rounds_up);
        details.push(GoogleDetail::RetryInfo {
            retry_delay: format!("{seconds}s"),
        });
    }
    details.push(GoogleDetail::RequestInfo {
        request_id: facts.request_id,
    });
    details
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rendered(dialect: Dialect, status: u16, kind: ErrorKind) -> Value {
        let facts = ErrorFacts {
            status,
            kind,
            code: budget_code(dialect, false),
            message: "The \"team\" budget is spent.",
            param: None,
            request_id: "req-1",
            retry_after: Some(Duration::from_millis(1_500)),
        };
        serde_json::from_slice(&render(dialect, &facts)).unwrap()
    }

    #[test]
    fn a_spent_budget_is_told_to_openai_sdks_as_a_quota() {
        let body = rendered(Dialect::OpenAi, 402, ErrorKind::Budget);
        assert_eq!(
            body,
            json!({"error": {
                "message": "The \"team\" budget is spent.",
                "type": "insufficient_quota",
                "param": null,
                "code": "project_spend_limit_exceeded",
            }})
        );
    }

    #[test]
    fn the_status_of_a_spent_budget_chooses_anthropics_error_type() {
        let body = rendered(Dialect::Anthropic, 402, ErrorKind::Budget);
        assert_eq!(
            body,
            json!({
                "type": "error",
                "error": {
                    "type": "billing_error",
                    "message": "The \"team\" budget is spent.",
                    "details": {"error_code": "enforced_spend_limit_reached"},
                },
                "request_id": "req-1",
            })
        );
        let body = rendered(Dialect::Anthropic, 429, ErrorKind::Budget);
        assert_eq!(body["error"]["type"], "rate_limit_error");
    }

    #[test]
    fn google_errors_carry_the_details_that_apply() {
        let kinds = |body: &Value| -> Vec<String> {
            let details = body["error"]["details"].as_array().unwrap().iter();
            details
                .map(|detail| {
                    detail["@type"]
                        .as_str()
                        .unwrap()
                        .rsplit('.')
                        .next()
                        .unwrap()
                        .to_owned()
                })
                .collect()
        };
        let budget = rendered(Dialect::Google, 402, ErrorKind::Budget);
        assert_eq!(budget["error"]["code"], 402);
        assert_eq!(budget["error"]["status"], "RESOURCE_EXHAUSTED");
        assert_eq!(kinds(&budget), ["ErrorInfo", "QuotaFailure", "RequestInfo"]);
        let rate = rendered(Dialect::Google, 429, ErrorKind::RateLimit);
        assert_eq!(
            kinds(&rate),
            ["ErrorInfo", "QuotaFailure", "RetryInfo", "RequestInfo"]
        );
        assert_eq!(rate["error"]["details"][2]["retryDelay"], "2s");
    }
}
