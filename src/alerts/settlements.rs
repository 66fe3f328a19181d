//! The note that something was settled: which tenants the watcher has to look at. This is the one part
//! of alerts that requests pay for, so a tenant that has its note already costs a look into a map.

use std::collections::BTreeMap;

use dashmap::DashMap;

use crate::domain::id::TenantId;
use crate::domain::window::UtcMicros;

/// Tenants on whose budgets something was settled since the last look, each with the earliest instant
/// at which such a request was admitted: that decides in which window it was counted.
#[derive(Debug, Default)]
pub struct Settlements {
    earliest: DashMap<TenantId, UtcMicros>,
}

impl Settlements {
    /// Notes that a request was settled that was admitted at this instant.
    pub fn note(&self, tenant: TenantId, admitted_at: UtcMicros) {
        let is_noted = |known: &UtcMicros| *known <= admitted_at;
        if self
            .earliest
            .get(&tenant)
            .is_some_and(|known| is_noted(&known))
        {
            return;
        }
        let mut known = self.earliest.entry(tenant).or_insert(admitted_at);
        *known = admitted_at.min(*known);
    }

    /// Takes all notes.
    pub fn take(&self) -> BTreeMap<TenantId, UtcMicros> {
        let mut taken = BTreeMap::new();
        // Notes that come meanwhile are taken now or stay for the next time.
        self.earliest.retain(|tenant, admitted_at| {
            taken.insert(*tenant, *admitted_at);
            false
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_is_noted_once_with_its_earliest_request() {
        let settlements = Settlements::default();
        for (tenant, at) in [(1, 30), (2, 5), (1, 10), (1, 20)] {
            settlements.note(TenantId(tenant), UtcMicros::new(at));
        }
        let taken: Vec<_> = settlements.take().into_iter().collect();
        let expected = [(1, 10), (2, 5)].map(|(id, at)| (TenantId(id), UtcMicros::new(at)));
        assert_eq!(taken, expected);
        assert!(settlements.take().is_empty());
    }
}
