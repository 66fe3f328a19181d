//! The admin API: on the gateway's own address, or on one of its own with only `/health` left there.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{self, AdminOptions, AdminState, Proxies};
use crate::app::{Core, FirstRun, defaults};
use crate::domain::window::UtcMicros;
use crate::engine::local::LocalEngine;
use crate::metrics::calls::TenantLabel;
use crate::objects::client::ProviderClient;
use crate::policy::installed::InstalledPolicy;
use crate::policy::trials::Trials;
use crate::settings::Settings;
use crate::settings::upstream::Providers;
use crate::whatif::{Bounds, WhatIf};

/// Where the control plane is served.
pub(super) struct Control {
    /// What the gateway serves beside its requests.
    pub(super) beside_gateway: Router,
    /// What it works with.
    pub(super) state: Arc<AdminState>,
    /// What has an address of its own.
    pub(super) apart: Option<Apart>,
}

/// The admin API on an address of its own, not served yet.
pub(super) struct Apart {
    listener: TcpListener,
    router: Router,
}

impl Control {
    pub(super) async fn build(
        settings: &Settings,
        core: &Core,
        (first_run, policy): (&FirstRun, &Arc<InstalledPolicy>),
        providers: Arc<ProviderClient>,
    ) -> Result<Self> {
        let state = Arc::new(AdminState {
            store: core.store.clone(),
            refresher: Arc::clone(&core.refresher),
            catalog: Arc::clone(&core.catalog),
            engine: Arc::clone(&core.engine),
            spool: Arc::clone(&core.spool),
            metrics: Arc::clone(&core.metrics),
            hasher: core.hasher.clone(),
            clock: Arc::clone(&core.clock),
            providers,
            queue: core.queue.clone(),
            webhook: core.webhook.clone(),
            whatif: Arc::new(whatif(settings, core, policy)),
            trials: Trials::default(),
            is_draining: Arc::clone(&core.stopping.is_draining),
            options: admin_options(settings, first_run, core.clock.now()),
        });
        let router = admin::router(Arc::clone(&state));
        let Some(address) = &settings.server.admin_listen else {
            return Ok(Self {
                beside_gateway: router,
                state,
                apart: None,
            });
        };
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("could not listen on {address}"))?;
        Ok(Self {
            beside_gateway: admin::health_router(Arc::clone(&state)),
            state,
            apart: Some(Apart { listener, router }),
        })
    }
}

impl Apart {
    #[expect(clippy::disallowed_methods, reason = "started and awaited by app.rs")]
    pub(super) fn start(self, stopped: watch::Receiver<bool>) -> JoinHandle<()> {
        tokio::spawn(async move {
            if let Err(error) = admin::apart::serve(self.listener, self.router, stopped).await {
                tracing::error!(%error, "the admin API stopped");
            }
        })
    }
}

fn whatif(settings: &Settings, core: &Core, policy: &Arc<InstalledPolicy>) -> WhatIf {
    WhatIf {
        store: core.store.clone(),
        catalog: Arc::clone(&core.catalog),
        defaults: Arc::clone(&core.refresher.defaults),
        policy: Arc::clone(policy),
        default_requests_per_minute: settings.limits.default_requests_per_minute,
        new_engine: || Arc::new(LocalEngine::default()),
        bounds: Bounds::default(),
        turn: WhatIf::one_at_a_time(),
    }
}

/// Whether tenants have series of their own.
pub(super) fn tenant_label(settings: &Settings) -> TenantLabel {
    if settings.telemetry.tenant_series {
        TenantLabel::Shown
    } else {
        TenantLabel::Hidden
    }
}

/// Figures of tenants are shown only to those who were given a token for them.
fn budget_series_max(settings: &Settings) -> usize {
    if settings.admin.metrics_token.is_some() {
        settings.telemetry.budget_series_max
    } else {
        0
    }
}

fn admin_options(settings: &Settings, first_run: &FirstRun, now: UtcMicros) -> AdminOptions {
    let Providers {
        openai,
        anthropic,
        google,
    } = &settings.providers;
    let configured = [openai, anthropic, google]
        .into_iter()
        .filter(|it| !it.keys.is_empty());
    AdminOptions {
        admin_key: Some(first_run.admin_key.clone()),
        trusted_proxies: Proxies::new(&settings.server.trusted_proxies),
        metrics_token: settings.admin.metrics_token.clone(),
        budget_series_max: budget_series_max(settings),
        budget_series_sent_max: settings.telemetry.budget_series_max,
        default_requests_per_minute: settings.limits.default_requests_per_minute,
        usage_periods: defaults::periods(&settings.budgets),
        providers_configured: configured.count(),
        started_at: now,
        settings: settings.shown.clone().into(),
        store_is_embedded: settings.stores.database_url.is_none(),
    }
}
