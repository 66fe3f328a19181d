//! Rows of the ledger one after the other, oldest first, for whoever reads all of them: a batch at a
//! time, each where the one before it ended, and only on days that have any. Days are looked for a month at a time.

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
use crate::store::sums::{Cut, Level, usage_pieces};
use crate::store::usage::{LedgerFilter, named_tenants, of_filter, of_key_sums};
use crate::store::value::{Row, Value, row_params};

/// The most rows in a batch: bounds the memory that a reader takes.
pub const BATCH_ROWS_MAX: u32 = 2_000;

/// The most rows in the first batch, which somebody waits for.
const FIRST_ROWS_MAX: u32 = 200;

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
    /// The pieces of a cut that have any.
    pieces: &'static str,
    /// Of a time, after a place. It has one bound at each end, as SQLite looks no further than the first that it
    /// finds. Every parameter has to be named, and those of the filter begin with `$9`: the window is in order.
    rows: &'static str,
}

macro_rules! reading {
    ($family:tt, $tenant:literal) => {
        reading!($family, $tenant, $tenant)
    };
    ($family:tt, $tenant:literal, $of_rows:expr) => {
        Reading {
            pieces: concat!(
                "SELECT level, start FROM ",
                usage_pieces!($family),
                " WHERE ",
                of_filter!($tenant),
                " GROUP BY level, start ORDER BY start"
            ),
            rows: concat!(
                "SELECT ",
                ledger_columns!(),
                ", writer, seq, hash FROM usage_ledger WHERE at >= $1 AND at < $2 AND (at, request_id) > ($3, $4) \
                 AND (CAST($5 AS TEXT) IS NULL OR session = $5) AND CAST($7 AS BIGINT) <= $8 AND ",
                of_filter!($of_rows),
                " AND (CAST($16 AS BIGINT) IS NULL OR cost >= $16) AND (CAST($17 AS BIGINT) IS NULL OR cost <= $17) \
                 AND (CAST($15 AS BIGINT) IS NULL OR key_id = $15) ORDER BY at, request_id LIMIT $6"
            ),
        }
    };
}

/// The pieces of a cut without hours in which the key in `$15` has any.
const PIECES_OF_KEY: &str = concat!(
    "SELECT level, start FROM ",
    usage_pieces!(keys),
    " WHERE ",
    of_key_sums!(),
    " GROUP BY level, start ORDER BY start"
);
const OF_ALL: Reading = reading!(all, "CAST($9 AS BIGINT) IS NULL");
const OF_NAMED: Reading = reading!(named, "CAST($9 AS BIGINT) IS NULL", named_tenants!());
const OF_ONE: Reading = reading!(tenants, "tenant_id = $9");
const WHOLE_NAMED: Reading = reading!(named_totals, "CAST($9 AS BIGINT) IS NULL", named_tenants!());
const WHOLE_ONE: Reading = reading!(totals, "tenant_id = $9");

/// Reads the rows that match. What is written meanwhile with an earlier time than what was read is left out.
#[derive(Debug)]
pub struct LedgerReader {
    store: Store,
    filter: LedgerFilter,
    /// The months, days and parts of days that are left, first the one that is being read; nothing before the first
    /// batch.
    pieces: Option<VecDeque<(Option<Level>, Window)>>,
    after: Place,
    /// How many rows the next batch may have.
    most: u32,
}

impl LedgerReader {
    /// The next rows, at most [`BATCH_ROWS_MAX`]; none when all were read.
    pub async fn next(&mut self) -> Result<Vec<ExactRow>, StoreError> {
        let mut pieces = match self.pieces.take() {
            Some(pieces) => pieces,
            None => self.pieces_of(self.cut()).await?,
        };
        let mut rows = Vec::new();
        while rows.is_empty()
            && let Some((level, window)) = pieces.pop_front()
        {
            if level == Some(Level::Month) {
                let mut days = self.pieces_of(Cut::only(Level::Day, window)).await?;
                days.append(&mut pieces);
                pieces = days;
                continue;
            }
            rows = self.rows_of(window).await?;
            if usize::try_from(self.most).is_ok_and(|most| rows.len() >= most) {
                pieces.push_front((level, window));
            }
        }
        if let Some(last) = rows.last() {
            self.after = Place::of(&last.row);
            self.most = BATCH_ROWS_MAX;
        }
        self.pieces = Some(pieces);
        Ok(rows)
    }

    async fn pieces_of(&self, cut: Cut) -> Result<VecDeque<(Option<Level>, Window)>, StoreError> {
        let mut params = cut.params();
        params.extend(self.filter.params());
        let statement = match self.filter.key {
            Some(key) => {
                params.push(Value::from(key));
                PIECES_OF_KEY
            }
            None => self.reading().pieces,
        };
        let rows = self.store.read(statement, &params).await?;
        rows.iter().map(|row| cut.piece_of(row)).collect()
    }

    async fn rows_of(&self, piece: Window) -> Result<Vec<ExactRow>, StoreError> {
        let window = self.filter.window;
        let start = piece.start.max(window.start).max(self.after.at);
        let mut params: Vec<Value> = row_params![
            start,
            piece.end.min(window.end),
            self.after.at,
            &self.after.request.as_bytes()[..],
            self.filter.session.as_ref(),
            self.most,
            window.start,
            window.end,
        ];
        params.extend(self.filter.params());
        params.extend(row_params![
            self.filter.key,
            self.filter.cost_min,
            self.filter.cost_max,
        ]);
        let rows = self.store.read(self.reading().rows, &params).await?;
        rows.iter().map(exact).collect()
    }

    fn cut(&self) -> Cut {
        match self.filter.key {
            Some(_) => Cut::without_hours(self.filter.window),
            None => Cut::of(self.filter.window),
        }
    }

    fn reading(&self) -> &'static Reading {
        self.filter
            .choose(&OF_ALL, [&OF_NAMED, &OF_ONE], [&WHOLE_NAMED, &WHOLE_ONE])
    }
}

impl Store {
    /// A reader of the rows that match, from the first.
    pub fn ledger_reader(&self, filter: LedgerFilter) -> LedgerReader {
        LedgerReader {
            store: self.clone(),
            filter,
            pieces: None,
            after: Place {
                at: UtcMicros::MIN,
                request: RequestId::from_bytes([0; 16]),
            },
            most: FIRST_ROWS_MAX,
        }
    }
}

fn exact(row: &Row) -> Result<ExactRow, StoreError> {
    Ok(ExactRow {
        row: ledger_row_of(row)?,
        line: line_of(row)?,
    })
}

/// What is kept outside the database of a row that has the ledger's columns and its place.
pub(in crate::store) fn line_of(row: &Row) -> Result<ExportLine<'static>, StoreError> {
    Ok(ExportLine {
        link: link_of(row)?,
        row: canonical_of(row)?,
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
