//! `budgetguard serve`: the gateway, until it is told to stop.

use anyhow::Result;
use clap::Args;

use crate::app::{Again, App, FirstRun};
use crate::commands::terminal::{has_reader, note};
use crate::gateway::server::Listener;
use crate::gateway::server::stop::StopOn;
use crate::settings::Settings;

#[derive(Debug, Default, Args)]
pub(super) struct Options {
    /// Take over from the gateway that runs on the same data folder, without turning a caller away: it hands
    /// its listener over and ends what is under way, while new callers wait. Without one, start as usual.
    #[arg(long)]
    upgrade: bool,
}

/// Builds and serves.
pub(super) fn run(options: &Options, settings: &Settings, again: Again) -> Result<()> {
    let listener = if options.upgrade {
        Listener::HandedOver
    } else {
        Listener::New
    };
    let (app, first_run) = App::build(settings, listener)?;
    introduce(settings, &first_run)?;
    tracing::info!(address = app.address(), "serving");
    app.serve(StopOn::Signals, Some(again))
}

/// Tells once what was made, and what is missing for a real provider. Secrets go to a terminal or
/// to a file of their owner, never into a log.
fn introduce(settings: &Settings, first_run: &FirstRun) -> Result<()> {
    if let Some(key) = &first_run.tenant_key {
        if has_reader() {
            note(&format!(
                "API key of tenant `{}` (shown once): {}",
                first_run.tenant,
                key.expose()
            ));
        } else {
            first_run.keep_tenant_key()?;
            let file = first_run.tenant_key_file.display();
            note(&format!(
                "API key of tenant `{}`: in {file}",
                first_run.tenant
            ));
        }
        if let Some(file) = &first_run.admin_key_file {
            note(&format!("Admin key: in {}", file.display()));
        }
    }
    let providers = &settings.providers;
    let keys = [&providers.openai, &providers.anthropic, &providers.google];
    if keys.iter().all(|provider| provider.keys.is_empty()) {
        note(
            "No provider key is set: set OPENAI_KEY, ANTHROPIC_API_KEY or GOOGLE_API_KEY. \
             `budgetguard simulate-provider` stands in for all three.",
        );
    }
    Ok(())
}
