//! What the data plane knows: tenants, keys, budgets and prices, as one immutable snapshot in memory.
//!
//! A request takes the snapshot once and keeps it; `catalog/refresh.rs` replaces it when something
//! changed. No store is asked on the request path.

pub mod accounts;
pub mod drift;
pub mod legacy;
mod names;
mod news;
mod policies;
pub mod refresh;
mod trial;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use jiff::tz::TimeZone;

use crate::catalog::legacy::LegacyKeys;
use crate::domain::budget::{Budget, Charge, Charges, Origin, Share};
use crate::domain::id::{ApiKeyId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::pricing::PriceBook;
use crate::domain::rate::RateLimits;
use crate::domain::session::SessionKey;
use crate::domain::tag::TagTree;
use crate::domain::tagging::TaggingRule;
use crate::domain::tenant::{ApiKey, KeyLookup, LegacyKey, Tenant};
use crate::domain::window::{UtcMicros, Window};
use crate::policy::layers::TenantPolicy;
use crate::policy::wasm::WasmRuntime;

/// Everything that decisions are made from, as of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Which state of the store this is.
    pub version: i64,
    /// How often budgets had to be counted anew for rows that came past the gateways.
    pub(crate) recounts: i64,
    /// Every tenant, closed ones too.
    pub tenants: HashMap<TenantId, Arc<TenantEntry>>,
    /// Every key, revoked ones too, by its public part.
    pub keys: Arc<HashMap<KeyLookup, ApiKey>>,
    /// The keys among them that may not call any more.
    pub(crate) revoked: Arc<HashSet<ApiKeyId>>,
    /// Keys of which only a bcrypt hash is known.
    pub legacy_keys: LegacyKeys,
    /// Prices in force, and those that will be.
    pub prices: PriceBook,
    /// What sessions may spend that have a budget of their own.
    pub(crate) session_budgets: HashMap<SessionKey, Usd>,
    /// The budgets of the installation.
    pub(crate) installation: Vec<Arc<BudgetEntry>>,
}

/// A tenant with everything that limits it.
#[derive(Debug)]
pub struct TenantEntry {
    /// The tenant.
    pub tenant: Tenant,
    /// Its own budgets and those of its keys and tags.
    budgets: Vec<Arc<BudgetEntry>>,
    /// Its tags.
    pub(crate) tags: TagTree,
    /// What tags requests that do not name them, in the order in which it is applied.
    pub(crate) rules: Vec<TaggingRule>,
    /// The rules that are asked after the installation's.
    pub(crate) policy: Option<Arc<TenantPolicy>>,
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

    /// What a request of this instant and origin is charged to; nothing where the budget does not
    /// count it, or outside a custom period.
    pub fn charge_at(&self, at: UtcMicros, origin: &Origin, zone: &TimeZone) -> Option<Charge> {
        let share = self.budget.coverage.share_of(origin)?;
        self.charge_of(share, at, zone)
    }

    /// The budget's own account at this instant, as a request that counts in full is charged to it.
    pub fn own_charge_at(&self, at: UtcMicros, zone: &TimeZone) -> Option<Charge> {
        self.charge_of(Share::OWN, at, zone)
    }

    fn charge_of(&self, share: Share, at: UtcMicros, zone: &TimeZone) -> Option<Charge> {
        let window = self.window_at(at, zone)?;
        let in_force_since = UtcMicros::new(self.in_force_since.load(Ordering::Acquire));
        Some(self.budget.charge_in(window, share, in_force_since))
    }

    fn window_at(&self, at: UtcMicros, zone: &TimeZone) -> Option<Window> {
        if let Some(known) = &*self.window.load()
            && known.contains(at)
        {
            return Some(**known);
        }
        let found = self.budget.period.window_at(at, zone)?;
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
            tags: TagTree::default(),
            rules: Vec::new(),
            policy: None,
        }
    }

    /// Its own rules, if it has some in force.
    pub fn policy(&self) -> Option<&Arc<TenantPolicy>> {
        self.policy.as_ref()
    }

    /// Every budget of the tenant, its keys and its tags.
    pub fn budgets(&self) -> impl Iterator<Item = &BudgetEntry> {
        self.budgets.iter().map(Arc::as_ref)
    }
}

impl Snapshot {
    /// Every budget of the installation.
    pub fn installation(&self) -> impl Iterator<Item = &BudgetEntry> {
        self.installation.iter().map(Arc::as_ref)
    }

    /// Whether requests of a key that was good when they came may go on.
    pub(crate) fn may_go_on(&self, tenant: TenantId, key: ApiKeyId) -> bool {
        let tenant = self.tenants.get(&tenant);
        let is_open = tenant.is_some_and(|entry| !entry.tenant.is_closed);
        is_open && !self.revoked.contains(&key)
    }

