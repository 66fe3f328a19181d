//! Google's cached contents: kept under a name for later requests, and paid for as long as they are kept.
//!
//! Making one is billed as input once, and its tokens for the time that was asked for, also if it is
//! deleted sooner; more time is billed from the end of the first. Source: Gemini API, "Context caching",
//! <https://ai.google.dev/gemini-api/docs/caching>.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::domain::denial::BadRequest;
use crate::domain::usage::TokenUsage;
use crate::domain::window::UtcMicros;
use crate::providers::answer::{Count, Reported, Seen};
use crate::providers::json::{Member, Text};

/// The documented life of one whose maker says nothing.
const TTL_DEFAULT: Duration = Duration::from_hours(1);
/// How far Google's clock may be from ours.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);
const MICROS_PER_SECOND: u128 = 1_000_000;

/// When a caller wants contents to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    /// So long after the request.
    In(Duration),
    /// At an instant.
    At(UtcMicros),
}

/// How long contents are to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheTerm {
    expiry: Option<Expiry>,
    existing: Option<Existing>,
    asked_at: UtcMicros,
}

/// Contents that are there already, and paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Existing {
    tokens: u64,
    until: UtcMicros,
}

impl CacheTerm {
    /// Reads `ttl` and `expireTime`, of which a request has one or none.
    pub(super) fn read(ttl: Member<'_>, expire_time: Member<'_>) -> Result<Self, BadRequest> {
        let ttl = ttl.text("ttl")?.map(|ttl| parse_ttl(&ttl)).transpose()?;
        let time = expire_time.text("expireTime")?;
        let time = time.map(|time| parse_time(&time)).transpose()?;
        if ttl.is_some() && time.is_some() {
            let message = "Only one of `ttl` and `expireTime` is possible.";
            return Err(BadRequest::field("ttl", message));
        }
        Ok(Self {
            expiry: ttl.map(Expiry::In).or(time.map(Expiry::At)),
            existing: None,
            // Until it is known, the longest time that it can be.
            asked_at: UtcMicros::MIN,
        })
    }

    /// When it was asked for.
    #[must_use]
    pub fn asked_at(self, at: UtcMicros) -> Self {
        Self {
            asked_at: at,
            ..self
        }
    }

    /// The same for contents that are kept already.
    #[must_use]
    pub(crate) fn of_existing(self, kept: &KeptContents) -> Self {
        Self {
            existing: Some(Existing {
                tokens: kept.tokens,
                until: kept.expires,
            }),
            ..self
        }
    }

    /// The most that can be billed of contents of so many tokens: as input, and tokens times seconds of
    /// keeping them.
    pub(crate) fn bound(&self, input_tokens: u64) -> (u64, u64) {
        let longest = match (self.existing, self.expiry) {
            (None, None) => TTL_DEFAULT,
            (None, Some(Expiry::In(ttl))) => ttl,
            (None, Some(Expiry::At(time))) => time.plus(CLOCK_SKEW_MAX).since(self.asked_at),
            (Some(_), None) => Duration::ZERO,
            (Some(kept), Some(Expiry::In(ttl))) => {
                let end = self.asked_at.plus(ttl).plus(CLOCK_SKEW_MAX);
                end.since(kept.until)
            }
            (Some(kept), Some(Expiry::At(time))) => time.since(kept.until),
        };
        match self.existing {
            Some(kept) => (0, token_seconds(kept.tokens, longest)),
            None => (input_tokens, token_seconds(input_tokens, longest)),
        }
    }

    /// What is billed when Google says this of the contents.
    fn billed(&self, kept: &KeptContents) -> TokenUsage {
        let (input, paid) = match (self.existing, self.expiry) {
            (Some(existing), _) => (0, kept.expires.since(existing.until)),
            (None, Some(Expiry::In(ttl))) => (kept.tokens, ttl),
            (None, _) => (kept.tokens, kept.expires.since(kept.created)),
        };
        TokenUsage {
            input,
            cache_storage_token_seconds: token_seconds(kept.tokens, paid),
            ..TokenUsage::default()
        }
    }

    /// Reads the answer to who asked for it; whether it could be read.
    pub(crate) fn read_answer(&self, seen: &mut Seen, body: &[u8]) -> bool {
        let Some(kept) = KeptContents::read(body) else {
            return false;
        };
        seen.reported = Some(Reported {
            usage: self.billed(&kept),
            knows_input: true,
            knows_output: true,
            is_exact: true,
        });
        true
    }
}

fn parse_ttl(text: &str) -> Result<Duration, BadRequest> {
    let wrong = || BadRequest::field("ttl", "`ttl` must be seconds, such as `300s`.");
    let ttl: SignedDuration = text.parse().map_err(|_error| wrong())?;
    Duration::try_from(ttl).map_err(|_negative| wrong())
}

fn parse_time(text: &str) -> Result<UtcMicros, BadRequest> {
    let wrong = "`expireTime` must be a time such as `2026-11-29T18:00:00Z`.";
    instant(text).ok_or_else(|| BadRequest::field("expireTime", wrong))
}

fn instant(text: &str) -> Option<UtcMicros> {
    let timestamp: Timestamp = text.parse().ok()?;
    Some(UtcMicros::new(timestamp.as_microsecond()))
}

/// Tokens times seconds, rounded up.
fn token_seconds(tokens: u64, time: Duration) -> u64 {
    let micros = u128::from(tokens).saturating_mul(time.as_micros());
    // A ledger has no larger number.
    let most = i64::MAX.unsigned_abs();
    u64::try_from(micros.div_ceil(MICROS_PER_SECOND))
        .unwrap_or(most)
        .min(most)
}

