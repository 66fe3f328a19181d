//! How a window is added up: from sums of whole months, days and hours, and from the rows of the
//! parts of hours at both ends. Triggers of the database keep the sums (`migrations/*/V10__rollups.sql`).

use jiff::tz::TimeZone;

use crate::domain::window::{UtcMicros, Window};
use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Sums are kept within the years that calendars know: the first instant of the year 1, and the first
/// after the year 9999. Whatever lies beyond counts in the first month and in the last.
pub(super) const YEARS: Window = Window {
    start: UtcMicros::new(-62_135_596_800_000_000),
    end: UtcMicros::new(253_402_300_800_000_000),
};

/// What a sum is over, as the databases number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Hour,
    Day,
    Month,
}

impl Level {
    pub(super) fn next_finer(self) -> Option<Self> {
        match self {
            Self::Hour => None,
            Self::Day => Some(Self::Hour),
            Self::Month => Some(Self::Day),
        }
    }

    fn parse(number: i64) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Month]
            .into_iter()
            .zip(0..)
            .find_map(|(level, known)| (known == number).then_some(level))
    }

    /// The first instant of what `at` is in.
    pub(super) fn floor(self, at: UtcMicros) -> UtcMicros {
        let micros = at.get();
        match self {
            Self::Hour => UtcMicros::new(micros.saturating_sub(micros.rem_euclid(MICROS_PER_HOUR))),
            Self::Day => UtcMicros::new(micros.saturating_sub(micros.rem_euclid(MICROS_PER_DAY))),
            Self::Month => month_of(at).unwrap_or(YEARS.start),
        }
    }

    /// The first instant after what begins at `start`.
    pub(super) fn end_of(self, start: UtcMicros) -> UtcMicros {
        let later = |micros| UtcMicros::new(start.get().saturating_add(micros));
        match self {
            Self::Hour => later(MICROS_PER_HOUR),
            Self::Day => later(MICROS_PER_DAY),
            // The second day of the next month, or a later one.
            Self::Month => month_of(later(MICROS_PER_DAY.saturating_mul(32))).unwrap_or(YEARS.end),
        }
    }

    fn ceiling(self, at: UtcMicros) -> UtcMicros {
        let floor = self.floor(at);
        if floor == at { at } else { self.end_of(floor) }
    }
}

fn month_of(at: UtcMicros) -> Option<UtcMicros> {
    let zoned = at.to_timestamp()?.to_zoned(TimeZone::UTC);
    let first = zoned.first_of_month().ok()?.start_of_day().ok()?;
    Some(UtcMicros::new(first.timestamp().as_microsecond()))
}

/// A window in seven pieces, by the instants between them: rows, hours, days, months, days, hours, rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut([UtcMicros; 8]);

impl Cut {
    /// As few pieces as there can be.
    pub(super) fn of(window: Window) -> Self {
        let (start, end) = bounds(window);
        let hours = inside(Level::Hour, (start, end));
        let days = inside(Level::Day, hours);
        let months = inside(Level::Month, days);
        Self([
            start, hours.0, days.0, months.0, months.1, days.1, hours.1, end,
        ])
    }

    /// Without months: every sum is of one day or a part of it.
    pub(super) fn into_days(window: Window) -> Self {
        let (start, end) = bounds(window);
        let hours = inside(Level::Hour, (start, end));
        let days = inside(Level::Day, hours);
        Self([start, hours.0, days.0, days.1, days.1, days.1, hours.1, end])
    }

    /// Whole days and rows: what is read of rows is less than a day at each end.
    pub(super) fn whole_days(window: Window) -> Self {
        let (start, end) = bounds(window);
        let days = inside(Level::Day, (start, end));
        Self([start, days.0, days.0, days.1, days.1, days.1, days.1, end])
    }

    /// Without hours: what is read of rows is less than a day at each end.
    pub(super) fn without_hours(window: Window) -> Self {
        let (start, end) = bounds(window);
        let days = inside(Level::Day, (start, end));
        let months = inside(Level::Month, days);
        Self([
            start, days.0, days.0, months.0, months.1, days.1, days.1, end,
        ])
    }

    /// Of what begins in the window at one level: for windows that begin and end with it.
    pub(super) fn only(level: Level, Window { start, end }: Window) -> Self {
        match level {
            Level::Hour => Self([start, start, end, end, end, end, end, end]),
            Level::Day => Self([start, start, start, end, end, end, end, end]),
            Level::Month => Self([start, start, start, start, end, end, end, end]),
        }
    }

    /// The parameters `$1` to `$8` of statements over the pieces.
    pub(super) fn params(&self) -> Vec<Value> {
        self.0.into_iter().map(Value::from).collect()
    }

