//! Tests of the Rego engine, with real rules.

use std::collections::HashSet;
use std::fs;
use std::thread;

use jiff::tz::TimeZone;

use super::*;
use crate::domain::id::ApiKeyId;
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::policy::Effects;
use crate::policy::input::TagsOfInput;

const TEST_TEXT: &str = include_str!("../../../policy/budgetguard_test.rego");

fn policy(rules: &str) -> Result<RegoPolicy, PolicyError> {
    let text = format!("package budgetguard.policy\n{rules}");
    RegoPolicy::compile(&[("rules.rego".to_owned(), text)])
}

/// At 23 hours.
fn request(model: &str) -> PolicyInput<'_> {
    PolicyInput {
        tenant: "acme",
        key: ApiKeyId(7),
        key_name: "laptop",
        route: "/v1/chat/completions",
        model,
        model_asked: model,
        provider: "openai",
        streamed: false,
        tags: TagsOfInput {
            shares: &[],
            tree: Box::leak(Box::default()),
        },
        session: None,
        at: UtcMicros::new(1_795_993_495_754_000),
        time_zone: Box::leak(Box::new(TimeZone::UTC)),
        estimate: Some(Usd::from_nanos(2_500_000)),
        worst_case: Some(Usd::from_nanos(7_500_000)),
        budgets: &[],
    }
}

fn decide(rules: &str) -> Result<Verdict, PolicyError> {
    policy(rules)
        .expect("the rules compile")
        .decide(&request("gpt-5"))
}

const DENIED: Verdict = Verdict::Deny { reason: None };

#[test]
fn every_rule_of_the_policys_own_tests_holds() {
    let mut engine = Engine::new();
    for (name, text) in [(DEFAULT_NAME, DEFAULT_TEXT), ("test.rego", TEST_TEXT)] {
        engine.add_policy(name.to_owned(), text.to_owned()).unwrap();
    }
    let names: Vec<&str> = TEST_TEXT
        .lines()
        .filter(|line| line.starts_with("test_"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 5, "only {names:?} were found");
    for name in names {
        let rule = format!("data.budgetguard.policy_test.{name}");
        let result = engine.eval_rule(rule).unwrap();
        assert_eq!(result, Value::Bool(true), "{name}");
    }
}

#[test]
fn the_embedded_policy_allows_an_ordinary_request() {
    let policy = RegoPolicy::embedded().unwrap();
    assert_eq!(policy.decide(&request("gpt-5")).unwrap(), Verdict::ALLOWED);
}

#[test]
fn a_rule_denies_with_its_reason() {
    let policy = policy(
        r#"
        default allow := false
        allow if count(deny) == 0
        reason := concat("; ", deny) if count(deny) > 0
        deny contains sprintf("%s is not for %s", [input.model, input.tenant]) if {
            startswith(input.model, "o1")
        }
        deny contains "too expensive" if input.worst_case > 0.5
        "#,
    )
    .unwrap();
    assert_eq!(policy.decide(&request("gpt-5")).unwrap(), Verdict::ALLOWED);
    let reason = Some("o1-pro is not for acme".to_owned());
    assert_eq!(
        policy.decide(&request("o1-pro")).unwrap(),
        Verdict::Deny { reason }
    );
}

#[test]
fn a_rule_compares_exact_amounts() {
    let verdict = decide("allow if input.worst_case == 0.0075").unwrap();
    assert_eq!(verdict, Verdict::ALLOWED);
}

#[test]
fn what_is_not_exactly_true_denies() {
    for rules in [
        "allow if input.session == \"mine\"",
        "allow := false",
        "allow := \"true\"",
        "allow := 1",
        "allow := {\"allow\": true}",
        "allow := false\nreason := 7",
    ] {
        assert_eq!(decide(rules).unwrap(), DENIED, "{rules}");
    }
}

#[test]
fn a_rule_that_fails_does_not_hold_as_in_opa() {
    for rules in [
        "allow if to_number(input.model) == 1",
        "allow if startswith(input.key, \"7\")",
        "allow if input.model - 1 == 2",
        "allow if 1 / (input.time - 23) == 1",
    ] {
        assert_eq!(decide(rules).unwrap(), DENIED, "{rules}");
    }
}

#[test]
fn a_rule_that_takes_too_many_steps_is_no_decision() {
    let rules = "allow if count([1 | some x in numbers.range(1, 2000); some y in numbers.range(1, 2000); x == y]) > 0";
    let decided = decide(rules);
    let is_none = matches!(
        decided,
        Err(PolicyError::Evaluate(_) | PolicyError::TimedOut)
    );
    assert!(is_none, "{decided:?}");
}

#[test]
fn a_machine_decides_again_after_a_failure() {
    let policy = policy(
        "allow if input.model == \"gpt-5\"\nallow if count([1 | some x in numbers.range(1, 30000)]) == 1",
    )
    .unwrap();
    assert!(policy.decide(&request("o1")).is_err());
    assert_eq!(policy.decide(&request("gpt-5")).unwrap(), Verdict::ALLOWED);
    assert!(policy.decide(&request("o1")).is_err());
}

#[test]
fn errors_at_load_name_file_and_line() {
    for rules in [
        "allow if {",
        "allow if input.model ==",
        "allow if unknown_function(input.model)",
        "allow if x == 1",
        "allow { true }",
    ] {
        let error = policy(rules).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("rules.rego:2"), "{rules}: {error}");
    }
}

