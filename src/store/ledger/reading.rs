//! The ledger as it stood at one moment, row by row, for whoever checks it. Nothing is taken for granted
//! of what a row has: somebody may have changed it.

pub mod comparing;

use std::collections::{BTreeMap, HashMap};

use crate::domain::ledger::chain::{Link, RowHash, Tail, WriterId};
use crate::domain::tag::parse_shares;
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::driver::{BulkQuery, Transaction};
use crate::store::error::StoreError;
use crate::store::ledger::chain::{Places, Writer, tail_of};
use crate::store::ledger::ledger_columns;
use crate::store::value::{Row, Value, params, row_params};

/// The most rows in memory at once.
const ROWS_TOGETHER: usize = 2_000;

/// A row, as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Where it says that it stands; nothing if it is in no chain.
    pub place: Option<Place>,
    /// Its request, as hex where it is no id.
    pub request: String,
    /// Its instant.
    pub at: i64,
    /// Its canonical form; nothing if a value is none that the ledger writes.
    pub canonical: Option<String>,
    /// Whether `usage_tag` has what its tags say, and nothing else.
    pub tags_agree: bool,
    /// How many rows of `usage_tag` it has.
    pub tag_rows: u64,
}

/// Where a row says that it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The writer; nothing if what stands there is no id.
    pub writer: Option<WriterId>,
    /// The number in the chain.
    pub seq: i64,
    /// The hash; nothing if what stands there is none.
    pub hash: Option<RowHash>,
}

/// How far a chain goes by the record of its writer, and by its rows.
#[derive(Clone, Debug)]
pub struct ChainEnd {
    /// Whose chain.
    pub writer: Writer,
    /// By `ledger_writer`.
    pub recorded: Tail,
    /// By the last row; nothing if it has none.
    pub last_row: Option<Tail>,
}

/// See the module. All of it is one transaction that only reads.
pub struct LedgerReading {
    read: Box<dyn Transaction>,
    /// The row that was read last, in the order of the stream that it is in.
    after: Vec<Value>,
    /// The instants of the rows that are wanted, both ends included.
    first: UtcMicros,
    last: UtcMicros,
}

impl Store {
    /// Begins to read the ledger as it stands now.
    pub async fn read_ledger(&self) -> Result<LedgerReading, StoreError> {
        let read = self.driver.begin_read().await?;
        Ok(LedgerReading {
            read,
            after: Vec::new(),
            first: UtcMicros::MIN,
            last: UtcMicros::MAX,
        })
    }
}

impl LedgerReading {
    /// The next rows that say where they stand, by writer and number; none after the last.
    pub async fn next_chained(&mut self) -> Result<Vec<StoredRow>, StoreError> {
        const NEXT: &str = concat!(
            "SELECT ",
            ledger_columns!(),
            ", writer, seq, hash FROM usage_ledger WHERE writer IS NOT NULL AND seq IS NOT NULL \
             AND (writer, seq, request_id, at) > ($1, $2, $3, $4) \
             AND at >= $5 AND at <= $6 ORDER BY writer, seq, request_id, at LIMIT $7"
        );
        if self.after.is_empty() {
            self.after = row_params![&[][..], i64::MIN, &[][..], i64::MIN];
        }
        let rows = self.next(NEXT).await?;
        if let Some(last) = rows.last() {
            self.after = ["writer", "seq", "request_id", "at"]
                .into_iter()
                .map(|column| last.any(column).cloned())
                .collect::<Result<_, _>>()?;
        }
        self.finish(&rows).await
    }

    /// The next rows that stand in no chain, by request. Only before [`LedgerReading::next_chained`] or
    /// after [`LedgerReading::begin_anew`].
    pub async fn next_unchained(&mut self) -> Result<Vec<StoredRow>, StoreError> {
        const NEXT: &str = concat!(
            "SELECT ",
            ledger_columns!(),
            ", writer, seq, hash FROM usage_ledger WHERE (writer IS NULL OR seq IS NULL) \
             AND (request_id, at) > ($1, $2) AND at >= $3 AND at <= $4 \
             ORDER BY request_id, at LIMIT $5"
        );
        if self.after.is_empty() {
            self.after = row_params![&[][..], i64::MIN];
        }
        let rows = self.next(NEXT).await?;
        if let Some(last) = rows.last() {
            self.after = vec![last.any("request_id")?.clone(), last.any("at")?.clone()];
        }
        self.finish(&rows).await
    }

    /// Reads only rows of some time from now on.
    #[must_use]
    pub fn only(self, time: Window) -> Self {
        Self {
            first: time.start,
            last: UtcMicros::new(time.end.get().saturating_sub(1)),
            ..self
        }
    }

    /// Begins with the first row of a stream.
    pub fn begin_anew(&mut self) {
        self.after = Vec::new();
    }

    async fn next(&mut self, sql: &'static str) -> Result<Vec<Row>, StoreError> {
        let mut params = self.after.clone();
        params.extend(row_params![self.first, self.last]);
        params.push(Value::from(ROWS_TOGETHER as u64));
        self.read.query(sql, &params).await
    }

