//! `budgetguard ledger`: whether it is whole, its rows as a file, what it comes to by other prices, and beside
//! a provider's own figures.

mod checkpoint;
mod days;
mod exact;
mod export;
mod reconcile;
mod reprice;
mod retain;
mod rows;
mod verify;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::domain::id::TenantId;
use crate::settings::Settings;
use crate::store::Store;

/// What `ledger` does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Check that no row was changed, removed, moved or doubled, and that none is gone from the end. Fails
    /// if anything is wrong.
    Verify(verify::Options),
    /// Sign how far the ledger goes now, unless it is not what was signed before.
    Checkpoint(checkpoint::Options),
    /// Take whole months out of the ledger: exported, read back, signed for, and only then removed.
    Retain(retain::Options),
    /// Compute what the rows would have cost by another price list. Nothing is changed.
    Reprice(reprice::Options),
    /// Compare the ledger with a provider's export of usage or costs, by day (UTC) and model.
    Reconcile(reconcile::Options),
    /// Write the rows of a time into a file, exact in every column.
    Export(rows::Options),
}

/// Does it.
pub(super) async fn run(action: &Action, settings: &Settings) -> Result<()> {
    match action {
        Action::Verify(options) => verify::run(options, settings).await,
        Action::Checkpoint(options) => checkpoint::run(options, settings).await,
        Action::Retain(options) => retain::run(options, settings).await,
        Action::Reprice(options) => reprice::run(options, settings).await,
        Action::Reconcile(options) => reconcile::run(options, settings).await,
        Action::Export(options) => rows::run(options, settings).await,
    }
}

/// The tenant of a name, if one is given.
async fn tenant_of(store: &Store, name: Option<&str>) -> Result<Option<TenantId>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let found = store.tenant_named(name).await?;
    let found = found.with_context(|| format!("there is no tenant `{name}`"))?;
    Ok(Some(found.tenant.id))
}
