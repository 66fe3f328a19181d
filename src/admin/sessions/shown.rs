//! Sessions as answers show them, and what they stand at.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::schemas::{RequestStatus, SessionStatus};
use crate::admin::figures::UsdNumber;
use crate::admin::query::PageAsked;
use crate::admin::tags::shown::Tags;
use crate::domain::budget::Account;
use crate::domain::id::{ModelName, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::session::SessionKey;
use crate::store::ledger_page::LedgerEntry;
use crate::store::sessions::SessionRecord;
use crate::store::tenants::TenantRecord;

pub(super) const ACTIVE: &str = "active";
pub(super) const BUDGET_EXCEEDED: &str = "budget_exceeded";

/// Which part of a list an answer holds: pages count from one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    pub(super) page: u64,
    pub(super) limit: u32,
    pub(super) total: u64,
    pub(super) total_pages: u64,
}

/// A page of sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct SessionsBody {
    pub(super) sessions: Vec<SessionBody>,
    pub(super) pagination: Pagination,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionBody {
    pub(super) session_id: String,
    #[schema(required)]
    pub(super) name: Option<String>,
    #[schema(required)]
    pub(super) path: Option<String>,
    #[schema(required)]
    pub(super) effective_budget_usd: Option<UsdNumber>,
    pub(super) current_cost_usd: UsdNumber,
    #[schema(value_type = SessionStatus, inline)]
    pub(super) status: &'static str,
    #[schema(required, value_type = Option<Object>)]
    pub(super) metadata: Option<()>,
    #[schema(format = DateTime)]
    pub(super) created_at: String,
    #[schema(format = DateTime)]
    pub(super) last_active_at: String,
    pub(super) request_count: u64,
}

/// A session's requests.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct SessionUsageBody {
    pub(super) session: SessionHeadBody,
    pub(super) usage: Vec<SessionRequestBody>,
    pub(super) pagination: Pagination,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionHeadBody {
    pub(super) session_id: String,
    #[schema(required)]
    pub(super) name: Option<String>,
    pub(super) tenant_id: TenantId,
    #[schema(required)]
    pub(super) effective_budget_usd: Option<UsdNumber>,
    pub(super) current_cost_usd: UsdNumber,
    #[schema(value_type = SessionStatus, inline)]
    pub(super) status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionRequestBody {
    pub(super) id: String,
    #[schema(format = DateTime)]
    pub(super) timestamp: String,
    pub(super) route: Cow<'static, str>,
    pub(super) model: ModelName,
    pub(super) usd: UsdNumber,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    #[schema(value_type = RequestStatus, inline)]
    pub(super) status: &'static str,
    pub(super) tags: Vec<TagBody>,
}

/// A tag as a session's requests show it. A deleted one has no name any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionTagBody)]
pub(super) struct TagBody {
    pub(super) id: TagId,
    #[schema(required)]
    pub(super) name: Option<String>,
    #[schema(required)]
    pub(super) color: Option<String>,
}

/// What a session may spend.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct SessionBudgetBody {
    pub(super) session_id: String,
    #[schema(required)]
    pub(super) effective_budget_usd: Option<UsdNumber>,
    pub(super) current_cost_usd: UsdNumber,
    #[schema(value_type = SessionStatus, inline)]
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reverted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget_source: Option<SourceBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceBody {
    pub(super) tenant_name: String,
    #[schema(required)]
    pub(super) tenant_default_budget: Option<UsdNumber>,
    pub(super) has_custom_budget: bool,
    #[schema(required)]
    pub(super) custom_budget: Option<UsdNumber>,
}

/// What a tenant's sessions may spend.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct DefaultBody {
    pub(super) tenant_id: TenantId,
    pub(super) tenant_name: String,
    #[schema(required)]
    pub(super) default_session_budget_usd: Option<UsdNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) removed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_count: Option<u64>,
}

/// A session with what it stands at.
pub(super) struct Standing {
    pub(super) record: SessionRecord,
    pub(super) budget: Option<Usd>,
    pub(super) cost: Usd,
}

impl Standing {
    /// By the live account where there is one, else by the ledger.
    pub(super) async fn of(
        state: &AdminState,
        tenant: &TenantRecord,
        record: SessionRecord,
    ) -> Self {
        let account = Account::of_session(SessionKey::new(record.tenant, &record.id));
        let live = state.engine.balances(record.tenant, &[account]).await;
        let live = live.into_iter().flatten().next();
        let snapshot = state.catalog.snapshot();
        let entry = snapshot.tenants.get(&record.tenant);
        let own = record.tags.iter().filter(|share| !share.is_inherited);
        let own = own.map(|share| share.tag);
        let of_tags = entry.and_then(|entry| entry.tags.session_budget(own));
        Self {
            budget: record
                .own_budget
                .or(of_tags)
                .or(tenant.tenant.default_session_budget),
            cost: live.map_or(record.cost, |balance| balance.spent),
            record,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.budget {
            Some(budget) if self.cost >= budget => BUDGET_EXCEEDED,
            Some(_) | None => ACTIVE,
        }
    }

    pub(super) fn budget_body(self) -> SessionBudgetBody {
        SessionBudgetBody {
            status: self.status(),
            effective_budget_usd: self.budget.map(UsdNumber),
            current_cost_usd: UsdNumber(self.cost),
            session_id: self.record.id,
            reverted: None,
            budget_source: None,
        }
    }
}

pub(super) fn body(standing: Standing) -> SessionBody {
    SessionBody {
        status: standing.status(),
        effective_budget_usd: standing.budget.map(UsdNumber),
        current_cost_usd: UsdNumber(standing.cost),
        session_id: standing.record.id,
        name: standing.record.name,
        path: standing.record.path,
        metadata: None,
        created_at: standing.record.created_at.to_string(),
        last_active_at: standing.record.last_active_at.to_string(),
        request_count: standing.record.requests,
    }
}

pub(super) fn default_body(tenant: TenantRecord) -> DefaultBody {
    DefaultBody {
        tenant_id: tenant.tenant.id,
        default_session_budget_usd: tenant.tenant.default_session_budget.map(UsdNumber),
        tenant_name: tenant.tenant.name,
        removed: None,
        session_count: None,
    }
}

impl SessionRequestBody {
    pub(super) fn new(entry: LedgerEntry, tags: &Tags) -> Self {
        let row = entry.row;
        let own = row.tags.iter().filter(|share| !share.is_inherited);
        let own = own.map(|share| {
            let record = tags.get(share.tag);
            TagBody {
                id: share.tag,
                name: record.map(|record| record.tag.name.clone()),
                color: record.and_then(|record| record.color.clone()),
            }
        });
        Self {
            id: row.request.to_string(),
            timestamp: row.at.to_string(),
            route: row.route,
            usd: UsdNumber(row.cost),
            prompt_tokens: row.usage.input_total(),
            completion_tokens: row.usage.output_total(),
            status: row.status.as_str(),
            tags: own.collect(),
            model: row.model,
        }
    }
}

pub(super) fn pagination(asked: PageAsked, total: u64) -> Pagination {
    Pagination {
        page: asked.number.saturating_add(1),
        limit: asked.limit,
        total,
        total_pages: total.div_ceil(u64::from(asked.limit)),
    }
}
