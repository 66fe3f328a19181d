//! Tests of the layers, on rules in Rego and on engines that do as they are told.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::domain::id::ModelName;
use crate::domain::tag::TagTree;
use crate::policy::rego::RegoPolicy;
use crate::policy::threads::PolicyThreads;
use crate::policy::{Asked, PolicyFacts, Work};

/// Does as it is told, whoever asks.
struct Told(Box<dyn Fn(&PolicyInput<'_>) -> Asked + Send + Sync>);

impl Told {
    /// Changes what it allows, but for one model that it denies.
    fn changes(effects: Effects, denied: &'static str) -> Arc<dyn PolicyEngine> {
        Arc::new(Self(Box::new(move |input| {
            Asked::Decided(Ok(if input.model == denied {
                let reason = Some(format!("not {denied}"));
                Verdict::Deny { reason }
            } else {
                Verdict::Allow(effects.clone())
            }))
        })))
    }

    /// Decides on its threads only, and not before it is let go.
    fn hangs(is_over: &Arc<AtomicBool>) -> Arc<dyn PolicyEngine> {
        let is_over = Arc::clone(is_over);
        Arc::new(Self(Box::new(move |_input| {
            let is_over = Arc::clone(&is_over);
            let run = move |_time| {
                while !is_over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(Verdict::ALLOWED)
            };
            Asked::Pending(Work {
                run: Box::new(run),
                remember: Box::new(|_verdict| {}),
            })
        })))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Told")
    }
}

impl PolicyEngine for Told {
    fn ask(&self, input: &PolicyInput<'_>) -> Asked {
        self.0(input)
    }

    fn hash(&self) -> PolicyHash {
        PolicyHash::of([("told", b"".as_slice())])
    }

    fn reads_budgets(&self) -> bool {
        false
    }

    fn decide_on(&self, document: &str) -> Result<Verdict, PolicyError> {
        Err(PolicyError::Input(document.to_owned()))
    }

    fn facts(&self) -> PolicyFacts {
        PolicyFacts {
            entry_points: Vec::new(),
            reads: None,
            builtins: Vec::new(),
            remembers: false,
            is_quick: true,
        }
    }
}

fn rules(text: &str) -> Arc<dyn PolicyEngine> {
    let text = format!("package budgetguard.policy\n{text}");
    Arc::new(RegoPolicy::of_text("rules.rego", text).unwrap())
}

fn tenants(rules: Arc<dyn PolicyEngine>) -> TenantPolicy {
    TenantPolicy {
        hash: rules.hash(),
        rules: Ok(rules),
    }
}

fn effects(cap: Option<u64>, model: Option<&str>, tags: &[&str]) -> Effects {
    Effects {
        max_output_tokens: cap,
        model: model.map(ModelName::new),
        tags_required: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

/// As a request is decided, and as what nobody waits for: both must say the same.
async fn decide(
    installation: &Arc<dyn PolicyEngine>,
    tenant: Option<&TenantPolicy>,
) -> Result<Verdict, PolicyError> {
    let tree = TagTree::default();
    let input = PolicyInput::example(&tree);
    let threads = Arc::new(PolicyThreads::new());
    let decider = Decider::new(Arc::clone(installation), threads);
    let on_path = Layers::of_request(&decider, tenant).decide(&input).await;
    let here = Layers::here(installation, tenant).decide(&input).await;
    assert_eq!(on_path.as_ref().ok(), here.as_ref().ok());
    on_path
}

#[tokio::test]
async fn both_must_allow_and_the_installation_speaks_first() {
    let allows = "allow := true";
    let denies = |who: &str| format!("allow := false\nreason := \"{who}\"");
    for (installation, tenant, expected) in [
        (allows.to_owned(), allows.to_owned(), None),
        (denies("one"), allows.to_owned(), Some("one")),
        (allows.to_owned(), denies("two"), Some("two")),
        (denies("one"), denies("two"), Some("one")),
    ] {
        let tenant = tenants(rules(&tenant));
        let verdict = decide(&rules(&installation), Some(&tenant)).await.unwrap();
        let told = match verdict {
            Verdict::Allow(_) => None,
            Verdict::Deny { reason } => reason,
        };
        assert_eq!(told.as_deref(), expected);
    }
}

#[tokio::test]
async fn rules_of_a_tenant_that_cannot_be_compiled_or_fail_decide_nothing() {
    let broken = TenantPolicy {
        hash: PolicyHash::of([]),
        rules: Err("rules.rego:1:1: odd".to_owned()),
    };
    let installation = rules("allow := true");
    assert!(decide(&installation, Some(&broken)).await.is_err());
    let runaway = "allow if count([1 | some x in numbers.range(1, 90000)]) > 0";
    let runaway = tenants(rules(runaway));
    assert!(decide(&installation, Some(&runaway)).await.is_err());
    assert_eq!(decide(&installation, None).await.unwrap(), Verdict::ALLOWED);
}

#[test]
fn of_two_changes_the_stricter_holds() {
    for (one, other, expected) in [
        (
            effects(Some(9), None, &["b"]),
            effects(Some(5), None, &["a", "b"]),
            effects(Some(5), None, &["a", "b"]),
        ),
        (
            effects(None, None, &[]),
            effects(Some(5), None, &[]),
            effects(Some(5), None, &[]),
        ),
        (
            effects(Some(3), Some("x"), &[]),
            effects(None, None, &[]),
            effects(Some(3), Some("x"), &[]),
        ),
        (
            effects(None, Some("x"), &[]),
            effects(None, Some("y"), &[]),
            effects(None, Some("y"), &[]),
        ),
    ] {
        assert_eq!(one.tightened_by(&other), expected);
    }
}

#[tokio::test]
async fn a_tenant_cannot_have_a_model_that_the_installation_denies() {
    let installation = Told::changes(effects(Some(100), None, &[]), "o1-pro");
    let asks_for = async |model| {
        let own = tenants(Told::changes(effects(None, Some(model), &[]), ""));
        decide(&installation, Some(&own)).await.unwrap()
    };
    let denied = Verdict::Deny {
        reason: Some("not o1-pro".to_owned()),
    };
    assert_eq!(asks_for("o1-pro").await, denied);
    let allowed = Verdict::Allow(effects(Some(100), Some("gpt-5-mini"), &[]));
    assert_eq!(asks_for("gpt-5-mini").await, allowed);
}

#[test]
fn figures_are_gathered_where_either_reads_them_and_a_hash_names_both() {
    let reads = tenants(rules("allow if count(input.budgets) == 0"));
    let plain = rules("allow := true");
    let both = Layers::here(&plain, Some(&reads));
    let alone = Layers::here(&plain, None);
    assert!(both.reads_budgets() && !alone.reads_budgets());
    assert_eq!(alone.hash(), plain.hash());
    assert_ne!(both.hash(), alone.hash());
}

#[tokio::test]
async fn rules_of_a_tenant_that_hang_do_not_stop_the_installations() {
    let installation = rules("allow if glob.match(\"gpt-*\", [], input.model)");
    assert!(!installation.facts().is_quick, "it needs a thread");
    let decider = Decider::new(installation, Arc::new(PolicyThreads::new()));
    let patient = decider.clone().with_limit(Duration::from_secs(30));
    let impatient = decider.with_limit(Duration::from_millis(20));
    let is_over = Arc::new(AtomicBool::new(false));
    let hanging = Told::hangs(&is_over);
    let tree = TagTree::default();
    let input = PolicyInput::example(&tree);
    // Until not even one more is begun.
    loop {
        match impatient.decide_for_tenant(&*hanging, &input).await {
            Err(PolicyError::TimedOut) => {}
            Err(PolicyError::Busy) => break,
            other => panic!("{other:?}"),
        }
    }
    let tenant = tenants(hanging);
    let refused = Layers::of_request(&patient, Some(&tenant));
    let refused = refused.decide(&input).await;
    assert!(matches!(refused, Err(PolicyError::Busy)), "{refused:?}");
    let others = Layers::of_request(&patient, None).decide(&input).await;
    assert_eq!(others.unwrap(), Verdict::ALLOWED);
    is_over.store(true, Ordering::Relaxed);
}
