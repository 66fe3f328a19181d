//! What operators use: policy, admin access, the first tenant, and logs.

use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use crate::domain::ruling::PolicyFailure;
use crate::settings::choice::Choice;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// Shortest pepper.
const PEPPER_LENGTH_MIN: usize = 16;
/// Shortest tenant key that is accepted in requests.
const TENANT_KEY_LENGTH_MIN: usize = 8;

/// `[policy]`
#[derive(Debug, Clone)]
pub struct Policy {
    /// File or folder; without it the built-in default applies.
    pub path: Option<PathBuf>,
    /// What becomes of requests that it fails to decide on.
    pub on_failure: OnPolicyFailure,
}

/// What becomes of a request by how the policy failed.
#[derive(Debug, Clone, Copy)]
pub struct OnPolicyFailure {
    /// A rule failed.
    pub error: Undecided,
    /// It did not decide in time.
    pub timeout: Undecided,
    /// Too many decisions were under way.
    pub busy: Undecided,
}

/// What becomes of a request that the policy did not decide on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undecided {
    /// It is refused.
    #[default]
    Deny,
    /// It may be sent, if its budgets have room; its row says why.
    Allow,
}

/// `[admin]`
#[derive(Debug, Clone)]
pub struct Admin {
    /// Key of the admin API.
    pub api_key: Option<Secret>,
    /// Token that `/metrics` asks for.
    pub metrics_token: Option<Secret>,
    /// Secret under which tenant keys are hashed.
    pub key_pepper: Option<Secret>,
    /// Where the command line finds the admin API, if not where these settings put it.
    pub url: Option<String>,
}

/// `[seed]`
#[derive(Debug, Clone)]
pub struct Seed {
    /// Name of the first tenant.
    pub tenant: String,
    /// Its key; without it a random one is made.
    pub api_key: Option<Secret>,
}

/// `[telemetry]`
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Form of a log line.
    pub log_format: LogFormat,
    /// Which events are logged, in the syntax of `RUST_LOG`; checked.
    pub log_filter: String,
    /// Whether spending is told by tenant in `/metrics`.
    pub tenant_series: bool,
    /// How many budgets have series of their own there.
    pub budget_series_max: usize,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object for each line.
    Json,
}

impl Policy {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            path: reader.checked_path("policy.path", is_readable),
            on_failure: OnPolicyFailure {
                error: reader.choice("policy.on_error"),
                timeout: reader.choice("policy.on_timeout"),
                busy: reader.choice("policy.on_busy"),
            },
        }
    }
}

impl OnPolicyFailure {
    /// What follows a failure.
    pub fn after(&self, failure: PolicyFailure) -> Undecided {
        match failure {
            PolicyFailure::Error => self.error,
            PolicyFailure::Timeout => self.timeout,
            PolicyFailure::Busy => self.busy,
        }
    }
}

impl Admin {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            api_key: reader.secret("admin.api_key", 1),
            metrics_token: reader.secret("admin.metrics_token", 1),
            key_pepper: reader.secret("admin.key_pepper", PEPPER_LENGTH_MIN),
            url: reader.optional("admin.url", address),
        }
    }
}

impl Seed {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            tenant: reader.required("seed.tenant", |text| Ok::<_, String>(text.to_owned())),
            api_key: reader.secret("seed.api_key", TENANT_KEY_LENGTH_MIN),
        }
    }
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            log_format: reader.choice("telemetry.log_format"),
            log_filter: reader.required("telemetry.log_filter", filter),
            tenant_series: reader.flag("telemetry.tenant_series"),
            budget_series_max: reader.integer("telemetry.budget_series_max", 0..=100_000),
        }
    }
}

fn is_readable(path: &Path) -> Result<(), String> {
    let found = if path.is_dir() {
        std::fs::read_dir(path).map(|_| ())
    } else {
        std::fs::File::open(path).map(|_| ())
    };
    found.map_err(|error| error.to_string())
}

/// Not looked at before it is used.
fn address(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text.to_owned());
    }
    Err("must begin with http:// or https://".to_owned())
}

fn filter(text: &str) -> Result<String, String> {
    text.parse::<EnvFilter>()
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

impl Choice for Undecided {
    const NAMES: &'static [(&'static str, Self)] = &[("deny", Self::Deny), ("allow", Self::Allow)];
}

impl Choice for LogFormat {
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}
