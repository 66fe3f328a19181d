//! What a request may be at the most, whoever sends it. What tenants and keys may ask for is in `rates.rs`.

use std::time::Duration;

use http::HeaderMap;

use crate::domain::denial::Denial;

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
        Ok(())
    }
}
