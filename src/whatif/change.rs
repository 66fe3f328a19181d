//! What would have been different, and the snapshot that comes of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::catalog::refresh::DefaultBudgets;
use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{Budget, Coverage, Scope};
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::RateLimits;
use crate::domain::tag::Inheritance;
use crate::domain::tenant::Tenant;
use crate::domain::window::{Period, UtcMicros};

/// Where the ids of budgets begin that are only asked about: no row has one of these.
const NEW_IDS: i64 = 1 << 62;
/// The ids of default budgets that the settings do not have, below those of the settings.
const NEW_DEFAULT_IDS: i64 = -NEW_IDS;
const PERIODS_PER_TENANT: i64 = 8;

/// All that would have been different.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Budgets.
    pub budgets: Vec<BudgetChange>,
    /// Limits of rates.
    pub rates: Vec<RateChange>,
    /// What tenants may spend that have no budget of their own in a period; nothing for no limit.
    pub defaults: Vec<(Period, Option<Usd>)>,
    /// The rules, as Rego.
    pub policy: Option<String>,
}

/// One budget that would have been different.
#[derive(Clone, Debug)]
pub enum BudgetChange {
    /// It would have been this; in place of the one of its id, or of its scope, period and calls.
    Put(Box<Budget>),
    /// It would not have been.
    Remove(BudgetId),
}

