//! What the data plane knows: tenants, keys, budgets and prices, as one immutable snapshot in memory.
//!
//! A request takes the snapshot once and keeps it; `catalog/refresh.rs` replaces it when something
//! changed. No store is asked on the request path.

pub mod refresh;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

use crate::domain::budget::{Budget, Charge, Charges, Scope};
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::pricing::PriceBook;
use crate::domain::tenant::{ApiKey, KeyLookup, Tenant};
use crate::domain::window::{UtcMicros, Window};

/// Everything that decisions are made from, as of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Which state of the store this is.
    pub version: i64,
    /// Every tenant, closed ones too.
    pub tenants: HashMap<TenantId, Arc<TenantEntry>>,
    /// Every key, revoked ones too, by its public part.
    pub keys: HashMap<KeyLookup, ApiKey>,
    /// Prices in force.
    pub prices: PriceBook,
}

/// A tenant with everything that limits it.
#[derive(Debug)]
pub struct TenantEntry {
    /// The tenant.
    pub tenant: Tenant,
    /// Its own budgets and those of its keys.
    budgets: Vec<Arc<BudgetEntry>>,
}

/// A budget, since when it counts, and the window it is in.
#[derive(Debug)]
pub struct BudgetEntry {
    /// The budget.
    pub budget: Budget,
    /// Every request admitted from this instant on is charged to it. Outlives the snapshot.
    in_force_since: Arc<AtomicI64>,
    /// The window that was found last; only good for instants inside it.
    window: ArcSwapOption<Window>,
}

impl BudgetEntry {
    fn new(budget: Budget, in_force_since: Arc<AtomicI64>) -> Self {
        Self {
            budget,
            in_force_since,
            window: ArcSwapOption::empty(),
        }
    }

    /// What a request of this instant is charged to; nothing outside a custom period.
    pub fn charge_at(&self, at: UtcMicros, tenant: &Tenant) -> Option<Charge> {
        let window = self.window_at(at, tenant)?;
        let in_force_since = UtcMicros::new(self.in_force_since.load(Ordering::Acquire));
        Some(self.budget.charge_in(window, in_force_since))
    }

    fn window_at(&self, at: UtcMicros, tenant: &Tenant) -> Option<Window> {
        if let Some(known) = &*self.window.load()
            && known.contains(at)
        {
            return Some(**known);
        }
        let found = self.budget.period.window_at(at, &tenant.time_zone)?;
        self.window.store(Some(Arc::new(found)));
        Some(found)
    }
}

impl TenantEntry {
    /// A tenant that no budget limits.
    pub fn unlimited(tenant: Tenant) -> Self {
        Self {
            tenant,
            budgets: Vec::new(),
        }
    }

    /// The budgets that apply to a key's requests.
    pub fn budgets_of(&self, key: ApiKeyId) -> impl Iterator<Item = &BudgetEntry> {
        self.budgets()
            .filter(move |entry| match entry.budget.scope {
                Scope::Tenant(_) => true,
                Scope::Key(limited) => limited == key,
            })
    }

    /// Every budget of the tenant and of its keys.
    pub fn budgets(&self) -> impl Iterator<Item = &BudgetEntry> {
        self.budgets.iter().map(Arc::as_ref)
    }

    /// The accounts that a request of this instant, made with this key, is charged to.
    pub fn charges(&self, key: ApiKeyId, at: UtcMicros) -> Charges {
        self.budgets_of(key)
            .filter_map(|entry| entry.charge_at(at, &self.tenant))
            .collect()
    }
}

/// The snapshot in force. Cheap to read from any thread.
#[derive(Debug, Default)]
pub struct Catalog {
    current: ArcSwap<Snapshot>,
}

impl Catalog {
    /// The snapshot in force; a request takes it once.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        self.current.store(snapshot);
    }
}
