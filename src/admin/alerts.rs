//! Alerts that were raised, newest first, and a test of their webhook.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::ALERTS;
use crate::admin::document::parameters::{PageQuery, TenantPath};
use crate::admin::document::responses::{Invalid, Missing};
use crate::admin::document::schemas::DeliveryState;
use crate::admin::error::AdminError;
use crate::admin::path::PathId;
use crate::admin::query::{PageBody, Params};
use crate::alerts::message::{AlertBody, Message};
use crate::catalog::Snapshot;
use crate::domain::id::TenantId;
use crate::domain::stamp::Stamp;
use crate::https::Undelivered;
use crate::store::alerts::{AlertRecord, Delivery};
use crate::store::audit::AuditEntry;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// An alert and how far its webhook is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedBody {
    #[serde(flatten)]
    alert: AlertBody,
    delivery: DeliveryBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryBody {
    #[schema(value_type = DeliveryState, inline)]
    state: &'static str,
    attempts: u32,
    #[schema(required, format = DateTime)]
    delivered_at: Option<String>,
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    #[schema(required)]
    last_error: Option<String>,
}

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestBody {
    delivered: bool,
    #[schema(required)]
    error: Option<String>,
    duration_ms: u128,
}

impl ListedBody {
    fn new(record: AlertRecord, snapshot: &Snapshot) -> Self {
        Self {
            alert: AlertBody::new(&record, snapshot),
            delivery: record.delivery.into(),
        }
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let state = match (delivery.delivered_at, delivery.next_attempt_at) {
            (Some(_), _) => "delivered",
            (None, Some(_)) => "pending",
            (None, None) if delivery.attempts > 0 => "given_up",
            // There was no webhook when it was raised.
            (None, None) => "none",
        };
        Self {
            state,
            attempts: delivery.attempts,
            delivered_at: delivery.delivered_at.map(|at| at.to_string()),
            next_attempt_at: delivery.next_attempt_at.map(|at| at.to_string()),
            last_error: delivery.last_error,
        }
    }
}

/// A tenant's alerts. A closed tenant still has them.
#[utoipa::path(get, path = "/admin/tenant/{id}/alerts", tag = ALERTS, operation_id = "alertsOfTenant",
    params(TenantPath, PageQuery),
    responses((status = 200, body = PageBody<ListedBody>), Invalid, Missing))]
pub(super) async fn of_tenant(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Json<PageBody<ListedBody>>, AdminError> {
    let tenant = state.store.tenant(id).await?;
    tenant.ok_or(AdminError::NotFound("Tenant not found"))?;
    page(&state, Some(id), &params).await
}

/// The alerts of all tenants and of the installation.
#[utoipa::path(get, path = "/admin/alerts", tag = ALERTS, operation_id = "alertsOfAll",
    params(PageQuery), responses((status = 200, body = PageBody<ListedBody>), Invalid))]
pub(super) async fn of_all(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<PageBody<ListedBody>>, AdminError> {
    page(&state, None, &params).await
}

async fn page(
    state: &AdminState,
    tenant: Option<TenantId>,
    params: &Params,
) -> Result<Json<PageBody<ListedBody>>, AdminError> {
    let asked = params.page(LIMIT_DEFAULT, LIMIT_MAX)?;
    let listed = state.store.list_alerts(tenant, asked.into()).await?;
    let snapshot = state.catalog.snapshot();
    let show = |row| ListedBody::new(row, &snapshot);
    Ok(Json(PageBody::new(asked, listed, show)))
}

/// Sends a message that says it is a test, once, and tells whether it arrived.
#[utoipa::path(post, path = "/admin/alerts/test", tag = ALERTS, operation_id = "testAlertWebhook",
    responses((status = 200, body = TestBody), Invalid))]
pub(super) async fn test(
    State(state): State<Arc<AdminState>>,
    stamp: Stamp,
) -> Result<Json<TestBody>, AdminError> {
    let webhook = state.webhook.as_ref();
    let webhook = webhook.ok_or_else(|| AdminError::invalid("No alert webhook is configured"))?;
    let started = Instant::now();
    let entry = AuditEntry::of("alert", "test");
    state.store.note(&stamp, &entry).await?;
    let sent = webhook.send(&Message::of_test(stamp.at), stamp.at).await;
    Ok(Json(TestBody {
        delivered: sent.is_ok(),
        error: sent.err().as_ref().map(Undelivered::to_string),
        duration_ms: started.elapsed().as_millis(),
    }))
}
