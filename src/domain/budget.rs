//! Budgets: how much may be spent, by whom, over what time, and what a reservation does to them.

pub mod shadow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::domain::alert::Thresholds;
use crate::domain::budget::shadow::{Mode, Shadowed};
use crate::domain::filter::CallFilter;
use crate::domain::id::{ApiKeyId, BudgetId, ModelName, ProviderName, RequestId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::session::SessionKey;
use crate::domain::tag::{Inheritance, TagShares, Weight};
use crate::domain::window::{Period, UtcMicros, Window};

/// Whose spending a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every request of every tenant.
    Installation,
    /// All requests of a tenant.
    Tenant(TenantId),
    /// All requests made with one key.
    Key(ApiKeyId),
    /// All requests with a tag, or with one below it.
    Tag(TagId),
    /// All requests of a session.
    Session(SessionKey),
}

impl Scope {
    /// The kind of scope, as refusals, stores and metrics name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Tenant(_) => "tenant",
            Self::Key(_) => "key",
            Self::Tag(_) => "tag",
            Self::Session(_) => "session",
        }
    }
}

/// Where a charge comes from: everything that decides which budgets count it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who pays.
    pub tenant: TenantId,
    /// The key that was used.
    pub key: ApiKeyId,
    /// The tags that it counts on.
    pub tags: TagShares,
    /// The session that it belongs to.
    pub session: Option<SessionKey>,
    /// Who bills.
    pub provider: ProviderName,
    /// The model that was asked for.
    pub model: ModelName,
}

/// Which spending a budget counts, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Whose.
    pub scope: Scope,
    /// On which calls.
    pub calls: CallFilter,
    /// How much of it.
    pub weight: Weight,
}

impl Coverage {
    /// All spending of a scope.
    pub fn all_of(scope: Scope) -> Self {
        Self {
            scope,
            calls: CallFilter::default(),
            weight: Weight::ONE,
        }
    }

    /// How much of a charge counts; nothing where none does.
    pub fn share_of(&self, origin: &Origin) -> Option<Share> {
        let share = match self.scope {
            Scope::Installation => Share::OWN,
            Scope::Tenant(tenant) => (tenant == origin.tenant).then_some(Share::OWN)?,
            Scope::Key(key) => (key == origin.key).then_some(Share::OWN)?,
            Scope::Session(session) => (Some(session) == origin.session).then_some(Share::OWN)?,
            Scope::Tag(tag) => {
                let found = origin.tags.iter().find(|share| share.tag == tag)?;
                Share {
                    weight: found.weight,
                    is_inherited: found.is_inherited,
                }
            }
        };
        let fits = self
            .calls
            .matches(origin.provider.as_str(), origin.model.as_str());
        fits.then(|| Share {
            weight: share.weight.times(self.weight),
            ..share
        })
    }
}

/// How much of a charge counts on a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How much.
    pub weight: Weight,
    /// It counts by a tag below the budget's own.
    pub is_inherited: bool,
}

impl Share {
    /// All of it.
    pub const OWN: Self = Self {
        weight: Weight::ONE,
        is_inherited: false,
    };
}

/// A limit on what a scope may spend in each window of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The budget.
    pub id: BudgetId,
    /// The tenant whose calendar counts and to whom the scope belongs; the installation's budgets
    /// have none, and count by UTC.
    pub tenant: Option<TenantId>,
    /// Which spending.
    pub coverage: Coverage,
    /// Over what time.
    pub period: Period,
    /// How much.
    pub limit: Usd,
    /// What it does to requests of tags below its own.
    pub inheritance: Inheritance,
    /// At which parts of the limit an alert is raised; none where the usual ones apply.
    pub thresholds: Option<Thresholds>,
    /// Whether it refuses.
    pub mode: Mode,
}

/// What an account belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountOwner {
    /// A budget.
    Budget(BudgetId),
    /// A session, whatever limits it at the moment.
    Session(SessionKey),
}

/// One window of one budget, or a session: what spending is counted on. The windows of a budget whose
/// dates or zone are changed are other accounts; a changed limit leaves the account as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub owner: AccountOwner,
    /// The window, by the tenant's calendar.
    pub window: Window,
}

