//! The embedded database: one SQLite file with a write-ahead log, one connection that writes and a
//! few that read. Every call runs off the async threads.

mod connection;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use refinery::{Migration, Runner};
use rusqlite::Connection;

use crate::domain::window::Window;
use crate::store::driver::{
    BulkInsert, BulkQuery, Changes, DROP_TABLES, Driver, MIGRATION_HISTORY, MigrationStatus,
    Transaction, status_of,
};
use crate::store::error::StoreError;
use crate::store::ledger::INSERT_SUM;
use crate::store::sqlite::connection::{
    Access, Connections, Lease, classify, execute, insert_rows, lease, query, query_rows, run,
};
use crate::store::value::{Row, Value};

const MIGRATIONS: [(&str, &str); 19] = [
    (
        "V1__init",
        include_str!("../../migrations/sqlite/V1__init.sql"),
    ),
    (
        "V2__scopes",
        include_str!("../../migrations/sqlite/V2__scopes.sql"),
    ),
    (
        "V3__alerts",
        include_str!("../../migrations/sqlite/V3__alerts.sql"),
    ),
    (
        "V4__catalog_changes",
        include_str!("../../migrations/sqlite/V4__catalog_changes.sql"),
    ),
    (
        "V5__price_versions",
        include_str!("../../migrations/sqlite/V5__price_versions.sql"),
    ),
    (
        "V6__objects",
        include_str!("../../migrations/sqlite/V6__objects.sql"),
    ),
    (
        "V7__attempts",
        include_str!("../../migrations/sqlite/V7__attempts.sql"),
    ),
    (
        "V8__cache_storage",
        include_str!("../../migrations/sqlite/V8__cache_storage.sql"),
    ),
    (
        "V9__chain",
        include_str!("../../migrations/sqlite/V9__chain.sql"),
    ),
    (
        "V10__rollups",
        include_str!("../../migrations/sqlite/V10__rollups.sql"),
    ),
    (
        "V11__access",
        include_str!("../../migrations/sqlite/V11__access.sql"),
    ),
    (
        "V12__import",
        include_str!("../../migrations/sqlite/V12__import.sql"),
    ),
    (
        "V13__shadow_budgets",
        include_str!("../../migrations/sqlite/V13__shadow_budgets.sql"),
    ),
    (
        "V14__policy",
        include_str!("../../migrations/sqlite/V14__policy.sql"),
    ),
    (
        "V15__policy_bundles",
        include_str!("../../migrations/sqlite/V15__policy_bundles.sql"),
    ),
    (
        "V16__batch_sums",
        include_str!("../../migrations/sqlite/V16__batch_sums.sql"),
    ),
    (
        "V17__dashboard",
        include_str!("../../migrations/sqlite/V17__dashboard.sql"),
    ),
    (
        "V18__sum_families",
        include_str!("../../migrations/sqlite/V18__sum_families.sql"),
    ),
    (
        "V19__presummed",
        include_str!("../../migrations/sqlite/V19__presummed.sql"),
    ),
];

const READERS: usize = 4;

/// Removes a month: each statement, and whether it takes the month. The guards are as migrations made them.
const DROP_MONTH: [(&str, bool); 6] = [
    ("DROP TRIGGER IF EXISTS usage_ledger_no_delete", false),
    ("DROP TRIGGER IF EXISTS usage_tag_no_delete", false),
    ("DELETE FROM usage_tag WHERE at >= $1 AND at < $2", true),
    ("DELETE FROM usage_ledger WHERE at >= $1 AND at < $2", true),
    (
        "CREATE TRIGGER usage_ledger_no_delete BEFORE DELETE ON usage_ledger BEGIN \
         SELECT RAISE(ABORT, 'usage_ledger is append-only: DELETE is refused'); END",
        false,
    ),
    (
        "CREATE TRIGGER usage_tag_no_delete BEFORE DELETE ON usage_tag BEGIN \
         SELECT RAISE(ABORT, 'usage_tag is append-only: DELETE is refused'); END",
        false,
    ),
];

/// The driver of a SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    writer: Arc<Connections>,
    readers: Arc<Connections>,
}

impl Sqlite {
    /// Opens the file, and makes it if it does not exist.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let connections = |access, count| Arc::new(Connections::new(path, access, count));
        let sqlite = Self {
            writer: connections(Access::Write, 1),
            readers: connections(Access::Read, READERS),
        };
        // Opening tells now that the file cannot be used, and makes the log before anyone reads.
        let lease = lease(&sqlite.writer).await?;
        run(lease, |_connection, _home| Ok(())).await.1?;
        Ok(sqlite)
    }

    async fn begin_with(
        &self,
        connections: &Arc<Connections>,
        statement: &'static str,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        let lease = lease(connections).await?;
        let (lease, begun) = run(lease, move |connection, _home| {
            connection.execute_batch(statement).map_err(classify)
        })
        .await;
        begun?;
        Ok(Box::new(SqliteTransaction { lease }))
    }

    /// Runs work that must happen in one process at a time, on a connection that writes.
    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lease = lease(&self.writer).await?;
        let (_lease, result) = run(lease, move |connection, home| {
            let lock = home.path.with_extension("migrate.lock");
            let unavailable = |error: std::io::Error| StoreError::Unavailable(error.to_string());
            let lock = File::create(lock).map_err(unavailable)?;
            lock.lock().map_err(unavailable)?;
            work(connection)
        })
        .await;
        result
    }
}

