//! The form of a ledger row on disk: the fields in a fixed order, packed by postcard. It does not
//! name them, so a field that is added, removed or moved makes a new version of the spool's files.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::pricing::Tier;
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;

/// A row without its request's id, which is in the record beside it.
#[derive(Serialize, Deserialize)]
struct StoredRow<'a> {
    at: i64,
    tenant: i64,
    key: i64,
    session: Option<&'a str>,
    route: &'a str,
    provider: &'a str,
    model: &'a str,
    model_served: Option<&'a str>,
    status: &'a str,
    reason: Option<&'a str>,
    http_status: Option<u16>,
    streamed: bool,
    usage: TokenUsage,
    tier: &'a str,
    price: Option<i64>,
    cost: i64,
    held: i64,
    basis: &'a str,
    latency_us: u64,
    first_byte_us: Option<u64>,
    upstream_request_id: Option<&'a str>,
}

/// Appends a row to `bytes`.
pub(super) fn encode(row: &LedgerRow, bytes: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_extend(&StoredRow::from(row), bytes)
}

/// Reads the row of a request.
pub(super) fn decode(request: RequestId, bytes: &[u8]) -> Result<LedgerRow, &'static str> {
    let (stored, rest) = postcard::take_from_bytes::<StoredRow<'_>>(bytes)
        .map_err(|_error| "its row cannot be read")?;
    if !rest.is_empty() {
        return Err("something follows its row");
    }
    stored
        .into_row(request)
        .ok_or("its row has an unknown word")
}

impl<'a> From<&'a LedgerRow> for StoredRow<'a> {
    fn from(row: &'a LedgerRow) -> Self {
        Self {
            at: row.at.get(),
            tenant: row.tenant.0,
            key: row.key.0,
            session: row.session.as_deref(),
            route: &row.route,
            provider: row.provider.as_str(),
            model: row.model.as_str(),
            model_served: row.model_served.as_ref().map(ModelName::as_str),
            status: row.status.as_str(),
            reason: row.reason.as_deref(),
            http_status: row.http_status,
            streamed: row.streamed,
            usage: row.usage,
            tier: row.tier.as_str(),
            price: row.price.map(|price| price.0),
            cost: row.cost.nanos(),
            held: row.held.nanos(),
            basis: row.basis.as_str(),
            latency_us: row.latency_us,
            first_byte_us: row.first_byte_us,
            upstream_request_id: row.upstream_request_id.as_deref(),
        }
    }
}

impl StoredRow<'_> {
    fn into_row(self, request: RequestId) -> Option<LedgerRow> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(LedgerRow {
            request,
            at: UtcMicros::new(self.at),
            tenant: TenantId(self.tenant),
            key: ApiKeyId(self.key),
            session: owned(self.session),
            route: Cow::Owned(self.route.to_owned()),
            provider: ProviderName::new(self.provider),
            model: ModelName::new(self.model),
            model_served: self.model_served.map(ModelName::new),
            status: Status::parse(self.status)?,
            reason: owned(self.reason).map(Cow::Owned),
            http_status: self.http_status,
            streamed: self.streamed,
            usage: self.usage,
            tier: self.tier.parse::<Tier>().ok()?,
            price: self.price.map(PriceId),
            cost: Usd::from_nanos(self.cost),
            held: Usd::from_nanos(self.held),
            basis: Basis::parse(self.basis)?,
            latency_us: self.latency_us,
            first_byte_us: self.first_byte_us,
            upstream_request_id: owned(self.upstream_request_id),
        })
    }
}
