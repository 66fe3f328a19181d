//! What is sent to the provider beside the body: its path, its credential, and which of the
//! caller's headers stay here.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};

use crate::providers::Dialect;

/// The version of Anthropic's API that is asked for when the caller names none.
pub const ANTHROPIC_VERSION_DEFAULT: (&str, &str) = ("anthropic-version", "2023-06-01");

/// Headers that carry a credential, belong to the gateway, or would change what an answer
/// looks like or which method is called.
const PRIVATE_HEADERS: [&str; 17] = [
    // The body is there already.
    "expect",
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-openai-key",
    "x-anthropic-key",
    "x-google-api-key",
    "x-admin-key",
    "x-tags",
    "x-tenant-id",
    "x-http-method-override",
    "x-goog-fieldmask",
    "x-goog-user-project",
    "x-forwarded-authorization",
];

const PRIVATE_PREFIXES: [&str; 2] = ["x-session-", "x-budgetguard-"];

/// Headers that say which of an account's sub-accounts pays: they mean something only beside the
/// caller's own credential.
const ACCOUNT_HEADERS: [&str; 2] = ["openai-organization", "openai-project"];

/// Whether a header of the caller is never sent to a provider.
pub fn is_private_header(name: &HeaderName) -> bool {
    let name = name.as_str();
    PRIVATE_HEADERS.contains(&name)
        || PRIVATE_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether a header of the caller is not sent beside our own credential.
pub fn is_account_header(name: &HeaderName) -> bool {
    ACCOUNT_HEADERS.contains(&name.as_str())
}

/// Whether a header of the caller says which trace a request belongs to.
pub fn is_trace_header(name: &HeaderName) -> bool {
    matches!(name.as_str(), "traceparent" | "tracestate" | "baggage")
}

/// The header that shows a key to a provider. Its value is marked sensitive.
pub fn credential_header(
    dialect: Dialect,
    key: &str,
) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
    let (name, value) = match dialect {
        Dialect::OpenAi => (AUTHORIZATION, Cow::Owned(["Bearer ", key].concat())),
        Dialect::Anthropic => (HeaderName::from_static("x-api-key"), Cow::Borrowed(key)),
        Dialect::Google => (
            HeaderName::from_static("x-goog-api-key"),
            Cow::Borrowed(key),
        ),
    };
    let mut value = HeaderValue::from_str(&value)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// The path and query to ask the provider for: the caller's own, without `key=`. Everything else
/// stays byte for byte.
pub fn upstream_path(path_and_query: &str) -> Cow<'_, str> {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return Cow::Borrowed(path_and_query);
    };
    if !query_members(query).any(|(name, _)| name == "key") {
        return Cow::Borrowed(path_and_query);
    }
    let mut kept = String::with_capacity(path_and_query.len());
    kept.push_str(path);
    let mut separator = '?';
    for member in query.split('&') {
        if query_members(member).any(|(name, _)| name == "key") {
            continue;
        }
        kept.push(separator);
        kept.push_str(member);
        separator = '&';
    }
    Cow::Owned(kept)
}

/// The first `key=` of a query: how a Google caller may show its key.
pub fn key_in_query(query: &str) -> Option<&str> {
    query_members(query)
        .find(|(name, _)| name == "key")
        .map(|(_, value)| value)
}

/// The members of a query, names decoded and values as they are.
pub(crate) fn query_members(query: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    query.split('&').map(|member| {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        (percent_decoded(name), value)
    })
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten()
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_key_leaves_the_query_and_nothing_else_does() {
        for (asked, sent) in [
            ("/v1/messages?beta=true", "/v1/messages?beta=true"),
            ("/v1beta/models?key=bg_1", "/v1beta/models"),
            ("/m:g?alt=sse&key=bg_1", "/m:g?alt=sse"),
            ("/m:g?key=bg_1&alt=sse&x=%20&&y", "/m:g?alt=sse&x=%20&&y"),
            ("/m:g?k%65y=bg_1&key=2&pagekey=3", "/m:g?pagekey=3"),
            ("/m", "/m"),
        ] {
            assert_eq!(upstream_path(asked), sent);
        }
    }

    #[test]
    fn each_provider_gets_its_credential_in_its_own_header() {
        let header = |dialect| {
            let (name, value) = credential_header(dialect, "sk-1").unwrap();
            assert!(value.is_sensitive());
            format!("{name}: {}", value.to_str().unwrap())
        };
        assert_eq!(header(Dialect::OpenAi), "authorization: Bearer sk-1");
        assert_eq!(header(Dialect::Anthropic), "x-api-key: sk-1");
        assert_eq!(header(Dialect::Google), "x-goog-api-key: sk-1");
        assert!(credential_header(Dialect::OpenAi, "a\nb").is_err());
    }

    #[test]
    fn credentials_and_gateway_headers_are_private() {
        let private = |name: &'static str| is_private_header(&HeaderName::from_static(name));
        for name in [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "x-tags",
            "x-session-id",
        ] {
            assert!(private(name), "{name}");
        }
        for name in [
            "anthropic-version",
            "anthropic-beta",
            "content-type",
            "x-stainless-lang",
        ] {
            assert!(!private(name), "{name}");
        }
    }
}
