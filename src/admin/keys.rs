//! API keys: making, listing and revoking them. A key's text is in one answer only: the one that
//! makes it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::KEYS;
use crate::admin::document::bodies::NamedKey;
use crate::admin::document::parameters::{KeyPath, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::OptionalFields;
use crate::admin::path::PathId;
use crate::admin::tenants::Done;
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::stamp::Stamp;
use crate::store::error::StoreError;
use crate::store::keys::{KeyRecord, NewKey};

/// How often a key is made anew whose public part another key has.
const TRIES_MAX: usize = 3;

/// A key as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyBody {
    id: ApiKeyId,
    name: String,
    prefix: String,
    #[schema(format = DateTime)]
    created_at: String,
    is_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewKeyBody {
    key: String,
    #[serde(flatten)]
    shown: KeyBody,
}

impl From<KeyRecord> for KeyBody {
    fn from(record: KeyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            prefix: record.prefix,
            created_at: record.created_at.to_string(),
            is_active: record.is_active,
            last_used_at: record.last_used_at.map(|at| at.to_string()),
        }
    }
}

#[utoipa::path(post, path = "/admin/tenant/{id}/apikeys", tag = KEYS, operation_id = "createKey",
    summary = "Makes a key. Its text is in this answer only.",
    params(TenantPath), request_body = Option<NamedKey>,
    responses((status = 200, body = NewKeyBody), InvalidBody, Missing))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
    OptionalFields(fields): OptionalFields,
) -> Result<Json<NewKeyBody>, AdminError> {
    let name = fields.text("name")?.unwrap_or_default();
    let (key, record) = make(&state, tenant, name, &stamp).await?;
    state.take_over().await?;
    let shown = record.into();
    Ok(Json(NewKeyBody { key, shown }))
}

/// A tenant's keys, revoked ones too; a closed tenant shows none.
#[utoipa::path(get, path = "/admin/tenant/{id}/apikeys", tag = KEYS, operation_id = "listKeys",
    params(TenantPath), responses((status = 200, body = Vec<KeyBody>), Invalid, Missing))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<Vec<KeyBody>>, AdminError> {
    let tenant = state.store.tenant(id).await?;
    let tenant = tenant.ok_or(AdminError::NotFound("Tenant not found"))?;
    if tenant.tenant.is_closed {
        return Ok(Json(Vec::new()));
    }
    let keys = state.store.list_keys(id).await?;
    Ok(Json(keys.into_iter().map(KeyBody::from).collect()))
}

#[utoipa::path(delete, path = "/admin/apikey/{id}", tag = KEYS, operation_id = "deactivateKey",
    summary = "Revokes a key.",
    params(KeyPath), responses((status = 200, body = Done), Invalid, Missing))]
pub(super) async fn deactivate(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
    stamp: Stamp,
) -> Result<Json<Done>, AdminError> {
    let revoked = state.store.deactivate_key(id, &stamp).await?;
    revoked.ok_or(AdminError::NotFound("API key not found"))?;
    state.take_over().await?;
    Ok(Done::OK)
}

async fn make(
    state: &AdminState,
    tenant: TenantId,
    name: String,
    stamp: &Stamp,
) -> Result<(String, KeyRecord), AdminError> {
    for _ in 0..TRIES_MAX {
        let made = state.hasher.generate(rand::random(), rand::random());
        let key = NewKey {
            tenant,
            name: name.clone(),
            prefix: made.prefix,
            lookup: made.lookup,
            hash: made.hash,
        };
        match state.store.create_key(&key, stamp).await {
            Ok(Some(record)) => return Ok((made.text, record)),
            Ok(None) => return Err(AdminError::NotFound("Tenant not found")),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AdminError::Internal)
}
