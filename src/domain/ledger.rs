//! The ledger's row: everything that is kept about one request. Written once, never changed.

pub mod canonical;
pub mod chain;
pub mod export;
pub mod receipt;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::budget::Origin;
use crate::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::Tier;
use crate::domain::ruling::Ruling;
use crate::domain::session::{SessionKey, SessionRef};
use crate::domain::tag::TagShares;
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The provider answered, whole.
    Success,
    /// We refused it; nothing was sent.
    Blocked,
    /// The provider refused it, failed, or could not be reached.
    Failed,
    /// The caller went away, or the provider stopped, before the end of the answer.
    Aborted,
    /// The gateway died while it was under way.
    Interrupted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Success,
        Self::Blocked,
        Self::Failed,
        Self::Aborted,
        Self::Interrupted,
    ];

    /// The name in the ledger, the API and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads what [`Status::as_str`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One request, as the ledger keeps it. The spool's files have the fields, and the variants of the
/// enums in them, in the order in which they stand here: `spool/record.rs` tells what a change takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The request; no two rows have the same.
    pub request: RequestId,
    /// When it was admitted: decides the windows it counts in.
    pub at: UtcMicros,
    /// Who pays.
    pub tenant: TenantId,
    /// The key that was used.
    pub key: ApiKeyId,
    /// The session that the caller named.
    pub session: Option<SessionRef>,
    /// The tags that it counts on, its own and their ancestors.
    pub tags: TagShares,
    /// The path of the endpoint, such as `/v1/chat/completions`.
    pub route: Cow<'static, str>,
    /// Who bills.
    pub provider: ProviderName,
    /// The model that was asked for.
    pub model: ModelName,
    /// What the caller called it, where that is something else.
    pub model_asked: Option<ModelName>,
    /// The first try of the request, if this is a later one.
    pub attempt_of: Option<RequestId>,
    /// The model that answered, where the provider said so.
    pub model_served: Option<ModelName>,
    /// How it ended.
    pub status: Status,
    /// Why it did not end well: a word for programs, such as `budget_exceeded`.
    pub reason: Option<Cow<'static, str>>,
    /// The status that the caller saw; `None` when it saw none.
    pub http_status: Option<u16>,
    /// Whether the answer was streamed.
    pub streamed: bool,
    /// What was used.
    pub usage: TokenUsage,
    /// The tier that was served.
    pub tier: Tier,
    /// The price version it was charged by; `None` when it has no price.
    pub price: Option<PriceId>,
    /// The charge.
    pub cost: Usd,
    /// What was held while it ran.
    pub held: Usd,
    /// How the charge came about.
    pub basis: Basis,
    /// From the request to the last byte of the answer.
    pub latency_us: u64,
    /// From the request to the first byte of the answer.
    pub first_byte_us: Option<u64>,
    /// The provider's own id of the request.
    pub upstream_request_id: Option<String>,
    /// What the policy decided on it; nothing where it was not asked.
    pub ruling: Option<Ruling>,
    /// What it changed among the objects that its provider keeps. The store has it in tables of its own.
    pub objects: ObjectNotes,
}

impl LedgerRow {
    /// Where the charge comes from.
    pub fn origin(&self) -> Origin {
        let session = self.session.as_ref();
        Origin {
            tenant: self.tenant,
            key: self.key,
            tags: self.tags.clone(),
            session: session.map(|session| SessionKey::new(self.tenant, &session.id)),
            provider: self.provider.clone(),
            model: self.model.clone(),
        }
    }

    /// What becomes of a request that was under way when the gateway died: nobody knows what the
    /// provider did, so the worst case that was held is charged.
    #[must_use]
    pub fn interrupted(self) -> Self {
        Self {
            status: Status::Interrupted,
            reason: Some(Cow::Borrowed("gateway_restarted")),
            cost: self.held,
            basis: Basis::Unknown,
            ..self
        }
    }
}
