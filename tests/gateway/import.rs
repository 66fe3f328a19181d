//! An installation of the TypeScript BudgetGuard moves in: its keys, its limits, and what it spent.

mod keys;
mod killed;

use reqwest::Method;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::postgres::Schema;

const SCHEMA: &str = include_str!("../fixtures/original/schema.sql");
const DATA: &str = include_str!("../fixtures/original/data.sql");
/// Of the tenant acme.
const KEY: &str = "3f9a1c7be2d04586a1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718";
/// Begins in the same way, of another tenant.
const OTHER_KEY: &str = "3f9a1c7bffffffff000000000000000000000000000000000000000000000000";
/// Was revoked there.
const REVOKED_KEY: &str = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const UPGRADED: &str = "an imported key was used first";

/// The report of an import into a gateway that goes on meanwhile.
fn import(gateway: &TestGateway, original: &Schema) -> Value {
    let done = gateway.run(&["import", "--from", &original.url(), "--json"]);
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{told}");
    serde_json::from_slice(&done.stdout).unwrap()
}

async fn of_name(gateway: &TestGateway, name: &str, key: &str) -> Tenant {
    let tenants = gateway
        .admin(Method::GET, "/admin/tenant", Value::Null)
        .await;
    let tenants = tenants.as_array().unwrap();
    let found = tenants.iter().find(|tenant| tenant["name"] == name);
    Tenant {
        id: found.unwrap()["id"].as_i64().unwrap(),
        key: key.to_owned(),
        key_id: 0,
    }
}

/// The status of a call with a key.
async fn status(gateway: &TestGateway, key: &str) -> u16 {
    let caller = Tenant {
        id: 0,
        key: key.to_owned(),
        key_id: 0,
    };
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    call.send(gateway, &caller).await.status().as_u16()
}

/// A database of the original with rows of every kind; nothing, unless there is a server for tests.
async fn original() -> Option<Schema> {
    let original = Schema::new().await?;
    original.run_inside(SCHEMA).await;
    original.run_inside(DATA).await;
    Some(original)
}

async fn moves_in(setup: Setup) {
    let Some(original) = original().await else {
        return;
    };
    let mut gateway = setup.start().await;
    assert_eq!(status(&gateway, KEY).await, 401);
    let report = import(&gateway, &original);
    assert_eq!(report["spending"]["addsUp"], true, "{report:#}");
    keys_go_on_working(&gateway).await;
    hashes_are_kept(&mut gateway).await;
    spending_counts(&gateway, &original).await;
    original.drop().await;
}

/// No key proves itself by bcrypt once more.
async fn hashes_are_kept(gateway: &mut TestGateway) {
    gateway.kill();
    gateway.start().await;
    assert_eq!(status(gateway, KEY).await, 200);
    let used_first = gateway.log().matches(UPGRADED).count();
    assert_eq!(used_first, 2, "the hashes were kept");
}

async fn are_known(gateway: &TestGateway) {
    gateway
        .until("the keys are known", async || {
            status(gateway, OTHER_KEY).await != 401
        })
        .await;
}

async fn keys_go_on_working(gateway: &TestGateway) {
    are_known(gateway).await;
    let poor = status(gateway, OTHER_KEY).await;
    assert_eq!(poor, 402, "its budget is nothing");
    let acme = of_name(gateway, "acme", KEY).await;
    for dialect in Dialect::ALL {
        let call = dialect.call("hello", Some(16), false);
        call.text(gateway, &acme).await;
    }
    assert_eq!(gateway.ledger_of(&acme, 3).await[0]["tenant"], "acme");
    gateway
        .until("both keys have hashes of ours", async || {
            gateway.log().matches(UPGRADED).count() == 2
        })
        .await;
    other_keys_do_not_work(gateway).await;
}

async fn other_keys_do_not_work(gateway: &TestGateway) {
    assert_eq!(status(gateway, REVOKED_KEY).await, 401);
    let wrong = format!("{}0", KEY.split_at(63).0);
    assert_eq!(status(gateway, &wrong).await, 401);
}

/// Also what was spent there since the first import, at the next one.
async fn spending_counts(gateway: &TestGateway, original: &Schema) {
    original
        .run_inside(
            "INSERT INTO \"UsageLedger\" (id, ts, tenant, route, usd, \"promptTok\", \"compTok\", \
             \"tenantId\", model) VALUES (50, now() AT TIME ZONE 'UTC', 'acme', '/', 8.9999999, \
             1, 1, 2, 'x')",
        )
        .await;
    let again = import(gateway, original);
    assert_eq!(again["kinds"]["ledger"]["imported"], 1, "{again:#}");
    gateway
        .until("what was spent there counts here", async || {
            status(gateway, KEY).await == 402
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_in() {
    moves_in(Setup::new()).await;
}

mod postgres {
    use super::{Schema, Setup, moves_in};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_installation_moves_in() {
        let Some(target) = Schema::new().await else {
            return;
        };
        moves_in(Setup::new().env("DATABASE_URL", target.url())).await;
        target.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_such_database_is_refused_without_its_password() {
    let Some(original) = Schema::new().await else {
        return;
    };
    let gateway = Setup::new().start().await;
    let told = |url: &str| {
        let refused = gateway.run(&["import", "--from", url, "--dry-run"]);
        assert_eq!(refused.status.code(), Some(1));
        String::from_utf8(refused.stderr).unwrap()
    };
    assert!(told(&original.url()).contains("has no table `Tenant`"));
    let dead = told("postgres://someone:a-secret@127.0.0.1:1/db");
    assert!(!dead.contains("a-secret"), "{dead}");
    original.drop().await;
}
