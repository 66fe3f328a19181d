//! How and where providers are reached. What they speak is the business of `providers`.

use std::path::PathBuf;

use crate::settings::base_url::BaseUrl;
use crate::settings::reader::Reader;
use crate::settings::secret::WeightedKey;
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
    /// How often a request is tried again at the same provider.
    pub retries_max: u32,
    /// The pause before the first of these tries; it doubles.
    pub retry_backoff_ms: u64,
    /// The longest pause; a provider that asks for a longer one is not tried again.
    pub retry_wait_max_ms: u64,
    /// Failures in a row after which a provider is left alone; 0 = never.
    pub breaker_failures: u32,
    /// For how long it is.
    pub breaker_open_ms: u64,
    /// When a batch, or a response in the background, is asked for first; then twice as late each time.
    pub poll_interval_ms: u64,
    /// But not later than this.
    pub poll_interval_max_ms: u64,
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
    /// The installation's keys; without one, callers must bring their own.
    pub keys: Vec<WeightedKey>,
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
            retries_max: reader.integer("upstream.retries_max", 0..=10),
            retry_backoff_ms: reader.integer("upstream.retry_backoff_ms", 1..=60_000),
            retry_wait_max_ms: reader.integer("upstream.retry_wait_max_ms", 1..=60_000),
            breaker_failures: reader.integer("upstream.breaker_failures", 0..=1_000_000),
            breaker_open_ms: reader.integer("upstream.breaker_open_ms", 1..=3_600_000),
            poll_interval_ms: reader.integer("upstream.poll_interval_ms", 10..=TIMEOUT_MS_MAX),
            poll_interval_max_ms: reader
                .integer("upstream.poll_interval_max_ms", 10..=TIMEOUT_MS_MAX),
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
        let keys = reader.keys(&format!("providers.{name}.api_key"));
        Self { base_url, keys }
    }
}

/// SDKs read the same variables, so a shell that is set up for them easily gives us our own address.
pub(super) fn is_own_address(base_url: &BaseUrl, server: &Server) -> bool {
    let host = base_url.host();
    let is_this_machine = matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "::");
    base_url.port() == server.port && (is_this_machine || host == server.host)
}
