//! Time: instants, the clock that tells them, and the calendar windows over which budgets count.
//!
//! A window is half-open: its start belongs to it, its end to the next one.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const MICROS_PER_MILLI: i64 = 1_000;
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// An instant: microseconds since 1970 in UTC, as stores and ledgers keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcMicros(i64);

impl UtcMicros {
    /// Before every instant that a window can start at.
    pub const MIN: Self = Self(i64::MIN);
    /// After every instant that a window can end at.
    pub const MAX: Self = Self(i64::MAX);

    /// An instant from microseconds since 1970.
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, rounded down.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(MICROS_PER_MILLI)
    }

    /// This instant moved forward.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// This instant moved back.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; nothing when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default())
    }

    /// The instant as the calendar library has it; `None` beyond the years that it knows.
    pub fn to_timestamp(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.0).ok()
    }

    /// What a calendar says of the instant; the default beyond the years that it knows.
    pub fn local_in(self, zone: &TimeZone) -> LocalTime {
        let Some(at) = self.to_timestamp() else {
            return LocalTime::default();
        };
        let local = at.to_zoned(zone.clone());
        LocalTime {
            date: local.date(),
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
        }
    }

    fn from_timestamp(timestamp: Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

impl fmt::Display for UtcMicros {
    /// ISO 8601 in UTC with milliseconds, as every API shows it: `2026-11-23T01:04:55.754Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_timestamp() {
            Some(timestamp) => write!(formatter, "{timestamp:.3}"),
            None => write!(formatter, "{} us", self.0),
        }
    }
}

/// The days of the week, as policies are told them.
pub const WEEKDAY_NAMES: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A day and a time of day, by some calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// The day; prints as `2026-11-30`.
    pub date: Date,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
}

impl LocalTime {
    /// The day of the week, one of [`WEEKDAY_NAMES`].
    pub fn weekday(&self) -> &'static str {
        let since_monday = self.date.weekday().to_monday_zero_offset();
        let place = usize::from(since_monday.unsigned_abs());
        WEEKDAY_NAMES.get(place).copied().unwrap_or_default()
    }
}

/// Where the time comes from. Everything that needs the time is given one of these.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> UtcMicros;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine"
    )]
    fn now(&self) -> UtcMicros {
        UtcMicros::from_timestamp(Timestamp::now())
    }
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: UtcMicros) -> Self {
        Self(AtomicI64::new(now.get()))
    }

    /// Moves the clock to `now`, forwards or back.
    pub fn set(&self, now: UtcMicros) {
        self.0.store(now.get(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMicros {
        UtcMicros(self.0.load(Ordering::Acquire))
    }
}

/// A stretch of time, `start <= t < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// The first instant inside.
    pub start: UtcMicros,
    /// The first instant after it.
    pub end: UtcMicros,
}

impl Window {
    /// All of time.
    pub const TOTAL: Self = Self {
        start: UtcMicros::MIN,
        end: UtcMicros::MAX,
    };

    /// Whether `at` lies inside.
    pub fn contains(&self, at: UtcMicros) -> bool {
        self.start <= at && at < self.end
    }
}

/// Over what time a budget counts before it starts again at nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// Each hour of the day, on the hour.
    Hourly,
    /// Midnight to midnight.
    Daily,
    /// Monday to Monday (ISO 8601).
    Weekly,
    /// The first of a month to the first of the next.
    Monthly,
    /// One stretch between two given instants.
    Custom(Window),
    /// For ever.
    Total,
}

/// The names that periods have in APIs, settings and stores.
pub const PERIOD_NAMES: [&str; 6] = ["hourly", "daily", "weekly", "monthly", "custom", "total"];

/// Why a name and two dates are not a period.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// The name is none of [`PERIOD_NAMES`].
    #[error("`{0}` is not a period")]
    UnknownName(String),
    /// A custom period lacks a start or an end.
    #[error("a custom period needs a start and an end")]
    MissingDates,
    /// A custom period would be empty.
    #[error("the end must be after the start")]
    EndsBeforeStart,
}

