//! The cookie that a browser is logged in by, and the token that a page shows with its changes.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::admin::access::Client;
use crate::settings::secret::Secret;
use crate::store::users::sessions::{SESSION_LIFETIME_MAX, TokenHashes};

/// Over TLS browsers see to it that only this host can have set the cookie.
const NAME_SECURE: &str = "__Host-budgetguard";
const NAME: &str = "budgetguard";
const CSRF_HEADER: &str = "x-csrf-token";
/// Separates the token of pages from other uses of a session's token.
const CSRF_DOMAIN: &[u8] = b"budgetguard csrf";

/// The secret of a session: 256 random bits. Only hashes of it are kept.
#[derive(Clone)]
pub(in crate::admin) struct Token([u8; 32]);

impl Token {
    /// A new one.
    pub(in crate::admin) fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// How it may be kept.
    pub(in crate::admin) fn hashes(&self, admin_key: Option<&Secret>) -> TokenHashes {
        TokenHashes {
            of_user: Sha256::digest(self.0).into(),
            of_admin_key: admin_key.and_then(|key| mac(key.expose().as_bytes(), &self.0)),
        }
    }

    /// What pages show with their changes.
    pub(in crate::admin) fn csrf(&self) -> String {
        let mac = mac(&self.0, CSRF_DOMAIN).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(mac)
    }

    /// The cookie that holds it.
    pub(in crate::admin) fn cookie(&self, client: Client) -> Option<HeaderValue> {
        cookie(
            client,
            &URL_SAFE_NO_PAD.encode(self.0),
            SESSION_LIFETIME_MAX.as_secs(),
        )
    }
}

/// The cookie that takes it away.
pub(in crate::admin) fn no_cookie(client: Client) -> Option<HeaderValue> {
    cookie(client, "", 0)
}

/// The token in the cookie of a request.
pub(super) fn token_of(headers: &HeaderMap, client: Client) -> Option<Token> {
    let cookies = headers.get_all(COOKIE).iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == cookie_name(client));
    ours.find_map(|(_, text)| Token::parse(text))
}

/// Whether a request shows the token of its session's pages.
pub(super) fn is_csrf_token(headers: &HeaderMap, token: &Token) -> bool {
    let given = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes);
    given.is_some_and(|given| bool::from(given.ct_eq(token.csrf().as_bytes())))
}

fn cookie(client: Client, text: &str, seconds: u64) -> Option<HeaderValue> {
    let name = cookie_name(client);
    let secure = if client.is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn cookie_name(client: Client) -> &'static str {
    if client.is_secure { NAME_SECURE } else { NAME }
}

fn mac(key: &[u8], message: &[u8]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().into())
}