    /// What a sum of the `level` that begins at `start` is over.
    pub(super) fn piece_of(&self, row: &Row) -> Result<(Option<Level>, Window), StoreError> {
        let (level, start) = (row.int("level")?, row.instant("start")?);
        if let Some(level) = Level::parse(level) {
            let end = level.end_of(start);
            return Ok((Some(level), Window { start, end }));
        }
        let [first, after_first, .., last, end] = self.0;
        let edge = if start == first && first < after_first {
            Window {
                start,
                end: after_first,
            }
        } else {
            Window { start: last, end }
        };
        Ok((None, edge))
    }
}

fn bounds(window: Window) -> (UtcMicros, UtcMicros) {
    let start = if window.start <= YEARS.start {
        UtcMicros::MIN
    } else {
        window.start
    };
    let end = if Level::Month.end_of(window.end) >= YEARS.end {
        UtcMicros::MAX
    } else {
        window.end
    };
    (start, end.max(start))
}

/// The longest stretch of whole hours, days or months within another; nothing at its end where there is none.
fn inside(level: Level, (start, end): (UtcMicros, UtcMicros)) -> (UtcMicros, UtcMicros) {
    let first = if start == UtcMicros::MIN {
        start
    } else {
        level.ceiling(start)
    };
    let last = if end == UtcMicros::MAX {
        end
    } else {
        level.floor(end)
    };
    if first < last {
        (first, last)
    } else {
        (end, end)
    }
}

/// The pieces of a [`Cut`] in a subquery: `$series` columns of the series with what `$sums` adds up, and
/// the same of rows.
macro_rules! pieces {
    ($sums:expr, $rows:expr) => {
        concat!(
            "(",
            $sums,
            " 2 AND start >= $4 AND start < $5 UNION ALL ",
            $sums,
            " 1 AND start >= $3 AND start < $4 UNION ALL ",
            $sums,
            " 1 AND start >= $5 AND start < $6 UNION ALL ",
            $sums,
            " 0 AND start >= $2 AND start < $3 UNION ALL ",
            $sums,
            " 0 AND start >= $6 AND start < $7 UNION ALL ",
            "SELECT -1, CAST($1 AS BIGINT), ",
            $rows,
            " AND charge.at >= $1 AND charge.at < $2 UNION ALL ",
            "SELECT -1, CAST($7 AS BIGINT), ",
            $rows,
            " AND charge.at >= $7 AND charge.at < $8) AS piece"
        )
    };
}

/// Requests by what they used. Sums are of all tenants together (`all`), of each tenant (`tenants`), of each that
/// the name in `$11` finds (`named`), of each key (`keys`), which has no hours, or of each tenant with nothing but the
/// time told apart (`totals`, `named_totals`). What narrows them down stands in each piece: a condition with a subquery around all
/// pieces is looked at when they are there.
macro_rules! usage_pieces {
    (all) => {
        $crate::store::sums::usage_pieces!("family = 0 AND series_family = 0", "true")
    };
    (tenants) => {
        $crate::store::sums::usage_pieces!("family = 1 AND series_family = 1", "true")
    };
    (named) => {
        $crate::store::sums::usage_pieces!(
            "family = 1 AND series_family = 1",
            "tenant_id IN (SELECT id FROM tenant WHERE LOWER(name) LIKE LOWER($11) ESCAPE '\\')"
        )
    };
    (keys) => {
        $crate::store::sums::usage_pieces!("family = 2 AND series_family = 2", "true")
    };
    (totals) => {
        $crate::store::sums::usage_pieces!("family = 3 AND series_family = 3", "true")
    };
    (named_totals) => {
        $crate::store::sums::usage_pieces!(
            "family = 3 AND series_family = 3",
            "tenant_id IN (SELECT id FROM tenant WHERE LOWER(name) LIKE LOWER($11) ESCAPE '\\')"
        )
    };
    ($family:literal, $condition:literal) => {
        $crate::store::sums::pieces!(
            concat!(
                "SELECT level, start, tenant_id, key_id, provider, model, answered, route, status, requests, \
                 not_measured, input, cached_input, cache_write, cache_write_1h, output, reasoning_output, \
                 audio_input, audio_output, image_input, image_output, cost \
                 FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id WHERE ",
                $family,
                " AND ",
                $condition,
                " AND level ="
            ),
            concat!(
                "tenant_id, key_id, provider, model, COALESCE(model_served, model), route, status, 1, \
                 CASE WHEN basis = 'measured' THEN 0 ELSE 1 END, input, cached_input, cache_write, \
                 cache_write_1h, output, reasoning_output, audio_input, audio_output, image_input, \
                 image_output, cost FROM usage_ledger AS charge WHERE ",
                $condition
            )
        )
    };
}

