//! Finds the thresholds that spending has passed, and tells those that nobody has told yet.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, watch};

use crate::alerts::settlements::Settlements;
use crate::catalog::{BudgetEntry, Catalog, Snapshot};
use crate::domain::alert::{Alert, AlertKey, Thresholds};
use crate::domain::budget::Charge;
use crate::domain::id::TenantId;
use crate::domain::window::{Clock, UtcMicros};
use crate::engine::BudgetEngine;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::alerts::AlertRecord;
use crate::store::error::StoreError;

/// How often it looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often alerts that are old are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_hours(1);
/// The most accounts that the engine is asked about at once: a tenant stands still for the answer.
const ACCOUNTS_MAX: usize = 64;
/// Of how many alerts it is remembered that they were told; the store knows the others.
const KNOWN_MAX: usize = 100_000;
/// Through which tenant the installation's accounts are found: any will do.
const ANYBODY: TenantId = TenantId(0);

/// What a watcher works with.
#[derive(Debug)]
pub struct WatcherParts {
    /// Which budgets there are.
    pub catalog: Arc<Catalog>,
    /// What they stand at.
    pub engine: Arc<dyn BudgetEngine>,
    /// Where it is decided who tells.
    pub store: Store,
    /// What counts.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where there may be something to find.
    pub settlements: Arc<Settlements>,
    /// What the settings say.
    pub options: WatcherOptions,
    /// Wakes whoever delivers; nothing is delivered without one.
    pub courier: Option<Arc<Notify>>,
}

/// What the settings say to a watcher.
#[derive(Clone, Debug)]
pub struct WatcherOptions {
    /// The thresholds of budgets that have none of their own.
    pub usual: Thresholds,
    /// For how long alerts are kept after their window has ended.
    pub keep: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Watcher {
    parts: WatcherParts,
    /// The snapshot whose budgets have all been looked at.
    seen: Arc<Snapshot>,
    /// What needs not be asked again.
    known: HashSet<AlertKey>,
    forgot_at: UtcMicros,
}

/// Whose budgets are to be looked at, from when on: those of tenants, and the installation's.
#[derive(Default)]
struct Places {
    tenants: BTreeMap<TenantId, UtcMicros>,
    installation: Option<UtcMicros>,
}

impl Watcher {
    /// A watcher that has seen nothing yet: its first look is at everything.
    pub fn new(parts: WatcherParts) -> Self {
        Self {
            parts,
            seen: Arc::default(),
            known: HashSet::new(),
            forgot_at: UtcMicros::MIN,
        }
    }

    /// Looks again and again, and once more when told to stop: by then every request has ended. What
    /// cannot be written then is found at the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut is_failing = false;
        loop {
            let is_last = until_told(&mut stop).await;
            let result = self.look_and_forget().await;
            if result.is_err() != is_failing {
                tell_state(&result);
            }
            is_failing = result.is_err();
            if is_last {
                return;
            }
        }
    }

    async fn look_and_forget(&mut self) -> Result<(), StoreError> {
        self.look().await?;
        let now = self.parts.clock.now();
        if now < self.forgot_at.plus(FORGET_INTERVAL) {
            return Ok(());
        }
        let before = now.minus(self.parts.options.keep);
        self.parts.store.forget_alerts(before).await?;
        self.forgot_at = now;
        Ok(())
    }

    /// Looks once, and gives what it told.
    pub async fn look(&mut self) -> Result<Vec<AlertRecord>, StoreError> {
        let now = self.parts.clock.now();
        let snapshot = Arc::clone(&self.parts.catalog.snapshot());
        let places = self.places(&snapshot, now);
        let mut found = self.search(&snapshot, &places, now).await;
        found.retain(|alert| !self.known.contains(&alert.key()));
        let raised = match self.raise(&found, now).await {
            Ok(raised) => raised,
            Err(error) => {
                // All of it has to be looked at again; the snapshot stays unseen.
                for (tenant, since) in places.tenants {
                    self.parts.settlements.note(tenant, since);
                }
                return Err(error);
            }
        };
        self.seen = snapshot;
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.extend(found.iter().map(Alert::key));
        Ok(raised)
    }

