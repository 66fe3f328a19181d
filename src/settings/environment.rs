//! The environment layer: which variable stands for which key, and the `.env` file below it.
//! Variables that are not ours are none of our business; those that start like ours are checked.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use crate::settings::budgets::Period;
use crate::settings::choice::Choice as _;
use crate::settings::text::read_bounded;

/// Variable and key; of several variables for one key, the first that is set counts.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("HOST", "server.host"),
    ("PORT", "server.port"),
    ("ADMIN_LISTEN", "server.admin_listen"),
    ("TRUSTED_PROXIES", "server.trusted_proxies"),
    ("TLS_CERT", "server.tls_cert"),
    ("TLS_KEY", "server.tls_key"),
    ("SHUTDOWN_DELAY_S", "server.shutdown_delay_s"),
    ("MAX_REQS_PER_MIN", "limits.default_requests_per_minute"),
    ("UNMETERED_FEATURES", "limits.unmetered_features"),
    ("OPENAI_BASE_URL", "providers.openai.base_url"),
    ("OPENAI_KEY", "providers.openai.api_key"),
    ("OPENAI_API_KEY", "providers.openai.api_key"),
    ("ANTHROPIC_BASE_URL", "providers.anthropic.base_url"),
    ("ANTHROPIC_API_KEY", "providers.anthropic.api_key"),
    ("GOOGLE_BASE_URL", "providers.google.base_url"),
    ("GOOGLE_API_KEY", "providers.google.api_key"),
    ("GEMINI_API_KEY", "providers.google.api_key"),
    ("BUDGET_PERIODS", "budgets.periods"),
    ("BUDGET_PERIOD", "budgets.periods"),
    ("DEFAULT_BUDGET_USD", "budgets.default_usd"),
    ("MAX_MONTHLY_USD", "budgets.default_usd"),
    ("BUDGET_START_DATE", "budgets.start_date"),
    ("BUDGET_END_DATE", "budgets.end_date"),
    ("BUDGET_DENIAL_STATUS", "budgets.denial_status"),
    ("ABORT_MODE", "budgets.abort_mode"),
    ("ALERT_THRESHOLDS", "alerts.thresholds"),
    ("ALERT_WEBHOOK_URL", "alerts.webhook_url"),
    ("ALERT_WEBHOOK_SECRET", "alerts.webhook_secret"),
    ("DATA_DIR", "stores.data_dir"),
    ("DATABASE_URL", "stores.database_url"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_LEASES", "redis.leases"),
    ("CHECKPOINT_KEY", "ledger.checkpoint_key"),
    ("CHECKPOINT_FILE", "ledger.checkpoint_file"),
    ("CHECKPOINT_WEBHOOK_URL", "ledger.checkpoint_webhook_url"),
    (
        "CHECKPOINT_WEBHOOK_SECRET",
        "ledger.checkpoint_webhook_secret",
    ),
    ("USAGE_QUEUE", "ledger.queue"),
    ("OPA_POLICY_PATH", "policy.path"),
    ("ADMIN_API_KEY", "admin.api_key"),
    ("METRICS_TOKEN", "admin.metrics_token"),
    ("KEY_PEPPER", "admin.key_pepper"),
    ("BUDGETGUARD_URL", "admin.url"),
    ("DEFAULT_TENANT", "seed.tenant"),
    ("DEFAULT_API_KEY", "seed.api_key"),
    ("LOG_FORMAT", "telemetry.log_format"),
    ("RUST_LOG", "telemetry.log_filter"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otlp.headers"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "otlp.timeout_ms"),
    ("OTEL_SERVICE_NAME", "otlp.service_name"),
];

/// Keys that are secret. With `_FILE` behind its name, a variable of one names the file that holds it,
/// as images of databases have it.
pub(super) const SECRETS: &[&str] = &[
    "providers.openai.api_key",
    "providers.anthropic.api_key",
    "providers.google.api_key",
    "alerts.webhook_url",
    "alerts.webhook_secret",
    "stores.database_url",
    "redis.url",
    "ledger.checkpoint_key",
    "ledger.checkpoint_webhook_url",
    "ledger.checkpoint_webhook_secret",
    "admin.api_key",
    "admin.metrics_token",
    "admin.key_pepper",
    "seed.api_key",
    "otlp.headers",
];

/// Kubernetes injects `<SERVICE>_PORT…` and `<SERVICE>_SERVICE_…` into each container, also for a
/// service that is called budgetguard: these are not settings.
const INJECTED_PREFIXES: [&str; 2] = ["BUDGETGUARD_PORT", "BUDGETGUARD_SERVICE_"];

/// Longest `.env` file that is read.
const DOTENV_BYTES_MAX: u64 = 1 << 20;

/// One variable: how problems call it, and what it says.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) label: String,
    pub(super) text: String,
}

