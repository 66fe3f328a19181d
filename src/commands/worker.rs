//! `budgetguard worker`: writes what gateways put into the queue, until it is told to stop.

mod dead_letters;

use anyhow::Result;
use clap::Subcommand;

use crate::app::worker::Worker;
use crate::gateway::server::stop::until_signal;
use crate::settings::Settings;

/// What `worker` does instead of working.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Rows that could not be written.
    DeadLetters {
        #[command(subcommand)]
        action: dead_letters::Action,
    },
}

/// Does it.
pub(super) async fn run(action: Option<&Action>, settings: &Settings) -> Result<()> {
    if let Some(Action::DeadLetters { action }) = action {
        return dead_letters::run(action, settings).await;
    }
    let worker = Worker::build(settings).await?;
    tracing::info!(address = settings.server.listen(), "working");
    worker.run(until_signal()).await
}