    async fn raise(&self, found: &[Alert], now: UtcMicros) -> Result<Vec<AlertRecord>, StoreError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let courier = self.parts.courier.as_deref();
        let due_at = courier.map(|_| now);
        let raised = self.parts.store.raise_alerts(found, now, due_at).await?;
        for record in &raised {
            self.parts.metrics.alert_raised(&record.alert);
            tell(record);
        }
        if let Some(courier) = courier.filter(|_| !raised.is_empty()) {
            courier.notify_one();
        }
        Ok(raised)
    }

    /// Where something was settled, or a budget is not as it was.
    fn places(&self, snapshot: &Snapshot, now: UtcMicros) -> Places {
        let mut tenants = self.parts.settlements.take();
        let mut installation = tenants.values().min().copied();
        if snapshot.version != self.seen.version {
            let changed = snapshot.tenants.iter().filter(|(id, entry)| {
                let before = self.seen.tenants.get(id);
                !before.is_some_and(|before| are_same(before.budgets(), entry.budgets()))
            });
            for tenant in changed.map(|(id, _)| *id).collect::<Vec<_>>() {
                tenants.entry(tenant).or_insert(now);
            }
            if !are_same(self.seen.installation(), snapshot.installation()) {
                installation = installation.or(Some(now));
            }
        }
        Places {
            tenants,
            installation,
        }
    }

    async fn search(&self, snapshot: &Snapshot, places: &Places, now: UtcMicros) -> Vec<Alert> {
        let mut found = Vec::new();
        for (tenant, since) in &places.tenants {
            let Some(entry) = snapshot.tenants.get(tenant) else {
                continue;
            };
            let zone = &entry.tenant.time_zone;
            let charges = charges(entry.budgets(), [*since, now], zone);
            found.extend(self.passed(*tenant, &charges).await);
        }
        if let Some(since) = places.installation {
            let charges = charges(snapshot.installation(), [since, now], &TimeZone::UTC);
            found.extend(self.passed(ANYBODY, &charges).await);
        }
        found
    }

    /// What was passed on some accounts of a tenant, or of the installation.
    async fn passed(&self, tenant: TenantId, charges: &[(&BudgetEntry, Charge)]) -> Vec<Alert> {
        let mut found = Vec::new();
        for part in charges.chunks(ACCOUNTS_MAX) {
            let accounts: Vec<_> = part.iter().map(|(_, charge)| charge.account).collect();
            let balances = self.parts.engine.balances(tenant, &accounts).await;
            for ((entry, charge), balance) in part.iter().zip(balances) {
                // On an account that is not known nothing was settled here.
                let Some(balance) = balance else { continue };
                let usual = &self.parts.options.usual;
                let window = charge.account.window;
                found.extend(Alert::all_of(&entry.budget, window, balance, usual));
            }
        }
        found
    }
}

/// The accounts of budgets at the instants, each once.
fn charges<'a>(
    budgets: impl Iterator<Item = &'a BudgetEntry>,
    [since, now]: [UtcMicros; 2],
    zone: &TimeZone,
) -> Vec<(&'a BudgetEntry, Charge)> {
    let mut found = Vec::new();
    for entry in budgets {
        let before = entry.own_charge_at(since, zone);
        let present = entry
            .own_charge_at(now, zone)
            .filter(|charge| before.is_none_or(|before| before.account != charge.account));
        found.extend(
            before
                .into_iter()
                .chain(present)
                .map(|charge| (entry, charge)),
        );
    }
    found
}

fn are_same<'a>(
    before: impl Iterator<Item = &'a BudgetEntry>,
    after: impl Iterator<Item = &'a BudgetEntry>,
) -> bool {
    before
        .map(|entry| &entry.budget)
        .eq(after.map(|entry| &entry.budget))
}

fn tell(record: &AlertRecord) {
    let alert = &record.alert;
    tracing::warn!(
        alert = %record.id, budget = %alert.budget, tenant = alert.tenant.map(|tenant| tenant.0),
        scope = alert.scope.kind(), period = alert.period.name(), threshold = alert.threshold.get(),
        spent_usd = %alert.spent, limit_usd = %alert.limit, window_start = %alert.window.start,
        "spending has passed {} % of a budget", alert.threshold
    );
}

/// Said once when it begins to fail and once when it is over.
fn tell_state(result: &Result<(), StoreError>) {
    let news = match result {
        Ok(()) => "budget alerts are raised again".to_owned(),
        Err(error) => format!("budget alerts wait: {error}"),
    };
    tracing::warn!("{news}");
}

/// Waits for the next look; true when told to stop.
async fn until_told(stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(LOOK_INTERVAL) => {}
        _ = stop.changed() => {}
    }
    *stop.borrow()
}
