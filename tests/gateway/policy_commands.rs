//! `budgetguard policy`: what it prints, and how it ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gateway::program;

const RULES: &str = "package budgetguard.policy
default allow := false
allow if startswith(input.model, \"gpt-\")
reason := \"another model, please\" if not allow
";

fn folder(test: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.rego"), RULES).unwrap();
    let test = format!("package budgetguard.policy_test\nimport data.budgetguard.policy\n{test}");
    fs::write(folder.path().join("rules_test.rego"), test).unwrap();
    folder
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policy")
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = program(folder.path());
    command.arg("policy").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_policies_that_are_shipped_pass_their_tests() {
    let folder = TempDir::new().unwrap();
    let path = shipped();
    let path = path.to_str().unwrap();
    let results = said(&run(&folder, &["test", path, "--json"]));
    let results: Value = serde_json::from_str(&results).unwrap();
    let results = results.as_array().unwrap();
    for name in [
        "budgetguard_test",
        "office_hours_test",
        "model_allow_list_test",
        "request_cap_test",
        "required_tags_test",
        "budget_downgrade_test",
    ] {
        let of_file = results.iter().filter(|test| {
            let place = test["place"].as_str().unwrap();
            place.contains(&format!("/{name}.rego:"))
        });
        assert!(of_file.count() >= 3, "{name} has hardly a test");
    }
}

#[test]
fn each_example_can_be_loaded() {
    let folder = TempDir::new().unwrap();
    let examples = fs::read_dir(shipped().join("examples")).unwrap();
    let mut count = 0;
    for example in examples {
        let path = example.unwrap().path();
        said(&run(&folder, &["check", path.to_str().unwrap()]));
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn a_check_tells_what_rules_read_and_call() {
    let folder = folder("");
    let told = said(&run(&folder, &["check", "rules.rego", "--json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["kind"], "rego");
    assert_eq!(told["files"], json!(["rules.rego"]));
    assert_eq!(told["reads"], json!(["model"]));
    assert_eq!(told["builtins"], json!(["startswith"]));
    assert_eq!(told["reads_budgets"], false);
    assert_eq!(told["hash"].as_str().unwrap().len(), 64);
    let table = said(&run(&folder, &["check", "."]));
    assert!(
        table.contains("startswith") && table.contains("budgetguard.policy.allow"),
        "{table}"
    );
    let built_in = said(&run(&folder, &["check"]));
    assert!(built_in.contains("policy/budgetguard.rego"), "{built_in}");
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_rule() {
    let folder = folder("");
    let broken = "package budgetguard.policy\n\nallow if {\n    not_a_function(input.model)\n}\n";
    fs::write(folder.path().join("rules.rego"), broken).unwrap();
    let told = complaint(&run(&folder, &["check", "rules.rego"]));
    assert!(told.contains("rules.rego:4:5: "), "{told}");
    assert!(told.contains("(in rule `allow`)"), "{told}");
    assert!(
        told.contains("4 |     not_a_function(input.model)"),
        "{told}"
    );
}

#[test]
fn an_input_is_decided_from_a_file_or_from_standard_input() {
    let folder = folder("");
    fs::write(folder.path().join("input.json"), r#"{"model": "gpt-5"}"#).unwrap();
    let told = said(&run(&folder, &["eval", ".", "--input", "input.json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, json!({"allow": true}));
    let mut command = program(folder.path());
    let mut child = command
        .args(["policy", "eval", "rules.rego", "--input", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(br#"{"model": "o1"}"#).unwrap();
    drop(input);
    let told = said(&child.wait_with_output().unwrap());
    let told: Value = serde_json::from_str(&told).unwrap();
    let expected = json!({"allow": false, "reason": "another model, please"});
    assert_eq!(told, expected);
    fs::write(folder.path().join("input.json"), "{").unwrap();
    let told = complaint(&run(&folder, &["eval", ".", "--input", "input.json"]));
    assert!(told.contains("the input is not JSON"), "{told}");
}

#[test]
fn a_test_that_fails_fails_the_command_and_is_told_with_its_place() {
    let passes = "test_a if policy.allow with input as {\"model\": \"gpt-5\"}";
    let folder = folder(passes);
    let table = said(&run(&folder, &["test", "."]));
    assert!(
        table.contains("test_a") && table.contains("pass"),
        "{table}"
    );
    let fails = "test_a := true\n\ntest_b if policy.allow with input as {\"model\": \"o1\"}";
    let folder = crate::policy_commands::folder(fails);
    let output = run(&folder, &["test", "."]);
    assert!(complaint(&output).contains("1 of 2 tests failed"));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("rules_test.rego:5"), "{table}");
    assert!(table.contains("FAIL: it does not hold"), "{table}");
}

#[test]
fn no_test_at_all_fails_too() {
    let folder = folder("helper := true");
    let told = complaint(&run(&folder, &["test", "."]));
    assert!(told.contains("has no tests"), "{told}");
}

#[test]
fn a_measurement_tells_percentiles() {
    let folder = folder("");
    fs::write(folder.path().join("input.json"), r#"{"model": "gpt-5"}"#).unwrap();
    let arguments = ["bench", ".", "--rounds", "50", "--json"];
    for more in [&[][..], &["--input", "input.json"]] {
        let told = said(&run(&folder, &[&arguments[..], more].concat()));
        let told: Value = serde_json::from_str(&told).unwrap();
        let rows = told.as_array().unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            let figure = |name: &str| row[name].as_u64().unwrap();
            assert_eq!(figure("rounds"), 50);
            assert!(
                figure("p50_ns") > 0 && figure("p50_ns") <= figure("p99_ns"),
                "{row}"
            );
        }
    }
}
