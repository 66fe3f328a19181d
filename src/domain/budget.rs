//! Budgets: how much may be spent, by whom, over what time, and what a reservation does to them.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::domain::id::{ApiKeyId, BudgetId, RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{Period, UtcMicros, Window};

/// Whose spending a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scope", content = "id")]
pub enum Scope {
    /// All requests of a tenant.
    Tenant(TenantId),
    /// All requests made with one key.
    Key(ApiKeyId),
}

impl Scope {
    /// The kind of scope, as refusals, stores and metrics name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant",
            Self::Key(_) => "key",
        }
    }
}

/// A limit on what a scope may spend in each window of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The budget.
    pub id: BudgetId,
    /// The tenant whose calendar counts and to whom the scope belongs.
    pub tenant: TenantId,
    /// Whose spending.
    pub scope: Scope,
    /// Over what time.
    pub period: Period,
    /// How much.
    pub limit: Usd,
}

/// One window of one budget: what spending is counted on. The windows of a budget whose dates or
/// zone are changed are other accounts; a changed limit leaves the account as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// The budget.
    pub budget: BudgetId,
    /// The window, by the tenant's calendar.
    pub window: Window,
}

/// What an account stands at. At every moment `spent + held <= limit`, unless the limit was
/// lowered or a provider billed more than its documented worst case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Settled spending.
    pub spent: Usd,
    /// The worst case of every request that is under way.
    pub held: Usd,
}

impl Balance {
    /// What may still be held under `limit`; negative when the account is overdrawn.
    pub fn headroom(&self, limit: Usd) -> Usd {
        limit.saturating_sub(self.spent).saturating_sub(self.held)
    }
}

/// An account that a request is charged to, with what it needs to be decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The account.
    pub account: Account,
    /// Whose budget it is.
    pub scope: Scope,
    /// Over what time the budget counts.
    pub period: Period,
    /// The budget's limit at this moment.
    pub limit: Usd,
    /// The account may be opened at nothing when it is not known: its window began after its budget
    /// was in force here, so every request in it has been seen.
    pub starts_empty: bool,
}

/// The accounts of one request. Most requests have a handful.
pub type Charges = SmallVec<[Charge; 4]>;

impl Budget {
    /// How a request is charged in a window of this budget. `in_force_since` is when every request
    /// began to be charged to it.
    pub fn charge_in(&self, window: Window, in_force_since: UtcMicros) -> Charge {
        Charge {
            account: Account {
                budget: self.id,
                window,
            },
            scope: self.scope,
            period: self.period,
            limit: self.limit,
            starts_empty: window.start >= in_force_since,
        }
    }
}

/// A wish to hold money for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The request: reserving twice for one request holds once.
    pub request: RequestId,
    /// Who pays.
    pub tenant: TenantId,
    /// The key that was used.
    pub key: ApiKeyId,
    /// When the request was admitted: decides the windows it counts in.
    pub at: UtcMicros,
    /// Where it is charged; all of them or none.
    pub charges: Charges,
    /// How much to hold if there is room.
    pub wanted: Usd,
    /// The least that is of use; the same as `wanted` when the amount is fixed.
    pub at_least: Usd,
}

/// Money held for a request, until it is settled or released.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "money stays held until the hold is settled or released"]
pub struct Hold {
    /// The request.
    pub request: RequestId,
    /// Who pays.
    pub tenant: TenantId,
    /// How much is held on each of its accounts.
    pub amount: Usd,
    /// The least headroom that is left on any of its accounts; `None` when no budget applies.
    pub remaining: Option<Usd>,
}

/// Which budget refused, and what it stood at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Whose budget.
    pub scope: Scope,
    /// Which one.
    pub budget: BudgetId,
    /// Over what time it counts.
    pub period: Period,
    /// Its limit.
    pub limit: Usd,
    /// What it stood at.
    pub balance: Balance,
    /// When it starts again; `None` when it never does.
    pub resets_at: Option<UtcMicros>,
    /// What the request needed at the least.
    pub needed: Usd,
}

impl Exhausted {
    /// What one account says to a reservation that it has no room for.
    pub fn new(charge: &Charge, balance: Balance, needed: Usd) -> Self {
        let end = charge.account.window.end;
        Self {
            scope: charge.scope,
            budget: charge.account.budget,
            period: charge.period,
            limit: charge.limit,
            balance,
            resets_at: (end != UtcMicros::MAX).then_some(end),
            needed,
        }
    }
}
