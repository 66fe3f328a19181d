//! Keeps the snapshot current, and has the accounts of new budgets opened before anyone is charged to
//! them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::{Mutex as Turn, Notify, watch};
use tokio::time::sleep;

use crate::catalog::accounts::AccountOpener;
use crate::catalog::legacy::LegacyKeys;
use crate::catalog::news::listen;
use crate::catalog::{BudgetEntry, Catalog, Snapshot, TenantEntry, policies};
use crate::domain::budget::{Account, AccountOwner, Budget};
use crate::domain::id::TenantId;
use crate::domain::pricing::PriceBook;
use crate::domain::tag::{Tag, TagTree};
use crate::domain::tagging::TaggingRule;
use crate::domain::tenant::Tenant;
use crate::domain::window::{Clock, UtcMicros};
use crate::engine::{OpenMode, UnknownSpending};
use crate::policy::layers::TenantPolicy;
use crate::store::Store;
use crate::store::catalog::CatalogRows;
use crate::store::error::StoreError;

/// For how long a version of a price that another one replaced is still known: requests are charged by
/// the instant at which they arrived, which may lie before that of their snapshot.
const PRICES_KEPT_FOR: Duration = Duration::from_hours(1);

/// Why the snapshot is not current.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// The store cannot be read.
    #[error("could not read the catalog: {0}")]
    Store(#[from] StoreError),
    /// The spool cannot be read.
    #[error(transparent)]
    Spending(#[from] UnknownSpending),
}

/// Gives the budgets of tenants that have none of their own.
pub trait DefaultBudgets: Send + Sync + std::fmt::Debug {
    /// The default budgets of a tenant whose own budgets are these.
    fn budgets(&self, tenant: &Tenant, own: &[Budget]) -> Vec<Budget>;
}

/// The wish that accounts be opened again; the next check for changes does it.
#[derive(Debug, Default)]
pub struct Reopen(Mutex<Option<OpenMode>>);

impl Reopen {
    /// Asks for those that turned out not to be known.
    pub fn missing(&self) {
        self.0.lock().get_or_insert(OpenMode::Missing);
    }

    /// Asks for all of them, for some may not count all that was spent.
    pub fn anew(&self) {
        *self.0.lock() = Some(OpenMode::Anew);
    }

    fn take(&self) -> Option<OpenMode> {
        self.0.lock().take()
    }

    fn put_back(&self, mode: Option<OpenMode>) {
        match mode {
            Some(OpenMode::Anew) => self.anew(),
            Some(OpenMode::Missing) => self.missing(),
            None => {}
        }
    }
}

/// What a refresh works with.
#[derive(Debug)]
pub struct Refresher {
    /// Where the truth is.
    pub store: Store,
    /// What is kept current.
    pub catalog: Arc<Catalog>,
    /// What opens the accounts of new budgets.
    pub accounts: Arc<AccountOpener>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Budgets from the settings.
    pub defaults: Arc<dyn DefaultBudgets>,
    /// One refresh at a time.
    pub turn: Turn<()>,
    /// How often the store is asked whether something changed, whatever it tells on its own: proxies
    /// of databases and networks lose news without a word.
    pub check_interval: Duration,
    /// Set when some account turned out not to be known.
    pub reopen: Arc<Reopen>,
}

impl Refresher {
    /// Takes over everything that changed, and returns when it is in force.
    pub async fn refresh(&self) -> Result<(), RefreshError> {
        let _turn = self.turn.lock().await;
        // Of many changes at once, whoever has the first turn after the last one takes all over.
        let reopen = self.reopen.take();
        let taken_over = self.take_over(reopen).await;
        if taken_over.is_err() {
            self.reopen.put_back(reopen);
        }
        taken_over
    }

    async fn take_over(&self, reopen: Option<OpenMode>) -> Result<(), RefreshError> {
        let before = self.catalog.snapshot();
        let version = self.store.catalog_version().await?;
        if reopen.is_none() && version == before.version {
            return Ok(());
        }
        // A lower one is that of an older state of the database that was put in its place.
        let nothing = Snapshot::default();
        let known = if version < before.version {
            &nothing
        } else {
            &**before
        };
        let prices_since = self.clock.now().minus(PRICES_KEPT_FOR);
        let mut rows = self
            .store
            .load_catalog_after(known.version, prices_since)
            .await?;
        let bundles = mem::take(&mut rows.bundles);
        let policies =
            policies::of_tenants((&self.store, &self.catalog.wasm), bundles, &before).await?;
        // What came into the ledger past this process is in none of its accounts.
        let is_recount = before.version != 0 && rows.recounts != before.recounts;
        let reopen = reopen.or(is_recount.then_some(OpenMode::Anew));
        let mut fresh = Vec::new();
        let known = (known, reopen.is_some());
        let snapshot = self.build((rows, policies), known, &mut fresh);
        let mode = match (before.version, reopen) {
            // Others may have opened them, and count on.
            (0, reopen) => reopen.unwrap_or(OpenMode::Missing),
            (same, Some(mode)) if same == version => mode,
            _ => OpenMode::Anew,
        };
        let opened = self.open(&fresh, self.clock.now(), mode).await?;
        self.catalog.publish(snapshot);
        // From here on every request is charged to the new budgets: those that were admitted under
        // the snapshot before read the clock before this moment.
        let in_force = self.clock.now();
        for budget in &fresh {
            budget
                .entry
                .in_force_since
                .store(in_force.get(), Ordering::Release);
        }
        // A window may have begun between the two moments.
        fresh.retain(|budget| !opened.contains(&budget.account_at(in_force)));
        self.open(&fresh, in_force, mode).await?;
        Ok(())
    }

    /// Looks for changes at news of them and again and again, until told to stop. Changes made here
    /// are taken over at once by [`Refresher::refresh`]; this is for those made by other processes.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        let news = Notify::new();
        tokio::select! {
            never = listen(&self.store, &news) => match never {},
            () = self.check(&news, stop) => {}
        }
    }

    async fn check(&self, news: &Notify, mut stop: watch::Receiver<bool>) {
        let mut is_failing = false;
        while !self.until_told(news, &mut stop).await {
            let result = self.refresh().await;
            if result.is_err() != is_failing {
                tell(&result);
            }
            is_failing = result.is_err();
        }
    }

    /// Waits for the next check; true when told to stop.
    async fn until_told(&self, news: &Notify, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            () = news.notified() => {}
            () = sleep(self.check_interval) => {}
            _ = stop.changed() => {}
        }
        *stop.borrow()
    }

    fn build(
        &self,
        (rows, mut policies): (CatalogRows, HashMap<TenantId, Arc<TenantPolicy>>),
        (known, reopen): (&Snapshot, bool),
        fresh: &mut Vec<FreshBudget>,
    ) -> Arc<Snapshot> {
        let revoked = known.revoked_with(&rows.keys);
        let keys = known.keys_with(rows.keys);
        let before = (!reopen).then_some(known);
        let mut own: BTreeMap<Option<TenantId>, Vec<Budget>> = BTreeMap::new();
        for budget in rows.budgets {
            own.entry(budget.tenant).or_default().push(budget);
        }
        let mut tags: BTreeMap<TenantId, Vec<Tag>> = BTreeMap::new();
        for (tenant, tag) in rows.tags {
            tags.entry(tenant).or_default().push(tag);
        }
        let mut rules: BTreeMap<TenantId, Vec<TaggingRule>> = BTreeMap::new();
        for (tenant, rule) in rows.rules {
            rules.entry(tenant).or_default().push(rule);
        }
        let everybodys = own.remove(&None).unwrap_or_default();
        let known = before.map(|snapshot| &*snapshot.installation);
        let installation = entries(everybodys, known, &TimeZone::UTC, fresh);
        let mut tenants = HashMap::with_capacity(rows.tenants.len());
        for tenant in rows.tenants {
            let mut budgets = own.remove(&Some(tenant.id)).unwrap_or_default();
            budgets.extend(self.defaults.budgets(&tenant, &budgets));
            let known = before.and_then(|snapshot| snapshot.tenants.get(&tenant.id));
            let known = known.filter(|entry| entry.tenant.time_zone == tenant.time_zone);
            let known = known.map(|entry| &*entry.budgets);
            let budgets = entries(budgets, known, &tenant.time_zone, fresh);
            let tags = TagTree::new(tags.remove(&tenant.id).unwrap_or_default());
            let rules = rules.remove(&tenant.id).unwrap_or_default();
            let policy = policies.remove(&tenant.id);
            let entry = TenantEntry {
                tenant,
                budgets,
                tags,
                rules,
                policy,
            };
            tenants.insert(entry.tenant.id, Arc::new(entry));
        }
        Arc::new(Snapshot {
            version: rows.version,
            recounts: rows.recounts,
            installation,
            session_budgets: rows.sessions.into_iter().collect(),
            tenants,
            keys,
            revoked,
            legacy_keys: LegacyKeys::new(rows.legacy_keys),
            prices: PriceBook::new(rows.prices),
        })
    }

    /// Opens the accounts that requests of this instant are charged to.
    async fn open(
        &self,
        budgets: &[FreshBudget],
        at: UtcMicros,
        mode: OpenMode,
    ) -> Result<HashSet<Option<Account>>, RefreshError> {
        let wanted: Vec<(&Budget, Account)> = budgets
            .iter()
            .filter_map(|fresh| Some((&fresh.entry.budget, fresh.account_at(at)?)))
            .collect();
        self.accounts.open_budgets(&wanted, mode).await?;
        let opened = wanted.into_iter();
        Ok(opened.map(|(.., account)| Some(account)).collect())
    }
}

