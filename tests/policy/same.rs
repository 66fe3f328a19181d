//! The same rules, as Rego and as a module: the same decision on every input, by each version of the ABI.

use budgetguard::domain::id::ModelName;
use budgetguard::policy::input::PolicyInput;
use budgetguard::policy::{Effects, PolicyEngine, PolicyError, Verdict};

use crate::support::{budget, c_module, rego_file, request, wasm};

/// The first minor version without `opa_eval`, and both with it.
const MINORS: [u8; 3] = [1, 2, 3];

/// Asks both engines twice, and tells what both say.
fn decisions(name: &str, inputs: &[PolicyInput<'_>]) -> Vec<Result<Verdict, String>> {
    let decide = |policy: &dyn PolicyEngine| {
        let say = |error: PolicyError| error.to_string();
        let both = inputs.iter().map(|input| {
            let first = policy.decide(input).map_err(say);
            assert_eq!(policy.decide(input).map_err(say), first, "{input:?}");
            first
        });
        both.collect::<Vec<_>>()
    };
    let expected = decide(&rego_file(name));
    for minor in MINORS {
        let module = wasm(&c_module(name, minor), None).unwrap();
        assert_eq!(decide(&module), expected, "{name}, ABI 1.{minor}");
    }
    expected
}

fn denied(reason: &str) -> Verdict {
    let reason = Some(reason.to_owned());
    Verdict::Deny { reason }
}

#[test]
fn allow_and_reason() {
    let of = |tenant, model| PolicyInput {
        tenant,
        ..request(model)
    };
    let said = decisions(
        "allow",
        &[
            of("acme", "gpt-5"),
            of("", "gpt-5"),
            of("acme", "o1-pro"),
            of("research", "o1-pro"),
            of("acme", "not \"o1\" \\ ä"),
        ],
    );
    let expected = [
        Ok(Verdict::ALLOWED),
        Ok(denied("nobody pays for this request")),
        Ok(denied("expensive models are for the research team")),
        Ok(Verdict::ALLOWED),
        Ok(Verdict::ALLOWED),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_decision_with_effects_by_the_budgets_figures() {
    let (much, little, nothing) = (budget(5_000_000_000), budget(999_999_999), budget(0));
    let of = |tenant, session, budgets| PolicyInput {
        tenant,
        session,
        budgets,
        ..request("gpt-5")
    };
    let said = decisions(
        "decision",
        &[
            of("acme", Some("chat"), &[much]),
            of("acme", None, &[]),
            of("acme", None, &[much, little]),
            of("acme", Some("chat"), &[little, nothing]),
            of("typo", Some("chat"), &[]),
        ],
    );
    let team = vec!["team".to_owned()];
    let tagged = |effects| Effects {
        tags_required: team.clone(),
        ..effects
    };
    let cheaper = Effects {
        max_output_tokens: Some(256),
        model: Some(ModelName::new("gpt-5-mini")),
        ..Effects::default()
    };
    let expected = [
        Ok(Verdict::ALLOWED),
        Ok(Verdict::Allow(tagged(Effects::default()))),
        Ok(Verdict::Allow(tagged(cheaper))),
        Ok(denied("a budget is spent")),
    ];
    assert_eq!(said[..4], expected);
    let typo = said[4].as_ref().unwrap_err();
    assert!(typo.contains("max_tokens"), "{typo}");
}

#[test]
fn builtins_that_a_module_leaves_to_its_host() {
    let said = decisions("builtins", &[request("gpt-5"), request("o1-pro")]);
    let expected = [
        Ok(Verdict::ALLOWED),
        Ok(denied("o1 is not one of {\"a\", \"b\"}")),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_module_has_its_data_document() {
    for minor in MINORS {
        let data = r#"{"models": ["gpt-5", "gpt-4"]}"#;
        let policy = wasm(&c_module("allow", minor), Some(data)).unwrap();
        for _ in 0..3 {
            let known = policy.decide(&request("gpt-4")).unwrap();
            assert_eq!(known, Verdict::ALLOWED);
            let unknown = policy
                .decide(&request("gpt-3"))
                .map_err(|error| error.to_string());
            assert_eq!(unknown, Ok(denied("this model is not on the list")));
        }
    }
}

#[test]
fn threads_decide_at_the_same_time() {
    let policy = wasm(&c_module("allow", 3), None).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let policy = &policy;
            scope.spawn(move || {
                for round in 0..200 {
                    let model = format!(
                        "{}-{worker}-{round}",
                        if round % 2 == 0 { "gpt" } else { "o1" }
                    );
                    let is_allowed = policy.decide(&request(&model)).unwrap() == Verdict::ALLOWED;
                    assert_eq!(is_allowed, round % 2 == 0, "{model}");
                }
            });
        }
    });
}

#[test]
fn a_module_and_its_data_document_have_a_hash() {
    let module = c_module("allow", 3);
    let hash = |data| wasm(&module, data).unwrap().hash();
    assert_eq!(hash(None), hash(None));
    assert_ne!(hash(None), hash(Some(r#"{"models": []}"#)));
}
