//! A gateway on PostgreSQL: the same ledger, and an outage that nobody notices.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::outage::Cable;
use crate::prices::{cost, usd};
pub(crate) use crate::schema::Schema;

/// How long the database is away, unless `BUDGETGUARD_OUTAGE_SECONDS` says otherwise.
const OUTAGE: Duration = Duration::from_secs(4);
const BURST: usize = 30;

#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn outage() -> Duration {
    let asked = std::env::var("BUDGETGUARD_OUTAGE_SECONDS");
    asked.map_or(OUTAGE, |seconds| {
        Duration::from_secs(seconds.parse().unwrap())
    })
}

impl Schema {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn run(&self, statement: &str) {
        self.run_inside(statement).await;
    }

    /// The same schema by way of a cable.
    pub(crate) async fn cable(&self) -> (Cable, String) {
        let config: Config = self.server.parse().unwrap();
        let Some(Host::Tcp(host)) = config.get_hosts().first() else {
            panic!("the server for tests has no address");
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let cable = Cable::to(format!("{host}:{port}")).await;
        let user = config.get_user().unwrap_or("postgres");
        let password = config.get_password().map_or_else(String::new, |password| {
            format!(":{}", String::from_utf8_lossy(password))
        });
        let database = config.get_dbname().unwrap_or("postgres");
        let (address, name) = (cable.address, &self.name);
        let url = format!("postgres://{user}{password}@{address}/{database}?schema={name}");
        (cable, url)
    }
}

async fn is_complete(gateway: &TestGateway) -> bool {
    gateway
        .metric("budgetguard_spool_entries{state=\"waiting\"}")
        .await
        == 0
        && gateway
            .metric("budgetguard_spool_entries{state=\"open\"}")
            .await
            == 0
}

/// Calls side by side, each of which must succeed.
async fn burst(gateway: &TestGateway, tenant: &Tenant) {
    let calls = (0..BURST).map(async |number| {
        let dialect = Dialect::ALL[number % 3];
        let call = dialect.call("[[sim output=20]]", Some(50), number % 2 == 0);
        call.text(gateway, tenant).await
    });
    join_all(calls).await;
}

/// The ledger has each call of the provider, at its price. Tells the sum.
async fn assert_recorded(gateway: &TestGateway, tenant: &Tenant) -> i64 {
    gateway
        .until("the ledger is complete", async || {
            is_complete(gateway).await
        })
        .await;
    let calls = gateway.simulator.calls();
    let costs = calls.iter().map(|call| cost(&call.model, &call.billed));
    let bill: i64 = costs.sum();
    let rows = gateway.ledger(tenant).await;
    assert_eq!(rows.len(), calls.len());
    assert_eq!(rows.iter().map(usd).sum::<i64>(), bill);
    assert_eq!(gateway.standing(tenant).await, (bill, 0));
    bill
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_outage_fails_no_request_and_loses_no_row() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let (cable, url) = schema.cable().await;
    let gateway = Setup::new().env("DATABASE_URL", url).start().await;
    let tenant = gateway.tenant_with("goes on", "100").await;
    burst(&gateway, &tenant).await;
    cable.cut();
    let back = Instant::now() + outage();
    while Instant::now() < back {
        burst(&gateway, &tenant).await;
    }
    cable.restore();
    burst(&gateway, &tenant).await;
    assert_recorded(&gateway, &tenant).await;
    drop(gateway);
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_postgres_is_away_loses_no_row() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let (cable, url) = schema.cable().await;
    let mut gateway = Setup::new().env("DATABASE_URL", url).start().await;
    let tenant = gateway.tenant_with("interrupted", "100").await;
    burst(&gateway, &tenant).await;
    let before = assert_recorded(&gateway, &tenant).await;
    cable.cut();
    burst(&gateway, &tenant).await;
    let slow = Dialect::OpenAi.call("[[sim hang]]", Some(50), false);
    let request = slow.request(&gateway, &tenant);
    let begun = timeout(Duration::from_millis(300), request.send()).await;
    assert!(begun.is_err());
    gateway.kill();
    cable.restore();
    gateway.start().await;
    let rows = gateway.ledger(&tenant).await;
    assert_eq!(rows.len(), 2 * BURST + 1);
    let total: i64 = rows.iter().map(usd).sum();
    assert!(total > 2 * before, "{total} {before}");
    assert_eq!(gateway.standing(&tenant).await, (total, 0));
    drop(gateway);
    schema.drop().await;
}
