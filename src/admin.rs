//! The admin API, `/health` and `/metrics`: a table of routes, and what every route has in common.
//!
//! Access is checked before anything is read. A change is in force when its answer is sent. Every
//! error is `{"error": ".."}`; nothing internal is in it.

mod access;
mod dates;
mod error;
mod fields;
mod figures;
mod path;
mod query;
mod stamp;
mod standing;

mod alerts;
mod audit;
mod budgets;
mod health;
mod keys;
mod ledger;
mod login;
mod metrics;
mod prices;
mod ratelimits;
mod sessions;
mod tag_analytics;
mod tag_budgets;
mod tagging;
mod tags;
mod tenants;
mod usage;
mod users;

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admin::access::Access;
pub use crate::admin::access::Proxies;
use crate::admin::error::AdminError;
use crate::alerts::webhook::Webhook;
use crate::catalog::Catalog;
use crate::catalog::refresh::Refresher;
use crate::domain::id::TenantId;
use crate::domain::window::{Clock, Period};
use crate::engine::BudgetEngine;
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::settings::secret::Secret;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::tenants::TenantRecord;

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
    /// Where alerts are sent, if anywhere.
    pub webhook: Option<Arc<Webhook>>,
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
    /// The requests a minute that a new tenant gets; 0 is unlimited.
    pub default_requests_per_minute: u32,
    /// The periods that `/admin/tenant/:id/usage` tells, as the settings name them. A custom period
    /// without dates is left out.
    pub usage_periods: Vec<Period>,
    /// How many providers have a key.
    pub providers_configured: usize,
    /// Whether the database is a part of this process: then it cannot serve without it.
    pub store_is_embedded: bool,
}

/// Every route. Give it to a server, or call it as a service.
pub fn router(state: Arc<AdminState>) -> Router {
    let access = Arc::new(Access::new(&state));
    let admin = admin_routes()
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(Arc::clone(&access)))
        .layer(from_fn_with_state(access, access::require));
    Router::new()
        .route("/health", get(health::show))
        .route("/metrics", get(metrics::show))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(admin)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(with_safe_headers))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(state)
}

fn admin_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route("/admin/tenant", post(tenants::create).get(tenants::list))
        .route(
            "/admin/tenant/{id}",
            get(tenants::show)
                .put(tenants::update)
                .delete(tenants::close),
        )
        .route(
            "/admin/tenant/{id}/ratelimit",
            get(ratelimits::show).put(ratelimits::set),
        )
        .route(
            "/admin/budgets",
            post(budgets::set_of_installation).get(budgets::list_of_installation),
        )
        .route(
            "/admin/tenant/{id}/budgets",
            post(budgets::set_of_tenant).get(budgets::list_of_tenant),
        )
        .route(
            "/admin/apikey/{id}/budgets",
            post(budgets::set_of_key).get(budgets::list_of_key),
        )
        .route(
            "/admin/apikey/{id}/ratelimit",
            get(ratelimits::show_of_key).put(ratelimits::set_of_key),
        )
        .route(
            "/admin/budget/{id}",
            put(budgets::update).delete(budgets::remove),
        )
        .route(
            "/admin/tenant/{id}/apikeys",
            post(keys::create).get(keys::list),
        )
        .route("/admin/apikey/{id}", delete(keys::deactivate))
        .merge(tag_routes())
        .merge(session_routes())
        .merge(alert_routes())
        .route("/admin/tenant/{id}/usage", get(usage::current))
        .route("/admin/tenant/{id}/usage/history", get(usage::history))
        .route("/admin/tenant/{id}/usage/models", get(usage::models))
        .route("/admin/tenant/{id}/usage/ledger", get(ledger::of_tenant))
        .route("/admin/usage/ledger", get(ledger::of_all))
        .merge(price_routes())
        .merge(access_routes())
}

fn access_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route(
            "/admin/session",
            post(login::begin).get(login::show).delete(login::end),
        )
        .route("/admin/session/password", put(login::set_password))
        .route("/admin/users", post(users::create).get(users::list))
        .route(
            "/admin/users/{id}",
            get(users::show)
                .put(users::update)
                .delete(users::deactivate),
        )
        .route("/admin/audit", get(audit::list))
}

fn price_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route(
            "/admin/model-pricing",
            get(prices::list).post(prices::create),
        )
        .route("/admin/model-pricing/{idOrModel}", put(prices::update))
        .route(
            "/admin/model-pricing/{idOrModel}/retire",
            post(prices::retire),
        )
        .route(
            "/admin/model-pricing/{idOrModel}/history",
            get(prices::history),
        )
}

fn tag_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route(
            "/admin/tenant/{id}/tags",
            post(tags::create).get(tags::list),
        )
        .route(
            "/admin/tenant/{id}/tags/{tag}",
            get(tags::show).put(tags::update).delete(tags::remove),
        )
        .route(
            "/admin/tenant/{id}/tags/{tag}/deactivate",
            patch(tags::deactivate),
        )
        .route(
            "/admin/tenant/{id}/tags/{tag}/activate",
            patch(tags::activate),
        )
        .route(
            "/admin/tenant/{id}/tags/{tag}/budgets",
            post(tag_budgets::create).get(tag_budgets::list),
        )
        .route(
            "/admin/tenant/{id}/tagging-rules",
            post(tagging::create).get(tagging::list),
        )
        .route(
            "/admin/tenant/{id}/tagging-rules/{rule}",
            put(tagging::update).delete(tagging::remove),
        )
        .route("/admin/tenant/{id}/tag-analytics", get(tag_analytics::show))
        .route(
            "/admin/budget/tag/{id}",
            put(tag_budgets::update).delete(tag_budgets::remove),
        )
}

fn session_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route("/admin/tenant/{id}/sessions", get(sessions::list))
        .route("/admin/sessions/{session}/usage", get(sessions::usage))
        .route(
            "/admin/tenant/{id}/sessions/{session}/budget",
            get(sessions::show_budget)
                .put(sessions::set_budget)
                .delete(sessions::remove_budget),
        )
        .route(
            "/admin/tenant/{id}/default-session-budget",
            get(sessions::show_default)
                .put(sessions::set_default)
                .delete(sessions::remove_default),
        )
}

fn alert_routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route("/admin/alerts", get(alerts::of_all))
        .route("/admin/alerts/test", post(alerts::test))
        .route("/admin/tenant/{id}/alerts", get(alerts::of_tenant))
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

/// Serves a router on an address of its own, until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let told = async move {
        // An error means that whoever could raise the flag is gone.
        let _ = stop.wait_for(|raised| *raised).await;
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(told)
        .await
}

async fn not_found() -> AdminError {
    AdminError::NotFound("Not found")
}

async fn method_not_allowed() -> AdminError {
    AdminError::MethodNotAllowed
}

/// Answers hold keys and figures: no cache between us and the operator may keep them, and no page of
/// others may show them. A page of ours that says itself what it may load keeps that.
async fn with_safe_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
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
