//! Tests of the estimate, on programs that are compiled from rules.

use regorus::{Engine, Rc};

use crate::policy::rego::ALLOW;
use crate::policy::rego::entry_point::EntryPoint;

fn is_quick(rules: &str) -> bool {
    let mut engine = Engine::new();
    let text = format!("package budgetguard.policy\n{rules}");
    engine.add_policy("rules.rego".to_owned(), text).unwrap();
    let policy = engine.compile_with_entrypoint(&Rc::from(ALLOW)).unwrap();
    EntryPoint::compile(&policy, ALLOW).unwrap().is_quick()
}

/// A chain in which each value is made of two of the one before.
fn doubled(first: &str, next: impl Fn(&str) -> String) -> String {
    let mut rules = vec![format!("x0 := {first}\n")];
    rules.extend((0..24).map(|before| {
        let next = next(&format!("x{before}"));
        format!("x{} := {next}\n", before + 1)
    }));
    rules.concat()
}

#[test]
fn ordinary_rules_are_quick() {
    for rules in [
        "allow := true",
        "default allow := false\nallow if input.model == \"gpt-5\"",
        "allow if count(deny) == 0\ndeny contains \"no\" if input.tenant == \"\"",
        "allow if count(deny) == 0\ndeny contains msg if { startswith(input.model, \"o1\"); msg := sprintf(\"%s\", [input.model]) }",
        "allow if { some budget in input.budgets; budget.remaining > 1 }",
        "allow if input.model in models\nmodels := {\"gpt-5\", \"gpt-4\"}",
        "allow if every budget in input.budgets { budget.period != \"daily\" }",
        "allow if lower(input.model) == \"gpt-5\"\nallow if is_mine(input.session)\nis_mine(name) if startswith(name, \"my\")",
        "allow if count(missing) == 0\nmissing := {\"a\", \"b\"} - {tag | some tag in input.tags}",
    ] {
        assert!(is_quick(rules), "{rules}");
    }
}

#[test]
fn rules_that_may_take_long_are_not() {
    let pair = |value: &str| format!("[{value}, {value}]");
    for rules in [
        "allow if regex.match(\"a+\", input.model)".to_owned(),
        "allow if glob.match(\"gpt-*\", [], input.model)".to_owned(),
        // Two values that are alike and each as large as two to the 24th.
        format!(
            "{}{}allow if x24 == y24",
            doubled("[1]", pair),
            doubled("[1]", pair).replace('x', "y")
        ),
        format!("{}allow if m[1]\nm := {{x24: 1}}", doubled("[1]", pair)),
        format!("{}allow if count({{ x24 }} | {{ [x24] }}) == 2", doubled("[1]", pair)),
        "allow if { x := [[a, b] | some a in input.budgets; some b in input.budgets]; y := [[a, b] | some a in input.budgets; some b in input.budgets]; x == y }".to_owned(),
    ] {
        assert!(!is_quick(&rules), "{rules}");
    }
}
