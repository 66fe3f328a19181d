//! Query strings: each parameter is read by name, and a problem names its parameter.

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::choice::one_of;
use crate::admin::dates::{Moment, day_of, start_of};
use crate::admin::error::AdminError;
use crate::admin::path::positive;
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::{Listed, Page};

/// Longest text that is searched for.
const TEXT_LENGTH_MAX: usize = 200;
const PAGE_MAX: u64 = 1_000_000_000;
const DAYS_DEFAULT: u64 = 30;
/// Longest time that one answer tells about, day by day.
const DAYS_MAX: u64 = 3_660;

const EVERYTHING: Page = Page {
    limit: u32::MAX,
    offset: 0,
};

/// The parameters of a request. Unknown ones are ignored, empty ones count as not given; of those that
/// are given more than once the last one counts, unless all do.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AdminError> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) =
            query.map_err(|_cause| AdminError::invalid("The query string could not be read"))?;
        let given = pairs.into_iter().filter(|(_, text)| !text.is_empty());
        Ok(Self(given.collect()))
    }
}

impl Params {
    fn get(&self, name: &str) -> Option<&String> {
        let mut given = self.0.iter().rev();
        given.find_map(|(known, text)| (known == name).then_some(text))
    }

    /// A text to search for.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, AdminError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        if text.chars().count() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
            let reason = format!("{name} must be at most {TEXT_LENGTH_MAX} printable characters");
            return Err(AdminError::Invalid(reason));
        }
        Ok(Some(text.clone()))
    }

    /// A whole number.
    pub(super) fn whole(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, AdminError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = range.into_inner();
        number.map(Some).ok_or_else(|| {
            AdminError::Invalid(format!(
                "{name} must be a whole number from {least} to {most}"
            ))
        })
    }

    /// What has the name that is given.
    pub(super) fn one_of<T: Copy, const N: usize>(
        &self,
        name: &str,
        all: [T; N],
        name_of: fn(T) -> &'static str,
    ) -> Result<Option<T>, AdminError> {
        let given = self.text(name)?;
        let found = given.map(|given| one_of(all, name_of, &given));
        let problem = |reason| AdminError::Invalid(format!("{name} {reason}"));
        found.transpose().map_err(problem)
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, AdminError> {
        match self.get(name).map(String::as_str) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(AdminError::Invalid(format!("{name} must be true or false"))),
        }
    }

    /// An instant, or the first one of a day.
    pub(super) fn instant(&self, name: &str) -> Result<Option<UtcMicros>, AdminError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let instant = Moment::parse(text).and_then(|moment| moment.start(&TimeZone::UTC));
        instant.map(Some).ok_or_else(invalid_date)
    }

    /// The number of a row.
    pub(super) fn id(&self, name: &str) -> Result<Option<i64>, AdminError> {
        self.get(name).map(|text| row_id(name, text)).transpose()
    }

    /// Names with commas between, or one each time that the parameter is given.
    pub(super) fn names(&self, name: &str) -> impl Iterator<Item = &str> {
        let given = self.0.iter().filter(move |(known, _)| known == name);
        given.flat_map(|(_, text)| text.split(','))
    }

    /// An amount in dollars.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Usd>, AdminError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let amount: Option<Usd> = text.trim().parse().ok();
        let amount = amount.filter(|amount| *amount >= Usd::ZERO);
        amount.map(Some).ok_or_else(|| {
            let reason = "must be an amount in dollars with at most nine decimal places";
            AdminError::Invalid(format!("{name} {reason}"))
        })
    }

    /// The numbers of rows, one for each time that the parameter is given.
    pub(super) fn ids(&self, name: &str) -> Result<Vec<i64>, AdminError> {
        let given = self.0.iter().filter(|(known, _)| known == name);
        given.map(|(_, text)| row_id(name, text)).collect()
    }

    /// Which part of a list is asked for: pages count from zero.
    pub(super) fn page(&self, limit_default: u32, limit_max: u32) -> Result<PageAsked, AdminError> {
        let number = self.whole("page", 0..=PAGE_MAX)?.unwrap_or_default();
        let limit = self.whole("limit", 1..=u64::from(limit_max))?;
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        let limit = limit.unwrap_or(limit_default);
        Ok(PageAsked { number, limit })
    }

    /// Which part of a list is asked for: pages count from one.
    pub(super) fn page_from_one(
        &self,
        limit_default: u32,
        limit_max: u32,
    ) -> Result<PageAsked, AdminError> {
        let number = self.whole("page", 1..=PAGE_MAX)?.unwrap_or(1);
        let asked = self.page(limit_default, limit_max)?;
        Ok(PageAsked {
            number: number.saturating_sub(1),
            ..asked
        })
    }

    /// The time between two dates, each of which may be left out.
    pub(super) fn open_window(&self) -> Result<Window, AdminError> {
        let read = |name: &str| {
            let moment = self.get(name).map(|text| Moment::parse(text));
            moment
                .map(|moment| moment.ok_or_else(invalid_date))
                .transpose()
        };
        let first = read("startDate")?.map(|moment| moment.start(&TimeZone::UTC));
        let last = read("endDate")?.map(|moment| moment.end(&TimeZone::UTC));
        let window = Window {
            start: first
                .unwrap_or(Some(Window::TOTAL.start))
                .ok_or_else(invalid_date)?,
            end: last
                .unwrap_or(Some(Window::TOTAL.end))
                .ok_or_else(invalid_date)?,
        };
        if window.start >= window.end {
            return Err(ends_before_start());
        }
        Ok(window)
    }

    /// Which part of a list that is otherwise shown whole.
    pub(super) fn page_of_all(&self, limit_max: u32) -> Result<Page, AdminError> {
        let paged = self.get("page").is_some() || self.get("limit").is_some();
        let asked = self.page(limit_max, limit_max)?;
        Ok(if paged { asked.into() } else { EVERYTHING })
    }

    /// The time that is asked about: from one date to another, else the last days until now. An end
    /// that is a day counts as a whole.
    pub(super) fn window(&self, now: UtcMicros) -> Result<Window, AdminError> {
        let Some((first, last)) = self.dates()? else {
            let days = self.days()?;
            let start = day_of(now, &TimeZone::UTC).and_then(|today| {
                let first = today.checked_sub(days.days()).ok()?;
                start_of(first, &TimeZone::UTC)
            });
            let start = start.ok_or(AdminError::Internal)?;
            let end = UtcMicros::MAX;
            return Ok(Window { start, end });
        };
        let (start, end) = (first.start(&TimeZone::UTC), last.end(&TimeZone::UTC));
        let window = start.zip(end).map(|(start, end)| Window { start, end });
        window
            .filter(|window| window.start < window.end)
            .ok_or_else(ends_before_start)
    }

    /// The days (UTC) that are asked about, the first and the last.
    pub(super) fn days_asked(&self, now: UtcMicros) -> Result<(Date, Date), AdminError> {
        let utc = TimeZone::UTC;
        let Some((first, last)) = self.dates()? else {
            let days = self.days()?;
            let today = day_of(now, &utc).ok_or(AdminError::Internal)?;
            let first = today.checked_sub(days.days());
            return Ok((first.map_err(|_cause| invalid_date())?, today));
        };
        let days = first.day(&utc).zip(last.day(&utc));
        let (first, last) = days.ok_or_else(invalid_date)?;
        if last < first {
            return Err(ends_before_start());
        }
        let count = (last - first).get_days();
        if u64::try_from(count).is_ok_and(|count| count < DAYS_MAX) {
            return Ok((first, last));
        }
        Err(AdminError::Invalid(format!(
            "startDate and endDate must be at most {DAYS_MAX} days apart"
        )))
    }

    fn days(&self) -> Result<i64, AdminError> {
        let days = self.whole("days", 1..=DAYS_MAX)?.unwrap_or(DAYS_DEFAULT);
        i64::try_from(days).map_err(|_cause| AdminError::Internal)
    }

    fn dates(&self) -> Result<Option<(Moment, Moment)>, AdminError> {
        let read = |text: &String| Moment::parse(text).ok_or_else(invalid_date);
        match (self.get("startDate"), self.get("endDate")) {
            (None, None) => Ok(None),
            (Some(first), Some(last)) => Ok(Some((read(first)?, read(last)?))),
            (Some(_), None) | (None, Some(_)) => {
                Err(AdminError::invalid("startDate and endDate need each other"))
            }
        }
    }
}

/// A page as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageAsked {
    /// Its number, from zero.
    pub(super) number: u64,
    /// How many rows it has.
    pub(super) limit: u32,
}

impl From<PageAsked> for Page {
    fn from(asked: PageAsked) -> Self {
        Self {
            limit: asked.limit,
            offset: asked.number.saturating_mul(u64::from(asked.limit)),
        }
    }
}

/// A page of a list, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageBody<T> {
    data: Vec<T>,
    total: u64,
    page: u64,
    limit: u32,
}

impl<T> PageBody<T> {
    /// What was found, each row as `show` shows it.
    pub(super) fn new<R>(asked: PageAsked, found: Listed<R>, show: impl FnMut(R) -> T) -> Self {
        Self {
            data: found.rows.into_iter().map(show).collect(),
            total: found.total,
            page: asked.number,
            limit: asked.limit,
        }
    }
}

fn row_id(name: &str, text: &str) -> Result<i64, AdminError> {
    let id = positive(text);
    id.ok_or_else(|| AdminError::Invalid(format!("{name} must be a whole number above zero")))
}

fn invalid_date() -> AdminError {
    AdminError::invalid("Invalid date format")
}

fn ends_before_start() -> AdminError {
    AdminError::invalid("startDate must be before endDate")
}
