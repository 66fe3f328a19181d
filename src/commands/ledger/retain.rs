//! `budgetguard ledger retain`: takes old months out of the ledger, into files.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::domain::stamp::Actor;
use crate::domain::window::{Clock, SystemClock};
use crate::evidence::month::Month;
use crate::evidence::retention::Leaving;
use crate::metrics::Metrics;
use crate::metrics::calls::TenantLabel;
use crate::settings::Settings;

/// What leaves, and where to.
#[derive(Debug, Args)]
pub(in crate::commands) struct Options {
    /// The first month (UTC) that stays, such as 2026-01.
    #[arg(long, value_name = "MONTH")]
    before: Month,
    /// The folder that gets a file for each month. Keep it: only with it the whole ledger can be verified.
    #[arg(long, value_name = "DIR")]
    export_dir: PathBuf,
    /// Only tell what would leave.
    #[arg(long)]
    dry_run: bool,
}

/// Takes out one month after the other.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let present = Month::of(SystemClock.now()).context("the clock shows no year")?;
    ensure!(options.before <= present, "the present month stays");
    let store = app::open_store(settings).await?;
    let metrics = Arc::new(Metrics::new(TenantLabel::default())?);
    let notary = app::notary(settings, &store, &metrics)?;
    if options.dry_run {
        for month in notary.months_before(options.before).await? {
            tell(&notary.look_at(month).await?);
        }
        return Ok(());
    }
    notary
        .take_out_before(
            options.before,
            &options.export_dir,
            &Actor::CommandLine,
            tell,
        )
        .await?;
    note("sums of what left stay: budgets and figures go on as before");
    Ok(())
}

fn tell(leaving: &Leaving) {
    let Leaving {
        month,
        rows,
        export,
    } = leaving;
    match export {
        Some(export) => say(&format!(
            "{month}: {rows} rows left, into {}",
            export.display()
        )),
        None => say(&format!("{month}: {rows} rows would leave")),
    }
}
