//! Where a provider is reached: scheme, host, port and path prefix, checked once at the start.

use std::fmt;

use http::Uri;

/// A provider's base URL without its version segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseUrl {
    tls: bool,
    host: String,
    port: u16,
    path_prefix: String,
}

impl BaseUrl {
    /// Reads `text`; `version_segment` (such as `/v1`) is dropped from its end.
    pub fn parse(text: &str, version_segment: &str) -> Result<Self, String> {
        if text.contains(['@', '?', '#']) {
            return Err("must have no user, password, query or fragment".into());
        }
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("is not a URL: {error}"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err("must start with http:// or https://".into()),
        };
        let host = uri.host().unwrap_or_default();
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        let port = match authority.strip_prefix(host).unwrap_or_default() {
            "" if tls => 443,
            "" => 80,
            given => port_after_colon(given).ok_or("has no valid port")?,
        };
        if host.is_empty() {
            return Err("has no host".into());
        }
        let path = uri.path().trim_end_matches('/');
        let path_prefix = path
            .strip_suffix(version_segment)
            .unwrap_or(path)
            .trim_end_matches('/');
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            path_prefix: path_prefix.to_owned(),
        })
    }

    /// Whether the provider is spoken to over TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Host name or IP address, for connecting and for SNI; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Port, the scheme's default if the URL had none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What goes before each request's path: empty, or starting with `/` and not ending with it.
    pub fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// Value of the `host` header: with the port only if it is not the scheme's default.
    pub fn host_header(&self) -> String {
        let default_port = if self.tls { 443 } else { 80 };
        if self.port == default_port {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(
            formatter,
            "{scheme}://{}{}",
            self.host_header(),
            self.path_prefix
        )
    }
}

fn port_after_colon(text: &str) -> Option<u16> {
    text.strip_prefix(':')?
        .parse()
        .ok()
        .filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_version_segment_and_trailing_slashes() {
        for (text, shown) in [
            ("https://api.openai.com", "https://api.openai.com"),
            ("https://api.openai.com/v1", "https://api.openai.com"),
            ("https://api.openai.com:443/v1/", "https://api.openai.com"),
            (
                "http://router.test:8080/api/v1",
                "http://router.test:8080/api",
            ),
            ("http://[::1]:9000/", "http://[::1]:9000"),
        ] {
            assert_eq!(BaseUrl::parse(text, "/v1").unwrap().to_string(), shown);
        }
    }

    #[test]
    fn tells_host_port_and_prefix_apart() {
        let url = BaseUrl::parse("http://[::1]:9000/a/b/", "/v1").unwrap();
        assert_eq!(
            (url.host(), url.port(), url.path_prefix()),
            ("::1", 9000, "/a/b")
        );
        assert_eq!(url.host_header(), "[::1]:9000");
        assert!(!url.tls());
    }

    #[test]
    fn refuses_what_cannot_be_a_base_url() {
        for text in [
            "",
            "api.openai.com",
            "ftp://host",
            "https://",
            "https://user:pw@host",
            "https://host?x=1",
            "https://host#x",
            "https://host:0",
            "https://host:99999",
            "https://host:",
            "https://ho st",
            "https://:80",
        ] {
            assert!(BaseUrl::parse(text, "/v1").is_err(), "{text}");
        }
    }
}
