//! The port to a database: statements, transactions, migrations. Statements are constants in the SQL
//! that both databases understand; what differs between them is an operation with a name.

use std::thread;

use async_trait::async_trait;

use crate::domain::window::{UtcMicros, Window};
use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

/// How many rows of a batch are worked on at a stretch, a fraction of a millisecond.
const ROWS_AT_A_STRETCH: usize = 16;

/// Lets threads that wait for this processor go first now and then: nobody waits for a batch, but callers do
/// for whoever it keeps from running.
pub(super) fn give_way(rows_done: usize) {
    if rows_done.is_multiple_of(ROWS_AT_A_STRETCH) {
        thread::yield_now();
    }
}

/// A database. Parameters are written `$1`, `$2`, ...
#[async_trait]
pub trait Driver: Send + Sync {
    /// The kind of database, for logs and health.
    fn name(&self) -> &'static str;

    /// Reads rows. A statement that also writes belongs into a transaction.
    async fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Writes, and tells how many rows were touched.
    async fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError>;

    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Begins a transaction that only reads, and sees the database as it was at its first statement.
    async fn begin_read(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// The same for looking up rows one by one: a database that could choose otherwise goes by its
    /// indexes, however many rows it expects.
    async fn begin_lookup(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_read().await
    }

    /// Removes the ledger's rows of a month and their tags, in a transaction in which the guard against
    /// it is set aside; an error if there are not exactly as many rows as the caller says.
    async fn drop_month(
        &self,
        month: Window,
        rows: u64,
    ) -> Result<Box<dyn Transaction>, StoreError>;

    /// Makes the parts of the ledger for months that are still to come, where it has parts, and tells
    /// how many were made: `months` of them from the one that `at` is in.
    async fn make_partitions(&self, _at: UtcMicros, _months: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Listens to the changes of the catalog, whichever process makes them; nothing where the
    /// database cannot tell of them.
    async fn listen(&self) -> Result<Option<Box<dyn Changes>>, StoreError>;

    /// Applies the migrations that are missing, one process at a time, and names them.
    async fn migrate(&self) -> Result<Vec<String>, StoreError>;

    /// Which migrations were applied and which were not.
    async fn migration_status(&self) -> Result<MigrationStatus, StoreError>;

    /// Drops every table and migrates anew.
    async fn reset(&self) -> Result<(), StoreError>;
}

/// News of changes that were committed since somebody listens.
#[async_trait]
pub trait Changes: Send {
    /// Waits until something may have changed. Whatever happened since the last time is one piece of
    /// news. After an error there is no more of it, and some may have been lost: listen anew.
    async fn next(&mut self) -> Result<(), StoreError>;
}

/// A transaction. Dropping it undoes what it did; so does an error, after which it is of no use.
#[async_trait]
pub trait Transaction: Send {
    /// Reads rows, also those that a `RETURNING` gives.
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Writes, and tells how many rows were touched.
    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError>;

    /// Inserts many rows in the way that costs this process the least, and tells how many were new.
    async fn insert_many(
        &mut self,
        insert: &'static BulkInsert,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError>;

    /// Asks the same of many rows in the way that costs this process the least, and gives what all of
    /// the answers have.
    async fn query_many(
        &mut self,
        query: &'static BulkQuery,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError>;

    /// Whether what new rows of the ledger add to the sums is to be told by [`Transaction::add_sums`], before their
    /// writer's tail is kept. A database whose trigger sees all rows of an insert at once has no use for it.
    fn takes_sums(&self) -> bool {
        false
    }

    /// Tells what new rows add to the sums; an error where nobody asks for it.
    async fn add_sums(&mut self, _sums: Vec<Vec<Value>>) -> Result<(), StoreError> {
        Err(StoreError::Query(
            "this database adds up by itself".to_owned(),
        ))
    }

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// One insert in the two ways in which it is cheap: SQLite runs a prepared statement for each row,
/// Postgres takes each column as an array.
#[derive(Debug)]
pub struct BulkInsert {
    /// Inserts one row; a parameter is a column.
    pub row: &'static str,
    /// Inserts all rows; a parameter is the array of a column's values.
    pub arrays: &'static str,
}

/// One question in the two ways in which it is cheap, as for a [`BulkInsert`].
#[derive(Debug)]
pub struct BulkQuery {
    /// Asks for one row; a parameter is a value of it.
    pub row: &'static str,
    /// Asks for all rows; a parameter is the array of what each of them has.
    pub arrays: &'static str,
}

/// The state of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationStatus {
    /// What was applied, oldest first.
    pub applied: Vec<AppliedMigration>,
    /// What this version of the program would still apply.
    pub pending: Vec<String>,
}

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its name, such as `V1__init`.
    pub name: String,
    /// When, as the migration history has it (RFC 3339).
    pub applied_on: String,
}

/// Drops every table, whichever database it is; what else one of them has, its driver drops.
pub(in crate::store) const DROP_TABLES: &str = "
    DROP TABLE IF EXISTS audit_log;
    DROP TABLE IF EXISTS admin_session;
    DROP TABLE IF EXISTS admin_user;
    DROP TABLE IF EXISTS admin_user_version;
    DROP TABLE IF EXISTS import_mark;
    DROP TABLE IF EXISTS session_sum;
    DROP TABLE IF EXISTS tagged_sum;
    DROP TABLE IF EXISTS tagged_series;
    DROP TABLE IF EXISTS tag_sum;
    DROP TABLE IF EXISTS tag_series;
    DROP TABLE IF EXISTS usage_batch;
    DROP TABLE IF EXISTS usage_sum;
    DROP TABLE IF EXISTS usage_series;
    DROP TABLE IF EXISTS ledger_retention;
    DROP TABLE IF EXISTS ledger_writer;
    DROP TABLE IF EXISTS deferred_call;
    DROP TABLE IF EXISTS provider_object;
    DROP TABLE IF EXISTS alert;
    DROP TABLE IF EXISTS usage_tag;
    DROP TABLE IF EXISTS tagging_rule;
    DROP TABLE IF EXISTS policy_bundle;
    DROP TABLE IF EXISTS usage_ledger;
    DROP TABLE IF EXISTS session;
    DROP TABLE IF EXISTS catalog_version;
    DROP TABLE IF EXISTS model_rate;
    DROP TABLE IF EXISTS model_price;
    DROP TABLE IF EXISTS budget;
    DROP TABLE IF EXISTS tag;
    DROP TABLE IF EXISTS api_key;
    DROP TABLE IF EXISTS tenant;
    DROP TABLE IF EXISTS refinery_schema_history;
";

/// How a driver asks for the history of migrations.
pub(in crate::store) const MIGRATION_HISTORY: &str =
    "SELECT version, name, applied_on FROM refinery_schema_history ORDER BY version";

/// The state of a schema by the rows of [`MIGRATION_HISTORY`] and the names of all migrations.
pub(in crate::store) fn status_of(
    history: &[Row],
    known: &[(&str, &str)],
) -> Result<MigrationStatus, StoreError> {
    let mut applied = Vec::with_capacity(history.len());
    for row in history {
        applied.push(AppliedMigration {
            name: format!("V{}__{}", row.int("version")?, row.text("name")?),
            applied_on: row.text("applied_on")?.to_owned(),
        });
    }
    let pending = known
        .iter()
        .map(|(name, _sql)| (*name).to_owned())
        .filter(|name| !applied.iter().any(|migration| migration.name == *name))
        .collect();
    Ok(MigrationStatus { applied, pending })
}
