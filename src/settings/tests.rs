//! The layers together; what one file does alone is tested there.

mod arrivals;
mod problems;
mod secrets;

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::settings::budgets::Period;
use crate::settings::environment::NAMES;
use crate::settings::secret::WeightedKey;
use crate::settings::text::{leaf_keys, parse_toml};

const SECRET: &str = "sk-top-secret-0123456789";
/// A key of checkpoints, of the right form.
const CHECKPOINT_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

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

fn exposed(keys: &[WeightedKey]) -> String {
    let shown = keys.iter().map(|key| match key.shares {
        1 => key.secret.expose().to_owned(),
        shares => format!("{}*{shares}", key.secret.expose()),
    });
    shown.collect::<Vec<_>>().join(",")
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

#[test]
fn variables_that_have_no_effect_are_warned_about() {
    let settings = with_environment(&[
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
