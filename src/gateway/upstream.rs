//! The providers' side: which there are, how their connections behave, and what they are sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};
use pingora::http::RequestHeader;
use pingora::protocols::ALPN;
use pingora::upstreams::peer::{H1UpgradePolicy, HttpPeer};
use pingora::{Error, ErrorType, Result};
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::{ProviderName, RequestId};
use crate::domain::window::UtcMicros;
use crate::gateway::admit::Admitted;
use crate::gateway::authenticate::Authenticated;
use crate::gateway::connector::send_together;
use crate::gateway::routing::UpstreamId;
use crate::gateway::upstream::health::BreakerRules;
use crate::gateway::upstream::provider::{Credential, Upstream};
use crate::metrics::Metrics;
use crate::metrics::upstreams::UpstreamSeen;
use crate::providers::Dialect;
use crate::providers::upstream::{
    ANTHROPIC_VERSION_DEFAULT, credential_header, is_account_header, is_private_header,
    is_trace_header,
};
use crate::settings::Settings;
use crate::settings::secret::Secret;
use crate::settings::upstream::Providers;

pub(crate) mod provider;
mod health;

/// How often names are looked up again.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(30);
/// Requests on one HTTP/2 connection to a provider.
const H2_STREAMS_MAX: usize = 100;
/// How long an unused connection to a provider is kept: less than providers keep it, because one
/// that they close at the moment of its use leaves a request of which nobody knows the cost.
const POOLED_IDLE: Duration = Duration::from_secs(30);

/// All providers: the three, then those of the settings.
#[derive(Debug)]
pub(crate) struct Upstreams {
    all: Vec<Upstream>,
    /// What is told of each of them.
    seen: Vec<Arc<UpstreamSeen>>,
    timeouts: Timeouts,
    http2: bool,
    /// Whether the headers of a trace go on to them.
    pub(crate) are_told_of_traces: bool,
    breaker: BreakerRules,
    metrics: Arc<Metrics>,
}

#[derive(Clone, Copy, Debug)]
struct Timeouts {
    connect: Duration,
    first_byte: Duration,
    idle: Duration,
}

/// Who asks a provider, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) upstream: UpstreamId,
    /// In whose words.
    pub(crate) dialect: Dialect,
    pub(crate) caller: &'a Authenticated,
    /// Which of our keys is shown, where the caller brings none.
    pub(crate) key: Option<usize>,
    /// The path there, where it is not the caller's.
    pub(crate) path: Option<&'a str>,
}

/// What a provider made of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reaction {
    /// It answered, with this status and this wish for a pause.
    Answered(u16, Option<Duration>),
    /// It could not be reached, or did not answer.
    Failed,
}

impl Upstreams {
    pub(crate) fn new(settings: &Settings, metrics: Arc<Metrics>) -> Self {
        let Providers {
            openai,
            anthropic,
            google,
        } = &settings.providers;
        let upstream = &settings.upstream;
        let built_in = [
            Upstream::built_in(Dialect::OpenAi, openai),
            Upstream::built_in(Dialect::Anthropic, anthropic),
            Upstream::built_in(Dialect::Google, google),
        ];
        let own = settings.routing.upstreams.iter().map(Upstream::own);
        let all: Vec<Upstream> = built_in.into_iter().chain(own).collect();
        let watched = all.iter();
        let watched = watched.map(|it| metrics.watch_upstream(&it.name, it.is_configured()));
        Self {
            seen: watched.collect(),
            all,
            timeouts: Timeouts {
                connect: Duration::from_millis(upstream.connect_timeout_ms),
                first_byte: Duration::from_millis(upstream.first_byte_timeout_ms),
                idle: Duration::from_millis(upstream.idle_timeout_ms),
            },
            http2: upstream.http2,
            are_told_of_traces: settings.otlp.tells_providers,
            breaker: BreakerRules {
                failures: upstream.breaker_failures,
                open: Duration::from_millis(upstream.breaker_open_ms),
            },
            metrics,
        }
    }

