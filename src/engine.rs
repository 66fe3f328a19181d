//! The budget engine: holds money before a request is sent, and settles it afterwards.
//!
//! One trait, and one suite of tests (`tests/engine`) that every implementation passes. For every
//! account, at every moment: spent + held <= limit.

pub mod local;

use std::fmt;

use async_trait::async_trait;

use crate::domain::budget::{Account, Balance, Coverage, Exhausted, Hold, Origin, Reservation};
use crate::domain::id::{RequestId, TenantId};
use crate::domain::money::Usd;
use crate::domain::rate::{RateStanding, RateStandings, RateWish, TooMany};
use crate::domain::window::UtcMicros;

/// Why nothing is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An account has no room.
    Exhausted(Box<Exhausted>),
    /// What an account stands at is not known, so nothing is admitted on it.
    Unknown(Account),
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
    /// The account.
    pub account: Account,
    /// Which spending it counts.
    pub coverage: Coverage,
    /// What the ledger has for it.
    pub in_ledger: Usd,
}

/// The charges on their way to the ledger cannot be read, so nobody knows what was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the charges that are not in the ledger yet cannot be read")]
pub struct UnknownSpending;

/// Gives the charges that are not in the ledger yet. Called while those whose accounts are opened
/// stand still, so that no charge is missed and none counted twice.
pub type Unrecorded<'a> = &'a (dyn Fn() -> Result<Vec<Spending>, UnknownSpending> + Sync);

/// Counts what is spent and held on every account, and decides.
#[async_trait]
pub trait BudgetEngine: Send + Sync + fmt::Debug {
    /// Counts a request if the limits of its tenant and of its key have room for it, in requests a
    /// minute and at once: on all of them or on none.
    async fn take_rate(&self, wish: &RateWish) -> Result<RateStandings, TooMany>;

    /// Counts the tokens that a request may use, on both limits or on none.
    async fn take_tokens(
        &self,
        wish: &RateWish,
        tokens: u32,
    ) -> Result<Option<RateStanding>, TooMany>;

    /// Ends a request that was counted: it is no longer under way, and used so many tokens of those
    /// that were taken for it.
    fn end_rate(&self, wish: &RateWish, taken: u32, used: u32);

    /// Holds money on all accounts of the reservation or on none, in one step: as much as wanted or,
    /// where there is less room, as much as fits, but not less than the least that is of use.
    /// Reserving again for the same request gives the hold that it has.
    async fn reserve(&self, reservation: &Reservation) -> Result<Hold, Refusal>;

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

    /// Opens accounts of a tenant, or without one those of the installation, at what the ledger and
    /// the charges beside it say, together with the holds of requests that are under way. An account
    /// that is open already is counted anew.
    async fn open(
        &self,
        tenant: Option<TenantId>,
        openings: &[Opening],
        unrecorded: Unrecorded<'_>,
    ) -> Result<(), UnknownSpending>;

    /// How many requests hold money.
    fn holds_open(&self) -> usize;
}
