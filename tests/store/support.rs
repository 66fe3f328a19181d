//! Databases that are made for one test, and the rows that tests start from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use budgetguard::domain::id::{ApiKeyId, ModelName, PriceId, ProviderName, RequestId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::session::SessionRef;
use budgetguard::domain::stamp::Stamp;
use budgetguard::domain::tag::TagShares;
use budgetguard::domain::tenant::{KeyHash, KeyLookup};
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::UtcMicros;
use budgetguard::store::Store;
use budgetguard::store::driver::Driver;
use budgetguard::store::keys::NewKey;
use budgetguard::store::postgres::Postgres;
use budgetguard::store::sqlite::Sqlite;
use budgetguard::store::tenants::{TenantRecord, TenantSettings};
use jiff::tz::TimeZone;
use tempfile::TempDir;

pub(crate) use crate::schema::Schema;

/// Makes a test of each function, once for each database.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Database::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some((database, schema)) = $crate::support::Database::postgres().await else {
                    return;
                };
                super::$test(database).await;
                schema.drop().await;
            })*
        }
    };
}

/// The instant at which things happen in tests unless they say otherwise.
pub(crate) const NOW: UtcMicros = UtcMicros::new(1_795_000_000_000_000);
/// Of changes at that time, by the program itself.
pub(crate) static STAMP: Stamp = Stamp::by_system(NOW);

/// Of changes at another time.
pub(crate) fn stamp(at: UtcMicros) -> Stamp {
    Stamp::by_system(at)
}

const CONNECTIONS_MAX: usize = 4;

/// A database with a schema of its own, and nothing in it.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) driver: Arc<dyn Driver>,
    place: Place,
}

enum Place {
    File(TempDir),
    Schema(String),
}

impl Place {
    fn file(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("test.db"),
            Self::Schema(_) => unreachable!("a schema is no file"),
        }
    }

    /// Its connections have its name, so that they can be told apart.
    fn in_schema(schema: &Schema) -> Self {
        let url = format!("{}&application_name={}", schema.url(), schema.name);
        Self::Schema(url)
    }

    async fn open(&self) -> Arc<dyn Driver> {
        match self {
            Self::File(_) => Arc::new(Sqlite::open(&self.file()).await.unwrap()),
            Self::Schema(url) => Arc::new(Postgres::open(url, CONNECTIONS_MAX).unwrap()),
        }
    }
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        Self::migrated(Place::File(TempDir::new().unwrap())).await
    }

    /// Nothing, unless there is a server for tests.
    pub(crate) async fn postgres() -> Option<(Self, Schema)> {
        let schema = Schema::new().await?;
        let place = Place::in_schema(&schema);
        Some((Self::migrated(place).await, schema))
    }

    /// Another process's view of the same database.
    pub(crate) async fn open_again(&self) -> Store {
        Store::new(self.place.open().await)
    }

    async fn migrated(place: Place) -> Self {
        let database = Self::empty(place).await;
        database.store.migrate().await.unwrap();
        database
    }

    async fn empty(place: Place) -> Self {
        let driver = place.open().await;
        Self {
            store: Store::new(Arc::clone(&driver)),
            driver,
            place,
        }
    }

    /// The file of a SQLite database, for what the program itself has no statement for.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.place.file()).unwrap()
    }

    /// As the versions of the program before left it: with the migrations up to one of them.
    pub(crate) async fn sqlite_at(version: i32) -> Self {
        let place = Place::File(TempDir::new().unwrap());
        let mut file = rusqlite::Connection::open(place.file()).unwrap();
        let migrations = migrations_of("sqlite", version);
        refinery::Runner::new(&migrations).run(&mut file).unwrap();
        drop(file);
        Self::empty(place).await
    }

    /// The same on the server for tests, if there is one.
    pub(crate) async fn postgres_at(version: i32) -> Option<(Self, Schema)> {
        let schema = Schema::new().await?;
        let place = Place::in_schema(&schema);
        let (mut client, connection) = schema.connect().await;
        #[expect(clippy::disallowed_methods, reason = "awaited below")]
        let connection = tokio::spawn(connection);
        let migrations = migrations_of("postgres", version);
        let runner = refinery::Runner::new(&migrations);
        runner.run_async(&mut client).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        Some((Self::empty(place).await, schema))
    }
}

/// The migrations of a folder up to one of them, in order.
fn migrations_of(folder: &str, version: i32) -> Vec<refinery::Migration> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(folder);
    let files = folder.read_dir().unwrap().map(|file| file.unwrap().path());
    let migrations = files.map(|file| {
        let sql = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        refinery::Migration::unapplied(name, &sql).unwrap()
    });
    let mut migrations: Vec<_> = migrations
        .filter(|migration| i64::from(migration.version()) <= i64::from(version))
        .collect();
    migrations.sort_unstable();
    migrations
}

pub(crate) fn settings(name: &str) -> TenantSettings {
    TenantSettings {
        name: name.to_owned(),
        requests_per_minute: None,
        time_zone: TimeZone::UTC,
        default_session_budget: None,
    }
}

pub(crate) async fn tenant(store: &Store, name: &str) -> TenantRecord {
    store.create_tenant(&settings(name), &STAMP).await.unwrap()
}

pub(crate) fn key(tenant: TenantId, lookup: u64) -> NewKey {
    NewKey {
        tenant,
        name: "laptop".to_owned(),
        prefix: "bg_1234".to_owned(),
        lookup: KeyLookup(lookup),
        hash: KeyHash([7; 32]),
    }
}

/// The id of the request with that number.
pub(crate) fn request(number: u64) -> RequestId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    RequestId::new(NOW, random)
}

/// A request with that number, and a price of that many nano-dollars.
pub(crate) fn row(number: u64, tenant: i64, nanos: i64) -> LedgerRow {
    LedgerRow {
        request: request(number),
        at: NOW,
        tenant: TenantId(tenant),
        key: ApiKeyId(tenant * 10),
        session: None,
        tags: TagShares::new(),
        route: "/v1/chat/completions".into(),
        provider: ProviderName::new("openai"),
        model: ModelName::new("gpt-4o-mini"),
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status: Status::Success,
        reason: None,
        http_status: Some(200),
        streamed: false,
        usage: TokenUsage::default(),
        tier: Tier::Standard,
        price: Some(PriceId(1)),
        cost: Usd::from_nanos(nanos),
        held: Usd::ZERO,
        basis: Basis::Measured,
        latency_us: 1_000,
        first_byte_us: None,
        upstream_request_id: None,
        ruling: None,
        objects: ObjectNotes::default(),
    }
}

/// A session that has no name.
pub(crate) fn session(id: &str) -> SessionRef {
    SessionRef {
        id: id.to_owned(),
        name: None,
        path: None,
    }
}
