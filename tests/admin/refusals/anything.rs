//! Whatever may come: no body makes a route fail.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{ROUTES, furnished};

const WORDS: [&str; 9] = [
    "daily",
    "custom",
    "2026-01-31",
    "1e5",
    "-1",
    "openai",
    "input",
    "flex",
    "\u{0}",
];
const FIELDS: [&str; 24] = [
    "name",
    "rateLimitPerMin",
    "defaultSessionBudgetUsd",
    "timeZone",
    "budgets",
    "period",
    "amountUsd",
    "startDate",
    "endDate",
    "model",
    "provider",
    "versionTag",
    "inputPrice",
    "cachedInputPrice",
    "outputPrice",
    "rates",
    "kind",
    "price",
    "tier",
    "aboveInputTokens",
    "mode",
    "maxInputTokens",
    "effectiveFrom",
    "other",
];

/// Any JSON, mostly of fields and words that routes look at.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(WORDS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        let field = prop::sample::select(FIELDS.to_vec());
        let fields = prop::collection::btree_map(field, inner.clone(), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| json!(fields)),
        ]
    })
}

#[test]
fn no_body_makes_a_route_fail() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let installation = runtime.block_on(furnished());
    let writes: Vec<_> = ROUTES
        .into_iter()
        .filter(|(method, _)| *method == "POST" || *method == "PUT")
        .collect();
    let inputs = (prop::sample::select(writes), any_json());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    let outcome = runner.run(&inputs, |((method, path), body)| {
        let answer = runtime.block_on(installation.call(method, path, body.to_string()));
        prop_assert!(
            !answer.status.is_server_error(),
            "{method} {path} {body}: {}",
            answer.text
        );
        prop_assert!(answer.status.is_success() || !answer.error().is_empty());
        Ok(())
    });
    outcome.unwrap();
}
