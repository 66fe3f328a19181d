//! The sums beside the ledger and the rows that they are sums of, as the database adds both up: a day at a time, and
//! some sessions at a time, so that nobody needs memory for more than that.

use crate::domain::window::{UtcMicros, Window};
use crate::store::error::StoreError;
use crate::store::ledger::reading::LedgerReading;
use crate::store::sums::{Level, YEARS};
use crate::store::value::{Row, Value, row_params};

/// The sessions that are compared together.
const SESSIONS_TOGETHER: u32 = 2_000;

/// Sums that are not those of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table of the sums.
    pub sums: &'static str,
    /// What they are of.
    pub whose: String,
    /// Where the time begins that they are of; nothing if they are of all time.
    pub start: Option<UtcMicros>,
    /// How many requests the rows have more.
    pub requests: i64,
    /// How many nano-dollars the rows have more.
    pub nanos: i64,
}

/// A session, in the order of sessions.
#[derive(Clone, Debug)]
pub struct SessionPlace {
    tenant: i64,
    session: String,
}

impl SessionPlace {
    /// Before all sessions.
    pub const FIRST: Self = Self {
        tenant: i64::MIN,
        session: String::new(),
    };
    /// After all sessions.
    const LAST: Self = Self {
        tenant: i64::MAX,
        session: String::new(),
    };
}

/// The first instant of the day (UTC) whose sums have what was admitted then; nothing if calendars do not know it.
pub fn day_of(at: UtcMicros) -> Option<UtcMicros> {
    YEARS.contains(at).then(|| Level::Day.floor(at))
}

/// Sums that differ, whatever they are of. Of rows that have left, sums know more (`$left` is 1).
macro_rules! differing {
    ($left:literal) => {
        concat!(
            " HAVING SUM(requests) > 0 OR (SUM(requests) = 0 AND (SUM(cost) <> 0 OR SUM(share) <> 0)) \
             OR (SUM(requests) < 0 AND CAST(",
            $left,
            " AS BIGINT) = 0) LIMIT 1"
        )
    };
}

/// One of the sums of hours and days that differ, of the day from `$1` to `$2`. Both have the columns `$keys`: rows,
/// added up by hour, for each of the parts `$parts` that they are in; and sums.
macro_rules! of_day {
    ($whose:expr, $keys:expr, $of_rows:expr, $rows:expr, $parts:expr, $sums:expr, $share:expr) => {
        concat!(
            "SELECT start, ", $whose, " AS whose, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(cost) AS BIGINT) AS cost FROM (SELECT part.level AS level, \
             CASE part.level WHEN 0 THEN hour ELSE CAST($1 AS BIGINT) END AS start, ", $of_rows,
            ", requests, cost, share FROM (", $rows, ") AS seen CROSS JOIN (", $parts,
            ") AS part UNION ALL SELECT level, start, ", $keys, ", -requests, -cost, ", $share, " FROM ", $sums,
            " AND level IN (0, 1) AND start >= $1 AND start < $2) AS compared GROUP BY level, start, ", $keys,
            differing!("$3")
        )
    };
}

/// One of the sums of the month from `$1` to `$2` that differ from those of its days.
macro_rules! of_month {
    ($sums:expr, $share:literal) => {
        concat!(
            "SELECT CAST($1 AS BIGINT) AS start, 'series ' || CAST(series_id AS TEXT) AS whose, \
             CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(cost) AS BIGINT) AS cost FROM \
             (SELECT series_id, requests, cost, ",
            $share,
            " AS share FROM ",
            $sums,
            " AND level = 1 AND start >= $1 AND start < $2 UNION ALL \
             SELECT series_id, -requests, -cost, -",
            $share,
            " FROM ",
            $sums,
            " AND level = 2 AND start >= $1 AND start < $2) AS compared GROUP BY series_id \
             HAVING SUM(requests) <> 0 OR SUM(cost) <> 0 OR SUM(share) <> 0 LIMIT 1"
        )
    };
}

/// The hour of an instant, also before 1970.
macro_rules! hour {
    () => {
        "charge.at - (charge.at % 3600000000 + 3600000000) % 3600000000 AS hour"
    };
}

