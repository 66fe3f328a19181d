//! `/health/detailed`: what `/health` sums up, part by part, for whoever may see the state of the system. It
//! costs as little: providers are known by the requests that were sent to them anyway.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::HEALTH;
use crate::admin::health::{has_database, serves};
use crate::admin::status::{self, QueueBody, SpoolBody, StoreBody, UpstreamBody, VERSION};

/// How this process is, part by part.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct HealthDetailedBody {
    /// Whether it serves and everything that it depends on can be reached.
    ok: bool,
    /// Whether it serves: `/health` answers 200.
    serves: bool,
    /// Whether it is stopping.
    draining: bool,
    version: &'static str,
    #[schema(format = DateTime)]
    started_at: String,
    uptime_seconds: u64,
    stores: Vec<StoreBody>,
    spool: SpoolBody,
    /// Nothing where each gateway writes its own rows, or the queue cannot be reached.
    #[schema(required)]
    queue: Option<QueueBody>,
    providers: Vec<UpstreamBody>,
    policy: PolicyStatusBody,
    /// Requests that hold money.
    reservations_open: usize,
}

/// The installation's rules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyStatusBody {
    /// The SHA-256 of the rules in force.
    hash: String,
    /// Whether their files were changed into something that is no policy: the rules before stay in force.
    reload_failed: bool,
}

/// How this process is: stores, spool, queue, providers and policy, without anything that is secret. It
/// costs nobody anything: no provider is asked. `/health` tells by its status whether the process serves.
#[utoipa::path(get, path = "/health/detailed", tag = HEALTH, operation_id = "healthDetailed",
    responses((status = 200, body = HealthDetailedBody)))]
pub(in crate::admin) async fn show(
    State(state): State<Arc<AdminState>>,
) -> Json<HealthDetailedBody> {
    let (database, queue) = tokio::join!(has_database(&state), status::queue(&state));
    let stores = status::stores(&state, database, queue.is_some());
    let serves = serves(&state, database);
    let now = state.clock.now();
    let started_at = state.options.started_at;
    Json(HealthDetailedBody {
        ok: serves && stores.iter().all(StoreBody::is_reachable),
        serves,
        draining: state.is_draining.load(Ordering::Acquire),
        version: VERSION,
        started_at: started_at.to_string(),
        uptime_seconds: now.since(started_at).as_secs(),
        stores,
        spool: status::spool(&state),
        queue,
        providers: status::providers(&state, now),
        policy: PolicyStatusBody {
            hash: state.whatif.policy.current().engine().hash().to_string(),
            reload_failed: state.metrics.has_policy_reload_failed(),
        },
        reservations_open: state.engine.holds_open(),
    })
}
