//! `budgetguard demo`: shows on this machine, with real HTTP and nothing installed, that a budget
//! holds. Fails if any promise was broken.

mod load;
mod stage;
mod verdict;

use anyhow::{Result, bail};
use clap::Args;
use tokio::runtime::Builder;

use crate::commands::demo::load::Load;
use crate::commands::demo::stage::Stage;
use crate::commands::demo::verdict::Verdict;
use crate::commands::terminal::{note, say};

/// What `demo` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// How many calls to fire.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    calls: u32,
    /// How many of them at a time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    parallel: u32,
    /// Keep serving afterwards, until interrupted.
    #[arg(long)]
    keep: bool,
}

/// Runs it.
pub(super) fn run(options: &Options) -> Result<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    note("starting a simulated provider and the gateway, on embedded stores");
    let stage = Stage::set(&runtime)?;
    let verdict = runtime.block_on(play(&stage, options));
    if options.keep && verdict.is_ok() {
        note(&format!(
            "serving on {} until interrupted",
            stage.gateway_url()
        ));
        note(&format!("admin key: {}", stage.admin_key()));
        runtime.block_on(tokio::signal::ctrl_c())?;
    }
    stage.clear(&runtime)?;
    match verdict?.broken() {
        [] => Ok(()),
        broken => bail!("a promise was broken: {}", broken.join("; ")),
    }
}

async fn play(stage: &Stage, options: &Options) -> Result<Verdict> {
    let customer = stage.admit_customer().await?;
    let (calls, parallel) = (options.calls, options.parallel);
    note(&format!(
        "firing {calls} calls, {parallel} at a time, at a budget of ${}",
        stage::BUDGET_USD
    ));
    let mut load = Load::fire(stage.gateway_url(), &customer.key, calls, parallel).await?;
    note("spending what is left with small calls");
    load.spend_the_rest(stage.gateway_url(), &customer.key)
        .await?;
    note("waiting for the ledger");
    let verdict = Verdict::reach(stage, &customer, load).await?;
    say(&verdict.table());
    Ok(verdict)
}
