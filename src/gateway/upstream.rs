//! The provider's side: where it is, how its connections behave, and what it is sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{self, HeaderName, HeaderValue, InvalidHeaderValue};
use pingora::http::RequestHeader;
use pingora::protocols::ALPN;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::domain::denial::Denial;
use crate::gateway::admit::Admitted;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::connector::send_together;
use crate::providers::Dialect;
use crate::providers::upstream::{
    ANTHROPIC_VERSION_DEFAULT, credential_header, is_account_header, is_private_header,
    upstream_path,
};
use crate::settings::base_url::BaseUrl;
use crate::settings::secret::Secret;
use crate::settings::upstream::{Provider, Providers, Upstream};

/// How often names are looked up again.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(30);
/// Requests on one HTTP/2 connection to a provider.
const H2_STREAMS_MAX: usize = 100;
/// How long an unused connection to a provider is kept: less than providers keep it, because one
/// that they close at the moment of its use leaves a request of which nobody knows the cost.
const POOLED_IDLE: Duration = Duration::from_secs(30);

/// The three providers.
#[derive(Debug)]
pub(crate) struct Upstreams {
    openai: Endpoint,
    anthropic: Endpoint,
    google: Endpoint,
    timeouts: Timeouts,
    http2: bool,
}

#[derive(Clone, Copy, Debug)]
struct Timeouts {
    connect: Duration,
    first_byte: Duration,
    idle: Duration,
}

/// The header that shows a key.
type Credential = std::result::Result<(HeaderName, HeaderValue), InvalidHeaderValue>;

/// One provider.
#[derive(Debug)]
struct Endpoint {
    base: BaseUrl,
    host: String,
    /// Our own key, if there is one.
    key: Option<Secret>,
    /// What shows our own key, if there is one.
    credential: Option<Credential>,
    /// Where the name points; looked up beside the requests, never by one.
    addresses: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

impl Upstreams {
    pub(crate) fn new(providers: &Providers, upstream: &Upstream) -> Self {
        Self {
            openai: Endpoint::new(Dialect::OpenAi, &providers.openai),
            anthropic: Endpoint::new(Dialect::Anthropic, &providers.anthropic),
            google: Endpoint::new(Dialect::Google, &providers.google),
            timeouts: Timeouts {
                connect: Duration::from_millis(upstream.connect_timeout_ms),
                first_byte: Duration::from_millis(upstream.first_byte_timeout_ms),
                idle: Duration::from_millis(upstream.idle_timeout_ms),
            },
            http2: upstream.http2,
        }
    }

