//! What a worker serves: `/health` and `/metrics`. It has no admin API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admin::error::AdminError;
use crate::admin::health::DATABASE_WAIT_MAX;
use crate::admin::metrics::{check_token, rendered};
use crate::admin::{method_not_allowed, not_found, panicked, with_safe_headers};
use crate::metrics::Metrics;
use crate::metrics::budgets::Budgets;
use crate::queue::Queue;
use crate::recorder::writer::Writer;
use crate::settings::secret::Secret;
use crate::store::Store;

/// What a worker's routes work with. Made by `app.rs`.
#[derive(Debug)]
pub struct WorkerState {
    /// What writes.
    pub writer: Arc<Writer>,
    /// Where it writes.
    pub store: Store,
    /// Where it takes rows from.
    pub queue: Arc<Queue>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// The token that `/metrics` asks for, if it does.
    pub metrics_token: Option<Secret>,
}

#[derive(Debug, Serialize)]
struct HealthBody {
    ok: bool,
    dependencies: Dependencies,
}

#[derive(Debug, Serialize)]
struct Dependencies {
    database: bool,
    redis: bool,
}

/// Every route of a worker.
pub fn worker_router(state: Arc<WorkerState>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(map_response(with_safe_headers))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state)
}

/// A worker that waits for the database or for Redis does what it should, and says so; one that is stuck
/// does not.
async fn health(State(state): State<Arc<WorkerState>>) -> (StatusCode, Json<HealthBody>) {
    let database = timeout(DATABASE_WAIT_MAX, state.store.ping());
    let (database, redis) = tokio::join!(database, state.queue.figures());
    let (database, redis) = (matches!(database, Ok(Ok(()))), redis.is_ok());
    let status = if state.writer.is_moving() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = HealthBody {
        ok: status == StatusCode::OK && database && redis,
        dependencies: Dependencies { database, redis },
    };
    (status, Json(body))
}

async fn metrics(
    State(state): State<Arc<WorkerState>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, AdminError> {
    check_token(&headers, state.metrics_token.as_ref())?;
    Ok(rendered(&state.metrics, &Budgets::default()))
}
