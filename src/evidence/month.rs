//! Months of the calendar (UTC): what leaves the ledger, and what it is added up by.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::window::{UtcMicros, Window};

/// A month of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    first: Date,
}

impl FromStr for Month {
    type Err = String;

    /// Reads `2026-01`.
    fn from_str(text: &str) -> Result<Self, String> {
        let first = format!("{text}-01").parse::<Date>();
        let month = first.map(|first| Self { first });
        month
            .ok()
            .filter(|month| month.to_string() == text)
            .ok_or_else(|| "must be a month such as 2026-01".to_owned())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}",
            self.first.year(),
            self.first.month()
        )
    }
}

impl Month {
    /// The month of an instant.
    pub fn of(instant: UtcMicros) -> Option<Self> {
        let day = instant.to_timestamp()?.to_zoned(TimeZone::UTC).date();
        Some(Self {
            first: day.first_of_month(),
        })
    }

    /// The month that is some months later, or earlier.
    pub fn plus(self, months: i32) -> Option<Self> {
        let first = self.first.checked_add(months.months()).ok()?;
        Some(Self { first })
    }

    /// The time that it takes.
    pub fn window(self) -> Option<Window> {
        let start = |month: Self| {
            let midnight = month.first.to_zoned(TimeZone::UTC).ok()?;
            Some(UtcMicros::new(midnight.timestamp().as_microsecond()))
        };
        Some(Window {
            start: start(self)?,
            end: start(self.plus(1)?)?,
        })
    }
}
