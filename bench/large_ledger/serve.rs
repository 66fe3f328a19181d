//! The admin API on a store, with the budgets' accounts opened as at a start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use budgetguard::admin::{AdminOptions, AdminState, Proxies, router};
use budgetguard::catalog::Catalog;
use budgetguard::catalog::accounts::AccountOpener;
use budgetguard::catalog::refresh::{DefaultBudgets, Refresher};
use budgetguard::domain::budget::Budget;
use budgetguard::domain::tenant::Tenant;
use budgetguard::domain::window::{Clock, Period, SystemClock};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::keys::KeyHasher;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::objects::client::ProviderClient;
use budgetguard::policy::installed::InstalledPolicy;
use budgetguard::policy::trials::Trials;
use budgetguard::recorder::{Batching, Recorder};
use budgetguard::settings::secret::Secret;
use budgetguard::settings::{Settings, Source};
use budgetguard::spool::{Spool, SpoolOptions, SyncPolicy};
use budgetguard::store::Store;
use budgetguard::whatif::{Bounds, WhatIf};
use rustls::RootCertStore;
use tokio::sync::Mutex;

use crate::made::TENANTS;
use crate::{Outcome, say};

pub(crate) const ADMIN_KEY: &str = "the admin key of the benchmark";

#[derive(Debug)]
struct NoDefaults;

impl DefaultBudgets for NoDefaults {
    fn budgets(&self, _tenant: &Tenant, _own: &[Budget]) -> Vec<Budget> {
        Vec::new()
    }
}

/// All of its routes.
pub(crate) async fn admin(store: &Store, folder: &Path) -> Outcome<Router> {
    let spool = Arc::new(Spool::open(SpoolOptions {
        folder: folder.join("spool"),
        sync: SyncPolicy::Os,
        entries_max: 1_000,
    })?);
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
    let refresher = refresher(store, (&spool, &engine, &metrics));
    let started = Instant::now();
    refresher.refresh().await?;
    let took = started.elapsed();
    say(&format!("budgets of {TENANTS} tenants counted in {took:?}"));
    Ok(router(Arc::new(AdminState {
        store: store.clone(),
        catalog: Arc::clone(&refresher.catalog),
        whatif: Arc::new(whatif(store, &refresher)?),
        refresher: Arc::new(refresher),
        engine,
        spool,
        metrics,
        hasher: KeyHasher::new(b"the pepper of the benchmark")?,
        clock: Arc::new(SystemClock),
        providers: Arc::new(providers()?),
        queue: None,
        webhook: None,
        trials: Trials::default(),
        is_draining: Arc::default(),
        options: options(),
    })))
}

fn refresher(
    store: &Store,
    (spool, engine, metrics): (&Arc<Spool>, &Arc<dyn BudgetEngine>, &Arc<Metrics>),
) -> Refresher {
    let batching = Batching {
        rows_max: 100,
        interval: Duration::ZERO,
    };
    let recorder = Recorder::new(
        store.clone(),
        Arc::clone(spool),
        Arc::clone(engine),
        Arc::clone(metrics),
        batching,
    );
    let accounts = AccountOpener::new(
        store.clone(),
        Arc::clone(engine),
        Arc::clone(spool),
        Arc::new(recorder),
    );
    Refresher {
        store: store.clone(),
        catalog: Arc::new(Catalog::default()),
        accounts: Arc::new(accounts),
        clock: Arc::new(SystemClock),
        defaults: Arc::new(NoDefaults),
        turn: Mutex::default(),
        check_interval: Duration::from_secs(1),
        reopen: Arc::default(),
    }
}

fn whatif(store: &Store, refresher: &Refresher) -> Outcome<WhatIf> {
    Ok(WhatIf {
        store: store.clone(),
        catalog: Arc::clone(&refresher.catalog),
        defaults: Arc::clone(&refresher.defaults),
        policy: Arc::new(InstalledPolicy::load(None)?),
        default_requests_per_minute: 0,
        new_engine: || Arc::new(LocalEngine::default()),
        bounds: Bounds::default(),
        turn: WhatIf::one_at_a_time(),
    })
}

fn providers() -> Outcome<ProviderClient> {
    let settings = Settings::load(&Source {
        config: None,
        environment: BTreeMap::new(),
        working_dir: "/nonexistent".into(),
    })?;
    let client = ProviderClient::new(
        &settings.providers,
        &settings.upstream,
        RootCertStore::empty(),
    )?;
    Ok(client)
}

fn options() -> AdminOptions {
    AdminOptions {
        admin_key: Some(Secret::new(ADMIN_KEY)),
        trusted_proxies: Proxies::default(),
        metrics_token: None,
        budget_series_max: 0,
        budget_series_sent_max: 0,
        default_requests_per_minute: 100,
        usage_periods: vec![
            Period::Hourly,
            Period::Daily,
            Period::Weekly,
            Period::Monthly,
            Period::Total,
        ],
        providers_configured: 3,
        started_at: SystemClock.now(),
        settings: Arc::default(),
        store_is_embedded: false,
    }
}
