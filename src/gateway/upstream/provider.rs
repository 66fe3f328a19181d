//! One provider: where it is, what it is shown, what models are called there, and how it does.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use pingora::http::RequestHeader;
use pingora::{Error, ErrorType, Result};

use crate::domain::id::{ProviderName, RequestId};
use crate::domain::window::UtcMicros;
use crate::gateway::upstream::health::{Breaker, Rest};
use crate::providers::Dialect;
use crate::providers::upstream::{credential_header, upstream_path};
use crate::settings::base_url::BaseUrl;
use crate::settings::routing::{KeyHeader, OwnUpstream};
use crate::settings::secret::{Secret, WeightedKey};
use crate::settings::upstream::Provider;

/// Where Azure looks for the key.
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The header that shows a key.
pub(super) type Credential = (HeaderName, HeaderValue);

/// See the module.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// What the ledger calls it.
    pub(crate) name: ProviderName,
    /// Whose prices are its own.
    pub(crate) prices: ProviderName,
    /// What it speaks.
    pub(crate) dialect: Dialect,
    pub(super) base: BaseUrl,
    pub(super) host: String,
    /// Ours; none where callers bring their own, or where none is asked for.
    keys: ArcSwap<Vec<Arc<Key>>>,
    key_header: KeyHeader,
    /// It cannot be called without a key.
    needs_key: bool,
    /// What models are called there, where that is something else.
    names: BTreeMap<String, String>,
    /// What is added to each query.
    query: Option<String>,
    /// Where its name points; looked up beside the requests, never by one.
    addresses: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
    pub(crate) breaker: Breaker,
}

/// One of our keys.
#[derive(Debug)]
pub(super) struct Key {
    secret: Secret,
    /// Absent if it cannot stand in a header.
    pub(super) shown: Option<Credential>,
    shares: u32,
    pub(super) rest: Rest,
}

impl Key {
    /// What shows it to an endpoint in another dialect than the provider's own.
    pub(super) fn shown_in(
        &self,
        dialect: Dialect,
    ) -> std::result::Result<Credential, InvalidHeaderValue> {
        credential_header(dialect, self.secret.expose())
    }
}

impl Upstream {
    /// One of the three.
    pub(super) fn built_in(dialect: Dialect, provider: &Provider) -> Self {
        let built_in = Self {
            name: dialect.provider(),
            prices: dialect.provider(),
            dialect,
            host: provider.base_url.host_header(),
            base: provider.base_url.clone(),
            keys: ArcSwap::default(),
            key_header: KeyHeader::Bearer,
            needs_key: true,
            names: BTreeMap::new(),
            query: None,
            addresses: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            breaker: Breaker::default(),
        };
        built_in.take_keys(&provider.keys);
        built_in
    }

    /// One of the settings.
    pub(super) fn own(own: &OwnUpstream) -> Self {
        let upstream = Self {
            name: ProviderName::new(&own.name),
            prices: ProviderName::new(&own.prices),
            dialect: Dialect::OpenAi,
            host: own.base_url.host_header(),
            base: own.base_url.clone(),
            keys: ArcSwap::default(),
            key_header: own.key_header,
            needs_key: false,
            names: own.names.clone(),
            query: own.query.clone(),
            addresses: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            breaker: Breaker::default(),
        };
        upstream.take_keys(&own.keys);
        upstream
    }

    /// Shows these keys from now on. One that was there before stays as it is.
    pub(super) fn take_keys(&self, keys: &[WeightedKey]) {
        let before = self.keys.load();
        let keys = keys.iter().map(|key| {
            let is_same = |it: &&Arc<Key>| it.secret == key.secret && it.shares == key.shares;
            let same = before.iter().find(is_same).cloned();
            same.unwrap_or_else(|| Arc::new(self.made(key)))
        });
        self.keys.store(Arc::new(keys.collect()));
    }

    fn made(&self, key: &WeightedKey) -> Key {
        let shown = match self.key_header {
            KeyHeader::Bearer => credential_header(self.dialect, key.secret.expose()),
            KeyHeader::ApiKey => api_key(key.secret.expose()),
        };
        Key {
            secret: key.secret.clone(),
            shown: shown.ok(),
            shares: key.shares,
            rest: Rest::default(),
        }
    }

    /// Whether it can be called without a key of the caller.
    pub(super) fn is_configured(&self) -> bool {
        !self.needs_key || !self.keys.load().is_empty()
    }

    /// What the model is called there.
    pub(crate) fn name_of<'a>(&'a self, model: &'a str) -> &'a str {
        self.names.get(model).map_or(model, String::as_str)
    }

