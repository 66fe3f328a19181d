//! All settings, as one immutable tree: built-in defaults, a file, `.env` and the environment, in
//! this order. The only place that reads configuration; live data (tenants, prices) is not here.
//!
//! `conf/budgetguard.toml` explains every key and holds the defaults. Loading reports every problem
//! at once, because finding them one start at a time is a bad way to set up a gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::settings::alerts::Alerts;
use crate::settings::budgets::Budgets;
use crate::settings::checkpoints::Checkpoints;
use crate::settings::environment::Environment;
use crate::settings::operations::{Admin, Policy, Seed, Telemetry};
use crate::settings::otlp::Otlp;
use crate::settings::reader::Reader;
use crate::settings::retention::Retention;
use crate::settings::routing::Routing;
use crate::settings::server::{Limits, Server};
use crate::settings::shown::Shown;
use crate::settings::storage::{Ledger, Redis, Spool, Stores};
use crate::settings::upstream::{Providers, Upstream};

pub mod server;

pub mod alerts;
pub mod budgets;
pub mod checkpoints;
pub mod retention;
pub mod operations;
pub mod otlp;
pub mod routing;
pub mod storage;
pub mod upstream;

pub mod base_url;
pub mod reference;
pub mod secret;
pub mod shown;

mod choice;
mod environment;
mod reader;
mod text;

#[cfg(test)]
mod tests;

/// The reference, which is also the lowest layer.
const DEFAULTS: &str = include_str!("../conf/budgetguard.toml");
/// Settings file that is read if nobody names one and it is there.
const DEFAULT_FILE: &str = "conf/budgetguard.toml";
/// Variable that names the settings file.
const FILE_VARIABLE: &str = "BUDGETGUARD_CONFIG";

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the gateway listens.
    pub server: Server,
    /// Limits for callers.
    pub limits: Limits,
    /// How providers are reached.
    pub upstream: Upstream,
    /// Where providers are reached.
    pub providers: Providers,
    /// More providers, and what serves a model.
    pub routing: Routing,
    /// Default budgets and refusals.
    pub budgets: Budgets,
    /// Alerts of budgets.
    pub alerts: Alerts,
    /// Where data lives.
    pub stores: Stores,
    /// What replicas share.
    pub redis: Redis,
    /// Intents and outcomes on their way to the ledger.
    pub spool: Spool,
    /// The ledger writer.
    pub ledger: Ledger,
    /// Checkpoints of the ledger.
    pub checkpoints: Checkpoints,
    /// How long the ledger keeps rows.
    pub retention: Retention,
    /// The policy.
    pub policy: Policy,
    /// Access for operators.
    pub admin: Admin,
    /// The first tenant.
    pub seed: Seed,
    /// Logs.
    pub telemetry: Telemetry,
    /// Traces and metrics.
    pub otlp: Otlp,
    /// What is worth a line in the log at the start, but no reason to stop.
    pub warnings: Vec<String>,
    /// What was read, without what is secret.
    pub shown: Vec<Shown>,
}

/// Where settings come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Settings file named on the command line.
    pub config: Option<PathBuf>,
    /// The environment variables.
    pub environment: BTreeMap<String, String>,
    /// Where `.env` and relative paths are looked for.
    pub working_dir: PathBuf,
}

/// Every problem that was found, one line each; none of them shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct SettingsError {
    /// The lines, in the order of the settings.
    pub problems: Vec<String>,
}

impl Settings {
    /// Reads and checks all layers.
    pub fn load(source: &Source) -> Result<Self, SettingsError> {
        let environment = Environment::load(&source.environment, &source.working_dir);
        let file = settings_file(source, &environment);
        let mut reader = Reader::new(DEFAULTS, environment, &source.working_dir);
        if let Some(path) = file {
            reader.take_file(&path);
        }
        let mut settings = Self::read(&mut reader);
        reader.note_unknown_keys();
        settings.warnings = reader.warnings;
        settings.shown = reader.collected.finish();
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            // A quoted path may have line breaks in it.
            let one_line = |problem: String| problem.replace(char::is_control, " ");
            let problems = reader.problems.into_iter().map(one_line).collect();
            Err(SettingsError { problems })
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let server = Server::read(reader);
        let stores = Stores::read(reader);
        let admin = Admin::read(reader);
        let redis = Redis::read(reader, &stores, &admin);
        Self {
            limits: Limits::read(reader),
            upstream: Upstream::read(reader),
            providers: Providers::read(reader, &server),
            routing: Routing::read(reader, &server),
            server,
            budgets: Budgets::read(reader),
            alerts: Alerts::read(reader),
            checkpoints: Checkpoints::read(reader, &stores),
            retention: Retention::read(reader, &stores),
            stores,
            spool: Spool::read(reader),
            ledger: Ledger::read(reader, &redis),
            redis,
            policy: Policy::read(reader),
            admin,
            seed: Seed::read(reader),
            telemetry: Telemetry::read(reader),
            otlp: Otlp::read(reader),
            warnings: Vec::new(),
            shown: Vec::new(),
        }
    }
}

impl Source {
    /// The environment and the working directory of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process(config: Option<PathBuf>) -> Self {
        // Text that is not UTF-8 must not stop the start: it is refused where it matters.
        let variables = std::env::vars_os().map(|(name, text)| {
            (
                name.to_string_lossy().into_owned(),
                text.to_string_lossy().into_owned(),
            )
        });
        Self {
            config,
            environment: variables.collect(),
            working_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }
}

fn settings_file(source: &Source, environment: &Environment) -> Option<PathBuf> {
    let named = environment
        .all
        .get(FILE_VARIABLE)
        .map(|variable| Path::new(variable.text.trim()));
    let working_dir = &source.working_dir;
    match source.config.as_deref().or(named) {
        Some(path) => Some(working_dir.join(path)),
        None => Some(working_dir.join(DEFAULT_FILE)).filter(|path| path.exists()),
    }
}
