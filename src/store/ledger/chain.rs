//! Puts new rows at the end of their writer's chain.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::ledger::canonical::{COLUMNS, CanonicalError, CanonicalRow, Cell};
use crate::domain::ledger::chain::{RowHash, Tail, WriterId};
use crate::store::driver::{BulkQuery, Transaction};
use crate::store::error::StoreError;
use crate::store::ledger::ledger_columns;
use crate::store::value::{Row, Value, params, row_params};

/// Who appends rows through a store.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Its chain.
    pub id: WriterId,
    /// What people call it.
    pub name: Arc<str>,
}

/// What is assumed of rows before they are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Assumed {
    /// The ledger has none of them, as it is nearly always: nobody looks first.
    New,
    /// It may have some of them.
    Unknown,
}

impl Assumed {
    /// The rows that the ledger does not have, each once; they are sorted by their requests. Should it have one of
    /// them all the same, for another writer may write one before this transaction does, then [`super::insert`] finds
    /// that it inserts fewer than these.
    pub(super) async fn only_new<'a>(
        self,
        change: &mut dyn Transaction,
        sorted: &[&'a LedgerRow],
    ) -> Result<Vec<&'a LedgerRow>, StoreError> {
        let mut new = match self {
            Self::New => sorted.to_vec(),
            Self::Unknown => without_known(change, sorted).await?,
        };
        new.dedup_by_key(|row| row.request);
        Ok(new)
    }
}

async fn without_known<'a>(
    change: &mut dyn Transaction,
    rows: &[&'a LedgerRow],
) -> Result<Vec<&'a LedgerRow>, StoreError> {
    // One look at an index for each row, in the one partition that can have it.
    const KNOWN: BulkQuery = BulkQuery {
        row: "SELECT request_id FROM usage_ledger WHERE request_id = $1 AND $2 IS NOT NULL",
        arrays: "SELECT wanted.request_id FROM UNNEST($1::BYTEA[], $2::BIGINT[]) \
                 AS wanted (request_id, at) CROSS JOIN LATERAL (SELECT 1 FROM usage_ledger AS known \
                 WHERE known.request_id = wanted.request_id AND known.at = wanted.at LIMIT 1) AS found",
    };
    let ids = rows
        .iter()
        .map(|row| row_params![&row.request.as_bytes()[..], row.at]);
    let known = change.query_many(&KNOWN, ids.collect()).await?;
    let known = known
        .iter()
        .map(|row| row.bytes("request_id").map(RequestId::from_bytes));
    let known: HashSet<RequestId> = known.collect::<Result<_, _>>()?;
    let new = rows.iter().filter(|row| !known.contains(&row.request));
    Ok(new.copied().collect())
}

/// A chain that nobody else appends to until the transaction ends.
pub(super) struct Chain {
    writer: WriterId,
    tail: Tail,
    places: Places,
    /// The canonical form of the row that was linked last.
    canonical: Vec<u8>,
}

impl Chain {
    /// Locks the writer's tail; a new writer begins its chain.
    pub(super) async fn lock(
        change: &mut dyn Transaction,
        writer: &Writer,
    ) -> Result<Self, StoreError> {
        const LOCK: &str = "INSERT INTO ledger_writer (id, name, seq, hash) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING seq, hash";
        let start = Tail::start(writer.id);
        let (id, hash) = (&writer.id.as_bytes()[..], &start.hash.as_bytes()[..]);
        let params = params![id, &*writer.name, start.seq, hash];
        let rows = change.query(LOCK, params).await?;
        let row = rows
            .first()
            .ok_or_else(|| StoreError::corrupt("ledger_writer"))?;
        Ok(Self {
            writer: writer.id,
            tail: tail_of(row)?,
            places: Places::of(ledger_columns!().split(", ")),
            canonical: Vec::new(),
        })
    }

    /// A row's values, in the order of [`ledger_columns`], with its place in the chain after them.
    pub(super) fn link(&mut self, mut values: Vec<Value>) -> Result<Vec<Value>, StoreError> {
        let canonical = self.places.row(&values);
        let canonical = canonical.map_err(|error| StoreError::corrupt(error.to_string()))?;
        self.canonical.clear();
        canonical.print(&mut self.canonical);
        self.tail = self.tail.then(&self.canonical);
        values.push(Value::from(&self.writer.as_bytes()[..]));
        values.push(Value::from(self.tail.seq));
        values.push(Value::from(&self.tail.hash.as_bytes()[..]));
        Ok(values)
    }

    /// Keeps how far it goes now.
    pub(super) async fn keep(self, change: &mut dyn Transaction) -> Result<(), StoreError> {
        const KEEP: &str = "UPDATE ledger_writer SET seq = $2, hash = $3 WHERE id = $1";
        let id = &self.writer.as_bytes()[..];
        let params = params![id, self.tail.seq, &self.tail.hash.as_bytes()[..]];
        change.execute(KEEP, params).await.map(drop)
    }
}

/// The tail in a row that has `seq` and `hash`.
pub(in crate::store) fn tail_of(row: &Row) -> Result<Tail, StoreError> {
    Ok(Tail {
        seq: row.number("seq")?,
        hash: RowHash::from_bytes(row.bytes("hash")?),
    })
}

/// Where the canonical columns are among the values of rows that all have the same columns.
pub(super) struct Places(Vec<Option<usize>>);

impl Places {
    pub(super) fn of<'a>(columns: impl Iterator<Item = &'a str>) -> Self {
        let columns: Vec<&str> = columns.collect();
        let place = |name: &str| columns.iter().position(|column| *column == name);
        Self(COLUMNS.iter().map(|column| place(column.name)).collect())
    }

    /// The canonical row of values.
    pub(super) fn row<'a>(&self, values: &'a [Value]) -> Result<CanonicalRow<'a>, CanonicalError> {
        let values = self.0.iter().map(|place| values.get((*place)?));
        CanonicalRow::new(values.map(|value| cell_of(value?)))
    }
}

/// Nothing for a null. Bytes that are neither an id nor a hash are text that no column of either takes.
fn cell_of(value: &Value) -> Option<Cell<'_>> {
    match value {
        Value::Null => None,
        Value::Int(number) => Some(Cell::Number(*number)),
        Value::Text(text) => Some(Cell::Text(Cow::Borrowed(text))),
        Value::Bytes(bytes) => Some(match bytes.as_chunks() {
            ([id], []) => Cell::Id(*id),
            _ => match bytes.as_slice().try_into() {
                Ok(hash) => Cell::Hash(hash),
                Err(_other_length) => Cell::Text(Cow::Borrowed("bytes that are no id")),
            },
        }),
    }
}
