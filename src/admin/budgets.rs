//! Budgets of tenants and of keys: one for each period. Dates follow the tenant's calendar.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::admin::AdminState;
use crate::admin::dates::{Moment, last_shown};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::UsdText;
use crate::admin::path::PathId;
use crate::admin::standing::{self, StandingBody};
use crate::admin::tenants::Done;
use crate::domain::budget::Scope;
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{PERIOD_NAMES, Period, PeriodError, UtcMicros, Window};
use crate::store::budgets::BudgetRecord;
use crate::store::tenants::TenantRecord;

const KEY_NOT_FOUND: AdminError = AdminError::NotFound("API key not found");
const BUDGET_NOT_FOUND: AdminError = AdminError::NotFound("Budget not found");
const PERIOD_TAKEN: &str = "A budget with this period already exists";

/// A budget. `endDate` is the last millisecond that counts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BudgetBody {
    id: BudgetId,
    tenant_id: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<ApiKeyId>,
    period: &'static str,
    amount_usd: UsdText,
    start_date: Option<String>,
    end_date: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<BudgetRecord> for BudgetBody {
    fn from(record: BudgetRecord) -> Self {
        let budget = record.budget;
        let window = custom_window(budget.period);
        Self {
            id: budget.id,
            tenant_id: budget.tenant,
            api_key_id: match budget.scope {
                Scope::Tenant(_) => None,
                Scope::Key(key) => Some(key),
            },
            period: budget.period.name(),
            amount_usd: UsdText(budget.limit),
            start_date: window.map(|window| window.start.to_string()),
            end_date: window.map(|window| last_shown(window.end).to_string()),
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }
}

pub(super) async fn set_of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    fields: Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    set(&state, Scope::Tenant(id), &tenant, &fields).await
}

pub(super) async fn set_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
    fields: Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let tenant = tenant_of_key(&state, id).await?;
    set(&state, Scope::Key(id), &tenant, &fields).await
}

pub(super) async fn list_of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    standing::list(&state, Scope::Tenant(id), &tenant).await
}

pub(super) async fn list_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    let tenant = tenant_of_key(&state, id).await?;
    standing::list(&state, Scope::Key(id), &tenant).await
}

pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
    fields: Fields,
) -> Result<Json<BudgetBody>, AdminError> {
    let before = state.store.budget(id).await?.ok_or(BUDGET_NOT_FOUND)?;
    let tenant = state.tenant_if_open(before.budget.tenant).await?;
    let tenant = tenant.ok_or(BUDGET_NOT_FOUND)?;
    let zone = &tenant.tenant.time_zone;
    let limit = (
        read_period(&fields, zone, Some(before.budget.period))?,
        match fields.amount("amountUsd")? {
            Some(amount) => amount,
            None if fields.has("amountUsd") => return Err(fields.required("amountUsd")),
            None => before.budget.limit,
        },
    );
    let updated = state.store.update_budget(id, limit, state.clock.now());
    let updated = updated.await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, PERIOD_TAKEN))?;
    let updated = updated.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(updated.into()))
}

pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
) -> Result<Json<Done>, AdminError> {
    let removed = state.store.delete_budget(id).await?;
    removed.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Done::OK)
}

/// Sets all budgets of a body or none.
async fn set(
    state: &AdminState,
    scope: Scope,
    tenant: &TenantRecord,
    fields: &Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let items = fields.objects("budgets", PERIOD_NAMES.len())?;
    let items = items.ok_or_else(|| AdminError::invalid("Missing budgets"))?;
    let mut limits: Vec<(Period, Usd)> = Vec::with_capacity(items.len());
    let mut named = BTreeSet::new();
    for item in &items {
        let period = read_period(item, &tenant.tenant.time_zone, None)?;
        if !named.insert(period.name()) {
            return Err(item.problem("period", "is given twice"));
        }
        let amount = item.amount("amountUsd")?;
        limits.push((period, amount.ok_or_else(|| item.required("amountUsd"))?));
    }
    let now = state.clock.now();
    let budgets = state.store.set_budgets(scope, &limits, now).await?;
    let budgets = budgets.ok_or(match scope {
        Scope::Tenant(_) => AdminError::NotFound("Tenant not found"),
        Scope::Key(_) => KEY_NOT_FOUND,
    })?;
    state.take_over().await?;
    Ok(Json(budgets.into_iter().map(BudgetBody::from).collect()))
}

/// The period that the fields name; what they leave out stays as it was. Only custom periods have
/// dates, and the day that they end on counts as a whole.
fn read_period(
    fields: &Fields,
    zone: &TimeZone,
    before: Option<Period>,
) -> Result<Period, AdminError> {
    let name = fields.text("period")?;
    let name = name.or_else(|| before.map(|period| period.name().to_owned()));
    let name = name.ok_or_else(|| fields.required("period"))?;
    let window = before.and_then(custom_window);
    let start = date(
        fields,
        "startDate",
        window.map(|window| window.start),
        |moment| moment.start(zone),
    );
    let end = date(
        fields,
        "endDate",
        window.map(|window| window.end),
        |moment| Moment::Day(moment.day(zone)?).end(zone),
    );
    Period::from_parts(&name, start, end).map_err(|error| match error {
        PeriodError::UnknownName(_) => AdminError::Invalid(format!(
            "Invalid period. Allowed: {}",
            PERIOD_NAMES.join(", ")
        )),
        PeriodError::MissingDates => {
            AdminError::invalid("Custom period requires valid startDate and endDate")
        }
        PeriodError::EndsBeforeStart => {
            AdminError::invalid("endDate must be equal to or after startDate")
        }
    })
}

/// The instant that a field names; the one before when it was not sent, none when it is no date.
fn date(
    fields: &Fields,
    name: &str,
    before: Option<UtcMicros>,
    instant: impl FnOnce(Moment) -> Option<UtcMicros>,
) -> Option<UtcMicros> {
    if fields.has(name) {
        fields.date(name).and_then(instant)
    } else {
        before
    }
}

pub(super) fn custom_window(period: Period) -> Option<Window> {
    match period {
        Period::Custom(window) => Some(window),
        Period::Hourly | Period::Daily | Period::Weekly | Period::Monthly | Period::Total => None,
    }
}

async fn tenant_of_key(state: &AdminState, id: ApiKeyId) -> Result<TenantRecord, AdminError> {
    let key = state.store.key(id).await?.ok_or(KEY_NOT_FOUND)?;
    let tenant = state.tenant_if_open(key.tenant).await?;
    tenant.ok_or(KEY_NOT_FOUND)
}
