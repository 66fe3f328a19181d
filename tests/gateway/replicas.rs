//! Two gateways on one PostgreSQL: what is changed on one holds on the other within a second.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::gateway::{ADMIN_KEY, Setup, Tenant, TestGateway};
use crate::outage::Cable;
use crate::postgres::Schema;

/// Within this, a change holds on every replica.
pub(crate) const CHANGE_HOLDS_WITHIN: Duration = Duration::from_secs(1);
/// Within this, a gateway whose database is back can change something again.
const BACK_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);
pub(crate) const PEPPER: &str = "the-pepper-that-both-replicas-share";

pub(crate) struct Replicas {
    schema: Schema,
    cable: Cable,
    pub(crate) one: TestGateway,
    pub(crate) other: TestGateway,
}

impl Replicas {
    /// Nothing, unless there is a server for tests.
    pub(crate) async fn start() -> Option<Self> {
        let schema = Schema::new().await?;
        let (cable, url) = schema.cable().await;
        let setup = || {
            Setup::new()
                .env("DATABASE_URL", &url)
                .env("KEY_PEPPER", PEPPER)
        };
        let one = setup().start().await;
        let other = setup().start().await;
        Some(Self {
            schema,
            cable,
            one,
            other,
        })
    }

    /// A tenant of the first that the second knows as well.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let tenant = self.one.tenant(name).await;
        let status = async || status(&self.other, &tenant, &[]).await;
        within(CHANGE_HOLDS_WITHIN, "a new key", async || {
            status().await == 200
        })
        .await;
        tenant
    }

    /// Takes a key away on the first; the second must refuse it in time.
    async fn assert_a_revoked_key_is_refused(&self, name: &str) {
        let tenant = self.tenant(name).await;
        let path = format!("/admin/apikey/{}", tenant.key_id);
        self.one.admin(Method::DELETE, &path, Value::Null).await;
        let status = async || status(&self.other, &tenant, &[]).await;
        within(CHANGE_HOLDS_WITHIN, "a revoked key", async || {
            status().await == 401
        })
        .await;
    }

    pub(crate) async fn end(self) {
        drop((self.one, self.other));
        self.schema.drop().await;
    }
}

async fn status(gateway: &TestGateway, tenant: &Tenant, tags: &[&str]) -> u16 {
    let call = Dialect::OpenAi.call("hello [[sim output=5]]", Some(5), false);
    let mut request = call.request(gateway, tenant);
    if !tags.is_empty() {
        request = request.header("x-tags", tags.join(","));
    }
    request.send().await.unwrap().status().as_u16()
}

pub(crate) async fn within(time: Duration, what: &str, is_true: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + time;
    while !is_true().await {
        assert!(Instant::now() < deadline, "{what}: not within {time:?}");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_budgets_and_tags_of_one_replica_hold_on_the_other_within_a_second() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let tenant = replicas.tenant("shared").await;
    let path = format!("/admin/tenant/{}", tenant.id);
    let set = async |what: &str, body: Value| {
        let path = format!("{path}/{what}");
        replicas.one.admin(Method::POST, &path, body).await
    };
    let other = async |tags: &[&str]| status(&replicas.other, &tenant, tags).await;

    assert_eq!(other(&["project"]).await, 400, "nobody has made the tag");
    set("tags", json!({"name": "project"})).await;
    within(CHANGE_HOLDS_WITHIN, "a tag", async || {
        other(&["project"]).await == 200
    })
    .await;
    for (amount, expected) in [("0", 402), ("1", 200)] {
        let budgets = json!({"budgets": [{"period": "total", "amountUsd": amount}]});
        set("budgets", budgets).await;
        within(CHANGE_HOLDS_WITHIN, "a budget", async || {
            other(&[]).await == expected
        })
        .await;
    }
    replicas.assert_a_revoked_key_is_refused("revoked").await;
    replicas.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_serve_while_postgres_is_away_and_hear_of_changes_when_it_is_back() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let tenant = replicas.tenant("served").await;
    replicas.cable.cut();
    let away_until = Instant::now() + 3 * CHANGE_HOLDS_WITHIN;
    while Instant::now() < away_until {
        assert_eq!(status(&replicas.other, &tenant, &[]).await, 200);
    }
    replicas.cable.restore();
    within(BACK_WITHIN, "an admin route", async || {
        let request = replicas.one.request(Method::GET, "/admin/tenant");
        let answer = request.header("x-admin-key", ADMIN_KEY).send().await;
        answer.unwrap().status().is_success()
    })
    .await;
    replicas.assert_a_revoked_key_is_refused("revoked").await;
    replicas.end().await;
}
