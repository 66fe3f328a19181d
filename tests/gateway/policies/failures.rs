//! Rules that fail: refused, or let pass where the settings say so, and said in the row.

use super::{Rules, newest};
use crate::dialect::Dialect;
use crate::gateway::{Setup, TestGateway};

/// More steps than a rule may take.
const ENDLESS: &str = "allow if count([1 | some x in numbers.range(1, 2000); \
     some y in numbers.range(1, 2000); x == y]) > 0";
const MODES: [&str; 3] = ["error", "timeout", "busy"];

fn setup(rules: &Rules, undecided: &str) -> Setup {
    let setup = rules.setup();
    MODES.into_iter().fold(setup, |setup, mode| {
        setup.set(&format!("policy.on_{mode}"), format!("\"{undecided}\""))
    })
}

async fn failures(gateway: &TestGateway) -> u64 {
    let mut sum = 0;
    for mode in MODES {
        let name = format!("budgetguard_policy_failures_total{{mode=\"{mode}\"}}");
        sum += gateway.metric(&name).await;
    }
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_fail_refuse_unless_the_settings_say_otherwise() {
    let rules = Rules::new(ENDLESS);
    for setup in [rules.setup(), setup(&rules, "deny")] {
        let gateway = setup.start().await;
        let tenant = gateway.tenant_with("refused", "1").await;
        let call = Dialect::OpenAi.call("hello", Some(9), false);
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!((refused.status, &*refused.code), (503, "unavailable"));
        assert_eq!(refused.header("retry-after"), Some("1"));
        let row = newest(&gateway, &tenant, 1).await;
        // Nothing was decided.
        assert!(row["policy"].is_null(), "{row}");
        assert_eq!(failures(&gateway).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_passes_because_rules_failed_says_so_and_keeps_to_its_budgets() {
    let rules = Rules::new(ENDLESS);
    let gateway = setup(&rules, "allow").start().await;
    let tenant = gateway.tenant_with("passes", "0.001").await;
    let call = Dialect::OpenAi.call("[[sim output=9]]", Some(9), false);
    call.text(&gateway, &tenant).await;
    let row = newest(&gateway, &tenant, 1).await;
    assert_eq!(
        (row["status"].as_str(), row["reason"].as_str()),
        (Some("success"), Some("policy_failed_open"))
    );
    let mode = row["policy"]["failedOpen"].as_str().unwrap();
    assert!(MODES.contains(&mode), "{row}");
    let dear = Dialect::OpenAi.call("hello", Some(50_000), false);
    let refused = dear.refused(&gateway, &tenant).await;
    assert_eq!(refused.status, 402);
    assert_eq!(failures(&gateway).await, 2);
}
