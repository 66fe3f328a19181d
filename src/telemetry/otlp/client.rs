//! Brings one message to the collector. It does not try twice: what it does not take is lost, because
//! figures of a minute ago are worth less than the memory that they would wait in.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use thiserror::Error;

use crate::https::{self, Connector, Undelivered};
use crate::settings::otlp::Otlp;

const AGENT: &str = concat!("BudgetGuard/", env!("CARGO_PKG_VERSION"));

/// The settings name a collector that cannot be asked.
#[derive(Debug, Error)]
#[error("the OTLP collector: {0}")]
pub struct ClientError(String);

/// Knows the collector.
pub struct Client {
    traces: Uri,
    metrics: Uri,
    headers: HeaderMap,
    timeout: Duration,
    http: HyperClient<Connector, Full<Bytes>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client(..)")
    }
}

impl Client {
    /// Of a collector that is trusted by these certificates, if it speaks TLS.
    pub fn new(settings: &Otlp, endpoint: &str, roots: RootCertStore) -> Result<Self, ClientError> {
        let connector = https::connector(roots, settings.timeout);
        let connector = connector.map_err(|error| ClientError(error.to_string()))?;
        let base = endpoint.trim_end_matches('/');
        let address = |signal: &str| {
            let address = format!("{base}/v1/{signal}").parse();
            address.map_err(|error| ClientError(format!("its URL: {error}")))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let wrong = |_secret| ClientError(format!("the header `{name}`"));
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_secret| ClientError("the name of a header".to_owned()))?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(wrong)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self {
            traces: address("traces")?,
            metrics: address("metrics")?,
            headers,
            timeout: settings.timeout,
            http: HyperClient::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Sends spans.
    pub async fn send_spans(&self, message: Vec<u8>) -> Result<(), Undelivered> {
        self.send(&self.traces, message).await
    }

    /// Sends metrics.
    pub async fn send_metrics(&self, message: Vec<u8>) -> Result<(), Undelivered> {
        self.send(&self.metrics, message).await
    }

    async fn send(&self, address: &Uri, message: Vec<u8>) -> Result<(), Undelivered> {
        let request = Request::post(address).body(Full::from(message));
        let mut request = request.map_err(|_invalid| Undelivered::Unreachable)?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        https::deliver(&self.http, request, self.timeout).await
    }
}