/// What Google says of contents that it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptContents {
    /// The model that they are for, with what Google puts before it.
    pub(crate) model: String,
    tokens: u64,
    created: UtcMicros,
    expires: UtcMicros,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Described<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    create_time: Text<'a>,
    #[serde(borrow)]
    expire_time: Text<'a>,
    usage_metadata: Size,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Size {
    total_token_count: Count,
}

impl KeptContents {
    /// Reads a description.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let described: Described<'_> = serde_json::from_slice(body).ok()?;
        let Count::Known(tokens) = described.usage_metadata.total_token_count else {
            return None;
        };
        Some(Self {
            model: described.model.0.into_owned(),
            tokens,
            created: instant(&described.create_time)?,
            expires: instant(&described.expire_time)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const NOW: i64 = 1_764_439_200_000_000;

    fn term(text: &str) -> Result<CacheTerm, BadRequest> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(default, borrow)]
            ttl: Member<'a>,
            #[serde(default, borrow)]
            time: Member<'a>,
        }
        let body: Body<'_> = serde_json::from_str(text).unwrap();
        let term = CacheTerm::read(body.ttl, body.time)?;
        Ok(term.asked_at(UtcMicros::new(NOW)))
    }

    fn kept(tokens: u64, created: i64, expires: i64) -> KeptContents {
        let time = |micros| UtcMicros::new(micros).to_timestamp().unwrap().to_string();
        let body = format!(
            r#"{{"name":"cachedContents/a","model":"models/gemini-a","createTime":"{}",
                "updateTime":"{}","expireTime":"{}","usageMetadata":{{"totalTokenCount":{tokens}}}}}"#,
            time(created),
            time(created),
            time(expires)
        );
        KeptContents::read(body.as_bytes()).unwrap()
    }

    fn usage(term: &CacheTerm, kept: &KeptContents) -> (u64, u64) {
        let usage = term.billed(kept);
        (usage.input, usage.cache_storage_token_seconds)
    }

    #[test]
    fn contents_are_billed_for_the_time_that_was_asked_for() {
        // Google takes a moment between the two instants that it tells.
        let made = kept(1_000, NOW + 5, NOW + HOUR + 90);
        let cases = [
            (r"{}", (1_000, 3_600_001)),
            (r#"{"ttl":"3600s"}"#, (1_000, 3_600_000)),
            (r#"{"ttl":"0.5s"}"#, (1_000, 500)),
            (r#"{"time":"2025-11-29T19:00:00Z"}"#, (1_000, 3_600_001)),
        ];
        for (text, expected) in cases {
            assert_eq!(usage(&term(text).unwrap(), &made), expected, "{text}");
        }
    }

    #[test]
    fn more_time_is_billed_from_where_the_first_ended() {
        let first = kept(1_000, NOW - HOUR, NOW + HOUR);
        let longer = kept(1_000, NOW - HOUR, NOW + 3 * HOUR);
        let shorter = kept(1_000, NOW - HOUR, NOW + 1);
        let term = term(r#"{"ttl":"10800s"}"#).unwrap().of_existing(&first);
        assert_eq!(usage(&term, &longer), (0, 7_200_000));
        assert_eq!(usage(&term, &shorter), (0, 0));
        assert_eq!(term.bound(77), (0, 7_500_000));
    }

    #[test]
    fn a_time_that_google_would_refuse_is_refused() {
        let wrong = [
            r#"{"ttl":"-1s"}"#,
            r#"{"ttl":"soon"}"#,
            r#"{"ttl":7}"#,
            r#"{"time":"tomorrow"}"#,
            r#"{"ttl":"1s","time":"2025-11-29T19:00:00Z"}"#,
        ];
        for text in wrong {
            assert!(term(text).is_err(), "{text}");
        }
        assert!(KeptContents::read(br#"{"name":"cachedContents/a"}"#).is_none());
    }

    proptest! {
        #[test]
        fn what_is_billed_is_within_the_bound(
            tokens in 0_u64..2_000_000,
            more in 0_u64..1_000_000,
            ttl in 0_u32..1_000_000,
            first in 0_i64..1_000_000,
            skew in -299_000_000_i64..299_000_000,
            at_time in any::<bool>(),
            exists in any::<bool>(),
        ) {
            let google = NOW + skew;
            let end = UtcMicros::new(NOW + i64::from(ttl) * 1_000_000).to_timestamp().unwrap();
            let text = if at_time { format!(r#"{{"time":"{end}"}}"#) } else { format!(r#"{{"ttl":"{ttl}s"}}"#) };
            let asked = term(&text).unwrap();
            let expires = if at_time { end.as_microsecond() } else { google + i64::from(ttl) * 1_000_000 };
            let asked = if exists {
                asked.of_existing(&kept(tokens, google, google + first * 1_000_000))
            } else {
                asked
            };
            let (input, seconds) = usage(&asked, &kept(tokens, google, expires));
            let (input_max, seconds_max) = asked.bound(tokens + more);
            prop_assert!(input <= input_max && seconds <= seconds_max, "{seconds} {seconds_max}");
        }
    }

    #[test]
    fn an_absurd_time_is_no_small_one() {
        let raw = RawValue::from_string(r#""9999999999999s""#.to_owned()).unwrap();
        let body = format!(r#"{{"ttl":{raw}}}"#);
        if let Ok(term) = term(&body) {
            assert_eq!(term.bound(1 << 40).1, i64::MAX.unsigned_abs());
        }
    }
}
