//! The ledger's rows by page, of one tenant or of all.

pub(super) mod entry;

mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::USAGE;
use crate::admin::document::parameters::{
    CursorQuery, DaysQuery, OwnerQuery, PageQuery, RowQuery, SortQuery, TenantPath,
};
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::error::AdminError;
use crate::admin::ledger::shown::RowBody;
use crate::admin::path::{PathId, positive};
use crate::admin::query::{PageBody, Params};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::Status;
use crate::domain::window::UtcMicros;
use crate::store::ledger_page::Place;
use crate::store::usage::LedgerFilter;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// A tenant's rows. A closed tenant still has them.
#[utoipa::path(get, path = "/admin/tenant/{id}/usage/ledger", tag = USAGE, operation_id = "ledgerOfTenant",
    params(TenantPath, DaysQuery, PageQuery, CursorQuery, SortQuery, RowQuery),
    responses((status = 200, body = LedgerBody), Invalid, Missing))]
pub(super) async fn of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<LedgerBody>, AdminError> {
    let tenant = state.store.tenant(id).await?;
    tenant.ok_or(AdminError::NotFound("Tenant not found"))?;
    let filter = LedgerFilter {
        tenant: Some(id),
        ..read_filter(&state, &params)?
    };
    page(&state, &params, &filter).await
}

/// The rows of all tenants.
#[utoipa::path(get, path = "/admin/usage/ledger", tag = USAGE, operation_id = "ledgerOfAll",
    params(OwnerQuery, DaysQuery, PageQuery, CursorQuery, SortQuery, RowQuery),
    responses((status = 200, body = LedgerBody), Invalid))]
pub(super) async fn of_all(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<LedgerBody>, AdminError> {
    let filter = filter_of_all(&state, &params)?;
    page(&state, &params, &filter).await
}

/// What is asked of the rows of all tenants.
pub(super) fn filter_of_all(
    state: &AdminState,
    params: &Params,
) -> Result<LedgerFilter, AdminError> {
    let tenant = params.text("tenantId")?;
    let tenant =
        tenant.map(|id| positive(&id).ok_or_else(|| AdminError::invalid("Invalid tenant ID")));
    Ok(LedgerFilter {
        tenant: tenant.transpose()?.map(TenantId),
        tenant_name: params.text("tenant")?,
        ..read_filter(state, params)?
    })
}

/// A page, and where the next one begins: asking by it costs the same however far down it is, and rows that
/// are written meanwhile move nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LedgerBody {
    #[serde(flatten)]
    page: PageBody<RowBody>,
    /// Whether `total` is all there are; otherwise there are at least so many.
    is_total_exact: bool,
    #[schema(required)]
    next_cursor: Option<String>,
}

async fn page(
    state: &AdminState,
    params: &Params,
    filter: &LedgerFilter,
) -> Result<Json<LedgerBody>, AdminError> {
    let asked = params.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let listed = match params.text("cursor")? {
        Some(cursor) => {
            let after = place_of(&cursor)?;
            state
                .store
                .ledger_page_after(filter, after, asked.limit)
                .await?
        }
        None => state.store.ledger_page(filter, asked.into()).await?,
    };
    let is_full = u32::try_from(listed.rows.len()).is_ok_and(|count| count >= asked.limit);
    let last = listed.rows.last().filter(|_last| is_full);
    let next_cursor = last.map(|entry| cursor_of(Place::of(&entry.row)));
    let snapshot = state.catalog.snapshot();
    let show = |entry| RowBody::new(entry, &snapshot);
    Ok(Json(LedgerBody {
        page: PageBody::new(asked, listed, show),
        is_total_exact: true,
        next_cursor,
    }))
}

/// A place as callers are given it, who may make nothing of it.
fn cursor_of(place: Place) -> String {
    let mut bytes = Vec::from(place.at.get().to_be_bytes());
    bytes.extend_from_slice(place.request.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn place_of(cursor: &str) -> Result<Place, AdminError> {
    let invalid = || AdminError::invalid("cursor must be the nextCursor of an answer");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().ok_or_else(invalid)?;
    let (at, request) = bytes.split_first_chunk().ok_or_else(invalid)?;
    let request = request.try_into().ok().ok_or_else(invalid)?;
    Ok(Place {
        at: UtcMicros::new(i64::from_be_bytes(*at)),
        request: RequestId::from_bytes(request),
    })
}

fn read_filter(state: &AdminState, params: &Params) -> Result<LedgerFilter, AdminError> {
    Ok(LedgerFilter {
        model: params.text("model")?,
        route: params.text("route")?,
        status: params.one_of("status", Status::ALL, Status::as_str)?,
        window: params.window(state.clock.now())?,
        ..LedgerFilter::default()
    })
}
