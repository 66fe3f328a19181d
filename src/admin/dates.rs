//! Dates in requests: a day such as `2026-01-31`, or an instant such as `2026-01-31T12:00:00Z`. A day
//! that ends something counts as a whole.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::window::UtcMicros;

/// The first and the last year that dates may be in; every calendar knows them.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9000;
const DAY_LENGTH: usize = "2026-01-31".len();
/// Answers show instants to the millisecond.
const MILLISECOND: Duration = Duration::from_millis(1);

/// A point in time as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A day, by whatever calendar applies.
    Day(Date),
    /// An instant.
    Instant(UtcMicros),
}

impl Moment {
    /// Reads either form; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() == DAY_LENGTH {
            let day: Date = text.parse().ok()?;
            return YEARS.contains(&day.year()).then_some(Self::Day(day));
        }
        let timestamp: Timestamp = text.parse().ok()?;
        let year = timestamp.to_zoned(TimeZone::UTC).year();
        let instant = UtcMicros::new(timestamp.as_microsecond());
        YEARS.contains(&year).then_some(Self::Instant(instant))
    }

    /// The first instant that it covers.
    pub(super) fn start(self, zone: &TimeZone) -> Option<UtcMicros> {
        match self {
            Self::Day(day) => start_of(day, zone),
            Self::Instant(instant) => Some(instant),
        }
    }

    /// The first instant after what it covers: a whole day, or a millisecond.
    pub(super) fn end(self, zone: &TimeZone) -> Option<UtcMicros> {
        match self {
            Self::Day(day) => start_of(day.tomorrow().ok()?, zone),
            Self::Instant(instant) => Some(instant.plus(MILLISECOND)),
        }
    }

    /// The day that it is in.
    pub(super) fn day(self, zone: &TimeZone) -> Option<Date> {
        match self {
            Self::Day(day) => Some(day),
            Self::Instant(instant) => Some(day_of(instant, zone)?),
        }
    }
}

/// The day that an instant is in.
pub(super) fn day_of(instant: UtcMicros, zone: &TimeZone) -> Option<Date> {
    Some(instant.to_timestamp()?.to_zoned(zone.clone()).date())
}

/// The first instant of a day.
pub(super) fn start_of(day: Date, zone: &TimeZone) -> Option<UtcMicros> {
    let midnight = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(UtcMicros::new(midnight.timestamp().as_microsecond()))
}

/// The last instant that an exclusive end covers, as answers show ends.
pub(super) fn last_shown(end: UtcMicros) -> UtcMicros {
    end.minus(MILLISECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_as_a_whole_and_an_instant_to_its_millisecond() {
        let day = Moment::parse("2026-01-31").unwrap();
        let end = day.end(&TimeZone::UTC).unwrap();
        assert_eq!(last_shown(end).to_string(), "2026-01-31T23:59:59.999Z");
        let instant = Moment::parse("2026-01-31T12:00:00+02:00").unwrap();
        let end = instant.end(&TimeZone::UTC).unwrap();
        assert_eq!(last_shown(end).to_string(), "2026-01-31T10:00:00.000Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-02-30",
            "tomorrow",
            "2026-1-1",
            "20260131",
            "9999-12-31",
            "1969-12-31T00:00:00Z",
            "2026-01-31T12:00:00",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