/// What the environment says, sorted by key.
#[derive(Default)]
pub(super) struct Environment {
    /// By key of the settings file.
    pub(super) by_key: BTreeMap<String, Variable>,
    /// Amounts of single tenants, by upper-case tenant name.
    pub(super) by_tenant: BTreeMap<(Period, String), Variable>,
    /// Every variable that is not empty, for references and for names that are no settings.
    pub(super) all: BTreeMap<String, Variable>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Environment {
    /// Lays the process's variables over those of `.env` in `working_dir`.
    pub(super) fn load(process: &BTreeMap<String, String>, working_dir: &Path) -> Self {
        let mut environment = Self::default();
        let dotenv = environment.read_dotenv(&working_dir.join(".env"));
        environment.overlay(
            dotenv.iter().map(|(name, text)| (name.as_str(), text)),
            " in .env",
        );
        environment.overlay(process.iter().map(|(name, text)| (name.as_str(), text)), "");
        environment.check_names();
        environment
    }

    fn read_dotenv(&mut self, path: &Path) -> Vec<(String, String)> {
        let text = match read_bounded(path, DOTENV_BYTES_MAX) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.problems.push(format!("could not read .env: {error}"));
                return Vec::new();
            }
        };
        let mut entries: Vec<(String, String)> = Vec::new();
        for entry in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
            match entry {
                Ok(entry) => entries.push(entry),
                // The error itself quotes the line, which may hold a secret.
                Err(_) => self.problems.push(match entries.last() {
                    Some((name, _)) => format!(".env: the line after `{name}` is not NAME=value"),
                    None => ".env: the first line is not NAME=value".into(),
                }),
            }
        }
        entries
    }

    fn overlay<'v>(&mut self, layer: impl Iterator<Item = (&'v str, &'v String)>, suffix: &str) {
        let mut variables = BTreeMap::new();
        for (name, text) in layer.filter(|(_, text)| !text.trim().is_empty()) {
            let variable = Variable {
                label: format!("`{name}`{suffix}"),
                text: text.clone(),
            };
            variables.insert(name, variable);
        }
        let files = self.secret_files(&variables);
        let mut taken: BTreeMap<&str, &Variable> = BTreeMap::new();
        for (name, key) in NAMES {
            let Some(variable) = variables.get(name).or(files.get(name)) else {
                continue;
            };
            match taken.get(key) {
                Some(first) if first.text != variable.text => self.warnings.push(format!(
                    "{} is ignored, because {} is set to something else",
                    variable.label, first.label
                )),
                Some(_) => {}
                None => {
                    taken.insert(key, variable);
                    self.by_key.insert((*key).to_owned(), variable.clone());
                }
            }
        }
        for (name, variable) in variables {
            self.take_amount(name, &variable);
            self.all.insert(name.to_owned(), variable);
        }
    }

    /// Variables that name the file of a secret, under the name of the variable that would hold it.
    fn secret_files(
        &mut self,
        variables: &BTreeMap<&str, Variable>,
    ) -> BTreeMap<&'static str, Variable> {
        let mut files = BTreeMap::new();
        for (name, _) in NAMES.iter().filter(|(_, key)| SECRETS.contains(key)) {
            let Some(file) = variables.get(format!("{name}_FILE").as_str()) else {
                continue;
            };
            if let Some(written) = variables.get(name) {
                self.problems.push(format!(
                    "{} and {} are both set; one of them must go",
                    written.label, file.label
                ));
            }
            let named = Variable {
                label: file.label.clone(),
                text: format!("file:{}", file.text.trim()),
            };
            files.insert(*name, named);
        }
        files
    }

    /// `BUDGET_<PERIOD>_USD` and `BUDGET_<PERIOD>_<TENANT>`.
    fn take_amount(&mut self, name: &str, variable: &Variable) {
        let Some((period, whose)) = name
            .strip_prefix("BUDGET_")
            .and_then(|it| it.split_once('_'))
        else {
            return;
        };
        match Period::from_name(period) {
            Some(period) if whose == "USD" => {
                let key = format!("budgets.amounts_usd.{}", period.as_str());
                self.by_key.insert(key, variable.clone());
            }
            Some(period) => {
                self.by_tenant
                    .insert((period, whose.to_uppercase()), variable.clone());
            }
            None if NAMES.iter().any(|(known, _)| *known == name) => {}
            None => self.warnings.push(format!(
                "{} is ignored: it names no budget period",
                variable.label
            )),
        }
    }

    /// Names that start like ours, and names whose feature this version does not have.
    fn check_names(&mut self) {
        for (name, variable) in &self.all {
            let label = &variable.label;
            let injected = INJECTED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix));
            let is_known = NAMES.iter().any(|(known, _key)| known == name);
            match name.as_str() {
                "BUDGETGUARD_CONFIG" => {}
                other if other.starts_with("BUDGETGUARD_") && !injected && !is_known => {
                    self.problems.push(format!("{label}: unknown variable"));
                }
                _ => {}
            }
        }
    }
}
