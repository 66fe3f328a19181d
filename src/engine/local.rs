//! The engine of a single process: counters in memory, rebuilt from the ledger at each start.
//!
//! Everything of one tenant stands behind one lock, taken for well under a microsecond and never
//! across an await: that makes each step atomic over all accounts without any ordering of locks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use dashmap::DashMap;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::domain::budget::{Account, Balance, Charge, Exhausted, Hold, Reservation, Scope};
use crate::domain::id::{ApiKeyId, RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::{RateStanding, SlidingMinute, TooMany};
use crate::domain::window::UtcMicros;
use crate::engine::{BudgetEngine, Opening, Refusal, Spending, UnknownSpending, Unrecorded};

/// See the module.
#[derive(Debug, Default)]
pub struct LocalEngine {
    tenants: DashMap<TenantId, Arc<Mutex<TenantBooks>>>,
}

/// What is counted for one tenant.
#[derive(Debug, Default)]
struct TenantBooks {
    accounts: BTreeMap<Account, Balance>,
    holds: HashMap<RequestId, OpenHold>,
    minute: SlidingMinute,
}

/// A request that is under way.
#[derive(Debug)]
struct OpenHold {
    tenant: TenantId,
    key: ApiKeyId,
    at: UtcMicros,
    amount: Usd,
    remaining: Option<Usd>,
    accounts: SmallVec<[Account; 4]>,
}

impl LocalEngine {
    /// One short step on the books of a tenant: the map's shard is locked as well.
    fn with_books<T>(&self, tenant: TenantId, step: impl FnOnce(&mut TenantBooks) -> T) -> T {
        if let Some(books) = self.tenants.get(&tenant) {
            return step(&mut books.lock());
        }
        step(&mut self.tenants.entry(tenant).or_default().lock())
    }
}

#[async_trait]
impl BudgetEngine for LocalEngine {
    async fn take_rate(
        &self,
        tenant: TenantId,
        limit: u32,
        now: UtcMicros,
    ) -> Result<RateStanding, TooMany> {
        self.with_books(tenant, |books| books.minute.take(now, limit))
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<Hold, Refusal> {
        self.with_books(reservation.tenant, |books| {
            match books.holds.get(&reservation.request) {
                Some(open) => Ok(open.as_hold(reservation.request)),
                None => books.hold(reservation),
            }
        })
    }

    fn settle(&self, hold: &Hold, actual: Usd) {
        self.with_books(hold.tenant, |books| books.settle(hold.request, actual));
    }

    async fn balances(&self, tenant: TenantId, accounts: &[Account]) -> Vec<Option<Balance>> {
        self.with_books(tenant, |books| {
            let balances = accounts.iter();
            balances
                .map(|account| books.accounts.get(account).copied())
                .collect()
        })
    }

    async fn open(
        &self,
        tenant: TenantId,
        openings: &[Opening],
        unrecorded: Unrecorded<'_>,
    ) -> Result<(), UnknownSpending> {
        // Reading the charges takes its time: only this tenant stands still for it, not the map.
        let books = Arc::clone(&self.tenants.entry(tenant).or_default());
        let mut books = books.lock();
        let spendings: Vec<Spending> = unrecorded()?
            .into_iter()
            .filter(|spending| spending.tenant == tenant)
            .filter(|spending| !books.holds.contains_key(&spending.request))
            .collect();
        for opening in openings {
            books.open(opening, &spendings);
        }
        Ok(())
    }

    fn holds_open(&self) -> usize {
        let tenants = self.tenants.iter();
        tenants.map(|books| books.lock().holds.len()).sum()
    }
}

impl TenantBooks {
    fn hold(&mut self, reservation: &Reservation) -> Result<Hold, Refusal> {
        let mut tightest: Option<(Usd, Charge, Balance)> = None;
        for charge in &reservation.charges {
            let balance = self.balance(charge, reservation.at)?;
            let headroom = balance.headroom(charge.limit);
            if tightest.is_none_or(|(least, ..)| headroom < least) {
                tightest = Some((headroom, *charge, balance));
            }
        }
        let amount = match tightest {
            Some((headroom, charge, balance)) if headroom < reservation.at_least => {
                let exhausted = Exhausted::new(&charge, balance, reservation.at_least);
                return Err(Refusal::Exhausted(exhausted));
            }
            Some((headroom, ..)) => reservation.wanted.min(headroom),
            None => reservation.wanted,
        };
        for charge in &reservation.charges {
            let balance = self.accounts.entry(charge.account).or_default();
            balance.held = balance.held.saturating_add(amount);
        }
        let open = OpenHold {
            tenant: reservation.tenant,
            key: reservation.key,
            at: reservation.at,
            amount,
            remaining: tightest.map(|(headroom, ..)| headroom.saturating_sub(amount)),
            accounts: reservation
                .charges
                .iter()
                .map(|charge| charge.account)
                .collect(),
        };
        let hold = open.as_hold(reservation.request);
        self.holds.insert(reservation.request, open);
        Ok(hold)
    }

    /// What the account stands at. An unknown one is opened at nothing if nothing can have been
    /// spent on it before; ended windows of the same budget that nobody settles on make room.
    fn balance(&mut self, charge: &Charge, now: UtcMicros) -> Result<Balance, Refusal> {
        if let Some(balance) = self.accounts.get(&charge.account) {
            return Ok(*balance);
        }
        if !charge.starts_empty {
            return Err(Refusal::Unknown(charge.account));
        }
        self.accounts.retain(|account, balance| {
            account.budget != charge.account.budget
                || account.window.end > now
                || balance.held > Usd::ZERO
        });
        self.accounts.insert(charge.account, Balance::default());
        Ok(Balance::default())
    }

    fn settle(&mut self, request: RequestId, actual: Usd) {
        let Some(open) = self.holds.remove(&request) else {
            return;
        };
        for account in &open.accounts {
            if let Some(balance) = self.accounts.get_mut(account) {
                balance.held = balance.held.saturating_sub(open.amount);
                balance.spent = balance.spent.saturating_add(actual);
            }
        }
    }

    fn open(&mut self, opening: &Opening, spendings: &[Spending]) {
        let Opening {
            account,
            scope,
            in_ledger,
        } = *opening;
        let counts =
            |spending: &&Spending| spending.is_in(scope) && account.window.contains(spending.at);
        let spent = spendings
            .iter()
            .filter(counts)
            .fold(in_ledger, |sum, spending| sum.saturating_add(spending.cost));
        let mut held = Usd::ZERO;
        for hold in self.holds.values_mut().filter(|hold| hold.is_in(scope)) {
            if account.window.contains(hold.at) {
                held = held.saturating_add(hold.amount);
                if !hold.accounts.contains(&account) {
                    hold.accounts.push(account);
                }
            }
        }
        self.accounts.insert(account, Balance { spent, held });
    }
}

impl OpenHold {
    fn is_in(&self, scope: Scope) -> bool {
        match scope {
            Scope::Tenant(tenant) => self.tenant == tenant,
            Scope::Key(key) => self.key == key,
        }
    }

    fn as_hold(&self, request: RequestId) -> Hold {
        Hold {
            request,
            tenant: self.tenant,
            amount: self.amount,
            remaining: self.remaining,
        }
    }
}
