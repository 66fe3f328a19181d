//! Days on the command line: both ends of a time count as a whole, in UTC.

use anyhow::{Context, Result, ensure};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::window::{UtcMicros, Window};

/// The days that a command looks at.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Days {
    /// The first day (UTC), such as 2026-11-01.
    #[arg(long, value_name = "DAY")]
    pub(super) from: Option<Date>,
    /// The last day (UTC), which counts as a whole.
    #[arg(long, value_name = "DAY")]
    pub(super) to: Option<Date>,
}

impl Days {
    /// Whether a day is one of them.
    pub(super) fn contains(self, day: Date) -> bool {
        self.from.is_none_or(|first| first <= day) && self.to.is_none_or(|last| day <= last)
    }

    /// The time that they take.
    pub(super) fn window(self) -> Result<Window> {
        let first = self.from.map(start_of).transpose()?;
        let after = |last: Date| start_of(last.tomorrow().context("--to is too late")?);
        let end = self.to.map(after).transpose()?;
        let window = Window {
            start: first.unwrap_or(Window::TOTAL.start),
            end: end.unwrap_or(Window::TOTAL.end),
        };
        ensure!(window.start < window.end, "--to is before --from");
        Ok(window)
    }
}

/// The first instant of a day.
fn start_of(day: Date) -> Result<UtcMicros> {
    let midnight = day.to_zoned(TimeZone::UTC).context("no such day")?;
    Ok(UtcMicros::new(midnight.timestamp().as_microsecond()))
}

/// The day (UTC) of an instant.
pub(super) fn day_of(instant: UtcMicros) -> Result<Date> {
    let timestamp = instant.to_timestamp().context("an instant in no year")?;
    Ok(timestamp.to_zoned(TimeZone::UTC).date())
}
