//! Rows of the ledger as answers show them.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::document::schemas::{ChargeBasis, PolicyFailureName, RequestStatus, TierName};
use crate::admin::figures::{UsdText, WeightNumber};
use crate::catalog::Snapshot;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, TagId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::ruling::{PolicyFailure, Ruling};
use crate::store::ledger_page::LedgerEntry;

/// A row: the original's fields, then ours.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct RowBody {
    id: String,
    #[schema(format = DateTime)]
    ts: String,
    tenant: String,
    route: Cow<'static, str>,
    model: ModelName,
    usd: UsdText,
    prompt_tok: u64,
    comp_tok: u64,
    tenant_id: TenantId,
    #[schema(required)]
    session_id: Option<String>,
    #[schema(value_type = RequestStatus, inline)]
    status: &'static str,
    tags: Vec<TagOfRowBody>,
    api_key_id: ApiKeyId,
    provider: ProviderName,
    #[schema(required)]
    model_served: Option<ModelName>,
    #[schema(value_type = TierName, inline)]
    tier: &'static str,
    #[schema(required)]
    reason: Option<Cow<'static, str>>,
    #[schema(required)]
    http_status: Option<u16>,
    streamed: bool,
    #[schema(value_type = ChargeBasis, inline)]
    basis: &'static str,
    held_usd: UsdText,
    #[schema(required)]
    price_id: Option<PriceId>,
    latency_ms: u64,
    #[schema(required)]
    first_byte_ms: Option<u64>,
    #[schema(required)]
    upstream_request_id: Option<String>,
    #[schema(required)]
    model_asked: Option<ModelName>,
    #[schema(required)]
    attempt_of: Option<String>,
    #[schema(required)]
    policy: Option<PolicyOfRowBody>,
}

/// What the policy decided: by which rules (SHA-256), in which decision, and what it changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyOfRowBody {
    hash: String,
    decision_id: String,
    #[schema(required)]
    max_output_tokens: Option<u64>,
    #[schema(required)]
    model: Option<ModelName>,
    #[schema(required, value_type = Option<PolicyFailureName>, inline)]
    failed_open: Option<&'static str>,
}

impl From<Ruling> for PolicyOfRowBody {
    fn from(ruling: Ruling) -> Self {
        let effects = ruling.effects;
        Self {
            hash: ruling.rules.to_string(),
            decision_id: ruling.decision.to_string(),
            max_output_tokens: effects.max_output_tokens,
            model: effects.model,
            failed_open: effects.failed_open.map(PolicyFailure::as_str),
        }
    }
}

/// A tag that a row has itself. A deleted one has no name any more.
#[derive(Debug, Serialize, ToSchema)]
struct TagOfRowBody {
    id: TagId,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    path: Option<String>,
    weight: WeightNumber,
}

impl TagOfRowBody {
    fn all_of(row: &LedgerRow, snapshot: &Snapshot) -> Vec<Self> {
        let tags = snapshot.tenants.get(&row.tenant).map(|entry| &entry.tags);
        let own = row.tags.iter().filter(|share| !share.is_inherited);
        let bodies = own.map(|share| Self {
            id: share.tag,
            name: tags.and_then(|tags| Some(tags.get(share.tag)?.name.clone())),
            path: tags.and_then(|tags| tags.path(share.tag)),
            weight: WeightNumber(share.weight),
        });
        bodies.collect()
    }
}

impl RowBody {
    pub(super) fn new(entry: LedgerEntry, snapshot: &Snapshot) -> Self {
        const MICROS_PER_MILLI: u64 = 1_000;
        let row = entry.row;
        let tags = TagOfRowBody::all_of(&row, snapshot);
        Self {
            id: row.request.to_string(),
            ts: row.at.to_string(),
            tenant: entry.tenant_name,
            route: row.route,
            model: row.model,
            usd: UsdText(row.cost),
            prompt_tok: row.usage.input_total(),
            comp_tok: row.usage.output_total(),
            tenant_id: row.tenant,
            session_id: row.session.map(|session| session.id),
            status: row.status.as_str(),
            tags,
            api_key_id: row.key,
            provider: row.provider,
            model_served: row.model_served,
            tier: row.tier.as_str(),
            reason: row.reason,
            http_status: row.http_status,
            streamed: row.streamed,
            basis: row.basis.as_str(),
            held_usd: UsdText(row.held),
            price_id: row.price,
            latency_ms: row.latency_us / MICROS_PER_MILLI,
            first_byte_ms: row.first_byte_us.map(|micros| micros / MICROS_PER_MILLI),
            upstream_request_id: row.upstream_request_id,
            model_asked: row.model_asked,
            attempt_of: row.attempt_of.map(|first| first.to_string()),
            policy: row.ruling.map(PolicyOfRowBody::from),
        }
    }
}
