//! Where a request goes: its method, the segments of its path, and its query.

use std::collections::HashMap;

use axum::extract::Query;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method};

use super::refusal::Refusal;

/// Pages of lists when the caller names no size, and the largest it may name.
const PAGE: usize = 20;
const PAGE_MAX: usize = 10_000;

pub(super) struct Target {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    query: HashMap<String, String>,
}

impl Target {
    pub(super) fn of(parts: &Parts) -> Self {
        let query = Query::try_from_uri(&parts.uri).map(|Query(query)| query);
        let mut headers = parts.headers.clone();
        // HTTP/2 names the host in the address.
        let authority = parts.uri.authority().map(Authority::as_str);
        if let Some(host) = authority.and_then(|host| HeaderValue::try_from(host).ok()) {
            headers.insert(HOST, host);
        }
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers,
            query: query.unwrap_or_default(),
        }
    }

    /// Where a line of a batch goes.
    pub(super) fn of_line(path: &str) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            query: HashMap::new(),
        }
    }

    /// `/v1/files/x` is `["v1", "files", "x"]`.
    pub(super) fn segments(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches('/');
        path.split('/').skip(1).collect()
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An address on the host that the caller named.
    pub(super) fn url(&self, path: &str) -> String {
        let host = self.header("host").unwrap_or("localhost");
        format!("http://{host}{path}")
    }

    /// The size of a page, by the dialect's name for it.
    pub(super) fn page(&self, name: &str) -> usize {
        self.query(name)
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(PAGE)
            .clamp(1, PAGE_MAX)
    }

    /// The path exists, but not with this method or no deeper.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal::unknown_path(&format!("{} {}", self.method, self.path))
    }
}
