//! What budgets would have refused that only count: as a metric, and by budget for whoever looks at it.
//! Of this process, since its start.

use dashmap::DashMap;
use prometheus::IntCounterVec;

use crate::domain::budget::{Account, AccountOwner, Scope};
use crate::domain::window::Window;
use crate::metrics::register::Register;
use crate::metrics::series::SeriesCap;
use crate::metrics::{Metrics, OTHER, increment};

/// Different tenants that get series of their own.
const TENANTS_MAX: usize = 1_000;
/// Of how many budgets it is known what they would have refused.
const BUDGETS_MAX: usize = 100_000;

#[derive(Debug)]
pub(super) struct ShadowMetrics {
    refusals: IntCounterVec,
    tenants: SeriesCap,
    /// In the window that was refused in last.
    budgets: DashMap<AccountOwner, (Window, u64)>,
}

impl ShadowMetrics {
    pub(super) fn new(register: &Register<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            refusals: register.counters(
                "budgetguard_shadow_refusals_total",
                "Requests that a budget would have refused if it did not only count.",
                &["scope_kind", "tenant"],
            )?,
            tenants: SeriesCap::new(TENANTS_MAX),
            budgets: DashMap::new(),
        })
    }

    fn count(&self, account: Account) {
        if self.budgets.len() >= BUDGETS_MAX && !self.budgets.contains_key(&account.owner) {
            self.budgets.clear();
        }
        let mut known = self
            .budgets
            .entry(account.owner)
            .or_insert((account.window, 0));
        let (window, count) = &mut *known;
        if window.start < account.window.start {
            (*window, *count) = (account.window, 0);
        }
        if *window == account.window {
            *count = count.saturating_add(1);
        }
    }
}

impl Metrics {
    /// A budget of this scope would have refused a request of this tenant, by one of its accounts.
    pub fn shadow_refused(&self, scope: Scope, tenant: &str, account: Account) {
        let shown = self.shadows.tenants.admits(&tenant);
        let tenant = if shown { tenant } else { OTHER };
        increment(&self.shadows.refusals, &[scope.kind(), tenant]);
        self.shadows.count(account);
    }

    /// How many requests a budget would have refused here in this window.
    pub fn would_have_refused(&self, account: Account) -> u64 {
        let known = self.shadows.budgets.get(&account.owner);
        let of_window = known.filter(|known| known.0 == account.window);
        of_window.map_or(0, |known| known.1)
    }
}