    /// Those that may not call, after some keys changed and these are left that were not used here yet. One of
    /// those that is missing was used here, and is among the changed ones, or is revoked.
    fn revoked_with(&self, changed: &[ApiKey], legacy: &[LegacyKey]) -> Arc<HashSet<ApiKeyId>> {
        let gone = self.legacy_gone(legacy);
        let is_same = |key: &ApiKey| self.revoked.contains(&key.id) != key.is_active;
        if gone.is_empty() && changed.iter().all(is_same) {
            return Arc::clone(&self.revoked);
        }
        let mut revoked = HashSet::clone(&self.revoked);
        revoked.extend(gone);
        for key in changed {
            if key.is_active {
                revoked.remove(&key.id);
            } else {
                revoked.insert(key.id);
            }
        }
        Arc::new(revoked)
    }

    fn legacy_gone(&self, left: &[LegacyKey]) -> Vec<ApiKeyId> {
        if self.legacy_keys.is_empty() {
            return Vec::new();
        }
        let left: HashSet<ApiKeyId> = left.iter().map(|key| key.id).collect();
        let known = self.legacy_keys.all().map(|key| key.id);
        known.filter(|id| !left.contains(id)).collect()
    }

    /// The keys as they are after some changed. Most changes are of other things.
    fn keys_with(&self, changed: Vec<ApiKey>) -> Arc<HashMap<KeyLookup, ApiKey>> {
        if changed.is_empty() {
            return Arc::clone(&self.keys);
        }
        let mut keys = HashMap::clone(&self.keys);
        keys.extend(changed.into_iter().map(|key| (key.lookup, key)));
        Arc::new(keys)
    }

    /// The accounts that a request of this instant and origin is charged to.
    pub fn charges(&self, entry: &TenantEntry, origin: &Origin, at: UtcMicros) -> Charges {
        let zone = &entry.tenant.time_zone;
        let own = entry.budgets();
        let own = own.filter_map(|budget| budget.charge_at(at, origin, zone));
        let everybodys = self.installation();
        let everybodys =
            everybodys.filter_map(|budget| budget.charge_at(at, origin, &TimeZone::UTC));
        own.chain(everybodys).collect()
    }

    /// Every key with whose it is and its limits, also those that were imported and not used yet.
    pub(crate) fn limited_keys(&self) -> impl Iterator<Item = (ApiKeyId, TenantId, RateLimits)> {
        let known = self.keys.values();
        let known = known.map(|key| (key.id, key.tenant, key.limits));
        let legacy = self.legacy_keys.all();
        known.chain(legacy.map(|key| (key.id, key.tenant, key.limits)))
    }

    /// Whose key it is.
    pub(crate) fn owner_of_key(&self, key: ApiKeyId) -> Option<TenantId> {
        let found = self.limited_keys().find(|(id, ..)| *id == key);
        found.map(|(_, tenant, _)| tenant)
    }

    /// What a session with these tags may spend: its own budget, else the least of its tags', else the
    /// tenant's default.
    pub(crate) fn session_budget(
        &self,
        session: SessionKey,
        entry: &TenantEntry,
        tags: impl IntoIterator<Item = TagId>,
    ) -> Option<Usd> {
        let own = self.session_budgets.get(&session).copied();
        own.or_else(|| entry.tags.session_budget(tags))
            .or(entry.tenant.default_session_budget)
    }
}

/// The snapshot in force. Cheap to read from any thread.
#[derive(Debug, Default)]
pub struct Catalog {
    current: ArcSwap<Snapshot>,
    /// What the modules of tenants share.
    wasm: Arc<WasmRuntime>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::KeyHash;

    const TENANT: TenantId = TenantId(1);

    fn key(id: i64, is_active: bool) -> ApiKey {
        ApiKey {
            id: ApiKeyId(id),
            tenant: TENANT,
            lookup: KeyLookup(1),
            name: "ci".into(),
            hash: KeyHash([2; 32]),
            is_active,
            limits: RateLimits::default(),
        }
    }

    fn legacy(id: i64) -> LegacyKey {
        LegacyKey {
            id: ApiKeyId(id),
            tenant: TENANT,
            prefix: "3f9a1c7b".to_owned(),
            name: "ci".into(),
            hash: String::new(),
            limits: RateLimits::default(),
        }
    }

    fn sorted(revoked: &HashSet<ApiKeyId>) -> Vec<i64> {
        let mut ids: Vec<i64> = revoked.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn keys_are_revoked_whether_or_not_they_were_used_here() {
        let known = Snapshot {
            legacy_keys: LegacyKeys::new([1, 2, 3, 4].map(legacy)),
            revoked: Arc::new([5, 6].map(ApiKeyId).into()),
            ..Snapshot::default()
        };
        // 1 was revoked, 2 was used, 3 was used and revoked, 4 waits as before.
        let changed = [key(2, true), key(3, false), key(5, true), key(7, false)];
        let revoked = known.revoked_with(&changed, &[legacy(4)]);
        assert_eq!(sorted(&revoked), [1, 3, 6, 7]);
        let same = known.revoked_with(&[key(8, true)], &[1, 2, 3, 4].map(legacy));
        assert!(Arc::ptr_eq(&same, &known.revoked));
    }
}
