//! What one request cost and how that came about, as it is told to whoever paid for it.

use serde::Serialize;

use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::ruling::PolicyFailure;
use crate::domain::usage::RateKind;

/// A row of the ledger, in the form that providers have for objects.
#[derive(Debug, Serialize)]
pub struct Receipt {
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

impl Receipt {
    /// The receipt of a row.
    pub fn new(row: &LedgerRow) -> Self {
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
