//! Gateways that leave the writing to workers (`USAGE_QUEUE=redis`): every call has its one row, budgets
//! count it once at every moment, and what cannot be written is in nobody's way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use budgetguard::queue::{Queue, QueueOptions};
use budgetguard::store::Store;
use budgetguard::store::postgres::Postgres;
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
use crate::replicas::{CHANGE_HOLDS_WITHIN, PEPPER, within};
use crate::worker_process::TestWorker;

/// Within this, what is in the queue is in the ledger, and known to be there.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);
/// Within this, replicas have told each other what they spent of their slices.
const TOLD_WITHIN: Duration = Duration::from_secs(3);
const BURST: usize = 40;
const STREAM: &str = "bg_events";
const DEAD: &str = "{bg_events}:dead";

/// Two gateways and a queue; workers come when they are called.
struct Fleet {
    schema: Schema,
    database: (Cable, String),
    redis: RedisServer,
    one: TestGateway,
    other: TestGateway,
}

impl Fleet {
    /// Nothing, unless there are servers for tests.
    async fn start() -> Option<Self> {
        Self::start_with(|setup| setup).await
    }

    async fn start_with(more: impl Fn(Setup) -> Setup) -> Option<Self> {
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

    async fn worker(&self) -> TestWorker {
        TestWorker::start(&self.database.1, &self.redis.url()).await
    }

    /// A worker with a database connection that can be cut.
    async fn worker_by_cable(&self) -> (Cable, TestWorker) {
        let (cable, url) = self.schema.cable().await;
        let worker = TestWorker::start(&url, &self.redis.url()).await;
        (cable, worker)
    }

    /// Waits until the second knows all that was changed on the first before.
    async fn is_known(&self) {
        let latest = self.one.tenant(&Uuid::now_v7().to_string()).await;
        within(CHANGE_HOLDS_WITHIN * 3, "a new key", async || {
            let request = self.other.request(Method::GET, "/v1/budget");
            let answer = request.bearer_auth(&latest.key).send().await.unwrap();
            answer.status() == 200
        })
        .await;
    }

    async fn tenant(&self, name: &str, usd: &str) -> Tenant {
        let tenant = self.one.tenant_with(name, usd).await;
        self.is_known().await;
        tenant
    }

    fn both(&self) -> [&TestGateway; 2] {
        [&self.one, &self.other]
    }

    /// Calls side by side on both, each of which must succeed.
    async fn burst(&self, tenant: &Tenant) {
        let calls = (0..BURST).map(async |number| {
            let dialect = Dialect::ALL[number % 3];
            let call = dialect.call("[[sim output=20]]", Some(50), number % 2 == 0);
            call.text(self.both()[number % 2], tenant).await
        });
        join_all(calls).await;
    }

    /// Waits until both serve a call again.
    async fn is_served(&self, tenant: &Tenant) {
        let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
        for gateway in self.both() {
            within(WRITTEN_WITHIN, "a request is served", async || {
                call.send(gateway, tenant).await.status() == 200
            })
            .await;
        }
    }

    /// How many calls the providers served, and what they cost.
    fn bill(&self) -> (usize, i64) {
        let calls: Vec<_> = self
            .both()
            .iter()
            .flat_map(|it| it.simulator.calls())
            .collect();
        let costs = calls.iter().map(|call| cost(&call.model, &call.billed));
        (calls.len(), costs.sum())
    }

    fn queued(&self) -> usize {
        self.redis.run(&["XLEN", STREAM]).parse().unwrap()
    }

    fn dead(&self) -> usize {
        self.redis.run(&["XLEN", DEAD]).parse().unwrap()
    }

    async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for gateway in self.both() {
            let metric = "budgetguard_spool_entries{state=\"waiting\"}";
            waiting += gateway.metric(metric).await;
        }
        waiting
    }

    /// At least so many: refused requests have rows as well.
    async fn is_queued(&self, rows: usize) {
        within(WRITTEN_WITHIN, "rows are in the queue", async || {
            self.queued() >= rows
        })
        .await;
    }

    /// Everything that was shipped is written, the stream is trimmed, and the spools are empty.
    async fn is_written(&self) {
        within(WRITTEN_WITHIN, "all is written", async || {
            self.queued() == 0 && self.waiting().await == 0
        })
        .await;
    }

