//! The ledger's rows by page, of one tenant or of all.

pub(super) mod entry;

mod cursor;
mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
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
use crate::domain::id::{ApiKeyId, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::store::ledger_page::LedgerEntry;
use crate::store::ledger_ranked::{Bounds, REACH_MAX, Ranked, Ranking, Start};
use crate::store::order::{Order, Sort};
use crate::store::usage::LedgerFilter;
use crate::store::{Listed, Page};

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
    let sort = params.one_of("sort", Sort::ALL, Sort::as_str)?;
    let order = params.one_of("order", Order::ALL, Order::as_str)?;
    let cursor = params.text("cursor")?;
    let (sort, order) = (sort.unwrap_or_default(), order.unwrap_or_default());
    let ranking = Ranking {
        sort,
        order,
        start: match cursor {
            Some(cursor) => Start::After(cursor::read(&cursor, sort)?),
            None => Start::Skip(Page::from(asked).offset),
        },
        limit: asked.limit,
    };
    let (listed, is_total_exact) = if sort == Sort::At && filter.is_counted() {
        (counted(state, filter, ranking).await?, true)
    } else {
        ranked(state, filter, ranking).await?
    };
    let is_full = u32::try_from(listed.rows.len()).is_ok_and(|count| count >= asked.limit);
    let last = listed.rows.last().filter(|_last| is_full);
    let next_cursor = last.map(|entry| cursor::of(ranking.mark_of(entry), sort));
    let snapshot = state.catalog.snapshot();
    let show = |entry| RowBody::new(entry, &snapshot);
    Ok(Json(LedgerBody {
        page: PageBody::new(asked, listed, show),
        is_total_exact,
        next_cursor,
    }))
}

/// In the order of time, with sums that tell how many there are: any page costs the same.
async fn counted(
    state: &AdminState,
    filter: &LedgerFilter,
    ranking: Ranking,
) -> Result<Listed<LedgerEntry>, AdminError> {
    let Ranking {
        order,
        start,
        limit,
        ..
    } = ranking;
    let store = &state.store;
    let listed = match start {
        Start::Skip(offset) => {
            let page = Page { limit, offset };
            store.ordered_page(filter, order, page).await
        }
        Start::After(mark) => {
            let after = (mark.place, limit);
            store.ordered_page_after(filter, order, after).await
        }
    };
    Ok(listed?)
}

async fn ranked(
    state: &AdminState,
    filter: &LedgerFilter,
    ranking: Ranking,
) -> Result<(Listed<LedgerEntry>, bool), AdminError> {
    if ranking.is_out_of_reach() {
        return Err(AdminError::Invalid(format!(
            "page reaches only the first {REACH_MAX} rows by cost or of some costs; go on by cursor"
        )));
    }
    match state
        .store
        .ranked_page(filter, ranking, Bounds::default())
        .await?
    {
        Ranked::Page {
            rows,
            total,
            is_total_exact,
        } => Ok((Listed { rows, total }, is_total_exact)),
        Ranked::TooMany => Err(AdminError::invalid(
            "Too many rows would have to be looked at; ask for a shorter time or for fewer costs",
        )),
    }
}

fn read_filter(state: &AdminState, params: &Params) -> Result<LedgerFilter, AdminError> {
    Ok(LedgerFilter {
        model: params.text("model")?,
        route: params.text("route")?,
        status: params.one_of("status", Status::ALL, Status::as_str)?,
        provider: params
            .text("provider")?
            .map(|name| ProviderName::new(name.as_str())),
        key: params.id("keyId")?.map(ApiKeyId),
        cost_min: params.amount("minCost")?,
        cost_max: params.amount("maxCost")?,
        window: params.window(state.clock.now())?,
        ..LedgerFilter::default()
    })
}
