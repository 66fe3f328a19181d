//! OpenTelemetry's protocol over HTTP, as protobuf: what spans and metrics look like in it, and who brings
//! them to the collector.

mod attributes;
mod client;
mod metrics;
mod spans;

pub use crate::telemetry::otlp::client::{Client, ClientError};
pub use crate::telemetry::otlp::metrics::encode as encode_metrics;
pub use crate::telemetry::otlp::spans::encode as encode_spans;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::telemetry::otlp::attributes::text;

/// Who sends.
#[derive(Clone, Debug)]
pub struct Sender {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`.
    pub instance: String,
}

impl Sender {
    fn resource(&self) -> Resource {
        let attributes = [
            text("service.name", &self.service),
            text("service.instance.id", &self.instance),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ];
        Resource {
            attributes: attributes.into(),
            ..Resource::default()
        }
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
