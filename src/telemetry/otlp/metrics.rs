//! Metrics: what a scrape would show, in the words of OpenTelemetry where it has words for it.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use prometheus::proto::{self, MetricFamily, MetricType};
use prost::Message as _;

use crate::domain::window::UtcMicros;
use crate::telemetry::otlp::attributes::text;
use crate::telemetry::otlp::{Sender, scope};

/// Names that the conventions have for ours, and the unit.
const CONVENTIONAL: [(&str, &str, &str); 4] = [
    (
        "gen_ai_client_token_usage",
        "gen_ai.client.token.usage",
        "{token}",
    ),
    (
        "gen_ai_client_operation_duration_seconds",
        "gen_ai.client.operation.duration",
        "s",
    ),
    (
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai.server.time_to_first_token",
        "s",
    ),
    (
        "gen_ai_server_time_per_output_token_seconds",
        "gen_ai.server.time_per_output_token",
        "s",
    ),
];
/// The same for labels.
const LABELS: [(&str, &str); 4] = [
    ("gen_ai_operation_name", "gen_ai.operation.name"),
    ("gen_ai_provider_name", "gen_ai.provider.name"),
    ("gen_ai_token_type", "gen_ai.token.type"),
    ("gen_ai_request_model", "gen_ai.request.model"),
];
const NANOS_PER_MICRO: u64 = 1_000;

/// Since when everything is counted, and when it was looked at.
#[derive(Clone, Copy, Debug)]
struct Times {
    start: u64,
    now: u64,
}

/// What is sent for these families, which count since the start.
pub fn encode(
    sender: &Sender,
    families: &[MetricFamily],
    (start, now): (UtcMicros, UtcMicros),
) -> Vec<u8> {
    let times = Times {
        start: nanos(start),
        now: nanos(now),
    };
    let metrics = families.iter().filter_map(|family| metric(family, times));
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(sender.resource()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: metrics.collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    request.encode_to_vec()
}

/// Nothing of a kind that we have no metric of.
fn metric(family: &MetricFamily, times: Times) -> Option<Metric> {
    let points = family.get_metric().iter();
    let cumulative = AggregationTemporality::Cumulative.into();
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: points
                .map(|point| number(point, point.get_counter().get_value(), times))
                .collect(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        MetricType::GAUGE => Data::Gauge(Gauge {
            data_points: points
                .map(|point| number(point, point.get_gauge().get_value(), times))
                .collect(),
        }),
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: points.map(|point| histogram(point, times)).collect(),
            aggregation_temporality: cumulative,
        }),
        MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    let known = CONVENTIONAL.iter().find(|known| known.0 == family.name());
    let (name, unit) = known.map_or((family.name(), unit(family.name())), |known| {
        (known.1, known.2)
    });
    Some(Metric {
        name: name.to_owned(),
        description: family.help().to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn unit(name: &str) -> &'static str {
    let name = name.trim_end_matches("_total");
    if name.ends_with("_seconds") {
        "s"
    } else if name.ends_with("_bytes") {
        "By"
    } else if name.ends_with("_usd") {
        "{USD}"
    } else {
        ""
    }
}

fn number(point: &proto::Metric, value: f64, times: Times) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: times.start,
        time_unix_nano: times.now,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

/// Prometheus counts in each bucket what is in those before it, too.
fn histogram(point: &proto::Metric, times: Times) -> HistogramDataPoint {
    let histogram = point.get_histogram();
    let mut counts = Vec::new();
    let mut bounds = Vec::new();
    let mut before = 0;
    for bucket in histogram.get_bucket() {
        if bucket.upper_bound().is_finite() {
            counts.push(bucket.cumulative_count().saturating_sub(before));
            bounds.push(bucket.upper_bound());
            before = bucket.cumulative_count();
        }
    }
    let count = histogram.get_sample_count();
    counts.push(count.saturating_sub(before));
    HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: times.start,
        time_unix_nano: times.now,
        count,
        sum: Some(histogram.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

fn attributes(point: &proto::Metric) -> Vec<KeyValue> {
    let labels = point.get_label().iter();
    let named = labels.map(|label| {
        let known = LABELS.iter().find(|known| known.0 == label.name());
        text(known.map_or(label.name(), |known| known.1), label.value())
    });
    named.collect()
}

fn nanos(at: UtcMicros) -> u64 {
    u64::try_from(at.get())
        .unwrap_or_default()
        .saturating_mul(NANOS_PER_MICRO)
}
