//! `GET /v1/receipts/{request-id}`: what one request cost and how that came about, for the tenant whose
//! key asks. Not on the way of a request: it may ask the ledger.

use std::time::Duration;

use pingora::http::RequestHeader;
use serde::Serialize;

use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::ruling::PolicyFailure;
use crate::domain::usage::RateKind;
use crate::domain::window::UtcMicros;
use crate::gateway::admit::enter::enter_own;
use crate::gateway::rates::Counted;
use crate::gateway::reserve::UNDECIDED_RETRY;
use crate::gateway::{Gateway, rates};

/// What the path of a receipt begins with.
const PATH: &str = "/v1/receipts/";
/// How often a row is looked for that is on its way to the ledger, and the pause between.
const LOOKS_MAX: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The id of the request whose receipt a path asks for.
pub(crate) fn asked_for(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)
}

/// Answers the caller, or says why not.
pub(crate) async fn describe(
    gateway: &Gateway,
    head: &RequestHeader,
    (request, at): (RequestId, UtcMicros),
) -> Result<Vec<u8>, Denial> {
    let snapshot = gateway.catalog.snapshot();
    let caller = enter_own(gateway, &snapshot, head).await?;
    let mut rate = rates::take(gateway, &caller, (request, at), Counted::Request).await?;
    rate.take_due().await?;
    let wanted = asked_for(head.uri.path()).and_then(RequestId::parse);
    let wanted = wanted.ok_or(Denial::NoReceipt)?;
    let row = gateway.row_of(caller.tenant().tenant.id, wanted).await?;
    // Texts and numbers only: this cannot fail.
    Ok(serde_json::to_vec(&ReceiptBody::new(&row)).unwrap_or_default())
}

impl Gateway {
    /// The row of a tenant's request. One that ended a moment ago is waited for.
    async fn row_of(&self, tenant: TenantId, request: RequestId) -> Result<LedgerRow, Denial> {
        let unavailable = || Denial::Unavailable {
            what: Dependency::Ledger,
            retry_after: UNDECIDED_RETRY,
        };
        for _ in 0..LOOKS_MAX {
            let is_on_its_way = self.settler.spool.has_outcome(request);
            match self.ledger.row(tenant, request).await {
                Ok(Some(row)) => return Ok(row),
                Ok(None) if is_on_its_way => {}
                Ok(None) => return Err(Denial::NoReceipt),
                Err(error) => {
                    tracing::warn!(%error, "a receipt could not be read");
                    return Err(unavailable());
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(unavailable())
    }
}

#[derive(Debug, Serialize)]
struct ReceiptBody {
    object: &'static str,
    id: String,
    created_at: String,
    route: String,
    provider: String,
    /// The model that is billed.
    model: String,
    model_asked: String,
    model_served: Option<String>,
    service_tier: &'static str,
    stream: bool,
    status: &'static str,
    reason: Option<String>,
    http_status: Option<u16>,
    usage: Vec<UnitsBody>,
    price_id: Option<i64>,
    cost_usd: String,
    held_usd: String,
    /// `measured`, `estimated` or `unknown`.
    basis: &'static str,
    policy: Option<PolicyBody>,
    session_id: Option<String>,
    attempt_of: Option<String>,
    upstream_request_id: Option<String>,
    latency_us: u64,
    first_byte_us: Option<u64>,
}

#[derive(Debug, Serialize)]
struct UnitsBody {
    kind: &'static str,
    units: u64,
}

/// Rows from before this was kept have only the decision.
#[derive(Debug, Serialize)]
struct PolicyBody {
    decision: &'static str,
    decision_id: Option<String>,
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_open: Option<&'static str>,
}

impl ReceiptBody {
    fn new(row: &LedgerRow) -> Self {
        let usage = RateKind::ALL.into_iter().map(|kind| UnitsBody {
            kind: kind.as_str(),
            units: row.usage.get(kind),
        });
        Self {
            object: "receipt",
            id: row.request.to_string(),
            created_at: row.at.to_string(),
            route: row.route.to_string(),
            provider: row.provider.to_string(),
            model: row.model.to_string(),
            model_asked: row.model_asked.as_ref().unwrap_or(&row.model).to_string(),
            model_served: row.model_served.as_ref().map(ToString::to_string),
            service_tier: row.tier.as_str(),
            stream: row.streamed,
            status: row.status.as_str(),
            reason: row.reason.as_ref().map(ToString::to_string),
            http_status: row.http_status,
            usage: usage.filter(|used| used.units > 0).collect(),
            price_id: row.price.map(|price| price.0),
            cost_usd: row.cost.to_string(),
            held_usd: row.held.to_string(),
            basis: row.basis.as_str(),
            policy: policy_of(row),
            session_id: row.session.as_ref().map(|session| session.id.clone()),
            attempt_of: row.attempt_of.map(|first| first.to_string()),
            upstream_request_id: row.upstream_request_id.clone(),
            latency_us: row.latency_us,
            first_byte_us: row.first_byte_us,
        }
    }
}

/// What the policy said; nothing where the request was refused before it was asked.
fn policy_of(row: &LedgerRow) -> Option<PolicyBody> {
    let is_blocked = row.status == Status::Blocked;
    let decision = match row.reason.as_deref() {
        Some("policy_denied" | "tags_required" | "policy_not_applicable") => "deny",
        Some("budget_exceeded") => "allow",
        _ if is_blocked && row.ruling.is_none() => return None,
        _ => "allow",
    };
    let ruling = row.ruling.as_ref();
    let effects = ruling.map(|ruling| &ruling.effects);
    let model = effects.and_then(|effects| effects.model.as_ref());
    let failure = effects.and_then(|effects| effects.failed_open);
    Some(PolicyBody {
        decision,
        decision_id: ruling.map(|ruling| ruling.decision.to_string()),
        hash: ruling.map(|ruling| ruling.rules.to_string()),
        max_output_tokens: effects.and_then(|effects| effects.max_output_tokens),
        model: model.map(ToString::to_string),
        failed_open: failure.map(PolicyFailure::as_str),
    })
}
