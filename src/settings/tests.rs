//! The layers together; what one file does alone is tested there.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::settings::budgets::Period;
use crate::settings::environment::NAMES;
use crate::settings::secret::{Secret, WeightedKey};
use crate::settings::text::{leaf_keys, parse_toml};

/// A certificate and key in shape only: the settings look at the PEM frame.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
const SECRET: &str = "sk-top-secret-0123456789";

fn source(folder: &TempDir, variables: &[(&str, &str)]) -> Source {
    let pairs = variables
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Source {
        config: None,
        environment: pairs.collect(),
        working_dir: folder.path().to_owned(),
    }
}

fn with_environment(variables: &[(&str, &str)]) -> Settings {
    Settings::load(&source(&TempDir::new().unwrap(), variables)).unwrap()
}

fn problems_of_environment(variables: &[(&str, &str)]) -> Vec<String> {
    problems(&source(&TempDir::new().unwrap(), variables))
}

fn problems(source: &Source) -> Vec<String> {
    Settings::load(source).map(|_| ()).unwrap_err().problems
}

fn with_file(text: &str) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("conf")).unwrap();
    fs::write(folder.path().join(DEFAULT_FILE), text).unwrap();
    let source = source(&folder, &[]);
    (folder, source)
}

/// Asserts that there is exactly one problem for each of `expected`, in which all words occur.
fn assert_problems(found: &[String], expected: &[&[&str]]) {
    for words in expected {
        let matches = found
            .iter()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .count();
        assert_eq!(matches, 1, "{words:?} in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn starts_without_any_configuration() {
    let settings = with_environment(&[]);
    assert_eq!(settings.server.listen(), "0.0.0.0:3000");
    assert_eq!(settings.limits.body_bytes_max, 32 * 1024 * 1024);
    assert_eq!(settings.limits.default_requests_per_minute, 100);
    assert_eq!(settings.budgets.periods, [Period::Monthly]);
    assert_eq!(settings.budgets.default_usd.unwrap().to_string(), "50");
    assert_eq!(settings.seed.tenant, "public");
    assert_eq!(settings.admin.api_key, None);
    assert!(settings.stores.data_dir.is_absolute());
    assert_eq!(settings.warnings, Vec::<String>::new());
}

#[test]
fn the_reference_names_exactly_the_keys_that_are_read() {
    let folder = TempDir::new().unwrap();
    let mut reader = Reader::new(DEFAULTS, Environment::default(), folder.path());
    Settings::read(&mut reader);
    let documented = leaf_keys(&parse_toml(DEFAULTS).unwrap());
    let documented: std::collections::BTreeSet<String> = documented.into_iter().collect();
    assert_eq!(&documented, reader.keys_read());
}

#[test]
fn every_key_and_every_variable_is_explained_in_the_reference() {
    let mut comment_above = false;
    for line in DEFAULTS.lines() {
        if line.starts_with('#') {
            comment_above = true;
        } else if line.trim().is_empty() {
            comment_above = false;
        } else if !line.starts_with('[') {
            let second_of_a_pair = line.starts_with("tls_key") || line.starts_with("end_date");
            assert!(
                comment_above || second_of_a_pair,
                "no comment above `{line}`"
            );
            comment_above = false;
        }
    }
    for (name, key) in NAMES {
        assert!(DEFAULTS.contains(name), "{name} is not in the reference");
        let leaf = key.rsplit('.').next().unwrap();
        assert!(DEFAULTS.contains(leaf), "{key} is not in the reference");
    }
}

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
        "USAGE_QUEUE",
        "Local",
        |it| format!("{:?}", it.ledger.queue),
        "Local",
    ),
];

fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn exposed(keys: &[WeightedKey]) -> String {
    let shown = keys.iter().map(|key| match key.shares {
        1 => key.secret.expose().to_owned(),
        shares => format!("{}*{shares}", key.secret.expose()),
    });
    shown.collect::<Vec<_>>().join(",")
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

#[test]
fn aliases_count_when_the_first_name_is_not_set() {
    let settings = with_environment(&[
        ("OPENAI_KEY", " "),
        ("OPENAI_API_KEY", "sk-a"),
        ("GEMINI_API_KEY", "sk-b"),
        ("MAX_MONTHLY_USD", "7"),
        ("BUDGET_PERIOD", "total"),
    ]);
    assert_eq!(exposed(&settings.providers.openai.keys), "sk-a");
    assert_eq!(exposed(&settings.providers.google.keys), "sk-b");
    assert_eq!(settings.budgets.default_usd.unwrap().to_string(), "7");
    assert_eq!(settings.budgets.periods, [Period::Total]);

    let settings = with_environment(&[("OPENAI_KEY", "sk-a"), ("OPENAI_API_KEY", "sk-b")]);
    assert_eq!(exposed(&settings.providers.openai.keys), "sk-a");
    assert_problems(
        &settings.warnings,
        &[&["`OPENAI_API_KEY`", "ignored", "`OPENAI_KEY`"]],
    );
}

#[test]
fn the_environment_wins_over_dotenv_and_dotenv_over_the_file() {
    let (folder, mut source) =
        with_file("[server]\nport = 1\nhost = \"file\"\nthreads = 3\n[seed]\ntenant = \"file\"");
    let dotenv = "\u{feff}# comment\nPORT=2\nexport HOST='dotenv'\nOPENAI_API_KEY=\"sk-dotenv\"\n";
    fs::write(folder.path().join(".env"), dotenv).unwrap();
    source.environment.insert("PORT".into(), "3".into());
    source.environment.insert("HOST".into(), String::new());
    let settings = Settings::load(&source).unwrap();
    assert_eq!(settings.server.port, 3);
    assert_eq!(settings.server.host, "dotenv");
    assert_eq!(settings.server.threads, 3);
    assert_eq!(settings.seed.tenant, "file");
    assert_eq!(exposed(&settings.providers.openai.keys), "sk-dotenv");
}

#[test]
fn a_broken_dotenv_line_is_named_but_not_quoted() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join(".env"),
        format!("PORT=80\nKEY '{SECRET}\nHOST=x\n"),
    )
    .unwrap();
    let found = problems(&source(&folder, &[]));
    assert_problems(&found, &[&[".env", "after `PORT`"]]);
    assert!(!found[0].contains(SECRET));
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.toml"), "server.port = 1").unwrap();
    fs::write(folder.path().join("b.toml"), "server.port = 2").unwrap();
    let mut named = source(&folder, &[("BUDGETGUARD_CONFIG", "a.toml")]);
    assert_eq!(Settings::load(&named).unwrap().server.port, 1);
    named.config = Some("b.toml".into());
    assert_eq!(Settings::load(&named).unwrap().server.port, 2);
    named.config = Some("c.toml".into());
    assert_problems(&problems(&named), &[&["could not read settings", "c.toml"]]);
}

#[test]
fn the_reference_itself_is_a_valid_file() {
    let (_folder, source) = with_file(DEFAULTS);
    assert_eq!(
        Settings::load(&source).unwrap().warnings,
        Vec::<String>::new()
    );
}

const BAD_FILE: &str = r#"
        colour = "red"
        [server]
        port = 70000
        threads = 1.5
        hots = "typo"
        admin_listen = "nowhere"
        tls_cert = "missing.pem"
        [limits]
        body_bytes_max = nan
        header_count_max = -1
        default_requests_per_minute = "many"
        [upstream]
        http2 = 1
        ca_file = "missing.pem"
        [providers.openai]
        base_url = "ftp://x"
        [budgets]
        periods = ["daily", "yearly"]
        default_usd = 12.5
        denial_status = 403
        start_date = "2026-02-30"
        [budgets.amounts_usd]
        weekly = "-1"
        [budgets.tenants_usd.acme]
        daily = "1.0000000001"
        fortnightly = "1"
        [spool]
        sync = "sometimes"
        [policy]
        path = "missing.rego"
        [empty]
        "#;

