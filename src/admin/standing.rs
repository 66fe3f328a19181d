//! Where budgets stand: the live figures that requests are decided by, and the window they are for.

use std::collections::HashMap;

use axum::Json;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::budgets::shown::{BudgetBody, custom_window};
use crate::admin::dates::last_shown;
use crate::admin::error::AdminError;
use crate::admin::figures::{UsdNumber, UsdText};
use crate::catalog::BudgetEntry;
use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{Account, AccountOwner, Balance, Budget, Charge, Coverage, Scope};
use crate::domain::id::{BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::tenants::TenantRecord;

/// A budget with what it stands at. A period without an end or a beginning shows none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandingBody {
    #[serde(flatten)]
    budget: BudgetBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    current_period_start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    current_period_end_date: Option<String>,
    current_usage: UsdNumber,
    held_usd: UsdText,
    is_recurring: bool,
    /// Where it only counts: how many requests of the present window it would have refused, as far as the
    /// replica that answers decided on them and since its start. The metric
    /// `budgetguard_shadow_refusals_total` of each replica adds up to those of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_have_refused: Option<u64>,
}

/// A scope's own budgets, by id. The zone is that of the tenant whose scope it is.
pub(super) async fn list(
    state: &AdminState,
    scope: Scope,
    tenant: Option<&TenantRecord>,
) -> Result<Json<Vec<StandingBody>>, AdminError> {
    let records = state.store.list_budgets(scope).await?;
    let now = state.clock.now();
    let live = live(state, tenant.map(|tenant| tenant.tenant.id), now).await;
    let zone = tenant.map_or(TimeZone::UTC, |tenant| tenant.tenant.time_zone.clone());
    let mut shown = Vec::with_capacity(records.len());
    for record in records {
        let period = record.budget.period;
        let window = custom_window(period).or_else(|| period.window_at(now, &zone));
        let balance = match live.get(&record.budget.id) {
            Some(balance) => *balance,
            None => Balance {
                spent: recorded(state, &record.budget.coverage, window).await?,
                ..Balance::default()
            },
        };
        let dated = window.filter(|window| *window != Window::TOTAL);
        let is_recurring = dated.is_some() && custom_window(period).is_none();
        let would_have_refused = would_have_refused(state, &record.budget, &zone);
        shown.push(StandingBody {
            would_have_refused,
            budget: record.into(),
            current_period_start_date: dated.map(|window| window.start.to_string()),
            current_period_end_date: dated.map(|window| last_shown(window.end).to_string()),
            current_usage: UsdNumber(balance.spent),
            held_usd: UsdText(balance.held),
            is_recurring,
        });
    }
    Ok(Json(shown))
}

/// How many requests a budget that only counts would have refused in its present window: those that
/// this process has seen since its start.
pub(super) fn would_have_refused(
    state: &AdminState,
    budget: &Budget,
    zone: &TimeZone,
) -> Option<u64> {
    if budget.mode == Mode::Enforced {
        return None;
    }
    let window = budget.period.window_at(state.clock.now(), zone);
    let account = window.map(|window| Account {
        owner: AccountOwner::Budget(budget.id),
        window,
    });
    Some(account.map_or(0, |account| state.metrics.would_have_refused(account)))
}

/// What the budgets of a tenant, or those of the installation, stand at that are in force at this
/// instant and whose figures are known.
pub(super) async fn live(
    state: &AdminState,
    tenant: Option<TenantId>,
    now: UtcMicros,
) -> HashMap<BudgetId, Balance> {
    let snapshot = state.catalog.snapshot();
    let charges: Vec<(BudgetId, Charge)> = match tenant {
        Some(tenant) => match snapshot.tenants.get(&tenant) {
            Some(entry) => own_charges(entry.budgets(), now, &entry.tenant.time_zone),
            None => return HashMap::new(),
        },
        None => own_charges(snapshot.installation(), now, &TimeZone::UTC),
    };
    let accounts: Vec<_> = charges.iter().map(|(_, charge)| charge.account).collect();
    // The installation's accounts are found through any tenant.
    let asked = tenant.unwrap_or(TenantId(0));
    let balances = state.engine.balances(asked, &accounts).await;
    let known = charges
        .iter()
        .zip(balances)
        .filter_map(|((budget, charge), balance)| {
            // A window that nothing was charged to yet has no account and stands at nothing.
            let balance = balance.or(charge.starts_empty.then(Balance::default));
            Some((*budget, balance?))
        });
    known.collect()
}

fn own_charges<'a>(
    budgets: impl Iterator<Item = &'a BudgetEntry>,
    now: UtcMicros,
    zone: &TimeZone,
) -> Vec<(BudgetId, Charge)> {
    let charges = budgets.filter_map(|entry| {
        let charge = entry.own_charge_at(now, zone)?;
        Some((entry.budget.id, charge))
    });
    charges.collect()
}

/// What the ledger has for a budget in a window.
pub(super) async fn recorded(
    state: &AdminState,
    coverage: &Coverage,
    window: Option<Window>,
) -> Result<Usd, AdminError> {
    let Some(window) = window else {
        return Ok(Usd::ZERO);
    };
    let sums = state.store.spent(&[(coverage, window)], &[]).await?;
    Ok(sums.first().copied().unwrap_or_default())
}
