//! Connections to a SQLite file: opened when first wanted, leased one call or one transaction at a
//! time, and used off the async threads.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement, ToSql, params_from_iter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::store::driver::give_way;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

const STATEMENTS_CACHED_MAX: usize = 64;
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(10);
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// A commit is in the log when it returns, which outlives this process; `NORMAL` syncs the log only
/// when it is folded into the file. `recursive_triggers` makes `INSERT OR REPLACE` fire the triggers
/// that refuse deletions. The ledger's rows are long: in large pages they cost less to insert.
const CONNECTION_SETTINGS: &str = "
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 67108864;
";

/// Pages of a large ledger read rows from all over the file: mapped into memory, a row that was not read lately
/// costs a fifth of what it costs to copy its page. Only this process writes the file, and it never gets shorter.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA mmap_size = 1073741824;
";

/// What connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Connections of one kind, opened when first wanted, and the statements that they share.
pub(super) struct Connections {
    pub(super) path: PathBuf,
    access: Access,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    translated: Mutex<HashMap<&'static str, Arc<str>>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {}", self.access, self.path.display())
    }
}

impl Connections {
    /// Connections to a file, at most `count` of them.
    pub(super) fn new(path: &Path, access: Access, count: usize) -> Self {
        Self {
            path: path.to_owned(),
            access,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(count)),
            translated: Mutex::new(HashMap::new()),
        }
    }

    /// The statement with parameters by number as SQLite writes them: there, `$1` is a name.
    pub(super) fn translate(&self, sql: &'static str) -> Arc<str> {
        let mut translated = self.translated.lock();
        let statement = translated
            .entry(sql)
            .or_insert_with(|| Arc::from(sql.replace('$', "?")));
        Arc::clone(statement)
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open(&self.path).map_err(classify)?;
        connection.busy_timeout(BUSY_WAIT_MAX).map_err(classify)?;
        connection
            .execute_batch(CONNECTION_SETTINGS)
            .map_err(classify)?;
        if self.access == Access::Read {
            connection
                .execute_batch(READER_SETTINGS)
                .map_err(classify)?;
        }
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
        Ok(connection)
    }
}

/// The right to use one of the connections. It is given back, without an open transaction, on drop.
pub(super) struct Lease {
    home: Arc<Connections>,
    held: Option<Held>,
}

struct Held {
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn take(&mut self) -> Self {
        Self {
            home: Arc::clone(&self.home),
            held: self.held.take(),
        }
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Connection, &Connections) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let held = self.held.as_mut().ok_or_else(interrupted)?;
        let connection = match held.connection.take() {
            Some(connection) => held.connection.insert(connection),
            None => held.connection.insert(self.home.open()?),
        };
        work(connection, &self.home)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else {
            return;
        };
        let Some(connection) = held.connection.take() else {
            return;
        };
        // A connection that cannot roll back is closed, which does the same.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.home.idle.lock().push(connection);
        }
    }
}

pub(super) async fn lease(home: &Arc<Connections>) -> Result<Lease, StoreError> {
    let permit = timeout(
        CONNECTION_WAIT_MAX,
        Arc::clone(&home.permits).acquire_owned(),
    )
    .await
    .map_err(|_elapsed| StoreError::Unavailable("no connection was free in time".to_owned()))?
    .map_err(|_closed| interrupted())?;
    let connection = home.idle.lock().pop();
    Ok(Lease {
        home: Arc::clone(home),
        held: Some(Held {
            connection,
            _permit: permit,
        }),
    })
}

/// Runs blocking work. When the caller stops waiting, the work ends in its own time and the lease
/// is given back then.
pub(super) async fn run<T: Send + 'static>(
    mut lease: Lease,
    work: impl FnOnce(&mut Connection, &Connections) -> Result<T, StoreError> + Send + 'static,
) -> (Lease, Result<T, StoreError>) {
    let without_connection = Lease {
        home: Arc::clone(&lease.home),
        held: None,
    };
    let worked = spawn_blocking(move || {
        let result = lease.with(work);
        (lease, result)
    });
    worked
        .await
        .unwrap_or_else(|_panicked_or_shut_down| (without_connection, Err(interrupted())))
}

fn interrupted() -> StoreError {
    StoreError::Unavailable("the statement was interrupted".to_owned())
}

pub(super) fn query(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(classify)?;
    let mut rows = Vec::new();
    query_rows(&mut statement, &[params], &mut rows)?;
    Ok(rows)
}

/// Runs a query for each of some parameters; what is found is added to `rows`.
pub(super) fn query_rows<P: AsRef<[Value]>>(
    statement: &mut Statement<'_>,
    asked: &[P],
    rows: &mut Vec<Row>,
) -> Result<(), StoreError> {
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    for params in asked {
        let mut found = statement
            .query(params_from_iter(params.as_ref()))
            .map_err(classify)?;
        while let Some(row) = found.next().map_err(classify)? {
            let mut values = Vec::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                values.push(read(row.get_ref(index).map_err(classify)?, column)?);
            }
            rows.push(Row::new(Arc::clone(&columns), values));
        }
    }
    Ok(())
}

fn read(value: ValueRef<'_>, column: &str) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map(|text| Value::Text(text.to_owned().into()))
            .map_err(|_error| StoreError::corrupt(column)),
        ValueRef::Real(_) => Err(StoreError::corrupt(column)),
    }
}

pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(classify)?;
    let touched = statement
        .execute(params_from_iter(params))
        .map_err(classify)?;
    Ok(u64::try_from(touched).unwrap_or(u64::MAX))
}

/// Runs an insert for each row. Most values of a ledger row are those of the row before, and what is
/// bound stays bound: only what differs is bound again.
pub(super) fn insert_rows(
    statement: &mut Statement<'_>,
    rows: &[Vec<Value>],
) -> Result<u64, StoreError> {
    let wanted = statement.parameter_count();
    if let Some(odd) = rows.iter().find(|row| row.len() != wanted) {
        let error = rusqlite::Error::InvalidParameterCount(odd.len(), wanted);
        return Err(classify(error));
    }
    let mut inserted = 0_u64;
    let mut bound: &[Value] = &[];
    for (number, row) in rows.iter().enumerate() {
        give_way(number);
        for (index, value) in row.iter().enumerate() {
            if bound.get(index) != Some(value) {
                let parameter = index.saturating_add(1);
                statement
                    .raw_bind_parameter(parameter, value)
                    .map_err(classify)?;
            }
        }
        bound = row;
        let touched = statement.raw_execute().map_err(classify)?;
        inserted = inserted.saturating_add(u64::try_from(touched).unwrap_or(u64::MAX));
    }
    Ok(inserted)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub(super) fn classify(error: rusqlite::Error) -> StoreError {
    const UNIQUE: [i32; 2] = [
        rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE,
        rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
    ];
    let message = error.to_string();
    let Some(failure) = error.sqlite_error() else {
        return StoreError::Query(message);
    };
    if UNIQUE.contains(&failure.extended_code) {
        return StoreError::Conflict { what: message };
    }
    let passing = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::CannotOpen,
        ErrorCode::SystemIoFailure,
        ErrorCode::DiskFull,
        ErrorCode::OutOfMemory,
        ErrorCode::OperationInterrupted,
        ErrorCode::FileLockingProtocolFailed,
    ];
    if passing.contains(&failure.code) {
        return StoreError::Unavailable(message);
    }
    StoreError::Query(message)
}
