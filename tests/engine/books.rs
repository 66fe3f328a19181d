//! Budgets of every kind, and what requests come to on them, reckoned in the simplest way; a ledger and a
//! spool with what a test says.

use async_trait::async_trait;
use budgetguard::domain::budget::shadow::Shadowed;
use budgetguard::domain::budget::{Charge, Coverage, Enforcement, Origin, Scope};
use budgetguard::domain::id::{RequestId, TagId};
use budgetguard::domain::money::Usd;
use budgetguard::domain::tag::{TagShare, Weight};
use budgetguard::engine::{Opening, Spending, Spendings, UnknownSpending};

use crate::{charge, origin, usd, weight};

/// The budgets of a simulation, one for each tag: limit, weight, and what the limit does.
pub(crate) const BUDGETS: [(i64, &str, Enforcement); 6] = [
    (1_000, "1", Enforcement::Ceiling),
    (500, "0.3", Enforcement::Ceiling),
    (2_000, "2.5", Enforcement::Ceiling),
    (400, "1", Enforcement::Settled),
    (300, "0.7", Enforcement::Counted),
    (200, "1", Enforcement::Shadow(Shadowed::Ceiling)),
];

/// The tag of a budget, and what the budget is called.
pub(crate) fn tag_of(bit: usize) -> TagId {
    TagId(i64::try_from(bit).unwrap() + 10)
}

/// The budgets whose bits are set.
pub(crate) fn budgets_of(bits: u8) -> impl Iterator<Item = usize> {
    (0..BUDGETS.len()).filter(move |bit| bits & (1 << bit) != 0)
}

/// The origin of a request that these budgets count.
pub(crate) fn tags_of(bits: u8) -> Origin {
    let shares = budgets_of(bits).map(|bit| TagShare {
        tag: tag_of(bit),
        weight: Weight::ONE,
        is_inherited: false,
    });
    Origin {
        tags: shares.collect(),
        ..origin()
    }
}

pub(crate) fn coverage(bit: usize) -> Coverage {
    Coverage {
        weight: weight(BUDGETS[bit].1),
        ..Coverage::all_of(Scope::Tag(tag_of(bit)))
    }
}

pub(crate) fn charge_on(bit: usize) -> Charge {
    let (limit, weight_text, enforcement) = BUDGETS[bit];
    Charge {
        scope: Scope::Tag(tag_of(bit)),
        weight: weight(weight_text),
        enforcement,
        ..charge(tag_of(bit).0, limit)
    }
}

/// What an amount comes to on a budget.
pub(crate) fn share_on(bit: usize, origin: &Origin, amount: Usd) -> Usd {
    let share = coverage(bit).share_of(origin);
    share.map_or(Usd::ZERO, |share| share.weight.of(amount))
}

/// What some charges come to on a budget.
pub(crate) fn counted<'a>(bit: usize, charges: impl IntoIterator<Item = &'a Spending>) -> Usd {
    let shares = charges.into_iter();
    let shares = shares.map(|charge| share_on(bit, &charge.origin, charge.cost).nanos());
    usd(shares.sum())
}

/// What ledger and spool have, in a test.
#[derive(Default)]
pub(crate) struct Spent {
    pub(crate) in_ledger: i64,
    /// Those of it that may be left out.
    pub(crate) rows: Vec<(RequestId, i64)>,
    pub(crate) unrecorded: Vec<Spending>,
}

#[async_trait]
impl Spendings for Spent {
    async fn in_ledger(
        &self,
        openings: &[Opening],
        without: &[RequestId],
    ) -> Result<Vec<Usd>, UnknownSpending> {
        let rows = self.rows.iter().filter(|(row, _)| !without.contains(row));
        let sum = self.in_ledger + rows.map(|(_, cost)| cost).sum::<i64>();
        Ok(openings.iter().map(|_| usd(sum)).collect())
    }

    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(self.unrecorded.clone())
    }
}
