//! A row of the other ledger as a row of ours.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::id::{ApiKeyId, ModelName, ProviderName, RequestId, TagId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::Tier;
use crate::domain::session::SessionRef;
use crate::domain::tag::{TagShares, Weight};
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::amounts::Exact;
use crate::import::job::{Known, weight_of};
use crate::import::report::{Spending, Tally};
use crate::import::source::SourceRow;

/// The original does not keep who bills; this stands for it where its price list does not say it either.
const UNKNOWN_PROVIDER: &str = "unknown";
/// It does not keep the key either.
const NO_KEY: ApiKeyId = ApiKeyId(0);

/// A tag of a row.
pub(super) struct RequestTag {
    pub(super) tag: i64,
    pub(super) weight: String,
}

/// What rows refer to.
pub(super) struct Placement<'a> {
    pub(super) known: &'a Known,
    pub(super) source: &'a str,
    pub(super) tags: &'a BTreeMap<i64, Vec<RequestTag>>,
}

impl Placement<'_> {
    /// The row; none where it has no place here.
    pub(super) fn row(
        &self,
        row: &SourceRow,
        tally: &mut Tally,
        spending: &mut Spending,
    ) -> Result<Option<LedgerRow>, ImportError> {
        let id: i64 = row.get("id")?;
        let example = format!("row {id}");
        let Some(exact) = Exact::parse(row.get("usd")?) else {
            tally.leave_out_one("its amount is no amount", &example);
            return Ok(None);
        };
        spending.source = spending.source.plus(exact);
        let tenant = self.tenant(row)?;
        let (Some(tenant), Some(cost)) = (tenant, cost(exact, (tally, &example), spending)) else {
            let reason = if tenant.is_some() {
                "its amount is larger than any"
            } else {
                "its tenant did not come over"
            };
            tally.leave_out_one(reason, &example);
            spending.skipped = spending.skipped.plus(exact);
            return Ok(None);
        };
        spending.here = spending.here.plus(Exact::from_usd(cost));
        let at = UtcMicros::new(row.get("at")?);
        let (status, reason) = status(row.get("status")?);
        let blank = self.blank((request_id(self.source, id, at), at), (tenant, cost), row)?;
        Ok(Some(LedgerRow {
            tags: self.shares(id, tally, &example),
            status,
            reason: reason.map(Cow::Owned),
            usage: TokenUsage {
                input: tokens(row.get("input")?, tally, &example),
                output: tokens(row.get("output")?, tally, &example),
                ..TokenUsage::default()
            },
            ..blank
        }))
    }

    /// What needs no interpretation, and what the original does not keep.
    fn blank(
        &self,
        (request, at): (RequestId, UtcMicros),
        (tenant, cost): (TenantId, Usd),
        row: &SourceRow,
    ) -> Result<LedgerRow, ImportError> {
        let model: &str = row.get("model")?;
        let provider = self.known.providers.get(model).cloned();
        let session: Option<String> = row.get("session")?;
        Ok(LedgerRow {
            request,
            at,
            tenant,
            key: NO_KEY,
            session: session.map(|id| SessionRef {
                id,
                name: None,
                path: None,
            }),
            tags: TagShares::new(),
            route: Cow::Owned(row.get("route")?),
            provider: provider.unwrap_or_else(|| ProviderName::new(UNKNOWN_PROVIDER)),
            model: ModelName::new(model),
            model_asked: None,
            attempt_of: None,
            model_served: None,
            status: Status::Success,
            reason: None,
            http_status: None,
            streamed: false,
            usage: TokenUsage::default(),
            tier: Tier::Standard,
            price: None,
            cost,
            held: Usd::ZERO,
            basis: Basis::Estimated,
            latency_us: 0,
            first_byte_us: None,
            upstream_request_id: None,
            ruling: None,
            objects: ObjectNotes::default(),
        })
    }

    /// Rows without an id have the name of a tenant: one that there is, or one that was deleted.
    fn tenant(&self, row: &SourceRow) -> Result<Option<TenantId>, ImportError> {
        let id: Option<i64> = row.get("tenant_id")?;
        let by_id = id.map(|id| self.known.tenants.get(&id).map(|known| known.id));
        if let Some(by_id) = by_id {
            return Ok(by_id);
        }
        let name: &str = row.get("tenant")?;
        Ok(self.known.tenants_by_name.get(name).copied())
    }

    fn shares(&self, id: i64, tally: &mut Tally, example: &str) -> TagShares {
        let mut own: Vec<(TagId, Weight)> = Vec::new();
        for tag in self.tags.get(&id).into_iter().flatten() {
            let Some((ours, _tenant)) = self.known.tags.get(&tag.tag) else {
                tally.adjust("a tag that did not come over is left out", example);
                continue;
            };
            let weight = weight_of(&tag.weight, tally, example).unwrap_or_else(|| {
                tally.adjust("a weight that is not from 0 to 10 is 1", example);
                Weight::ONE
            });
            own.push((*ours, weight));
        }
        self.known.tree.shares(&own)
    }
}

/// What the row is charged here: rounded up, and nothing where it would give money back.
fn cost(
    exact: Exact,
    (tally, example): (&mut Tally, &str),
    spending: &mut Spending,
) -> Option<Usd> {
    if exact.is_negative() {
        tally.adjust("a charge below nothing is nothing", example);
        spending.raised = spending.raised.minus(exact);
        return Some(Usd::ZERO);
    }
    let cost = exact.rounded_up()?;
    if !exact.is_whole() {
        tally.adjust("a charge is rounded up to a nano-dollar", example);
        let added = Exact::from_usd(cost).minus(exact);
        spending.rounded_up = spending.rounded_up.plus(added);
    }
    Some(cost)
}

/// How it ended. A word that we do not have is kept as the reason of a failure.
fn status(word: &str) -> (Status, Option<String>) {
    match Status::parse(word) {
        Some(status) => (status, None),
        None => (Status::Failed, Some(word.to_owned())),
    }
}

fn tokens(count: i64, tally: &mut Tally, example: &str) -> u64 {
    u64::try_from(count).unwrap_or_else(|_negative| {
        tally.adjust("tokens below nothing are none", example);
        0
    })
}

/// The same whenever the row comes over, and no other row's.
fn request_id(source: &str, id: i64, at: UtcMicros) -> RequestId {
    let digest: [u8; 32] = Sha256::digest(format!("{source} ledger {id}")).into();
    let first: [u8; 10] = digest.first_chunk().copied().unwrap_or_default();
    RequestId::new(at, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_id_whenever_it_comes_over() {
        let at = UtcMicros::new(1_795_000_000_123_000);
        let id = request_id("a", 1, at);
        assert_eq!(id, request_id("a", 1, at));
        assert_eq!(id.millis(), 1_795_000_000_123);
        assert_ne!(id, request_id("a", 2, at));
        assert_ne!(id, request_id("b", 1, at));
    }

    #[test]
    fn a_status_that_is_none_of_ours_is_a_failure_that_says_so() {
        assert_eq!(status("success"), (Status::Success, None));
        assert_eq!(status("blocked"), (Status::Blocked, None));
        let odd = ("timeout", (Status::Failed, Some("timeout".to_owned())));
        assert_eq!(status(odd.0), odd.1);
    }
}
