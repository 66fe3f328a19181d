//! Replicas that share a Redis, and what their ledgers and spools have.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use budgetguard::domain::budget::{Charge, Hold};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::engine::redis::{RedisEngine, RedisNeighbours, RedisOptions};
use budgetguard::engine::{BudgetEngine, Refusal, Spending, UnknownSpending, Unrecorded};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{NOW, origin, reservation, usd};

/// Shorter than in service, so that tests need not wait for it.
const TELLING: Duration = Duration::from_millis(600);
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

/// Replicas with keys that nobody else has.
pub(crate) struct Fleet {
    url: String,
    prefix: String,
    pub(crate) hold_lifetime: Duration,
    pub(crate) leases: bool,
}

/// One process of a fleet.
pub(crate) struct Replica {
    engine: Arc<RedisEngine>,
    pub(crate) spool: Arc<TestSpool>,
    pub(crate) came_late: Arc<Notify>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

/// Charges that are not in the ledger.
#[derive(Debug, Default)]
pub(crate) struct TestSpool(pub(crate) Mutex<Vec<Spending>>);

impl Unrecorded for TestSpool {
    fn unrecorded(&self) -> Result<Vec<Spending>, UnknownSpending> {
        Ok(self.0.lock().clone())
    }
}

impl Fleet {
    /// A fleet on a server for tests; nothing, unless there is one.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    pub(crate) fn shared(variable: &str) -> Option<Self> {
        let url = std::env::var(variable).ok();
        let is_ci = std::env::var("CI").is_ok();
        assert!(
            url.is_some() || !is_ci,
            "in CI these tests need their server"
        );
        Some(Self::at(url?))
    }

    /// A fleet on a server.
    pub(crate) fn at(url: String) -> Self {
        Self {
            url,
            hold_lifetime: Duration::from_mins(2),
            leases: false,
            prefix: format!("test-{}", Uuid::now_v7().simple()),
        }
    }

    /// The same, of replicas that take leases.
    pub(crate) fn with_leases(self) -> Self {
        Self {
            leases: true,
            ..self
        }
    }

    pub(crate) async fn replica(&self) -> Replica {
        self.named(&Uuid::now_v7().simple().to_string()).await
    }

    /// A replica that was there before, or will be.
    #[expect(clippy::disallowed_methods, reason = "no app runs here")]
    pub(crate) async fn named(&self, name: &str) -> Replica {
        let (spool, came_late) = (Arc::new(TestSpool::default()), Arc::new(Notify::new()));
        let options = RedisOptions {
            prefix: self.prefix.clone(),
            hold_lifetime: self.hold_lifetime,
            telling: TELLING,
            leases: self.leases,
            replica: name.to_owned(),
            ..RedisOptions::new(self.url.clone())
        };
        let neighbours = RedisNeighbours {
            unrecorded: Arc::<TestSpool>::clone(&spool),
            came_late: Arc::clone(&came_late),
        };
        let engine = Arc::new(RedisEngine::new(&options, neighbours).unwrap());
        let (stop, stopped) = watch::channel(false);
        let runs = Arc::clone(&engine);
        let replica = Replica {
            engine,
            spool,
            came_late,
            stop,
            running: tokio::spawn(async move { runs.run(stopped).await }),
        };
        replica.until_connected().await;
        replica
    }
}

impl Replica {
    pub(crate) fn engine(&self) -> Arc<dyn BudgetEngine> {
        Arc::<RedisEngine>::clone(&self.engine)
    }

    pub(crate) async fn until_connected(&self) {
        let connected = async {
            while !self.engine.is_available() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let connected = tokio::time::timeout(CONNECTED_WITHIN, connected).await;
        connected.expect("Redis is there");
    }

    /// As a start does it, once its spool is in the ledger.
    pub(crate) async fn take_over(&self) -> bool {
        self.engine.take_over_from_earlier().await.unwrap()
    }

    pub(crate) async fn reserve(
        &self,
        number: u32,
        charges: &[Charge],
        amount: i64,
    ) -> Result<Hold, Refusal> {
        let wish = reservation(number, charges, amount);
        self.engine.reserve(&wish).await
    }

    /// Reserves what there is room for.
    pub(crate) async fn hold(&self, number: u32, charges: &[Charge], amount: i64) -> Hold {
        self.reserve(number, charges, amount).await.unwrap()
    }

    /// Ends a hold as the gateway does: its charge is in the spool first.
    pub(crate) fn settle(&self, hold: &Hold, cost: i64) {
        self.spool.0.lock().push(Spending {
            request: hold.request,
            origin: origin(),
            at: NOW,
            cost: usd(cost),
        });
        self.engine.settle(hold, usd(cost));
    }

    /// As SIGTERM does it.
    pub(crate) async fn finish(self) {
        self.stop.send(true).unwrap();
        self.running.await.unwrap();
    }

    /// As `kill -9` does it: from here on it tells nobody anything.
    pub(crate) fn kill(self) {
        self.running.abort();
    }
}

/// The row of a charge.
pub(crate) fn row_of(spending: &Spending) -> Arc<LedgerRow> {
    let origin = spending.origin.clone();
    Arc::new(LedgerRow {
        request: spending.request,
        at: spending.at,
        tenant: origin.tenant,
        key: origin.key,
        session: None,
        tags: origin.tags,
        route: Cow::Borrowed("/v1/chat/completions"),
        provider: origin.provider,
        model: origin.model,
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status: Status::Success,
        reason: None,
        http_status: Some(200),
        streamed: false,
        usage: TokenUsage::default(),
        tier: Tier::Standard,
        price: None,
        cost: spending.cost,
        held: Usd::ZERO,
        basis: Basis::Measured,
        latency_us: 1,
        first_byte_us: None,
        upstream_request_id: None,
        ruling: None,
        objects: ObjectNotes::default(),
    })
}
