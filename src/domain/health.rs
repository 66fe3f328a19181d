//! How a budget stands, in the words that every page has for it, and where it will stand when its
//! window ends. One set of thresholds for the whole product; alerts have their own, for each budget.

use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};

/// How much of a limit is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Less than [`Health::WARNING_PERCENT`].
    Healthy,
    /// Less than [`Health::CRITICAL_PERCENT`].
    Warning,
    /// Less than [`Health::EXCEEDED_PERCENT`].
    Critical,
    /// All of it, or more.
    Exceeded,
}

impl Health {
    /// From here on it is worth a look.
    pub const WARNING_PERCENT: u8 = 75;
    /// From here on it is urgent.
    pub const CRITICAL_PERCENT: u8 = 90;
    /// From here on nothing is left.
    pub const EXCEEDED_PERCENT: u8 = 100;
    /// All of them, from the best on.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Warning, Self::Critical, Self::Exceeded];

    /// How it stands when so much of a limit is spent. Where nothing may be spent, nothing is left.
    pub fn of(spent: Usd, limit: Usd) -> Self {
        let hundredfold = i128::from(spent.nanos()).saturating_mul(100);
        let limit = i128::from(limit.nanos());
        let reached = |percent: u8| hundredfold >= limit.saturating_mul(i128::from(percent));
        if reached(Self::EXCEEDED_PERCENT) {
            Self::Exceeded
        } else if reached(Self::CRITICAL_PERCENT) {
            Self::Critical
        } else if reached(Self::WARNING_PERCENT) {
            Self::Warning
        } else {
            Self::Healthy
        }
    }

    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Exceeded => "exceeded",
        }
    }
}

/// How much of a window must be over before its end is foretold: one part in so many.
const FORETOLD_AFTER: i128 = 100;

/// What a window will have come to at its end if it goes on as it went so far: what is spent and held,
/// over the time that is over, times the length of the window, rounded up. Nothing for a window without
/// an end, before a hundredth of it is over, and outside of it.
pub fn forecast(so_far: Usd, window: Window, now: UtcMicros) -> Option<Usd> {
    if window == Window::TOTAL || !window.contains(now) {
        return None;
    }
    let micros =
        |later: UtcMicros| i128::from(later.get()).saturating_sub(i128::from(window.start.get()));
    let (over, whole) = (micros(now), micros(window.end));
    if over.saturating_mul(FORETOLD_AFTER) < whole {
        return None;
    }
    let scaled = i128::from(so_far.nanos()).saturating_mul(whole);
    let rounded_up = scaled
        .saturating_add(over.saturating_sub(1))
        .checked_div(over)?;
    Some(i64::try_from(rounded_up).map_or(Usd::MAX, Usd::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn each_threshold_counts_from_its_percent_on() {
        let of = |cents| Health::of(Usd::from_nanos(cents), Usd::from_nanos(10_000));
        for (spent, expected) in [
            (0, Health::Healthy),
            (7_499, Health::Healthy),
            (7_500, Health::Warning),
            (8_999, Health::Warning),
            (9_000, Health::Critical),
            (9_999, Health::Critical),
            (10_000, Health::Exceeded),
            (20_000, Health::Exceeded),
        ] {
            assert_eq!(of(spent), expected, "{spent}");
        }
        assert_eq!(Health::of(Usd::ZERO, Usd::ZERO), Health::Exceeded);
        assert_eq!(Health::of(Usd::MAX, Usd::MAX), Health::Exceeded);
    }

    #[test]
    fn a_window_goes_on_as_it_went() {
        let window = Window {
            start: UtcMicros::new(10 * DAY),
            end: UtcMicros::new(20 * DAY),
        };
        let at = |part: i64| UtcMicros::new(10 * DAY + part);
        let told = |nanos, now| forecast(Usd::from_nanos(nanos), window, now).map(Usd::nanos);
        assert_eq!(told(30, at(3 * DAY)), Some(100));
        assert_eq!(told(31, at(3 * DAY)), Some(104));
        assert_eq!(told(0, at(3 * DAY)), Some(0));
        assert_eq!(told(7, at(10 * DAY - 1)), Some(8));
        assert_eq!(told(1, at(DAY / 10)), Some(100));
        assert_eq!(told(1, at(DAY / 10 - 1)), None);
        assert_eq!(told(1, at(-1)), None);
        assert_eq!(told(1, at(10 * DAY)), None);
        assert_eq!(told(i64::MAX, at(DAY)), Some(i64::MAX));
        assert_eq!(forecast(Usd::MAX, Window::TOTAL, at(0)), None);
    }
}
