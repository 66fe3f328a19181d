//! `budgetguard simulate-provider`: a stand-in for the three providers that bills truthfully.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::commands::terminal::note;
use crate::simulator::{self, SimulatorOptions};

/// What `simulate-provider` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// How long an answer takes to begin, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// How long a stream waits between chunks, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    chunk_delay_ms: u64,
}

/// Serves until interrupted.
pub(super) async fn run(options: &Options) -> Result<()> {
    note(&format!(
        "Set OPENAI_BASE_URL, ANTHROPIC_BASE_URL and GOOGLE_BASE_URL to http://{}",
        options.listen
    ));
    let simulator = SimulatorOptions {
        listen: options.listen,
        latency: Duration::from_millis(options.latency_ms),
        chunk_delay: Duration::from_millis(options.chunk_delay_ms),
        ..SimulatorOptions::default()
    };
    let interrupted = async {
        // Without signals there is nothing to wait for but the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let served = simulator::run(simulator, interrupted).await;
    served.with_context(|| format!("could not serve on {}", options.listen))
}
