//! What is counted for one tenant: its accounts, its holds, its rates.

use std::collections::{BTreeMap, HashMap};
use std::ops::DerefMut;

use smallvec::SmallVec;

use crate::domain::budget::{
    Account, AccountOwner, Balance, Charge, Exhausted, Hold, Origin, Reservation, Scope,
};
use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::tag::Weight;
use crate::domain::window::UtcMicros;
use crate::engine::local::rates::TenantRates;
use crate::engine::{Opening, Refusal};

/// How many sessions of a tenant are kept open. A session beyond them is opened again from the
/// ledger when it is used again.
const SESSIONS_OPEN_MAX: usize = 10_000;

/// Accounts and what they stand at.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    balances: BTreeMap<Account, Balance>,
    sessions_open: usize,
}

/// What is counted for one tenant.
#[derive(Debug, Default)]
pub(super) struct TenantBooks {
    pub(super) accounts: Accounts,
    pub(super) rates: TenantRates,
    holds: HashMap<RequestId, OpenHold>,
}

/// A request that is under way.
#[derive(Debug)]
struct OpenHold {
    origin: Origin,
    at: UtcMicros,
    amount: Usd,
    remaining: Option<Usd>,
    booked: SmallVec<[Booked; 4]>,
}

/// An account that a hold stands on.
#[derive(Clone, Copy, Debug)]
struct Booked {
    account: Account,
    weight: Weight,
    is_installations: bool,
}

impl Accounts {
    pub(super) fn get(&self, account: &Account) -> Option<Balance> {
        self.balances.get(account).copied()
    }

    pub(super) fn set(&mut self, account: Account, balance: Balance) {
        if matches!(account.owner, AccountOwner::Session(_)) {
            if self.sessions_open >= SESSIONS_OPEN_MAX {
                self.close_idle_sessions();
            }
            let is_new = !self.balances.contains_key(&account);
            self.sessions_open = self.sessions_open.saturating_add(usize::from(is_new));
        }
        self.balances.insert(account, balance);
    }

    fn close_idle_sessions(&mut self) {
        self.balances.retain(|account, balance| {
            matches!(account.owner, AccountOwner::Budget(_)) || balance.held > Usd::ZERO
        });
        let owners = self.balances.keys().map(|account| account.owner);
        self.sessions_open = owners
            .filter(|owner| matches!(owner, AccountOwner::Session(_)))
            .count();
    }

    /// What the account stands at. An unknown one is opened at nothing if nothing can have been
    /// spent on it before; ended windows of the same budget that nobody settles on make room.
    fn balance(&mut self, charge: &Charge, now: UtcMicros) -> Result<Balance, Refusal> {
        if let Some(balance) = self.balances.get(&charge.account) {
            return Ok(*balance);
        }
        if !charge.starts_empty {
            return Err(Refusal::Unknown(charge.account));
        }
        self.balances.retain(|account, balance| {
            account.owner != charge.account.owner
                || account.window.end > now
                || balance.held > Usd::ZERO
        });
        self.balances.insert(charge.account, Balance::default());
        Ok(Balance::default())
    }

    fn hold(&mut self, charge: &Charge, amount: Usd) {
        let balance = self.balances.entry(charge.account).or_default();
        balance.held = balance.held.saturating_add(charge.weight.of(amount));
    }

    fn settle(&mut self, booked: &Booked, held: Usd, actual: Usd) {
        if let Some(balance) = self.balances.get_mut(&booked.account) {
            balance.held = balance.held.saturating_sub(booked.weight.of(held));
            balance.spent = balance.spent.saturating_add(booked.weight.of(actual));
        }
    }
}