    /// Shows each provider the keys that it has in these settings from now on.
    pub(crate) fn take_keys(&self, settings: &Settings) {
        let Providers {
            openai,
            anthropic,
            google,
        } = &settings.providers;
        let built_in = [
            (Dialect::OpenAi.provider(), &openai.keys),
            (Dialect::Anthropic.provider(), &anthropic.keys),
            (Dialect::Google.provider(), &google.keys),
        ];
        let own = settings.routing.upstreams.iter();
        let own = own.map(|own| (ProviderName::new(&own.name), &own.keys));
        let told: HashMap<_, _> = built_in.into_iter().chain(own).collect();
        for (upstream, seen) in self.all.iter().zip(&self.seen) {
            if let Some(keys) = told.get(&upstream.name) {
                upstream.take_keys(keys);
                seen.set_configured(upstream.is_configured());
            }
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
        for upstream in &self.all {
            upstream.resolve().await;
        }
    }

    pub(crate) fn get(&self, id: UpstreamId) -> Result<&Upstream> {
        let missing = || Error::explain(ErrorType::InternalError, "no such provider");
        self.all.get(id.0).ok_or_else(missing)
    }

    /// Why a request cannot be sent to a provider now, if it cannot: it would have no credential, or
    /// the provider is left alone.
    pub(crate) fn check(
        &self,
        id: UpstreamId,
        caller: &Authenticated,
        now: UtcMicros,
    ) -> Result<(), Denial> {
        let Some(upstream) = self.all.get(id.0) else {
            return Err(Denial::UnknownRoute);
        };
        if !upstream.is_configured() && own_key(id, caller).is_none() {
            return Err(Denial::ProviderNotConfigured {
                provider: upstream.name.to_string(),
            });
        }
        match upstream.breaker.closed_in(self.breaker, now) {
            None => Ok(()),
            Some(retry_after) => Err(Denial::Unavailable {
                what: Dependency::Provider,
                retry_after,
            }),
        }
    }

    /// Which of our keys a request goes out with; none where its caller brings one.
    pub(crate) fn choose_key(
        &self,
        id: UpstreamId,
        caller: &Authenticated,
        (request, now): (RequestId, UtcMicros),
    ) -> Option<usize> {
        let ours = self.all.get(id.0).filter(|_| own_key(id, caller).is_none());
        ours?.choose_key(request, now)
    }

    /// Takes note of how a provider does.
    pub(crate) fn note(
        &self,
        id: UpstreamId,
        key: Option<usize>,
        reaction: Reaction,
        now: UtcMicros,
    ) {
        let (Some(upstream), Some(seen)) = (self.all.get(id.0), self.seen.get(id.0)) else {
            return;
        };
        let has_failed = match reaction {
            Reaction::Answered(status, retry_after) => {
                if let Some(key) = upstream.key(key) {
                    key.rest.note(status, retry_after, now);
                }
                status >= 500
            }
            Reaction::Failed => true,
        };
        if !has_failed {
            upstream.breaker.succeeded();
            seen.answered(now);
            return;
        }
        seen.failed(now);
        let has_opened = upstream.breaker.failed(self.breaker, now);
        if let Some(until) = upstream.breaker.open_until() {
            seen.left_alone(until);
        }
        if has_opened {
            self.metrics.breaker_opened(&upstream.name);
            tracing::warn!(provider = %upstream.name, "a provider fails again and again; it is left alone");
        }
    }

    /// How many keys there are for a request beside the one that it goes out with.
    pub(crate) fn other_keys(&self, id: UpstreamId, caller: &Authenticated) -> usize {
        let ours = self.all.get(id.0).filter(|_| own_key(id, caller).is_none());
        ours.map_or(0, Upstream::other_keys)
    }

    /// Whether a provider has a key that can be tried at once in place of one that rests.
    pub(crate) fn has_another_key(&self, id: UpstreamId, now: UtcMicros) -> bool {
        self.all
            .get(id.0)
            .is_some_and(|upstream| upstream.has_another_key(now))
    }

    /// The connection that a request goes out on. Called again for each try.
    pub(crate) fn peer(&self, admitted: &Admitted) -> Result<HttpPeer> {
        let mut peer = self.address(admitted.aim.upstream)?;
        let speaks_tls = self.get(admitted.aim.upstream)?.base.tls();
        peer.options.idle_timeout = Some(POOLED_IDLE);
        // Pingora has one limit for every read: a stream is never silent for long, while a whole
        // answer may take minutes to its first byte.
        let silence = if admitted.call.streamed {
            self.timeouts.idle
        } else {
            self.timeouts.first_byte
        };
        peer.options.read_timeout = Some(silence);
        if speaks_tls && self.http2 {
            peer.options.alpn = ALPN::H2H1;
            peer.options.max_h2_streams = H2_STREAMS_MAX;
        } else if !admitted.body.is_empty() {
            send_together(&mut peer);
        }
        Ok(peer)
    }

    /// Where a provider is, as a connection over HTTP/1.1.
    pub(crate) fn address(&self, id: UpstreamId) -> Result<HttpPeer> {
        let upstream = self.get(id)?;
        let Some(address) = upstream.next_address() else {
            return Error::e_explain(ErrorType::ConnectError, "the provider's name is unknown");
        };
        let server_name = upstream.base.host().to_owned();
        let mut peer = HttpPeer::new(address, upstream.base.tls(), server_name);
        // No request of these may become a connection for something else, which nobody would meter.
        peer.options.http_upstream_request_policy.h1_upgrade = H1UpgradePolicy::Deny;
        peer.options.connection_timeout = Some(self.timeouts.connect);
        peer.options.total_connection_timeout = Some(self.timeouts.connect);
        Ok(peer)
    }

    /// Its host and port.
    pub(crate) fn server(&self, id: UpstreamId) -> Option<(String, u16)> {
        let base = &self.all.get(id.0)?.base;
        Some((base.host().to_owned(), base.port()))
    }

    /// How long it may take until a provider's answer has begun.
    pub(crate) fn first_byte_max(&self) -> Duration {
        self.timeouts.first_byte
    }

    /// How long a provider may be silent while it answers.
    pub(crate) fn silence_max(&self) -> Duration {
        self.timeouts.idle
    }

    /// What shows the provider who asks: the caller's own key, else ours.
    fn credential(upstream: &Upstream, asker: &Asker<'_>) -> Result<Option<Credential>> {
        let dialect = asker.dialect;
        let unusable = |error| Error::because(ErrorType::InternalError, "provider key", error);
        if let Some(own) = own_key(asker.upstream, asker.caller) {
            let shown = credential_header(dialect, own.expose()).map_err(unusable)?;
            return Ok(Some(shown));
        }
        let Some(key) = upstream.key(asker.key) else {
            return Ok(None);
        };
        if dialect == upstream.dialect {
            let missing = || Error::explain(ErrorType::InternalError, "unusable provider key");
            return Ok(Some(key.shown.clone().ok_or_else(missing)?));
        }
        // In the words of another, the key stands where they have it.
        let shown = key.shown_in(dialect).map_err(unusable)?;
        Ok(Some(shown))
    }

    /// Rewrites the head: the provider's credential instead of the caller's, nothing of ours.
    pub(crate) fn prepare(
        &self,
        admitted: &Admitted,
        key: Option<usize>,
        head: &mut RequestHeader,
    ) -> Result<()> {
        let asker = Asker {
            upstream: admitted.aim.upstream,
            dialect: admitted.call.dialect,
            caller: &admitted.caller,
            key,
            path: admitted.aim.path.as_deref(),
        };
        self.readdress(&asker, head)?;
        if matches!(head.method.as_str(), "POST" | "PATCH" | "PUT") {
            head.remove_header(&header::TRANSFER_ENCODING);
            let length = HeaderValue::from(admitted.body.len());
            let mut told = head.headers.get_all(header::CONTENT_LENGTH).iter();
            if told.next() != Some(&length) || told.next().is_some() {
                head.insert_header(header::CONTENT_LENGTH, length)?;
            }
        }
        Ok(())
    }

    /// The part of it that does not depend on a body.
    pub(crate) fn readdress(&self, asker: &Asker<'_>, head: &mut RequestHeader) -> Result<()> {
        let upstream = self.get(asker.upstream)?;
        let shows_own = own_key(asker.upstream, asker.caller).is_some();
        let credential = Self::credential(upstream, asker)?;
        let unwanted: SmallVec<[HeaderName; 4]> = head
            .headers
            .keys()
            .filter(|name| {
                is_private_header(name)
                    || (!shows_own && is_account_header(name))
                    || (!self.are_told_of_traces && is_trace_header(name))
            })
            // What is replaced need not be removed.
            .filter(|name| {
                credential
                    .as_ref()
                    .is_none_or(|(replaced, _)| replaced != *name)
            })
            .cloned()
            .collect();
        for name in unwanted {
            head.remove_header(&name);
        }
        if let Some((name, value)) = credential {
            head.insert_header(name, value)?;
        }
        if asker.dialect == Dialect::Anthropic {
            let (name, version) = ANTHROPIC_VERSION_DEFAULT;
            if !head.headers.contains_key(name) {
                head.insert_header(name, version)?;
            }
        }
        head.insert_header(header::HOST, upstream.host.as_str())?;
        head.insert_header(header::ACCEPT_ENCODING, "identity")?;
        upstream.set_path(head, asker.path)
    }
}

/// The caller's own key, where it can be meant for this provider: one that somebody runs beside the
/// three is none of the caller's.
fn own_key(id: UpstreamId, caller: &Authenticated) -> Option<&Secret> {
    caller.provider_key().filter(|_| id.is_built_in())
}