/// A budget that requests are not charged to yet.
struct FreshBudget {
    entry: Arc<BudgetEntry>,
    time_zone: TimeZone,
}

impl FreshBudget {
    fn account_at(&self, at: UtcMicros) -> Option<Account> {
        let window = self.entry.budget.period.window_at(at, &self.time_zone)?;
        Some(Account {
            owner: AccountOwner::Budget(self.entry.budget.id),
            window,
        })
    }
}

/// Said once when it begins to fail and once when it is over.
fn tell(result: &Result<(), RefreshError>) {
    let news = match result {
        Ok(()) => "the catalog is current again".to_owned(),
        Err(error) => format!("serving from the last known catalog: {error}"),
    };
    tracing::warn!("{news}");
}

/// A budget that was in force already, under the same calendar, stays so; the others are fresh.
fn entries(
    budgets: Vec<Budget>,
    before: Option<&[Arc<BudgetEntry>]>,
    zone: &TimeZone,
    fresh: &mut Vec<FreshBudget>,
) -> Vec<Arc<BudgetEntry>> {
    let mut entries = Vec::with_capacity(budgets.len());
    for budget in budgets {
        let known = before.into_iter().flatten().find(|known| {
            known.budget.id == budget.id
                && known.budget.coverage == budget.coverage
                && known.budget.period == budget.period
        });
        let in_force_since = known.map_or_else(
            || Arc::new(AtomicI64::new(UtcMicros::MAX.get())),
            |known| Arc::clone(&known.in_force_since),
        );
        let entry = Arc::new(BudgetEntry::new(budget, in_force_since));
        if known.is_none() {
            fresh.push(FreshBudget {
                entry: Arc::clone(&entry),
                time_zone: zone.clone(),
            });
        }
        entries.push(entry);
    }
    entries
}
