//! The admin API, `/health` and `/metrics`: a table of routes, and what every route has in common.
//!
//! Access is checked before anything is read. A change is in force when its answer is sent. Every
//! error is `{"error": ".."}`; nothing internal is in it.

mod access;
mod choice;
mod dates;
mod document;
mod error;
mod fields;
mod figures;
mod path;
mod query;
mod stamp;
mod standing;

mod alerts;
mod audit;
mod breakdown;
mod budget_health;
mod budgets;
mod dashboard;
mod docs;
mod health;
mod keys;
mod ledger;
mod ledger_export;
mod login;
mod metrics;
mod policy_bundles;
mod prices;
mod providers;
mod ratelimits;
mod sessions;
mod status;
mod tag_analytics;
mod tag_budgets;
mod tagging;
mod tags;
mod tenants;
mod usage;
mod users;
mod whatif;

pub mod apart;
pub mod worker;

pub use crate::admin::metrics::gathered;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::access::Access;
pub use crate::admin::access::Proxies;
use crate::admin::docs::Written;
use crate::admin::error::AdminError;
use crate::alerts::webhook::Webhook;
use crate::catalog::Catalog;
use crate::catalog::refresh::Refresher;
use crate::domain::id::TenantId;
use crate::domain::window::{Clock, Period, UtcMicros};
use crate::engine::BudgetEngine;
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::objects::client::ProviderClient;
use crate::policy::trials::Trials;
use crate::queue::Queue;
use crate::settings::secret::Secret;
use crate::settings::shown::Shown;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::tenants::TenantRecord;
use crate::whatif::WhatIf;

/// Largest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What the admin API works with. Made by `app.rs`.
#[derive(Debug)]
pub struct AdminState {
    /// Where changes are made and the ledger is read.
    pub store: Store,
    /// Puts a change in force before it is answered.
    pub refresher: Arc<Refresher>,
    /// Which budgets are in force.
    pub catalog: Arc<Catalog>,
    /// What they stand at.
    pub engine: Arc<dyn BudgetEngine>,
    /// What waits for the ledger.
    pub spool: Arc<Spool>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Makes keys.
    pub hasher: KeyHasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Asks providers on the installation's behalf.
    pub providers: Arc<ProviderClient>,
    /// By which rows come into the ledger, if others write them.
    pub queue: Option<Arc<Queue>>,
    /// Where alerts are sent, if anywhere.
    pub webhook: Option<Arc<Webhook>>,
    /// What would have been.
    pub whatif: Arc<WhatIf>,
    /// Where rules that somebody sent are compiled and tried.
    pub trials: Trials,
    /// Set while the gateway stops: it takes nothing more then.
    pub is_draining: Arc<AtomicBool>,
    /// What the settings say.
    pub options: AdminOptions,
}

/// What the settings say to the admin API.
#[derive(Clone, Debug)]
pub struct AdminOptions {
    /// The key that every admin route asks for; without one they all refuse.
    pub admin_key: Option<Secret>,
    /// The proxies in front of us that say who their clients are.
    pub trusted_proxies: Proxies,
    /// The token that `/metrics` asks for, if it does.
    pub metrics_token: Option<Secret>,
    /// How many budgets have series of their own in `/metrics`.
    pub budget_series_max: usize,
    /// How many have some in what is sent to a collector.
    pub budget_series_sent_max: usize,
    /// The requests a minute that a new tenant gets; 0 is unlimited.
    pub default_requests_per_minute: u32,
    /// The periods that `/admin/tenant/:id/usage` tells, as the settings name them. A custom period
    /// without dates is left out.
    pub usage_periods: Vec<Period>,
    /// How many providers have a key.
    pub providers_configured: usize,
    /// When this process began.
    pub started_at: UtcMicros,
    /// What was set.
    pub settings: Arc<[Shown]>,
    /// Whether the database is a part of this process: then it cannot serve without it.
    pub store_is_embedded: bool,
}

/// Every route. Give it to a server, or call it as a service.
pub fn router(state: Arc<AdminState>) -> Router {
    let access = Arc::new(Access::new(&state));
    let (admin, of_admin) = admin_routes().split_for_parts();
    let admin = admin
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(Arc::clone(&access)))
        .layer(from_fn_with_state(access, access::require));
    let (open, mut document) = open_routes().split_for_parts();
    document.merge(document::guarded(of_admin));
    let document = Arc::new(Written::new(&document::finished(document)));
    open.merge(docs::page())
        .merge(dashboard::routes())
        .layer(Extension(document))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(admin)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(with_safe_headers))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state)
}

/// What nobody has to show the admin key for.
fn open_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::with_openapi(document::begun())
        .routes(routes!(health::show))
        .routes(routes!(metrics::show))
        .merge(docs::routes())
}

