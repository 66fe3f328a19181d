//! Two gateways and a queue, with workers that come when they are called.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::outage::Cable;
use crate::postgres::Schema;
use crate::prices::{cost, usd};
use crate::redis_server::RedisServer;
use crate::replicas::{PEPPER, within};
use crate::worker_process::TestWorker;

/// Within this, whatever these tests wait for has come true. How soon a change holds is a matter of `replicas.rs`.
pub(super) const WITHIN: Duration = Duration::from_secs(20);
pub(super) const BURST: usize = 40;
pub(super) const STREAM: &str = "bg_events";
pub(super) const DEAD: &str = "{bg_events}:dead";

/// Two gateways and a queue; workers come when they are called.
pub(super) struct Fleet {
    pub(super) schema: Schema,
    pub(super) database: (Cable, String),
    pub(super) redis: RedisServer,
    pub(super) one: TestGateway,
    pub(super) other: TestGateway,
}

impl Fleet {
    /// Nothing, unless there are servers for tests.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with(|setup| setup).await
    }

    pub(super) async fn start_with(more: impl Fn(Setup) -> Setup) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let schema = Schema::new().await?;
        let database = schema.cable().await;
        let setup = || {
            let setup = Setup::new()
                .env("DATABASE_URL", &database.1)
                .env("KEY_PEPPER", PEPPER)
                .env("REDIS_URL", redis.url())
                .env("USAGE_QUEUE", "redis");
            more(setup)
        };
        let one = setup().start().await;
        let other = setup().start().await;
        Some(Self {
            schema,
            database,
            redis,
            one,
            other,
        })
    }

    pub(super) async fn worker(&self) -> TestWorker {
        TestWorker::start(&self.database.1, &self.redis.url()).await
    }

    /// A worker with a database connection that can be cut.
    pub(super) async fn worker_by_cable(&self) -> (Cable, TestWorker) {
        let (cable, url) = self.schema.cable().await;
        let worker = TestWorker::start(&url, &self.redis.url()).await;
        (cable, worker)
    }

    /// Waits until the second knows all that was changed on the first before.
    async fn is_known(&self) {
        let latest = self.one.tenant(&Uuid::now_v7().to_string()).await;
        within(WITHIN, "a new key", async || {
            let request = self.other.request(Method::GET, "/v1/budget");
            let answer = request.bearer_auth(&latest.key).send().await.unwrap();
            answer.status() == 200
        })
        .await;
    }

    pub(super) async fn tenant(&self, name: &str, usd: &str) -> Tenant {
        let tenant = self.one.tenant_with(name, usd).await;
        self.is_known().await;
        tenant
    }

    fn both(&self) -> [&TestGateway; 2] {
        [&self.one, &self.other]
    }

    /// Calls side by side on both, each of which must succeed.
    pub(super) async fn burst(&self, tenant: &Tenant) {
        let calls = (0..BURST).map(async |number| {
            let dialect = Dialect::ALL[number % 3];
            let call = dialect.call("[[sim output=20]]", Some(50), number % 2 == 0);
            call.text(self.both()[number % 2], tenant).await
        });
        join_all(calls).await;
    }

    /// Waits until both serve a call again.
    pub(super) async fn is_served(&self, tenant: &Tenant) {
        let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
        for gateway in self.both() {
            within(WITHIN, "a request is served", async || {
                call.send(gateway, tenant).await.status() == 200
            })
            .await;
        }
    }

    /// How many calls the providers served, and what they cost.
    pub(super) fn bill(&self) -> (usize, i64) {
        let calls: Vec<_> = self
            .both()
            .iter()
            .flat_map(|it| it.simulator.calls())
            .collect();
        let costs = calls.iter().map(|call| cost(&call.model, &call.billed));
        (calls.len(), costs.sum())
    }

    pub(super) fn queued(&self) -> usize {
        self.redis.run(&["XLEN", STREAM]).parse().unwrap()
    }

    pub(super) fn dead(&self) -> usize {
        self.redis.run(&["XLEN", DEAD]).parse().unwrap()
    }

    pub(super) async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for gateway in self.both() {
            let metric = "budgetguard_spool_entries{state=\"waiting\"}";
            waiting += gateway.metric(metric).await;
        }
        waiting
    }

    /// At least so many: refused requests have rows as well.
    pub(super) async fn is_queued(&self, rows: usize) {
        within(WITHIN, "rows are in the queue", async || {
            self.queued() >= rows
        })
        .await;
    }

    /// Everything that was shipped is written, the stream is trimmed, and the spools are empty.
    async fn is_written(&self) {
        within(WITHIN, "all is written", async || {
            self.queued() == 0 && self.waiting().await == 0
        })
        .await;
    }

    /// The ledger has each call once, at its price, and each budget counts it once.
    pub(super) async fn assert_recorded(&self, tenant: &Tenant) {
        self.is_written().await;
        let (calls, bill) = self.bill();
        let mut rows = self.one.ledger(tenant).await;
        rows.retain(|row| row["status"] != "blocked");
        assert_eq!(rows.len(), calls);
        assert_eq!(rows.iter().map(usd).sum::<i64>(), bill);
        self.assert_spent(tenant, bill).await;
    }

    /// On both gateways, each budget of the tenant stands at this.
    pub(super) async fn assert_spent(&self, tenant: &Tenant, spent: i64) {
        for gateway in self.both() {
            assert_spent(gateway, tenant, spent).await;
        }
    }

    /// A budget more, whose account is opened from what is known then. Both gateways know it.
    pub(super) async fn open(&self, tenant: &Tenant, period: &str) {
        self.open_on_one(tenant, period).await;
        self.is_known().await;
    }

    pub(super) async fn open_on_one(&self, tenant: &Tenant, period: &str) {
        let path = format!("/admin/tenant/{}/budgets", tenant.id);
        let mut budget = json!({"period": period, "amountUsd": "100"});
        if period == "custom" {
            budget["startDate"] = json!("2020-01-01");
            budget["endDate"] = json!("2099-12-31");
        }
        let budgets = json!({"budgets": [budget]});
        self.one.admin(Method::POST, &path, budgets).await;
    }

    pub(super) async fn end(self) {
        drop((self.one, self.other));
        self.schema.drop().await;
    }
}

/// Each budget of the tenant comes to stand at this, when replicas have told each other what they spent of their
/// slices; at no moment is there more.
pub(super) async fn assert_spent(gateway: &TestGateway, tenant: &Tenant, spent: i64) {
    within(WITHIN, "it is spent", async || {
        let standings = standings(gateway, tenant).await;
        let is_more = standings.iter().any(|(counted, _held)| *counted > spent);
        assert!(!is_more, "{standings:?}: {spent}");
        standings.iter().all(|standing| *standing == (spent, 0))
    })
    .await;
}

/// What is spent and held of each budget of a tenant, in nano-USD.
pub(super) async fn standings(gateway: &TestGateway, tenant: &Tenant) -> Vec<(i64, i64)> {
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = gateway.admin(Method::GET, &path, Value::Null).await;
    let standing = |budget: &Value| {
        let spent = budget["currentUsage"].to_string();
        (nanos(&spent), nanos(budget["heldUsd"].as_str().unwrap()))
    };
    budgets.as_array().unwrap().iter().map(standing).collect()
}