const BAD_FILE_PROBLEMS: &[&[&str]] = &[
    &["unknown key `colour` in", "budgetguard.toml"],
    &["unknown key `server.hots`"],
    &["unknown key `empty`"],
    &["`server.port`", "from 1 to 65535", "`70000`"],
    &["`server.threads`", "whole number", "`1.5`"],
    &["`server.admin_listen`", "host:port", "`nowhere`"],
    &["`server.tls_cert`", "missing.pem", "No such file"],
    &["`server.tls_cert`", "needs server.tls_key"],
    &["`limits.body_bytes_max`", "`NaN`"],
    &["`limits.header_count_max`", "`-1`"],
    &["`limits.default_requests_per_minute`", "the string `many`"],
    &["`upstream.http2`", "true or false", "`1`"],
    &["`upstream.ca_file`", "missing.pem"],
    &["`providers.openai.base_url`", "http", "`ftp://x`"],
    &["`budgets.periods`", "hourly", "`yearly`"],
    &["`budgets.default_usd`", "in quotes", "`12.5`"],
    &["`budgets.denial_status`", "402 or 429", "`403`"],
    &["`budgets.start_date`", "`2026-02-30`"],
    &["`budgets.amounts_usd.weekly`", "`-1`"],
    &["`budgets.tenants_usd.acme.daily`", "nine decimal places"],
    &["`budgets.tenants_usd.acme.fortnightly`", "no period"],
    &["`spool.sync`", "os, interval or always", "`sometimes`"],
    &["`policy.path`", "missing.rego"],
];

#[test]
fn every_problem_of_a_file_is_reported_at_once() {
    let (_folder, source) = with_file(BAD_FILE);
    assert_problems(&problems(&source), BAD_FILE_PROBLEMS);
}

#[test]
fn every_problem_of_the_environment_is_reported_at_once() {
    let found = problems_of_environment(&[
        ("PORT", "http"),
        ("HOST", "two words"),
        ("MAX_REQS_PER_MIN", "1.5"),
        ("DEFAULT_BUDGET_USD", "NaN"),
        ("BUDGET_DAILY_ACME", "1,3"),
        ("BUDGET_PERIODS", "daily,,yearly"),
        ("REDIS_URL", "http://x"),
        ("USAGE_QUEUE", "kafka"),
        ("BUDGETGUARD_PROT", "1"),
        ("RUST_LOG", "info,=,"),
        ("KEY_PEPPER", "short"),
        ("ALERT_THRESHOLDS", "0.8"),
        ("ALERT_WEBHOOK_URL", "hooks.test"),
        ("ALERT_WEBHOOK_SECRET", "short"),
        ("DATABASE_URL", "mysql://u:p@h/d"),
        ("TLS_KEY", "/nowhere/key.pem"),
    ]);
    assert_problems(
        &found,
        &[
            &["`PORT`", "whole number", "`http`"],
            &["`HOST`", "`two words`"],
            &["`MAX_REQS_PER_MIN`", "whole number", "`1.5`"],
            &["`DEFAULT_BUDGET_USD`", "`NaN`"],
            &["`BUDGET_DAILY_ACME`", "`1,3`"],
            &["`BUDGET_PERIODS`", "not ``"],
            &["`BUDGET_PERIODS`", "`yearly`"],
            &["`REDIS_URL`", "redis://"],
            &["`USAGE_QUEUE`", "local or redis", "`kafka`"],
            &["`BUDGETGUARD_PROT`", "unknown"],
            &["`RUST_LOG`", "`info,=,`"],
            &["`KEY_PEPPER`", "at least 16"],
            &[
                "`ALERT_THRESHOLDS`",
                "whole percents from 1 to 1000",
                "`0.8`",
            ],
            &["`ALERT_WEBHOOK_URL`", "http://"],
            &["`ALERT_WEBHOOK_SECRET`", "at least 24 bytes"],
            &["`DATABASE_URL`", "postgres://"],
            &["`TLS_KEY`", "/nowhere/key.pem"],
            &["`TLS_KEY`", "needs server.tls_cert"],
        ],
    );
}

#[test]
fn every_problem_of_checkpoints_is_reported_at_once() {
    let found = problems_of_environment(&[
        ("CHECKPOINT_KEY", "abc"),
        ("CHECKPOINT_WEBHOOK_URL", "notary.test"),
        ("CHECKPOINT_WEBHOOK_SECRET", "short"),
    ]);
    assert_problems(
        &found,
        &[
            &["`CHECKPOINT_KEY`", "64 hexadecimal digits"],
            &["`CHECKPOINT_WEBHOOK_SECRET`", "at least 24 bytes"],
            &["`CHECKPOINT_WEBHOOK_URL`", "http://"],
        ],
    );
}

