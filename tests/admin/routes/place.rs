//! A schema of its own on the PostgreSQL server for tests.

use std::sync::Arc;

use budgetguard::store::postgres::Postgres;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::installation::{Installation, options};

const CONNECTIONS_MAX: usize = 4;

/// The schema, which stays for a look when its test fails.
pub(super) struct Place {
    server: String,
    name: String,
}

impl Place {
    /// An installation on it; nothing, unless there is a server for tests.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    pub(super) async fn installation() -> Option<(Self, Installation)> {
        let server = std::env::var("BUDGETGUARD_TEST_POSTGRES").ok();
        let is_ci = std::env::var("CI").is_ok();
        assert!(
            server.is_some() || !is_ci,
            "in CI these tests need their server"
        );
        let name = format!("admin_{}", Uuid::now_v7().simple());
        let place = Self {
            server: server?,
            name,
        };
        place.run(&format!("CREATE SCHEMA {}", place.name)).await;
        let separator = if place.server.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}schema={}", place.server, place.name);
        let driver = Arc::new(Postgres::open(&url, CONNECTIONS_MAX).unwrap());
        Some((place, Installation::on(driver, options()).await))
    }

    pub(super) async fn drop(self) {
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
