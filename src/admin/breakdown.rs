//! What requests cost by one or two of what they have in common.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::choice::one_of;
use crate::admin::dates::day_of;
use crate::admin::document::USAGE;
use crate::admin::document::parameters::{BreakdownQuery, DaysQuery, TenantQuery};
use crate::admin::document::responses::Invalid;
use crate::admin::document::schemas::{DimensionName, RequestStatus};
use crate::admin::error::AdminError;
use crate::admin::figures::{Percentage, UsdText};
use crate::admin::query::Params;
use crate::domain::id::{ApiKeyId, ModelName, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::window::Window;
use crate::store::breakdown::{Breakdown, DIMENSIONS_MAX, Dimension, Group, Question, Sums};

const GROUPS_DEFAULT: u64 = 1_000;
const GROUPS_MAX: u64 = 10_000;

/// What requests of a time cost by what they have in common.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakdownBody {
    #[schema(value_type = Vec<DimensionName>)]
    by: Vec<&'static str>,
    #[schema(format = DateTime)]
    start: String,
    /// The first instant that does not count; nothing where the time goes on.
    #[schema(required, format = DateTime)]
    end: Option<String>,
    /// The dearest, dearest first; in the order of days where there are days.
    rows: Vec<BreakdownRowBody>,
    /// What is not among the rows because there are too many.
    rest: RestBody,
    /// Rows and rest: the same as the ledger's rows of this time add up to.
    totals: SumsBody,
}

/// Requests that have something in common. What was not asked for is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BreakdownRowBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Date)]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tenant_id: Option<TenantId>,
    /// The tenant's present name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_key_id: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_key_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    api_key_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provider: Option<ProviderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    model: Option<ModelName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<RequestStatus>, inline)]
    status: Option<&'static str>,
    #[serde(flatten)]
    sums: SumsBody,
    /// The part of the whole cost.
    percentage: Percentage,
}

/// What some requests come to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageSumsBody)]
struct SumsBody {
    requests: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: UsdText,
}

/// What is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BreakdownRestBody)]
struct RestBody {
    /// How many rows it would be.
    rows: u64,
    #[serde(flatten)]
    sums: SumsBody,
    /// The part of the whole cost.
    percentage: Percentage,
}

impl From<Sums> for SumsBody {
    fn from(sums: Sums) -> Self {
        Self {
            requests: sums.requests,
            input_tokens: sums.input,
            output_tokens: sums.output,
            cost_usd: UsdText(sums.cost),
        }
    }
}

/// What requests of a time cost by day (UTC), tenant, key, provider, model, route or status, or by two of
/// them. What is spent by tag is told by the tag analytics.
#[utoipa::path(get, path = "/admin/usage/breakdown", tag = USAGE, operation_id = "usageBreakdown",
    params(BreakdownQuery, TenantQuery, DaysQuery),
    responses((status = 200, body = BreakdownBody), Invalid))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<BreakdownBody>, AdminError> {
    let groups_max = params.whole("limit", 1..=GROUPS_MAX)?;
    let groups_max = groups_max.unwrap_or(GROUPS_DEFAULT);
    let groups_max = u32::try_from(groups_max).map_err(|_cause| AdminError::Internal)?;
    let question = Question::by(dimensions(&params)?, groups_max);
    let mut question = question.map_err(|error| AdminError::Invalid(error.to_string()))?;
    question.tenant = params.id("tenantId")?.map(TenantId);
    question.window = params.window(state.clock.now())?;
    let mut found = state.store.breakdown(&question).await?;
    if question.dimensions().contains(&Dimension::Day) {
        // It is stable: the dearest of a day stay first.
        found.groups.sort_by_key(|group| group.day);
    }
    Ok(Json(body(&question, found)))
}

fn dimensions(params: &Params) -> Result<Vec<Dimension>, AdminError> {
    let invalid = |reason: &str| AdminError::Invalid(format!("by {reason}"));
    let mut dimensions = Vec::new();
    for name in params.names("by") {
        let dimension = one_of(Dimension::ALL, Dimension::as_str, name);
        let dimension = dimension.map_err(|reason| invalid(&reason))?;
        if dimensions.contains(&dimension) {
            return Err(invalid("names the same twice"));
        }
        if dimensions.len() == DIMENSIONS_MAX {
            return Err(invalid("must be one or two names"));
        }
        dimensions.push(dimension);
    }
    if dimensions.is_empty() {
        return Err(invalid("must be one or two names"));
    }
    Ok(dimensions)
}

fn body(question: &Question, found: Breakdown) -> BreakdownBody {
    let Breakdown {
        groups,
        groups_total,
        totals,
    } = found;
    let add = |sums: Sums, group: &Group| sums.plus(group.sums);
    let rest = totals.minus(groups.iter().fold(Sums::default(), add));
    let shown = u64::try_from(groups.len()).unwrap_or(u64::MAX);
    let Window { start, end } = question.window;
    BreakdownBody {
        by: question
            .dimensions()
            .iter()
            .map(|dimension| dimension.as_str())
            .collect(),
        start: start.to_string(),
        end: (end != Window::TOTAL.end).then(|| end.to_string()),
        rows: groups
            .into_iter()
            .map(|group| row(group, totals.cost))
            .collect(),
        rest: RestBody {
            rows: groups_total.saturating_sub(shown),
            percentage: Percentage::of(rest.cost, totals.cost),
            sums: rest.into(),
        },
        totals: totals.into(),
    }
}

fn row(group: Group, total: Usd) -> BreakdownRowBody {
    let day = group.day.and_then(|day| day_of(day, &TimeZone::UTC));
    let (tenant_id, tenant) = group.tenant.unzip();
    let key = group.key.map(|key| (key.id, (key.name, key.prefix)));
    let (api_key_id, texts) = key.unzip();
    let (api_key_name, api_key_prefix) = texts.unzip();
    BreakdownRowBody {
        day: day.map(|day| day.to_string()),
        tenant_id,
        tenant,
        api_key_id,
        api_key_name,
        api_key_prefix,
        provider: group.provider,
        model: group.model,
        route: group.route,
        status: group.status.map(Status::as_str),
        percentage: Percentage::of(group.sums.cost, total),
        sums: group.sums.into(),
    }
}