#[test]
fn rows_stay_for_ever_unless_months_are_given() {
    let usual = with_environment(&[("DATA_DIR", "/data")]).retention;
    assert_eq!(usual.months, None);
    assert_eq!(usual.folder, Path::new("/data/ledger-archive"));
    let given = "[ledger]\nretention_months = 24\nretention_dir = \"/archive\"";
    let (_folder, source) = with_file(given);
    let given = Settings::load(&source).unwrap().retention;
    assert_eq!(given.months, Some(24));
    assert_eq!(given.folder, Path::new("/archive"));
    let (_folder, source) = with_file("[ledger]\nretention_months = 1201");
    assert_problems(&problems(&source), &[&["retention_months", "1200"]]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let cases: [(&[(&str, &str)], &str); 8] = [
        (
            &[
                ("BUDGET_START_DATE", "2026-02-01"),
                ("BUDGET_END_DATE", "2026-01-31"),
            ],
            "is before",
        ),
        (&[("BUDGET_START_DATE", "2026-02-01")], "need each other"),
        (
            &[("BUDGET_PERIODS", "custom"), ("DEFAULT_BUDGET_USD", "1")],
            "BUDGET_START_DATE",
        ),
        (&[("ADMIN_LISTEN", "0.0.0.0:3000")], "must differ"),
        (&[("REDIS_URL", "redis://h")], "needs stores.database_url"),
        (&[("USAGE_QUEUE", "redis")], "needs redis.url"),
        (
            &[
                ("REDIS_URL", "redis://h"),
                ("DATABASE_URL", "postgres://h/d"),
            ],
            "needs admin.key_pepper",
        ),
        (
            &[("OPENAI_BASE_URL", "http://localhost:3000/v1")],
            "this gateway itself",
        ),
    ];
    for (variables, expected) in cases {
        assert_problems(&problems_of_environment(variables), &[&[expected]]);
    }
}

#[test]
fn variables_that_have_no_effect_are_warned_about() {
    let settings = with_environment(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector"),
        ("BUDGET_DAYLY_USD", "5"),
        ("BUDGET_HOURLY_USD", "5"),
        (
            "ALERT_WEBHOOK_SECRET",
            "a key of more than twenty-four bytes"
                .replace(' ', "-")
                .as_str(),
        ),
    ]);
    assert_problems(
        &settings.warnings,
        &[
            &["alerts.webhook_secret", "no effect"],
            &["OTEL_EXPORTER"],
            &["`BUDGET_DAYLY_USD`", "no budget period"],
            &["hourly", "no effect"],
        ],
    );
}

#[test]
fn foreign_variables_and_those_of_kubernetes_are_left_alone() {
    let settings = with_environment(&[
        ("NODE_ENV", "production"),
        ("VITE_APP_TITLE", "x"),
        ("BUDGETGUARD_PORT_3000_TCP", "tcp://10.0.0.1:3000"),
        ("BUDGETGUARD_SERVICE_HOST", "10.0.0.1"),
    ]);
    assert_eq!(settings.warnings, Vec::<String>::new());
}

#[test]
fn tenant_amounts_of_the_environment_win_over_the_file() {
    let (_folder, mut source) = with_file(
        "[budgets]\nperiods = [\"daily\", \"weekly\"]\n[budgets.tenants_usd.Acme]\ndaily = \"1\"\nweekly = \"2\"",
    );
    source
        .environment
        .insert("BUDGET_DAILY_ACME".into(), "3".into());
    let budgets = Settings::load(&source).unwrap().budgets;
    assert_eq!(
        budgets
            .default_for(Period::Daily, "acme")
            .unwrap()
            .to_string(),
        "3"
    );
    assert_eq!(
        budgets
            .default_for(Period::Weekly, "ACME")
            .unwrap()
            .to_string(),
        "2"
    );
}

#[test]
fn secrets_may_stand_in_files_and_other_variables() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("key"), "sk-file\n").unwrap();
    let variables = [
        ("OPENAI_KEY", "file:key"),
        ("ADMIN_API_KEY", "env:OTHER"),
        ("OTHER", "sk-other"),
    ];
    let settings = Settings::load(&source(&folder, &variables)).unwrap();
    assert_eq!(exposed(&settings.providers.openai.keys), "sk-file");
    assert_eq!(settings.admin.api_key.unwrap().expose(), "sk-other");

    let missing = [("OPENAI_KEY", "file:gone"), ("ADMIN_API_KEY", "env:GONE")];
    assert_problems(
        &problems(&source(&folder, &missing)),
        &[&["`OPENAI_KEY`", "file"], &["`ADMIN_API_KEY`", "not set"]],
    );
}

