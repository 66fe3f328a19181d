//! Ids in paths: whole numbers above zero, refused by name when they are anything else.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::admin::choice::one_of;
use crate::admin::error::AdminError;
use crate::domain::id::{
    ApiKeyId, BudgetId, BundleVersion, RequestId, RuleId, TagId, TenantId, UserId,
};
use crate::domain::session::SESSION_TEXT_MAX;
use crate::providers::Dialect;

const INVALID_SESSION: &str = "Invalid session ID";

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

/// The two ids that a path names.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathIds<A, B>(pub(super) A, pub(super) B);

impl<S: Send + Sync, A: IdInPath, B: IdInPath> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = texts.map_err(|_cause| AdminError::invalid(A::INVALID))?;
        let first = positive(&first).ok_or_else(|| AdminError::invalid(A::INVALID))?;
        let second = positive(&second).ok_or_else(|| AdminError::invalid(B::INVALID))?;
        Ok(Self(A::from_number(first), B::from_number(second)))
    }
}

/// The provider that a path names.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathProvider(pub(super) Dialect);

impl<S: Send + Sync> FromRequestParts<S> for PathProvider {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_or_else(|_cause| String::new(), |Path(text)| text);
        let known = one_of(Dialect::ALL, Dialect::as_str, &text);
        let problem = |reason| AdminError::Invalid(format!("provider {reason}"));
        known.map(Self).map_err(problem)
    }
}

/// The request that a path names.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathRequest(pub(super) RequestId);

impl<S: Send + Sync> FromRequestParts<S> for PathRequest {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let request = text.ok().and_then(|Path(text)| RequestId::parse(&text));
        request
            .map(Self)
            .ok_or_else(|| AdminError::invalid("Invalid request ID"))
    }
}

/// The session that a path names.
#[derive(Clone, Debug)]
pub(super) struct SessionPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for SessionPath {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_cause| AdminError::invalid(INVALID_SESSION))?;
        session_id(text).map(Self)
    }
}

/// The tenant and the session that a path names.
#[derive(Clone, Debug)]
pub(super) struct TenantSessionPath {
    pub(super) tenant: TenantId,
    pub(super) session: String,
}

impl<S: Send + Sync> FromRequestParts<S> for TenantSessionPath {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((tenant, session)) =
            texts.map_err(|_cause| AdminError::invalid(INVALID_SESSION))?;
        let tenant = positive(&tenant).ok_or_else(|| AdminError::invalid(TenantId::INVALID))?;
        Ok(Self {
            tenant: TenantId(tenant),
            session: session_id(session)?,
        })
    }
}

fn session_id(text: String) -> Result<String, AdminError> {
    if text.chars().count() > SESSION_TEXT_MAX {
        return Err(AdminError::invalid(INVALID_SESSION));
    }
    Ok(text)
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

impl IdInPath for TagId {
    const INVALID: &'static str = "Invalid tag ID";

    fn from_number(id: i64) -> Self {
        Self(id)
    }
}

impl IdInPath for RuleId {
    const INVALID: &'static str = "Invalid tagging rule ID";

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

impl IdInPath for BundleVersion {
    const INVALID: &'static str = "Invalid policy version";

    fn from_number(number: i64) -> Self {
        Self(number)
    }
}

impl IdInPath for UserId {
    const INVALID: &'static str = "Invalid user ID";

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
