//! `budgetguard ledger`: what the ledger comes to by other prices and beside a provider's own figures, and
//! its rows as a file.

mod days;
mod exact;
mod export;
mod reconcile;
mod reprice;
mod rows;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::domain::id::TenantId;
use crate::settings::Settings;
use crate::store::Store;

/// What `ledger` does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
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
