//! Budgets of tags. What a tag spends counts on all tags above it: `inheritanceMode` says what their
//! budgets do about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::budgets::shown::{LimitBody, custom_window};
use crate::admin::budgets::{read_amount, read_calls, read_mode, read_period, read_thresholds};
use crate::admin::document::TAG_BUDGETS;
use crate::admin::document::bodies::{NewTagBudget, TagBudgetChange};
use crate::admin::document::parameters::{BudgetPath, TagPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::document::schemas::InheritanceMode;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::WeightNumber;
use crate::admin::path::{PathId, PathIds};
use crate::admin::standing::would_have_refused;
use crate::admin::tags::Success;
use crate::admin::tags::shown::{TagBody, Tags};
use crate::domain::budget::Scope;
use crate::domain::filter::CallFilter;
use crate::domain::id::{BudgetId, TagId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tag::{Inheritance, Weight};
use crate::store::budgets::{BudgetRecord, BudgetSettings};

const BUDGET_NOT_FOUND: AdminError = AdminError::NotFound("Tag budget not found");
const PERIOD_TAKEN: &str = "Budget already exists for this tag and period";

/// A tag's budget.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagBudgetBody {
    #[serde(flatten)]
    limit: LimitBody,
    #[schema(required)]
    tag_id: Option<TagId>,
    is_active: bool,
    weight: WeightNumber,
    #[schema(value_type = InheritanceMode, inline)]
    inheritance_mode: &'static str,
}

/// A tag's budget with its tag.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagBudgetOfTagBody {
    #[serde(flatten)]
    budget: TagBudgetBody,
    tag: TagBody,
    /// Where it only counts: how many requests of the present window it would have refused, as far as the
    /// replica that answers decided on them and since its start. The metric
    /// `budgetguard_shadow_refusals_total` of each replica adds up to those of all.
    #[serde(rename = "wouldHaveRefused", skip_serializing_if = "Option::is_none")]
    would_have_refused: Option<u64>,
}

impl From<BudgetRecord> for TagBudgetBody {
    fn from(record: BudgetRecord) -> Self {
        let limit = LimitBody::from(&record);
        let budget = record.budget;
        Self {
            limit,
            tag_id: match budget.coverage.scope {
                Scope::Tag(tag) => Some(tag),
                Scope::Installation | Scope::Tenant(_) | Scope::Key(_) | Scope::Session(_) => None,
            },
            is_active: record.is_active,
            weight: WeightNumber(budget.coverage.weight),
            inheritance_mode: budget.inheritance.as_str(),
        }
    }
}

#[utoipa::path(post, path = "/admin/tenant/{id}/tags/{tag}/budgets", tag = TAG_BUDGETS, operation_id = "createTagBudget",
    summary = "Makes a budget of a tag.",
    params(TagPath), request_body = NewTagBudget,
    responses((status = 200, body = TagBudgetOfTagBody), InvalidBody, Missing))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TagBudgetOfTagBody>, AdminError> {
    let zone = state.open_tenant(tenant).await?.tenant.time_zone;
    let period = read_period(&fields, &zone, None)?;
    let tags = Tags::of(&state, tenant).await?;
    let shown = tags.body(tags.active(tag)?);
    let blank = BudgetSettings::plain(period, read_amount(&fields, None)?);
    let wanted = change(blank, &fields)?;
    let made = state
        .store
        .create_budget(Scope::Tag(tag), &wanted, &stamp)
        .await;
    let made = made.map_err(|error| AdminError::or_conflict(error, PERIOD_TAKEN))?;
    let made = made.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(TagBudgetOfTagBody {
        would_have_refused: would_have_refused(&state, &made.budget, &zone),
        budget: made.into(),
        tag: shown,
    }))
}

/// The active budgets of an active tag, newest first.
#[utoipa::path(get, path = "/admin/tenant/{id}/tags/{tag}/budgets", tag = TAG_BUDGETS, operation_id = "listTagBudgets",
    params(TagPath), responses((status = 200, body = Vec<TagBudgetOfTagBody>), Invalid, Missing))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
) -> Result<Json<Vec<TagBudgetOfTagBody>>, AdminError> {
    let zone = state.open_tenant(tenant).await?.tenant.time_zone;
    let tags = Tags::of(&state, tenant).await?;
    let shown = tags.body(tags.active(tag)?);
    let budgets = state.store.list_budgets(Scope::Tag(tag)).await?;
    let active = budgets.into_iter().rev().filter(|budget| budget.is_active);
    let bodies = active.map(|record| TagBudgetOfTagBody {
        would_have_refused: would_have_refused(&state, &record.budget, &zone),
        budget: record.into(),
        tag: shown.clone(),
    });
    Ok(Json(bodies.collect()))
}

