//! What a caller may know about its own standing, in the headers of every answer: the request's id,
//! what is held for it and what is left, and where it is in its minute.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::response::Parts;
use pingora::http::{ResponseHeader, StatusCode};
use pingora::{Error, ErrorType, Result};

use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::rate::RateStanding;
use crate::gateway::reply::REQUEST_ID;

const HELD: HeaderName = HeaderName::from_static("x-budgetguard-held-usd");
const REMAINING: HeaderName = HeaderName::from_static("x-budgetguard-remaining-usd");
const RATE_LIMIT: &str = "x-ratelimit-limit-requests";
const RATE_REMAINING: &str = "x-ratelimit-remaining-requests";
const RATE_RESET: &str = "x-ratelimit-reset-requests";
/// How many headers [`add_standing`] adds at the most.
const STANDING_HEADERS: usize = 6;

/// Puts what the caller may know about its standing into a provider's answer.
pub(crate) fn add_standing(
    response: &mut ResponseHeader,
    request: RequestId,
    held: Option<(Usd, Option<Usd>)>,
    rate: Option<&RateStanding>,
) -> Result<()> {
    let mut plain = PlainHeaders::take(response)?;
    let headers = &mut plain.parts.headers;
    headers.reserve(STANDING_HEADERS);
    headers.insert(REQUEST_ID, value(&request)?);
    if let Some((held, remaining)) = held {
        headers.insert(HELD, value(&held)?);
        if let Some(remaining) = remaining {
            headers.insert(REMAINING, value(&remaining)?);
        }
    }
    if let Some(rate) = rate {
        let [limit, remaining, reset] = const {
            [
                HeaderName::from_static(RATE_LIMIT),
                HeaderName::from_static(RATE_REMAINING),
                HeaderName::from_static(RATE_RESET),
            ]
        };
        headers.insert(limit, HeaderValue::from(rate.limit));
        headers.insert(remaining, HeaderValue::from(rate.remaining));
        headers.insert(reset, value(&short_duration(rate.resets_in))?);
    }
    plain.put_back(response)
}

fn value(shown: &impl fmt::Display) -> Result<HeaderValue> {
    // Room for an id or an amount, so that it does not grow on the way.
    let mut text = String::with_capacity(40);
    // Writing to a string cannot fail.
    let _ = write!(text, "{shown}");
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .map_err(|error| Error::because(ErrorType::InvalidHTTPHeader, "a header of ours", error))
}

/// A head without the second map in which Pingora keeps how names were capitalised. Names mean the
/// same in any case, and headers go into one map in a fraction of the time.
struct PlainHeaders {
    parts: Parts,
    reason: Option<String>,
}

impl PlainHeaders {
    fn take(head: &mut ResponseHeader) -> Result<Self> {
        let standard = head.status.canonical_reason();
        let reason = head
            .get_reason_phrase()
            .filter(|own| Some(*own) != standard);
        let reason = reason.map(str::to_owned);
        let blank = ResponseHeader::build_no_case(StatusCode::OK, Some(0))?;
        let parts = Parts::from(std::mem::replace(head, blank));
        Ok(Self { parts, reason })
    }

    fn put_back(self, head: &mut ResponseHeader) -> Result<()> {
        *head = ResponseHeader::from(self.parts);
        match self.reason {
            Some(reason) => head.set_reason_phrase(Some(&reason)),
            None => Ok(()),
        }
    }
}

/// `OpenAI`'s names, which gateways have made common; the durations are like `1s` and `6m0s`.
pub(crate) fn rate_headers(standing: &RateStanding) -> [(&'static str, String); 3] {
    [
        (RATE_LIMIT, standing.limit.to_string()),
        (RATE_REMAINING, standing.remaining.to_string()),
        (RATE_RESET, short_duration(standing.resets_in)),
    ]
}

fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{}ms", duration.as_millis()),
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}
