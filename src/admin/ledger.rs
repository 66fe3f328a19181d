//! The ledger's rows, newest first, of one tenant or of all.

use std::borrow::Cow;
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
    CursorQuery, DaysQuery, OwnerQuery, PageQuery, RowQuery, TenantPath,
};
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::document::schemas::{ChargeBasis, PolicyFailureName, RequestStatus, TierName};
use crate::admin::error::AdminError;
use crate::admin::figures::{UsdText, WeightNumber};
use crate::admin::path::{PathId, positive};
use crate::admin::query::{PageBody, Params};
use crate::catalog::Snapshot;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TagId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::ruling::{PolicyFailure, Ruling};
use crate::domain::window::UtcMicros;
use crate::store::ledger_page::{LedgerEntry, Place};
use crate::store::usage::LedgerFilter;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// A row: the original's fields, then ours.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowBody {
    id: String,
    #[schema(format = DateTime)]
    ts: String,
    tenant: String,
    route: Cow<'static, str>,
    model: ModelName,
    usd: UsdText,
    prompt_tok: u64,
    comp_tok: u64,
    tenant_id: TenantId,
    #[schema(required)]
    session_id: Option<String>,
    #[schema(value_type = RequestStatus, inline)]
    status: &'static str,
    tags: Vec<TagOfRowBody>,
    api_key_id: ApiKeyId,
    provider: ProviderName,
    #[schema(required)]
    model_served: Option<ModelName>,
    #[schema(value_type = TierName, inline)]
    tier: &'static str,
    #[schema(required)]
    reason: Option<Cow<'static, str>>,
    #[schema(required)]
    http_status: Option<u16>,
    streamed: bool,
    #[schema(value_type = ChargeBasis, inline)]
    basis: &'static str,
    held_usd: UsdText,
    #[schema(required)]
    price_id: Option<PriceId>,
    latency_ms: u64,
    #[schema(required)]
    first_byte_ms: Option<u64>,
    #[schema(required)]
    upstream_request_id: Option<String>,
    #[schema(required)]
    model_asked: Option<ModelName>,
    #[schema(required)]
    attempt_of: Option<String>,
    #[schema(required)]
    policy: Option<PolicyOfRowBody>,
}

/// What the policy decided: by which rules (SHA-256), in which decision, and what it changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyOfRowBody {
    hash: String,
    decision_id: String,
    #[schema(required)]
    max_output_tokens: Option<u64>,
    #[schema(required)]
    model: Option<ModelName>,
    #[schema(required, value_type = Option<PolicyFailureName>, inline)]
    failed_open: Option<&'static str>,
}

impl From<Ruling> for PolicyOfRowBody {
    fn from(ruling: Ruling) -> Self {
        let effects = ruling.effects;
        Self {
            hash: ruling.rules.to_string(),
            decision_id: ruling.decision.to_string(),
            max_output_tokens: effects.max_output_tokens,
            model: effects.model,
            failed_open: effects.failed_open.map(PolicyFailure::as_str),
        }
    }
}

/// A tag that a row has itself. A deleted one has no name any more.
#[derive(Debug, Serialize, ToSchema)]
struct TagOfRowBody {
    id: TagId,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    path: Option<String>,
    weight: WeightNumber,
}

impl TagOfRowBody {
    fn all_of(row: &LedgerRow, snapshot: &Snapshot) -> Vec<Self> {
        let tags = snapshot.tenants.get(&row.tenant).map(|entry| &entry.tags);
        let own = row.tags.iter().filter(|share| !share.is_inherited);
        let bodies = own.map(|share| Self {
            id: share.tag,
            name: tags.and_then(|tags| Some(tags.get(share.tag)?.name.clone())),
            path: tags.and_then(|tags| tags.path(share.tag)),
            weight: WeightNumber(share.weight),
        });
        bodies.collect()
    }
}

impl RowBody {
    fn new(entry: LedgerEntry, snapshot: &Snapshot) -> Self {
        const MICROS_PER_MILLI: u64 = 1_000;
        let row = entry.row;
        let tags = TagOfRowBody::all_of(&row, snapshot);
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
            session_id: row.session.map(|session| session.id),
            status: row.status.as_str(),
            tags,
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
            model_asked: row.model_asked,
            attempt_of: row.attempt_of.map(|first| first.to_string()),
            policy: row.ruling.map(PolicyOfRowBody::from),
        }
    }
}

/// A tenant's rows. A closed tenant still has them.
#[utoipa::path(get, path = "/admin/tenant/{id}/usage/ledger", tag = USAGE, operation_id = "ledgerOfTenant",
    params(TenantPath, DaysQuery, PageQuery, CursorQuery, RowQuery),
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
    params(OwnerQuery, DaysQuery, PageQuery, CursorQuery, RowQuery),
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
