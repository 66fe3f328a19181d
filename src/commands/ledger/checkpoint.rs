//! `budgetguard ledger checkpoint`: signs how far the ledger goes now.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::metrics::Metrics;
use crate::metrics::calls::TenantLabel;
use crate::settings::Settings;

/// What to do with the key.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// Sign nothing; print the public key that `ledger verify --public-key` takes.
    #[arg(long)]
    public_key: bool,
}

/// Does it.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    if options.public_key {
        say(&app::checkpoint_key(settings)?.public().to_string());
        return Ok(());
    }
    let store = app::open_store(settings).await?;
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let notary = app::notary(settings, &store, &metrics)?;
    let checkpoint = notary.sign().await?;
    let rows: u64 = checkpoint
        .writers
        .iter()
        .map(|(_writer, tail)| tail.seq)
        .sum();
    say(&format!(
        "{}: {rows} rows in {} chains",
        checkpoint.at,
        checkpoint.writers.len()
    ));
    note(&format!("added to {}", notary.book.path().display()));
    Ok(())
}
