//! Budgets of the installation, of tenants and of keys: one for each period and choice of calls. Dates
//! follow the tenant's calendar, those of the installation UTC.

pub(super) mod shown;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;

use crate::admin::AdminState;
use crate::admin::budgets::shown::{BudgetBody, custom_window};
use crate::admin::dates::Moment;
use crate::admin::document::BUDGETS;
use crate::admin::document::bodies::{BudgetChange, NewBudgets};
use crate::admin::document::parameters::{BudgetPath, KeyPath, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::PathId;
use crate::admin::standing::{self, StandingBody};
use crate::admin::tenants::Done;
use crate::domain::alert::{Thresholds, ThresholdsError};
use crate::domain::budget::Scope;
use crate::domain::budget::shadow::Mode;
use crate::domain::filter::{CallFilter, PATTERNS_MAX, Patterns};
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::stamp::Stamp;
use crate::domain::window::{PERIOD_NAMES, Period, PeriodError, UtcMicros};
use crate::store::budgets::{BudgetRecord, BudgetSettings};
use crate::store::tenants::TenantRecord;

/// The most budgets that one request sets.
const BUDGETS_MAX: usize = 100;
const KEY_NOT_FOUND: AdminError = AdminError::NotFound("API key not found");
const BUDGET_NOT_FOUND: AdminError = AdminError::NotFound("Budget not found");
const PERIOD_TAKEN: &str = "A budget with this period already exists";

#[utoipa::path(post, path = "/admin/budgets", tag = BUDGETS, operation_id = "setInstallationBudgets",
    summary = "Sets budgets of the whole installation.",
    request_body = NewBudgets, responses((status = 200, body = Vec<BudgetBody>), InvalidBody))]
pub(super) async fn set_of_installation(
    State(state): State<Arc<AdminState>>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    set(
        &state,
        (Scope::Installation, &TimeZone::UTC),
        &fields,
        &stamp,
    )
    .await
}

#[utoipa::path(get, path = "/admin/budgets", tag = BUDGETS, operation_id = "listInstallationBudgets",
    summary = "The budgets of the whole installation, and what they stand at.",
    responses((status = 200, body = Vec<StandingBody>)))]
pub(super) async fn list_of_installation(
    State(state): State<Arc<AdminState>>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    standing::list(&state, Scope::Installation, None).await
}

#[utoipa::path(post, path = "/admin/tenant/{id}/budgets", tag = BUDGETS, operation_id = "setTenantBudgets",
    summary = "Sets budgets of a tenant.",
    params(TenantPath), request_body = NewBudgets,
    responses((status = 200, body = Vec<BudgetBody>), InvalidBody, Missing))]
pub(super) async fn set_of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    let scope = (Scope::Tenant(id), &tenant.tenant.time_zone);
    set(&state, scope, &fields, &stamp).await
}

#[utoipa::path(post, path = "/admin/apikey/{id}/budgets", tag = BUDGETS, operation_id = "setKeyBudgets",
    summary = "Sets budgets of a key.",
    params(KeyPath), request_body = NewBudgets,
    responses((status = 200, body = Vec<BudgetBody>), InvalidBody, Missing))]
pub(super) async fn set_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let tenant = tenant_of_key(&state, id).await?;
    let scope = (Scope::Key(id), &tenant.tenant.time_zone);
    set(&state, scope, &fields, &stamp).await
}

#[utoipa::path(get, path = "/admin/tenant/{id}/budgets", tag = BUDGETS, operation_id = "listTenantBudgets",
    summary = "The budgets of a tenant, and what they stand at.",
    params(TenantPath), responses((status = 200, body = Vec<StandingBody>), Invalid, Missing))]
pub(super) async fn list_of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    let tenant = state.open_tenant(id).await?;
    standing::list(&state, Scope::Tenant(id), Some(&tenant)).await
}

#[utoipa::path(get, path = "/admin/apikey/{id}/budgets", tag = BUDGETS, operation_id = "listKeyBudgets",
    summary = "The budgets of a key, and what they stand at.",
    params(KeyPath), responses((status = 200, body = Vec<StandingBody>), Invalid, Missing))]
pub(super) async fn list_of_key(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    let tenant = tenant_of_key(&state, id).await?;
    standing::list(&state, Scope::Key(id), Some(&tenant)).await
}

#[utoipa::path(put, path = "/admin/budget/{id}", tag = BUDGETS, operation_id = "updateBudget",
    summary = "Changes a budget.",
    params(BudgetPath), request_body = BudgetChange,
    responses((status = 200, body = BudgetBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<BudgetBody>, AdminError> {
    let (before, zone) = changeable(&state, id).await?;
    let settings = BudgetSettings {
        calls: read_calls(&fields, &before.budget.coverage.calls)?,
        thresholds: read_thresholds(&fields, before.thresholds)?,
        mode: read_mode(&fields, before.budget.mode)?,
        ..BudgetSettings::plain(
            read_period(&fields, &zone, Some(before.budget.period))?,
            read_amount(&fields, Some(before.budget.limit))?,
        )
    };
    let updated = state.store.update_budget(id, &settings, &stamp);
    let updated = updated.await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, PERIOD_TAKEN))?;
    let updated = updated.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(updated.into()))
}

#[utoipa::path(delete, path = "/admin/budget/{id}", tag = BUDGETS, operation_id = "deleteBudget",
    summary = "Deletes a budget.",
    params(BudgetPath), responses((status = 200, body = Done), Invalid, Missing))]
pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<BudgetId>,
    stamp: Stamp,
) -> Result<Json<Done>, AdminError> {
    changeable(&state, id).await?;
    let removed = state.store.delete_budget(id, &stamp).await?;
    removed.ok_or(BUDGET_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Done::OK)
}

/// A budget that these routes are for, and the calendar that it follows. Those of tags have routes of
/// their own, and those of a closed tenant are history.
async fn changeable(
    state: &AdminState,
    id: BudgetId,
) -> Result<(BudgetRecord, TimeZone), AdminError> {
    let found = state.store.budget(id).await?;
    let record = found
        .filter(|record| !matches!(record.budget.coverage.scope, Scope::Tag(_)))
        .ok_or(BUDGET_NOT_FOUND)?;
    let Some(tenant) = record.budget.tenant else {
        return Ok((record, TimeZone::UTC));
    };
    let tenant = state.tenant_if_open(tenant).await?;
    let tenant = tenant.ok_or(BUDGET_NOT_FOUND)?.tenant;
    Ok((record, tenant.time_zone))
}

/// Sets all budgets of a body or none.
async fn set(
    state: &AdminState,
    (scope, zone): (Scope, &TimeZone),
    fields: &Fields,
    stamp: &Stamp,
) -> Result<Json<Vec<BudgetBody>>, AdminError> {
    let items = fields.objects("budgets", BUDGETS_MAX)?;
    let items = items.ok_or_else(|| AdminError::invalid("Missing budgets"))?;
    let mut budgets: Vec<BudgetSettings> = Vec::with_capacity(items.len());
    let everything = CallFilter::default();
    for item in &items {
        let period = read_period(item, zone, None)?;
        let calls = read_calls(item, &everything)?;
        let is_same =
            |other: &BudgetSettings| other.period.name() == period.name() && other.calls == calls;
        if budgets.iter().any(is_same) {
            return Err(item.problem("period", "is given twice"));
        }
        let amount = read_amount(item, None)?;
        budgets.push(BudgetSettings {
            calls,
            thresholds: read_thresholds(item, None)?,
            mode: read_mode(item, Mode::default())?,
            ..BudgetSettings::plain(period, amount)
        });
    }
    let set = state.store.set_budgets(scope, &budgets, stamp).await?;
    let set = set.ok_or(match scope {
        Scope::Key(_) => KEY_NOT_FOUND,
        Scope::Installation | Scope::Tenant(_) | Scope::Tag(_) | Scope::Session(_) => {
            AdminError::NotFound("Tenant not found")
        }
    })?;
    state.take_over().await?;
    Ok(Json(set.into_iter().map(BudgetBody::from).collect()))
}

/// The limit that the fields name, or the one before when they leave it out.
pub(super) fn read_amount(fields: &Fields, before: Option<Usd>) -> Result<Usd, AdminError> {
    match fields.amount("amountUsd")? {
        Some(amount) => Ok(amount),
        None if fields.has("amountUsd") => Err(fields.required("amountUsd")),
        None => before.ok_or_else(|| fields.required("amountUsd")),
    }
}

/// The calls that the fields name; what they leave out stays as it was.
pub(super) fn read_calls(fields: &Fields, before: &CallFilter) -> Result<CallFilter, AdminError> {
    let read = |name: &str, before: &Patterns| match fields.texts(name, PATTERNS_MAX)? {
        Some(texts) => Patterns::new(texts)
            .map_err(|error| fields.problem(name, &format!("cannot be used: {error}"))),
        None => Ok(before.clone()),
    };
    Ok(CallFilter {
        models: read("models", &before.models)?,
        providers: read("providers", &before.providers)?,
    })
}

/// The alert thresholds that the fields name, as they name them; those before when they leave them out,
/// none of its own for `null`.
pub(super) fn read_thresholds(
    fields: &Fields,
    before: Option<String>,
) -> Result<Option<String>, AdminError> {
    const NAME: &str = "alertThresholds";
    let Some(text) = fields.json(NAME)? else {
        return Ok(before.filter(|_| !fields.has(NAME)));
    };
    match serde_json::from_str::<Thresholds>(&text) {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(fields.problem(NAME, &ThresholdsError.to_string())),
    }
}

/// Whether it refuses, as the fields say; as before when they do not.
pub(super) fn read_mode(fields: &Fields, before: Mode) -> Result<Mode, AdminError> {
    const NAME: &str = "enforcement";
    let Some(name) = fields.text(NAME)? else {
        return Ok(before);
    };
    Mode::parse(&name).ok_or_else(|| fields.problem(NAME, "must be enforce or shadow"))
}

/// The period that the fields name; what they leave out stays as it was. Only custom periods have
/// dates, and the day that they end on counts as a whole.
pub(super) fn read_period(
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
    )?;
    let end = date(
        fields,
        "endDate",
        window.map(|window| window.end),
        |moment| Moment::Day(moment.day(zone)?).end(zone),
    )?;
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
) -> Result<Option<UtcMicros>, AdminError> {
    if fields.has(name) {
        Ok(fields.date(name)?.and_then(instant))
    } else {
        Ok(before)
    }
}

async fn tenant_of_key(state: &AdminState, id: ApiKeyId) -> Result<TenantRecord, AdminError> {
    let key = state.store.key(id).await?.ok_or(KEY_NOT_FOUND)?;
    let tenant = state.tenant_if_open(key.tenant).await?;
    tenant.ok_or(KEY_NOT_FOUND)
}
