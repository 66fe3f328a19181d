//! Secrets arrive, and are shown to nobody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::{CHECKPOINT_KEY, assert_problems, exposed, problems, problems_of_environment};
use super::{SECRET, source, with_environment, with_file};
use crate::settings::Settings;
use crate::settings::environment::SECRETS;
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

#[test]
fn a_variable_with_file_behind_its_name_names_the_file_of_a_secret() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("one"), "sk-one*3, sk-two\r\n").unwrap();
    fs::write(folder.path().join("url"), "postgres://u:p@host/name\n").unwrap();
    let variables = [
        ("OPENAI_KEY_FILE", "one"),
        ("DATABASE_URL_FILE", "url"),
        // As orchestrators hand on what nobody has set.
        ("OPENAI_KEY", ""),
    ];
    let settings = Settings::load(&source(&folder, &variables)).unwrap();
    assert_eq!(exposed(&settings.providers.openai.keys), "sk-one*3,sk-two");
    let url = settings.stores.database_url.unwrap();
    assert_eq!(url.expose(), "postgres://u:p@host/name");

    let wrong = [
        ("OPENAI_KEY_FILE", "gone"),
        ("ADMIN_API_KEY_FILE", "one"),
        ("ADMIN_API_KEY", "sk-admin"),
        ("METRICS_TOKEN_FILE", "gone-too"),
    ];
    assert_problems(
        &problems(&source(&folder, &wrong)),
        &[
            &["`ADMIN_API_KEY`", "`ADMIN_API_KEY_FILE`", "both"],
            &["`OPENAI_KEY_FILE`", "could not read"],
            &["`METRICS_TOKEN_FILE`", "could not read"],
        ],
    );
}

#[test]
fn every_secret_can_be_named_by_its_file() {
    let settings = with_environment(&[]);
    let secret = settings.shown.iter().filter(|shown| shown.is_secret);
    let mut keys: Vec<&str> = secret.map(|shown| shown.key.as_str()).collect();
    let mut listed = SECRETS.to_vec();
    keys.sort_unstable();
    listed.sort_unstable();
    assert_eq!(keys, listed);
}

#[test]
fn a_file_that_everybody_may_read_is_taken_and_warned_of() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, SECRET).unwrap();
    for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let variables = [("ADMIN_API_KEY_FILE", "key")];
        let settings = Settings::load(&source(&folder, &variables)).unwrap();
        assert_eq!(settings.admin.api_key.unwrap().expose(), SECRET);
        assert_eq!(settings.warnings.len(), warnings, "{mode:o}");
        assert!(!settings.warnings.join("").contains(SECRET));
    }
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
