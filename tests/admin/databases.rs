//! Installations on each database, for what depends on its transactions.

use std::sync::Arc;

use budgetguard::admin::AdminOptions;
use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::installation::Installation;

const CONNECTIONS_MAX: usize = 4;

/// Makes a test of each function, once for each database.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::databases::Place::File).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(schema) = crate::databases::Schema::new().await else {
                    return;
                };
                super::$test(crate::databases::Place::Schema(schema.url.clone())).await;
                schema.drop().await;
            })*
        }
    };
}

/// Where installations of a test are.
#[derive(Clone)]
pub(crate) enum Place {
    File,
    /// All of them in one: an installation begins with an empty schema.
    Schema(String),
}

impl Place {
    pub(crate) async fn installation(&self, options: AdminOptions) -> Installation {
        match self {
            Self::File => Installation::with(options).await,
            Self::Schema(url) => {
                let driver = Arc::new(Postgres::open(url, CONNECTIONS_MAX).unwrap());
                driver.reset().await.unwrap();
                Installation::on(driver, options).await
            }
        }
    }
}

/// A schema of its own on the server for tests.
pub(crate) struct Schema {
    pub(crate) url: String,
    server: String,
    name: String,
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
        let server = server?;
        let name = format!("admin_{}", Uuid::now_v7().simple());
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}schema={name}");
        let schema = Self { url, server, name };
        schema.run(&format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    pub(crate) async fn drop(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name))
            .await;
    }

    async fn run(&self, statement: &str) {
        let (client, connection) = tokio_postgres::connect(&self.server, NoTls).await.unwrap();
        let (ran, _connection) = tokio::join!(
            async move { client.batch_execute(statement).await },
            connection
        );
        ran.unwrap();
    }
}
