//! The ledger's rows, newest first, of one tenant or of all.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::figures::UsdText;
use crate::admin::path::{PathId, positive};
use crate::admin::query::Params;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::store::usage::{LedgerEntry, LedgerFilter};

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// A page of rows.
#[derive(Debug, Serialize)]
pub(super) struct PageBody {
    data: Vec<RowBody>,
    total: u64,
    page: u64,
    limit: u32,
}

/// A row: the original's fields, then ours.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowBody {
    id: String,
    ts: String,
    tenant: String,
    route: Cow<'static, str>,
    model: ModelName,
    usd: UsdText,
    prompt_tok: u64,
    comp_tok: u64,
    tenant_id: TenantId,
    session_id: Option<String>,
    status: &'static str,
    tags: [(); 0],
    api_key_id: ApiKeyId,
    provider: ProviderName,
    model_served: Option<ModelName>,
    tier: &'static str,
    reason: Option<Cow<'static, str>>,
    http_status: Option<u16>,
    streamed: bool,
    basis: &'static str,
    held_usd: UsdText,
    price_id: Option<PriceId>,
    latency_ms: u64,
    first_byte_ms: Option<u64>,
    upstream_request_id: Option<String>,
}

impl From<LedgerEntry> for RowBody {
    fn from(entry: LedgerEntry) -> Self {
        const MICROS_PER_MILLI: u64 = 1_000;
        let row = entry.row;
        Self {
            id: row.request.to_string(),
            ts: row.at.to_string(),
            tenant: entry.tenant_name,
            route: row.route,
            model: row.model,
            usd: UsdText(row.cost),
            prompt_tok: row.usage.input_total(),
            comp_tok: row.usage.output_total(),
            tenant_id: row.tenant,
            session_id: row.session,
            status: row.status.as_str(),
            tags: [],
            api_key_id: row.key,
            provider: row.provider,
            model_served: row.model_served,
            tier: row.tier.as_str(),
            reason: row.reason,
            http_status: row.http_status,
            streamed: row.streamed,
            basis: row.basis.as_str(),
            held_usd: UsdText(row.held),
            price_id: row.price,
            latency_ms: row.latency_us / MICROS_PER_MILLI,
            first_byte_ms: row.first_byte_us.map(|micros| micros / MICROS_PER_MILLI),
            upstream_request_id: row.upstream_request_id,
        }
    }
}

/// A tenant's rows. A closed tenant still has them.
pub(super) async fn of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<PageBody>, AdminError> {
    let tenant = state.store.tenant(id).await?;
    tenant.ok_or(AdminError::NotFound("Tenant not found"))?;
    let filter = LedgerFilter {
        tenant: Some(id),
        ..read_filter(&state, &params)?
    };
    page(&state, &params, &filter).await
}

/// The rows of all tenants.
pub(super) async fn of_all(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<PageBody>, AdminError> {
    let tenant = params.text("tenantId")?;
    let tenant =
        tenant.map(|id| positive(&id).ok_or_else(|| AdminError::invalid("Invalid tenant ID")));
    let filter = LedgerFilter {
        tenant: tenant.transpose()?.map(TenantId),
        tenant_name: params.text("tenant")?,
        ..read_filter(&state, &params)?
    };
    page(&state, &params, &filter).await
}

async fn page(
    state: &AdminState,
    params: &Params,
    filter: &LedgerFilter,
) -> Result<Json<PageBody>, AdminError> {
    let asked = params.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let listed = state.store.ledger_page(filter, asked.into()).await?;
    Ok(Json(PageBody {
        data: listed.rows.into_iter().map(RowBody::from).collect(),
        total: listed.total,
        page: asked.number,
        limit: asked.limit,
    }))
}

fn read_filter(state: &AdminState, params: &Params) -> Result<LedgerFilter, AdminError> {
    let status = params.text("status")?.map(|name| {
        Status::parse(&name).ok_or_else(|| {
            let names = Status::ALL.map(Status::as_str).join(", ");
            AdminError::Invalid(format!("status must be one of: {names}"))
        })
    });
    Ok(LedgerFilter {
        model: params.text("model")?,
        route: params.text("route")?,
        status: status.transpose()?,
        window: params.window(state.clock.now())?,
        ..LedgerFilter::default()
    })
}
