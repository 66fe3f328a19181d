//! Tenants: making, listing, showing, changing and closing them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::TENANTS;
use crate::admin::document::bodies::{NewTenant, TenantChange};
use crate::admin::document::parameters::{PartQuery, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::UsdNumber;
use crate::admin::path::PathId;
use crate::admin::query::Params;
use crate::admin::ratelimits;
use crate::domain::id::TenantId;
use crate::domain::stamp::Stamp;
use crate::store::tenants::{TenantRecord, TenantSettings};

/// Most tenants on a page.
const LIMIT_MAX: u32 = 1_000;
const NAME_TAKEN: &str = "Tenant already exists";

/// A tenant as every route shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantBody {
    id: TenantId,
    name: String,
    #[schema(required)]
    rate_limit_per_min: Option<u32>,
    #[schema(required)]
    default_session_budget_usd: Option<UsdNumber>,
    #[schema(required)]
    time_zone: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A change was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    ok: bool,
}

impl Done {
    pub(super) const OK: Json<Self> = Json(Self { ok: true });
}

impl From<TenantRecord> for TenantBody {
    fn from(record: TenantRecord) -> Self {
        Self {
            id: record.tenant.id,
            name: record.tenant.name,
            rate_limit_per_min: record.tenant.requests_per_minute,
            default_session_budget_usd: record.tenant.default_session_budget.map(UsdNumber),
            time_zone: record.tenant.time_zone.iana_name().map(str::to_owned),
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }
}

#[utoipa::path(post, path = "/admin/tenant", tag = TENANTS, operation_id = "createTenant",
    summary = "Makes a tenant.",
    request_body = NewTenant, responses((status = 200, body = TenantBody), InvalidBody))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TenantBody>, AdminError> {
    let name = fields.text("name")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| AdminError::invalid("Missing name"))?;
    let mut settings = TenantSettings {
        name,
        requests_per_minute: Some(state.options.default_requests_per_minute),
        time_zone: TimeZone::UTC,
        default_session_budget: None,
    };
    change(&mut settings, &fields)?;
    let created = state.store.create_tenant(&settings, &stamp);
    let created = created.await;
    let created = created.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    state.take_over().await?;
    Ok(Json(created.into()))
}

/// All tenants; a part of them when `page` or `limit` is given.
#[utoipa::path(get, path = "/admin/tenant", tag = TENANTS, operation_id = "listTenants",
    params(PartQuery), responses((status = 200, body = Vec<TenantBody>), Invalid))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<Vec<TenantBody>>, AdminError> {
    let page = params.page_of_all(LIMIT_MAX)?;
    let listed = state.store.list_tenants(page).await?;
    Ok(Json(
        listed.rows.into_iter().map(TenantBody::from).collect(),
    ))
}

#[utoipa::path(get, path = "/admin/tenant/{id}", tag = TENANTS, operation_id = "showTenant",
    summary = "A tenant.",
    params(TenantPath), responses((status = 200, body = TenantBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<TenantBody>, AdminError> {
    Ok(Json(state.open_tenant(id).await?.into()))
}

#[utoipa::path(put, path = "/admin/tenant/{id}", tag = TENANTS, operation_id = "updateTenant",
    summary = "Changes a tenant.",
    params(TenantPath), request_body = TenantChange,
    responses((status = 200, body = TenantBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TenantBody>, AdminError> {
    let before = state.open_tenant(id).await?;
    let mut settings = TenantSettings {
        name: before.tenant.name,
        requests_per_minute: before.tenant.requests_per_minute,
        time_zone: before.tenant.time_zone,
        default_session_budget: before.tenant.default_session_budget,
    };
    if fields.has("name") {
        let name = fields.text("name")?.filter(|name| !name.is_empty());
        settings.name = name.ok_or_else(|| AdminError::invalid("Name cannot be empty"))?;
    }
    change(&mut settings, &fields)?;
    let updated = state.store.update_tenant(id, &settings, &stamp);
    let updated = updated.await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    let updated = updated.ok_or(AdminError::NotFound("Tenant not found"))?;
    state.take_over().await?;
    Ok(Json(updated.into()))
}

/// Closes the tenant: its keys stop working, its ledger stays.
#[utoipa::path(delete, path = "/admin/tenant/{id}", tag = TENANTS, operation_id = "closeTenant",
    params(TenantPath), responses((status = 200, body = Done), Invalid, Missing))]
pub(super) async fn close(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
) -> Result<Json<Done>, AdminError> {
    let closed = state.store.close_tenant(id, &stamp).await?;
    closed.ok_or(AdminError::NotFound("Tenant not found"))?;
    state.take_over().await?;
    Ok(Done::OK)
}

/// Takes over what was sent beside the name.
fn change(settings: &mut TenantSettings, fields: &Fields) -> Result<(), AdminError> {
    if fields.has(ratelimits::FIELD) {
        settings.requests_per_minute = ratelimits::read(fields)?;
    }
    if fields.has("defaultSessionBudgetUsd") {
        settings.default_session_budget = fields.amount("defaultSessionBudgetUsd")?;
    }
    if let Some(name) = fields.text("timeZone")? {
        let zone = TimeZone::get(&name).ok();
        let zone = zone.filter(|zone| zone.iana_name().is_some());
        settings.time_zone = zone.ok_or_else(|| {
            fields.problem(
                "timeZone",
                "must be the name of a time zone such as Europe/Paris",
            )
        })?;
    }
    Ok(())
}
