//! Where every budget stands in its present window: the figures that requests are decided by, and what
//! the window will have come to at its end.

mod found;

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::budget_health::found::{Found, all};
use crate::admin::document::BUDGETS;
use crate::admin::document::parameters::{HealthQuery, PageQuery};
use crate::admin::document::responses::Invalid;
use crate::admin::document::schemas::{HealthName, PeriodName, ScopeName};
use crate::admin::error::AdminError;
use crate::admin::figures::{Percentage, UsdText};
use crate::admin::query::{PageAsked, PageBody, Params};
use crate::domain::health::{Health, forecast};
use crate::domain::id::{ApiKeyId, BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::{Listed, Page};

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;
const SCOPES: [&str; 5] = ["installation", "tenant", "key", "tag", "session"];

/// A page of budgets, those first of whose limit the largest part is spent, and how many there are of
/// each kind on all pages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BudgetsHealthBody {
    #[serde(flatten)]
    page: PageBody<BudgetStandingBody>,
    /// Of what was asked for, whatever the status.
    counts: HealthCountsBody,
    thresholds: HealthThresholdsBody,
    /// When the figures were read.
    #[schema(format = DateTime)]
    at: String,
}

/// How many budgets stand how.
#[derive(Debug, Default, Serialize, ToSchema)]
struct HealthCountsBody {
    healthy: u64,
    warning: u64,
    critical: u64,
    exceeded: u64,
}

/// From which part of the limit on, in percent, a budget has which status.
#[derive(Debug, Serialize, ToSchema)]
struct HealthThresholdsBody {
    warning: u8,
    critical: u8,
    exceeded: u8,
}

/// A budget in its present window. A session's own has no id, nor has one of the settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BudgetStandingBody {
    #[schema(required)]
    id: Option<BudgetId>,
    #[schema(value_type = ScopeName, inline)]
    scope: &'static str,
    /// What people call what it limits: nothing for the installation, the path of a tag, the id of a
    /// session that has no name.
    name: String,
    #[schema(required)]
    tenant_id: Option<TenantId>,
    /// The tenant's name.
    #[schema(required)]
    tenant: Option<String>,
    #[schema(required)]
    api_key_id: Option<ApiKeyId>,
    #[schema(required)]
    tag_id: Option<TagId>,
    #[schema(required)]
    session_id: Option<String>,
    #[schema(value_type = PeriodName, inline)]
    period: &'static str,
    /// The models that it counts; all where there are none.
    models: Vec<String>,
    /// The providers that it counts; all where there are none.
    providers: Vec<String>,
    /// Nothing where it counts from the beginning.
    #[schema(required, format = DateTime)]
    window_start: Option<String>,
    /// The first instant after the window: when it starts again at nothing, unless the period is
    /// `custom`. Nothing where it never does.
    #[schema(required, format = DateTime)]
    window_end: Option<String>,
    limit_usd: UsdText,
    spent_usd: UsdText,
    /// What requests under way may still cost.
    held_usd: UsdText,
    /// What neither is spent nor held.
    left_usd: UsdText,
    /// The part of the limit that is spent.
    percent: Percentage,
    /// The part of the limit that is held.
    held_percent: Percentage,
    #[schema(value_type = HealthName, inline)]
    status: &'static str,
    /// Whether it only counts.
    is_shadow: bool,
    /// Where it only counts: how many requests of the window it would have refused, as far as the
    /// replica that answers decided on them and since its start.
    #[schema(required)]
    would_have_refused: Option<u64>,
    /// Nothing where the window has no end, or less than a hundredth of it is over.
    #[schema(required)]
    forecast: Option<ForecastBody>,
}

/// What the window will have come to at its end if it goes on as it went so far: what is spent and held,
/// over the time that is over, times the length of the window, rounded up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ForecastBody {
    usd: UsdText,
    percent: Percentage,
    #[schema(value_type = HealthName, inline)]
    status: &'static str,
}

/// Every budget of the installation, of tenants, keys and tags that is in force now, and the budgets that
/// sessions have for themselves, of those the thousand that were used last.
#[utoipa::path(get, path = "/admin/budget-health", tag = BUDGETS, operation_id = "budgetHealth",
    params(HealthQuery, PageQuery),
    responses((status = 200, body = BudgetsHealthBody), Invalid))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<BudgetsHealthBody>, AdminError> {
    let asked = params.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let tenant = params.id("tenantId")?.map(TenantId);
    let scope = params.one_of("scope", SCOPES, |name| name)?;
    let status = params.one_of("status", Health::ALL, Health::as_str)?;
    let now = state.clock.now();
    let mut found = all(&state, tenant, now).await?;
    found.retain(|budget| scope.is_none_or(|scope| scope == budget.owner.scope));
    let counts = counts(&found);
    found.retain(|budget| status.is_none_or(|status| status == budget.health()));
    found.sort_by_cached_key(|budget| {
        let place = (
            budget.owner.tenant_id,
            budget.id,
            budget.owner.session_id.clone(),
        );
        (Reverse(budget.part_spent()), place)
    });
    Ok(Json(BudgetsHealthBody {
        page: page(asked, found, now),
        counts,
        thresholds: HealthThresholdsBody {
            warning: Health::WARNING_PERCENT,
            critical: Health::CRITICAL_PERCENT,
            exceeded: Health::EXCEEDED_PERCENT,
        },
        at: now.to_string(),
    }))
}

fn counts(found: &[Found]) -> HealthCountsBody {
    let mut counts = HealthCountsBody::default();
    for budget in found {
        let count = match budget.health() {
            Health::Healthy => &mut counts.healthy,
            Health::Warning => &mut counts.warning,
            Health::Critical => &mut counts.critical,
            Health::Exceeded => &mut counts.exceeded,
        };
        *count = count.saturating_add(1);
    }
    counts
}

fn page(asked: PageAsked, found: Vec<Found>, now: UtcMicros) -> PageBody<BudgetStandingBody> {
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let Page { limit, offset } = asked.into();
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = found.into_iter().skip(skipped).take(shown).collect();
    PageBody::new(asked, Listed { rows, total }, |budget| body(budget, now))
}

fn body(found: Found, now: UtcMicros) -> BudgetStandingBody {
    let (limit, balance) = (found.limit, found.balance);
    let used = balance.spent.saturating_add(balance.held);
    let ahead = forecast(used, found.window, now).map(|usd| ForecastBody {
        usd: UsdText(usd),
        percent: Percentage::of_limit(usd, limit),
        status: Health::of(usd, limit).as_str(),
    });
    let bound = |at: UtcMicros, open: UtcMicros| (at != open).then(|| at.to_string());
    BudgetStandingBody {
        id: found.id,
        status: found.health().as_str(),
        scope: found.owner.scope,
        name: found.owner.name,
        tenant_id: found.owner.tenant_id,
        tenant: found.owner.tenant,
        api_key_id: found.owner.key_id,
        tag_id: found.owner.tag_id,
        session_id: found.owner.session_id,
        period: found.period,
        models: found.models,
        providers: found.providers,
        window_start: bound(found.window.start, Window::TOTAL.start),
        window_end: bound(found.window.end, Window::TOTAL.end),
        limit_usd: UsdText(limit),
        spent_usd: UsdText(balance.spent),
        held_usd: UsdText(balance.held),
        left_usd: UsdText(limit.saturating_sub(used).max(Usd::ZERO)),
        percent: Percentage::of_limit(balance.spent, limit),
        held_percent: Percentage::of(balance.held, limit),
        is_shadow: found.is_shadow,
        would_have_refused: found.would_have_refused,
        forecast: ahead,
    }
}
