//! The engine of a single process: counters in memory, rebuilt from the ledger at each start.
//!
//! Everything of one tenant stands behind one lock, taken for well under a microsecond and never
//! across an await: that makes each step atomic over all accounts without any ordering of locks. The
//! installation's accounts have a lock of their own, always taken after the tenant's.

mod books;
mod rates;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};

use crate::domain::budget::{Account, Balance, Hold, Reservation, Scope};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::{RateStandings, RateWish};
use crate::engine::local::books::{Accounts, TenantBooks};
use crate::engine::{
    BudgetEngine, OpenMode, Opening, RateRefusal, Refusal, Spending, Spendings, UnknownSpending,
};

/// See the module.
#[derive(Debug, Default)]
pub struct LocalEngine {
    tenants: DashMap<TenantId, Arc<Mutex<TenantBooks>>>,
    installation: Mutex<Accounts>,
    /// Read by every step on holds; written while the installation's accounts are opened, for which
    /// all tenants have to stand still.
    everybody: RwLock<()>,
}

impl LocalEngine {
    /// One short step on the books of a tenant: the map's shard is locked as well.
    fn with_books<T>(&self, tenant: TenantId, step: impl FnOnce(&mut TenantBooks) -> T) -> T {
        if let Some(books) = self.tenants.get(&tenant) {
            return step(&mut books.lock());
        }
        step(&mut self.tenants.entry(tenant).or_default().lock())
    }

    fn open_installation(
        &self,
        openings: &[(&Opening, Usd)],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        let _still = self.everybody.write();
        let mut unrecorded = spendings.unrecorded()?;
        for books in &self.tenants {
            let books = books.lock();
            unrecorded.retain(|spending| !books.is_under_way(spending.request));
        }
        for (opening, in_ledger) in openings {
            let is_open = self.installation.lock().get(&opening.account).is_some();
            if is_open && mode == OpenMode::Missing {
                continue;
            }
            let mut balance = Balance {
                spent: opening.charged(*in_ledger, &unrecorded),
                held: Usd::ZERO,
            };
            for books in &self.tenants {
                let held = books.lock().join(opening, true);
                balance.held = balance.held.saturating_add(held);
            }
            self.installation.lock().set(opening.account, balance);
        }
        Ok(())
    }

    fn open_of_tenant(
        &self,
        tenant: TenantId,
        openings: &[(&Opening, Usd)],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        // Reading the charges takes its time: only this tenant stands still for it, not the map.
        let books = Arc::clone(&self.tenants.entry(tenant).or_default());
        let mut books = books.lock();
        let unrecorded: Vec<Spending> = spendings
            .unrecorded()?
            .into_iter()
            .filter(|spending| spending.origin.tenant == tenant)
            .filter(|spending| !books.is_under_way(spending.request))
            .collect();
        for (opening, in_ledger) in openings {
            let is_open = books.accounts.get(&opening.account).is_some();
            if is_open && mode == OpenMode::Missing {
                continue;
            }
            let balance = Balance {
                spent: opening.charged(*in_ledger, &unrecorded),
                held: books.join(opening, false),
            };
            books.accounts.set(opening.account, balance);
        }
        Ok(())
    }
}

#[async_trait]
impl BudgetEngine for LocalEngine {
    async fn take_rate(&self, wish: &RateWish) -> Result<RateStandings, RateRefusal> {
        let taken = self.with_books(wish.tenant, |books| books.rates.take(wish));
        taken.map_err(RateRefusal::TooMany)
    }

    async fn take_tokens(
        &self,
        wish: &RateWish,
        tokens: u32,
    ) -> Result<RateStandings, RateRefusal> {
        let taken = self.with_books(wish.tenant, |books| books.rates.take_tokens(wish, tokens));
        taken.map_err(RateRefusal::TooMany)
    }

    fn end_rate(&self, wish: &RateWish, taken: u32, used: u32) {
        self.with_books(wish.tenant, |books| books.rates.end(wish, taken, used));
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<Hold, Refusal> {
        let _running = self.everybody.read();
        self.with_books(reservation.origin.tenant, |books| {
            let mut charges = reservation.charges.iter();
            if charges.any(|charge| charge.scope == Scope::Installation) {
                books.reserve(reservation, &mut self.installation.lock())
            } else {
                books.reserve(reservation, &mut Accounts::default())
            }
        })
    }

    fn settle(&self, hold: &Hold, actual: Usd) {
        let _running = self.everybody.read();
        self.with_books(hold.tenant, |books| {
            books.settle(hold.request, actual, || self.installation.lock());
        });
    }

    async fn balances(&self, tenant: TenantId, accounts: &[Account]) -> Vec<Option<Balance>> {
        self.with_books(tenant, |books| {
            let balance = |account| {
                let own = books.accounts.get(account);
                own.or_else(|| self.installation.lock().get(account))
            };
            accounts.iter().map(balance).collect()
        })
    }

    async fn open(
        &self,
        openings: &[Opening],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending> {
        let sums = spendings.in_ledger(openings, &[]).await?;
        let mut tenants: BTreeMap<Option<TenantId>, Vec<(&Opening, Usd)>> = BTreeMap::new();
        for (opening, in_ledger) in openings.iter().zip(sums) {
            let of_tenant = tenants.entry(opening.tenant).or_default();
            of_tenant.push((opening, in_ledger));
        }
        for (tenant, openings) in tenants {
            match tenant {
                Some(tenant) => self.open_of_tenant(tenant, &openings, mode, spendings)?,
                None => self.open_installation(&openings, mode, spendings)?,
            }
        }
        Ok(())
    }

    fn holds_open(&self) -> usize {
        let tenants = self.tenants.iter();
        tenants.map(|books| books.lock().holds_open()).sum()
    }

    fn oldest_hold(&self) -> Option<RequestId> {
        let tenants = self.tenants.iter();
        tenants.filter_map(|books| books.lock().oldest_hold()).min()
    }
}