#[async_trait]
impl Driver for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let params = params.to_vec();
        let lease = lease(&self.readers).await?;
        run(lease, move |connection, home| {
            query(connection, &home.translate(sql), &params)
        })
        .await
        .1
    }

    async fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let params = params.to_vec();
        let lease = lease(&self.writer).await?;
        run(lease, move |connection, home| {
            execute(connection, &home.translate(sql), &params)
        })
        .await
        .1
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with(&self.writer, "BEGIN IMMEDIATE").await
    }

    async fn begin_read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.begin_with(&self.readers, "BEGIN").await
    }

    async fn drop_month(
        &self,
        month: Window,
        rows: u64,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM usage_ledger WHERE at >= $1 AND at < $2";
        let mut change = self.begin().await?;
        let params = [month.start, month.end].map(Value::from);
        let found = change.query(COUNT, &params).await?;
        let found: u64 = found.first().map_or(Ok(0), |row| row.number("total"))?;
        if found != rows {
            let reason = format!("the ledger has {found} rows of this month, and not {rows}");
            return Err(StoreError::Query(reason));
        }
        for (statement, takes_month) in DROP_MONTH {
            let params: &[Value] = if takes_month { &params } else { &[] };
            change.execute(statement, params).await?;
        }
        Ok(change)
    }

    async fn listen(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        Ok(None)
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.alone(apply_migrations).await
    }

    async fn migration_status(&self) -> Result<MigrationStatus, StoreError> {
        const HAS_HISTORY: &str =
            "SELECT name FROM sqlite_master WHERE name = 'refinery_schema_history'";
        let history = if self.query(HAS_HISTORY, &[]).await?.is_empty() {
            Vec::new()
        } else {
            self.query(MIGRATION_HISTORY, &[]).await?
        };
        status_of(&history, &MIGRATIONS)
    }

    async fn reset(&self) -> Result<(), StoreError> {
        self.alone(|connection| {
            connection.execute_batch(DROP_TABLES).map_err(classify)?;
            apply_migrations(connection).map(drop)
        })
        .await
    }
}

fn apply_migrations(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let refused = |error: refinery::Error| StoreError::Query(error.to_string());
    let migrations = MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    // A replica of the last version may start after a newer one has migrated.
    let runner = Runner::new(&migrations).set_abort_missing(false);
    let report = runner.run(connection).map_err(refused)?;
    Ok(report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect())
}

/// A transaction keeps its connection; the lease undoes what was not committed.
struct SqliteTransaction {
    lease: Lease,
}

impl SqliteTransaction {
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Connection, &Connections) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (lease, result) = run(self.lease.take(), work).await;
        self.lease = lease;
        result
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let params = params.to_vec();
        self.run(move |connection, home| query(connection, &home.translate(sql), &params))
            .await
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let params = params.to_vec();
        self.run(move |connection, home| execute(connection, &home.translate(sql), &params))
            .await
    }

    async fn insert_many(
        &mut self,
        insert: &'static BulkInsert,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        self.run(move |connection, home| {
            let sql = home.translate(insert.row);
            let mut statement = connection.prepare_cached(&sql).map_err(classify)?;
            insert_rows(&mut statement, &rows)
        })
        .await
    }

    async fn query_many(
        &mut self,
        bulk: &'static BulkQuery,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(move |connection, home| {
            let sql = home.translate(bulk.row);
            let mut statement = connection.prepare_cached(&sql).map_err(classify)?;
            let mut found = Vec::new();
            query_rows(&mut statement, &rows, &mut found)?;
            Ok(found)
        })
        .await
    }

    fn takes_sums(&self) -> bool {
        true
    }

    async fn add_sums(&mut self, sums: Vec<Vec<Value>>) -> Result<(), StoreError> {
        self.run(move |connection, home| {
            let sql = home.translate(INSERT_SUM);
            let mut statement = connection.prepare_cached(&sql).map_err(classify)?;
            insert_rows(&mut statement, &sums).map(drop)
        })
        .await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.run(|connection, _home| connection.execute_batch("COMMIT").map_err(classify))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_of_the_first_schema_stay_and_no_id_comes_back() {
        const BUDGET: &str = "INSERT INTO budget (tenant_id, scope_kind, scope_id, period, amount, \
             created_at, updated_at) VALUES (1, 'tenant', 1, ?1, 5, 1, 1)";
        let mut connection = Connection::open_in_memory().unwrap();
        let [(name, first), ..] = MIGRATIONS;
        let first = [Migration::unapplied(name, first).unwrap()];
        Runner::new(&first).run(&mut connection).unwrap();
        connection
            .execute(
                "INSERT INTO tenant (name, created_at, updated_at) VALUES ('a', 1, 1)",
                [],
            )
            .unwrap();
        for period in ["daily", "monthly", "total"] {
            connection.execute(BUDGET, [period]).unwrap();
        }
        connection
            .execute("DELETE FROM budget WHERE id = 3", [])
            .unwrap();
        apply_migrations(&mut connection).unwrap();
        connection.execute(BUDGET, ["total"]).unwrap();
        let mut budgets = connection
            .prepare("SELECT id, period, weight, is_active FROM budget ORDER BY id")
            .unwrap();
        let budgets = budgets
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        let budgets: Vec<(i64, String, i64, i64)> = budgets.map(Result::unwrap).collect();
        let kept = |id, period: &str| (id, period.to_owned(), 1_000_000, 1);
        assert_eq!(
            budgets,
            [kept(1, "daily"), kept(2, "monthly"), kept(4, "total")]
        );
    }
}
