//! Where a request comes from: the other end of its connection, or what a proxy in front of us says,
//! if it is one that we trust; and whether it comes from a page of ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, HeaderValue, Uri};
use ipnet::IpNet;

use crate::domain::peer::Peer;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FETCH_SITE: &str = "sec-fetch-site";

/// Whoever sent a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::admin) struct Client {
    /// Their address, as far as it is known.
    pub(in crate::admin) address: Option<IpAddr>,
    /// Whether they speak TLS, with us or with a proxy that we trust.
    pub(in crate::admin) is_secure: bool,
}

/// The proxies in front of us whose word about their clients is taken.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those in these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(Arc::from(networks))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request.
    pub(super) fn client(&self, request: &Parts) -> Client {
        let peer = peer_of(request);
        let address = peer.address.map(|address| address.to_canonical());
        let headers = &request.headers;
        let Some(proxy) = address.filter(|address| self.trusts(*address)) else {
            return Client {
                address,
                is_secure: peer.is_tls,
            };
        };
        // Each proxy writes whom it heard from behind what it was told: the last that is no proxy is it.
        let said = last_words(headers, FORWARDED_FOR);
        let addresses = said
            .iter()
            .map(|word| word.parse().ok().map(|it: IpAddr| it.to_canonical()));
        let heard_from = addresses.take_while(Option::is_some).flatten();
        let client = heard_from.fold(None, |found: Option<IpAddr>, address| match found {
            Some(known) if !self.trusts(known) => Some(known),
            _ => Some(address),
        });
        let proto = last_words(headers, FORWARDED_PROTO);
        let is_https = proto
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("https"));
        Client {
            address: client.or(Some(proxy)),
            is_secure: peer.is_tls || is_https,
        }
    }
}

fn peer_of(request: &Parts) -> Peer {
    let extensions = &request.extensions;
    let accepted = extensions.get::<ConnectInfo<SocketAddr>>();
    let direct = accepted.map(|ConnectInfo(address)| Peer {
        address: Some(address.ip()),
        is_tls: false,
    });
    direct
        .or(extensions.get::<Peer>().copied())
        .unwrap_or_default()
}

/// The words of a list in a header that may come several times, the last first.
fn last_words<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let values = headers.get_all(name).iter();
    let words = values.filter_map(|value| value.to_str().ok());
    let mut words: Vec<&str> = words
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    words.reverse();
    words
}

/// Whether a browser says that a page of ours asks. What is no browser says nothing, and may.
pub(in crate::admin) fn is_same_origin(headers: &HeaderMap, uri: &Uri, client: Client) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    let Some(origin) = origin else {
        return false;
    };
    let is_plain = origin.scheme() == Some(&Scheme::HTTP);
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| host.parse().ok());
    let asked = asked.or_else(|| uri.authority().cloned());
    match (origin.authority(), asked) {
        (Some(page), Some(asked)) => {
            is_same_host(page, &asked, is_plain) && !(is_plain && client.is_secure)
        }
        (None, _) | (_, None) => false,
    }
}

fn is_same_host(page: &Authority, asked: &Authority, is_plain: bool) -> bool {
    let usual = if is_plain { 80 } else { 443 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    page.host().eq_ignore_ascii_case(asked.host()) && port(page) == port(asked)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn request(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/admin/session");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Peer {
            address: Some(peer.parse().unwrap()),
            is_tls: false,
        });
        parts
    }

    fn proxies() -> Proxies {
        Proxies::new(&["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let said = [
            ("x-forwarded-for", "1.1.1.1, 9.9.9.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ];
        let told = proxies().client(&request("10.0.0.1", &said));
        assert_eq!(told.address, Some("9.9.9.9".parse().unwrap()));
        assert!(told.is_secure);
        let mapped = proxies().client(&request("::ffff:10.0.0.1", &said));
        assert_eq!(mapped, told);
        let stranger = proxies().client(&request("8.8.8.8", &said));
        assert_eq!(stranger.address, Some("8.8.8.8".parse().unwrap()));
        assert!(!stranger.is_secure);
        let silent = proxies().client(&request("10.0.0.1", &[]));
        assert_eq!(silent.address, Some("10.0.0.1".parse().unwrap()));
        let nonsense = proxies().client(&request("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, ?")]));
        assert_eq!(nonsense.address, Some("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn pages_of_others_are_told_apart() {
        let plain = Client::default();
        let secure = Client {
            is_secure: true,
            ..plain
        };
        for (headers, client, expected) in [
            (&[][..], plain, true),
            (&[("origin", "http://guard:3000")], plain, true),
            (&[("origin", "http://GUARD:3000")], plain, true),
            (&[("origin", "https://guard:3000")], secure, true),
            (&[("origin", "http://guard:3000")], secure, false),
            (&[("origin", "http://guard:3001")], plain, false),
            (&[("origin", "http://guard.evil:3000")], plain, false),
            (&[("origin", "null")], plain, false),
            (&[("origin", "")], plain, false),
            (&[("sec-fetch-site", "same-origin")], plain, true),
            (&[("sec-fetch-site", "none")], plain, true),
            (&[("sec-fetch-site", "same-site")], plain, false),
            (&[("sec-fetch-site", "cross-site")], plain, false),
        ] {
            let mut map = HeaderMap::new();
            map.insert(HOST, HeaderValue::from_static("guard:3000"));
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            let found = is_same_origin(&map, &Uri::from_static("/admin"), client);
            assert_eq!(found, expected, "{headers:?}");
        }
    }
}
