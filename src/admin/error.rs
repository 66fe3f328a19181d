//! What an admin route answers when it cannot do what it was asked: the one place that knows status
//! codes. The cause of a failure goes to the log, never into the answer.

use std::time::Duration;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use thiserror::Error;

use crate::catalog::refresh::RefreshError;
use crate::domain::user::Role;
use crate::store::error::StoreError;

/// Why a request failed, in the words of the answer.
#[derive(Debug, Error)]
pub(super) enum AdminError {
    /// The request is at fault.
    #[error("{0}")]
    Invalid(String),
    /// No key, or not the right one.
    #[error("Unauthorized")]
    Unauthorized,
    /// Too many tries with wrong keys.
    #[error("Too many failed attempts")]
    Throttled {
        /// When the next try is counted again.
        retry_after: Duration,
    },
    /// There is no such user, or it is not their password: which of the two is not told.
    #[error("Wrong name or password")]
    WrongLogin,
    /// The role is not enough.
    #[error("This needs the role {}", .0.as_str())]
    Forbidden(Role),
    /// A change by cookie that no page of ours asked for.
    #[error("{0}")]
    CrossSite(&'static str),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(&'static str),
    /// The path exists, not with this method.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// The body did not come in time.
    #[error("The request body did not arrive in time")]
    BodyTimeout,
    /// The body is longer than any that makes sense.
    #[error("The request body is too large")]
    BodyTooLarge,
    /// The change is in the store; the gateway still decides as before.
    #[error("The change is stored but not yet in force; it will be taken over as soon as possible")]
    NotInForce(#[source] RefreshError),
    /// The database cannot be reached.
    #[error("The database is not available")]
    Unavailable,
    /// What is asked for is being done for somebody else.
    #[error("{reason}")]
    Busy {
        /// In words.
        reason: &'static str,
        /// When to ask again.
        retry_after: Duration,
    },
    /// A fault of ours.
    #[error("Internal error")]
    Internal,
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
}

impl AdminError {
    /// The request is at fault, for this reason.
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    /// Names what a conflict is about in the words of a route.
    pub(super) fn or_conflict(error: StoreError, reason: &str) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::invalid(reason),
            StoreError::Unavailable(_)
            | StoreError::Corrupt { .. }
            | StoreError::Query(_)
            | StoreError::Value(_)
            | StoreError::Settings(_) => Self::from(error),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::WrongLogin => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::CrossSite(_) => StatusCode::FORBIDDEN,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotInForce(_) | Self::Unavailable | Self::Busy { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        let answer = match error {
            StoreError::Conflict { .. } => return Self::Invalid(error.to_string()),
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Corrupt { .. }
            | StoreError::Query(_)
            | StoreError::Value(_)
            | StoreError::Settings(_) => Self::Internal,
        };
        tracing::error!(%error, "an admin route failed");
        answer
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody {
            error: self.to_string(),
        });
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Throttled { retry_after } | Self::Busy { retry_after, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
            }
            Self::NotInForce(error) => {
                tracing::error!(%error, "a change is stored and not yet in force");
            }
            Self::Invalid(_)
            | Self::Unauthorized
            | Self::WrongLogin
            | Self::Forbidden(_)
            | Self::CrossSite(_)
            | Self::NotFound(_)
            | Self::MethodNotAllowed
            | Self::BodyTimeout
            | Self::BodyTooLarge
            | Self::Unavailable
            | Self::Internal => {}
        }
        response
    }
}
