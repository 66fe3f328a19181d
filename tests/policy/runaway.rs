//! Rules that do not end, or that take all there is: they hold no thread that serves requests, and others are
//! served.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::policy::decider::Decider;
use budgetguard::policy::input::PolicyInput;
use budgetguard::policy::threads::PolicyThreads;
use budgetguard::policy::{PolicyEngine, Verdict};

use crate::support::{Text, rego, request};

/// How long a request's thread may be held: 5 ms, and as much again for a build without optimisations. What does not
/// end would hold it for far longer than both.
const HELD_MAX: Duration = Duration::from_millis(10);
/// When a decision is given up at the latest, and then some for a machine that is busy.
const WAITED_MAX: Duration = Duration::from_secs(2);

/// How long this thread was at work, whatever else the machine did.
fn worked() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = times.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}

/// Decides several times, and says how long the thread was held by one decision at most.
async fn held(decider: &Decider, input: &PolicyInput<'_>) -> Duration {
    let mut most = Duration::ZERO;
    for _ in 0..4 {
        let (before, began) = (worked(), Instant::now());
        let _ = decider.decide(input).await;
        most = most.max(worked().saturating_sub(before));
        assert!(began.elapsed() < WAITED_MAX, "waited {:?}", began.elapsed());
    }
    most
}

/// A chain in which each value is made of two of the one before, forty times.
fn doubled(first: &str, next: impl Fn(&str) -> String) -> String {
    let mut rules = vec![format!("x0 := {first}\n")];
    rules.extend((0..40).map(|before| {
        let next = next(&format!("x{before}"));
        format!("x{} := {next}\n", before + 1)
    }));
    rules.concat()
}

fn runaways() -> Vec<(&'static str, String)> {
    let long = "a".repeat(900);
    vec![
        (
            "nested loops",
            "allow if count([1 | some a in r; some b in r; some c in r; a + b == c]) == 1\nr := numbers.range(1, 500)".to_owned(),
        ),
        (
            "a loop over the input",
            "allow if count({[a, b, c] | some a in input.budgets; some b in input.budgets; some c in input.budgets}) == 0".to_owned(),
        ),
        ("a long range", "allow if count(numbers.range(1, 1000000000000)) > 0".to_owned()),
        ("a long step", "allow if count(numbers.range_step(1, 1000000000000, 2)) > 0".to_owned()),
        (
            "texts that double",
            doubled("input.model", |it| format!("concat(\"\", [{it}, {it}])")) + "allow if x40 != \"\"",
        ),
        (
            "arrays that double",
            doubled("[input.model]", |it| format!("array.concat({it}, {it})")) + "allow if count(x40) > 1",
        ),
        (
            "trees that double",
            doubled("[input.model]", |it| format!("[{it}, {it}]"))
                + &doubled("[input.model]", |it| format!("[{it}, {it}]")).replace('x', "y")
                + "allow if x40 == y40",
        ),
        (
            "replacements that double",
            doubled("\"aa\"", |it| format!("replace({it}, \"a\", {it})")) + "allow if x40 != \"\"",
        ),
        ("a wide format", "allow if sprintf(\"%1000000000d\", [1]) != \"\"".to_owned()),
        ("a large number", "allow if bits.lsh(1, 100000000000) > 0".to_owned()),
        ("many addresses", "allow if count(net.cidr_expand(\"10.0.0.0/0\")) > 0".to_owned()),
        (
            "a costly pattern",
            format!("allow if regex.match(\"^(((a{{0,90}}){{0,90}}){{0,90}})*b$\", concat(\"\", [\"{long}\", input.model]))"),
        ),
    ]
}

#[tokio::test]
async fn rules_that_do_not_end_hold_no_thread() {
    let budgets = vec![crate::support::budget(1_000_000_000); 200];
    let input = PolicyInput {
        budgets: &budgets,
        ..request("gpt-5")
    };
    for (name, rules) in runaways() {
        let engine: Arc<dyn PolicyEngine> = Arc::new(rego(&rules).unwrap());
        let decider = Decider::new(engine, Arc::new(PolicyThreads::new()));
        let held = held(&decider, &input).await;
        assert!(held < HELD_MAX, "{name}: held for {held:?}");
    }
}

#[tokio::test]
async fn a_module_that_does_not_end_holds_no_thread() {
    let text = Text {
        body: "(loop $forever (br $forever)) unreachable",
        ..Text::default()
    };
    let engine: Arc<dyn PolicyEngine> = Arc::new(text.load().unwrap());
    let decider = Decider::new(engine, Arc::new(PolicyThreads::new()));
    let held = held(&decider, &request("gpt-5")).await;
    assert!(held < HELD_MAX, "held for {held:?}");
}

#[tokio::test]
async fn what_takes_too_much_is_no_decision() {
    for (name, rules) in runaways() {
        if name == "a loop over the input" {
            continue;
        }
        let engine: Arc<dyn PolicyEngine> = Arc::new(rego(&rules).unwrap());
        let decider = Decider::new(engine, Arc::new(PolicyThreads::new()));
        let verdict = decider.decide(&request("gpt-5")).await;
        assert!(verdict.is_err(), "{name}: {verdict:?}");
    }
}

#[tokio::test]
async fn others_are_served_while_rules_do_not_end() {
    let threads = Arc::new(PolicyThreads::new());
    let endless = Text {
        body: "(loop $forever (br $forever)) unreachable",
        ..Text::default()
    };
    let endless: Arc<dyn PolicyEngine> = Arc::new(endless.load().unwrap());
    let endless = Decider::new(endless, Arc::clone(&threads));
    let ordinary: Arc<dyn PolicyEngine> =
        Arc::new(rego("allow if glob.match(\"gpt-*\", [], input.model)").unwrap());
    let ordinary = Decider::new(ordinary, threads).with_limit(WAITED_MAX);
    let input = request("gpt-5");
    for _ in 0..8 {
        let (never, verdict) = tokio::join!(endless.decide(&input), ordinary.decide(&input));
        assert!(never.is_err(), "{never:?}");
        assert_eq!(verdict.unwrap(), Verdict::ALLOWED);
    }
}

#[tokio::test]
async fn what_was_decided_elsewhere_is_remembered() {
    let policy = rego("allow if glob.match(\"gpt-*\", [], input.model)").unwrap();
    let engine: Arc<dyn PolicyEngine> = Arc::new(policy);
    let decider = Decider::new(Arc::clone(&engine), Arc::new(PolicyThreads::new()));
    let decider = decider.with_limit(WAITED_MAX);
    let is_known = |model| {
        matches!(
            engine.ask(&request(model)),
            budgetguard::policy::Asked::Decided(_)
        )
    };
    for (model, verdict) in [
        ("gpt-5", Verdict::ALLOWED),
        ("o1", Verdict::Deny { reason: None }),
    ] {
        assert!(!is_known(model));
        assert_eq!(decider.decide(&request(model)).await.unwrap(), verdict);
        assert!(is_known(model), "{model}");
    }
}
