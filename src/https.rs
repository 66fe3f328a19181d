//! How the program itself asks others, beside what it proxies: over HTTP/1.1, with TLS or without.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Makes connections.
pub type Connector = HttpsConnector<HttpConnector>;

/// Why a message did not arrive. None of these names the receiver: its address may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Undelivered {
    /// No connection, or it broke.
    #[error("the receiver cannot be reached")]
    Unreachable,
    /// It takes too long.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// Anything but success; a redirection is not followed.
    #[error("the receiver answered {0}")]
    Answered(u16),
}

/// Trusts these certificates, and waits so long for a connection.
pub fn connector(roots: RootCertStore, connect_max: Duration) -> Result<Connector, rustls::Error> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(connect_max));
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

/// Sends a message, and waits until the receiver says that it has it.
pub async fn deliver(
    client: &Client<Connector, Full<Bytes>>,
    message: Request<Full<Bytes>>,
    answer_max: Duration,
) -> Result<(), Undelivered> {
    let answer = tokio::time::timeout(answer_max, client.request(message)).await;
    let answer = answer.map_err(|_elapsed| Undelivered::TimedOut)?;
    let status = answer.map_err(|_cause| Undelivered::Unreachable)?.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Undelivered::Answered(status.as_u16()))
}
