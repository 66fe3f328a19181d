//! Brings one message to the collector. It does not try twice: what it does not take is lost, because
//! figures of a minute ago are worth less than the memory that they would wait in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::settings::otlp::Otlp;

const AGENT: &str = concat!("BudgetGuard/", env!("CARGO_PKG_VERSION"));

/// The settings name a collector that cannot be asked.
#[derive(Debug, Error)]
#[error("the OTLP collector: {0}")]
pub struct ClientError(String);

/// Why the collector has not got a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsent {
    /// No connection, or it broke.
    #[error("the collector cannot be reached")]
    Unreachable,
    /// It takes too long.
    #[error("the collector did not answer in time")]
    TimedOut,
    /// Anything but success.
    #[error("the collector answered {0}")]
    Answered(u16),
}

/// Knows the collector.
pub struct Client {
    traces: Uri,
    metrics: Uri,
    headers: HeaderMap,
    timeout: Duration,
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client(..)")
    }
}

impl Client {
    /// Of a collector that is trusted by these certificates, if it speaks TLS.
    pub fn new(settings: &Otlp, endpoint: &str, roots: RootCertStore) -> Result<Self, ClientError> {
        let provider = Arc::new(ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
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
    pub async fn send_spans(&self, message: Vec<u8>) -> Result<(), Unsent> {
        self.send(&self.traces, message).await
    }

    /// Sends metrics.
    pub async fn send_metrics(&self, message: Vec<u8>) -> Result<(), Unsent> {
        self.send(&self.metrics, message).await
    }

    async fn send(&self, address: &Uri, message: Vec<u8>) -> Result<(), Unsent> {
        let request = Request::post(address).body(Full::from(message));
        let mut request = request.map_err(|_invalid| Unsent::Unreachable)?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answer = tokio::time::timeout(self.timeout, self.http.request(request)).await;
        let answer = answer.map_err(|_elapsed| Unsent::TimedOut)?;
        let status = answer.map_err(|_cause| Unsent::Unreachable)?.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Unsent::Answered(status.as_u16()))
    }
}
