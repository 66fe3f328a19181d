//! The shared database: Postgres, through a bounded pool of connections with prepared statements.
//! Every wait has a limit, and a connection that failed in the middle of something is closed.

mod changes;
mod migrations;
mod url;
mod wire;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use refinery::{Migration, Runner};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};

use crate::domain::window::{UtcMicros, Window};
use crate::store::driver::{
    BulkInsert, BulkQuery, Changes, DROP_TABLES, Driver, MIGRATION_HISTORY, MigrationStatus,
    Transaction, status_of,
};
use crate::store::error::StoreError;
use crate::store::postgres::changes::Listening;
use crate::store::postgres::migrations::MIGRATIONS;
use crate::store::postgres::url::read_url;
use crate::store::postgres::wire::{
    arrays, classify, columns_of, no_answer, read_rows, references,
};
use crate::store::value::{Row, Value};

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long we wait for an answer, for the case that the server cannot say that it gave up.
const CALL_WAIT_MAX: Duration = Duration::from_secs(35);
const MIGRATION_WAIT_MAX: Duration = Duration::from_hours(1);
/// Any number will do, as long as every version of this program uses the same.
const MIGRATION_LOCK: i64 = 0x6275_6467_6574_6764;

/// Plans are made for the windows at hand: a plan for any window reads years where it needs hours.
/// Compiling one takes longer than running it.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off";
const BEGIN_LOOKUP: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off; \
     SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off";
/// Writers wait behind who waits for a table, so that is not for long.
const BEGIN_DEFINITION: &str = "BEGIN; SET LOCAL lock_timeout = '2s'";

/// What is left when the tables are gone.
const DROP_FUNCTIONS: &str = "
    DROP FUNCTION IF EXISTS drop_month;
    DROP FUNCTION IF EXISTS drop_month_of;
    DROP FUNCTION IF EXISTS refuse_change;
    DROP FUNCTION IF EXISTS tell_of_change;
    DROP FUNCTION IF EXISTS note_version;
    DROP FUNCTION IF EXISTS sum_usage;
    DROP FUNCTION IF EXISTS sum_tags;
    DROP FUNCTION IF EXISTS make_months;
    DROP FUNCTION IF EXISTS make_month;
    DROP FUNCTION IF EXISTS usage_start;
    DROP FUNCTION IF EXISTS capped;
";

/// The driver of a Postgres database.
pub struct Postgres {
    pool: Pool,
    /// For the connection that listens, which is none of the pool's.
    config: Config,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Postgres")
    }
}

impl Postgres {
    /// Reads the connection URL; nothing connects until the first statement. `?schema=` is
    /// understood as other clients write it.
    pub fn open(url: &str, connections_max: usize) -> Result<Self, StoreError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let config = read_url(url, CONNECT_WAIT_MAX)?;
        let manager = Manager::from_config(config.clone(), NoTls, recycling);
        let pool = Pool::builder(manager)
            .max_size(connections_max.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECTION_WAIT_MAX))
            .create_timeout(Some(CONNECT_WAIT_MAX))
            .recycle_timeout(Some(CONNECT_WAIT_MAX))
            .build()
            .map_err(|error| StoreError::Settings(error.to_string()))?;
        Ok(Self { pool, config })
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => classify(&error),
            PoolError::Timeout(_)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => StoreError::Unavailable(error.to_string()),
        })
    }

    async fn begin_with(
        &self,
        statement: &'static str,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        let connection = self.connection().await?;
        let mut transaction = PostgresTransaction {
            connection: Some(connection),
        };
        transaction
            .on_connection(async |connection| connection.batch_execute(statement).await)
            .await?;
        Ok(Box::new(transaction))
    }

    /// Runs work that must happen in one process at a time. The lock goes with the connection.
    async fn alone(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<Vec<String>, StoreError>,
    ) -> Result<Vec<String>, StoreError> {
        let mut client = Object::take(self.connection().await?);
        let locked = async {
            client
                .batch_execute("SET statement_timeout = 0")
                .await
                .map_err(|error| classify(&error))?;
            client
                .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
                .await
                .map_err(|error| classify(&error))?;
            work(&mut client).await
        };
        timeout(MIGRATION_WAIT_MAX, locked)
            .await
            .unwrap_or_else(|_elapsed| Err(no_answer()))
    }
}

