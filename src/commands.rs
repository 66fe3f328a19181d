//! The command line: one file for each command. Exit codes: 0 done, 1 failed, 2 wrong usage or
//! wrong settings.

mod serve;
mod worker;
mod demo;
mod simulate_provider;
mod migrate;
mod seed;
mod tenant;
mod key;
mod budget;
mod tag;
mod price;
mod usage;
mod alert;
mod user;
mod audit;
mod import;
mod ledger;
mod policy;
mod whatif;
mod healthcheck;
mod api;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::app::Again;
use crate::commands::terminal::complain;
use crate::settings::{Settings, SettingsError, Source};
use crate::telemetry::{self, LogControl};

const USAGE_ERROR: u8 = 2;

/// A reverse proxy for AI providers that makes sure nobody spends more than allowed.
///
/// Without a command it serves: the gateway, its admin API, and the ledger writer.
#[derive(Debug, Parser)]
#[command(name = "budgetguard", version, max_term_width = 100)]
struct Arguments {
    /// The settings file (default: conf/budgetguard.toml, if it is there).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (the default).
    Serve(serve::Options),
    /// Write what gateways put into the queue (`USAGE_QUEUE=redis`), or look after what cannot be written.
    Worker {
        #[command(subcommand)]
        action: Option<worker::Action>,
    },
    /// Show on this machine that a budget holds: hundreds of parallel calls on a small budget.
    Demo(demo::Options),
    /// Run a stand-in for OpenAI, Anthropic and Gemini that bills truthfully.
    SimulateProvider(simulate_provider::Options),
    /// Make the default tenant, its first key, and the price book.
    Seed,
    /// Bring the database's schema up to date, look at it, or empty it.
    Migrate {
        #[command(subcommand)]
        step: migrate::Step,
    },
    /// What the admin API does.
    #[command(flatten)]
    Remote(Remote),
    /// The ledger: other prices, providers' figures.
    Ledger {
        #[command(subcommand)]
        action: ledger::Action,
    },
    /// Rules in Rego as files: check, ask, test and measure them.
    Policy {
        #[command(subcommand)]
        action: policy::Action,
    },
    /// Ask what would have happened under other budgets or rules. Nothing is changed.
    Whatif(Box<whatif::Options>),
    /// Bring the database of a TypeScript BudgetGuard over. It may be run again: what is here stays.
    Import(import::Options),
    /// Ask a running gateway whether it can serve; for containers.
    Healthcheck(healthcheck::Options),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::Options::default())
    }
}

/// Commands over the admin API of a gateway.
#[derive(Debug, Subcommand)]
enum Remote {
    /// Tenants, and what they may ask for.
    Tenant(tenant::Options),
    /// API keys.
    Key(key::Options),
    /// Budgets of the installation, of tenants, keys and tags.
    Budget(budget::Options),
    /// A tenant's tags.
    Tag(tag::Options),
    /// What models cost.
    Price(price::Options),
    /// What tenants spend.
    Usage(usage::Options),
    /// Alerts of budgets.
    Alert(alert::Options),
    /// Who may use the admin API.
    User(user::Options),
    /// Who changed what, newest first.
    Audit(audit::Options),
}

impl Remote {
    async fn run(&self, settings: &Settings) -> Result<()> {
        match self {
            Self::Tenant(options) => tenant::run(options, settings).await,
            Self::Key(options) => key::run(options, settings).await,
            Self::Budget(options) => budget::run(options, settings).await,
            Self::Tag(options) => tag::run(options, settings).await,
            Self::Price(options) => price::run(options, settings).await,
            Self::Usage(options) => usage::run(options, settings).await,
            Self::Alert(options) => alert::run(options, settings).await,
            Self::User(options) => user::run(options, settings).await,
            Self::Audit(options) => audit::run(options, settings).await,
        }
    }
}

/// Runs the command that the command line names.
pub fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()) else {
        return ExitCode::SUCCESS;
    };
    if let Some(wrong) = error.downcast_ref::<SettingsError>() {
        for problem in &wrong.problems {
            complain(problem);
        }
        return ExitCode::from(USAGE_ERROR);
    }
    complain(&format!("{error:#}"));
    ExitCode::FAILURE
}

fn run(arguments: Arguments) -> Result<()> {
    let source = Source::from_process(arguments.config);
    match arguments.command.unwrap_or_default() {
        Command::Serve(options) => {
            let (settings, log) = prepared_with_log(&source)?;
            serve::run(&options, &settings, Again { source, log })
        }
        Command::Worker { action } => {
            runtime()?.block_on(worker::run(action.as_ref(), &prepared(&source)?))
        }
        Command::Demo(options) => demo::run(&options),
        Command::SimulateProvider(options) => runtime()?.block_on(simulate_provider::run(&options)),
        Command::Seed => runtime()?.block_on(seed::run(&prepared(&source)?)),
        Command::Migrate { step } => runtime()?.block_on(migrate::run(&step, &prepared(&source)?)),
        Command::Remote(remote) => runtime()?.block_on(remote.run(&prepared(&source)?)),
        Command::Ledger { action } => {
            runtime()?.block_on(ledger::run(&action, &prepared(&source)?))
        }
        Command::Policy { action } => policy::run(&action),
        Command::Whatif(options) => {
            runtime()?.block_on(whatif::run(&options, &Settings::load(&source)?))
        }
        Command::Import(options) => runtime()?.block_on(import::run(&options, &prepared(&source)?)),
        Command::Healthcheck(options) => {
            runtime()?.block_on(healthcheck::run(&options, &Settings::load(&source)?))
        }
    }
}

/// The settings, checked, with the log running.
fn prepared(source: &Source) -> Result<Settings> {
    prepared_with_log(source).map(|(settings, _)| settings)
}

fn prepared_with_log(source: &Source) -> Result<(Settings, LogControl)> {
    let settings = Settings::load(source)?;
    let log = telemetry::init(&settings.telemetry).context("could not start the log")?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    Ok((settings, log))
}

fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")
}
