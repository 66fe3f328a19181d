//! Who calls: from the headers to a tenant and its key, in memory, in constant time. Keys of which only a
//! bcrypt hash is known are left to `authenticate/legacy.rs`.

pub(crate) mod legacy;

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use pingora::http::RequestHeader;

use crate::catalog::{Snapshot, TenantEntry};
use crate::domain::denial::Denial;
use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::rate::RateLimits;
use crate::gateway::Gateway;
use crate::keys::KeyHasher;
use crate::settings::secret::Secret;

/// Keys longer than this are nobody's.
const KEY_BYTES_MAX: usize = 512;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// A caller whose key was checked. Only this module makes one.
#[derive(Clone, Debug)]
pub(crate) struct Authenticated {
    tenant: Arc<TenantEntry>,
    key: ApiKeyId,
    key_name: Arc<str>,
    limits: RateLimits,
    provider_key: Option<Secret>,
}

impl Authenticated {
    /// Who pays.
    pub(crate) fn tenant(&self) -> &TenantEntry {
        &self.tenant
    }

    /// The key that was used.
    pub(crate) fn key(&self) -> ApiKeyId {
        self.key
    }

    /// What its tenant calls the key.
    pub(crate) fn key_name(&self) -> &str {
        &self.key_name
    }

    /// What the key may ask for, beside what its tenant may.
    pub(crate) fn limits(&self) -> RateLimits {
        self.limits
    }

    /// The caller's own key for the provider, if it came in `Authorization` beside ours.
    pub(crate) fn provider_key(&self) -> Option<&Secret> {
        self.provider_key.as_ref()
    }
}

/// The keys that a caller shows, in the order in which they are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    own_header: Option<&'a str>,
    bearer: Option<&'a str>,
    others: [Option<&'a str>; 3],
}

impl<'a> Shown<'a> {
    /// Those in the head of a request.
    pub(crate) fn in_head(head: &'a RequestHeader) -> Self {
        Self::new(&head.headers, head.uri.query())
    }

    fn new(headers: &'a HeaderMap, query: Option<&'a str>) -> Self {
        Self {
            own_header: header(headers, X_API_KEY),
            bearer: header(headers, AUTHORIZATION).and_then(bearer_token),
            others: [
                header(headers, X_GOOG_API_KEY),
                header(headers, API_KEY),
                query.and_then(key_parameter),
            ],
        }
    }

    fn candidates(self) -> impl Iterator<Item = &'a str> {
        let first = [self.own_header, self.bearer];
        first.into_iter().chain(self.others).flatten()
    }

    /// The caller whose key one of the candidates is.
    fn caller(&self, candidate: &str, key: &Known, tenant: Arc<TenantEntry>) -> Authenticated {
        let beside_ours = self.own_header.is_some_and(|own| own == candidate);
        let provider_key = self
            .bearer
            .filter(|token| beside_ours && *token != candidate);
        Authenticated {
            tenant,
            key: key.id,
            key_name: Arc::clone(&key.name),
            limits: key.limits,
            provider_key: provider_key.map(Secret::new),
        }
    }
}

/// A key that was proved.
struct Known {
    id: ApiKeyId,
    tenant: TenantId,
    name: Arc<str>,
    limits: RateLimits,
}

impl Gateway {
    /// Finds the caller by the first of its keys that is one of ours.
    pub(crate) async fn caller(
        &self,
        shown: Shown<'_>,
        snapshot: &Snapshot,
    ) -> Result<Authenticated, Denial> {
        let found = authenticate(shown, snapshot, &self.hasher);
        if snapshot.legacy_keys.is_empty() || !matches!(found, Err(Denial::InvalidKey)) {
            return found;
        }
        for candidate in shown.candidates() {
            let checked = self.legacy.check(candidate, &snapshot.legacy_keys).await?;
            if let Some(key) = checked {
                let tenant = open_tenant(snapshot, key.tenant)?;
                return Ok(shown.caller(candidate, &key, tenant));
            }
        }
        found
    }
}

fn authenticate(
    shown: Shown<'_>,
    snapshot: &Snapshot,
    hasher: &KeyHasher,
) -> Result<Authenticated, Denial> {
    let mut denial = Denial::MissingKey;
    for candidate in shown.candidates() {
        match check(candidate, snapshot, hasher) {
            Ok((key, tenant)) => return Ok(shown.caller(candidate, &key, tenant)),
            Err(refused) => denial = refused,
        }
    }
    Err(denial)
}

/// The key that a caller of Google's API showed.
pub(crate) fn shown_key<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<&'a str> {
    let bearer = || header(headers, AUTHORIZATION).and_then(bearer_token);
    header(headers, X_GOOG_API_KEY)
        .or_else(|| query.and_then(key_parameter))
        .or_else(|| header(headers, X_API_KEY))
        .or_else(bearer)
}

