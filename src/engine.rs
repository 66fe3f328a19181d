//! The budget engine: holds money before a request is sent, and settles it afterwards.
//!
//! One trait, and one suite of tests (`tests/engine`) that every implementation passes. For every
//! account, at every moment: spent + held <= limit.

pub mod local;
pub mod redis;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::budget::{Account, Balance, Coverage, Exhausted, Hold, Origin, Reservation};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::rate::{RateClaim, RateStandings, RateWish, TooMany};
use crate::domain::window::UtcMicros;

/// Why nothing is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An account has no room.
    Exhausted(Box<Exhausted>),
    /// What an account stands at is not known, so nothing is admitted on it.
    Unknown(Account),
    /// The request came too soon.
    TooMany(TooMany),
    /// What counts could not be asked.
    Unavailable,
}

/// Why a request is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateRefusal {
    /// It came too soon.
    TooMany(TooMany),
    /// What counts could not be asked.
    Unavailable,
}

impl From<RateRefusal> for Refusal {
    fn from(refusal: RateRefusal) -> Self {
        match refusal {
            RateRefusal::TooMany(too_many) => Self::TooMany(too_many),
            RateRefusal::Unavailable => Self::Unavailable,
        }
    }
}

/// A charge that was made but may not be in the ledger yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The request.
    pub request: RequestId,
    /// Who pays, and what decides which budgets count it.
    pub origin: Origin,
    /// When it was admitted.
    pub at: UtcMicros,
    /// What it cost.
    pub cost: Usd,
}

/// An account to be opened at what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whose accounts it is one of; the installation's where there is none.
    pub tenant: Option<TenantId>,
    /// The account.
    pub account: Account,
    /// Which spending it counts.
    pub coverage: Coverage,
}

impl Opening {
    /// What is charged to it: by the ledger, and by what is on its way there.
    pub fn charged(&self, in_ledger: Usd, spendings: &[Spending]) -> Usd {
        let counted = spendings
            .iter()
            .filter(|spending| self.account.window.contains(spending.at))
            .filter_map(|spending| {
                let share = self.coverage.share_of(&spending.origin)?;
                Some(share.weight.of(spending.cost))
            });
        counted.fold(in_ledger, Usd::saturating_add)
    }
}

/// What becomes of accounts that are open already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// They stay as they are.
    Missing,
    /// They are counted anew, for requests may have been admitted without them.
    Anew,
}

/// Nobody knows what was spent, so nothing is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSpending {
    /// The charges on their way to the ledger are lost to us.
    #[error("the charges that are not in the ledger yet cannot be read")]
    Spool,
    /// The ledger is.
    #[error("the ledger cannot be read")]
    Ledger,
    /// What counts for all replicas is.
    #[error("Redis cannot be asked, or other replicas are telling it what they know")]
    Engine,
}

/// What was spent, for accounts that are opened.
#[async_trait]
pub trait Spendings: Sync {
    /// What the ledger has for each of the accounts, all at one moment, but for the rows of some
    /// requests.
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending>;

    /// The charges of this process that are not in the ledger yet. Called while those whose accounts
    /// are opened stand still, so that no charge is missed and none counted twice.
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending>;
}

/// Gives the charges of this process that are not in the ledger yet.
pub trait Unrecorded: Send + Sync + fmt::Debug {
    /// All of them, as of now.
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending>;
}

/// Counts what is spent and held on every account, and decides.
#[async_trait]
pub trait BudgetEngine: Send + Sync + fmt::Debug {
    /// Counts a request if the limits of its tenant and of its key have room for it, in requests a
    /// minute and at once: on all of them or on none.
    async fn take_rate(&self, wish: &RateWish) -> Result<RateStandings, RateRefusal>;

    /// Counts the tokens that a request may use, on both limits or on none.
    async fn take_tokens(&self, wish: &RateWish, tokens: u32)
    -> Result<RateStandings, RateRefusal>;

    /// Ends a request that was counted: it is no longer under way, and used so many tokens of those
    /// that were taken for it.
    fn end_rate(&self, wish: &RateWish, taken: u32, used: u32);

    /// Holds money on all accounts of the reservation or on none, in one step: as much as wanted or,
    /// where there is less room, as much as fits, but not less than the least that is of use.
    /// Reserving again for the same request gives the hold that it has.
    async fn reserve(&self, reservation: &Reservation) -> Result<Hold, Refusal>;

    /// Whether replicas share it over a network, so that each question costs a way there and back.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether it can be asked at the moment.
    fn is_available(&self) -> bool {
        true
    }

    /// Counts a request with its tokens and holds its money: in one step where that saves a way.
    /// Tells where its caller stands if it was counted, whatever became of the money.
    async fn reserve_at_rate(
        &self,
        reservation: &Reservation,
        rate: &RateClaim,
    ) -> (Option<RateStandings>, Result<Hold, Refusal>) {
        match self.take_both(rate).await {
            Ok(standings) => (Some(standings), self.reserve(reservation).await),
            Err(refusal) => (None, Err(refusal.into())),
        }
    }

    /// Counts a request with its tokens: on all limits or on none.
    async fn take_both(&self, rate: &RateClaim) -> Result<RateStandings, RateRefusal> {
        let standings = self.take_rate(&rate.wish).await?;
        match self.take_tokens(&rate.wish, rate.tokens).await {
            Ok(tokens) => Ok(standings.and(tokens)),
            Err(refusal) => {
                self.end_rate(&rate.wish, 0, 0);
                Err(refusal)
            }
        }
    }

    /// Ends a hold: charges `actual` and frees the rest, in one step. A hold that has ended already
    /// is left alone, so a request is never charged twice.
    fn settle(&self, hold: &Hold, actual: Usd);

    /// Ends a hold of a request that was not sent.
    fn release(&self, hold: &Hold) {
        self.settle(hold, Usd::ZERO);
    }

    /// What accounts of a tenant, or of the installation, stand at; nothing for those that are not
    /// known.
    async fn balances(&self, tenant: TenantId, accounts: &[Account]) -> Vec<Option<Balance>>;

    /// Opens accounts at what the ledger and the charges beside it say, together with the holds of
    /// requests that are under way.
    async fn open(
        &self,
        openings: &[Opening],
        mode: OpenMode,
        spendings: &dyn Spendings,
    ) -> Result<(), UnknownSpending>;

    /// Rows are about to be written to the ledger.
    async fn recording(&self) {}

    /// These rows are in the ledger.
    fn recorded(&self, _rows: &[Arc<LedgerRow>]) {}

    /// How many requests hold money.
    fn holds_open(&self) -> usize;

    /// How many holds of others, or of an earlier process, were charged since the start because nobody
    /// renewed them.
    fn holds_left_behind(&self) -> u64 {
        0
    }

    /// The one that holds money and arrived first.
    fn oldest_hold(&self) -> Option<RequestId>;
}