    /// Looks up all names, and again every now and then until told to stop. A name that cannot be
    /// found keeps the addresses that it had.
    pub(crate) async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.resolve().await;
            tokio::select! {
                () = tokio::time::sleep(RESOLVE_INTERVAL) => {}
                _ = stop.changed() => break,
            }
        }
    }

    /// Looks up all names once.
    pub(crate) async fn resolve(&self) {
        for dialect in Dialect::ALL {
            self.endpoint(dialect).resolve().await;
        }
    }

    /// Whether a request to this provider would have a credential.
    pub(crate) fn check_configured(
        &self,
        dialect: Dialect,
        caller: &Authenticated,
    ) -> Result<(), Denial> {
        if self.endpoint(dialect).credential.is_some() || caller.provider_key().is_some() {
            return Ok(());
        }
        Err(Denial::ProviderNotConfigured {
            provider: dialect.as_str(),
        })
    }

    /// The connection that a request goes out on. Called again for each try.
    pub(crate) fn peer(&self, admitted: &Admitted) -> Result<HttpPeer> {
        let endpoint = self.endpoint(admitted.endpoint.home);
        let Some(address) = endpoint.next_address() else {
            return Error::e_explain(ErrorType::ConnectError, "the provider's name is unknown");
        };
        let server_name = endpoint.base.host().to_owned();
        let mut peer = HttpPeer::new(address, endpoint.base.tls(), server_name);
        peer.options.connection_timeout = Some(self.timeouts.connect);
        peer.options.total_connection_timeout = Some(self.timeouts.connect);
        peer.options.idle_timeout = Some(POOLED_IDLE);
        // Pingora has one limit for every read: a stream is never silent for long, while a whole
        // answer may take minutes to its first byte.
        let silence = if admitted.call.streamed {
            self.timeouts.idle
        } else {
            self.timeouts.first_byte
        };
        peer.options.read_timeout = Some(silence);
        if endpoint.base.tls() && self.http2 {
            peer.options.alpn = ALPN::H2H1;
            peer.options.max_h2_streams = H2_STREAMS_MAX;
        } else if !admitted.body.is_empty() {
            send_together(&mut peer);
        }
        Ok(peer)
    }

    /// Rewrites the head: the provider's credential instead of the caller's, nothing of ours.
    pub(crate) fn prepare(&self, admitted: &Admitted, head: &mut RequestHeader) -> Result<()> {
        let endpoint = self.endpoint(admitted.endpoint.home);
        let own_key = admitted.caller.provider_key();
        let dialect = admitted.endpoint.dialect;
        let shown = match own_key {
            // In the words of another, the key stands where they have it.
            None if dialect != admitted.endpoint.home => endpoint.key.as_ref(),
            own => own,
        };
        let shown = shown.map(|key| credential_header(dialect, key.expose()));
        let credential = match shown.as_ref().or(endpoint.credential.as_ref()) {
            Some(Ok(credential)) => Some(credential),
            Some(Err(_value)) => {
                return Error::e_explain(ErrorType::InternalError, "unusable provider key");
            }
            None => None,
        };
        let unwanted: SmallVec<[HeaderName; 4]> = head
            .headers
            .keys()
            .filter(|name| {
                is_private_header(name) || (own_key.is_none() && is_account_header(name))
            })
            // What is replaced need not be removed.
            .filter(|name| credential.is_none_or(|(replaced, _)| replaced != *name))
            .cloned()
            .collect();
        for name in unwanted {
            head.remove_header(&name);
        }
        if let Some((name, value)) = credential {
            head.insert_header(name.clone(), value.clone())?;
        }
        if admitted.endpoint.dialect == Dialect::Anthropic {
            let (name, version) = ANTHROPIC_VERSION_DEFAULT;
            if !head.headers.contains_key(name) {
                head.insert_header(name, version)?;
            }
        }
        head.insert_header(header::HOST, endpoint.host.as_str())?;
        head.insert_header(header::ACCEPT_ENCODING, "identity")?;
        if matches!(head.method.as_str(), "POST" | "PATCH" | "PUT") {
            head.remove_header(&header::TRANSFER_ENCODING);
            let length = HeaderValue::from(admitted.body.len());
            let mut told = head.headers.get_all(header::CONTENT_LENGTH).iter();
            if told.next() != Some(&length) || told.next().is_some() {
                head.insert_header(header::CONTENT_LENGTH, length)?;
            }
        }
        endpoint.set_path(head)
    }

    fn endpoint(&self, dialect: Dialect) -> &Endpoint {
        match dialect {
            Dialect::OpenAi => &self.openai,
            Dialect::Anthropic => &self.anthropic,
            Dialect::Google => &self.google,
        }
    }
}

impl Endpoint {
    fn new(dialect: Dialect, provider: &Provider) -> Self {
        let key = provider.api_key.as_ref();
        Self {
            base: provider.base_url.clone(),
            host: provider.base_url.host_header(),
            key: provider.api_key.clone(),
            credential: key.map(|key| credential_header(dialect, key.expose())),
            addresses: ArcSwap::default(),
            turn: AtomicUsize::new(0),
        }
    }

    async fn resolve(&self) {
        let (host, port) = (self.base.host(), self.base.port());
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            self.addresses
                .store(Arc::new(vec![SocketAddr::new(address, port)]));
            return;
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(found) => self.addresses.store(Arc::new(found.collect())),
            Err(error) => tracing::debug!(host, %error, "could not look up the provider"),
        }
    }

    fn next_address(&self) -> Option<SocketAddr> {
        let addresses = self.addresses.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        addresses.get(turn.checked_rem(addresses.len())?).copied()
    }

    fn set_path(&self, head: &mut RequestHeader) -> Result<()> {
        let asked = head
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let wanted = upstream_path(asked);
        let prefix = self.base.path_prefix();
        if prefix.is_empty() && wanted == asked {
            return Ok(());
        }
        let path = [prefix, &wanted].concat();
        let uri = http::Uri::try_from(path)
            .map_err(|error| Error::because(ErrorType::InternalError, "provider path", error))?;
        head.set_uri(uri);
        Ok(())
    }
}
