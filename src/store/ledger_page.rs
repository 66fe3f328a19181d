//! Rows of the ledger by page, newest or oldest first. A page is found by counting the sums before it down to its
//! hour, so the last page costs as much as the first; or by the row that the page before it ended with.

pub(in crate::store) mod statements;

use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::window::{UtcMicros, Window};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::ledger::ledger_row_of;
use crate::store::ledger_page::statements::{
    COUNTS_OF_KEY, Listing, NEWEST_OF_KEY, OF_ALL, OF_NAMED, OF_ONE, OLDEST_OF_KEY, WHOLE_NAMED,
    WHOLE_ONE,
};
use crate::store::order::Order;
use crate::store::retention::stays_from;
use crate::store::sums::{Cut, Level};
use crate::store::usage::{LedgerFilter, LedgerTotals, totals, totals_of};
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

    /// The part of a time in which rows come after it.
    pub(in crate::store) fn rest_of(self, time: Window, order: Order) -> Window {
        match order {
            Order::Desc => Window {
                end: UtcMicros::new(self.at.get().saturating_add(1)).min(time.end),
                ..time
            },
            Order::Asc => Window {
                start: self.at.max(time.start),
                ..time
            },
        }
    }

    /// A place that every row comes after.
    pub(in crate::store) fn before_all(order: Order) -> Self {
        let (at, byte) = match order {
            Order::Desc => (UtcMicros::MAX, u8::MAX),
            Order::Asc => (UtcMicros::MIN, u8::MIN),
        };
        Self {
            at,
            request: RequestId::from_bytes([byte; 16]),
        }
    }
}

impl Store {
    /// A page of the rows that match, of whom sums tell, newest first.
    pub async fn ledger_page(
        &self,
        filter: &LedgerFilter,
        page: Page,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        self.ordered_page(filter, Order::Desc, page).await
    }

    /// The same in either order.
    pub async fn ordered_page(
        &self,
        filter: &LedgerFilter,
        order: Order,
        page: Page,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let mut read = self.driver.begin_lookup().await?;
        let mut search = Search::begin(read.as_mut(), filter, order).await?;
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
        let order = Order::Desc;
        self.ordered_page_after(filter, order, (after, limit)).await
    }

    /// The same in either order.
    pub async fn ordered_page_after(
        &self,
        filter: &LedgerFilter,
        order: Order,
        (after, limit): (Place, u32),
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let mut read = self.driver.begin_lookup().await?;
        let mut search = Search::begin(read.as_mut(), filter, order).await?;
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
    order: Order,
    /// The months and days that were looked into: the first row and the last are mostly in the same.
    looked_into: Vec<(Level, Window, Arc<[Count]>)>,
}

impl<'a> Search<'a> {
    /// Of what the ledger still has: sums go on counting months that have left, and pages cannot show them.
    async fn begin(
        read: &'a mut dyn Transaction,
        filter: &LedgerFilter,
        order: Order,
    ) -> Result<Self, StoreError> {
        let mut filter = filter.clone();
        filter.window.start = stays_from(read).await?.max(filter.window.start);
        Ok(Self {
            read,
            filter,
            order,
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
        let counts = self.counts(self.cut(part.window)).await?;
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
            start: last_piece.start.min(first_piece.start),
            end: first_piece.end.max(last_piece.end),
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
        let mut part = Part {
            window: after.rest_of(self.filter.window, self.order),
            skipped: 0,
            after: Some(after),
            limit,
        };
        if self.filter.session.is_none() {
            // What is left of the row's own hour comes first, however much that is.
            let (own, further) = self.around(after, part.window);
            let counts = self.counts(self.cut(further)).await?;
            let wanted = u64::from(limit).min(total_of(&counts));
            part.window = if wanted > 0 {
                let (last_piece, _) = self.piece_of(&counts, wanted.saturating_sub(1)).await?;
                Window {
                    start: own.start.min(last_piece.start),
                    end: own.end.max(last_piece.end),
                }
            } else {
                own
            };
        }
        self.listed(part, total).await
    }

    /// Of the time after a row, what is left of its own hour or day, and what lies further on.
    fn around(&self, after: Place, rest: Window) -> (Window, Window) {
        let level = self.finest();
        let Window { start, end } = rest;
        match self.order {
            Order::Desc => {
                let border = level.floor(after.at).min(end);
                let own = Window {
                    start: border.max(start),
                    end,
                };
                (own, Window { start, end: border })
            }
            Order::Asc => {
                let border = level.end_of(level.floor(after.at)).max(start);
                let own = Window {
                    start,
                    end: border.min(end),
                };
                (own, Window { start: border, end })
            }
        }
    }

    /// The finest of the sums that tell of what is asked for: keys have no hours.
    fn finest(&self) -> Level {
        match self.filter.key {
            Some(_) => Level::Day,
            None => Level::Hour,
        }
    }

    fn cut(&self, window: Window) -> Cut {
        match self.filter.key {
            Some(_) => Cut::without_hours(window),
            None => Cut::of(window),
        }
    }

    /// How many rows match in each piece of a cut, in the order that is asked for.
    async fn counts(&mut self, cut: Cut) -> Result<Vec<Count>, StoreError> {
        let mut params = cut.params();
        params.extend(self.filter.params());
        let statement = match self.filter.key {
            Some(key) => {
                params.push(Value::from(key));
                COUNTS_OF_KEY
            }
            None => self.listing().counts,
        };
        let rows = self.read.query(statement, &params).await?;
        let count = |row: &Row| {
            let (level, window) = cut.piece_of(row)?;
            let totals = totals_of(row)?;
            Ok(Count {
                level,
                window,
                totals,
            })
        };
        let mut counts: Vec<Count> = rows.iter().map(count).collect::<Result<_, _>>()?;
        if self.order == Order::Asc {
            counts.reverse();
        }
        Ok(counts)
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
        while let Some(level) = piece.level.filter(|level| *level != self.finest())
            && let Some(finer) = level.next_finer()
        {
            let counts = self.counts_in(finer, piece.window).await?;
            (piece, before) = find(&counts, row, before).ok_or_else(missing)?;
        }
        Ok((piece.window, before))
    }

    async fn listed(&mut self, part: Part, total: u64) -> Result<Listed<LedgerEntry>, StoreError> {
        let Window { start, end } = part.window;
        let after = part.after.unwrap_or(Place::before_all(self.order));
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
        let (statement, whose) = self.statement();
        params.extend(whose);
        let rows = self.read.query(statement, &params).await?;
        Ok(Listed {
            rows: rows.iter().map(entry).collect::<Result<_, _>>()?,
            total,
        })
    }

    /// The rows of a time, and whose they are beside what the filter says.
    fn statement(&self) -> (&'static str, Option<Value>) {
        let listing = self.listing();
        let (rows, of_key) = match self.order {
            Order::Desc => (&listing.newest, NEWEST_OF_KEY),
            Order::Asc => (&listing.oldest, OLDEST_OF_KEY),
        };
        if let Some(session) = &self.filter.session {
            (rows.of_session, Some(Value::from(session)))
        } else if let Some(key) = self.filter.key {
            (of_key, Some(Value::from(key)))
        } else if self.filter.is_narrow() {
            (rows.of_series, None)
        } else {
            (rows.all, None)
        }
    }

    fn listing(&self) -> &'static Listing {
        self.filter
            .choose(&OF_ALL, [&OF_NAMED, &OF_ONE], [&WHOLE_NAMED, &WHOLE_ONE])
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
