//! What is wrong is told, all of it at once.

use super::{assert_problems, problems, problems_of_environment, with_file};

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
