//! What a caller may know about its own standing, in the headers of every answer: the request's id,
//! what is held for it and what is left, and where it is in its minute.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::response::Parts;
use pingora::http::{ResponseHeader, StatusCode};
use pingora::{Error, ErrorType, Result};

use crate::domain::budget::Hold;
use crate::domain::id::RequestId;
use crate::domain::rate::{RateStandings, RateUnit, TooMany};
use crate::domain::ruling::AppliedEffects;
use crate::gateway::reply::REQUEST_ID;

const HELD: HeaderName = HeaderName::from_static("x-budgetguard-held-usd");
const REMAINING: HeaderName = HeaderName::from_static("x-budgetguard-remaining-usd");
/// OpenAI's names, which gateways have made common: limit, remaining and reset.
const REQUEST_RATE: [&str; 3] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
];
const TOKEN_RATE: [&str; 3] = [
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];
/// What the policy changed in the request.
const POLICY_MODEL: HeaderName = HeaderName::from_static("x-budgetguard-policy-model");
const POLICY_OUTPUT: HeaderName = HeaderName::from_static("x-budgetguard-policy-max-output-tokens");
/// How many headers [`add_standing`] adds at the most.
const STANDING_HEADERS: usize = 11;

/// Puts what the caller may know about its standing into a provider's answer.
pub(crate) fn add_standing(
    response: &mut ResponseHeader,
    request: RequestId,
    hold: Option<&Hold>,
    rates: &RateStandings,
    effects: Option<&AppliedEffects>,
) -> Result<()> {
    let mut plain = PlainHeaders::take(response)?;
    let headers = &mut plain.parts.headers;
    headers.reserve(STANDING_HEADERS);
    headers.insert(REQUEST_ID, value(&request)?);
    // Where no limit bounds the request, what is held for it tells its caller nothing.
    if let Some(hold) = hold
        && let Some(remaining) = hold.remaining
    {
        headers.insert(HELD, value(&hold.amount)?);
        headers.insert(REMAINING, value(&remaining)?);
    }
    for (names, rate) in [(REQUEST_RATE, rates.requests), (TOKEN_RATE, rates.tokens)] {
        let Some(rate) = rate else { continue };
        let [limit, remaining, reset] = names.map(HeaderName::from_static);
        headers.insert(limit, HeaderValue::from(rate.limit));
        headers.insert(remaining, HeaderValue::from(rate.remaining));
        headers.insert(reset, value(&short_duration(rate.resets_in))?);
    }
    let model = effects.and_then(|effects| effects.model.as_ref());
    // A name with what no header can have is in the receipt.
    if let Some(model) = model.and_then(|model| value(model).ok()) {
        headers.insert(POLICY_MODEL, model);
    }
    if let Some(most) = effects.and_then(|effects| effects.max_output_tokens) {
        headers.insert(POLICY_OUTPUT, HeaderValue::from(most));
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

/// What a refusal says of the rate that was passed; requests at once have no headers of their own.
pub(crate) fn rate_headers(too_many: &TooMany) -> Vec<(&'static str, String)> {
    let [limit, remaining, reset] = match too_many.unit {
        RateUnit::Requests => REQUEST_RATE,
        RateUnit::Tokens => TOKEN_RATE,
        RateUnit::Concurrent => return Vec::new(),
    };
    let standing = too_many.standing;
    vec![
        (limit, standing.limit.to_string()),
        (remaining, standing.remaining.to_string()),
        (reset, short_duration(standing.resets_in)),
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