/// A key of checkpoints, of the right form.
const CHECKPOINT_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

const SECRET_VARIABLES: [&str; 10] = [
    "OPENAI_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "ADMIN_API_KEY",
    "METRICS_TOKEN",
    "KEY_PEPPER",
    "DEFAULT_API_KEY",
    "GEMINI_API_KEY",
    "ALERT_WEBHOOK_SECRET",
    "CHECKPOINT_WEBHOOK_SECRET",
];

#[test]
fn debug_shows_no_secret() {
    let mut variables: Vec<(&str, &str)> = SECRET_VARIABLES
        .iter()
        .map(|name| (*name, SECRET))
        .collect();
    let database_url = format!("postgres://user:{SECRET}@host/name");
    let webhook_url = format!("https://hooks.test/{SECRET}");
    variables.push(("DATABASE_URL", &database_url));
    variables.push(("ALERT_WEBHOOK_URL", &webhook_url));
    variables.push(("CHECKPOINT_WEBHOOK_URL", &webhook_url));
    variables.push(("CHECKPOINT_KEY", CHECKPOINT_KEY));
    let shown = format!("{:?}", with_environment(&variables));
    assert!(!shown.contains(SECRET));
    assert!(!shown.contains(CHECKPOINT_KEY));
    assert!(shown.contains("Secret(..)"));
}

#[test]
fn problems_and_warnings_show_no_secret() {
    let bad = format!("{SECRET} \u{1}");
    let mut variables: Vec<(&str, &str)> = SECRET_VARIABLES
        .iter()
        .map(|name| (*name, bad.as_str()))
        .collect();
    let urls = [
        format!("mysql://u:{SECRET}@h/d"),
        format!("https://u:{SECRET}@h"),
        format!("http://h?key={SECRET}"),
        format!("ftp://hooks.test/{SECRET}"),
    ];
    variables.push(("DATABASE_URL", &urls[0]));
    variables.push(("OPENAI_BASE_URL", &urls[1]));
    variables.push(("GOOGLE_BASE_URL", &urls[2]));
    variables.push(("ALERT_WEBHOOK_URL", &urls[3]));
    variables.push(("CHECKPOINT_WEBHOOK_URL", &urls[3]));
    variables.push(("CHECKPOINT_KEY", SECRET));
    let found = problems_of_environment(&variables);
    assert!(found.len() >= 9, "{found:#?}");
    assert!(!found.join("\n").contains(SECRET), "{found:#?}");

    for line in [
        "api_key = SECRET",
        "api_key = \"SECRET",
        "api_key = [\"SECRET\"]",
    ] {
        let (_folder, source) =
            with_file(&format!("[admin]\n{}\n", line.replace("SECRET", SECRET)));
        let found = problems(&source).join("\n");
        assert!(!found.contains(SECRET), "{found}");
    }
}

proptest! {
    #[test]
    fn no_environment_makes_loading_panic(
        values in proptest::collection::vec((0..NAMES.len() + 4, "(?s).{0,24}|[0-9.:/,-]{0,12}"), 0..12),
        dotenv in "([A-Z]{1,4}=?[\"'$\\\\{}a-z #]{0,12}\n){0,4}",
        file in "([a-z]{1,6}(\\.[a-z]{1,6})? = ([0-9]{1,4}|\"[a-z]{0,6}\")\n){0,4}",
    ) {
        let extra = ["BUDGET_DAILY_USD", "BUDGET_TOTAL_", "BUDGETGUARD_X", "BUDGETGUARD_CONFIG"];
        let (folder, mut source) = with_file(&file);
        fs::write(folder.path().join(".env"), dotenv).unwrap();
        for (index, text) in values {
            let name = NAMES.get(index).map_or_else(|| extra[index - NAMES.len()], |(name, _)| name);
            source.environment.insert(name.to_owned(), text);
        }
        if let Err(error) = Settings::load(&source) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(error.problems.iter().all(|line| !line.contains('\n')), "{error}");
        }
    }
}
