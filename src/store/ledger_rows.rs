//! Rows of the ledger one after the other, oldest first, for whoever reads all of them: a batch at a
//! time, each where the one before it ended, and only on days that have any.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::ledger::canonical::{COLUMNS, CanonicalRow, Cell, Kind};
use crate::domain::ledger::chain::{ExportLine, Link, WriterId};
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ledger::chain::tail_of;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::ledger_page::Place;
use crate::store::sums::{Cut, usage_pieces};
use crate::store::usage::{LedgerFilter, of_filter};
use crate::store::value::{Row, Value, row_params};

/// The most rows in a batch: bounds the memory that a reader takes.
pub const BATCH_ROWS_MAX: u32 = 2_000;

/// A row as it is, and as it is kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactRow {
    /// The row.
    pub row: LedgerRow,
    /// Every column in one exact form, and where the row stands in its chain.
    pub line: ExportLine<'static>,
}

/// The statements of one way to choose tenants.
struct Reading {
    days: &'static str,
    rows: &'static str,
}

macro_rules! reading {
    ($family:tt, $tenant:literal) => {
        Reading {
            days: concat!(
                "SELECT day FROM (SELECT start - start % 86400000000 AS day FROM ",
                usage_pieces!($family),
                " WHERE ",
                of_filter!($tenant),
                ") AS charge GROUP BY day ORDER BY day"
            ),
            rows: concat!(
                "SELECT ",
                ledger_columns!(),
                ", writer, seq, hash FROM usage_ledger WHERE at >= $1 AND at < $2 AND at >= $3 AND (at, request_id) > ($4, $5) \
                 AND at >= $6 AND at < $7 AND (CAST($8 AS TEXT) IS NULL OR session = $8) AND ",
                of_filter!($tenant),
                " ORDER BY at, request_id LIMIT $14"
            ),
        }
    };
}

const OF_ALL: Reading = reading!(all, "CAST($9 AS BIGINT) IS NULL");
const OF_NAMED: Reading = reading!(tenants, "CAST($9 AS BIGINT) IS NULL");
const OF_ONE: Reading = reading!(tenants, "tenant_id = $9");

/// Reads the rows that match. What is written meanwhile with an earlier time than what was read is left out.
#[derive(Debug)]
pub struct LedgerReader {
    store: Store,
    filter: LedgerFilter,
    /// The days that are left, first the one that is being read; nothing before the first batch.
    days: Option<VecDeque<Window>>,
    after: Place,
}

impl LedgerReader {
    /// The next rows, at most [`BATCH_ROWS_MAX`]; none when all were read.
    pub async fn next(&mut self) -> Result<Vec<ExactRow>, StoreError> {
        if self.days.is_none() {
            self.days = Some(self.days_with_rows().await?);
        }
        while let Some(day) = self.today() {
            let rows = self.rows_of(day).await?;
            let rest = usize::try_from(BATCH_ROWS_MAX).is_ok_and(|most| rows.len() >= most);
            if let Some(last) = rows.last() {
                self.after = Place::of(&last.row);
            }
            if !rest {
                self.days.as_mut().and_then(VecDeque::pop_front);
            }
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }

    fn today(&self) -> Option<Window> {
        self.days.as_ref()?.front().copied()
    }

    async fn days_with_rows(&self) -> Result<VecDeque<Window>, StoreError> {
        const DAY: i64 = 86_400_000_000;
        let mut params = Cut::into_days(self.filter.window).params();
        params.extend(self.filter.params());
        let rows = self.store.read(self.reading().days, &params).await?;
        let mut days = VecDeque::with_capacity(rows.len());
        for row in rows {
            let start = row.instant("day")?;
            let end = UtcMicros::new(start.get().saturating_add(DAY));
            days.push_back(Window { start, end });
        }
        Ok(days)
    }

    async fn rows_of(&self, day: Window) -> Result<Vec<ExactRow>, StoreError> {
        let Window { start, end } = self.filter.window;
        let mut params: Vec<Value> = row_params![
            start,
            end,
            self.after.at,
            self.after.at,
            &self.after.request.as_bytes()[..],
            day.start,
            day.end,
            self.filter.session.as_ref(),
        ];
        params.extend(self.filter.params());
        params.push(Value::from(BATCH_ROWS_MAX));
        let rows = self.store.read(self.reading().rows, &params).await?;
        rows.iter().map(exact).collect()
    }

    fn reading(&self) -> &'static Reading {
        self.filter.choose([&OF_ALL, &OF_NAMED, &OF_ONE])
    }
}

impl Store {
    /// A reader of the rows that match, from the first.
    pub fn ledger_reader(&self, filter: LedgerFilter) -> LedgerReader {
        LedgerReader {
            store: self.clone(),
            filter,
            days: None,
            after: Place {
                at: UtcMicros::MIN,
                request: RequestId::from_bytes([0; 16]),
            },
        }
    }
}

fn exact(row: &Row) -> Result<ExactRow, StoreError> {
    Ok(ExactRow {
        row: ledger_row_of(row)?,
        line: ExportLine {
            link: link_of(row)?,
            row: canonical_of(row)?,
        },
    })
}

/// Where a row stands in its chain, if it is in one.
fn link_of(row: &Row) -> Result<Option<Link>, StoreError> {
    let Some(writer) = row.maybe_bytes("writer")? else {
        return Ok(None);
    };
    Ok(Some(Link {
        writer: WriterId::from_bytes(writer),
        tail: tail_of(row)?,
    }))
}

/// The canonical form of a row that has the ledger's columns.
fn canonical_of(row: &Row) -> Result<CanonicalRow<'static>, StoreError> {
    let cells = COLUMNS.iter().map(|column| {
        Ok(match column.kind {
            Kind::Number | Kind::NumberOrZero => row.maybe_int(column.name)?.map(Cell::Number),
            Kind::Text => {
                let text = row.maybe_text(column.name)?;
                text.map(|text| Cell::Text(Cow::Owned(text.to_owned())))
            }
            Kind::Id => row.maybe_bytes(column.name)?.map(Cell::Id),
            Kind::Hash => row.maybe_bytes(column.name)?.map(Cell::Hash),
        })
    });
    let cells = cells.collect::<Result<Vec<_>, StoreError>>()?;
    CanonicalRow::new(cells).map_err(|error| StoreError::corrupt(error.to_string()))
}
