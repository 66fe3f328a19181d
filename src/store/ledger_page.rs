//! Rows of the ledger by page, newest first. A page is found by counting the sums before it down to its
//! hour, so the last page costs as much as the first; or by the row that the page before it ended with.

use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::window::{UtcMicros, Window};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::retention::stays_from;
use crate::store::sums::{Cut, Level, usage_pieces};
use crate::store::usage::{
    LedgerFilter, LedgerTotals, named_tenants, of_filter, totals, totals_of,
};
use crate::store::value::{Row, Value, row_params};
use crate::store::{Listed, Page, Store};

/// A ledger row with its tenant's present name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The row.
    pub row: LedgerRow,
    /// The tenant's name; empty when there is no such tenant.
    pub tenant_name: String,
}

/// Where a row stands among all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was admitted.
    pub at: UtcMicros,
    /// Its request.
    pub request: RequestId,
}

impl Place {
    /// The place of a row.
    pub fn of(row: &LedgerRow) -> Self {
        Self {
            at: row.at,
            request: row.request,
        }
    }
}

/// The statements of one way to choose tenants.
struct Listing {
    /// How many rows there are in each piece of the window, newest first.
    counts: &'static str,
    /// The rows of a time one after the other.
    rows: &'static str,
    /// The same, of a session.
    of_session: &'static str,
    /// The same where few match: only those of the series that match, in the hours in which they have any.
    of_series: &'static str,
}

macro_rules! entries {
    () => {
        concat!(
            "SELECT ",
            ledger_columns!(),
            ", COALESCE((SELECT name FROM tenant WHERE tenant.id = usage_ledger.tenant_id), '') AS tenant_name "
        )
    };
}

/// The time that rows are in, twice: exactly, and in whole hours for what goes by hours.
macro_rules! in_time {
    () => {
        "at >= $1 AND at < $2 AND at >= $7 AND at < $8 AND "
    };
}

/// The order, from `$3` rows after the row of `$4` and `$5` on.
macro_rules! in_order {
    () => {
        " AND (at, request_id) < ($4, $5) ORDER BY at DESC, request_id DESC LIMIT $6 OFFSET $3"
    };
}

macro_rules! listing {
    ($family:tt, $tenant:literal) => {
        listing!($family, $tenant, $tenant)
    };
    ($family:tt, $tenant:literal, $of_rows:expr) => {
        Listing {
            counts: concat!(
                "SELECT level, start, CAST(SUM(requests) AS BIGINT) AS requests, \
                 CAST(SUM(cost) AS BIGINT) AS cost FROM ",
                usage_pieces!($family),
                " WHERE ",
                of_filter!($tenant),
                " GROUP BY level, start ORDER BY start DESC"
            ),
            rows: concat!(
                entries!(),
                "FROM usage_ledger WHERE ",
                in_time!(),
                of_filter!($of_rows),
                in_order!()
            ),
            of_session: concat!(
                entries!(),
                "FROM usage_ledger WHERE session = $14 AND ",
                in_time!(),
                of_filter!($tenant),
                in_order!()
            ),
            of_series: concat!(
                entries!(),
                "FROM (SELECT start AS hour, tenant_id AS its_tenant, \
                 provider AS its_provider, model AS its_model, answered AS its_answer, \
                 route AS its_route, status AS its_status \
                 FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id \
                 WHERE family = 1 AND level = 0 AND start >= $7 AND start < $8 AND ",
                of_filter!($tenant),
                ") AS series CROSS JOIN usage_ledger WHERE tenant_id = its_tenant \
                 AND at >= hour AND at < hour + 3600000000 AND at >= $1 AND at < $2 AND provider = its_provider AND status = its_status \
                 AND SUBSTR(model, 1, 200) = its_model AND SUBSTR(route, 1, 200) = its_route \
                 AND SUBSTR(COALESCE(model_served, model), 1, 200) = its_answer",
                in_order!()
            ),
        }
    };
}