fn admin_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .merge(tenant_routes())
        .merge(budget_routes())
        .merge(key_routes())
        .merge(usage_routes())
        .merge(price_routes())
        .merge(provider_routes())
        .merge(tag_routes())
        .merge(tagging_routes())
        .merge(policy_routes())
        .merge(session_routes())
        .merge(alert_routes())
        .merge(access_routes())
}

fn access_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(login::begin, login::show, login::end))
        .routes(routes!(login::set_password))
        .routes(routes!(users::create, users::list))
        .routes(routes!(users::show, users::update, users::deactivate))
        .routes(routes!(audit::list))
}

fn tenant_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(tenants::create, tenants::list))
        .routes(routes!(tenants::show, tenants::update, tenants::close))
        .routes(routes!(ratelimits::show, ratelimits::set))
        .routes(routes!(ratelimits::show_of_key, ratelimits::set_of_key))
}

fn budget_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(
            budgets::set_of_installation,
            budgets::list_of_installation
        ))
        .routes(routes!(budgets::set_of_tenant, budgets::list_of_tenant))
        .routes(routes!(budgets::set_of_key, budgets::list_of_key))
        .routes(routes!(budgets::update, budgets::remove))
        .routes(routes!(budget_health::show))
}

fn key_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::deactivate))
}

fn usage_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(usage::current))
        .routes(routes!(usage::history))
        .routes(routes!(usage::models))
        .routes(routes!(ledger::of_tenant))
        .routes(routes!(ledger::of_all))
        .routes(routes!(ledger_export::send))
        .routes(routes!(ledger::entry::show))
        .routes(routes!(breakdown::show))
        .routes(routes!(whatif::ask))
}

fn price_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(prices::list, prices::create))
        .routes(routes!(prices::update))
        .routes(routes!(prices::retire))
        .routes(routes!(prices::history))
}

fn provider_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(providers::status))
        .routes(routes!(providers::health))
        .routes(routes!(providers::test))
        .routes(routes!(status::show))
        .routes(routes!(health::detailed::show))
}

fn tag_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(tags::create, tags::list))
        .routes(routes!(tags::show, tags::update, tags::remove))
        .routes(routes!(tags::deactivate))
        .routes(routes!(tags::activate))
        .routes(routes!(tag_analytics::show))
}

fn tagging_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(tag_budgets::create, tag_budgets::list))
        .routes(routes!(tag_budgets::update, tag_budgets::remove))
        .routes(routes!(tagging::create, tagging::list))
        .routes(routes!(tagging::update, tagging::remove))
}

fn policy_routes() -> OpenApiRouter<Arc<AdminState>> {
    let upload = DefaultBodyLimit::max(policy_bundles::UPLOAD_BYTES_MAX);
    OpenApiRouter::new()
        .routes(routes!(policy_bundles::upload, policy_bundles::list))
        .layer(upload)
        .routes(routes!(policy_bundles::show))
        .routes(routes!(policy_bundles::activate))
        .routes(routes!(policy_bundles::test))
        .routes(routes!(policy_bundles::roll_back))
        .routes(routes!(policy_bundles::deactivate))
}

fn session_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::usage))
        .routes(routes!(
            sessions::show_budget,
            sessions::set_budget,
            sessions::remove_budget
        ))
        .routes(routes!(
            sessions::show_default,
            sessions::set_default,
            sessions::remove_default
        ))
}

fn alert_routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(alerts::of_all))
        .routes(routes!(alerts::test))
        .routes(routes!(alerts::of_tenant))
}

impl AdminState {
    /// Puts a change that is in the store in force everywhere in this process.
    async fn take_over(&self) -> Result<(), AdminError> {
        let refreshed = self.refresher.refresh().await;
        refreshed.map_err(AdminError::NotInForce)
    }

    /// A tenant that is not closed.
    async fn open_tenant(&self, id: TenantId) -> Result<TenantRecord, AdminError> {
        let tenant = self.tenant_if_open(id).await?;
        tenant.ok_or(AdminError::NotFound("Tenant not found"))
    }

    async fn tenant_if_open(&self, id: TenantId) -> Result<Option<TenantRecord>, AdminError> {
        let tenant = self.store.tenant(id).await?;
        Ok(tenant.filter(|record| !record.tenant.is_closed))
    }
}

/// Only `/health`: what is left on the gateway's own address when the rest has one of its own.
pub fn health_router(state: Arc<AdminState>) -> Router {
    Router::new()
        .route("/health", get(health::show))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(map_response(with_safe_headers))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state)
}

async fn not_found() -> AdminError {
    AdminError::NotFound("Not found")
}

async fn method_not_allowed() -> AdminError {
    AdminError::MethodNotAllowed
}

/// Answers hold keys and figures: no cache between us and the operator may keep them, and no page of
/// others may show them. What says itself that it may be kept, or what it may load, keeps that.
async fn with_safe_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    response
}

fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    tracing::error!("an admin route panicked");
    AdminError::Internal.into_response()
}
