//! Sessions: which there are, what they cost, and what they may spend. A session's own budget comes
//! first, then the least of its tags', then the tenant's default.

mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::admin::AdminState;
use crate::admin::document::SESSIONS;
use crate::admin::document::bodies::SessionBudget;
use crate::admin::document::parameters::{
    PageFromOneQuery, SessionNamed, SessionOfTenant, SessionOwnerQuery, SessionQuery, TenantPath,
};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::UsdNumber;
use crate::admin::path::{PathId, SessionPath, TenantSessionPath};
use crate::admin::query::Params;
use crate::admin::sessions::shown::{
    ACTIVE, BUDGET_EXCEEDED, DefaultBody, SessionBudgetBody, SessionHeadBody, SessionRequestBody,
    SessionUsageBody, SessionsBody, SourceBody, Standing, body, default_body, pagination,
};
use crate::admin::tags::shown::Tags;
use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::stamp::Stamp;
use crate::store::sessions::{SessionFilter, SessionRecord};
use crate::store::tenants::TenantRecord;
use crate::store::usage::LedgerFilter;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;
const SESSION_NOT_FOUND: AdminError = AdminError::NotFound("Session not found");
/// The last two the original knows, and nothing sets.
const STATUSES: [&str; 4] = [ACTIVE, BUDGET_EXCEEDED, "completed", "error"];

/// A tenant's sessions, those that were used last first. The status is live: a page asked for by
/// status may hold fewer than its limit.
#[utoipa::path(get, path = "/admin/tenant/{id}/sessions", tag = SESSIONS, operation_id = "listSessions",
    params(TenantPath, SessionQuery, PageFromOneQuery),
    responses((status = 200, body = SessionsBody), Invalid, Missing))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<SessionsBody>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    let asked = params.page_from_one(LIMIT_DEFAULT, LIMIT_MAX)?;
    let status = params.one_of("status", STATUSES, |name| name)?;
    let filter = SessionFilter {
        tenant: id,
        search: params.text("search")?,
        created: params.open_window()?,
    };
    let listed = state.store.list_sessions(&filter, asked.into()).await?;
    let mut sessions = Vec::with_capacity(listed.rows.len());
    for record in listed.rows {
        let standing = Standing::of(&state, &tenant, record).await;
        if status.is_none_or(|wanted| wanted == standing.status()) {
            sessions.push(body(standing));
        }
    }
    Ok(Json(SessionsBody {
        sessions,
        pagination: pagination(asked, listed.total),
    }))
}

/// A session's ledger rows, newest first. Ids are unique within a tenant: `tenantId` says whose is
/// meant where several have the same.
#[utoipa::path(get, path = "/admin/sessions/{session}/usage", tag = SESSIONS, operation_id = "sessionUsage",
    params(SessionNamed, SessionOwnerQuery, PageFromOneQuery),
    responses((status = 200, body = SessionUsageBody), Invalid, Missing))]
pub(super) async fn usage(
    State(state): State<Arc<AdminState>>,
    SessionPath(id): SessionPath,
    params: Params,
) -> Result<Json<SessionUsageBody>, AdminError> {
    let tenant = params.id("tenantId")?.map(TenantId);
    let record = session_of(&state, tenant, &id).await?;
    let tenant = state.store.tenant(record.tenant).await?;
    let tenant = tenant.ok_or(SESSION_NOT_FOUND)?;
    let asked = params.page_from_one(LIMIT_DEFAULT, LIMIT_MAX)?;
    let filter = LedgerFilter {
        tenant: Some(record.tenant),
        session: Some(record.id.clone()),
        ..LedgerFilter::default()
    };
    let listed = state.store.ledger_page(&filter, asked.into()).await?;
    let tags = Tags::of(&state, record.tenant).await?;
    let rows = listed.rows.into_iter();
    let standing = Standing::of(&state, &tenant, record).await;
    Ok(Json(SessionUsageBody {
        session: SessionHeadBody {
            status: standing.status(),
            effective_budget_usd: standing.budget.map(UsdNumber),
            current_cost_usd: UsdNumber(standing.cost),
            tenant_id: standing.record.tenant,
            session_id: standing.record.id,
            name: standing.record.name,
        },
        usage: rows
            .map(|entry| SessionRequestBody::new(entry, &tags))
            .collect(),
        pagination: pagination(asked, listed.total),
    }))
}

#[utoipa::path(get, path = "/admin/tenant/{id}/sessions/{session}/budget", tag = SESSIONS, operation_id = "showSessionBudget",
    summary = "What a session may spend.",
    params(SessionOfTenant), responses((status = 200, body = SessionBudgetBody), Invalid, Missing))]
pub(super) async fn show_budget(
    State(state): State<Arc<AdminState>>,
    path: TenantSessionPath,
) -> Result<Json<SessionBudgetBody>, AdminError> {
    let (tenant, record) = found(&state, &path).await?;
    let source = SourceBody {
        tenant_name: tenant.tenant.name.clone(),
        tenant_default_budget: tenant.tenant.default_session_budget.map(UsdNumber),
        has_custom_budget: record.own_budget.is_some(),
        custom_budget: record.own_budget.map(UsdNumber),
    };
    let standing = Standing::of(&state, &tenant, record).await;
    Ok(Json(SessionBudgetBody {
        budget_source: Some(source),
        ..standing.budget_body()
    }))
}

