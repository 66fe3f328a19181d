//! `/metrics`: everything that is counted, in the Prometheus text format.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;
use jiff::tz::TimeZone;
use prometheus::proto::MetricFamily;

use crate::admin::AdminState;
use crate::admin::access::is_same;
use crate::admin::document::HEALTH;
use crate::admin::document::schemas::ErrorBody;
use crate::admin::error::AdminError;
use crate::admin::standing::live;
use crate::catalog::{BudgetEntry, TenantEntry};
use crate::domain::window::{UtcMicros, Window};
use crate::metrics::budgets::{BudgetStanding, Budgets};
use crate::metrics::{self, Metrics};
use crate::settings::secret::Secret;

const BEARER: &[u8] = b"Bearer ";

/// Everything that is counted, in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = HEALTH, operation_id = "metrics", security((), ("bearer" = [])),
    responses((status = 200, body = String, content_type = metrics::CONTENT_TYPE),
        (status = 401, body = ErrorBody, description = "The token of the settings is asked for.")))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, AdminError> {
    check_token(&headers, state.options.metrics_token.as_ref())?;
    let budgets = look(&state, state.options.budget_series_max).await;
    Ok(rendered(&state.metrics, &budgets))
}

/// Everything that is counted now, for those who send it somewhere.
pub async fn gathered(state: &AdminState) -> Vec<MetricFamily> {
    let budgets = look(state, state.options.budget_series_sent_max).await;
    state.metrics.gather(&budgets)
}

/// Lets those in who have the token, if there is one.
pub(super) fn check_token(headers: &HeaderMap, token: Option<&Secret>) -> Result<(), AdminError> {
    if let Some(token) = token {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let given = given.and_then(|value| value.strip_prefix(BEARER));
        if !given.is_some_and(|given| is_same(given, token)) {
            return Err(AdminError::Unauthorized);
        }
    }
    Ok(())
}

/// Everything that is counted, as an answer.
pub(super) fn rendered(metrics: &Metrics, budgets: &Budgets) -> impl IntoResponse + use<> {
    let text = metrics.render(budgets);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text)
}

/// Brings the figures up to date that nobody reports, and finds out how budgets stand.
async fn look(state: &AdminState, budgets_max: usize) -> Budgets {
    let spool = state.spool.status();
    let now = state.clock.now();
    let oldest = spool.oldest_waiting_at.map(|since| now.since(since));
    state.metrics.set_spool(
        count(spool.open),
        count(spool.waiting),
        spool.bytes_on_disk,
        oldest.unwrap_or(Duration::ZERO),
    );
    let arrived = state.engine.oldest_hold().map(|request| request.millis());
    let arrived = arrived.map(|millis| UtcMicros::new(millis.saturating_mul(1_000)));
    let oldest = arrived.map_or(Duration::ZERO, |at| now.since(at));
    let holds_open = count(state.engine.holds_open());
    state.metrics.set_reservations(holds_open, oldest);
    let left_behind = state.engine.holds_left_behind();
    state.metrics.set_reservations_leaked(left_behind);
    state
        .metrics
        .set_engine_available(state.engine.is_available());
    standings(state, now, budgets_max).await
}

/// The first so many budgets with what they stand at. Those whose account is not open yet are left out:
/// nothing is admitted on them, and a scrape asks no ledger.
async fn standings(state: &AdminState, now: UtcMicros, budgets_max: usize) -> Budgets {
    let mut budgets = Budgets::default();
    let mut left = budgets_max;
    if left == 0 {
        return budgets;
    }
    let snapshot = Arc::clone(&state.catalog.snapshot());
    let mut tenants: Vec<&Arc<TenantEntry>> = snapshot.tenants.values().collect();
    tenants.retain(|entry| !entry.tenant.is_closed && entry.budgets().next().is_some());
    tenants.sort_by_key(|entry| entry.tenant.id);
    let utc = TimeZone::UTC;
    let own = std::iter::once(None).chain(tenants.into_iter().map(Some));
    for tenant in own {
        let entries: Vec<&BudgetEntry> = match tenant {
            None => snapshot.installation().collect(),
            Some(entry) => entry.budgets().collect(),
        };
        let shown = entries.len().min(left);
        budgets.others = budgets.others.saturating_add(entries.len() - shown);
        left -= shown;
        if shown == 0 {
            continue;
        }
        let id = tenant.map(|entry| entry.tenant.id);
        let live = live(state, id, now).await;
        let zone = tenant.map_or(&utc, |entry| &entry.tenant.time_zone);
        let name: Arc<str> = tenant.map_or("", |entry| &entry.tenant.name).into();
        let entries = entries.into_iter().take(shown);
        budgets.standings.extend(entries.filter_map(|entry| {
            let budget = &entry.budget;
            let window = budget.period.window_at(now, zone)?;
            Some(BudgetStanding {
                tenant: Arc::clone(&name),
                scope: budget.coverage.scope.kind(),
                period: budget.period.name(),
                budget: budget.is_kept().then_some(budget.id),
                limit: budget.limit,
                balance: *live.get(&budget.id)?,
                resets_at: (window.end != Window::TOTAL.end).then_some(window.end),
            })
        }));
    }
    budgets
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