    /// The ledger has each call once, at its price, and each budget counts it once.
    async fn assert_recorded(&self, tenant: &Tenant) {
        self.is_written().await;
        let (calls, bill) = self.bill();
        let mut rows = self.one.ledger(tenant).await;
        rows.retain(|row| row["status"] != "blocked");
        assert_eq!(rows.len(), calls);
        assert_eq!(rows.iter().map(usd).sum::<i64>(), bill);
        self.assert_spent(tenant, bill).await;
    }

    /// On both gateways, each budget of the tenant stands at this.
    async fn assert_spent(&self, tenant: &Tenant, spent: i64) {
        for gateway in self.both() {
            let deadline = Instant::now() + TOLD_WITHIN;
            let is_other = |standing: &(i64, i64)| *standing != (spent, 0);
            let mut standings = standings(gateway, tenant).await;
            while standings.iter().any(is_other) && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(10)).await;
                standings = self::standings(gateway, tenant).await;
            }
            assert!(!standings.iter().any(is_other), "{standings:?}: {spent}");
        }
    }

    /// A budget more, whose account is opened from what is known then.
    async fn open(&self, tenant: &Tenant, period: &str) {
        let path = format!("/admin/tenant/{}/budgets", tenant.id);
        let mut budget = json!({"period": period, "amountUsd": "100"});
        if period == "custom" {
            budget["startDate"] = json!("2020-01-01");
            budget["endDate"] = json!("2099-12-31");
        }
        let budgets = json!({"budgets": [budget]});
        self.one.admin(Method::POST, &path, budgets).await;
        self.is_known().await;
    }

    async fn end(self) {
        drop((self.one, self.other));
        self.schema.drop().await;
    }
}