#[test]
fn a_policy_without_allow_is_refused_at_load() {
    let error = policy("permit := true").map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(ALLOW), "{error}");
}

#[test]
fn a_folder_is_one_policy_without_its_tests() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    assert!(matches!(
        RegoPolicy::load(folder.path()),
        Err(PolicyError::NoFiles(_))
    ));
    write(
        "a.rego",
        "package budgetguard.policy\nallow if input.model in models",
    );
    write(
        "b.rego",
        "package budgetguard.policy\nmodels := {\"gpt-5\"}",
    );
    write("b_test.rego", "this is not Rego");
    write("notes.txt", "neither is this");
    let policy = RegoPolicy::load(folder.path()).unwrap();
    assert_eq!(policy.decide(&request("gpt-5")).unwrap(), Verdict::ALLOWED);
    assert_eq!(policy.decide(&request("gpt-4")).unwrap(), DENIED);
}

#[test]
fn a_file_as_deep_as_it_is_long_does_not_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep.rego");
    let line = format!("{}\n", "1+".repeat(500));
    let rule = format!("allow if {}1 == 20001", line.repeat(40));
    fs::write(&file, format!("package budgetguard.policy\n{rule}")).unwrap();
    let told = RegoPolicy::load(&file);
    let is_told = matches!(told, Ok(_) | Err(PolicyError::Compile(_)));
    assert!(is_told, "{told:?}");
}

#[test]
fn a_missing_file_is_named() {
    let error = RegoPolicy::load(Path::new("no/such.rego"))
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("no/such.rego"), "{error}");
}

#[test]
fn threads_decide_at_the_same_time() {
    let policy = policy("allow if startswith(input.model, \"gpt\")").unwrap();
    thread::scope(|scope| {
        for worker in 0..24 {
            let policy = &policy;
            scope.spawn(move || {
                let (model, expected) = if worker % 2 == 0 {
                    ("gpt-5", Verdict::ALLOWED)
                } else {
                    ("o1", DENIED)
                };
                for _ in 0..200 {
                    assert_eq!(policy.decide(&request(model)).unwrap(), expected);
                }
            });
        }
    });
}

#[test]
fn figures_are_gathered_exactly_for_policies_that_may_read_them() {
    for (rule, reads) in [
        ("deny contains 1 if input.model == \"x\"", false),
        ("deny contains 1 if inputs.budgets", false),
        ("# input.budgets", false),
        ("deny contains 1 if some b in input.budgets", true),
        ("deny contains 1 if input[\"budgets\"]", true),
        ("facts := input", true),
        ("deny contains 1 if f(input)", true),
        ("deny contains 1 if input.model == \"x\"; input [k]", true),
    ] {
        assert_eq!(InputRead::by(rule).includes("budgets"), reads, "{rule}");
    }
}

