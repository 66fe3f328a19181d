//! Builds the gateway from the settings and from what `app.rs` has put together.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::alerts::settlements::Settlements;
use crate::catalog::Catalog;
use crate::catalog::accounts::AccountOpener;
use crate::catalog::refresh::Reopen;
use crate::domain::window::Clock;
use crate::engine::BudgetEngine;
use crate::gateway::Gateway;
use crate::gateway::authenticate::legacy::LegacyCheck;
use crate::gateway::blocked::BlockedRows;
use crate::gateway::control::ControlPlane;
use crate::gateway::limits::RequestLimits;
use crate::gateway::reply::BudgetWording;
use crate::gateway::routing::Router;
use crate::gateway::server::stop::Stopping;
use crate::gateway::settle::Settler;
use crate::gateway::tries::RetryRules;
use crate::gateway::upstream::Upstreams;
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::policy::installed::InstalledPolicy;
use crate::settings::Settings;
use crate::settings::budgets::Budgets;
use crate::settings::upstream::Upstream;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::keys::KeyUpgrade;
use crate::telemetry::spans::Tracer;

/// What the gateway works with. See the fields of [`Gateway`].
pub struct GatewayParts {
    /// What is known.
    pub catalog: Arc<Catalog>,
    /// Where money is held.
    pub engine: Arc<dyn BudgetEngine>,
    /// Where requests are recorded.
    pub spool: Arc<Spool>,
    /// What counts.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What proves keys.
    pub hasher: KeyHasher,
    /// Whoever stores our own hashes of keys that were known by their bcrypt hashes.
    pub upgrades: mpsc::Sender<KeyUpgrade>,
    /// The operator's rules.
    pub policy: Arc<InstalledPolicy>,
    /// Where unknown accounts are reported.
    pub reopen: Arc<Reopen>,
    /// What opens the accounts of sessions.
    pub accounts: Arc<AccountOpener>,
    /// The ledger, to be read.
    pub ledger: Store,
    /// Where it is noted that budgets were charged.
    pub settlements: Arc<Settlements>,
    /// What providers keep for whom.
    pub objects: Arc<Objects>,
    /// The control plane on this port.
    pub control: ControlPlane,
    /// Set while the gateway stops.
    pub stopping: Stopping,
    /// Where spans go, if anywhere.
    pub tracer: Option<Tracer>,
}

impl Gateway {
    /// Builds a gateway.
    #[expect(clippy::too_many_lines, reason = "a line for each part")]
    pub fn new(settings: &Settings, parts: GatewayParts) -> Self {
        let GatewayParts {
            catalog,
            engine,
            spool,
            metrics,
            clock,
            hasher,
            upgrades,
            policy,
            reopen,
            accounts,
            ledger,
            settlements,
            objects,
            control,
            stopping,
            tracer,
        } = parts;
        Self {
            blocked: blocked_rows(settings, &spool, &metrics),
            settler: Arc::new(Settler {
                engine: Arc::clone(&engine),
                spool,
                metrics: Arc::clone(&metrics),
                settlements,
                objects: Arc::clone(&objects),
                tracer,
            }),
            upstreams: Arc::new(Upstreams::new(settings, Arc::clone(&metrics))),
            router: Router::new(&settings.routing),
            retry_rules: retry_rules(&settings.upstream),
            limits: request_limits(settings),
            on_policy_failure: settings.policy.on_failure,
            unmetered: settings.limits.unmetered_features.clone(),
            wording: wording(&settings.budgets),
            abort_mode: settings.budgets.abort_mode,
            in_flight: Arc::new(AtomicUsize::new(0)),
            stopping,
            transport: None,
            legacy: LegacyCheck::new(hasher.clone(), Arc::clone(&clock), upgrades),
            catalog,
            engine,
            policy,
            hasher,
            clock,
            metrics,
            reopen,
            accounts,
            ledger,
            objects,
            control,
        }
    }

    /// Looks up the providers' addresses once, so that the first request finds them.
    pub async fn resolve_providers(&self) {
        self.upstreams.resolve().await;
    }

    /// Looks them up again every now and then, until told to stop.
    pub fn keep_providers_resolved(
        &self,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let upstreams = Arc::clone(&self.upstreams);
        async move { upstreams.run(stop).await }
    }
}

fn blocked_rows(settings: &Settings, spool: &Arc<Spool>, metrics: &Arc<Metrics>) -> BlockedRows {
    BlockedRows::new(
        Arc::clone(spool),
        Arc::clone(metrics),
        settings.limits.blocked_rows_per_minute,
    )
}

fn wording(budgets: &Budgets) -> BudgetWording {
    BudgetWording {
        status: budgets.denial_status.code(),
        hides_amounts: budgets.hide_amounts,
    }
}

fn retry_rules(upstream: &Upstream) -> RetryRules {
    RetryRules {
        retries_max: upstream.retries_max,
        backoff: Duration::from_millis(upstream.retry_backoff_ms),
        wait_max: Duration::from_millis(upstream.retry_wait_max_ms),
    }
}

fn request_limits(settings: &Settings) -> RequestLimits {
    let limits = &settings.limits;
    RequestLimits {
        body_bytes_max: limits.body_bytes_max,
        body_time_max: Duration::from_secs(limits.body_timeout_s),
        idle_s: limits.idle_timeout_s,
        header_count_max: limits.header_count_max,
        header_bytes_max: limits.header_bytes_max,
        default_requests_per_minute: limits.default_requests_per_minute,
        output_cap_floor: settings.budgets.output_cap_floor_tokens,
    }
}