impl TenantBooks {
    /// Holds on the tenant's accounts and on the installation's. A request that has a hold keeps it.
    pub(super) fn reserve(
        &mut self,
        wish: &Reservation,
        installation: &mut Accounts,
    ) -> Result<Hold, Refusal> {
        if let Some(open) = self.holds.get(&wish.request) {
            return Ok(open.as_hold(wish.request));
        }
        let mut tightest: Option<(Usd, Charge, Balance)> = None;
        let mut shadows = Vec::new();
        for charge in &wish.charges {
            let accounts = self.accounts_of(charge.scope, installation);
            let balance = accounts.balance(charge, wish.at)?;
            shadows.extend(charge.would_refuse(balance, wish.at_least));
            let Some(room) = charge.room(balance) else {
                continue;
            };
            if tightest.is_none_or(|(least, ..)| room < least) {
                tightest = Some((room, *charge, balance));
            }
        }
        let amount = match tightest {
            Some((room, charge, balance)) if room < wish.at_least => {
                let exhausted = Exhausted::new(&charge, balance, wish.at_least);
                return Err(Refusal::Exhausted(Box::new(exhausted)));
            }
            Some((room, ..)) => wish.wanted.min(room),
            None => wish.wanted,
        };
        for charge in &wish.charges {
            self.accounts_of(charge.scope, installation)
                .hold(charge, amount);
        }
        let open = OpenHold {
            origin: wish.origin.clone(),
            at: wish.at,
            amount,
            remaining: tightest.map(|(room, ..)| room.saturating_sub(amount)),
            booked: wish.charges.iter().map(Booked::from).collect(),
        };
        let hold = Hold {
            shadows,
            ..open.as_hold(wish.request)
        };
        self.holds.insert(wish.request, open);
        Ok(hold)
    }

    fn accounts_of<'a>(
        &'a mut self,
        scope: Scope,
        installation: &'a mut Accounts,
    ) -> &'a mut Accounts {
        match scope {
            Scope::Installation => installation,
            Scope::Tenant(_) | Scope::Key(_) | Scope::Tag(_) | Scope::Session(_) => {
                &mut self.accounts
            }
        }
    }

    /// Ends the hold of a request, if it has one.
    pub(super) fn settle<A: DerefMut<Target = Accounts>>(
        &mut self,
        request: RequestId,
        actual: Usd,
        installation: impl Fn() -> A,
    ) {
        let Some(open) = self.holds.remove(&request) else {
            return;
        };
        for booked in &open.booked {
            if booked.is_installations {
                installation().settle(booked, open.amount, actual);
            } else {
                self.accounts.settle(booked, open.amount, actual);
            }
        }
    }

    /// Whether the request's money is held.
    pub(super) fn is_under_way(&self, request: RequestId) -> bool {
        self.holds.contains_key(&request)
    }

    /// Puts the holds that an account counts on it, and tells what that comes to.
    pub(super) fn join(&mut self, opening: &Opening, is_installations: bool) -> Usd {
        let account = opening.account;
        let mut held = Usd::ZERO;
        let holds = self.holds.values_mut();
        for hold in holds.filter(|hold| account.window.contains(hold.at)) {
            let Some(share) = opening.coverage.share_of(&hold.origin) else {
                continue;
            };
            held = held.saturating_add(share.weight.of(hold.amount));
            hold.booked.retain(|booked| booked.account != account);
            hold.booked.push(Booked {
                account,
                weight: share.weight,
                is_installations,
            });
        }
        held
    }

    pub(super) fn holds_open(&self) -> usize {
        self.holds.len()
    }

    pub(super) fn oldest_hold(&self) -> Option<RequestId> {
        self.holds.keys().min().copied()
    }
}

impl OpenHold {
    fn as_hold(&self, request: RequestId) -> Hold {
        Hold {
            request,
            tenant: self.origin.tenant,
            amount: self.amount,
            remaining: self.remaining,
            shadows: Vec::new(),
        }
    }
}

impl From<&Charge> for Booked {
    fn from(charge: &Charge) -> Self {
        Self {
            account: charge.account,
            weight: charge.weight,
            is_installations: charge.scope == Scope::Installation,
        }
    }
}
