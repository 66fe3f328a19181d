//! How much tenants and keys may ask for: requests and tokens a minute, and requests at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::LIMITS;
use crate::admin::document::bodies::RateLimitChange;
use crate::admin::document::parameters::{KeyPath, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::PathId;
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tenant::Tenant;
use crate::store::tenants::RateSettings;

/// The field of requests a minute.
pub(super) const FIELD: &str = "rateLimitPerMin";
const TOKENS: &str = "tokensPerMin";
const CONCURRENT: &str = "maxConcurrent";
const LIMIT_MAX: u32 = 1_000_000_000;
const KEY_NOT_FOUND: AdminError = AdminError::NotFound("API key not found");

/// 0 is unlimited; `null` the installation's default where there is one, else unlimited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateLimitBody {
    #[schema(required)]
    rate_limit_per_min: Option<u32>,
    #[schema(required)]
    tokens_per_min: Option<u32>,
    #[schema(required)]
    max_concurrent: Option<u32>,
}

impl From<RateSettings> for RateLimitBody {
    fn from(limits: RateSettings) -> Self {
        Self {
            rate_limit_per_min: limits.requests_per_minute,
            tokens_per_min: limits.tokens_per_minute,
            max_concurrent: limits.concurrent_requests,
        }
    }
}

#[utoipa::path(get, path = "/admin/tenant/{id}/ratelimit", tag = LIMITS, operation_id = "showTenantRateLimit",
    summary = "What a tenant may ask for.",
    params(TenantPath), responses((status = 200, body = RateLimitBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<RateLimitBody>, AdminError> {
    let tenant = state.open_tenant(id).await?.tenant;
    Ok(Json(limits_of(&tenant).into()))
}

#[utoipa::path(put, path = "/admin/tenant/{id}/ratelimit", tag = LIMITS, operation_id = "setTenantRateLimit",
    summary = "Sets what a tenant may ask for.",
    params(TenantPath), request_body = RateLimitChange,
    responses((status = 200, body = RateLimitBody), InvalidBody, Missing))]
pub(super) async fn set(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<RateLimitBody>, AdminError> {
    let before = state.open_tenant(id).await?.tenant;
    let limits = change(limits_of(&before), &fields)?;
    let changed = state
        .store
        .set_tenant_rate_limits(id, &limits, &stamp)
        .await?;
    let changed = changed.ok_or(AdminError::NotFound("Tenant not found"))?;
    state.take_over().await?;
    Ok(Json(limits_of(&changed.tenant).into()))
}

#[utoipa::path(get, path = "/admin/apikey/{id}/ratelimit", tag = LIMITS, operation_id = "showKeyRateLimit",
    summary = "What a key may ask for.",
    params(KeyPath), responses((status = 200, body = RateLimitBody), Invalid, Missing))]
pub(super) async fn show_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<RateLimitBody>, AdminError> {
    let key = state.store.key(id).await?.ok_or(KEY_NOT_FOUND)?;
    Ok(Json(key.limits.into()))
}

#[utoipa::path(put, path = "/admin/apikey/{id}/ratelimit", tag = LIMITS, operation_id = "setKeyRateLimit",
    summary = "Sets what a key may ask for.",
    params(KeyPath), request_body = RateLimitChange,
    responses((status = 200, body = RateLimitBody), InvalidBody, Missing))]
pub(super) async fn set_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<RateLimitBody>, AdminError> {
    let before = state.store.key(id).await?.ok_or(KEY_NOT_FOUND)?;
    let limits = change(before.limits, &fields)?;
    let changed = state.store.set_key_rate_limits(id, &limits, &stamp).await?;
    let changed = changed.ok_or(KEY_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(changed.limits.into()))
}

/// The limit of requests a minute in a body.
pub(super) fn read(fields: &Fields) -> Result<Option<u32>, AdminError> {
    read_field(fields, FIELD)
}

fn read_field(fields: &Fields, name: &str) -> Result<Option<u32>, AdminError> {
    let limit = fields.whole(name, u64::from(LIMIT_MAX))?;
    Ok(limit.and_then(|limit| u32::try_from(limit).ok()))
}

/// Takes over what was sent, which must be something.
fn change(mut limits: RateSettings, fields: &Fields) -> Result<RateSettings, AdminError> {
    if ![FIELD, TOKENS, CONCURRENT]
        .iter()
        .any(|name| fields.has(name))
    {
        return Err(fields.required(FIELD));
    }
    if fields.has(FIELD) {
        limits.requests_per_minute = read(fields)?;
    }
    if fields.has(TOKENS) {
        limits.tokens_per_minute = read_field(fields, TOKENS)?;
    }
    if fields.has(CONCURRENT) {
        limits.concurrent_requests = read_field(fields, CONCURRENT)?;
    }
    Ok(limits)
}

fn limits_of(tenant: &Tenant) -> RateSettings {
    RateSettings {
        requests_per_minute: tenant.requests_per_minute,
        tokens_per_minute: tenant.tokens_per_minute,
        concurrent_requests: tenant.concurrent_requests,
    }
}
