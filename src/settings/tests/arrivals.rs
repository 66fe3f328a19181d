//! Every variable of the environment reaches its key.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{CHECKPOINT_KEY, exposed, source};
use crate::settings::Settings;
use crate::settings::budgets::Period;
use crate::settings::environment::NAMES;
use crate::settings::secret::Secret;

/// A certificate and key in shape only: the settings look at the PEM frame.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

/// A variable, its text, where it must arrive, and as what.
type Arrival = (
    &'static str,
    &'static str,
    fn(&Settings) -> String,
    &'static str,
);

const ARRIVALS: &[Arrival] = &[
    ("HOST", "::1", |it| it.server.host.clone(), "::1"),
    ("PORT", "8080", |it| it.server.listen(), "[::1]:8080"),
    (
        "ADMIN_LISTEN",
        "[::1]:9",
        |it| text(it.server.admin_listen.as_ref()),
        "[::1]:9",
    ),
    (
        "TLS_CERT",
        "pem",
        |it| {
            it.server
                .tls
                .as_ref()
                .map_or(String::new(), |it| name(&it.cert))
        },
        "pem",
    ),
    (
        "TLS_KEY",
        "pem",
        |it| {
            it.server
                .tls
                .as_ref()
                .map_or(String::new(), |it| name(&it.key))
        },
        "pem",
    ),
    (
        "SHUTDOWN_DELAY_S",
        "4",
        |it| it.server.shutdown_delay_s.to_string(),
        "4",
    ),
    (
        "MAX_REQS_PER_MIN",
        "0",
        |it| it.limits.default_requests_per_minute.to_string(),
        "0",
    ),
    (
        "UNMETERED_FEATURES",
        "evals, Videos",
        |it| format!("{:?}", it.limits.unmetered_features),
        "[Evals, Videos]",
    ),
    (
        "OPENAI_BASE_URL",
        "http://o:81/v1",
        |it| it.providers.openai.base_url.to_string(),
        "http://o:81",
    ),
    (
        "OPENAI_KEY",
        "sk-o",
        |it| exposed(&it.providers.openai.keys),
        "sk-o",
    ),
    (
        "ANTHROPIC_BASE_URL",
        "http://a",
        |it| it.providers.anthropic.base_url.to_string(),
        "http://a",
    ),
    (
        "ANTHROPIC_API_KEY",
        "sk-a",
        |it| exposed(&it.providers.anthropic.keys),
        "sk-a",
    ),
    (
        "GOOGLE_BASE_URL",
        "http://g/v1beta/",
        |it| it.providers.google.base_url.to_string(),
        "http://g",
    ),
    (
        "GOOGLE_API_KEY",
        "sk-g",
        |it| exposed(&it.providers.google.keys),
        "sk-g",
    ),
    (
        "BUDGET_PERIODS",
        "daily, custom,DAILY",
        |it| format!("{:?}", it.budgets.periods),
        "[Daily, Custom]",
    ),
    (
        "DEFAULT_BUDGET_USD",
        "12.5",
        |it| text(it.budgets.default_for(Period::Custom, "x").as_ref()),
        "12.5",
    ),
    (
        "BUDGET_DAILY_USD",
        "3",
        |it| text(it.budgets.default_for(Period::Daily, "x").as_ref()),
        "3",
    ),
    (
        "BUDGET_DAILY_A_B",
        "0.000000001",
        |it| text(it.budgets.default_for(Period::Daily, "a_b").as_ref()),
        "0.000000001",
    ),
    (
        "BUDGET_START_DATE",
        "2026-01-01",
        |it| text(it.budgets.custom_days.map(|it| it.start).as_ref()),
        "2026-01-01",
    ),
    (
        "BUDGET_END_DATE",
        "2026-01-01",
        |it| text(it.budgets.custom_days.map(|it| it.end).as_ref()),
        "2026-01-01",
    ),
    (
        "BUDGET_DENIAL_STATUS",
        "429",
        |it| it.budgets.denial_status.code().to_string(),
        "429",
    ),
    (
        "ABORT_MODE",
        "drain",
        |it| format!("{:?}", it.budgets.abort_mode),
        "Drain",
    ),
    (
        "DATA_DIR",
        "elsewhere",
        |it| name(&it.stores.data_dir),
        "elsewhere",
    ),
    (
        "DATABASE_URL",
        "postgres://u:p@h/d",
        |it| expose(it.stores.database_url.as_ref()),
        "postgres://u:p@h/d",
    ),
    (
        "REDIS_URL",
        "redis://h/1",
        |it| expose(it.redis.url.as_ref()),
        "redis://h/1",
    ),
    (
        "REDIS_LEASES",
        "false",
        |it| it.redis.leases.to_string(),
        "false",
    ),
    (
        "CHECKPOINT_KEY",
        CHECKPOINT_KEY,
        |it| expose(it.checkpoints.key.as_ref()),
        CHECKPOINT_KEY,
    ),
    (
        "CHECKPOINT_FILE",
        "book.jsonl",
        |it| name(&it.checkpoints.file),
        "book.jsonl",
    ),
    (
        "CHECKPOINT_WEBHOOK_URL",
        "https://notary.test/in",
        |it| expose(it.checkpoints.webhook.as_ref().map(|it| &it.url)),
        "https://notary.test/in",
    ),
    (
        "CHECKPOINT_WEBHOOK_SECRET",
        "whsec_a2V5IG9mIHR3ZW50eS1mb3VyIGJ5dGVz",
        |it| {
            let secret = it.checkpoints.webhook.as_ref().unwrap().secret.as_ref();
            String::from_utf8(secret.unwrap().key().to_vec()).unwrap()
        },
        "key of twenty-four bytes",
    ),
    (
        "OPA_POLICY_PATH",
        "pem",
        |it| it.policy.path.as_deref().map_or(String::new(), name),
        "pem",
    ),
    (
        "ALERT_THRESHOLDS",
        "80",
        |it| format!("{:?}", it.alerts.thresholds),
        "Thresholds([Percent(80)])",
    ),
    (
        "ALERT_WEBHOOK_URL",
        "https://hooks.test/in",
        |it| expose(it.alerts.webhook.as_ref().map(|it| &it.url)),
        "https://hooks.test/in",
    ),
    (
        "ALERT_WEBHOOK_SECRET",
        "whsec_a2V5IG9mIHR3ZW50eS1mb3VyIGJ5dGVz",
        |it| {
            let secret = it.alerts.webhook.as_ref().unwrap().secret.as_ref();
            String::from_utf8(secret.unwrap().key().to_vec()).unwrap()
        },
        "key of twenty-four bytes",
    ),
    (
        "ADMIN_API_KEY",
        "admin-key",
        |it| expose(it.admin.api_key.as_ref()),
        "admin-key",
    ),
    (
        "METRICS_TOKEN",
        "token",
        |it| expose(it.admin.metrics_token.as_ref()),
        "token",
    ),
    (
        "KEY_PEPPER",
        "pepper-pepper-pepper",
        |it| expose(it.admin.key_pepper.as_ref()),
        "pepper-pepper-pepper",
    ),
    (
        "DEFAULT_TENANT",
        "acme",
        |it| it.seed.tenant.clone(),
        "acme",
    ),
    (
        "DEFAULT_API_KEY",
        "tenant-key",
        |it| expose(it.seed.api_key.as_ref()),
        "tenant-key",
    ),
    (
        "BUDGETGUARD_URL",
        "https://gateway.example.com",
        |it| text(it.admin.url.as_ref()),
        "https://gateway.example.com",
    ),
    (
        "TRUSTED_PROXIES",
        "10.0.0.0/8",
        |it| text(it.server.trusted_proxies.first()),
        "10.0.0.0/8",
    ),
    (
        "LOG_FORMAT",
        "json",
        |it| format!("{:?}", it.telemetry.log_format),
        "Json",
    ),
    (
        "RUST_LOG",
        "debug",
        |it| it.telemetry.log_filter.clone(),
        "debug",
    ),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "https://collector:4318",
        |it| text(it.otlp.endpoint.as_ref()),
        "https://collector:4318",
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "X-One=a%20b,two=2",
        |it| {
            let headers = it.otlp.headers.iter();
            let shown = headers.map(|(name, value)| format!("{name}: {}", value.expose()));
            shown.collect::<Vec<_>>().join(", ")
        },
        "x-one: a b, two: 2",
    ),
    (
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "1500",
        |it| it.otlp.timeout.as_millis().to_string(),
        "1500",
    ),
    (
        "OTEL_SERVICE_NAME",
        "guard",
        |it| it.otlp.service_name.clone(),
        "guard",
    ),
    (
        "USAGE_QUEUE",
        "Local",
        |it| format!("{:?}", it.ledger.queue),
        "Local",
    ),
];

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn expose(secret: Option<&Secret>) -> String {
    secret
        .map(|secret| secret.expose().to_owned())
        .unwrap_or_default()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_variable_reaches_its_key() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("pem"),
        format!("{CERTIFICATE}{PRIVATE_KEY}"),
    )
    .unwrap();
    let variables: Vec<_> = ARRIVALS
        .iter()
        .map(|(name, text, _, _)| (*name, *text))
        .collect();
    let settings = Settings::load(&source(&folder, &variables)).unwrap();
    for (name, _, read, expected) in ARRIVALS {
        assert_eq!(read(&settings), *expected, "{name}");
    }
    assert_eq!(settings.warnings, Vec::<String>::new());
    let not_in_periods = settings.budgets.default_for(Period::Monthly, "x");
    assert_eq!(
        not_in_periods, None,
        "a default amount is only for the periods that are named"
    );
    for (_, key) in NAMES {
        let reached = NAMES.iter().any(|(name, other)| {
            key == other && ARRIVALS.iter().any(|(arrival, _, _, _)| name == arrival)
        });
        assert!(reached, "no variable of {key} is tried");
    }
}