#[async_trait]
impl Driver for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut once = PostgresTransaction {
            connection: Some(self.connection().await?),
        };
        let rows = once.query(sql, params).await;
        once.connection = None;
        rows
    }

    async fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let mut once = PostgresTransaction {
            connection: Some(self.connection().await?),
        };
        let touched = once.execute(sql, params).await;
        once.connection = None;
        touched
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with("BEGIN").await
    }

    async fn begin_read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with(BEGIN_READ).await
    }

    async fn begin_lookup(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with(BEGIN_LOOKUP).await
    }

    async fn make_partitions(&self, at: UtcMicros, months: u32) -> Result<u64, StoreError> {
        const MAKE: &str = "SELECT make_months($1, $2) AS made";
        let params = [Value::from(at), Value::from(months)];
        let mut change = self.begin_with(BEGIN_DEFINITION).await?;
        let rows = change.query(MAKE, &params).await?;
        change.commit().await?;
        rows.first().map_or(Ok(0), |row| row.number("made"))
    }

    async fn drop_month(
        &self,
        month: Window,
        rows: u64,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        const DROP_MONTH: &str = "SELECT drop_month($1, $2, $3) AS dropped";
        let params = [month.start, month.end].map(Value::from);
        let [start, end] = params;
        let mut change = self
            .begin_with("BEGIN; SET LOCAL lock_timeout = '10s'")
            .await?;
        change
            .query(DROP_MONTH, &[start, end, Value::from(rows)])
            .await?;
        Ok(change)
    }

    async fn listen(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        let listening = Listening::begin(&self.config, CONNECT_WAIT_MAX).await?;
        Ok(Some(Box::new(listening)))
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.alone(apply_migrations).await
    }

    async fn migration_status(&self) -> Result<MigrationStatus, StoreError> {
        const HAS_HISTORY: &str =
            "SELECT 1 AS one WHERE to_regclass('refinery_schema_history') IS NOT NULL";
        let history = if self.query(HAS_HISTORY, &[]).await?.is_empty() {
            Vec::new()
        } else {
            self.query(MIGRATION_HISTORY, &[]).await?
        };
        status_of(&history, &MIGRATIONS)
    }

    async fn reset(&self) -> Result<(), StoreError> {
        self.alone(async |client| {
            // One message is one transaction.
            client
                .batch_execute(&[DROP_TABLES, DROP_FUNCTIONS].concat())
                .await
                .map_err(|error| classify(&error))?;
            apply_migrations(client).await
        })
        .await
        .map(drop)
    }
}

async fn apply_migrations(client: &mut Client) -> Result<Vec<String>, StoreError> {
    let refused = |error: refinery::Error| StoreError::Query(error.to_string());
    let migrations = MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    // A replica of the last version may start after a newer one has migrated.
    let runner = Runner::new(&migrations).set_abort_missing(false);
    let report = runner.run_async(client).await.map_err(refused)?;
    Ok(report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect())
}

/// A transaction has its connection until it is committed or something fails.
struct PostgresTransaction {
    connection: Option<Object>,
}

impl PostgresTransaction {
    /// Waits for one step. Whatever goes wrong, the connection may have an answer outstanding or a
    /// transaction open, so it is closed and not given back.
    async fn on_connection<T>(
        &mut self,
        step: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let Some(connection) = &self.connection else {
            return Err(StoreError::Query(
                "the transaction has failed already".to_owned(),
            ));
        };
        let result = match timeout(CALL_WAIT_MAX, step(connection)).await {
            Ok(answer) => answer.map_err(|error| classify(&error)),
            Err(_elapsed) => Err(no_answer()),
        };
        if result.is_err() {
            self.close();
        }
        result
    }

    fn close(&mut self) {
        drop(self.connection.take().map(Object::take));
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        // The server rolls back what was not committed when the connection goes away.
        self.close();
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let params = references(params);
        let rows = self
            .on_connection(async |connection| {
                let statement = connection.prepare_cached(sql).await?;
                connection.query(&statement, &params).await
            })
            .await?;
        read_rows(&rows)
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let params = references(params);
        self.on_connection(async |connection| {
            let statement = connection.prepare_cached(sql).await?;
            connection.execute(&statement, &params).await
        })
        .await
    }

    async fn insert_many(
        &mut self,
        insert: &'static BulkInsert,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let columns = columns_of(&rows);
        let params = arrays(&columns);
        self.on_connection(async |connection| {
            let statement = connection.prepare_cached(insert.arrays).await?;
            connection.execute(&statement, &params).await
        })
        .await
    }

    async fn query_many(
        &mut self,
        query: &'static BulkQuery,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns = columns_of(&rows);
        let params = arrays(&columns);
        let found = self
            .on_connection(async |connection| {
                let statement = connection.prepare_cached(query.arrays).await?;
                connection.query(&statement, &params).await
            })
            .await?;
        read_rows(&found)
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.on_connection(async |connection| connection.batch_execute("COMMIT").await)
            .await?;
        // Given back to the pool: nothing is open on it any more.
        self.connection = None;
        Ok(())
    }
}