    /// One of the keys, by their shares; those that rest are used only if all do. Which one is up to
    /// the random part of the request's id.
    pub(super) fn choose_key(&self, request: RequestId, now: UtcMicros) -> Option<usize> {
        let keys = self.keys.load();
        if keys.len() <= 1 {
            return (!keys.is_empty()).then_some(0);
        }
        let bytes = request.as_bytes();
        let random = bytes.last_chunk().copied().map_or(0, u64::from_be_bytes);
        let awake = keys.iter().any(|key| key.rest.is_over(now));
        let shares = |key: &Arc<Key>| {
            let counts = !awake || key.rest.is_over(now);
            u64::from(key.shares) * u64::from(counts)
        };
        let all: u64 = keys.iter().map(shares).sum();
        let mut left = random.checked_rem(all)?;
        keys.iter().position(|key| {
            let of_key = shares(key);
            let is_it = left < of_key;
            left = left.saturating_sub(of_key);
            is_it
        })
    }

    /// The key that was chosen; another one if there are fewer by now.
    pub(super) fn key(&self, index: Option<usize>) -> Option<Arc<Key>> {
        let keys = self.keys.load();
        keys.get(index?).or_else(|| keys.first()).cloned()
    }

    pub(super) fn other_keys(&self) -> usize {
        self.keys.load().len().saturating_sub(1)
    }

    /// Whether another of its keys can be tried at once.
    pub(super) fn has_another_key(&self, now: UtcMicros) -> bool {
        let keys = self.keys.load();
        keys.len() > 1 && keys.iter().any(|key| key.rest.is_over(now))
    }

    pub(super) async fn resolve(&self) {
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

    pub(super) fn next_address(&self) -> Option<SocketAddr> {
        let addresses = self.addresses.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        addresses.get(turn.checked_rem(addresses.len())?).copied()
    }

    /// The path at the provider: the caller's own or that of a request that was put otherwise.
    pub(super) fn set_path(&self, head: &mut RequestHeader, other: Option<&str>) -> Result<()> {
        let own = head.uri.path_and_query();
        let asked = own.map_or("/", http::uri::PathAndQuery::as_str);
        let wanted = upstream_path(other.unwrap_or(asked));
        let prefix = self.base.path_prefix();
        if prefix.is_empty() && wanted == asked && self.query.is_none() {
            return Ok(());
        }
        let mut path = [prefix, &wanted].concat();
        if let Some(query) = &self.query {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(query);
        }
        let uri = http::Uri::try_from(path)
            .map_err(|error| Error::because(ErrorType::InternalError, "provider path", error))?;
        head.set_uri(uri);
        Ok(())
    }
}

fn api_key(key: &str) -> std::result::Result<Credential, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(key)?;
    value.set_sensitive(true);
    Ok((API_KEY, value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Map;
    use std::time::Duration;

    use super::*;

    fn upstream(shares: &[u32]) -> Upstream {
        let keys = shares.iter().map(|shares| WeightedKey {
            secret: Secret::new(format!("key-{shares}")),
            shares: *shares,
        });
        Upstream::built_in(
            Dialect::OpenAi,
            &Provider {
                base_url: BaseUrl::parse("http://127.0.0.1:1", "/v1").unwrap(),
                keys: keys.collect(),
            },
        )
    }

    fn chosen(upstream: &Upstream, now: UtcMicros) -> Map<usize, u32> {
        let mut counts = Map::new();
        for index in 0..4_000_u64 {
            let mut random = [0; 10];
            let spread = index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            random[2..].copy_from_slice(&spread.to_be_bytes());
            let key = upstream
                .choose_key(RequestId::new(now, random), now)
                .unwrap();
            *counts.entry(key).or_default() += 1;
        }
        counts
    }

    #[test]
    fn keys_get_their_shares_of_the_requests() {
        let now = UtcMicros::new(1_000_000);
        let counts = chosen(&upstream(&[3, 1]), now);
        let first = f64::from(counts[&0]) / 4_000.0;
        assert!((0.70..0.80).contains(&first), "{counts:?}");
    }

    #[test]
    fn a_key_that_rests_is_used_only_if_all_do() {
        let now = UtcMicros::new(1_000_000);
        let upstream = upstream(&[3, 1]);
        let slow = Some(Duration::from_secs(10));
        upstream.key(Some(0)).unwrap().rest.note(429, slow, now);
        assert_eq!(chosen(&upstream, now), Map::from([(1, 4_000)]));
        assert!(upstream.has_another_key(now));
        upstream.key(Some(1)).unwrap().rest.note(429, slow, now);
        assert_eq!(chosen(&upstream, now).len(), 2);
        assert!(!upstream.has_another_key(now));
    }
}
