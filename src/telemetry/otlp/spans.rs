//! Spans, in the words of OpenTelemetry's conventions for generative AI. What these have no word for
//! begins with `budgetguard.`. Nothing of what was asked or answered is in them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans};
use prost::Message as _;

use crate::domain::budget::Scope;
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::window::UtcMicros;
use crate::telemetry::otlp::attributes::{double, text, whole};
use crate::telemetry::otlp::{Sender, scope};
use crate::telemetry::spans::{Refused, Settled, Span, Told};

/// Flags that say that it is known whether the parent is elsewhere, and that it is.
const PARENT_IS_REMOTE: u32 = 0x300;
const SAMPLED: u32 = 1;
const NANOS_PER_MICRO: u64 = 1_000;
const USD_PER_NANO: f64 = 1e-9;

/// What is sent for these spans.
pub fn encode(sender: &Sender, spans: &[Span]) -> Vec<u8> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(sender.resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: spans.iter().map(span).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

fn span(span: &Span) -> proto::Span {
    let trace = &span.trace;
    let told = match &span.told {
        Told::Settled(settled) => of_settled(settled),
        Told::Refused(refused) => of_refused(refused),
    };
    let callers = trace.callers_request.as_deref();
    let mut attributes = told.attributes;
    if let Some((address, port)) = &trace.server {
        attributes.push(text("server.address", address));
        attributes.push(whole("server.port", *port));
    }
    attributes.extend(callers.map(|id| text("budgetguard.caller_request_id", id)));
    attributes.extend(told.error.as_deref().map(|error| text("error.type", error)));
    let remote = trace.parent.map_or(0, |_| PARENT_IS_REMOTE);
    proto::Span {
        trace_id: trace.id.to_vec(),
        span_id: trace.span.to_vec(),
        parent_span_id: trace.parent.map(Vec::from).unwrap_or_default(),
        trace_state: trace.state.clone().unwrap_or_default(),
        flags: SAMPLED | remote,
        name: told.name,
        kind: SpanKind::Client.into(),
        start_time_unix_nano: nanos(told.at),
        end_time_unix_nano: after(told.at, told.took_us),
        attributes,
        events: told.events,
        status: told.error.map(|error| proto::Status {
            message: error,
            code: StatusCode::Error.into(),
        }),
        ..proto::Span::default()
    }
}

/// A span but for its place in the trace.
struct Parts {
    name: String,
    at: UtcMicros,
    took_us: u64,
    attributes: Vec<KeyValue>,
    events: Vec<Event>,
    error: Option<String>,
}

fn of_settled(settled: &Settled) -> Parts {
    let (row, operation) = (&*settled.row, settled.operation);
    let mut attributes = vec![
        text("gen_ai.operation.name", operation),
        text(
            "gen_ai.provider.name",
            conventional_provider(row.provider.as_str()),
        ),
        text("gen_ai.request.model", row.model.as_str()),
        text("http.route", &*row.route),
        text("budgetguard.request_id", row.request.to_string()),
        text("budgetguard.decision", "allowed"),
        whole("budgetguard.tenant.id", row.tenant.0),
        whole("budgetguard.key.id", row.key.0),
        text("budgetguard.status", row.status.as_str()),
        text("budgetguard.basis", row.basis.as_str()),
        whole("budgetguard.cost_nano_usd", row.cost.nanos()),
        double("budgetguard.cost_usd", usd(row.cost)),
        double("budgetguard.held_usd", usd(row.held)),
    ];
    attributes.extend(usage(row));
    let served = row.model_served.as_ref();
    attributes.extend(served.map(|model| text("gen_ai.response.model", model.as_str())));
    attributes.extend(
        row.http_status
            .map(|status| whole("http.response.status_code", status)),
    );
    let theirs = row.upstream_request_id.as_deref();
    attributes.extend(theirs.map(|id| text("budgetguard.provider_request_id", id)));
    let first = row.attempt_of.map(|first| first.to_string());
    attributes.extend(first.map(|first| text("budgetguard.attempt_of", first)));
    let first_byte = row.first_byte_us.map(|us| Event {
        name: "first_byte".to_owned(),
        time_unix_nano: after(row.at, us),
        ..Event::default()
    });
    Parts {
        name: format!("{operation} {}", row.model.as_str()),
        at: row.at,
        took_us: row.latency_us,
        attributes,
        events: first_byte.into_iter().collect(),
        error: error_of(row),
    }
}

fn usage(row: &LedgerRow) -> Vec<KeyValue> {
    let usage = &row.usage;
    let counts = [
        ("gen_ai.usage.input_tokens", usage.input_total()),
        ("gen_ai.usage.output_tokens", usage.output_total()),
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_input),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage.reasoning_output,
        ),
    ];
    let told = counts.into_iter().filter(|(_, count)| *count > 0);
    told.map(|(name, count)| whole(name, count)).collect()
}

/// The conventions ask for a status of HTTP where that is what failed.
fn error_of(row: &LedgerRow) -> Option<String> {
    if row.status == Status::Success {
        return None;
    }
    let status = row.http_status.filter(|status| *status >= 400);
    let status = status.map(|status| status.to_string());
    let reason = row.reason.as_deref().map(str::to_owned);
    Some(
        status
            .or(reason)
            .unwrap_or_else(|| row.status.as_str().to_owned()),
    )
}

fn of_refused(refused: &Refused) -> Parts {
    let mut attributes = vec![
        text("budgetguard.request_id", refused.request.to_string()),
        text("budgetguard.decision", "denied"),
        text("budgetguard.denial.reason", refused.reason),
    ];
    if let Some(scope) = refused.scope {
        attributes.push(text("budgetguard.denial.scope", scope.kind()));
        if let Scope::Tenant(tenant) = scope {
            attributes.push(whole("budgetguard.tenant.id", tenant.0));
        }
    }
    Parts {
        name: "denied".to_owned(),
        at: refused.at,
        took_us: refused.took_us,
        attributes,
        events: Vec::new(),
        error: Some(refused.reason.to_owned()),
    }
}

/// The provider's name in the conventions.
fn conventional_provider(provider: &str) -> &str {
    match provider {
        "google" => "gcp.gemini",
        same => same,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for people; the exact amount stands beside it"
)]
fn usd(amount: Usd) -> f64 {
    amount.nanos() as f64 * USD_PER_NANO
}

fn nanos(at: UtcMicros) -> u64 {
    after(at, 0)
}

fn after(at: UtcMicros, us: u64) -> u64 {
    let micros = u64::try_from(at.get()).unwrap_or_default();
    micros.saturating_add(us).saturating_mul(NANOS_PER_MICRO)
}