#[utoipa::path(put, path = "/admin/budget/tag/{id}", tag = TAG_BUDGETS, operation_id = "updateTagBudget",
    summary = "Changes a budget of a tag.",
    params(BudgetPath), request_body = TagBudgetChange,
    responses((status = 200, body = TagBudgetOfTagBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TagBudgetOfTagBody>, AdminError> {
    let (before, tenant, tag) = found(&state, id).await?;
    let zone = state.open_tenant(tenant).await?.tenant.time_zone;
    let period = before.budget.period;
    // Only custom periods have dates, and the period itself stays.
    let period = if custom_window(period).is_some() {
        read_period(&fields.without("period"), &zone, Some(period))?
    } else {
        // They are not used, and have to be texts all the same.
        fields.date("startDate")?;
        fields.date("endDate")?;
        period
    };
    let settings = BudgetSettings {
        period,
        limit: read_amount(&fields, Some(before.budget.limit))?,
        calls: before.budget.coverage.calls,
        weight: before.budget.coverage.weight,
        inheritance: before.budget.inheritance,
        thresholds: before.thresholds,
        mode: before.budget.mode,
        is_active: before.is_active,
    };
    let wanted = change(settings, &fields)?;
    let updated = state.store.update_budget(id, &wanted, &stamp);
    let updated = updated.await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, PERIOD_TAKEN))?;
    let updated = updated.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(TagBudgetOfTagBody {
        would_have_refused: would_have_refused(&state, &updated.budget, &zone),
        budget: updated.into(),
        tag,
    }))
}

#[utoipa::path(delete, path = "/admin/budget/tag/{id}", tag = TAG_BUDGETS, operation_id = "deleteTagBudget",
    summary = "Deletes a budget of a tag.",
    params(BudgetPath), responses((status = 200, body = Success), Invalid, Missing))]
pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    found(&state, id).await?;
    let removed = state.store.delete_budget(id, &stamp).await?;
    removed.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Success::YES)
}

/// A tag's budget, its tenant and its tag.
async fn found(
    state: &AdminState,
    id: BudgetId,
) -> Result<(BudgetRecord, TenantId, TagBody), AdminError> {
    let record = state.store.budget(id).await?.ok_or(BUDGET_NOT_FOUND)?;
    let Scope::Tag(tag) = record.budget.coverage.scope else {
        return Err(BUDGET_NOT_FOUND);
    };
    let tenant = record.budget.tenant.ok_or(BUDGET_NOT_FOUND)?;
    let tenant_is_open = state.tenant_if_open(tenant).await?.is_some();
    let tags = Tags::of(state, tenant).await?;
    let body = tags.get(tag).filter(|_| tenant_is_open);
    let body = tags.body(body.ok_or(BUDGET_NOT_FOUND)?);
    Ok((record, tenant, body))
}

/// Takes over what was sent beside period and amount.
pub(super) fn change(
    mut budget: BudgetSettings,
    fields: &Fields,
) -> Result<BudgetSettings, AdminError> {
    let before: CallFilter = std::mem::take(&mut budget.calls);
    budget.calls = read_calls(fields, &before)?;
    if let Some(weight) = read_weight(fields)? {
        budget.weight = weight;
    }
    budget.thresholds = read_thresholds(fields, budget.thresholds)?;
    budget.mode = read_mode(fields, budget.mode)?;
    if let Some(name) = fields.text("inheritanceMode")? {
        let mode = Inheritance::parse(&name);
        budget.inheritance = mode.ok_or_else(|| {
            fields.problem("inheritanceMode", "must be STRICT, LENIENT or BYPASS")
        })?;
    }
    if let Some(is_active) = fields.flag("isActive")? {
        budget.is_active = is_active;
    }
    Ok(budget)
}

pub(super) fn read_weight(fields: &Fields) -> Result<Option<Weight>, AdminError> {
    let weight = fields.decimal("weight", str::parse::<Weight>);
    weight.map_err(|_problem| {
        fields.problem(
            "weight",
            "must be a number from 0 to 10 with at most six decimal places",
        )
    })
}