const OF_ALL: Listing = listing!(all, "CAST($9 AS BIGINT) IS NULL");
const OF_NAMED: Listing = listing!(named, "CAST($9 AS BIGINT) IS NULL", named_tenants!());
const OF_ONE: Listing = listing!(tenants, "tenant_id = $9");

impl Store {
    /// A page of the rows that match, newest first.
    pub async fn ledger_page(
        &self,
        filter: &LedgerFilter,
        page: Page,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let mut read = self.driver.begin_lookup().await?;
        let mut search = Search::begin(read.as_mut(), filter).await?;
        let found = search.page(page).await?;
        read.commit().await?;
        Ok(found)
    }

    /// The rows that match and come after a row, newest first, and how many match in all.
    pub async fn ledger_page_after(
        &self,
        filter: &LedgerFilter,
        after: Place,
        limit: u32,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let mut read = self.driver.begin_lookup().await?;
        let mut search = Search::begin(read.as_mut(), filter).await?;
        let found = search.page_after(after, limit).await?;
        read.commit().await?;
        Ok(found)
    }
}

/// How many rows there are of a piece of time.
#[derive(Clone, Copy, Debug)]
struct Count {
    level: Option<Level>,
    window: Window,
    totals: LedgerTotals,
}

/// A part of a list that is in order.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// It is somewhere in this time.
    window: Window,
    /// After so many rows of it.
    skipped: u64,
    /// After this place.
    after: Option<Place>,
    limit: u32,
}

struct Search<'a> {
    read: &'a mut dyn Transaction,
    filter: LedgerFilter,
    /// The months and days that were looked into: the first row and the last are mostly in the same.
    looked_into: Vec<(Level, Window, Arc<[Count]>)>,
}

impl<'a> Search<'a> {
    /// Of what the ledger still has: sums go on counting months that have left, and pages cannot show them.
    async fn begin(
        read: &'a mut dyn Transaction,
        filter: &LedgerFilter,
    ) -> Result<Self, StoreError> {
        let mut filter = filter.clone();
        filter.window.start = stays_from(read).await?.max(filter.window.start);
        Ok(Self {
            read,
            filter,
            looked_into: Vec::new(),
        })
    }

    async fn page(&mut self, page: Page) -> Result<Listed<LedgerEntry>, StoreError> {
        let mut part = Part {
            window: self.filter.window,
            skipped: page.offset,
            after: None,
            limit: page.limit,
        };
        if self.filter.session.is_some() {
            let total = totals(self.read, &self.filter).await?.rows;
            return self.listed(part, total).await;
        }
        let counts = self.counts(Cut::of(part.window)).await?;
        let total = total_of(&counts);
        if page.limit == 0 || page.offset >= total {
            return Ok(Listed {
                rows: Vec::new(),
                total,
            });
        }
        let last = page.offset.saturating_add(u64::from(page.limit)).min(total);
        let (first_piece, before) = self.piece_of(&counts, page.offset).await?;
        let (last_piece, _) = self.piece_of(&counts, last.saturating_sub(1)).await?;
        part.window = Window {
            start: last_piece.start,
            end: first_piece.end,
        };
        part.skipped = page.offset.saturating_sub(before);
        self.listed(part, total).await
    }

    async fn page_after(
        &mut self,
        after: Place,
        limit: u32,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let total = totals(self.read, &self.filter).await?.rows;
        let window = self.filter.window;
        let end = UtcMicros::new(after.at.get().saturating_add(1)).min(window.end);
        let mut part = Part {
            window: Window { end, ..window },
            skipped: 0,
            after: Some(after),
            limit,
        };
        if self.filter.session.is_none() {
            // What is left of the row's own hour comes first, however much that is.
            let end = Level::Hour.floor(after.at).min(end);
            let older = Window { end, ..window };
            let counts = self.counts(Cut::of(older)).await?;
            let wanted = u64::from(limit).min(total_of(&counts));
            if wanted > 0 {
                let (last_piece, _) = self.piece_of(&counts, wanted.saturating_sub(1)).await?;
                part.window.start = last_piece.start;
            } else {
                part.window.start = end.max(window.start);
            }
        }
        self.listed(part, total).await
    }

