//! What a tenant spends: now, by day and by model.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::dates::{day_of, start_of};
use crate::admin::document::USAGE;
use crate::admin::document::parameters::{DaysQuery, TenantPath};
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::error::AdminError;
use crate::admin::figures::{Percentage, UsdNumber};
use crate::admin::path::PathId;
use crate::admin::query::Params;
use crate::admin::standing::{live, recorded};
use crate::domain::budget::{Coverage, Scope};
use crate::domain::id::{ModelName, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};

/// What was spent on a day (UTC).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageOfDayBody)]
pub(super) struct DayBody {
    date: String,
    usage: UsdNumber,
}

/// What was spent on a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageOfModelBody)]
pub(super) struct ModelBody {
    model: ModelName,
    usage: UsdNumber,
    percentage: Percentage,
    requests: u64,
}

/// What was spent in the present window of each period that the settings name: the figure that
/// requests are decided by where there is such a budget, else what the ledger has.
#[utoipa::path(get, path = "/admin/tenant/{id}/usage", tag = USAGE, operation_id = "currentUsage",
    params(TenantPath),
    responses((status = 200, body = BTreeMap<String, UsdNumber>), Invalid, Missing))]
pub(super) async fn current(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<BTreeMap<&'static str, UsdNumber>>, AdminError> {
    let tenant = state.open_tenant(id).await?.tenant;
    let now = state.clock.now();
    let mut spent = live_by_period(&state, id, now).await;
    let mut usage = BTreeMap::new();
    for period in &state.options.usage_periods {
        let amount = if let Some(amount) = spent.remove(period.name()) {
            amount
        } else {
            let window = period.window_at(now, &tenant.time_zone);
            recorded(&state, &Coverage::all_of(Scope::Tenant(id)), window).await?
        };
        usage.insert(period.name(), UsdNumber(amount));
    }
    Ok(Json(usage))
}

/// What was spent on each day; days without any are there too.
#[utoipa::path(get, path = "/admin/tenant/{id}/usage/history", tag = USAGE, operation_id = "usageByDay",
    params(TenantPath, DaysQuery),
    responses((status = 200, body = Vec<DayBody>), Invalid, Missing))]
pub(super) async fn history(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<Vec<DayBody>>, AdminError> {
    state.open_tenant(id).await?;
    let (first, last) = params.days_asked(state.clock.now())?;
    let window = window_of(first, last)?;
    let spent = state.store.daily_usage(id, window).await?;
    let spent: BTreeMap<_, _> = spent
        .into_iter()
        .filter_map(|(day, amount)| Some((day_of(day, &TimeZone::UTC)?, amount)))
        .collect();
    let days = first.series(jiff::ToSpan::day(1));
    let days = days.take_while(|day| *day <= last).map(|day| DayBody {
        date: day.to_string(),
        usage: UsdNumber(spent.get(&day).copied().unwrap_or_default()),
    });
    Ok(Json(days.collect()))
}

/// What was spent on each model, dearest first, without those that cost nothing.
#[utoipa::path(get, path = "/admin/tenant/{id}/usage/models", tag = USAGE, operation_id = "usageByModel",
    params(TenantPath, DaysQuery),
    responses((status = 200, body = Vec<ModelBody>), Invalid, Missing))]
pub(super) async fn models(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<Vec<ModelBody>>, AdminError> {
    state.open_tenant(id).await?;
    let (first, last) = params.days_asked(state.clock.now())?;
    let mut spent = state
        .store
        .usage_by_model(id, window_of(first, last)?)
        .await?;
    spent.retain(|model| model.cost > Usd::ZERO);
    let total = spent
        .iter()
        .fold(Usd::ZERO, |total, model| total.saturating_add(model.cost));
    let models = spent.into_iter().map(|model| ModelBody {
        percentage: Percentage::of(model.cost, total),
        usage: UsdNumber(model.cost),
        model: model.model,
        requests: model.requests,
    });
    Ok(Json(models.collect()))
}

/// What the tenant's own budgets stand at, by period.
async fn live_by_period(
    state: &AdminState,
    tenant: TenantId,
    now: UtcMicros,
) -> BTreeMap<&'static str, Usd> {
    let balances = live(state, Some(tenant), now).await;
    let snapshot = state.catalog.snapshot();
    let entry = snapshot.tenants.get(&tenant);
    let budgets = entry.into_iter().flat_map(|entry| entry.budgets());
    budgets
        .filter(|entry| entry.budget.coverage == Coverage::all_of(Scope::Tenant(tenant)))
        .filter_map(|entry| {
            let balance = balances.get(&entry.budget.id)?;
            Some((entry.budget.period.name(), balance.spent))
        })
        .collect()
}

fn window_of(first: jiff::civil::Date, last: jiff::civil::Date) -> Result<Window, AdminError> {
    let after = last.tomorrow().ok();
    let end = after.and_then(|day| start_of(day, &TimeZone::UTC));
    let window = start_of(first, &TimeZone::UTC).zip(end);
    let window = window.map(|(start, end)| Window { start, end });
    window.ok_or_else(|| AdminError::invalid("Invalid date format"))
}
