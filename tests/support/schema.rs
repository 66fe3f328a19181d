//! A schema of a test's own on the PostgreSQL server for tests.

use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, Error, NoTls, Socket};
use uuid::Uuid;

/// How often statements that are still under way may be in the way of dropping a schema.
const DEADLOCKS_MAX: usize = 5;

/// The schema, which stays for a look when its test fails.
pub(crate) struct Schema {
    /// What leads to the server.
    pub(crate) server: String,
    pub(crate) name: String,
}

impl Schema {
    /// Nothing, unless there is a server for tests.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    pub(crate) async fn new() -> Option<Self> {
        let server = std::env::var("BUDGETGUARD_TEST_POSTGRES").ok();
        let is_ci = std::env::var("CI").is_ok();
        assert!(
            server.is_some() || !is_ci,
            "in CI these tests need their server"
        );
        let name = format!("{}_{}", env!("CARGO_CRATE_NAME"), Uuid::now_v7().simple());
        let schema = Self {
            server: server?,
            name,
        };
        let create = format!("CREATE SCHEMA {}", schema.name);
        schema.run_inside(&create).await;
        Some(schema)
    }

    /// What leads to it.
    pub(crate) fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{separator}schema={}", self.server, self.name)
    }

    /// A connection on which names without a schema are of this one.
    pub(crate) async fn connect(&self) -> (Client, Connection<Socket, NoTlsStream>) {
        let mut config: Config = self.server.parse().unwrap();
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{options} -c search_path={}", self.name));
        config.connect(NoTls).await.unwrap()
    }

    /// Runs statements in the schema.
    pub(crate) async fn run_inside(&self, statements: &str) {
        self.try_inside(statements).await.unwrap();
    }

    async fn try_inside(&self, statements: &str) -> Result<(), Error> {
        let (client, connection) = self.connect().await;
        let (ran, _connection) = tokio::join!(
            async move { client.batch_execute(statements).await },
            connection
        );
        ran
    }

    /// Also while a gateway that was killed has a statement under way, whose locks may be in the way of these.
    pub(crate) async fn drop(self) {
        let drop = format!("DROP SCHEMA {} CASCADE", self.name);
        for _deadlock in 0..DEADLOCKS_MAX {
            match self.try_inside(&drop).await {
                Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {}
                dropped => return dropped.unwrap(),
            }
        }
        self.run_inside(&drop).await;
    }
}
