//! Shows the answer: what was, what would have been, and for whom; the most refused first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::dates::last_shown;
use crate::admin::figures::UsdText;
use crate::catalog::Snapshot;
use crate::domain::budget::Scope;
use crate::domain::id::{ApiKeyId, BudgetId, ModelName, TagId, TenantId};
use crate::domain::window::Window;
use crate::whatif::change::is_new;
use crate::whatif::figures::{Answer, BudgetSums, Refusal, Sums};

/// The most rows of each list.
const LISTED_MAX: usize = 1_000;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIfBody {
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    #[schema(required)]
    tenant_id: Option<TenantId>,
    #[schema(required)]
    api_key_id: Option<ApiKeyId>,
    /// Also those of others that count on the same budgets.
    rows_replayed: u64,
    recorded: RecordedBody,
    /// By what is in force now, which may not be what was in force then.
    in_force: ChangedBody,
    with_changes: ChangedBody,
    saved_usd: UsdText,
    tenants: Vec<AskedTenantBody>,
    api_keys: Vec<AskedKeyBody>,
    budgets: Vec<AskedBudgetBody>,
    /// With the changes: what was admitted and would have been refused, oldest first.
    refusals: Vec<RefusalBody>,
    /// How many rows the lists would have beside those that they have.
    left_out: usize,
    decisions_hash: String,
}

/// What was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RecordedBody {
    requests: u64,
    admitted: u64,
    refused: u64,
    cost_usd: UsdText,
}

