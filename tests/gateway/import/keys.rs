//! Imported keys of which only a bcrypt hash is known: what guesses cost, and that they can be revoked.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::import::{KEY, OTHER_KEY, are_known, import, of_name, original, status};
use crate::postgres::Schema;

/// Most keys that are checked or wait for it at once, and some more.
const WRONG_KEYS: usize = 40;
/// A quarter of the work that a check is by the hashes of the original: enough for a line, and bearable
/// where tests share a core.
const COST: u32 = 10;

/// Has the keys that begin alike proved with less work.
async fn make_cheaper(original: &Schema) {
    for (id, key) in [(1, KEY), (2, OTHER_KEY)] {
        let hash = bcrypt::hash(key, COST).unwrap();
        let set = format!("UPDATE \"ApiKey\" SET \"keyHash\" = '{hash}' WHERE id = {id}");
        original.run_inside(&set).await;
    }
}

/// What guesses are answered that come at once and begin as a key does.
async fn guesses(gateway: &TestGateway) -> Vec<u16> {
    let guesses = (0..WRONG_KEYS).map(async |number| {
        let guess = format!("3f9a1c7b{number:056x}");
        status(gateway, &guess).await
    });
    join_all(guesses).await
}

/// Calls of somebody else are served meanwhile.
async fn is_served(gateway: &TestGateway, tenant: &Tenant) {
    let call = Dialect::OpenAi.call("hello", Some(16), false);
    for _ in 0..10 {
        let started = Instant::now();
        call.text(gateway, tenant).await;
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_wait_in_a_short_line_and_stop_nobody_else() {
    let Some(original) = original().await else {
        return;
    };
    make_cheaper(&original).await;
    let gateway = Setup::new().start().await;
    let native = gateway.tenant("native").await;
    import(&gateway, &original);
    are_known(&gateway).await;
    let (answers, ()) = tokio::join!(guesses(&gateway), is_served(&gateway, &native));
    let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!(of(401) + of(503), WRONG_KEYS, "{answers:?}");
    assert!(of(503) > 0, "the line has no end: {answers:?}");
    assert!(of(401) > 0, "{answers:?}");
    assert_eq!(status(&gateway, KEY).await, 200);
    original.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_imported_key_is_revoked_as_any_other() {
    let Some(original) = original().await else {
        return;
    };
    let gateway = Setup::new().start().await;
    import(&gateway, &original);
    are_known(&gateway).await;
    let acme = of_name(&gateway, "acme", KEY).await;
    let path = format!("/admin/tenant/{}/apikeys", acme.id);
    let keys = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(keys[0]["prefix"], "3f9a1c7b");
    let path = format!("/admin/apikey/{}", keys[0]["id"]);
    gateway.admin(Method::DELETE, &path, Value::Null).await;
    assert_eq!(status(&gateway, KEY).await, 401);
    original.drop().await;
}
