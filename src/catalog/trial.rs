//! Snapshots that are tried out and never in force: other tenants' limits and other budgets, all charged from
//! one instant on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::catalog::legacy::LegacyKeys;
use crate::catalog::{BudgetEntry, Snapshot, TenantEntry};
use crate::domain::budget::Budget;
use crate::domain::id::TenantId;
use crate::domain::tenant::Tenant;
use crate::domain::window::UtcMicros;

impl Snapshot {
    /// The same keys, tags, sessions and policies of tenants with other tenants and budgets, and the same prices. It has no
    /// tagging rules: what is tried was tagged.
    pub(crate) fn trial(
        &self,
        installation: Vec<Budget>,
        tenants: BTreeMap<TenantId, (Tenant, Vec<Budget>)>,
        since: UtcMicros,
    ) -> Self {
        let entries = |budgets: Vec<Budget>| -> Vec<Arc<BudgetEntry>> {
            let since = Arc::new(AtomicI64::new(since.get()));
            let entry = |budget| Arc::new(BudgetEntry::new(budget, Arc::clone(&since)));
            budgets.into_iter().map(entry).collect()
        };
        let tenants = tenants.into_iter().map(|(id, (tenant, budgets))| {
            let known = self.tenants.get(&id);
            let tags = known.map(|entry| entry.tags.clone());
            let entry = TenantEntry {
                tenant,
                budgets: entries(budgets),
                tags: tags.unwrap_or_default(),
                rules: Vec::new(),
                policy: known.and_then(|entry| entry.policy.clone()),
            };
            (id, Arc::new(entry))
        });
        Self {
            version: self.version,
            tenants: tenants.collect(),
            keys: Arc::clone(&self.keys),
            revoked: Arc::clone(&self.revoked),
            prices: self.prices.clone(),
            session_budgets: self.session_budgets.clone(),
            installation: entries(installation),
            recounts: self.recounts,
            legacy_keys: LegacyKeys::default(),
        }
    }
}