/// What requests of each tenant cost, and no more: through a year, columns that nobody reads take half the time.
macro_rules! cost_pieces {
    () => {
        $crate::store::sums::pieces!(
            "SELECT level, start, tenant_id, cost \
             FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id \
             WHERE family = 3 AND series_family = 3 AND level =",
            "tenant_id, cost FROM usage_ledger AS charge WHERE true"
        )
    };
}

/// What counts on tags: on any, or on those of the tenant in `$9`.
macro_rules! tag_pieces {
    () => {
        $crate::store::sums::tag_pieces!("true")
    };
    (tenant) => {
        $crate::store::sums::tag_pieces!("tag_id IN (SELECT id FROM tag WHERE tenant_id = $9)")
    };
    ($condition:literal) => {
        $crate::store::sums::pieces!(
            concat!(
                "SELECT level, start, tag_id, is_inherited, provider, model, requests, share \
                 FROM tag_sum JOIN tag_series ON tag_series.id = tag_sum.series_id WHERE ",
                $condition,
                " AND level ="
            ),
            concat!(
                "tag_id, is_inherited, provider, model, 1, charge.cost / 1000000 * weight \
                 + (charge.cost % 1000000 * weight + 999999) / 1000000 \
                 FROM usage_tag AS charge JOIN usage_ledger ON usage_ledger.request_id = charge.request_id \
                 AND usage_ledger.at = charge.at WHERE ",
                $condition
            )
        )
    };
}

/// Requests with tags, by all of their tags.
macro_rules! tagged_pieces {
    () => {
        $crate::store::sums::pieces!(
            "SELECT level, start, tenant_id, tags, requests, cost \
             FROM tagged_sum JOIN tagged_series ON tagged_series.id = tagged_sum.series_id WHERE level =",
            "tenant_id, tags, 1, cost FROM usage_ledger AS charge WHERE tags IS NOT NULL"
        )
    };
}
pub(in crate::store) use {cost_pieces, pieces, tag_pieces, tagged_pieces, usage_pieces};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What stands for rows where others have a level.
    const ROWS: i64 = -1;

    /// What a cut covers, piece by piece, in order.
    fn pieces_of(Cut(points): Cut) -> Vec<(i64, Window)> {
        let levels = [ROWS, 0, 1, 2, 1, 0, ROWS];
        let ends = points.windows(2).map(|ends| Window {
            start: ends[0],
            end: ends[1],
        });
        let pieces = levels.into_iter().zip(ends);
        pieces
            .filter(|(_, piece)| piece.start < piece.end)
            .collect()
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_window_and_stand_on_their_levels(
            start in -4_000_000_000_000_000_i64..5_000_000_000_000_000,
            length in prop_oneof![0_i64..10_000_000_000, 0_i64..100_000_000_000_000],
        ) {
            let (start, end) = (UtcMicros::new(start), UtcMicros::new(start + length));
            let window = Window { start, end };
            for cut in [
                Cut::of(window),
                Cut::into_days(window),
                Cut::without_hours(window),
                Cut::whole_days(window),
            ] {
                let mut reached = start;
                for (level, piece) in pieces_of(cut) {
                    prop_assert_eq!(piece.start, reached);
                    reached = piece.end;
                    if let Some(level) = Level::parse(level) {
                        prop_assert_eq!(level.floor(piece.start), piece.start);
                        prop_assert_eq!(level.floor(piece.end), piece.end);
                    } else {
                        let is_without_hours = [Cut::without_hours(window), Cut::whole_days(window)].contains(&cut);
                        let hours = if is_without_hours { 48 } else { 2 };
                        prop_assert!(piece.end.since(piece.start).as_secs() <= 3_600 * hours);
                    }
                }
                prop_assert_eq!(reached, end);
            }
        }
    }

    #[test]
    fn all_of_time_is_months() {
        assert_eq!(pieces_of(Cut::of(Window::TOTAL)), [(2, Window::TOTAL)]);
        let first = UtcMicros::new(1_772_323_200_000_000);
        let until = Window {
            start: UtcMicros::MIN,
            end: first,
        };
        assert_eq!(pieces_of(Cut::of(until)), [(2, until)]);
        let since = Window {
            start: first,
            end: UtcMicros::MAX,
        };
        assert_eq!(pieces_of(Cut::of(since)), [(2, since)]);
        assert_eq!(pieces_of(Cut::into_days(since)), [(1, since)]);
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let mut month = Level::Month.floor(UtcMicros::new(0));
        for _ in 0..1_200 {
            let next = Level::Month.end_of(month);
            assert_eq!(Level::Month.floor(next), next);
            assert_eq!(Level::Month.floor(UtcMicros::new(next.get() - 1)), month);
            month = next;
        }
    }
}
