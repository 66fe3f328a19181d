//! What a request may be at the most, whoever sends it. What tenants and keys may ask for is in `rates.rs`.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName};

use crate::domain::denial::{BadRequest, Denial};

/// The most that a connection header may name: Pingora takes no more.
const HOP_OPTIONS_MAX: usize = 9;
/// Headers that no connection header may take away.
const PROTECTED: [&str; 4] = [
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Limits on requests, from the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    pub(crate) body_bytes_max: usize,
    /// Longest time that one may take.
    pub(crate) body_time_max: Duration,
    /// How long a connection waits for its next request, in seconds.
    pub(crate) idle_s: u64,
    pub(crate) header_count_max: usize,
    pub(crate) header_bytes_max: usize,
    pub(crate) default_requests_per_minute: u32,
    pub(crate) output_cap_floor: u64,
}

impl RequestLimits {
    pub(crate) fn check_headers(&self, headers: &HeaderMap) -> Result<(), Denial> {
        let bytes = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        if headers.len() > self.header_count_max || bytes.sum::<usize>() > self.header_bytes_max {
            return Err(Denial::HeadersTooLarge);
        }
        check_hop(headers)
    }
}

/// What a connection cannot be asked to keep to itself: Pingora would end it without a word, after admission.
fn check_hop(headers: &HeaderMap) -> Result<(), Denial> {
    let values = headers.get_all(header::CONNECTION).iter();
    let options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut options = options
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty());
    let is_wrong = |option: &[u8]| {
        HeaderName::from_bytes(option).map_or(true, |name| PROTECTED.contains(&name.as_str()))
    };
    if options.by_ref().take(HOP_OPTIONS_MAX).any(is_wrong) || options.next().is_some() {
        let why = "the connection header names what it cannot, or too much";
        return Err(Denial::BadRequest(BadRequest::new(why)));
    }
    Ok(())
}