/// What is spent and held of each budget of a tenant, in nano-USD.
async fn standings(gateway: &TestGateway, tenant: &Tenant) -> Vec<(i64, i64)> {
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = gateway.admin(Method::GET, &path, Value::Null).await;
    let standing = |budget: &Value| {
        let spent = budget["currentUsage"].to_string();
        (nanos(&spent), nanos(budget["heldUsd"].as_str().unwrap()))
    };
    budgets.as_array().unwrap().iter().map(standing).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_write_each_call_of_two_gateways_once() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("shared", "100").await;
    let mut workers = [fleet.worker().await, fleet.worker().await];
    for _ in 0..3 {
        fleet.burst(&tenant).await;
    }
    fleet.assert_recorded(&tenant).await;
    let mut written = 0;
    for worker in &mut workers {
        assert!(worker.is_healthy());
        let health = worker.health().await;
        let well = json!({"ok": true, "dependencies": {"database": true, "redis": true}});
        assert_eq!(health, well);
        written += worker.metric("budgetguard_ledger_rows_written_total").await;
        assert_eq!(worker.metric("budgetguard_queue_available").await, 1);
        assert!(worker.stop().await.success());
    }
    assert_eq!(written, 3 * BURST as u64);
    let shipped = fleet.one.metric("budgetguard_queue_shipped_total").await;
    assert_eq!(shipped, 3 * BURST as u64 / 2);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_worker_can_be_read_and_is_told() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("patient", "100").await;
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    let request = call
        .request(&fleet.one, &tenant)
        .header("x-session-id", "s-1");
    assert_eq!(request.send().await.unwrap().status(), 200);
    fleet.is_queued(1).await;
    let entry = fleet.redis.run(&["XRANGE", STREAM, "-", "+"]);
    let fields: Vec<&str> = entry.lines().collect();
    let field = |name: &str| {
        let at = fields.iter().position(|field| *field == name).unwrap();
        fields[at + 1]
    };
    let (_, bill) = fleet.bill();
    assert_eq!(field("tenant"), "patient");
    assert_eq!(field("route"), "/v1/chat/completions");
    assert_eq!(
        (field("model"), field("status")),
        ("gpt-4o-mini", "success")
    );
    assert_eq!((field("compTok"), field("sessionId")), ("20", "s-1"));
    assert!((nanos(field("usd")) - bill).abs() <= 500, "{entry}");
    let told = async |name: &str| fleet.one.metric(name).await;
    within(WRITTEN_WITHIN, "it is told", async || {
        told("budgetguard_queue_entries").await == 1
            && told("budgetguard_queue_oldest_seconds").await >= 1
    })
    .await;
    assert_eq!(fleet.waiting().await, 1);
    assert_eq!(fleet.one.ledger(&tenant).await.len(), 0);
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_lose_and_double_nothing() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("unlucky", "100").await;
    let mut workers = [fleet.worker().await, fleet.worker().await];
    for number in 0..6 {
        let killing = async {
            tokio::time::sleep(Duration::from_millis(150 + 40 * number)).await;
            let worker = &mut workers[usize::try_from(number % 2).unwrap()];
            worker.kill();
            worker.start_again().await;
        };
        tokio::join!(fleet.burst(&tenant), killing);
    }
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_that_are_opened_while_rows_are_in_the_queue_count_each_once() {
    for leases in ["false", "true"] {
        let leased = |setup: Setup| setup.env("REDIS_LEASES", leases);
        let Some(fleet) = Fleet::start_with(leased).await else {
            return;
        };
        let tenant = fleet.tenant("opens", "100").await;
        fleet.burst(&tenant).await;
        fleet.is_queued(BURST).await;
        let (_, bill) = fleet.bill();
        fleet.open(&tenant, "monthly").await;
        fleet.assert_spent(&tenant, bill).await;

        // While workers write.
        let worker = fleet.worker().await;
        for period in ["custom", "weekly"] {
            fleet.open(&tenant, period).await;
            fleet.assert_spent(&tenant, bill).await;
        }
        fleet.assert_recorded(&tenant).await;
        drop(worker);

        // Afterwards, with some in the ledger and some not.
        fleet.burst(&tenant).await;
        fleet.is_queued(BURST).await;
        let (_, bill) = fleet.bill();
        fleet.open(&tenant, "daily").await;
        fleet.assert_spent(&tenant, bill).await;
        let _worker = fleet.worker().await;
        fleet.assert_recorded(&tenant).await;
        fleet.end().await;
    }
}

/// The queue as a worker has it.
fn queue(fleet: &Fleet) -> Queue {
    Queue::new(&QueueOptions {
        url: fleet.redis.url(),
        prefix: "bg".to_owned(),
        answer_within: Duration::from_secs(1),
        entries_max: 1_000,
        reclaim_after: Duration::from_mins(1),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_wrote_before_it_died_without_saying_so_counts_once() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("half", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    let queue = queue(&fleet);
    queue.begin().await.unwrap();
    let taken = queue.take("dies", BURST / 2).await.unwrap();
    let rows: Vec<_> = taken.iter().map(|it| it.row.clone().unwrap()).collect();
    assert_eq!(rows.len(), BURST / 2);
    let postgres = Postgres::open(&fleet.database.1, 1).unwrap();
    let store = Store::new(Arc::new(postgres));
    assert_eq!(store.append(&rows).await.unwrap(), BURST / 2);
    // Half of the rows are in the ledger, all in the queue, the spools and the books.
    assert_eq!(fleet.queued(), BURST);
    fleet.open(&tenant, "monthly").await;
    fleet.assert_spent(&tenant, bill).await;
    fleet.one.kill();
    fleet.one.start().await;
    fleet.open(&tenant, "custom").await;
    fleet.assert_spent(&tenant, bill).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_gateway_that_is_gone_with_its_disk_are_written() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("diskless", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    fleet.other.kill();
    let spent = async || standings(&fleet.one, &tenant).await;
    let _worker = fleet.worker().await;
    within(WRITTEN_WITHIN, "all is written", async || {
        fleet.queued() == 0 && fleet.one.ledger(&tenant).await.len() == BURST
    })
    .await;
    within(TOLD_WITHIN, "it is spent", async || {
        spent().await == [(bill, 0)]
    })
    .await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = json!({"budgets": [{"period": "monthly", "amountUsd": "100"}]});
    fleet.one.admin(Method::POST, &path, budgets).await;
    assert_eq!(spent().await, [(bill, 0), (bill, 0)]);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_its_database_loses_nothing_and_a_full_queue_leaves_rows_in_the_spool() {
    let small = |setup: Setup| {
        setup
            .set("ledger.queue_entries_max", "30")
            .set("ledger.batch_rows_max", "10")
    };
    let Some(fleet) = Fleet::start_with(small).await else {
        return;
    };
    let tenant = fleet.tenant("waits", "100").await;
    let (cable, mut worker) = fleet.worker_by_cable().await;
    fleet.burst(&tenant).await;
    fleet.assert_recorded(&tenant).await;
    cable.cut();
    for _ in 0..3 {
        fleet.burst(&tenant).await;
    }
    within(WRITTEN_WITHIN, "the queue is full", async || {
        fleet.one.metric("budgetguard_queue_full_total").await > 0
            && fleet.other.metric("budgetguard_queue_full_total").await > 0
    })
    .await;
    let queued = fleet.queued();
    assert!((30..=50).contains(&queued), "{queued}");
    assert_eq!(fleet.waiting().await, 3 * BURST as u64);
    assert!(worker.is_healthy(), "it waits, and is not stuck");
    assert_eq!(worker.health().await["ok"], false);
    // It leaves what it cannot write for another.
    assert!(worker.stop().await.success());
    cable.restore();
    worker.start_again().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_loses_is_shipped_once_more() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("forgotten", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    fleet.redis.run(&["FLUSHALL"]);
    fleet.is_queued(BURST).await;
    fleet.is_served(&tenant).await;
    fleet.is_queued(BURST + 2).await;
    fleet.assert_spent(&tenant, fleet.bill().1).await;
    // A server that comes back without its data.
    fleet.redis.kill();
    fleet.redis.start_again().await;
    fleet.is_queued(BURST + 2).await;
    fleet.is_served(&tenant).await;
    fleet.assert_spent(&tenant, fleet.bill().1).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.redis.run(&["FLUSHALL"]);
    fleet.is_served(&tenant).await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_while_its_rows_are_queued_has_each_once() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("restarts", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let (_, bill) = fleet.bill();
    fleet.one.kill();
    // It writes what is in its spool before it serves.
    fleet.one.start().await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), BURST / 2);
    fleet.assert_spent(&tenant, bill).await;
    // So it does when it stops.
    fleet.other.terminate();
    assert!(fleet.other.ended().await.success());
    fleet.other.start().await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), BURST);
    fleet.assert_spent(&tenant, bill).await;
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

/// What `worker dead-letters` prints.
fn dead_letters(fleet: &Fleet, arguments: &[&str]) -> String {
    let output = fleet
        .one
        .run(&[&["worker", "dead-letters"], arguments].concat());
    let (out, err) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{err}");
    String::from_utf8(out).unwrap()
}

/// The ids of dead letters, oldest first.
fn dead_ids(fleet: &Fleet) -> Vec<String> {
    let entries = fleet.redis.run(&["XRANGE", DEAD, "-", "+"]);
    let is_id = |line: &&str| {
        let parts = line.split_once('-');
        parts.is_some_and(|(millis, number)| {
            millis.len() == 13 && millis.parse::<u64>().is_ok() && number.parse::<u64>().is_ok()
        })
    };
    entries.lines().filter(is_id).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_cannot_be_read_are_in_nobodys_way() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("neighbour", "100").await;
    for fields in [
        &["hello", "world"][..],
        &["form", "2", "request", "nobody's", "row", "x"],
        &["form", "99", "gateway", "newer", "row", "x"],
    ] {
        let add = [&["XADD", STREAM, "*"], fields].concat();
        fleet.redis.run(&add);
    }
    fleet.burst(&tenant).await;
    let worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    within(WRITTEN_WITHIN, "it is told", async || {
        worker.metric("budgetguard_queue_dead_letters").await == 3
            && fleet.one.metric("budgetguard_queue_dead_letters").await == 3
    })
    .await;
    assert_eq!(worker.metric("budgetguard_queue_buried_total").await, 3);
    let listed = dead_letters(&fleet, &["list"]);
    assert!(listed.contains("it has no `form`"), "{listed}");
    let ids = dead_ids(&fleet);
    let shown = dead_letters(&fleet, &["show", &ids[2]]);
    assert!(
        shown.contains("gateway: newer") && shown.contains("has the form `99`"),
        "{shown}"
    );
    dead_letters(&fleet, &["remove", &ids[0]]);
    assert_eq!(fleet.dead(), 2);
    // They are no better than before.
    dead_letters(&fleet, &["replay", "--all"]);
    within(WRITTEN_WITHIN, "they are back", async || {
        fleet.dead() == 2 && fleet.queued() == 0 && !dead_ids(&fleet).contains(&ids[1])
    })
    .await;
    let unknown = fleet.one.run(&["worker", "dead-letters", "show", "1-1"]);
    assert!(!unknown.status.success());
    fleet.end().await;
}

/// From now on the ledger refuses rows of a session.
async fn refuse(schema: &Schema, session: &str) {
    let name = schema.name();
    schema
        .run(&format!(
            "CREATE FUNCTION {name}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'not this one' USING ERRCODE = '22023'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON {name}.usage_ledger FOR EACH ROW \
             WHEN (NEW.session = '{session}') EXECUTE FUNCTION {name}.refuse()"
        ))
        .await;
}

async fn accept_all(schema: &Schema) {
    let name = schema.name();
    schema
        .run(&format!("DROP TRIGGER refuse ON {name}.usage_ledger"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_ledger_refuses_is_kept_counted_and_replayed() {
    let Some(mut fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("refused", "100").await;
    refuse(&fleet.schema, "poison").await;
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    for _ in 0..2 {
        let request = call.request(&fleet.one, &tenant);
        let request = request.header("x-session-id", "poison");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    fleet.burst(&tenant).await;
    let _worker = fleet.worker().await;
    let (calls, bill) = fleet.bill();
    within(WRITTEN_WITHIN, "the others are written", async || {
        fleet.queued() == 0 && fleet.dead() == 2 && fleet.waiting().await == 2
    })
    .await;
    assert_eq!(fleet.one.ledger(&tenant).await.len(), calls - 2);
    let listed = dead_letters(&fleet, &["list"]);
    assert!(listed.contains("not this one"), "{listed}");
    assert!(
        listed.contains("refused") && listed.contains("gpt-4o-mini"),
        "{listed}"
    );
    // They were spent, whatever the ledger says.
    fleet.open(&tenant, "monthly").await;
    fleet.assert_spent(&tenant, bill).await;
    // They keep nobody from a restart; what is in the spool is tried, and put away, once more.
    fleet.one.terminate();
    assert!(fleet.one.ended().await.success());
    fleet.one.start().await;
    within(WRITTEN_WITHIN, "they are put away again", async || {
        fleet.dead() == 4 && fleet.queued() == 0
    })
    .await;
    fleet.assert_spent(&tenant, bill).await;
    accept_all(&fleet.schema).await;
    let ids = dead_ids(&fleet);
    let said = dead_letters(&fleet, &["replay", &ids[0]]);
    assert!(said.contains("1 dead letters"), "{said}");
    within(WRITTEN_WITHIN, "it is written", async || {
        fleet.dead() == 3 && fleet.waiting().await == 1
    })
    .await;
    dead_letters(&fleet, &["replay", "--all"]);
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_a_worker_that_somebody_deleted_are_written_all_the_same() {
    let Some(fleet) = Fleet::start().await else {
        return;
    };
    let tenant = fleet.tenant("deleted", "100").await;
    fleet.burst(&tenant).await;
    fleet.is_queued(BURST).await;
    let group = fleet
        .redis
        .run(&["XGROUP", "CREATE", STREAM, "ledger", "0"]);
    assert_eq!(group, "OK");
    let take = [
        "XREADGROUP",
        "GROUP",
        "ledger",
        "gone",
        "STREAMS",
        STREAM,
        ">",
    ];
    fleet.redis.run(&take);
    let pending = fleet
        .redis
        .run(&["XGROUP", "DELCONSUMER", STREAM, "ledger", "gone"]);
    assert_eq!(pending, BURST.to_string());
    let _worker = fleet.worker().await;
    fleet.assert_recorded(&tenant).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_what_it_needs() {
    let gateway = Setup::new().start().await;
    for (name, said) in [("worker", "redis.url"), ("serve", "needs redis.url")] {
        let output = gateway.run_with(&[name], &[("USAGE_QUEUE", "redis")]);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}