    async fn finish(&mut self, rows: &[Row]) -> Result<Vec<StoredRow>, StoreError> {
        const TAGS: BulkQuery = BulkQuery {
            row: "SELECT request_id, tag_id, weight, is_inherited, cost FROM usage_tag \
                  WHERE request_id = $1 AND at = $2 ORDER BY tag_id, weight, is_inherited",
            arrays: "SELECT tags.request_id, tags.tag_id, tags.weight, tags.is_inherited, tags.cost \
                     FROM UNNEST($1::BYTEA[], $2::BIGINT[]) AS wanted (request_id, at) \
                     JOIN usage_tag AS tags ON tags.request_id = wanted.request_id AND tags.at = wanted.at \
                     ORDER BY tags.request_id, tags.tag_id, tags.weight, tags.is_inherited",
        };
        let id_of = |row: &Row| row.any("request_id").cloned();
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(vec![id_of(row)?, row.any("at")?.clone()]);
        }
        let mut tags = HashMap::<Vec<u8>, Vec<[i64; 4]>>::new();
        for tag in self.read.query_many(&TAGS, ids).await? {
            let columns = ["tag_id", "weight", "is_inherited", "cost"];
            let [tag_id, weight, is_inherited, cost] = columns.map(|column| tag.int(column));
            let of_row = tags.entry(bytes_of(&id_of(&tag)?)).or_default();
            of_row.push([tag_id?, weight?, is_inherited?, cost?]);
        }
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let places = Places::of(first.columns().iter().map(String::as_str));
        rows.iter()
            .map(|row| {
                let of_row = tags.remove(&bytes_of(&id_of(row)?)).unwrap_or_default();
                stored(row, &places, &of_row)
            })
            .collect()
    }

    /// How many rows stand in no chain.
    pub async fn unchained_rows(&mut self) -> Result<u64, StoreError> {
        const COUNT: &str =
            "SELECT COUNT(*) AS total FROM usage_ledger WHERE (writer IS NULL OR seq IS NULL)";
        let rows = self.read.query(COUNT, &[]).await?;
        rows.first().map_or(Ok(0), |row| row.number("total"))
    }

    /// How many rows `usage_tag` has.
    pub async fn tag_rows(&mut self) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM usage_tag";
        let rows = self.read.query(COUNT, &[]).await?;
        rows.first().map_or(Ok(0), |row| row.number("total"))
    }

    /// How far each chain goes.
    pub async fn chain_ends(&mut self) -> Result<Vec<ChainEnd>, StoreError> {
        const WRITERS: &str = "SELECT id, name, seq, hash FROM ledger_writer ORDER BY id";
        const LAST: &str = "SELECT seq, hash FROM usage_ledger WHERE writer = $1 \
             AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
        let mut ends = Vec::new();
        for row in self.read.query(WRITERS, &[]).await? {
            let id: [u8; 16] = row.bytes("id")?;
            let last = self.read.query(LAST, params![&id[..]]).await?;
            ends.push(ChainEnd {
                writer: Writer {
                    id: WriterId::from_bytes(id),
                    name: row.text("name")?.into(),
                },
                recorded: tail_of(&row)?,
                last_row: last.first().map(tail_of).transpose()?,
            });
        }
        Ok(ends)
    }

    /// The hash that a chain has at a place.
    pub async fn hash_at(
        &mut self,
        writer: WriterId,
        seq: u64,
    ) -> Result<Option<RowHash>, StoreError> {
        const AT: &str = "SELECT hash FROM usage_ledger WHERE writer = $1 AND seq = $2";
        let rows = self
            .read
            .query(AT, params![&writer.as_bytes()[..], seq])
            .await?;
        let hash = rows.first().map(|row| row.bytes("hash")).transpose()?;
        Ok(hash.map(RowHash::from_bytes))
    }
}

impl StoredRow {
    /// Where it stands, if that can be: numbers begin with 1.
    pub fn link(&self) -> Option<Link> {
        let place = self.place?;
        Some(Link {
            writer: place.writer?,
            tail: Tail {
                seq: u64::try_from(place.seq).ok().filter(|seq| *seq > 0)?,
                hash: place.hash?,
            },
        })
    }
}

fn stored(row: &Row, places: &Places, tags: &[[i64; 4]]) -> Result<StoredRow, StoreError> {
    let canonical = places.row(row.values()).ok();
    let place = match (row.any("writer")?, row.maybe_int("seq")?) {
        (Value::Null, _) | (_, None) => None,
        (writer, Some(seq)) => Some(Place {
            writer: fixed(writer).map(WriterId::from_bytes),
            seq,
            hash: fixed(row.any("hash")?).map(RowHash::from_bytes),
        }),
    };
    let id = bytes_of(row.any("request_id")?);
    let request = match <[u8; 16]>::try_from(id.as_slice()) {
        Ok(id) => uuid::Uuid::from_bytes(id).to_string(),
        Err(_other_length) => hex::encode(&id),
    };
    Ok(StoredRow {
        place,
        request,
        at: row.int("at")?,
        canonical: canonical.map(|canonical| canonical.to_string()),
        tags_agree: tags_of(row)?.as_deref() == Some(tags),
        tag_rows: tags.len() as u64,
    })
}

/// What `usage_tag` should have of a row; nothing if its tags cannot be read.
fn tags_of(row: &Row) -> Result<Option<Vec<[i64; 4]>>, StoreError> {
    let Some(text) = row.maybe_text("tags")? else {
        return Ok(Some(Vec::new()));
    };
    let cost = row.int("cost")?;
    let Some(shares) = parse_shares(text) else {
        return Ok(None);
    };
    // Of two shares of one tag, the table has the first.
    let mut tags = BTreeMap::new();
    for share in shares {
        let weight = i64::from(share.weight.millionths());
        let values = [share.tag.0, weight, i64::from(share.is_inherited), cost];
        tags.entry(share.tag.0).or_insert(values);
    }
    Ok(Some(tags.into_values().collect()))
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Null | Value::Int(_) | Value::Text(_) => Vec::new(),
    }
}

fn fixed<const LENGTH: usize>(value: &Value) -> Option<[u8; LENGTH]> {
    match value {
        Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
        Value::Null | Value::Int(_) | Value::Text(_) => None,
    }
}