#[utoipa::path(put, path = "/admin/tenant/{id}/sessions/{session}/budget", tag = SESSIONS, operation_id = "setSessionBudget",
    summary = "Sets what a session may spend.",
    params(SessionOfTenant), request_body = SessionBudget,
    responses((status = 200, body = SessionBudgetBody), InvalidBody, Missing))]
pub(super) async fn set_budget(
    State(state): State<Arc<AdminState>>,
    path: TenantSessionPath,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<SessionBudgetBody>, AdminError> {
    let budget = read_budget(&fields)?;
    let (tenant, record) = store_budget(&state, &path, Some(budget), &stamp).await?;
    let standing = Standing::of(&state, &tenant, record).await;
    Ok(Json(standing.budget_body()))
}

#[utoipa::path(delete, path = "/admin/tenant/{id}/sessions/{session}/budget", tag = SESSIONS, operation_id = "removeSessionBudget",
    summary = "A session has no budget of its own any more.",
    params(SessionOfTenant), responses((status = 200, body = SessionBudgetBody), Invalid, Missing))]
pub(super) async fn remove_budget(
    State(state): State<Arc<AdminState>>,
    path: TenantSessionPath,
    stamp: Stamp,
) -> Result<Json<SessionBudgetBody>, AdminError> {
    let (tenant, record) = store_budget(&state, &path, None, &stamp).await?;
    let standing = Standing::of(&state, &tenant, record).await;
    Ok(Json(SessionBudgetBody {
        reverted: Some(true),
        ..standing.budget_body()
    }))
}

#[utoipa::path(get, path = "/admin/tenant/{id}/default-session-budget", tag = SESSIONS, operation_id = "showDefaultSessionBudget",
    summary = "What each of a tenant's sessions may spend.",
    params(TenantPath), responses((status = 200, body = DefaultBody), Invalid, Missing))]
pub(super) async fn show_default(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<DefaultBody>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    let count = state.store.session_count(id).await?;
    Ok(Json(DefaultBody {
        session_count: Some(count),
        ..default_body(tenant)
    }))
}

#[utoipa::path(put, path = "/admin/tenant/{id}/default-session-budget", tag = SESSIONS, operation_id = "setDefaultSessionBudget",
    summary = "Sets what each of a tenant's sessions may spend.",
    params(TenantPath), request_body = SessionBudget,
    responses((status = 200, body = DefaultBody), InvalidBody, Missing))]
pub(super) async fn set_default(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<DefaultBody>, AdminError> {
    let budget = read_budget(&fields)?;
    let tenant = store_default(&state, id, Some(budget), &stamp).await?;
    Ok(Json(default_body(tenant)))
}

#[utoipa::path(delete, path = "/admin/tenant/{id}/default-session-budget", tag = SESSIONS, operation_id = "removeDefaultSessionBudget",
    summary = "A tenant's sessions have no budget any more, unless they have their own.",
    params(TenantPath), responses((status = 200, body = DefaultBody), Invalid, Missing))]
pub(super) async fn remove_default(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
) -> Result<Json<DefaultBody>, AdminError> {
    let tenant = store_default(&state, id, None, &stamp).await?;
    Ok(Json(DefaultBody {
        removed: Some(true),
        ..default_body(tenant)
    }))
}

async fn session_of(
    state: &AdminState,
    tenant: Option<TenantId>,
    id: &str,
) -> Result<SessionRecord, AdminError> {
    if let Some(tenant) = tenant {
        let found = state.store.session(tenant, id).await?;
        return found.ok_or(SESSION_NOT_FOUND);
    }
    let mut named = state.store.sessions_named(id).await?;
    if named.len() > 1 {
        let reason = "Several tenants have a session of this id; name one by tenantId";
        return Err(AdminError::invalid(reason));
    }
    named.pop().ok_or(SESSION_NOT_FOUND)
}

async fn found(
    state: &AdminState,
    path: &TenantSessionPath,
) -> Result<(TenantRecord, SessionRecord), AdminError> {
    let tenant = state.open_tenant(path.tenant).await?;
    let record = state.store.session(path.tenant, &path.session).await?;
    Ok((tenant, record.ok_or(SESSION_NOT_FOUND)?))
}

async fn store_budget(
    state: &AdminState,
    path: &TenantSessionPath,
    budget: Option<Usd>,
    stamp: &Stamp,
) -> Result<(TenantRecord, SessionRecord), AdminError> {
    found(state, path).await?;
    let set = state
        .store
        .set_session_budget(path.tenant, &path.session, budget, stamp)
        .await?;
    if !set {
        return Err(SESSION_NOT_FOUND);
    }
    state.take_over().await?;
    found(state, path).await
}

async fn store_default(
    state: &AdminState,
    id: TenantId,
    budget: Option<Usd>,
    stamp: &Stamp,
) -> Result<TenantRecord, AdminError> {
    let changed = state
        .store
        .set_default_session_budget(id, budget, stamp)
        .await?;
    let changed = changed.ok_or(AdminError::NotFound("Tenant not found"))?;
    state.take_over().await?;
    Ok(changed)
}

fn read_budget(fields: &Fields) -> Result<Usd, AdminError> {
    let budget = fields.amount("budgetUsd")?;
    budget.ok_or_else(|| fields.required("budgetUsd"))
}
