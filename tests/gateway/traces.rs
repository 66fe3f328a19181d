//! Spans and metrics reach a collector, and traces go on to providers.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;

use crate::collector::{Collector, shown};
use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::ports::free_port;
use crate::upstream::RecordingUpstream;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

fn traced(flags: &str) -> String {
    format!("00-{TRACE}-{CALLERS_SPAN}-{flags}")
}

fn setup(collector: &Collector) -> Setup {
    Setup::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20told")
        .env("OTEL_SERVICE_NAME", "guard")
        .set("otlp.metrics_interval_s", "1")
}

async fn ask(call: &Call, gateway: &TestGateway, tenant: &Tenant, parent: &str) -> u16 {
    let request = call
        .request(gateway, tenant)
        .header("traceparent", parent)
        .header("tracestate", "vendor=1")
        .header("x-request-id", "the-callers-own");
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

async fn spans(gateway: &TestGateway, collector: &Collector, count: usize) -> Vec<Span> {
    gateway
        .until("spans are collected", async || {
            collector.spans().len() >= count
        })
        .await;
    let spans = collector.spans();
    assert_eq!(spans.len(), count, "{spans:#?}");
    spans
}

/// It tells of one of these rows.
fn assert_is_of_one(span: &Span, rows: &[Value], tenant: &Tenant) {
    let told = shown(&span.attributes);
    let row = rows
        .iter()
        .find(|row| row["id"] == *told["budgetguard.request_id"])
        .unwrap();
    let model = row["model"].as_str().unwrap();
    let operation = &told["gen_ai.operation.name"];
    assert_eq!(span.name, format!("{operation} {model}"));
    let tenant = tenant.id.to_string();
    let cost = nanos(row["usd"].as_str().unwrap()).to_string();
    for (name, value) in [
        ("gen_ai.request.model", model),
        ("gen_ai.usage.output_tokens", "20"),
        ("budgetguard.tenant.id", &tenant),
        ("budgetguard.cost_nano_usd", &cost),
        ("budgetguard.decision", "allowed"),
        ("budgetguard.basis", "measured"),
        ("budgetguard.caller_request_id", "the-callers-own"),
        ("server.address", "127.0.0.1"),
        ("http.response.status_code", "200"),
    ] {
        assert_eq!(told[name], value, "{name} of {told:#?}");
    }
    assert!(told.contains_key("gen_ai.response.model") && told.contains_key("server.port"));
    let provider = match row["provider"].as_str().unwrap() {
        "google" => "gcp.gemini",
        same => same,
    };
    assert_eq!(told["gen_ai.provider.name"], provider);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_a_span_of_its_callers_trace() {
    let collector = Collector::start().await;
    let gateway = setup(&collector).start().await;
    let tenant = gateway.tenant_with("traced", "1").await;
    for (dialect, streamed) in [
        (Dialect::OpenAi, true),
        (Dialect::Anthropic, false),
        (Dialect::Google, true),
    ] {
        let call = dialect.call("[[sim output=20]]", Some(50), streamed);
        assert_eq!(ask(&call, &gateway, &tenant, &traced("01")).await, 200);
    }
    let rows = gateway.ledger_of(&tenant, 3).await;
    for span in spans(&gateway, &collector, 3).await {
        assert_eq!(hex::encode(&span.trace_id), TRACE);
        assert_eq!(hex::encode(&span.parent_span_id), CALLERS_SPAN);
        assert_eq!(span.trace_state, "vendor=1");
        assert_eq!((span.span_id.len(), span.status.as_ref()), (8, None));
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
        assert_eq!(span.events[0].name, "first_byte");
        assert_is_of_one(&span, &rows, &tenant);
    }
    assert!(collector.services().iter().all(|name| name == "guard"));
    let head = &collector.heads()[0];
    assert_eq!(head["authorization"], "Bearer told");
    assert_eq!(head["content-type"], "application/x-protobuf");
    assert_eq!(gateway.metric("budgetguard_otlp_lost_total").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_failures_are_errors_and_what_is_not_sampled_is_not_sent() {
    let collector = Collector::start().await;
    let gateway = setup(&collector).start().await;
    let poor = gateway.tenant_with("poor", "0").await;
    let rich = gateway.tenant_with("rich", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=5]]", Some(5), false);
    assert_eq!(ask(&call, &gateway, &rich, &traced("00")).await, 200);
    assert_eq!(ask(&call, &gateway, &poor, &traced("01")).await, 402);
    let failing = Dialect::OpenAi.call("[[sim status=500]]", Some(5), false);
    assert_eq!(ask(&failing, &gateway, &rich, &traced("01")).await, 500);
    let spans = spans(&gateway, &collector, 2).await;
    let (refused, failed) = (shown(&spans[0].attributes), shown(&spans[1].attributes));
    assert_eq!(refused["budgetguard.decision"], "denied");
    assert_eq!(refused["budgetguard.tenant.id"], poor.id.to_string());
    assert_eq!(refused["error.type"], refused["budgetguard.denial.reason"]);
    assert_eq!(failed["error.type"], "500");
    for span in &spans {
        let status = span.status.as_ref().unwrap();
        assert_eq!(status.code, i32::from(StatusCode::Error));
        assert_eq!(hex::encode(&span.trace_id), TRACE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_sent_as_a_scrape_would_show_them() {
    let collector = Collector::start().await;
    let gateway = setup(&collector).start().await;
    let tenant = gateway.tenant_with("measured", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    call.text(&gateway, &tenant).await;
    let tokens = "gen_ai.client.token.usage";
    gateway
        .until("metrics are collected", async || {
            collector.metrics().contains_key(tokens)
        })
        .await;
    let metrics = collector.metrics();
    let Some(Data::Histogram(tokens)) = &metrics[tokens].data else {
        panic!("{:?}", metrics[tokens]);
    };
    let output = tokens.data_points.iter().find(|point| {
        let labels = shown(&point.attributes);
        labels["gen_ai.token.type"] == "output"
    });
    let output = output.unwrap();
    assert_eq!((output.count, output.sum), (1, Some(20.0)));
    assert_eq!(output.bucket_counts.iter().sum::<u64>(), 1);
    assert_eq!(output.bucket_counts.len(), output.explicit_bounds.len() + 1);
    let Some(Data::Sum(requests)) = &metrics["budgetguard_requests_total"].data else {
        panic!("{:?}", metrics["budgetguard_requests_total"]);
    };
    assert!(requests.is_monotonic);
    assert!(metrics.contains_key("budgetguard_budget_limit_usd"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_get_the_trace_with_our_span_as_its_parent_or_nothing() {
    let collector = Collector::start().await;
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    for (is_on, is_told) in [(true, true), (false, true), (true, false), (false, false)] {
        let provider = RecordingUpstream::start().await;
        let setup = if is_on {
            setup(&collector)
        } else {
            Setup::new()
        };
        let gateway = setup
            .upstream(&provider.url())
            .set("otlp.trace_to_providers", is_told.to_string())
            .start()
            .await;
        let tenant = gateway.tenant_with("told", "1").await;
        let before = collector.spans().len();
        assert_eq!(ask(&call, &gateway, &tenant, &traced("01")).await, 200);
        let received = provider.received.take();
        let (parent, state) = (
            received[0].header("traceparent"),
            received[0].header("tracestate"),
        );
        assert_eq!(received[0].header("x-request-id"), Some("the-callers-own"));
        if !is_told {
            assert_eq!((parent, state), (None, None));
            continue;
        }
        assert_eq!(state, Some("vendor=1"));
        let expected = if is_on {
            let spans = spans(&gateway, &collector, before + 1).await;
            let span = hex::encode(&spans.last().unwrap().span_id);
            format!("00-{TRACE}-{span}-01")
        } else {
            traced("01")
        };
        assert_eq!(parent, Some(expected.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let gateway = Setup::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", nobody)
        .set("otlp.spans_waiting_max", "1")
        .start()
        .await;
    let tenant = gateway.tenant_with("lost", "1").await;
    let call = Dialect::OpenAi.call("[[sim output=5]]", Some(5), false);
    for _ in 0..20 {
        call.text(&gateway, &tenant).await;
    }
    gateway
        .until("they are counted", async || {
            gateway.metric("budgetguard_otlp_lost_total").await == 20
        })
        .await;
    gateway.ledger_of(&tenant, 20).await;
}