/// A limit in a change: nothing where it stays as it is; 0 is unlimited.
#[derive(Clone, Copy, Debug)]
pub struct RateChange {
    /// Of this tenant, or of one of its keys.
    pub subject: RateOwner,
    /// Requests a minute.
    pub requests: Option<u32>,
    /// Tokens a minute.
    pub tokens: Option<u32>,
    /// Requests at once.
    pub concurrent: Option<u32>,
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOwner {
    /// A tenant's.
    Tenant(TenantId),
    /// A key's.
    Key(ApiKeyId),
}

/// The id of a budget that is only asked about.
pub fn new_id(index: usize) -> BudgetId {
    BudgetId(NEW_IDS.saturating_add(i64::try_from(index).unwrap_or(i64::MAX)))
}

/// Whether a budget is only asked about: its id says nothing to anybody.
pub fn is_new(id: BudgetId) -> bool {
    id.0 >= NEW_IDS || id.0 < NEW_DEFAULT_IDS / 2
}

/// What requests are decided by.
pub(super) struct Trial {
    pub(super) snapshot: Snapshot,
    pub(super) keys: HashMap<ApiKeyId, RateLimits>,
    /// What their tenants call them.
    pub(super) key_names: HashMap<ApiKeyId, Arc<str>>,
}

impl Trial {
    /// What is in force, changed. Every request from `since` on is charged to all of its budgets.
    pub(super) fn new(
        snapshot: &Snapshot,
        defaults: &dyn DefaultBudgets,
        changes: &Changes,
        since: UtcMicros,
    ) -> Self {
        let everybodys = snapshot.installation();
        let mut installation: Vec<Budget> = everybodys.map(|it| it.budget.clone()).collect();
        let mut tenants: BTreeMap<TenantId, (Tenant, Vec<Budget>)> = BTreeMap::new();
        let mut ids: Vec<TenantId> = snapshot.tenants.keys().copied().collect();
        ids.sort_unstable();
        for entry in ids.iter().filter_map(|id| snapshot.tenants.get(id)) {
            // Those below zero are defaults: they are made anew below.
            let own = entry.budgets().filter(|it| it.budget.id.0 > 0);
            let own = own.map(|it| it.budget.clone()).collect();
            tenants.insert(entry.tenant.id, (entry.tenant.clone(), own));
        }
        for change in &changes.budgets {
            apply(change, &mut installation, &mut tenants);
        }
        let known = snapshot.limited_keys();
        let known = known.map(|(key, _, limits)| (key, limits));
        let mut keys: HashMap<ApiKeyId, RateLimits> = known.collect();
        let known = snapshot.keys.values();
        let key_names = known.map(|key| (key.id, Arc::clone(&key.name))).collect();
        for change in &changes.rates {
            limit(*change, &mut tenants, &mut keys);
        }
        for (tenant, own) in tenants.values_mut() {
            let made = defaults.budgets(tenant, own);
            own.extend(with_defaults(tenant, own, made, &changes.defaults));
        }
        Self {
            snapshot: snapshot.trial(installation, tenants, since),
            keys,
            key_names,
        }
    }
}

fn apply(
    change: &BudgetChange,
    installation: &mut Vec<Budget>,
    tenants: &mut BTreeMap<TenantId, (Tenant, Vec<Budget>)>,
) {
    match change {
        BudgetChange::Remove(id) => {
            let every = tenants.values_mut().map(|(_, budgets)| budgets);
            for budgets in every.chain([installation]) {
                budgets.retain(|budget| budget.id != *id);
            }
        }
        BudgetChange::Put(budget) => {
            let place = match budget.tenant {
                Some(tenant) => tenants.get_mut(&tenant).map(|(_, budgets)| budgets),
                None => Some(installation),
            };
            let Some(place) = place else { return };
            let is_same = |other: &Budget| other.id == budget.id || stands_for(other, budget);
            let known = place.iter().find(|other| is_same(other));
            let id = known.map_or(budget.id, |known| known.id);
            place.retain(|other| !is_same(other));
            place.push(Budget {
                id,
                ..(**budget).clone()
            });
        }
    }
}

/// Whether a scope has only one of the two.
pub(super) fn stands_for(one: &Budget, other: &Budget) -> bool {
    one.coverage.scope == other.coverage.scope
        && one.coverage.calls == other.coverage.calls
        && one.period.name() == other.period.name()
}

fn limit(
    change: RateChange,
    tenants: &mut BTreeMap<TenantId, (Tenant, Vec<Budget>)>,
    keys: &mut HashMap<ApiKeyId, RateLimits>,
) {
    let RateChange {
        subject,
        requests,
        tokens,
        concurrent,
    } = change;
    match subject {
        RateOwner::Tenant(id) => {
            let Some((tenant, _)) = tenants.get_mut(&id) else {
                return;
            };
            tenant.requests_per_minute = requests.or(tenant.requests_per_minute);
            tenant.tokens_per_minute = tokens.or(tenant.tokens_per_minute);
            tenant.concurrent_requests = concurrent.or(tenant.concurrent_requests);
        }
        RateOwner::Key(id) => {
            let before = keys.get(&id).copied().unwrap_or_default();
            let wanted = RateLimits::from_kept(requests, tokens, concurrent);
            let limits = RateLimits {
                requests: requests.map_or(before.requests, |_| wanted.requests),
                tokens: tokens.map_or(before.tokens, |_| wanted.tokens),
                concurrent: concurrent.map_or(before.concurrent, |_| wanted.concurrent),
            };
            keys.insert(id, limits);
        }
    }
}

/// The default budgets of a tenant with these of its own: those of the settings, and what is asked about.
fn with_defaults(
    tenant: &Tenant,
    own: &[Budget],
    mut made: Vec<Budget>,
    asked: &[(Period, Option<Usd>)],
) -> Vec<Budget> {
    for (number, (period, limit)) in (0_i64..).zip(asked) {
        made.retain(|budget| budget.period.name() != period.name());
        let Some(limit) = limit else { continue };
        let numbered = tenant.id.0.saturating_mul(PERIODS_PER_TENANT);
        let id = NEW_DEFAULT_IDS.saturating_add(numbered.saturating_add(number));
        let budget = Budget {
            id: BudgetId(id),
            tenant: Some(tenant.id),
            coverage: Coverage::all_of(Scope::Tenant(tenant.id)),
            period: *period,
            limit: *limit,
            inheritance: Inheritance::default(),
            thresholds: None,
            mode: Mode::Enforced,
        };
        if !own.iter().any(|other| stands_for(other, &budget)) {
            made.push(budget);
        }
    }
    made
}
