//! What Redis is told of slices and permits, and what it answers.

use tokio::time::Instant;

use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::engine::redis::lease::Leases;
use crate::engine::redis::lease::permits::{PermitPart, PermitsTold};
use crate::engine::redis::lease::slice::Part;
use crate::engine::redis::record::Record;
use crate::engine::redis::reply::Standing;

impl Leases {
    /// The request that arrived first of those that only this process knows of.
    pub(in crate::engine::redis) fn oldest_hold(&self) -> Option<RequestId> {
        let tenants = self.tenants.iter();
        let oldest = tenants.filter_map(|leases| {
            let leases = leases.lock();
            let fresh = leases.fresh.iter();
            fresh
                .filter_map(|(request, it)| it.cost.is_none().then_some(*request))
                .min()
        });
        oldest.min()
    }
}

/// What Redis is told at once, in the order of the accounts.
#[derive(Debug)]
pub(in crate::engine::redis) struct Report {
    pub(in crate::engine::redis) number: u64,
    pub(in crate::engine::redis) with_holds: bool,
    pub(in crate::engine::redis) parts: Vec<Part>,
    pub(in crate::engine::redis) permits: Vec<PermitPart>,
    /// Charges, and holds that are handed over.
    pub(in crate::engine::redis) records: Vec<(RequestId, Record)>,
}

/// What Redis said to a report.
#[derive(Debug)]
pub(in crate::engine::redis) struct Heard {
    pub(in crate::engine::redis) accounts: Vec<Told>,
    pub(in crate::engine::redis) permits: Vec<PermitsTold>,
    /// When the report was sent, and what time it was for Redis.
    pub(in crate::engine::redis) sent: Instant,
    pub(in crate::engine::redis) time: UtcMicros,
}

/// What Redis said of one account.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::redis) struct Told {
    pub(in crate::engine::redis) granted: Usd,
    pub(in crate::engine::redis) standing: Standing,
}
