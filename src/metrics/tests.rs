//! Tests of the metrics as a scrape sees them.

use std::time::Instant;

use super::*;
use crate::domain::alert::{Alert, Percent};
use crate::domain::budget::{Balance, Scope};
use crate::domain::denial::Dependency;
use crate::domain::id::{BudgetId, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::usage::{Basis, TokenUsage};
use crate::domain::window::{Period, UtcMicros, Window};
use crate::metrics::alerts::DeliveryOutcome;
use crate::metrics::budgets::BudgetStanding;
use crate::metrics::calls::CallFacts;

fn metrics() -> Metrics {
    Metrics::new(TenantLabel::Hidden).unwrap()
}

const USAGE: TokenUsage = TokenUsage {
    input: 10,
    cached_input: 90,
    cache_write: 0,
    cache_write_1h: 0,
    output: 20,
    reasoning_output: 0,
    audio_input: 0,
    audio_output: 0,
    image_input: 0,
    image_output: 0,
    web_search_calls: 0,
    cache_storage_token_seconds: 0,
};

fn call(model: &str) -> CallFacts<'_> {
    CallFacts {
        tenant: "acme",
        operation: "chat",
        provider: "google",
        model,
        usage: &USAGE,
        cost: Usd::from_nanos(1_100_000_003),
        held: Usd::from_nanos(4_400_000_012),
        basis: Basis::Measured,
        streamed: true,
        duration: Duration::from_millis(700),
        first_byte: Some(Duration::from_millis(50)),
    }
}

fn settle(metrics: &Metrics, call: &CallFacts<'_>) {
    metrics.request_finished(&RequestFacts {
        endpoint: "/v1/chat/completions",
        provider: Some(call.provider),
        outcome: Status::Success,
        call: Some(*call),
        timings: &Timings::since(Instant::now()),
    });
}

/// The lines that begin with `start`.
fn lines(text: &str, start: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with(start))
        .map(str::to_owned)
        .collect()
}

fn sample(metrics: &Metrics, name: &str) -> Option<String> {
    let text = metrics.render(&Budgets::default());
    let line = text
        .lines()
        .find(|line| line.rsplit_once(' ').is_some_and(|(left, _)| left == name))?;
    line.rsplit_once(' ').map(|(_, value)| value.to_owned())
}

#[test]
fn requests_and_denials_are_counted_by_what_they_were() {
    let metrics = metrics();
    let chat = "/v1/chat/completions";
    let timings = Timings::since(Instant::now());
    let finished = |provider, outcome| RequestFacts {
        endpoint: chat,
        provider,
        outcome,
        call: None,
        timings: &timings,
    };
    metrics.request_finished(&finished(Some("openai"), Status::Success));
    metrics.request_finished(&finished(Some("openai"), Status::Success));
    metrics.request_finished(&finished(None, Status::Blocked));
    metrics.request_denied(&Denial::MissingKey, &timings);
    let unavailable = Denial::Unavailable {
        what: Dependency::Spool,
        retry_after: Duration::from_secs(1),
    };
    metrics.request_denied(&unavailable, &timings);
    let text = metrics.render(&Budgets::default());
    insta::assert_snapshot!(
        [
            lines(&text, "budgetguard_requests_total"),
            lines(&text, "budgetguard_denials_total"),
            lines(&text, "budgetguard_unavailable_total"),
        ]
        .concat()
        .join("\n"),
        @r#"
    budgetguard_requests_total{endpoint="/v1/chat/completions",outcome="blocked",provider="none"} 1
    budgetguard_requests_total{endpoint="/v1/chat/completions",outcome="success",provider="openai"} 2
    budgetguard_denials_total{reason="missing_key",scope_kind="none"} 1
    budgetguard_denials_total{reason="unavailable",scope_kind="none"} 1
    budgetguard_unavailable_total{dependency="spool"} 1
    "#
    );
}

#[test]
fn spend_adds_up_exactly_and_is_shown_in_dollars() {
    let metrics = metrics();
    for _ in 0..3 {
        settle(&metrics, &call("gemini-3-pro"));
    }
    let name =
        r#"budgetguard_spend_usd_total{basis="measured",model="gemini-3-pro",provider="google"}"#;
    assert_eq!(sample(&metrics, name).as_deref(), Some("3.300000009"));
    assert_eq!(
        sample(&metrics, name).as_deref(),
        Some("3.300000009"),
        "a scrape changes nothing"
    );
}

