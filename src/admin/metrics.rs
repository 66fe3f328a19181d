//! `/metrics`: everything that is counted, in the Prometheus text format.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::IntoResponse;

use crate::admin::AdminState;
use crate::admin::access::is_same;
use crate::admin::document::HEALTH;
use crate::admin::document::schemas::ErrorBody;
use crate::admin::error::AdminError;
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
    look(&state);
    Ok(rendered(&state.metrics))
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
pub(super) fn rendered(metrics: &Metrics) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.render())
}

/// Brings the figures up to date that nobody reports.
fn look(state: &AdminState) {
    let spool = state.spool.status();
    let now = state.clock.now();
    let oldest = spool.oldest_waiting_at.map(|since| now.since(since));
    state.metrics.set_spool(
        count(spool.open),
        count(spool.waiting),
        spool.bytes_on_disk,
        oldest.unwrap_or(Duration::ZERO),
    );
    let holds_open = count(state.engine.holds_open());
    state.metrics.set_reservations_open(holds_open);
    state
        .metrics
        .set_engine_available(state.engine.is_available());
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
