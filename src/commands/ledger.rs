//! `budgetguard ledger`: what the ledger comes to by other prices, and beside a provider's own figures.

mod days;
mod exact;
mod export;
mod reconcile;
mod reprice;

use anyhow::Result;
use clap::Subcommand;

use crate::settings::Settings;

/// What `ledger` does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Compute what the rows would have cost by another price list. Nothing is changed.
    Reprice(reprice::Options),
    /// Compare the ledger with a provider's export of usage or costs, by day (UTC) and model.
    Reconcile(reconcile::Options),
}

/// Does it.
pub(super) async fn run(action: &Action, settings: &Settings) -> Result<()> {
    match action {
        Action::Reprice(options) => reprice::run(options, settings).await,
        Action::Reconcile(options) => reconcile::run(options, settings).await,
    }
}
