//! Adds up what one deferred call used, line by line, each priced as the provider bills it.

use std::sync::Arc;

use crate::domain::id::ModelName;
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::object::ObjectNotes;
use crate::domain::pricing::{Exactness, ModelPrice, Tier};
use crate::domain::usage::{Basis, TokenUsage};
use crate::providers::Dialect;
use crate::providers::deferred::line_used;
use crate::providers::endpoints::Operation;
use crate::providers::meter::Metered;

/// What was found up to now.
#[derive(Debug)]
pub(super) struct Tally {
    price: Option<Arc<ModelPrice>>,
    model: ModelName,
    tier: Tier,
    tier_served: Option<Tier>,
    model_served: Option<ModelName>,
    usage: TokenUsage,
    cost: Usd,
    is_exact: bool,
    is_known: bool,
}

impl Tally {
    /// Nothing yet of a call that is billed in the tier of its row, unless an answer names another.
    pub(super) fn new(price: Option<Arc<ModelPrice>>, row: &LedgerRow) -> Self {
        Self {
            price,
            model: row.model.clone(),
            tier: row.tier,
            tier_served: None,
            model_served: None,
            usage: TokenUsage::default(),
            cost: Usd::ZERO,
            is_exact: true,
            is_known: true,
        }
    }

    /// Adds a line of a batch's answers. All lines of a batch are billed in its own tier.
    pub(super) fn add_line(&mut self, home: Dialect, operation: Option<Operation>, line: &[u8]) {
        let Some(operation) = operation else {
            self.is_known = false;
            return;
        };
        match line_used(home, operation, &self.model, line) {
            Ok(Some(mut used)) => {
                used.tier_served = Some(self.tier);
                self.add(&used);
            }
            Ok(None) => {}
            Err(_unread) => self.is_known = false,
        }
    }

    /// Something is not known.
    pub(super) fn note_unknown(&mut self) {
        self.is_known = false;
    }

    /// Adds what an answer used. One that does not say is not known.
    pub(super) fn add(&mut self, used: &Metered) {
        if used.basis == Basis::Unknown || !used.is_complete {
            self.is_known = false;
            return;
        }
        let tier = used.tier_served.unwrap_or(self.tier);
        self.tier_served = Some(tier);
        self.model_served = self.model_served.take().or(used.model_served.clone());
        self.usage = self.usage.plus(&used.usage);
        let Some(price) = &self.price else {
            self.is_known = false;
            return;
        };
        let cost = price.cost(tier, &used.usage);
        self.cost = self.cost.saturating_add(cost.usd);
        self.is_exact &= cost.exactness == Exactness::Exact && used.basis == Basis::Measured;
    }

    /// The real row. What is not known in full is charged at what was held, or more if more is known.
    pub(super) fn into_row(self, row: &LedgerRow) -> LedgerRow {
        let (cost, basis) = match (self.is_known, self.is_exact) {
            (true, true) => (self.cost, Basis::Measured),
            (true, false) => (self.cost, Basis::Estimated),
            (false, _) => (self.cost.max(row.held), Basis::Unknown),
        };
        LedgerRow {
            usage: self.usage,
            tier: self.tier_served.unwrap_or(row.tier),
            model_served: self.model_served,
            price: self.price.as_ref().map(|price| price.id).or(row.price),
            cost,
            basis,
            objects: ObjectNotes::default(),
            ..row.clone()
        }
    }
}
