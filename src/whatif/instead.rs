//! What a request would have cost had the rules had their way: with another model, or with less output. Its
//! tokens are those that were recorded: how many another model would have used, nobody knows.

use crate::domain::id::ModelName;
use crate::domain::ledger::LedgerRow;
use crate::domain::money::Usd;
use crate::domain::pricing::PriceBook;
use crate::domain::usage::{Basis, TokenUsage};
use crate::policy::Effects;

/// See the module.
pub(super) struct Instead {
    /// The model that it would have been sent for.
    pub(super) model: ModelName,
    /// What it would have cost.
    pub(super) cost: Usd,
}

impl Instead {
    /// A row's request as the rules would have it. It stays as it was recorded where nobody can say what it would
    /// have cost: it used nothing that is known, or the model has no price with the provider who billed.
    pub(super) fn of(row: &LedgerRow, effects: &Effects, prices: &PriceBook) -> Self {
        let model = chosen(row, effects);
        let usage = capped(&row.usage, effects.max_output_tokens);
        let recorded = Self {
            model: row.model.clone(),
            cost: row.cost,
        };
        let is_known = row.cost > Usd::ZERO && row.basis != Basis::Unknown;
        if !is_known || (model == row.model && usage == row.usage) {
            return recorded;
        }
        match prices.find(row.provider.as_str(), &model, row.at) {
            Some(price) => Self {
                cost: price.cost(row.tier, &usage).usd,
                model,
            },
            None => recorded,
        }
    }

    /// An amount that was meant for the request as it was recorded.
    pub(super) fn scaled(&self, amount: Usd, row: &LedgerRow) -> Usd {
        let [amount, cost, recorded] =
            [amount, self.cost, row.cost].map(|usd| i128::from(usd.nanos()));
        let scaled = (amount * cost).checked_div(recorded);
        let nanos = scaled.unwrap_or(amount);
        Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// The model that rules choose, else the one that was asked for before other rules had chosen.
fn chosen(row: &LedgerRow, effects: &Effects) -> ModelName {
    let was_chosen = row
        .ruling
        .as_ref()
        .and_then(|ruling| ruling.effects.model.as_ref());
    let asked = row.model_asked.as_ref().filter(|_| was_chosen.is_some());
    effects
        .model
        .as_ref()
        .or(asked)
        .unwrap_or(&row.model)
        .clone()
}

/// With so many output tokens at the most: those that were said go before those that were thought.
fn capped(usage: &TokenUsage, most: Option<u64>) -> TokenUsage {
    let excess = usage
        .output_total()
        .saturating_sub(most.unwrap_or(u64::MAX));
    let said = excess.min(usage.output);
    TokenUsage {
        output: usage.output.saturating_sub(said),
        reasoning_output: usage
            .reasoning_output
            .saturating_sub(excess.saturating_sub(said)),
        ..*usage
    }
}
