//! All budgets that are in force, with what they stand at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;
use jiff::tz::TimeZone;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::standing::{live, recorded, would_have_refused};
use crate::catalog::{BudgetEntry, Snapshot, TenantEntry};
use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{Account, Balance, Budget, Scope};
use crate::domain::health::Health;
use crate::domain::id::{ApiKeyId, BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::session::SessionKey;
use crate::domain::window::{Period, UtcMicros, Window};
use crate::store::sessions::SessionRecord;

/// The most sessions with a budget of their own that are told of.
const SESSIONS_MAX: u32 = 1_000;
/// How many tenants' budgets are asked for at once: each question may be a way to Redis and back.
const TENANTS_AT_ONCE: usize = 16;

/// A budget, whose it is, and what it stands at.
pub(super) struct Found {
    pub(super) id: Option<BudgetId>,
    pub(super) owner: Owner,
    pub(super) period: &'static str,
    pub(super) models: Vec<String>,
    pub(super) providers: Vec<String>,
    pub(super) window: Window,
    pub(super) limit: Usd,
    pub(super) balance: Balance,
    pub(super) is_shadow: bool,
    pub(super) would_have_refused: Option<u64>,
}

/// What a budget limits.
#[derive(Default)]
pub(super) struct Owner {
    pub(super) scope: &'static str,
    pub(super) name: String,
    pub(super) tenant_id: Option<TenantId>,
    pub(super) tenant: Option<String>,
    pub(super) key_id: Option<ApiKeyId>,
    pub(super) tag_id: Option<TagId>,
    pub(super) session_id: Option<String>,
}

impl Found {
    pub(super) fn health(&self) -> Health {
        Health::of(self.balance.spent, self.limit)
    }

    /// The part of the limit that is spent, in millionths. Where nothing may be spent, all of it is.
    pub(super) fn part_spent(&self) -> i128 {
        const MILLION: i128 = 1_000_000;
        let spent = i128::from(self.balance.spent.nanos()) * MILLION;
        spent
            .checked_div(i128::from(self.limit.nanos()))
            .unwrap_or(MILLION)
    }
}

/// The budgets of a tenant, or of all of them and of the installation. Closed tenants have none.
pub(super) async fn all(
    state: &AdminState,
    tenant: Option<TenantId>,
    now: UtcMicros,
) -> Result<Vec<Found>, AdminError> {
    let snapshot = Arc::clone(&state.catalog.snapshot());
    let mut found = Vec::new();
    if tenant.is_none() {
        found.extend(of_installation(state, &snapshot, now).await?);
    }
    let keys = key_names(&snapshot);
    let wanted = snapshot.tenants.values().filter(|entry| {
        let is_asked_for = tenant.is_none_or(|asked| asked == entry.tenant.id);
        is_asked_for && !entry.tenant.is_closed && entry.budgets().next().is_some()
    });
    let wanted: Vec<&TenantEntry> = wanted.map(Arc::as_ref).collect();
    for some in wanted.chunks(TENANTS_AT_ONCE) {
        let some = some.iter().map(|entry| of_tenant(state, entry, &keys, now));
        found.extend(try_join_all(some).await?.into_iter().flatten());
    }
    if !snapshot.session_budgets.is_empty() {
        found.extend(of_sessions(state, &snapshot, tenant).await?);
    }
    Ok(found)
}

async fn of_installation(
    state: &AdminState,
    snapshot: &Snapshot,
    now: UtcMicros,
) -> Result<Vec<Found>, AdminError> {
    let live = live(state, None, now).await;
    let mut found = Vec::new();
    for entry in snapshot.installation() {
        let owner = Owner {
            scope: "installation",
            ..Owner::default()
        };
        found.extend(of_budget(state, (entry, owner), &live, (&TimeZone::UTC, now)).await?);
    }
    Ok(found)
}

async fn of_tenant(
    state: &AdminState,
    tenant: &TenantEntry,
    keys: &HashMap<ApiKeyId, Arc<str>>,
    now: UtcMicros,
) -> Result<Vec<Found>, AdminError> {
    let live = live(state, Some(tenant.tenant.id), now).await;
    let zone = &tenant.tenant.time_zone;
    let mut found = Vec::new();
    for entry in tenant.budgets() {
        let owner = owner_of(&entry.budget, tenant, keys);
        found.extend(of_budget(state, (entry, owner), &live, (zone, now)).await?);
    }
    Ok(found)
}

/// Nothing outside the dates of a custom period. An account that is not open yet is counted by the ledger.
async fn of_budget(
    state: &AdminState,
    (entry, owner): (&BudgetEntry, Owner),
    live: &HashMap<BudgetId, Balance>,
    (zone, now): (&TimeZone, UtcMicros),
) -> Result<Option<Found>, AdminError> {
    let budget = &entry.budget;
    let Some(window) = budget.period.window_at(now, zone) else {
        return Ok(None);
    };
    let balance = match live.get(&budget.id) {
        Some(balance) => *balance,
        None => Balance {
            spent: recorded(state, &budget.coverage, Some(window)).await?,
            ..Balance::default()
        },
    };
    Ok(Some(Found {
        id: budget.is_kept().then_some(budget.id),
        owner,
        period: budget.period.name(),
        models: budget.coverage.calls.models.texts(),
        providers: budget.coverage.calls.providers.texts(),
        window,
        limit: budget.limit,
        balance,
        is_shadow: budget.mode == Mode::Shadow,
        would_have_refused: would_have_refused(state, budget, zone),
    }))
}

fn owner_of(budget: &Budget, tenant: &TenantEntry, keys: &HashMap<ApiKeyId, Arc<str>>) -> Owner {
    let of_tenant = Owner {
        scope: "tenant",
        name: tenant.tenant.name.clone(),
        tenant_id: Some(tenant.tenant.id),
        tenant: Some(tenant.tenant.name.clone()),
        ..Owner::default()
    };
    match budget.coverage.scope {
        Scope::Key(key) => Owner {
            scope: "key",
            name: keys.get(&key).map(ToString::to_string).unwrap_or_default(),
            key_id: Some(key),
            ..of_tenant
        },
        Scope::Tag(tag) => Owner {
            scope: "tag",
            name: tenant.tags.path(tag).unwrap_or_default(),
            tag_id: Some(tag),
            ..of_tenant
        },
        Scope::Installation | Scope::Tenant(_) | Scope::Session(_) => of_tenant,
    }
}

fn key_names(snapshot: &Snapshot) -> HashMap<ApiKeyId, Arc<str>> {
    let keys = snapshot.keys.values().map(|key| (key.id, &key.name));
    let imported = snapshot.legacy_keys.all().map(|key| (key.id, &key.name));
    let named = keys.chain(imported);
    named.map(|(id, name)| (id, Arc::clone(name))).collect()
}

/// By the live account where there is one, else by the ledger.
async fn of_sessions(
    state: &AdminState,
    snapshot: &Snapshot,
    tenant: Option<TenantId>,
) -> Result<Vec<Found>, AdminError> {
    let records = state.store.limited_sessions(tenant, SESSIONS_MAX).await?;
    let mut by_tenant: BTreeMap<TenantId, Vec<SessionRecord>> = BTreeMap::new();
    for record in records {
        by_tenant.entry(record.tenant).or_default().push(record);
    }
    let mut found = Vec::new();
    for (id, records) in by_tenant {
        let Some(entry) = snapshot.tenants.get(&id).filter(|it| !it.tenant.is_closed) else {
            continue;
        };
        let account = |record: &SessionRecord| Account::of_session(SessionKey::new(id, &record.id));
        let accounts: Vec<Account> = records.iter().map(account).collect();
        let live = state.engine.balances(id, &accounts).await;
        let sessions = records.into_iter().zip(live);
        found.extend(sessions.filter_map(|(record, live)| of_session(record, live, entry)));
    }
    Ok(found)
}

fn of_session(record: SessionRecord, live: Option<Balance>, tenant: &TenantEntry) -> Option<Found> {
    let limit = record.own_budget?;
    let recorded = Balance {
        spent: record.cost,
        ..Balance::default()
    };
    Some(Found {
        id: None,
        owner: Owner {
            scope: "session",
            name: record.name.unwrap_or_else(|| record.id.clone()),
            tenant_id: Some(record.tenant),
            tenant: Some(tenant.tenant.name.clone()),
            session_id: Some(record.id),
            ..Owner::default()
        },
        period: Period::Total.name(),
        models: Vec::new(),
        providers: Vec::new(),
        window: Window::TOTAL,
        limit,
        balance: live.unwrap_or(recorded),
        is_shadow: false,
        would_have_refused: None,
    })
}
