//! What is asked of a ranked page: which rows, in which order, from where on; and what is found.

use crate::domain::money::Usd;
use crate::store::ledger_page::{LedgerEntry, Place};
use crate::store::order::{Order, Sort};

/// The last row that is reached by counting; what lies beyond is reached by cursor.
pub const REACH_MAX: u64 = 10_000;
/// Less than any row costs.
pub(super) const LEAST: Usd = Usd::from_nanos(i64::MIN);

/// A row's place in an order by cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// What it cost; zero in an order by time.
    pub cost: Usd,
    /// When it was admitted, and its request.
    pub place: Place,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After so many rows.
    Skip(u64),
    /// After this row.
    After(Mark),
}

/// What is wanted of the rows that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// By what.
    pub sort: Sort,
    /// Which end first.
    pub order: Order,
    /// From where on.
    pub start: Start,
    /// How many rows.
    pub limit: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranked {
    /// A page.
    Page {
        /// Its rows.
        rows: Vec<LedgerEntry>,
        /// How many rows match.
        total: u64,
        /// Whether that is all of them; otherwise there are at least so many.
        is_total_exact: bool,
    },
    /// More rows would have to be looked at than is done for a page.
    TooMany,
}

impl Ranking {
    /// The mark of a row in this order.
    pub fn mark_of(&self, entry: &LedgerEntry) -> Mark {
        self.mark(entry.row.cost, Place::of(&entry.row))
    }

    pub(super) fn mark(&self, cost: Usd, place: Place) -> Mark {
        let cost = match self.sort {
            Sort::At => Usd::ZERO,
            Sort::Cost => cost,
        };
        Mark { cost, place }
    }

    /// Whether so many rows are counted that the page is reached by cursor only.
    pub fn is_out_of_reach(&self) -> bool {
        self.wanted() > REACH_MAX
    }

    /// How many rows there are up to the end of the page.
    pub(super) fn wanted(&self) -> u64 {
        self.skipped().saturating_add(u64::from(self.limit))
    }

    pub(super) fn skipped(&self) -> u64 {
        match self.start {
            Start::Skip(rows) => rows,
            Start::After(_) => 0,
        }
    }

    pub(super) fn first(&self) -> Mark {
        let place = Place::before_all(self.order);
        let cost = match self.order {
            Order::Asc => LEAST,
            Order::Desc => Usd::MAX,
        };
        match self.start {
            Start::After(mark) => mark,
            Start::Skip(_) => Mark { cost, place },
        }
    }
}
