//! Looks now and then whether budgets stand at what the ledger says: at the rows that count on them and at
//! what is on its way there. They are the same by construction, so a difference that stays tells of a defect,
//! of rows that somebody added past the gateways, or of another replica that cannot write its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::catalog::accounts::{AccountOpener, Compared};
use crate::catalog::refresh::Refresher;
use crate::catalog::{BudgetEntry, Catalog};
use crate::domain::budget::{Account, Budget};
use crate::domain::money::Usd;
use crate::domain::window::{Clock, UtcMicros};
use crate::engine::UnknownSpending;
use crate::metrics::Metrics;

/// How many budgets are compared in one go: the recorder stands still meanwhile.
const COMPARED_TOGETHER_MAX: usize = 200;

/// See the module.
#[derive(Debug)]
pub struct DriftWatch {
    catalog: Arc<Catalog>,
    accounts: Arc<AccountOpener>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Those that differed when they were last compared.
    differing: HashMap<Account, Difference>,
    /// Those up to here were compared last.
    last: Option<Account>,
}

/// Two figures that should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Difference {
    figures: Compared,
    /// Seen twice without a change: nothing was under way.
    stays: bool,
}

impl DriftWatch {
    /// One that has not looked yet, for the budgets that are kept current there.
    pub fn new(kept: &Refresher, metrics: Arc<Metrics>) -> Self {
        Self {
            catalog: Arc::clone(&kept.catalog),
            accounts: Arc::clone(&kept.accounts),
            clock: Arc::clone(&kept.clock),
            metrics,
            differing: HashMap::new(),
            last: None,
        }
    }

    /// Looks at some budgets again and again, until told to stop.
    pub async fn run(mut self, interval: Duration, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow() {
            tokio::select! {
                _ = ticks.tick() => self.look_if_possible().await,
                _ = stop.changed() => {}
            }
        }
    }

    async fn look_if_possible(&mut self) {
        if let Err(error) = self.look().await {
            tracing::debug!(%error, "budgets are not compared with the ledger");
        }
    }

    /// Compares the next budgets.
    pub async fn look(&mut self) -> Result<(), UnknownSpending> {
        let now = self.clock.now();
        let snapshot = Arc::clone(&self.catalog.snapshot());
        let utc = TimeZone::UTC;
        let installations = snapshot.installation().map(|entry| (entry, &utc));
        let tenants = snapshot.tenants.values();
        let tenants = tenants.filter(|entry| !entry.tenant.is_closed);
        let own = tenants.flat_map(|entry| entry.budgets().map(|it| (it, &entry.tenant.time_zone)));
        let all = by_account(installations.chain(own), now);
        self.differing
            .retain(|account, _| all.contains_key(account));
        let next = self.next(&all);
        self.last = next.last().map(|(_, account)| *account);
        for (account, figures) in self.accounts.compare(&next).await? {
            self.note(account, figures);
        }
        self.metrics.set_counter_drift(self.drift());
        Ok(())
    }

    fn next<'a>(&self, all: &BTreeMap<Account, &'a Budget>) -> Vec<(&'a Budget, Account)> {
        let ahead = all
            .iter()
            .filter(|(account, _)| self.last.is_none_or(|last| **account > last));
        let next: Vec<_> = ahead.take(COMPARED_TOGETHER_MAX).map(pair).collect();
        if next.is_empty() {
            return all.iter().take(COMPARED_TOGETHER_MAX).map(pair).collect();
        }
        next
    }

    fn note(&mut self, account: Account, figures: Compared) {
        if figures.counted == figures.recorded {
            self.differing.remove(&account);
            return;
        }
        let before = self.differing.get(&account);
        let stays = before.is_some_and(|before| before.figures == figures);
        if stays && before.is_some_and(|before| !before.stays) {
            tracing::error!(
                ?account, counted_usd = %figures.counted, recorded_usd = %figures.recorded,
                "a budget does not stand at what the ledger says"
            );
        }
        self.differing
            .insert(account, Difference { figures, stays });
    }

    /// By how much those differ together that stay different.
    fn drift(&self) -> Usd {
        let staying = self.differing.values().filter(|it| it.stays);
        staying
            .map(|it| it.figures.apart())
            .fold(Usd::ZERO, Usd::saturating_add)
    }
}

fn by_account<'a>(
    entries: impl Iterator<Item = (&'a BudgetEntry, &'a TimeZone)>,
    now: UtcMicros,
) -> BTreeMap<Account, &'a Budget> {
    let open = entries.filter_map(|(entry, zone)| {
        let charge = entry.own_charge_at(now, zone)?;
        Some((charge.account, &entry.budget))
    });
    open.collect()
}

fn pair<'a>((account, budget): (&Account, &&'a Budget)) -> (&'a Budget, Account) {
    (budget, *account)
}
