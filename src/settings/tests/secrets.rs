//! Secrets arrive, and are shown to nobody.

use std::fs;

use tempfile::TempDir;

use super::{CHECKPOINT_KEY, assert_problems, exposed, problems, problems_of_environment};
use super::{SECRET, source, with_environment, with_file};
use crate::settings::Settings;
use crate::settings::shown::Layer;

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

#[test]
fn what_is_shown_is_what_was_read_and_where_but_nothing_secret() {
    let text = format!(
        "[server]\nport = 4000\n[admin]\napi_key = \"{SECRET}\"\n[upstreams.own]\n\
         base_url = \"https://own.test/v1\"\napi_key = \"{SECRET}*3\"\nquery = \"version={SECRET}\"\n"
    );
    let (_folder, mut source) = with_file(&text);
    let urls = [
        (
            "DATABASE_URL",
            format!("postgres://user:{SECRET}@host/name"),
        ),
        ("ALERT_WEBHOOK_URL", format!("https://hooks.test/{SECRET}")),
    ];
    let urls = urls.map(|(name, url)| (name.to_owned(), url));
    source.environment.extend(urls);
    let settings = Settings::load(&source).unwrap();
    assert!(!format!("{:?}", settings.shown).contains(SECRET));
    let set = Some("(set)");
    for (key, value, source, is_secret) in [
        ("server.host", Some("0.0.0.0"), Layer::Default, false),
        ("server.port", Some("4000"), Layer::File, false),
        ("admin.api_key", set, Layer::File, true),
        ("admin.metrics_token", None, Layer::Default, true),
        (
            "upstreams.own.base_url",
            Some("https://own.test/v1"),
            Layer::File,
            false,
        ),
        ("upstreams.own.api_key", set, Layer::File, true),
        ("upstreams.own.query", set, Layer::File, true),
        ("stores.database_url", set, Layer::Environment, true),
        ("alerts.webhook_url", set, Layer::Environment, true),
    ] {
        let found = settings.shown.iter().find(|shown| shown.key == key);
        let found = found.unwrap_or_else(|| panic!("{key} is not shown"));
        let told = (found.value.as_deref(), found.source, found.is_secret);
        assert_eq!(told, (value, source, is_secret), "{key}");
    }
}
