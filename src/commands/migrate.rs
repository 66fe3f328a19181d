//! `budgetguard migrate`: the database's schema.

use anyhow::{Result, bail};
use clap::Subcommand;
use comfy_table::Table;

use crate::app;
use crate::commands::terminal::{note, say};
use crate::settings::Settings;

/// What `migrate` does.
#[derive(Debug, Subcommand)]
pub(super) enum Step {
    /// Apply every migration that is missing.
    Up,
    /// List migrations, applied and missing.
    Status,
    /// Drop everything, the ledger too, and make the schema anew.
    Reset {
        /// Yes, everything.
        #[arg(long)]
        force: bool,
    },
}

/// Does it.
pub(super) async fn run(step: &Step, settings: &Settings) -> Result<()> {
    let store = app::open_store(settings).await?;
    match step {
        Step::Up => {
            let applied = store.migrate().await?;
            match applied.as_slice() {
                [] => say("the schema is up to date"),
                applied => applied
                    .iter()
                    .for_each(|name| say(&format!("applied {name}"))),
            }
        }
        Step::Status => {
            let status = store.migration_status().await?;
            let mut table = Table::new();
            table.set_header(["migration", "state"]);
            for migration in &status.applied {
                table.add_row([migration.name.clone(), "applied".to_owned()]);
            }
            for name in &status.pending {
                table.add_row([name.clone(), "missing".to_owned()]);
            }
            say(&table.to_string());
        }
        Step::Reset { force: false } => {
            bail!("this drops every table, the ledger too; say `migrate reset --force` to do it")
        }
        Step::Reset { force: true } => {
            note("dropping every table");
            store.reset().await?;
            store.migrate().await?;
            say("the database is empty and its schema up to date");
        }
    }
    Ok(())
}
