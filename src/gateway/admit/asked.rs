//! A request as admission sees it: who asks whom for what, and its first form in the ledger.

use std::borrow::Cow;

use bytes::Bytes;

use crate::domain::budget::Origin;
use crate::domain::id::{ModelName, ProviderName, RequestId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::{ModelPrice, Tier};
use crate::domain::ruling::Ruling;
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::labels::Labels;
use crate::providers::call::Call;
use crate::providers::endpoints::Endpoint;

/// What a caller asked for, as far as it is understood.
pub(crate) struct Asked<'a> {
    pub(crate) request: RequestId,
    pub(crate) at: UtcMicros,
    pub(crate) caller: &'a Authenticated,
    pub(crate) endpoint: &'static Endpoint,
    /// Who bills.
    pub(crate) provider: &'a ProviderName,
    /// Whose prices are asked for.
    pub(crate) prices: &'a ProviderName,
    pub(crate) call: &'a Call,
    /// What its caller calls the model, where that is something else.
    pub(crate) named: Option<&'a ModelName>,
    pub(crate) labels: &'a Labels,
    pub(crate) body: &'a Bytes,
    /// What the policy decided, once it was asked.
    pub(crate) ruling: Option<&'a Ruling>,
}

impl Asked<'_> {
    /// Where the request's charges come from.
    pub(crate) fn origin(&self) -> Origin {
        let entry = self.caller.tenant();
        Origin {
            tenant: entry.tenant.id,
            key: self.caller.key(),
            tags: self.labels.shares.clone(),
            session: self.labels.session_key(entry),
            provider: self.provider.clone(),
            model: self.call.model.clone(),
        }
    }

    /// The ledger row of a request that nothing is known of yet but what was asked.
    pub(crate) fn row(&self, price: Option<&ModelPrice>) -> LedgerRow {
        LedgerRow {
            request: self.request,
            at: self.at,
            tenant: self.caller.tenant().tenant.id,
            key: self.caller.key(),
            session: self.labels.session.clone(),
            tags: self.labels.shares.clone(),
            route: Cow::Borrowed(self.endpoint.label),
            provider: self.provider.clone(),
            model: self.call.model.clone(),
            model_asked: self.named.cloned(),
            attempt_of: None,
            model_served: None,
            status: Status::Interrupted,
            reason: None,
            http_status: None,
            streamed: self.call.streamed,
            usage: TokenUsage::default(),
            tier: Tier::Standard,
            price: price.map(|price| price.id),
            cost: Usd::ZERO,
            held: Usd::ZERO,
            basis: Basis::Measured,
            latency_us: 0,
            first_byte_us: None,
            upstream_request_id: None,
            ruling: self.ruling.cloned(),
            objects: ObjectNotes::default(),
        }
    }
}
