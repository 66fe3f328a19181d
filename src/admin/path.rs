//! Ids in paths: whole numbers above zero, refused by name when they are anything else.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::admin::error::AdminError;
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};

/// The id that a path names.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathId<T>(pub(super) T);

impl<S: Send + Sync, T: IdInPath> FromRequestParts<S> for PathId<T> {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| positive(&text));
        id.map(|id| Self(T::from_number(id)))
            .ok_or_else(|| AdminError::invalid(T::INVALID))
    }
}

/// An id that a path may name.
pub(super) trait IdInPath {
    /// What is said of a text that is none.
    const INVALID: &'static str;

    fn from_number(id: i64) -> Self;
}

impl IdInPath for TenantId {
    const INVALID: &'static str = "Invalid tenant ID";

    fn from_number(id: i64) -> Self {
        Self(id)
    }
}

impl IdInPath for ApiKeyId {
    const INVALID: &'static str = "Invalid API key ID";

    fn from_number(id: i64) -> Self {
        Self(id)
    }
}

impl IdInPath for BudgetId {
    const INVALID: &'static str = "Invalid budget ID";

    fn from_number(id: i64) -> Self {
        Self(id)
    }
}

/// A number above zero in plain digits.
pub(super) fn positive(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|id| *id > 0)
}
