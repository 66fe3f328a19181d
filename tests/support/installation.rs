//! A whole installation without its network: embedded database, spool, engine, catalog, and the admin
//! API on top, with a clock that stands still.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use budgetguard::admin::{AdminOptions, AdminState, Proxies, router};
use budgetguard::domain::window::{Clock, ManualClock, Period, UtcMicros};
use budgetguard::engine::BudgetEngine;
use budgetguard::engine::local::LocalEngine;
use budgetguard::keys::KeyHasher;
use budgetguard::metrics::Metrics;
use budgetguard::metrics::calls::TenantLabel;
use budgetguard::objects::client::ProviderClient;
use budgetguard::policy::installed::InstalledPolicy;
use budgetguard::policy::trials::Trials;
use budgetguard::settings::secret::Secret;
use budgetguard::settings::{Settings, Source};
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::whatif::{Bounds, WhatIf};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::refresher::{refresher, spool};
use rustls::RootCertStore;

pub(crate) const ADMIN_KEY: &str = "the admin key of the tests";
/// Thursday 2026-01-15 12:00:00 UTC.
pub(crate) const NOW: UtcMicros = UtcMicros::new(1_768_478_400_000_000);

pub(crate) struct Installation {
    pub(crate) state: Arc<AdminState>,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) driver: Arc<dyn Driver>,
    _folder: Option<TempDir>,
}

/// What an admin route answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

impl Installation {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: AdminOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("budgetguard.db");
        let driver = Arc::new(Sqlite::open(&file).await.unwrap());
        Self::over(driver, folder, options).await
    }

    /// On a database of the test's own.
    pub(crate) async fn on(driver: Arc<dyn Driver>, options: AdminOptions) -> Self {
        Self::over(driver, tempfile::tempdir().unwrap(), options).await
    }

    async fn over(driver: Arc<dyn Driver>, folder: TempDir, options: AdminOptions) -> Self {
        let store = Store::new(Arc::clone(&driver));
        store.migrate().await.unwrap();
        let spool = Arc::new(spool(folder.path()));
        let metrics = Arc::new(Metrics::new(TenantLabel::default()).unwrap());
        let manual = Arc::new(ManualClock::at(NOW));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&manual);
        let engine: Arc<dyn BudgetEngine> = Arc::new(LocalEngine::default());
        let refresher = refresher(&store, &spool, &engine, &clock);
        refresher.refresh().await.unwrap();
        let whatif = Arc::new(WhatIf {
            store: store.clone(),
            catalog: Arc::clone(&refresher.catalog),
            defaults: Arc::clone(&refresher.defaults),
            policy: Arc::new(InstalledPolicy::load(None).unwrap()),
            default_requests_per_minute: 0,
            new_engine: || Arc::new(LocalEngine::default()),
            bounds: Bounds::default(),
            turn: WhatIf::one_at_a_time(),
        });
        let state = Arc::new(AdminState {
            whatif,
            store,
            catalog: Arc::clone(&refresher.catalog),
            refresher: Arc::new(refresher),
            engine,
            spool,
            metrics,
            hasher: KeyHasher::new(b"the pepper of the tests").unwrap(),
            clock,
            providers: provider_client(&[]),
            queue: None,
            webhook: None,
            trials: Trials::default(),
            is_draining: Arc::default(),
            options,
        });
        Self {
            router: router(Arc::clone(&state)),
            state,
            clock: manual,
            driver,
            _folder: Some(folder),
        }
    }

    /// The same installation with another part; it lives as long as this one.
    pub(crate) fn with_part(&self, exchange: impl FnOnce(&mut AdminState)) -> Self {
        let mut state = AdminState {
            store: self.state.store.clone(),
            refresher: Arc::clone(&self.state.refresher),
            catalog: Arc::clone(&self.state.catalog),
            engine: Arc::clone(&self.state.engine),
            spool: Arc::clone(&self.state.spool),
            metrics: Arc::clone(&self.state.metrics),
            hasher: self.state.hasher.clone(),
            clock: Arc::clone(&self.state.clock),
            providers: Arc::clone(&self.state.providers),
            queue: self.state.queue.clone(),
            webhook: self.state.webhook.clone(),
            whatif: Arc::clone(&self.state.whatif),
            trials: Trials::default(),
            is_draining: Arc::clone(&self.state.is_draining),
            options: self.state.options.clone(),
        };
        exchange(&mut state);
        let state = Arc::new(state);
        Self {
            router: router(Arc::clone(&state)),
            state,
            clock: Arc::clone(&self.clock),
            driver: Arc::clone(&self.driver),
            _folder: None,
        }
    }

    /// Calls a route with the admin key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        self.send(method, path, Some(("x-admin-key", ADMIN_KEY)), body)
            .await
    }

    /// Asks a route that must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, Body::empty()).await
    }

    /// Creates by a route that must succeed.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.ok("POST", path, body.to_string().into()).await
    }

    /// Changes by a route that must succeed.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        self.ok("PUT", path, body.to_string().into()).await
    }

    /// Deletes by a route that must succeed.
    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.ok("DELETE", path, Body::empty()).await
    }

    async fn ok(&self, method: &str, path: &str, body: Body) -> Value {
        let answer = self.call(method, path, body).await;
        let (status, text) = (answer.status, &answer.text);
        assert_eq!(status, StatusCode::OK, "{method} {path}: {text}");
        answer.json()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        header: Option<(&str, &str)>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

pub(crate) fn options() -> AdminOptions {
    AdminOptions {
        admin_key: Some(Secret::new(ADMIN_KEY)),
        trusted_proxies: Proxies::default(),
        metrics_token: None,
        budget_series_max: 0,
        budget_series_sent_max: 0,
        default_requests_per_minute: 100,
        usage_periods: vec![Period::Daily, Period::Monthly],
        providers_configured: 2,
        started_at: NOW,
        settings: Arc::default(),
        store_is_embedded: true,
    }
}

/// Who asks the providers that these environment variables name.
pub(crate) fn provider_client(environment: &[(&str, &str)]) -> Arc<ProviderClient> {
    let named = environment.iter();
    let named = named.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Settings::load(&Source {
        config: None,
        environment: named.collect(),
        working_dir: "/nonexistent".into(),
    });
    let settings = settings.unwrap();
    let (providers, upstream) = (&settings.providers, &settings.upstream);
    Arc::new(ProviderClient::new(providers, upstream, RootCertStore::empty()).unwrap())
}