impl Account {
    /// The account of a session.
    pub fn of_session(session: SessionKey) -> Self {
        Self {
            owner: AccountOwner::Session(session),
            window: Window::TOTAL,
        }
    }
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

/// What a limit does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Spent and held together never pass it.
    Ceiling,
    /// It refuses once what was settled has reached it.
    Settled,
    /// It refuses nothing.
    Counted,
    /// It refuses nothing, and tells what it would have refused.
    Shadow(Shadowed),
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
    /// How much of the request's cost counts.
    pub weight: Weight,
    /// What the limit does.
    pub enforcement: Enforcement,
    /// The account may be opened at nothing when it is not known: its window began after its budget
    /// was in force here, so every request in it has been seen.
    pub starts_empty: bool,
}

/// The accounts of one request. Most requests have a handful.
pub type Charges = SmallVec<[Charge; 4]>;

impl Charge {
    /// The charge of a request in a session that may spend `limit`.
    pub fn of_session(session: SessionKey, limit: Usd) -> Self {
        Self {
            account: Account::of_session(session),
            scope: Scope::Session(session),
            period: Period::Total,
            limit,
            weight: Weight::ONE,
            enforcement: Enforcement::Ceiling,
            starts_empty: false,
        }
    }

    /// Whether the budget's limit is never to be passed.
    pub fn is_ceiling(&self) -> bool {
        match self.enforcement {
            Enforcement::Ceiling => true,
            Enforcement::Settled | Enforcement::Counted | Enforcement::Shadow(_) => false,
        }
    }

    /// The most that the request may cost at this balance; `None` when the limit does not bound it.
    pub fn room(&self, balance: Balance) -> Option<Usd> {
        match self.enforcement {
            Enforcement::Ceiling => Some(self.weight.fits(balance.headroom(self.limit))),
            Enforcement::Settled if balance.spent >= self.limit => Some(Usd::ZERO),
            Enforcement::Settled | Enforcement::Counted | Enforcement::Shadow(_) => None,
        }
    }
}

impl Budget {
    /// Whether the database has it. One of the settings is told from others by an id that nobody else
    /// knows.
    pub fn is_kept(&self) -> bool {
        self.id.0 > 0
    }

    /// How a request is charged in a window of this budget. `in_force_since` is when every request
    /// began to be charged to it.
    pub fn charge_in(&self, window: Window, share: Share, in_force_since: UtcMicros) -> Charge {
        let enforcement = match self.inheritance {
            _ if !share.is_inherited => Enforcement::Ceiling,
            Inheritance::Strict => Enforcement::Ceiling,
            Inheritance::Lenient => Enforcement::Settled,
            Inheritance::Bypass => Enforcement::Counted,
        };
        Charge {
            account: Account {
                owner: AccountOwner::Budget(self.id),
                window,
            },
            scope: self.coverage.scope,
            period: self.period,
            limit: self.limit,
            weight: share.weight,
            enforcement: match self.mode {
                Mode::Enforced => enforcement,
                Mode::Shadow => enforcement.shadow(),
            },
            starts_empty: window.start >= in_force_since,
        }
    }
}

/// A wish to hold money for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The request: reserving twice for one request holds once.
    pub request: RequestId,
    /// When the request was admitted: decides the windows it counts in.
    pub at: UtcMicros,
    /// Who pays, and what decides which budgets count it.
    pub origin: Origin,
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
    /// What budgets say that only count for now and would have refused. Told once: not when the same
    /// request is held for again.
    pub shadows: Vec<Exhausted>,
}

/// Which account refused, and what it stood at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Whose budget.
    pub scope: Scope,
    /// The account.
    pub account: Account,
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
    /// The most that it could have cost.
    pub room: Usd,
}

impl Exhausted {
    /// What one account says to a reservation that it has no room for.
    pub fn new(charge: &Charge, balance: Balance, needed: Usd) -> Self {
        let end = charge.account.window.end;
        Self {
            scope: charge.scope,
            account: charge.account,
            period: charge.period,
            limit: charge.limit,
            balance,
            resets_at: (end != UtcMicros::MAX).then_some(end),
            needed,
            room: charge.room(balance).unwrap_or(Usd::MAX),
        }
    }
}
