//! A collector of OpenTelemetry: takes what is sent to it and reads it by the protocol's own types.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::net::TcpListener;

#[derive(Clone, Default)]
struct Shelf {
    spans: Arc<Mutex<Vec<Span>>>,
    metrics: Arc<Mutex<Vec<Metric>>>,
    services: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
}

pub(crate) struct Collector {
    address: SocketAddr,
    shelf: Shelf,
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Shelf::default();
        let router = Router::new()
            .route("/base/v1/traces", post(take_spans))
            .route("/base/v1/metrics", post(take_metrics))
            .with_state(shelf.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shelf }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/base/", self.address)
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.shelf.spans.lock().clone()
    }

    /// The metrics that came last under each name.
    pub(crate) fn metrics(&self) -> BTreeMap<String, Metric> {
        let metrics = self.shelf.metrics.lock();
        let named = metrics.iter().map(|it| (it.name.clone(), it.clone()));
        named.collect()
    }

    pub(crate) fn services(&self) -> Vec<String> {
        self.shelf.services.lock().clone()
    }

    pub(crate) fn heads(&self) -> Vec<HeaderMap> {
        self.shelf.heads.lock().clone()
    }
}

async fn take_spans(State(shelf): State<Shelf>, head: HeaderMap, body: Bytes) {
    let message = ExportTraceServiceRequest::decode(body).unwrap();
    shelf.heads.lock().push(head);
    for of_resource in message.resource_spans {
        let resource = of_resource.resource.unwrap();
        let service = shown(&resource.attributes).remove("service.name").unwrap();
        shelf.services.lock().push(service);
        for of_scope in of_resource.scope_spans {
            shelf.spans.lock().extend(of_scope.spans);
        }
    }
}

async fn take_metrics(State(shelf): State<Shelf>, body: Bytes) {
    let message = ExportMetricsServiceRequest::decode(body).unwrap();
    for of_resource in message.resource_metrics {
        for of_scope in of_resource.scope_metrics {
            shelf.metrics.lock().extend(of_scope.metrics);
        }
    }
}

/// Attributes as text, by name.
pub(crate) fn shown(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let pairs = attributes.iter().map(|pair| {
        let value = pair.value.as_ref().unwrap().value.as_ref().unwrap();
        let text = match value {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            Value::DoubleValue(number) => number.to_string(),
            Value::BoolValue(_)
            | Value::ArrayValue(_)
            | Value::KvlistValue(_)
            | Value::BytesValue(_)
            | Value::StringValueStrindex(_) => panic!("{value:?}"),
        };
        (pair.key.clone(), text)
    });
    pairs.collect()
}