    /// How many rows match in each piece of a cut, newest first.
    async fn counts(&mut self, cut: Cut) -> Result<Vec<Count>, StoreError> {
        let mut params = cut.params();
        params.extend(self.filter.params());
        let rows = self.read.query(self.listing().counts, &params).await?;
        let count = |row: &Row| {
            let (level, window) = cut.piece_of(row)?;
            let totals = totals_of(row)?;
            Ok(Count {
                level,
                window,
                totals,
            })
        };
        rows.iter().map(count).collect()
    }

    async fn counts_in(
        &mut self,
        level: Level,
        window: Window,
    ) -> Result<Arc<[Count]>, StoreError> {
        let same = |(of, known, _): &&(Level, Window, _)| (*of, *known) == (level, window);
        if let Some((_, _, counts)) = self.looked_into.iter().find(same) {
            return Ok(Arc::clone(counts));
        }
        let counts: Arc<[Count]> = self.counts(Cut::only(level, window)).await?.into();
        self.looked_into.push((level, window, Arc::clone(&counts)));
        Ok(counts)
    }

    /// The hour or the part of an hour in which a row is, counted from zero, and how many come before
    /// that. Each step looks into one month or one day.
    async fn piece_of(&mut self, counts: &[Count], row: u64) -> Result<(Window, u64), StoreError> {
        let missing = || StoreError::corrupt("the sums of an hour");
        let (mut piece, mut before) = find(counts, row, 0).ok_or_else(missing)?;
        while let Some(finer) = piece.level.and_then(Level::next_finer) {
            let counts = self.counts_in(finer, piece.window).await?;
            (piece, before) = find(&counts, row, before).ok_or_else(missing)?;
        }
        Ok((piece.window, before))
    }

    async fn listed(&mut self, part: Part, total: u64) -> Result<Listed<LedgerEntry>, StoreError> {
        let Window { start, end } = part.window;
        let beyond = Place {
            at: UtcMicros::MAX,
            request: RequestId::from_bytes([u8::MAX; 16]),
        };
        let after = part.after.unwrap_or(beyond);
        let mut params = row_params![
            start,
            end,
            part.skipped,
            after.at,
            &after.request.as_bytes()[..],
            part.limit,
            Level::Hour.floor(start),
            end,
        ];
        params.extend(self.filter.params());
        let listing = self.listing();
        let statement = if let Some(session) = &self.filter.session {
            params.push(Value::from(session));
            listing.of_session
        } else if self.filter.is_narrow() {
            listing.of_series
        } else {
            listing.rows
        };
        let rows = self.read.query(statement, &params).await?;
        Ok(Listed {
            rows: rows.iter().map(entry).collect::<Result<_, _>>()?,
            total,
        })
    }

    fn listing(&self) -> &'static Listing {
        self.filter.choose([&OF_ALL, &OF_NAMED, &OF_ONE])
    }
}

fn total_of(counts: &[Count]) -> u64 {
    let add = |sum: u64, count: &Count| sum.saturating_add(count.totals.rows);
    counts.iter().fold(0, add)
}

/// The piece in which a row is, and how many rows come before it, when so many came before all of them.
fn find(counts: &[Count], row: u64, mut before: u64) -> Option<(Count, u64)> {
    for count in counts {
        let after = before.saturating_add(count.totals.rows);
        if row < after {
            return Some((*count, before));
        }
        before = after;
    }
    None
}

pub(in crate::store) fn entry(row: &Row) -> Result<LedgerEntry, StoreError> {
    Ok(LedgerEntry {
        row: ledger_row_of(row)?,
        tenant_name: row.text("tenant_name")?.to_owned(),
    })
}
