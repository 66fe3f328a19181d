//! Runs the tests that come with rules: every rule of a `_test.rego` file whose name begins with `test_` must be
//! true. Tests replace the input by `with`, which only the interpreter knows, so they run on that; that the rules
//! themselves can be loaded as the gateway loads them is checked as well.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regorus::unstable::{Module, Rule, RuleHead};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};
use serde::Serialize;

use crate::policy::PolicyError;
use crate::policy::message::shaped;
use crate::policy::rego::RegoPolicy;
use crate::policy::source::{PolicySource, read_texts, tests_in};

/// How rules begin that are tests.
const PREFIX: &str = "test_";
/// How deep below a path folders are looked for.
const DEPTH_MAX: usize = 8;
/// The most folders with tests below a path.
const SUITES_MAX: usize = 1_000;
/// How long one test may take.
const TEST_MAX: Duration = Duration::from_secs(10);
const TIMER_CHECK_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The rule.
    pub name: String,
    /// Where it begins: file and line.
    pub place: String,
    /// Why it failed; nothing if it passed.
    pub failure: Option<String>,
    /// What it printed.
    pub printed: Vec<String>,
}

/// The places below a path that have tests, each of them one policy: the path itself, and folders in it.
pub fn suites(path: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let mut found = Vec::new();
    let mut next = vec![(path.to_owned(), 0)];
    while let Some((place, depth)) = next.pop() {
        if !tests_in(&place)?.is_empty() {
            found.push(place.clone());
        }
        if !place.is_dir() || depth >= DEPTH_MAX || found.len() >= SUITES_MAX {
            continue;
        }
        let cannot = |source| PolicyError::Read {
            path: place.clone(),
            source,
        };
        for entry in fs::read_dir(&place).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            // Links are not followed: they may lead back.
            let is_folder = entry.file_type().map_err(cannot)?.is_dir();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if is_folder && !is_hidden {
                next.push((entry.path(), depth.saturating_add(1)));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the tests of one policy, in the order in which they are written.
pub fn run(place: &Path) -> Result<Vec<TestResult>, PolicyError> {
    let rules = match PolicySource::read(place)? {
        PolicySource::Rego(files) => files,
        PolicySource::Wasm { name, .. } => {
            return Err(PolicyError::Compile(format!(
                "{name}: tests run on the Rego that a module was compiled from"
            )));
        }
    };
    RegoPolicy::of_files(rules.clone()).map(drop)?;
    let mut files = rules;
    files.extend(read_texts(&tests_in(place)?)?);
    let told = |error: &dyn ToString| PolicyError::Compile(shaped(&error.to_string(), &files));
    let mut engine = Engine::new();
    for (name, text) in &files {
        let added = engine.add_policy(name.clone(), text.clone());
        added.map_err(|error| told(&error))?;
    }
    engine.set_gather_prints(true);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: TEST_MAX,
        check_interval: TIMER_CHECK_INTERVAL,
    });
    let mut tests = Vec::new();
    for module in engine.get_modules() {
        tests.extend(tests_of(module));
    }
    Ok(tests
        .into_iter()
        .map(|test| run_one(&engine, test, &files))
        .collect())
}

/// A test that was found.
struct Test {
    name: String,
    path: String,
    place: String,
}

/// A rule may be written in several parts: it is one test, where the first of them is.
fn tests_of(module: &Module) -> Vec<Test> {
    let package = module.package.refr.span().text();
    let mut first: BTreeMap<u32, Test> = BTreeMap::new();
    for rule in &module.policy {
        let name = match &**rule {
            Rule::Spec { head, .. } => match head {
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } => refr.span().text(),
                RuleHead::Func { .. } => continue,
            },
            Rule::Default { refr, .. } => refr.span().text(),
        };
        let is_known = first.values().any(|test| test.name == name);
        let span = rule.span();
        let file = span.source.file();
        if name.starts_with(PREFIX) && !is_known && file.ends_with("_test.rego") {
            let test = Test {
                name: name.to_owned(),
                path: format!("data.{package}.{name}"),
                place: format!("{file}:{}", span.line),
            };
            first.insert(span.line, test);
        }
    }
    first.into_values().collect()
}

fn run_one(engine: &Engine, test: Test, files: &[(String, String)]) -> TestResult {
    let mut engine = engine.clone();
    let failure = match engine.eval_rule(test.path) {
        Ok(Value::Bool(true)) => None,
        Ok(Value::Undefined) => Some("it does not hold".to_owned()),
        Ok(value) => Some(format!("it is {value}")),
        Err(error) => Some(shaped(&error.to_string(), files)),
    };
    TestResult {
        name: test.name,
        place: test.place,
        failure,
        printed: engine.take_prints().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str =
        "package budgetguard.policy\ndefault allow := false\nallow if input.model == \"gpt-5\"\n";

    fn folder(tests: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules.rego"), RULES).unwrap();
        let text =
            format!("package budgetguard.policy_test\nimport data.budgetguard.policy\n{tests}");
        fs::write(folder.path().join("rules_test.rego"), text).unwrap();
        folder
    }

    fn failures(tests: &str) -> Vec<(String, Option<String>)> {
        let results = run(folder(tests).path()).unwrap().into_iter();
        results.map(|test| (test.name, test.failure)).collect()
    }

    #[test]
    fn a_test_passes_if_it_is_true_and_nothing_else() {
        let tests = r#"
test_good if policy.allow with input as {"model": "gpt-5"}
test_bad if policy.allow with input as {"model": "o1"}
test_false := false
helper := true
"#;
        let expected = [
            ("test_good".to_owned(), None),
            ("test_bad".to_owned(), Some("it does not hold".to_owned())),
            ("test_false".to_owned(), Some("it is false".to_owned())),
        ];
        assert_eq!(failures(tests), expected);
    }

    #[test]
    fn a_test_is_told_with_its_file_and_line_and_what_it_printed() {
        let place = folder("test_one if {\n\tprint(\"seen\")\n\tfalse\n}\n");
        let results = run(place.path()).unwrap();
        assert_eq!(results.len(), 1);
        assert!(
            results[0].place.ends_with("rules_test.rego:3"),
            "{results:?}"
        );
        assert!(results[0].printed.concat().contains("seen"), "{results:?}");
    }

    #[test]
    fn tests_do_not_see_each_other() {
        let tests = r#"
test_first if policy.allow with input as {"model": "gpt-5"}
test_second if not policy.allow
"#;
        assert!(failures(tests).iter().all(|(_, failure)| failure.is_none()));
    }

    #[test]
    fn a_test_that_cannot_be_read_is_told_with_its_place() {
        let told = run(folder("test_one if {").path()).unwrap_err().to_string();
        assert!(told.contains("rules_test.rego:3:"), "{told}");
    }

    #[test]
    fn folders_below_are_policies_of_their_own() {
        let outer = folder("test_one := true");
        let inner = outer.path().join("examples/one");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("rules_test.rego"), "package other\n").unwrap();
        fs::create_dir(outer.path().join("none")).unwrap();
        assert_eq!(
            suites(outer.path()).unwrap(),
            [outer.path().to_owned(), inner]
        );
    }
}