/// Tables with their series, where a series finds its sums.
macro_rules! sums_of {
    (usage) => {
        "usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id WHERE series_family IN (0, 1, 2, 3)"
    };
    (tag) => {
        "tag_series CROSS JOIN tag_sum WHERE tag_sum.series_id = tag_series.id"
    };
    (tagged) => {
        "tagged_series CROSS JOIN tagged_sum WHERE tagged_sum.series_id = tagged_series.id"
    };
}

const DAY_OF_USAGE: &str = of_day!(
    "'tenant ' || CAST(tenant_id AS TEXT) || ', key ' || CAST(key_id AS TEXT) || ', model ' || model",
    "family, tenant_id, key_id, provider, model, answered, route, status",
    "part.family AS family, CASE part.family WHEN 0 THEN 0 ELSE tenant_id END AS tenant_id, \
     CASE part.family WHEN 2 THEN key_id ELSE 0 END AS key_id, \
     CASE part.family WHEN 3 THEN '' ELSE provider END AS provider, \
     CASE part.family WHEN 3 THEN '' ELSE model END AS model, \
     CASE WHEN part.family >= 2 THEN '' ELSE answered END AS answered, \
     CASE WHEN part.family >= 2 THEN '' ELSE route END AS route, \
     CASE WHEN part.family >= 2 THEN '' ELSE status END AS status",
    concat!(
        "SELECT ",
        hour!(),
        ", tenant_id, key_id, provider, SUBSTR(model, 1, 200) AS model, \
         SUBSTR(COALESCE(model_served, model), 1, 200) AS answered, SUBSTR(route, 1, 200) AS route, status, \
         COUNT(*) AS requests, SUM(cost) AS cost, 0 AS share \
         FROM usage_ledger AS charge WHERE charge.at >= $1 AND charge.at < $2 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    ),
    // Keys have no hours.
    "SELECT 0 AS family, 0 AS level UNION ALL SELECT 0, 1 UNION ALL SELECT 1, 0 UNION ALL SELECT 1, 1 \
     UNION ALL SELECT 2, 1 UNION ALL SELECT 3, 0 UNION ALL SELECT 3, 1",
    sums_of!(usage),
    "0"
);
const DAY_OF_TAGS: &str = of_day!(
    "'tag ' || CAST(tag_id AS TEXT) || ', model ' || model",
    "tag_id, is_inherited, weight, provider, model",
    "tag_id, is_inherited, weight, provider, model",
    concat!(
        "SELECT ",
        hour!(),
        ", tag_id, is_inherited, weight, provider, SUBSTR(model, 1, 200) AS model, \
         COUNT(*) AS requests, SUM(counted.cost) AS cost, SUM(counted.cost / 1000000 * weight \
         + (counted.cost % 1000000 * weight + 999999) / 1000000) AS share \
         FROM usage_ledger AS charge CROSS JOIN usage_tag AS counted \
         WHERE counted.request_id = charge.request_id AND counted.at = charge.at \
         AND charge.at >= $1 AND charge.at < $2 AND counted.at >= $1 AND counted.at < $2 GROUP BY 1, 2, 3, 4, 5, 6"
    ),
    "SELECT 0 AS level UNION ALL SELECT 1",
    sums_of!(tag),
    "-share"
);
const DAY_OF_TAGGED: &str = of_day!(
    "'tenant ' || CAST(tenant_id AS TEXT) || ', tags ' || tags",
    "tenant_id, tags",
    "tenant_id, tags",
    concat!(
        "SELECT ",
        hour!(),
        ", tenant_id, tags, COUNT(*) AS requests, SUM(cost) AS cost, 0 AS share \
         FROM usage_ledger AS charge WHERE tags IS NOT NULL AND charge.at >= $1 AND charge.at < $2 GROUP BY 1, 2, 3"
    ),
    "SELECT 0 AS level UNION ALL SELECT 1",
    sums_of!(tagged),
    "0"
);
const DAYS: [(&str, &str); 3] = [
    ("usage_sum", DAY_OF_USAGE),
    ("tag_sum", DAY_OF_TAGS),
    ("tagged_sum", DAY_OF_TAGGED),
];
const MONTHS: [(&str, &str); 3] = [
    ("usage_sum", of_month!(sums_of!(usage), "0")),
    ("tag_sum", of_month!(sums_of!(tag), "share")),
    ("tagged_sum", of_month!(sums_of!(tagged), "0")),
];
/// One of the sums of sessions that differ, of those after `$1` and `$2` up to `$3` and `$4`.
const SESSIONS: &str = concat!(
    "SELECT 'tenant ' || CAST(tenant_id AS TEXT) || ', session ' || session AS whose, \
     CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(cost) AS BIGINT) AS cost FROM \
     (SELECT tenant_id, session, COUNT(*) AS requests, SUM(cost) AS cost, 0 AS share FROM usage_ledger \
     WHERE session IS NOT NULL AND (tenant_id, session) > ($1, $2) AND (tenant_id, session) <= ($3, $4) \
     GROUP BY tenant_id, session \
     UNION ALL SELECT tenant_id, session_id, -requests, -cost, 0 FROM session_sum \
     WHERE (tenant_id, session_id) > ($1, $2) AND (tenant_id, session_id) <= ($3, $4)) AS compared \
     GROUP BY tenant_id, session",
    differing!("$5")
);

impl LedgerReading {
    /// The days (UTC) that have sums, of whatever length.
    pub async fn days_of_sums(&mut self) -> Result<Vec<UtcMicros>, StoreError> {
        const WITH_SUMS: &str = "SELECT DISTINCT start - (start % 86400000000 + 86400000000) % 86400000000 AS day \
             FROM (SELECT start FROM usage_sum UNION SELECT start FROM tag_sum \
             UNION SELECT start FROM tagged_sum) AS sums";
        let rows = self.read.query(WITH_SUMS, &[]).await?;
        rows.iter().map(|row| row.instant("day")).collect()
    }

    /// The first of a day's sums that differ from its rows. Of a day of which rows have left, sums may know more.
    pub async fn day_differs(
        &mut self,
        day: UtcMicros,
        have_left: bool,
    ) -> Result<Option<Difference>, StoreError> {
        let params = row_params![day, Level::Day.end_of(day), have_left];
        self.first_of(&DAYS, &params).await
    }

    /// The first of a month's sums that differ from those of its days.
    pub async fn month_differs(&mut self, month: Window) -> Result<Option<Difference>, StoreError> {
        let params = row_params![month.start, month.end];
        self.first_of(&MONTHS, &params).await
    }

    /// The first of the sums of the next sessions that differ from their rows, and after which session to go on; nothing
    /// after the last.
    pub async fn sessions_differ(
        &mut self,
        after: &SessionPlace,
        have_left: bool,
    ) -> Result<(Option<Difference>, Option<SessionPlace>), StoreError> {
        const NEXT: &str = "SELECT tenant_id, session_id FROM session_sum \
             WHERE (tenant_id, session_id) > ($1, $2) ORDER BY tenant_id, session_id LIMIT 1 OFFSET $3";
        let asked = row_params![after.tenant, &after.session, SESSIONS_TOGETHER];
        let next = self.read.query(NEXT, &asked).await?;
        let place = |row: &Row| {
            Ok::<_, StoreError>(SessionPlace {
                tenant: row.int("tenant_id")?,
                session: row.text("session_id")?.to_owned(),
            })
        };
        let next = next.first().map(place).transpose()?;
        let beyond = SessionPlace::LAST;
        let last = next.as_ref().unwrap_or(&beyond);
        let asked = row_params![
            after.tenant,
            &after.session,
            last.tenant,
            &last.session,
            have_left
        ];
        let rows = self.read.query(SESSIONS, &asked).await?;
        let differs = rows.first().map(|row| difference("session_sum", row, None));
        Ok((differs.transpose()?, next))
    }

    async fn first_of(
        &mut self,
        statements: &[(&'static str, &'static str)],
        params: &[Value],
    ) -> Result<Option<Difference>, StoreError> {
        for (sums, statement) in statements {
            if let Some(row) = self.read.query(statement, params).await?.first() {
                let start = Some(row.instant("start")?);
                return Ok(Some(difference(sums, row, start)?));
            }
        }
        Ok(None)
    }
}

fn difference(
    sums: &'static str,
    row: &Row,
    start: Option<UtcMicros>,
) -> Result<Difference, StoreError> {
    Ok(Difference {
        sums,
        whose: row.text("whose")?.to_owned(),
        start,
        requests: row.int("requests")?,
        nanos: row.int("cost")?,
    })
}
