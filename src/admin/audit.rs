//! The audit log: who changed what, newest first. The next page begins where `next` of this one says.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::AUDIT;
use crate::admin::document::parameters::AuditQuery;
use crate::admin::document::responses::Invalid;
use crate::admin::document::schemas::ActorKind;
use crate::admin::error::AdminError;
use crate::admin::query::Params;
use crate::domain::id::{TenantId, UserId};
use crate::domain::stamp::Actor;
use crate::domain::window::UtcMicros;
use crate::store::audit::{AuditActor, AuditCursor, AuditFilter, AuditRecord};

const LIMIT_DEFAULT: u64 = 100;
const LIMIT_MAX: u64 = 1_000;

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditBody {
    data: Vec<EntryBody>,
    /// What `before` is for the next page; nothing on the last one.
    #[schema(required)]
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntryBody)]
struct EntryBody {
    id: i64,
    #[schema(format = DateTime)]
    at: String,
    actor: ActorBody,
    action: String,
    target: TargetBody,
    #[schema(required)]
    tenant_id: Option<TenantId>,
    #[schema(required, value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    #[schema(required, value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    #[schema(required)]
    address: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditActorBody)]
struct ActorBody {
    #[schema(value_type = ActorKind, inline)]
    kind: String,
    #[schema(required)]
    id: Option<UserId>,
    #[schema(required)]
    name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditTargetBody)]
struct TargetBody {
    kind: String,
    #[schema(required)]
    id: Option<String>,
}

impl From<AuditRecord> for EntryBody {
    fn from(record: AuditRecord) -> Self {
        let state = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            id: record.cursor.id,
            at: record.cursor.at.to_string(),
            actor: ActorBody {
                kind: record.actor_kind,
                id: record.actor,
                name: record.actor_name,
            },
            action: record.action,
            target: TargetBody {
                kind: record.target_kind,
                id: record.target,
            },
            tenant_id: record.tenant,
            before: state(record.before),
            after: state(record.after),
            address: record.address,
        }
    }
}

/// What was done, newest first.
#[utoipa::path(get, path = "/admin/audit", tag = AUDIT, operation_id = "auditLog",
    params(AuditQuery), responses((status = 200, body = AuditBody), Invalid))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    params: Params,
) -> Result<Json<AuditBody>, AdminError> {
    let limit = params
        .whole("limit", 1..=LIMIT_MAX)?
        .unwrap_or(LIMIT_DEFAULT);
    let limit = u32::try_from(limit).map_err(|_cause| AdminError::Internal)?;
    let filter = read_filter(&params)?;
    // One more than is shown tells whether there is another page.
    let wanted = limit.saturating_add(1);
    let mut found = state.store.list_audit(&filter, wanted).await?;
    let shown = usize::try_from(limit).map_err(|_cause| AdminError::Internal)?;
    let has_more = found.len() > shown;
    found.truncate(shown);
    let last = found.last().filter(|_| has_more);
    Ok(Json(AuditBody {
        next: last.map(|record| print_cursor(record.cursor)),
        data: found.into_iter().map(EntryBody::from).collect(),
    }))
}

fn read_filter(params: &Params) -> Result<AuditFilter, AdminError> {
    let user = params.id("actorId")?.map(UserId);
    let kind = params.one_of("actor", Actor::KINDS, |kind| kind)?;
    let kind = kind.or(user.map(|_| Actor::USER));
    let target = params.text("targetId")?;
    let target_kind = params.text("target")?;
    if target.is_some() && target_kind.is_none() {
        return Err(AdminError::invalid("targetId needs target"));
    }
    let before = params.text("before")?;
    let older_than = before.map(|text| {
        parse_cursor(&text)
            .ok_or_else(|| AdminError::invalid("before must be what `next` of a page was"))
    });
    Ok(AuditFilter {
        tenant: params.id("tenantId")?.map(TenantId),
        actor: kind.map(|kind| AuditActor { kind, user }),
        action: params.text("action")?,
        target_kind,
        target,
        within: params.open_window()?,
        older_than: older_than.transpose()?,
    })
}

fn print_cursor(cursor: AuditCursor) -> String {
    format!("{}_{}", cursor.at.get(), cursor.id)
}

fn parse_cursor(text: &str) -> Option<AuditCursor> {
    let (at, id) = text.split_once('_')?;
    Some(AuditCursor {
        at: UtcMicros::new(at.parse().ok()?),
        id: id.parse().ok()?,
    })
}
