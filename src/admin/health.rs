//! `/health`: whether this process can serve. Costs nobody anything: no provider is asked.

pub(super) mod detailed;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::HEALTH;

/// How long the database may take to answer.
pub(super) const DATABASE_WAIT_MAX: Duration = Duration::from_secs(2);

/// What the process depends on. `ok` with a database that is away would be untrue, even while a
/// gateway serves from what it knows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthBody {
    ok: bool,
    dependencies: Dependencies,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dependencies {
    database: bool,
    redis: bool,
    providers: Providers,
}

#[derive(Debug, Serialize, ToSchema)]
struct Providers {
    configured: usize,
    healthy: usize,
}

/// Whether this process can serve. It costs nobody anything: no provider is asked.
#[utoipa::path(get, path = "/health", tag = HEALTH, operation_id = "health", security(()),
    responses((status = 200, body = HealthBody), (status = 503, body = HealthBody)))]
pub(super) async fn show(State(state): State<Arc<AdminState>>) -> (StatusCode, Json<HealthBody>) {
    let database = has_database(&state).await;
    let serves = serves(&state, database);
    let status = if serves {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let configured = state.options.providers_configured;
    let body = HealthBody {
        ok: serves && database && state.engine.is_available(),
        dependencies: Dependencies {
            database,
            redis: state.engine.is_available(),
            providers: Providers {
                configured,
                healthy: configured,
            },
        },
    };
    (status, Json(body))
}

async fn has_database(state: &AdminState) -> bool {
    let ping = timeout(DATABASE_WAIT_MAX, state.store.ping()).await;
    matches!(ping, Ok(Ok(())))
}

/// Whether a request that comes now can be served. One that stops takes no more of them, and without room
/// in the spool every one is refused. A database of its own that is away is like a lost disk; one that
/// replicas share is not: they serve from what they know.
fn serves(state: &AdminState, database: bool) -> bool {
    // The first state of a store has the version 1: at 0 nothing was ever loaded.
    let has_loaded = state.catalog.snapshot().version > 0;
    let has_records = database || !state.options.store_is_embedded;
    let is_draining = state.is_draining.load(Ordering::Acquire);
    has_loaded && has_records && !is_draining && state.spool.has_room()
}
