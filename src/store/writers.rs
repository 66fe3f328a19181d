//! Who writes the ledger: each has a chain of its own.

use crate::domain::ledger::chain::WriterId;
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::value::{Row, params};

/// A writer, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterRecord {
    /// Its chain.
    pub id: WriterId,
    /// What people call it.
    pub name: String,
    /// How many rows it wrote.
    pub rows: u64,
    /// When the last of them was admitted; nothing where it has left the ledger.
    pub last_row_at: Option<UtcMicros>,
}

impl Store {
    /// The writers, those whose last row is newest first.
    pub async fn writers(&self, writers_max: u32) -> Result<Vec<WriterRecord>, StoreError> {
        const WRITERS: &str = "SELECT id, name, seq, last_row_at FROM \
             (SELECT id, name, seq, (SELECT at FROM usage_ledger \
             WHERE usage_ledger.writer = ledger_writer.id AND usage_ledger.seq = ledger_writer.seq LIMIT 1) \
             AS last_row_at FROM ledger_writer) AS known \
             ORDER BY COALESCE(last_row_at, 0) DESC, id LIMIT $1";
        let rows = self.read(WRITERS, params![writers_max]).await?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &Row) -> Result<WriterRecord, StoreError> {
    Ok(WriterRecord {
        id: WriterId::from_bytes(row.bytes("id")?),
        name: row.text("name")?.to_owned(),
        rows: row.number("seq")?,
        last_row_at: row.maybe_int("last_row_at")?.map(UtcMicros::new),
    })
}
