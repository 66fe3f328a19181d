//! How and where providers are reached. What they speak is the business of `providers`.

use std::path::PathBuf;

use crate::settings::base_url::BaseUrl;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;
use crate::settings::server::{Server, holds_certificate};

/// Longest time limit: one day.
const TIMEOUT_MS_MAX: u64 = 86_400_000;

/// `[upstream]`
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Connection and TLS handshake.
    pub connect_timeout_ms: u64,
    /// From the end of the request to the first byte of the answer.
    pub first_byte_timeout_ms: u64,
    /// Between two parts of the answer.
    pub idle_timeout_ms: u64,
    /// More trusted authorities, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Idle connections that are kept.
    pub keepalive_pool_size: usize,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

/// `[providers]`
#[derive(Debug, Clone)]
pub struct Providers {
    /// `[providers.openai]`
    pub openai: Provider,
    /// `[providers.anthropic]`
    pub anthropic: Provider,
    /// `[providers.google]`
    pub google: Provider,
}

/// One provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Without the version segment.
    pub base_url: BaseUrl,
    /// The installation's key; without it callers must bring their own.
    pub api_key: Option<Secret>,
}

impl Upstream {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let timeout = 1..=TIMEOUT_MS_MAX;
        Self {
            connect_timeout_ms: reader.integer("upstream.connect_timeout_ms", timeout.clone()),
            first_byte_timeout_ms: reader
                .integer("upstream.first_byte_timeout_ms", timeout.clone()),
            idle_timeout_ms: reader.integer("upstream.idle_timeout_ms", timeout),
            ca_file: reader.checked_path("upstream.ca_file", holds_certificate),
            keepalive_pool_size: reader.integer("upstream.keepalive_pool_size", 0..=65_536),
            http2: reader.flag("upstream.http2"),
        }
    }
}

impl Providers {
    pub(super) fn read(reader: &mut Reader<'_>, server: &Server) -> Self {
        Self {
            openai: Provider::read(reader, server, "openai", "/v1"),
            anthropic: Provider::read(reader, server, "anthropic", "/v1"),
            google: Provider::read(reader, server, "google", "/v1beta"),
        }
    }
}

impl Provider {
    fn read(reader: &mut Reader<'_>, server: &Server, name: &str, version_segment: &str) -> Self {
        let key = format!("providers.{name}.base_url");
        let base_url = reader.required(&key, |text| BaseUrl::parse(text, version_segment));
        if is_own_address(&base_url, server) {
            reader.problem(
                &key,
                "is the address of this gateway itself, requests would run in a circle: it must be the provider's",
            );
        }
        let api_key = reader.secret(&format!("providers.{name}.api_key"), 1);
        Self { base_url, api_key }
    }
}

/// SDKs read the same variables, so a shell that is set up for them easily gives us our own address.
fn is_own_address(base_url: &BaseUrl, server: &Server) -> bool {
    let host = base_url.host();
    let is_this_machine = matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "::");
    base_url.port() == server.port && (is_this_machine || host == server.host)
}