/// What would have been. A request that was sent holds what it held then, or what there is room for; it is
/// refused where there is no room for what it cost, and where it cost nothing, no room at all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangedBody {
    admitted: u64,
    refused: u64,
    refused_by_reason: BTreeMap<&'static str, u64>,
    /// Of those that were admitted and still would have been.
    cost_usd: UsdText,
    newly_admitted: u64,
    /// Nobody knows: they were never sent.
    #[schema(required)]
    newly_admitted_cost_usd: Option<UsdText>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SumsBody {
    requests: u64,
    cost_usd: UsdText,
    admitted: u64,
    refused: u64,
    saved_usd: UsdText,
    newly_admitted: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskedTenantBody {
    tenant_id: TenantId,
    #[schema(required)]
    tenant: Option<String>,
    #[serde(flatten)]
    sums: SumsBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskedKeyBody {
    api_key_id: ApiKeyId,
    tenant_id: TenantId,
    #[serde(flatten)]
    sums: SumsBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskedBudgetBody {
    /// Nothing for one that is only asked about.
    #[schema(required)]
    budget_id: Option<BudgetId>,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_id: Option<TagId>,
    period: &'static str,
    amount_usd: UsdText,
    models: Vec<String>,
    providers: Vec<String>,
    enforcement: &'static str,
    charged: u64,
    refused: u64,
    would_have_refused: u64,
    #[schema(required, format = DateTime)]
    first_refused_at: Option<String>,
    highest_use_usd: UsdText,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusalBody {
    request_id: String,
    #[schema(format = DateTime)]
    timestamp: String,
    tenant_id: TenantId,
    api_key_id: ApiKeyId,
    model: ModelName,
    cost_usd: UsdText,
    reason: &'static str,
}

impl WhatIfBody {
    pub(super) fn new(
        (window, tenant_id, api_key_id): (Window, Option<TenantId>, Option<ApiKeyId>),
        answer: Answer,
        snapshot: &Snapshot,
    ) -> Self {
        let Answer {
            in_force,
            changed: figures,
        } = answer;
        let decisions_hash = figures.decisions_hash();
        let total = figures.total;
        let (tenants, no_tenants) = listed(figures.tenants, |sums| sums.refused);
        let (keys, no_keys) = listed(figures.keys, |(_, sums)| sums.refused);
        let (budgets, no_budgets) = listed(figures.budgets, |budget| {
            budget.refused.max(budget.would_have_refused)
        });
        let tenants = tenants.into_iter();
        let keys = keys.into_iter();
        let refusals = figures.refusals.into_iter().map(RefusalBody::from);
        Self {
            from: window.start.to_string(),
            to: last_shown(window.end).to_string(),
            tenant_id,
            api_key_id,
            rows_replayed: figures.rows,
            recorded: RecordedBody::from(total),
            in_force: ChangedBody::new(in_force.total, in_force.refused_by),
            with_changes: ChangedBody::new(total, figures.refused_by),
            saved_usd: UsdText(total.saved),
            tenants: tenants
                .map(|(id, sums)| AskedTenantBody::new(id, sums, snapshot))
                .collect(),
            api_keys: keys.map(AskedKeyBody::from).collect(),
            budgets: budgets.iter().map(AskedBudgetBody::from).collect(),
            refusals: refusals.collect(),
            left_out: no_tenants
                .saturating_add(no_keys)
                .saturating_add(no_budgets)
                .saturating_add(figures.refusals_left_out),
            decisions_hash,
        }
    }
}

/// What a list shows, and how much it leaves out: the most refused first, then by id.
fn listed<K: Ord, V>(all: BTreeMap<K, V>, refused: impl Fn(&V) -> u64) -> (Vec<(K, V)>, usize) {
    let mut rows: Vec<(K, V)> = all.into_iter().collect();
    rows.sort_by_key(|(_, row)| Reverse(refused(row)));
    let left_out = rows.len().saturating_sub(LISTED_MAX);
    rows.truncate(LISTED_MAX);
    (rows, left_out)
}

impl From<Sums> for RecordedBody {
    fn from(sums: Sums) -> Self {
        Self {
            requests: sums.requests,
            admitted: sums.requests.saturating_sub(sums.were_refused),
            refused: sums.were_refused,
            cost_usd: UsdText(sums.cost),
        }
    }
}

impl ChangedBody {
    fn new(sums: Sums, refused_by_reason: BTreeMap<&'static str, u64>) -> Self {
        Self {
            admitted: sums.admitted,
            refused: sums.refused,
            refused_by_reason,
            cost_usd: UsdText(sums.cost.saturating_sub(sums.saved)),
            newly_admitted: sums.newly_admitted,
            newly_admitted_cost_usd: None,
        }
    }
}

impl From<Sums> for SumsBody {
    fn from(sums: Sums) -> Self {
        Self {
            requests: sums.requests,
            cost_usd: UsdText(sums.cost),
            admitted: sums.admitted,
            refused: sums.refused,
            saved_usd: UsdText(sums.saved),
            newly_admitted: sums.newly_admitted,
        }
    }
}

impl AskedTenantBody {
    fn new(tenant_id: TenantId, sums: Sums, snapshot: &Snapshot) -> Self {
        let entry = snapshot.tenants.get(&tenant_id);
        Self {
            tenant_id,
            tenant: entry.map(|entry| entry.tenant.name.clone()),
            sums: sums.into(),
        }
    }
}

impl From<(ApiKeyId, (TenantId, Sums))> for AskedKeyBody {
    fn from((api_key_id, (tenant_id, sums)): (ApiKeyId, (TenantId, Sums))) -> Self {
        Self {
            api_key_id,
            tenant_id,
            sums: sums.into(),
        }
    }
}

impl From<Refusal> for RefusalBody {
    fn from(refusal: Refusal) -> Self {
        Self {
            request_id: refusal.request.to_string(),
            timestamp: refusal.at.to_string(),
            tenant_id: refusal.tenant,
            api_key_id: refusal.key,
            model: refusal.model,
            cost_usd: UsdText(refusal.cost),
            reason: refusal.code,
        }
    }
}

impl From<&(BudgetId, BudgetSums)> for AskedBudgetBody {
    fn from((id, sums): &(BudgetId, BudgetSums)) -> Self {
        let budget = &sums.budget;
        let scope = budget.coverage.scope;
        let (api_key_id, tag_id) = match scope {
            Scope::Key(key) => (Some(key), None),
            Scope::Tag(tag) => (None, Some(tag)),
            Scope::Installation | Scope::Tenant(_) | Scope::Session(_) => (None, None),
        };
        Self {
            budget_id: (!is_new(*id)).then_some(*id),
            scope: scope.kind(),
            tenant_id: budget.tenant,
            api_key_id,
            tag_id,
            period: budget.period.name(),
            amount_usd: UsdText(budget.limit),
            models: budget.coverage.calls.models.texts(),
            providers: budget.coverage.calls.providers.texts(),
            enforcement: budget.mode.as_str(),
            charged: sums.charged,
            refused: sums.refused,
            would_have_refused: sums.would_have_refused,
            first_refused_at: sums.first_refused_at.map(|at| at.to_string()),
            highest_use_usd: UsdText(sums.highest_use),
        }
    }
}
