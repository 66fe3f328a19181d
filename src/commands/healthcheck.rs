//! `budgetguard healthcheck`: asks a running gateway whether it can serve.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::commands::terminal::say;
use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(3);

/// What `healthcheck` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where to ask (default: the port of the settings on this machine).
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Asks; anything but a yes within three seconds is a failure.
pub(super) async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let own = format!("http://127.0.0.1:{}/health", settings.server.port);
    let url = options.url.as_ref().unwrap_or(&own);
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let answer = client.get(url).send().await;
    let answer = answer.with_context(|| format!("no answer from {url}"))?;
    if !answer.status().is_success() {
        bail!("{url} answered {}", answer.status());
    }
    say("healthy");
    Ok(())
}