fn check(
    text: &str,
    snapshot: &Snapshot,
    hasher: &KeyHasher,
) -> Result<(Known, Arc<TenantEntry>), Denial> {
    if text.is_empty() || text.len() > KEY_BYTES_MAX {
        return Err(Denial::InvalidKey);
    }
    let found = snapshot.keys.get(&hasher.lookup(text));
    let is_proved = hasher.verify(text, found.map(|key| &key.hash));
    let key = found
        .filter(|key| is_proved && key.is_active)
        .ok_or(Denial::InvalidKey)?;
    let tenant = open_tenant(snapshot, key.tenant)?;
    let known = Known {
        id: key.id,
        tenant: key.tenant,
        name: Arc::clone(&key.name),
        limits: key.limits,
    };
    Ok((known, tenant))
}

fn open_tenant(snapshot: &Snapshot, id: TenantId) -> Result<Arc<TenantEntry>, Denial> {
    let tenant = snapshot.tenants.get(&id).ok_or(Denial::InvalidKey)?;
    if tenant.tenant.is_closed {
        return Err(Denial::TenantClosed);
    }
    Ok(Arc::clone(tenant))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn key_parameter(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::HeaderValue;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::tenant::{ApiKey, Tenant};
    use crate::keys::NewKey;

    fn hasher() -> KeyHasher {
        KeyHasher::new(b"pepper").unwrap()
    }

    fn key(number: u64) -> NewKey {
        hasher().generate(number, [9; 32])
    }

    /// Tenant 1 with keys 1 and 2 (revoked), tenant 3, closed, with key 3.
    fn snapshot() -> Snapshot {
        let entry = |id, is_closed| {
            let tenant = Tenant {
                id: TenantId(id),
                name: format!("tenant {id}"),
                requests_per_minute: None,
                tokens_per_minute: None,
                concurrent_requests: None,
                default_session_budget: None,
                time_zone: TimeZone::UTC,
                is_closed,
            };
            (tenant.id, Arc::new(TenantEntry::unlimited(tenant)))
        };
        let known = |number: u64, tenant, is_active| {
            let NewKey { lookup, hash, .. } = key(number);
            let id = ApiKeyId(number.cast_signed());
            (
                lookup,
                ApiKey {
                    id,
                    tenant: TenantId(tenant),
                    lookup,
                    name: Arc::from("laptop"),
                    hash,
                    is_active,
                    limits: RateLimits::default(),
                },
            )
        };
        Snapshot {
            tenants: HashMap::from([entry(1, false), entry(3, true)]),
            keys: Arc::new(HashMap::from([
                known(1, 1, true),
                known(2, 1, false),
                known(3, 3, true),
            ])),
            ..Snapshot::default()
        }
    }

    fn call(
        headers: &[(&'static str, &str)],
        query: Option<&str>,
    ) -> Result<Authenticated, Denial> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        authenticate(Shown::new(&map, query), &snapshot(), &hasher())
    }

    #[test]
    fn a_key_is_accepted_in_every_header_that_sdks_use() {
        let text = key(1).text;
        let bearer = format!("Bearer {text}");
        for header in [
            ("authorization", bearer.as_str()),
            ("x-api-key", &text),
            ("x-goog-api-key", &text),
            ("api-key", &text),
        ] {
            let caller = call(&[header], None).unwrap();
            assert_eq!(
                (caller.tenant().tenant.id, caller.key()),
                (TenantId(1), ApiKeyId(1))
            );
            assert!(
                caller.provider_key().is_none(),
                "our key in {} went upstream",
                header.0
            );
        }
        assert!(call(&[], Some(&format!("alt=sse&key={text}"))).is_ok());
    }

    #[test]
    fn a_provider_key_may_stand_beside_ours() {
        let headers = [
            ("x-api-key", &*key(1).text),
            ("authorization", "Bearer sk-own"),
        ];
        let caller = call(&headers, None).unwrap();
        assert_eq!(caller.provider_key().map(Secret::expose), Some("sk-own"));
    }

    #[test]
    fn what_is_not_a_valid_key_is_refused() {
        assert_eq!(call(&[], None).unwrap_err(), Denial::MissingKey);
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        for text in [&*key(2).text, &key(7).text, "bg_", "", "sk-foreign", &long] {
            let refused = call(&[("x-api-key", text)], None).unwrap_err();
            assert_eq!(refused, Denial::InvalidKey);
        }
        let closed = call(&[("x-api-key", &key(3).text)], None).unwrap_err();
        assert_eq!(closed, Denial::TenantClosed);
    }
}
