//! How the installation is: what this process depends on and what it was told, as far as it knows without
//! asking anybody who bills for it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::HEALTH;
use crate::admin::document::schemas::{ProviderState, SettingSource, StoreKind, StoreRole};
use crate::admin::error::AdminError;
use crate::admin::health::DATABASE_WAIT_MAX;
use crate::domain::id::ProviderName;
use crate::domain::window::UtcMicros;
use crate::metrics::upstreams::UpstreamState;
use crate::settings::shown::Shown;
use crate::store::writers::WriterRecord;

/// The most writers of the ledger that are told of.
const REPLICAS_MAX: u32 = 100;
/// How long the queue may take to answer.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(2);
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the installation is, as the replica that answers knows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstallationStatusBody {
    /// Whether everything that this replica depends on can be reached.
    healthy: bool,
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
    /// Who writes the ledger, or did, those that wrote last first; at most a hundred.
    replicas: Vec<ReplicaBody>,
    /// What was set, as this replica read it at its start.
    settings: Vec<SettingBody>,
}

/// Where something is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreStatusBody)]
pub(super) struct StoreBody {
    #[schema(value_type = StoreRole, inline)]
    role: &'static str,
    #[schema(value_type = StoreKind, inline)]
    kind: &'static str,
    reachable: bool,
}

/// What is on its way to the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpoolStatusBody)]
pub(super) struct SpoolBody {
    /// Requests under way.
    open: usize,
    /// Rows that are not in the ledger yet.
    waiting: usize,
    bytes: u64,
    /// When the row ended that waits longest.
    #[schema(required, format = DateTime)]
    oldest_waiting_at: Option<String>,
    /// Whether requests are still taken.
    has_room: bool,
}

/// What gateways put into the queue and workers have not written yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueStatusBody)]
pub(super) struct QueueBody {
    entries: u64,
    /// Those of them that a worker has taken.
    pending: u64,
    /// How long the oldest has waited.
    lag_ms: u64,
    /// Entries that cannot be written.
    dead: u64,
}

/// A provider, by how requests went since the start of the replica.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpstreamStatusBody)]
pub(super) struct UpstreamBody {
    name: ProviderName,
    /// Whether the installation has a key for it.
    configured: bool,
    /// `reachable` or `failing` by the last request, `left_alone` while it is spared after many
    /// failures, `unknown` before the first request.
    #[schema(value_type = ProviderState, inline)]
    state: &'static str,
    #[schema(required, format = DateTime)]
    last_answer_at: Option<String>,
    #[schema(required, format = DateTime)]
    last_failure_at: Option<String>,
}

/// A writer of the ledger: a gateway, a worker, or a command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReplicaBody {
    id: String,
    name: String,
    rows: u64,
    /// When its last row was admitted; nothing where that row has left the ledger.
    #[schema(required, format = DateTime)]
    last_row_at: Option<String>,
}

/// A setting. What is secret shows only whether it is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SettingBody {
    key: String,
    /// Nothing where it is not set.
    #[schema(required)]
    value: Option<String>,
    #[schema(value_type = SettingSource, inline)]
    source: &'static str,
    is_secret: bool,
}

/// How the installation is: stores, spool, queue, providers, replicas and settings. It costs nobody
/// anything: no provider is asked.
#[utoipa::path(get, path = "/admin/status", tag = HEALTH, operation_id = "installationStatus",
    responses((status = 200, body = InstallationStatusBody)))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
) -> Result<Json<InstallationStatusBody>, AdminError> {
    let (database, queue) = tokio::join!(
        timeout(DATABASE_WAIT_MAX, state.store.writers(REPLICAS_MAX)),
        queue(&state)
    );
    let writers = database.ok().and_then(Result::ok);
    let stores = stores(&state, writers.is_some(), queue.is_some());
    let now = state.clock.now();
    Ok(Json(InstallationStatusBody {
        healthy: stores.iter().all(|store| store.reachable) && state.spool.has_room(),
        version: VERSION,
        started_at: state.options.started_at.to_string(),
        uptime_seconds: now.since(state.options.started_at).as_secs(),
        stores,
        spool: spool(&state),
        queue,
        providers: providers(&state, now),
        replicas: writers
            .unwrap_or_default()
            .into_iter()
            .map(ReplicaBody::from)
            .collect(),
        settings: state
            .options
            .settings
            .iter()
            .map(SettingBody::from)
            .collect(),
    }))
}

impl StoreBody {
    pub(super) fn is_reachable(&self) -> bool {
        self.reachable
    }
}

pub(super) fn stores(state: &AdminState, database: bool, queue: bool) -> Vec<StoreBody> {
    let ledger = StoreBody {
        role: "ledger",
        kind: state.store.kind(),
        reachable: database,
    };
    let budgets = StoreBody {
        role: "budgets",
        kind: if state.engine.is_shared() {
            "redis"
        } else {
            "memory"
        },
        reachable: state.engine.is_available(),
    };
    let shared = state.queue.is_some().then_some(StoreBody {
        role: "queue",
        kind: "redis",
        reachable: queue,
    });
    [ledger, budgets].into_iter().chain(shared).collect()
}

pub(super) fn spool(state: &AdminState) -> SpoolBody {
    let status = state.spool.status();
    SpoolBody {
        open: status.open,
        waiting: status.waiting,
        bytes: status.bytes_on_disk,
        oldest_waiting_at: status.oldest_waiting_at.map(|at| at.to_string()),
        has_room: state.spool.has_room(),
    }
}

pub(super) async fn queue(state: &AdminState) -> Option<QueueBody> {
    let asked = timeout(QUEUE_WAIT_MAX, state.queue.as_ref()?.figures());
    let figures = asked.await.ok()?.ok()?;
    Some(QueueBody {
        entries: figures.entries,
        pending: figures.pending,
        lag_ms: u64::try_from(figures.oldest.as_millis()).unwrap_or(u64::MAX),
        dead: figures.dead,
    })
}

pub(super) fn providers(state: &AdminState, now: UtcMicros) -> Vec<UpstreamBody> {
    let seen = state.metrics.upstreams_seen(now).into_iter();
    let bodies = seen.map(|seen| UpstreamBody {
        name: seen.name,
        configured: seen.is_configured,
        state: match seen.state {
            UpstreamState::Unknown => "unknown",
            UpstreamState::Reachable => "reachable",
            UpstreamState::Failing => "failing",
            UpstreamState::LeftAlone => "left_alone",
        },
        last_answer_at: seen.answered_at.map(|at| at.to_string()),
        last_failure_at: seen.failed_at.map(|at| at.to_string()),
    });
    bodies.collect()
}

impl From<WriterRecord> for ReplicaBody {
    fn from(writer: WriterRecord) -> Self {
        Self {
            id: writer.id.to_string(),
            name: writer.name,
            rows: writer.rows,
            last_row_at: writer.last_row_at.map(|at| at.to_string()),
        }
    }
}

impl From<&Shown> for SettingBody {
    fn from(shown: &Shown) -> Self {
        Self {
            key: shown.key.clone(),
            value: shown.value.clone(),
            source: shown.source.as_str(),
            is_secret: shown.is_secret,
        }
    }
}
