//! What was spent under a tenant's tags, and where the budgets of its tags stand.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::TAG_ANALYTICS;
use crate::admin::document::parameters::{TagsAskedQuery, TenantPath, YearQuery};
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::document::schemas::{HealthName, InheritanceMode, PeriodName};
use crate::admin::error::AdminError;
use crate::admin::figures::{Percentage, UsdNumber, WeightNumber};
use crate::admin::path::PathId;
use crate::admin::query::Params;
use crate::admin::standing::{live, recorded};
use crate::admin::tags::TAG_NOT_FOUND;
use crate::admin::tags::shown::Tags;
use crate::domain::budget::{Budget, Scope};
use crate::domain::health::Health;
use crate::domain::id::{BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::tag::DEPTH_MAX;
use crate::domain::tenant::Tenant;
use crate::store::tag_usage::TagSpending;
use crate::store::tags::TagRecord;

/// Longest time that is asked about by a number of days.
const DAYS_MAX: u64 = 365;
/// The most tags that one question may name.
const TAGS_ASKED_MAX: usize = 100;

/// Everything at once, as the start page of the dashboard shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnalyticsBody {
    usage: Vec<UsageBody>,
    budget_health: Vec<HealthBody>,
    /// Always empty; clients read it.
    #[schema(value_type = Vec<Object>)]
    trends: [(); 0],
    hierarchy: Vec<NodeBody>,
    total_usage: UsdNumber,
    total_requests: u64,
    active_tags: usize,
    critical_budgets: usize,
}

