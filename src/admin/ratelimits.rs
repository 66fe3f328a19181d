//! How many requests a minute a tenant may make.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::PathId;
use crate::domain::id::TenantId;
use crate::store::tenants::TenantRecord;

/// The field that sets it.
pub(super) const FIELD: &str = "rateLimitPerMin";
const REQUESTS_PER_MINUTE_MAX: u32 = 1_000_000_000;

/// 0 is unlimited, `null` the installation's default.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RateLimitBody {
    rate_limit_per_min: Option<u32>,
}

impl From<TenantRecord> for RateLimitBody {
    fn from(record: TenantRecord) -> Self {
        Self {
            rate_limit_per_min: record.tenant.requests_per_minute,
        }
    }
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<RateLimitBody>, AdminError> {
    Ok(Json(state.open_tenant(id).await?.into()))
}

pub(super) async fn set(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    fields: Fields,
) -> Result<Json<RateLimitBody>, AdminError> {
    if !fields.has(FIELD) {
        return Err(fields.required(FIELD));
    }
    let limit = read(&fields)?;
    let now = state.clock.now();
    let changed = state.store.set_tenant_rate_limit(id, limit, now).await?;
    let changed = changed.ok_or(AdminError::NotFound("Tenant not found"))?;
    state.take_over().await?;
    Ok(Json(changed.into()))
}

/// The limit in a body.
pub(super) fn read(fields: &Fields) -> Result<Option<u32>, AdminError> {
    let limit = fields.whole(FIELD, u64::from(REQUESTS_PER_MINUTE_MAX))?;
    Ok(limit.and_then(|limit| u32::try_from(limit).ok()))
}