#[test]
fn what_is_remembered_is_told_apart_by_everything_that_the_rules_read() {
    let policy = policy(r#"allow if input.model == "gpt-5""#).unwrap();
    for _ in 0..2 {
        assert_eq!(policy.decide(&request("gpt-5")).unwrap(), Verdict::ALLOWED);
        assert_eq!(policy.decide(&request("o1-pro")).unwrap(), DENIED);
    }
}

#[test]
fn no_two_inputs_are_remembered_as_one() {
    let policy = policy("allow if [input.tenant, input.model, input.session]").unwrap();
    let input = |tenant, model, session| PolicyInput {
        tenant,
        session,
        ..request(model)
    };
    let mut keys = HashSet::new();
    for (tenant, model, session) in [
        ("ab", "c", None),
        ("a", "bc", None),
        ("abc", "", None),
        ("ab", "c", Some("")),
        ("ab", "", Some("c")),
    ] {
        assert!(keys.insert(policy.0.inputs.key(&input(tenant, model, session))));
    }
    assert!(!keys.insert(policy.0.inputs.key(&input("ab", "c", None))));
    let streamed = PolicyInput {
        streamed: true,
        ..input("ab", "c", None)
    };
    assert!(
        !keys.insert(policy.0.inputs.key(&streamed)),
        "no rule reads it"
    );
}

#[test]
fn a_rule_that_looks_at_the_clock_is_asked_each_time() {
    let rules = |rule: &str| policy(rule).unwrap().0.remembers;
    assert!(rules("allow if input.time > 8"));
    assert!(
        !rules("allow if count(input.budgets) > 0"),
        "figures change"
    );
    assert!(!rules("allow if time.now_ns() > 0"));
    assert!(RegoPolicy::embedded().unwrap().0.remembers);
}

#[test]
fn a_decision_is_asked_instead_of_allow() {
    let rules = r#"
        allow := false
        reason := "not asked"
        decision := {"allow": true, "max_output_tokens": 100, "tags_required": {"team"}}
    "#;
    let effects = Effects {
        max_output_tokens: Some(100),
        model: None,
        tags_required: vec!["team".to_owned()],
    };
    assert_eq!(decide(rules).unwrap(), Verdict::Allow(effects));
}

#[test]
fn a_decision_of_a_wrong_form_is_none() {
    for rules in [
        "decision := true",
        r#"decision := {"allowed": true}"#,
        r#"decision := {"allow": true, "max_output_tokens": 1.5}"#,
    ] {
        let decided = decide(rules);
        assert!(
            matches!(decided, Err(PolicyError::Decision(_))),
            "{rules}: {decided:?}"
        );
    }
    let undefined = r#"decision := {"allow": true} if input.model == "o1""#;
    assert_eq!(decide(undefined).unwrap(), DENIED);
}

#[test]
fn errors_of_a_policy_with_a_decision_name_file_and_line() {
    for rules in [
        "decision if x == 1",
        r#"decision := {"allow": unknown_function(1)}"#,
    ] {
        let error = policy(rules).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("rules.rego:2"), "{rules}: {error}");
    }
}

#[test]
fn no_rule_can_catch_that_a_builtin_takes_too_much() {
    for rules in [
        "allow if not numbers.range(1, 1000000000)",
        "allow if not sprintf(\"%999999999d\", [1])",
        "default allow := true\nallow := false if count(net.cidr_expand(\"10.0.0.0/0\")) == 1",
    ] {
        let decided = decide(rules);
        assert!(
            matches!(decided, Err(PolicyError::Evaluate(_))),
            "{rules}: {decided:?}"
        );
    }
}

#[test]
fn builtins_that_need_no_network_are_to_be_had() {
    for rule in [
        r#"base64.decode("YQ==") == "a""#,
        r#"base64url.encode_no_pad("a") == "YQ""#,
        r#"hex.encode("a") == "61""#,
        r#"urlquery.decode("a%20b") == "a b""#,
        r#"semver.compare("1.2.3", "1.10.0") == -1"#,
        r#"net.cidr_contains("10.0.0.0/8", "10.1.2.3")"#,
        r#"yaml.unmarshal("a: 1") == {"a": 1}"#,
        r#"json.unmarshal("[1]") == [1]"#,
        r#"graph.reachable({"a": {"b"}, "b": set()}, {"a"}) == {"a", "b"}"#,
        r#"uuid.parse("00000000-0000-4000-8000-000000000000").version == 4"#,
        r#"regex.match("^gpt", input.model)"#,
        r#"glob.match("gpt-*", [], input.model)"#,
        r#"time.parse_rfc3339_ns("1970-01-01T00:00:01Z") == 1000000000"#,
    ] {
        let decided = decide(&format!("allow if {rule}"));
        assert_eq!(decided.unwrap(), Verdict::ALLOWED, "{rule}");
    }
}

#[test]
fn builtins_that_need_a_network_are_not() {
    for rule in [
        "http.send({})",
        "opa.runtime()",
        "net.lookup_ip_addr(\"a\")",
    ] {
        let error = policy(&format!("allow if {rule}")).map(|_| ()).unwrap_err();
        assert!(
            error.to_string().contains("rules.rego:2"),
            "{rule}: {error}"
        );
    }
}

#[test]
fn a_slow_reason_is_asked_for_elsewhere() {
    let policy = policy(
        "allow if input.model == \"gpt-5\"\nreason := \"no\" if regex.match(\"o\", input.model)",
    );
    let policy = policy.unwrap();
    let asked = policy.ask(&request("gpt-5"));
    assert!(matches!(asked, Asked::Decided(Ok(_))), "{asked:?}");
    let asked = policy.ask(&request("o1"));
    assert!(matches!(asked, Asked::Pending(_)), "{asked:?}");
    let reason = Some("no".to_owned());
    assert_eq!(
        policy.decide(&request("o1")).unwrap(),
        Verdict::Deny { reason }
    );
}
