//! Values, rows and errors between Postgres and the store.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

pub(super) fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|value| {
            let value: &(dyn ToSql + Sync) = value;
            value
        })
        .collect()
}

/// The values of each column, for a statement that takes columns as arrays.
pub(super) fn columns_of(rows: &[Vec<Value>]) -> Vec<Vec<&Value>> {
    let count = rows.first().map_or(0, Vec::len);
    (0..count)
        .map(|index| rows.iter().filter_map(|row| row.get(index)).collect())
        .collect()
}

/// Columns as parameters.
pub(super) fn arrays<'a>(columns: &'a [Vec<&'a Value>]) -> Vec<&'a (dyn ToSql + Sync)> {
    columns
        .iter()
        .map(|column| {
            let column: &(dyn ToSql + Sync) = column;
            column
        })
        .collect()
}

pub(super) fn read_rows(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, StoreError> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let columns: Arc<[String]> = first
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    rows.iter()
        .map(|row| {
            let values = row.columns().iter().enumerate().map(|(index, column)| {
                read(row, index, column.type_()).ok_or_else(|| StoreError::corrupt(column.name()))
            });
            let values = values.collect::<Result<Vec<_>, _>>()?;
            Ok(Row::new(Arc::clone(&columns), values))
        })
        .collect()
}

fn read(row: &tokio_postgres::Row, index: usize, kind: &Type) -> Option<Value> {
    let value = match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(index).ok()?.map(Value::Int),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(index)
            .ok()?
            .map(|number| Value::Int(i64::from(number))),
        Type::TEXT | Type::VARCHAR => row
            .try_get::<_, Option<String>>(index)
            .ok()?
            .map(|text| Value::Text(text.into())),
        Type::BYTEA => row
            .try_get::<_, Option<Vec<u8>>>(index)
            .ok()?
            .map(Value::Bytes),
        _ => return None,
    };
    Some(value.unwrap_or(Value::Null))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        // Which types fit depends on the value: `to_sql` checks.
        true
    }

    to_sql_checked!();
}

pub(super) fn no_answer() -> StoreError {
    StoreError::Unavailable("there was no answer in time".to_owned())
}

pub(super) fn classify(error: &tokio_postgres::Error) -> StoreError {
    let Some(refusal) = error.as_db_error() else {
        let is_network = error.is_closed() || is_io(error);
        let message = describe(error);
        return if is_network {
            StoreError::Unavailable(message)
        } else {
            StoreError::Query(message)
        };
    };
    let code = refusal.code();
    let message = format!("{} ({})", refusal.message(), code.code());
    if *code == SqlState::UNIQUE_VIOLATION {
        return StoreError::Conflict {
            what: refusal.constraint().unwrap_or("a unique value").to_owned(),
        };
    }
    if is_passing(code.code()) {
        return StoreError::Unavailable(message);
    }
    if is_of_a_value(code.code(), refusal.constraint().is_some()) {
        return StoreError::Value(message);
    }
    StoreError::Query(message)
}

/// Whether a refusal is because of a value (22) or what it must fit to (23). A row that no partition is for
/// violates a check that has no name.
fn is_of_a_value(code: &str, is_constraint: bool) -> bool {
    code.starts_with("22") || (code.starts_with("23") && is_constraint) || code == "23502"
}

/// Whether a refusal is one that goes away: connection trouble (08), full resources (53), conflicts
/// with other transactions (40), cancelling and shutting down (57), a lock held elsewhere (55P03), or
/// a server that has become a standby (25006).
fn is_passing(code: &str) -> bool {
    ["08", "53", "40", "57"]
        .iter()
        .any(|class| code.starts_with(class))
        || ["55P03", "25006"].contains(&code)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    // A connection attempt that timed out has no cause.
    error.to_string().starts_with("error connecting")
}

fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
