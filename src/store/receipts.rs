//! One row of the ledger, by its request.

use crate::domain::id::{RequestId, TenantId};
use crate::domain::ledger::LedgerRow;
use crate::domain::ledger::chain::{ExportLine, Link, RowHash, Tail};
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::ledger_page::{LedgerEntry, entry};
use crate::store::ledger_rows::line_of;
use crate::store::value::{Row, params};

/// An id tells the millisecond in which its request was admitted, and so the one partition.
const ROW: &str = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM usage_ledger WHERE request_id = $1 AND tenant_id = $2 AND at >= $3 AND at < $4"
);
const MICROS_PER_MILLI: i64 = 1_000;

/// A row with what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRecord {
    /// The row with its tenant's present name.
    pub entry: LedgerEntry,
    /// The name of its key; nothing where there is no such key.
    pub key_name: Option<String>,
    /// What the text of its key begins with.
    pub key_prefix: Option<String>,
    /// Where it stands; nothing where it is in no chain.
    pub chain: Option<ChainPlace>,
}

/// Where a row stands in the chain of its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPlace {
    /// Its place, and what is kept as the hash up to it.
    pub link: Link,
    /// What people call the writer.
    pub writer_name: Option<String>,
    /// The hash up to the row before it; nothing where that row is not there.
    pub previous: Option<RowHash>,
    /// Whether the row is what was hashed.
    pub integrity: Integrity,
}

/// Whether a row and the hash before it make up the hash that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// They do.
    Intact,
    /// They do not: somebody changed the row, or the one before it.
    Altered,
    /// The row before it is not there.
    Unknown,
}

impl Store {
    /// The row of a tenant's request.
    pub async fn row(
        &self,
        tenant: TenantId,
        request: RequestId,
    ) -> Result<Option<LedgerRow>, StoreError> {
        let Window { start, end } = millisecond_of(request);
        let wanted = params![&request.as_bytes()[..], tenant, start, end];
        let rows = self.read(ROW, wanted).await?;
        rows.first().map(ledger_row_of).transpose()
    }

    /// The row of a request with everything that is kept of it.
    pub async fn ledger_record(
        &self,
        request: RequestId,
    ) -> Result<Option<LedgerRecord>, StoreError> {
        const RECORD: &str = concat!(
            "SELECT ",
            ledger_columns!(),
            ", writer, seq, hash, \
             COALESCE((SELECT name FROM tenant WHERE tenant.id = usage_ledger.tenant_id), '') AS tenant_name, \
             (SELECT name FROM api_key WHERE api_key.id = usage_ledger.key_id) AS key_name, \
             (SELECT prefix FROM api_key WHERE api_key.id = usage_ledger.key_id) AS key_prefix, \
             (SELECT name FROM ledger_writer WHERE ledger_writer.id = usage_ledger.writer) AS writer_name, \
             (SELECT hash FROM usage_ledger AS before WHERE before.writer = usage_ledger.writer \
             AND before.seq = usage_ledger.seq - 1 LIMIT 1) AS previous \
             FROM usage_ledger WHERE request_id = $1 AND at >= $2 AND at < $3"
        );
        let Window { start, end } = millisecond_of(request);
        let wanted = params![&request.as_bytes()[..], start, end];
        let rows = self.read(RECORD, wanted).await?;
        rows.first().map(record).transpose()
    }
}

fn millisecond_of(request: RequestId) -> Window {
    let start = request.millis().saturating_mul(MICROS_PER_MILLI);
    Window {
        start: UtcMicros::new(start),
        end: UtcMicros::new(start.saturating_add(MICROS_PER_MILLI)),
    }
}

fn record(row: &Row) -> Result<LedgerRecord, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.maybe_text(column)?.map(str::to_owned));
    Ok(LedgerRecord {
        entry: entry(row)?,
        key_name: text("key_name")?,
        key_prefix: text("key_prefix")?,
        chain: place_of(row)?,
    })
}

fn place_of(row: &Row) -> Result<Option<ChainPlace>, StoreError> {
    let exact = line_of(row)?;
    let Some(link) = exact.link else {
        return Ok(None);
    };
    let previous = if link.tail.seq == 1 {
        Some(Tail::start(link.writer).hash)
    } else {
        row.maybe_bytes("previous")?.map(RowHash::from_bytes)
    };
    let integrity = previous.map_or(Integrity::Unknown, |previous| check(&exact, link, previous));
    Ok(Some(ChainPlace {
        link,
        writer_name: row.maybe_text("writer_name")?.map(str::to_owned),
        previous,
        integrity,
    }))
}

fn check(exact: &ExportLine<'_>, link: Link, hash: RowHash) -> Integrity {
    let seq = link.tail.seq.saturating_sub(1);
    if (Tail { seq, hash }).then(exact.row.to_string()) == link.tail {
        Integrity::Intact
    } else {
        Integrity::Altered
    }
}