#[test]
fn a_call_is_measured_under_the_conventional_names() {
    let metrics = metrics();
    settle(&metrics, &call("gemini-3-pro"));
    let text = metrics.render(&Budgets::default());
    let samples: Vec<String> = lines(&text, "gen_ai_")
        .into_iter()
        .filter(|line| line.contains("_sum{") || line.contains("_count{"))
        .collect();
    insta::assert_snapshot!(samples.join("\n"), @r#"
    gen_ai_client_operation_duration_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 0.7
    gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 1
    gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro",gen_ai_token_type="input"} 100
    gen_ai_client_token_usage_count{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro",gen_ai_token_type="input"} 1
    gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro",gen_ai_token_type="output"} 20
    gen_ai_client_token_usage_count{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro",gen_ai_token_type="output"} 1
    gen_ai_server_time_per_output_token_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 0.034210526315789476
    gen_ai_server_time_per_output_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 1
    gen_ai_server_time_to_first_token_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 0.05
    gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro"} 1
    "#);
}

#[test]
fn times_and_levels_are_shown() {
    let metrics = metrics();
    let mut timings = Timings::since(Instant::now());
    timings.note(Phase::Settle, Duration::from_micros(4));
    timings.note(Phase::Policy, Duration::from_micros(8));
    metrics.request_denied(&Denial::MissingKey, &timings);
    metrics.price_lookup_missed();
    metrics.set_reservations(17, Duration::from_secs(90));
    metrics.set_engine_available(true);
    metrics.set_spool(3, 5, 4_096, Duration::from_secs(9));
    metrics.ledger_appended(500, None, Duration::from_millis(20));
    metrics.ledger_write_failed();
    metrics.blocked_rows_dropped(2);
    for (name, value) in [
        (
            r#"budgetguard_overhead_seconds_bucket{phase="settle",le="0.000002"}"#,
            "0",
        ),
        (
            r#"budgetguard_overhead_seconds_bucket{phase="settle",le="0.000005"}"#,
            "1",
        ),
        (r#"budgetguard_overhead_seconds_count{phase="total"}"#, "0"),
        ("budgetguard_policy_eval_seconds_count", "1"),
        ("budgetguard_price_lookup_misses_total", "1"),
        ("budgetguard_reservations_open", "17"),
        ("budgetguard_engine_available", "1"),
        (r#"budgetguard_spool_entries{state="open"}"#, "3"),
        (r#"budgetguard_spool_entries{state="waiting"}"#, "5"),
        ("budgetguard_spool_bytes", "4096"),
        ("budgetguard_spool_oldest_seconds", "9"),
        ("budgetguard_ledger_rows_written_total", "500"),
        ("budgetguard_ledger_append_seconds_count", "1"),
        ("budgetguard_ledger_write_failures_total", "1"),
        ("budgetguard_blocked_rows_dropped_total", "2"),
        ("budgetguard_series_dropped_total", "0"),
    ] {
        assert_eq!(sample(&metrics, name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn alerts_and_their_deliveries_are_counted() {
    let metrics = metrics();
    let alert = |percent| Alert {
        budget: BudgetId(1),
        tenant: Some(TenantId(1)),
        scope: Scope::Tenant(TenantId(1)),
        period: Period::Total,
        window: Window::TOTAL,
        threshold: Percent::new(percent).unwrap(),
        limit: Usd::from_nanos(10),
        spent: Usd::from_nanos(10),
    };
    for percent in [75, 100, 100] {
        metrics.alert_raised(&alert(percent));
    }
    for outcome in [
        DeliveryOutcome::Failed,
        DeliveryOutcome::Delivered,
        DeliveryOutcome::GivenUp,
    ] {
        metrics.alert_delivery_tried(outcome);
    }
    insta::assert_snapshot!(lines(&metrics.render(&Budgets::default()), "budgetguard_alert").join("\n"), @r#"
    budgetguard_alert_deliveries_total{outcome="delivered"} 1
    budgetguard_alert_deliveries_total{outcome="failed"} 1
    budgetguard_alert_deliveries_total{outcome="given_up"} 1
    budgetguard_alerts_total{scope_kind="tenant",threshold="100"} 2
    budgetguard_alerts_total{scope_kind="tenant",threshold="75"} 1
    "#);
}

#[test]
fn ten_thousand_model_names_stay_bounded() {
    let metrics = metrics();
    for number in 0..10_000 {
        settle(&metrics, &call(&format!("model-{number}")));
    }
    settle(&metrics, &call(&"x".repeat(1_000_000)));
    let text = metrics.render(&Budgets::default());
    assert_eq!(lines(&text, "budgetguard_spend_usd_total{").len(), 501);
    assert!(text.len() < 10_000_000, "{} bytes", text.len());
    assert_eq!(
        sample(&metrics, "budgetguard_series_dropped_total").as_deref(),
        Some("9501")
    );
}

#[test]
fn tenants_are_shown_only_if_asked_for_and_stay_bounded() {
    assert!(!metrics().render(&Budgets::default()).contains("tenant="));
    let metrics = Metrics::new(TenantLabel::Shown).unwrap();
    settle(&metrics, &call("gemini-3-pro"));
    let name = r#"budgetguard_spend_usd_total{basis="measured",model="gemini-3-pro",provider="google",tenant="acme"}"#;
    assert_eq!(sample(&metrics, name).as_deref(), Some("1.100000003"));
    for number in 0..6_000 {
        let tenant = format!("tenant-{number}");
        settle(
            &metrics,
            &CallFacts {
                tenant: &tenant,
                ..call("gemini-3-pro")
            },
        );
    }
    let shown = lines(
        &metrics.render(&Budgets::default()),
        "budgetguard_spend_usd_total{",
    )
    .len();
    assert_eq!(shown, 5_001);
}

#[test]
fn a_hostile_model_name_cannot_forge_a_line() {
    let metrics = metrics();
    settle(&metrics, &call("a\"} 1\nforged_total 7\n\\"));
    let text = metrics.render(&Budgets::default());
    assert!(lines(&text, "forged_total").is_empty());
    assert!(text.contains(r#"model="a\"} 1\nforged_total 7\n\\""#));
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    let metrics = metrics();
    for name in ["process_resident_memory_bytes", "process_open_fds"] {
        let value: f64 = sample(&metrics, name).unwrap().parse().unwrap();
        assert!(value > 0.0, "{name} is {value}");
    }
    assert!(sample(&metrics, "process_cpu_seconds_total").is_some());
}

#[test]
fn what_threads_counted_is_added_up_also_after_they_have_ended() {
    let metrics = metrics();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| settle(&metrics, &call("gemini-3-pro")));
            }
        });
        metrics.render(&Budgets::default());
    }
    let name = r#"budgetguard_requests_total{endpoint="/v1/chat/completions",outcome="success",provider="google"}"#;
    assert_eq!(sample(&metrics, name).as_deref(), Some("12"));
    let name =
        r#"budgetguard_spend_usd_total{basis="measured",model="gemini-3-pro",provider="google"}"#;
    assert_eq!(sample(&metrics, name).as_deref(), Some("13.200000036"));
}

#[test]
fn a_streamed_answer_tells_the_time_for_each_token_after_the_first() {
    let metrics = metrics();
    settle(&metrics, &call("gemini-3-pro"));
    let whole = CallFacts {
        streamed: false,
        ..call("gemini-3-pro")
    };
    settle(&metrics, &whole);
    let labels = r#"gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="gemini-3-pro""#;
    let family = "gen_ai_server_time_per_output_token_seconds";
    let count = sample(&metrics, &format!("{family}_count{{{labels}}}"));
    assert_eq!(count.as_deref(), Some("1"));
    let sum: f64 = sample(&metrics, &format!("{family}_sum{{{labels}}}"))
        .unwrap()
        .parse()
        .unwrap();
    assert!((sum - 0.65 / 19.0).abs() < 1e-9, "{sum}");
}

#[test]
fn a_charge_is_compared_with_what_was_held_for_it() {
    let metrics = metrics();
    settle(&metrics, &call("gemini-3-pro"));
    let nothing_held = CallFacts {
        held: Usd::ZERO,
        ..call("gemini-3-pro")
    };
    settle(&metrics, &nothing_held);
    let sum = sample(&metrics, "budgetguard_estimate_error_ratio_sum");
    assert_eq!(sum.as_deref(), Some("0.25"));
    let count = sample(&metrics, "budgetguard_estimate_error_ratio_count");
    assert_eq!(count.as_deref(), Some("1"));
}

#[test]
fn budgets_have_series_of_their_own_up_to_a_number_and_the_rest_is_counted() {
    let standing = BudgetStanding {
        tenant: "acme".into(),
        scope: "tenant",
        period: "daily",
        budget: Some(BudgetId(7)),
        limit: Usd::from_nanos(10_000_000_000),
        balance: Balance {
            spent: Usd::from_nanos(9_000_000_001),
            held: Usd::from_nanos(2_000_000_000),
        },
        resets_at: Some(UtcMicros::new(1_768_521_600_000_000)),
    };
    let budgets = Budgets {
        standings: vec![standing],
        others: 3,
    };
    let text = metrics().render(&budgets);
    insta::assert_snapshot!(lines(&text, "budgetguard_budget").join("\n"), @r#"
    budgetguard_budget_limit_usd{budget="7",period="daily",scope="tenant",tenant="acme"} 10
    budgetguard_budget_spent_usd{budget="7",period="daily",scope="tenant",tenant="acme"} 9.000000001
    budgetguard_budget_held_usd{budget="7",period="daily",scope="tenant",tenant="acme"} 2
    budgetguard_budget_remaining_usd{budget="7",period="daily",scope="tenant",tenant="acme"} 0
    budgetguard_budget_reset_timestamp_seconds{budget="7",period="daily",scope="tenant",tenant="acme"} 1768521600
    budgetguard_budgets{series="other"} 3
    budgetguard_budgets{series="own"} 1
    "#);
}