impl Period {
    /// Builds the period called `name`; only `custom` needs, and keeps, the two instants.
    pub fn from_parts(
        name: &str,
        start: Option<UtcMicros>,
        end: Option<UtcMicros>,
    ) -> Result<Self, PeriodError> {
        match name {
            "hourly" => Ok(Self::Hourly),
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            "monthly" => Ok(Self::Monthly),
            "total" => Ok(Self::Total),
            "custom" => {
                let (Some(start), Some(end)) = (start, end) else {
                    return Err(PeriodError::MissingDates);
                };
                if end <= start {
                    return Err(PeriodError::EndsBeforeStart);
                }
                Ok(Self::Custom(Window { start, end }))
            }
            unknown => Err(PeriodError::UnknownName(unknown.to_owned())),
        }
    }

    /// The name in APIs, settings and stores.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Custom(_) => "custom",
            Self::Total => "total",
        }
    }

    /// The window that `at` lies in by the calendar of `zone`; `None` outside a custom period,
    /// and beyond the years that calendars know.
    pub fn window_at(&self, at: UtcMicros, zone: &TimeZone) -> Option<Window> {
        match self {
            Self::Total => Some(Window::TOTAL),
            Self::Custom(window) => window.contains(at).then_some(*window),
            Self::Hourly => hour_of(at, zone),
            Self::Daily => {
                calendar_window(at, zone, |day| Some((day.clone(), day.tomorrow().ok()?)))
            }
            Self::Weekly => calendar_window(at, zone, |day| {
                let days_since_monday = i64::from(day.weekday().to_monday_zero_offset());
                let monday = day.checked_sub(days_since_monday.days()).ok()?;
                let next = monday.checked_add(1.week()).ok()?;
                Some((monday, next))
            }),
            Self::Monthly => calendar_window(at, zone, |day| {
                let first = day.first_of_month().ok()?;
                let next = first.checked_add(1.month()).ok()?;
                Some((first, next))
            }),
        }
    }
}

/// The window between the first instants of two civil days, found from the day that `at` is in.
fn calendar_window(
    at: UtcMicros,
    zone: &TimeZone,
    days: impl FnOnce(&Zoned) -> Option<(Zoned, Zoned)>,
) -> Option<Window> {
    let day = at
        .to_timestamp()?
        .to_zoned(zone.clone())
        .start_of_day()
        .ok()?;
    let (first, next) = days(&day)?;
    let instant = |day: Zoned| {
        Some(UtcMicros::from_timestamp(
            day.start_of_day().ok()?.timestamp(),
        ))
    };
    Some(Window {
        start: instant(first)?,
        end: instant(next)?,
    })
}

/// The clock hour around `at`. Where the zone changes its offset inside an hour (some change by
/// thirty minutes), the window ends at the change: windows never overlap and leave no gap.
fn hour_of(at: UtcMicros, zone: &TimeZone) -> Option<Window> {
    let timestamp = at.to_timestamp()?;
    let offset = SignedDuration::from_secs(i64::from(zone.to_offset(timestamp).seconds()));
    let offset = i64::try_from(offset.as_micros()).ok()?;
    let into_hour = at.get().checked_add(offset)?.rem_euclid(MICROS_PER_HOUR);
    let start = at.get().checked_sub(into_hour)?;
    let end = start.checked_add(MICROS_PER_HOUR)?;
    // `preceding` looks strictly before, and a change at this very instant starts a window.
    let after = timestamp.checked_add(SignedDuration::from_micros(1)).ok()?;
    let last_change = zone
        .preceding(after)
        .next()
        .map(|change| change.timestamp().as_microsecond());
    let next_change = zone
        .following(timestamp)
        .next()
        .map(|change| change.timestamp().as_microsecond());
    Some(Window {
        start: UtcMicros(last_change.map_or(start, |change| start.max(change))),
        end: UtcMicros(next_change.map_or(end, |change| end.min(change))),
    })
}

#[cfg(test)]
mod tests;
