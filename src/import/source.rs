//! The database of a TypeScript BudgetGuard: read only, as it was at one moment, a page at a time.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::import::ImportError;

/// Rows that are in memory at once.
const PAGE_ROWS: i64 = 1_000;
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// The longest statement sums the whole ledger.
const STATEMENT_LIMIT: &str = "-c statement_timeout=15min";
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(16);
/// Parameters that Prisma reads in a URL and Postgres does not know.
const PRISMA_PARAMETERS: [&str; 8] = [
    "connection_limit",
    "pool_timeout",
    "pgbouncer",
    "socket_timeout",
    "statement_cache_size",
    "sslaccept",
    "sslcert",
    "sslidentity",
];

/// The other database.
pub(super) struct Source {
    client: Client,
    /// What it is called here: the same after a move to another server.
    pub(super) name: String,
}

impl Source {
    /// Connects, and checks that it is one.
    pub(super) async fn open(url: &str) -> Result<Self, ImportError> {
        let mut config = read_url(url)?;
        config.connect_timeout(CONNECT_WAIT_MAX);
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected.map_err(|error| refused(&error))?;
        run(connection);
        client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(|error| refused(&error))?;
        let mut source = Self {
            client,
            name: String::new(),
        };
        for table in ["Tenant", "ApiKey", "UsageLedger"] {
            if !source.has(table).await? {
                return Err(ImportError::NotTheOriginal(table));
            }
        }
        source.name = source.identity().await?;
        Ok(source)
    }

    /// Whether there is such a table: older versions have fewer.
    pub(super) async fn has(&self, table: &str) -> Result<bool, ImportError> {
        const HAS: &str = "SELECT to_regclass(quote_ident($1)) IS NOT NULL AS has";
        let rows = self.rows(HAS, &[&table]).await?;
        rows.first().map_or(Ok(false), |row| row.get("has"))
    }

    /// A name that no other database has: by the random ids of its migrations, else by its first tenant.
    async fn identity(&self) -> Result<String, ImportError> {
        const MIGRATION: &str = "SELECT id::text AS identity FROM \"_prisma_migrations\" \
             ORDER BY started_at, id LIMIT 1";
        const TENANT: &str = "SELECT id || ' ' || \"createdAt\" AS identity FROM \"Tenant\" \
             ORDER BY id LIMIT 1";
        let statement = if self.has("_prisma_migrations").await? {
            MIGRATION
        } else {
            TENANT
        };
        let rows = self.rows(statement, &[]).await?;
        let identity: String = match rows.first() {
            Some(row) => row.get("identity")?,
            None => String::new(),
        };
        let digest: [u8; 32] = Sha256::digest(identity).into();
        let first: [u8; 16] = digest.first_chunk().copied().unwrap_or_default();
        Ok(format!("{:032x}", u128::from_be_bytes(first)))
    }

    /// All rows of a statement.
    pub(super) async fn rows(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<SourceRow>, ImportError> {
        let rows = timeout(ANSWER_WAIT_MAX, self.client.query(sql, params)).await;
        let rows = rows.map_err(|_elapsed| ImportError::Source("no answer in time".to_owned()))?;
        let rows = rows.map_err(|error| refused(&error))?;
        Ok(rows.into_iter().map(SourceRow).collect())
    }
}

/// A table, a page after another: by a statement for the rows whose `id` follows one (`$1`), in this order, at most so
/// many (`$2`).
pub(super) struct Pages<Id> {
    table: &'static str,
    sql: &'static str,
    last: Id,
    has_begun: bool,
}

impl<Id> Pages<Id>
where
    Id: ToSql + Sync + for<'a> FromSql<'a>,
{
    /// Those that follow an id.
    pub(super) fn of(table: &'static str, sql: &'static str, last: Id) -> Self {
        Self {
            table,
            sql,
            last,
            has_begun: false,
        }
    }

    /// The next page; nothing behind the last, or where there is no such table.
    pub(super) async fn next(
        &mut self,
        source: &Source,
    ) -> Result<Option<Vec<SourceRow>>, ImportError> {
        if !self.has_begun && !source.has(self.table).await? {
            return Ok(None);
        }
        self.has_begun = true;
        let rows = source.rows(self.sql, &[&self.last, &PAGE_ROWS]).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        self.last = last.get("id")?;
        Ok(Some(rows))
    }
}

/// A row of the other database; columns are found by name.
pub(super) struct SourceRow(Row);

impl SourceRow {
    /// The value of a column.
    pub(super) fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T, ImportError> {
        self.0
            .try_get(column)
            .map_err(|error| ImportError::Source(format!("column `{column}`: {error}")))
    }
}

/// Ends with the client.
#[expect(
    clippy::disallowed_methods,
    reason = "the connection of one command, which waits for nothing else"
)]
fn run(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        // Whoever asks next is told as well.
        let _ = connection.await;
    });
}

/// Never with the URL, which holds a password.
fn refused(error: &tokio_postgres::Error) -> ImportError {
    let text = match error.as_db_error() {
        Some(cause) => cause.message().to_owned(),
        None => error.to_string(),
    };
    ImportError::Source(text)
}

fn read_url(url: &str) -> Result<Config, ImportError> {
    let wrong = |why: &str| ImportError::Source(why.to_owned());
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err(wrong("the URL does not begin with postgres://"));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut options = String::from(STATEMENT_LIMIT);
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("schema", schema)) => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                if !schema.bytes().all(is_plain) {
                    return Err(wrong("the schema in the URL is no plain name"));
                }
                options = format!("{options} -c search_path={schema}");
            }
            Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                return Err(wrong(
                    "TLS to Postgres is not supported: use sslmode=disable or prefer on a trusted network",
                ));
            }
            Some((name, _)) if PRISMA_PARAMETERS.contains(&name) => {}
            Some(_) | None => kept.push(pair),
        }
    }
    let address = format!("{address}?{}", kept.join("&"));
    let mut config: Config = address
        .trim_end_matches('?')
        .parse()
        .map_err(|_error| wrong("the URL could not be understood"))?;
    config
        .options(options)
        .application_name("budgetguard import");
    Ok(config)
}