/// What requests that named a tag cost, by their weights.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TagUsageBody)]
struct UsageBody {
    tag_id: TagId,
    tag_name: String,
    path: String,
    usage: UsdNumber,
    requests: u64,
    percentage: Percentage,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

/// Where a budget of a tag stands in its present window: the figure that requests are decided by.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BudgetHealthBody)]
struct HealthBody {
    tag_id: TagId,
    tag_name: String,
    budget_id: BudgetId,
    #[schema(value_type = PeriodName, inline)]
    period: &'static str,
    budget: UsdNumber,
    usage: UsdNumber,
    percentage: Percentage,
    weight: WeightNumber,
    #[schema(value_type = InheritanceMode, inline)]
    inheritance_mode: &'static str,
    #[schema(value_type = HealthName, inline)]
    status: &'static str,
}

/// An active tag with what it spent itself, and with those below it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TagNodeBody)]
struct NodeBody {
    id: TagId,
    name: String,
    path: String,
    usage: UsdNumber,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<UsdNumber>,
    #[schema(no_recursion)]
    children: Vec<NodeBody>,
}

/// Sums by tag over a time, and the budgets of tags as they stand now; of all tags, or of those that
/// `tagId` names.
#[utoipa::path(get, path = "/admin/tenant/{id}/tag-analytics", tag = TAG_ANALYTICS, operation_id = "tagAnalytics",
    params(TenantPath, YearQuery, TagsAskedQuery),
    responses((status = 200, body = AnalyticsBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<AnalyticsBody>, AdminError> {
    let tenant = state.open_tenant(id).await?.tenant;
    params.whole("days", 1..=DAYS_MAX)?;
    let window = params.window(state.clock.now())?;
    let tags = Tags::of(&state, id).await?;
    let asked = asked(&params, &tags)?;
    let used = state.store.tag_usage(id, window, asked.as_deref()).await?;
    let wanted = |tag: &&TagRecord| {
        let is_asked = asked
            .as_ref()
            .is_none_or(|asked| asked.contains(&tag.tag.id));
        is_asked && tag.tag.is_active
    };
    let active: Vec<&TagRecord> = tags.by_name().into_iter().filter(wanted).collect();
    let budgets = budgets_of(&state, &tenant, &active).await?;
    let budget_health: Vec<HealthBody> = budgets.iter().map(health).collect();
    let critical = |budget: &&TagBudget| budget.health() >= Health::Critical;
    let critical_budgets = budgets.iter().filter(critical).count();
    Ok(Json(AnalyticsBody {
        hierarchy: Hierarchy::new(&tags, &active, &used.tags, &budgets).roots(),
        usage: usage(&tags, used.tags),
        budget_health,
        trends: [],
        total_usage: UsdNumber(used.tagged.cost),
        total_requests: used.tagged.rows,
        active_tags: active.len(),
        critical_budgets,
    }))
}

/// The tags that are asked for, each of which the tenant must have; nothing where none is named.
fn asked(params: &Params, tags: &Tags) -> Result<Option<Vec<TagId>>, AdminError> {
    let ids = params.ids("tagId")?;
    if ids.len() > TAGS_ASKED_MAX {
        let reason = format!("tagId may be given at most {TAGS_ASKED_MAX} times");
        return Err(AdminError::Invalid(reason));
    }
    let ids: Vec<TagId> = ids.into_iter().map(TagId).collect();
    if ids.iter().any(|id| tags.get(*id).is_none()) {
        return Err(TAG_NOT_FOUND);
    }
    Ok((!ids.is_empty()).then_some(ids))
}

fn usage(tags: &Tags, spent: Vec<TagSpending>) -> Vec<UsageBody> {
    let sum = |sum: Usd, tag: &TagSpending| sum.saturating_add(tag.cost);
    let total = spent.iter().fold(Usd::ZERO, sum);
    let bodies = spent.into_iter().map(|tag| UsageBody {
        tag_id: tag.tag,
        path: tags.path_under(tag.parent, &tag.name),
        tag_name: tag.name,
        usage: UsdNumber(tag.cost),
        requests: tag.requests,
        percentage: Percentage::of(tag.cost, total),
        color: tag.color,
    });
    bodies.collect()
}

/// An active budget of an active tag, and what is spent of it.
struct TagBudget {
    tag: TagId,
    tag_name: String,
    budget: Budget,
    spent: Usd,
}

impl TagBudget {
    fn health(&self) -> Health {
        Health::of(self.spent, self.budget.limit)
    }
}

/// The budgets of tags that are in force, by tag and age, each with its present figure.
async fn budgets_of(
    state: &AdminState,
    tenant: &Tenant,
    tags: &[&TagRecord],
) -> Result<Vec<TagBudget>, AdminError> {
    let now = state.clock.now();
    let live = live(state, Some(tenant.id), now).await;
    let in_force = in_force(state, tenant.id);
    let mut found = Vec::new();
    for tag in tags {
        for budget in in_force.get(&tag.tag.id).into_iter().flatten() {
            let spent = if let Some(balance) = live.get(&budget.id) {
                balance.spent
            } else {
                let window = budget.period.window_at(now, &tenant.time_zone);
                recorded(state, &budget.coverage, window).await?
            };
            found.push(TagBudget {
                tag: tag.tag.id,
                tag_name: tag.tag.name.clone(),
                budget: budget.clone(),
                spent,
            });
        }
    }
    Ok(found)
}

/// What the data plane knows of the budgets of a tenant's tags.
fn in_force(state: &AdminState, tenant: TenantId) -> BTreeMap<TagId, Vec<Budget>> {
    let mut budgets: BTreeMap<TagId, Vec<Budget>> = BTreeMap::new();
    let snapshot = state.catalog.snapshot();
    let entry = snapshot.tenants.get(&tenant);
    for known in entry.into_iter().flat_map(|entry| entry.budgets()) {
        if let Scope::Tag(tag) = known.budget.coverage.scope {
            budgets.entry(tag).or_default().push(known.budget.clone());
        }
    }
    budgets
}

fn health(known: &TagBudget) -> HealthBody {
    let (budget, spent) = (&known.budget, known.spent);
    HealthBody {
        tag_id: known.tag,
        tag_name: known.tag_name.clone(),
        budget_id: budget.id,
        period: budget.period.name(),
        budget: UsdNumber(budget.limit),
        usage: UsdNumber(spent),
        percentage: Percentage::of_limit(spent, budget.limit),
        weight: WeightNumber(budget.coverage.weight),
        inheritance_mode: budget.inheritance.as_str(),
        status: known.health().as_str(),
    }
}

/// The active tags as trees. One whose parent is not among them stands at the top.
struct Hierarchy<'a> {
    tags: &'a Tags,
    children: BTreeMap<Option<TagId>, Vec<&'a TagRecord>>,
    spent: BTreeMap<TagId, Usd>,
    limits: BTreeMap<TagId, Usd>,
}

impl<'a> Hierarchy<'a> {
    fn new(
        tags: &'a Tags,
        active: &[&'a TagRecord],
        spent: &[TagSpending],
        budgets: &[TagBudget],
    ) -> Self {
        let shown: HashSet<TagId> = active.iter().map(|tag| tag.tag.id).collect();
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for tag in active {
            let parent = tag.tag.parent.filter(|parent| shown.contains(parent));
            children.entry(parent).or_default().push(*tag);
        }
        let mut limits = BTreeMap::new();
        for known in budgets {
            limits.entry(known.tag).or_insert(known.budget.limit);
        }
        Self {
            tags,
            children,
            spent: spent.iter().map(|tag| (tag.tag, tag.cost)).collect(),
            limits,
        }
    }

    fn roots(&self) -> Vec<NodeBody> {
        self.below(None, DEPTH_MAX)
    }

    /// What stands under a tag, as far as `most` levels: stores keep cycles out, and nothing here
    /// follows one.
    fn below(&self, parent: Option<TagId>, most: usize) -> Vec<NodeBody> {
        let Some(rest) = most.checked_sub(1) else {
            return Vec::new();
        };
        let children = self.children.get(&parent).into_iter().flatten();
        let bodies = children.map(|record| {
            let (id, name) = (record.tag.id, &record.tag.name);
            NodeBody {
                id,
                name: name.clone(),
                path: self.tags.path_under(record.tag.parent, name),
                usage: UsdNumber(self.spent.get(&id).copied().unwrap_or_default()),
                budget: self.limits.get(&id).copied().map(UsdNumber),
                children: self.below(Some(id), rest),
            }
        });
        bodies.collect()
    }
}
