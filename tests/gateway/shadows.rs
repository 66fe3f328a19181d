//! Budgets that only count: every caller is served as if they were not there, and they tell what they would
//! have refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::{Call, Dialect};
use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::receiver::{Receiver, SECRET};
use crate::scopes::{TAGS, bill, call, send, tag, until_refused};

fn refusals(scope: &str) -> String {
    format!("budgetguard_shadow_refusals_total{{scope_kind=\"{scope}\",tenant=\"tried\"}}")
}

async fn shadow(gateway: &TestGateway, path: &str, amount: &str) -> Value {
    let budget = json!({"period": "total", "amountUsd": amount, "enforcement": "shadow"});
    let set = gateway
        .admin(Method::POST, path, json!({"budgets": [budget]}))
        .await;
    assert_eq!(set[0]["enforcement"], "shadow");
    set[0].clone()
}

async fn own_budgets(gateway: &TestGateway, tenant: &Tenant) -> Value {
    let asked = gateway.request(Method::GET, "/v1/budget");
    let answer = asked.bearer_auth(&tenant.key).send().await.unwrap();
    answer.json().await.unwrap()
}

/// A tenant with a shadow of each scope, and where those of its own are listed.
struct Tried {
    gateway: TestGateway,
    tenant: Tenant,
    shadows: [(&'static str, String); 3],
}

/// What each of them allows: one call, and not two.
const LIMIT: &str = "0.00014";
const CALLS: u64 = 6;

impl Tried {
    async fn start() -> Self {
        let gateway = Setup::new().start().await;
        let tenant = gateway.tenant("tried").await;
        let of_tenant = format!("/admin/tenant/{}/budgets", tenant.id);
        let of_key = format!("/admin/apikey/{}/budgets", tenant.key_id);
        for path in ["/admin/budgets", &of_tenant, &of_key] {
            shadow(&gateway, path, LIMIT).await;
        }
        let label = tag(&gateway, &tenant, json!({"name": "team"})).await;
        let of_tag = format!("/admin/tenant/{}/tags/{label}/budgets", tenant.id);
        let limit = json!({"period": "total", "amountUsd": LIMIT, "enforcement": "shadow"});
        gateway.admin(Method::POST, &of_tag, limit).await;
        Self {
            gateway,
            tenant,
            shadows: [("tenant", of_tenant), ("key", of_key), ("tag", of_tag)],
        }
    }

    /// Makes the calls, each of which is served.
    async fn served(&self) {
        for _ in 0..CALLS {
            let request = call(100).request(&self.gateway, &self.tenant);
            let answer = request.header(TAGS, "team").send().await.unwrap();
            assert!(answer.status().is_success());
            // No limit bounds the request: there is nothing to tell its caller.
            for header in ["x-budgetguard-remaining-usd", "x-budgetguard-held-usd"] {
                assert!(answer.headers().get(header).is_none(), "{header}");
            }
        }
        self.gateway.assert_nothing_held().await;
    }

    /// How many of the same calls a budget refuses that is enforced.
    async fn refused_by_the_enforced(&self) -> u64 {
        let strict = self.gateway.tenant_with("enforced", LIMIT).await;
        let mut refused = 0;
        for _ in 0..CALLS {
            refused += u64::from(send(&self.gateway, &strict, &call(100), &[]).await.is_err());
        }
        assert!((4..CALLS).contains(&refused), "{refused}");
        refused
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_of_any_scope_refuses_nothing_and_tells_what_it_would_have() {
    let tried = Tried::start().await;
    tried.served().await;
    let gateway = &tried.gateway;
    let everybodys = gateway
        .admin(Method::GET, "/admin/budgets", Value::Null)
        .await;
    assert_eq!(
        nanos(&everybodys[0]["currentUsage"].to_string()),
        bill(gateway)
    );
    let refused = tried.refused_by_the_enforced().await;
    for (scope, path) in &tried.shadows {
        assert_eq!(gateway.metric(&refusals(scope)).await, refused, "{scope}");
        let listed = gateway.admin(Method::GET, path, Value::Null).await;
        assert_eq!(listed[0]["wouldHaveRefused"], refused, "{scope}");
        assert_eq!(listed[0]["enforcement"], "shadow", "{scope}");
    }
    let everybodys = gateway
        .admin(Method::GET, "/admin/budgets", Value::Null)
        .await;
    assert!(everybodys[0]["wouldHaveRefused"].as_u64().unwrap() >= refused);
    assert_eq!(
        nanos(&everybodys[0]["currentUsage"].to_string()),
        bill(gateway)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_told_which_of_their_budgets_only_count() {
    let tried = Tried::start().await;
    let told = own_budgets(&tried.gateway, &tried.tenant).await;
    let limits = told["data"].as_array().unwrap();
    assert!(
        limits.len() >= 3 && limits.iter().all(|limit| limit["enforcement"] == "shadow"),
        "{told}"
    );
    let strict = tried.gateway.tenant_with("enforced", LIMIT).await;
    let told = own_budgets(&tried.gateway, &strict).await;
    assert!(told["data"][0].get("enforcement").is_none(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_that_is_enforced_refuses_from_then_on_by_what_it_counted() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("tried").await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budget = shadow(&gateway, &path, "0.0001").await;
    for _ in 0..4 {
        assert!(send(&gateway, &tenant, &call(100), &[]).await.is_ok());
    }
    gateway.assert_nothing_held().await;
    let change = format!("/admin/budget/{}", budget["id"]);
    let enforced = json!({"enforcement": "enforce"});
    let changed = gateway.admin(Method::PUT, &change, enforced).await;
    assert_eq!(changed["enforcement"], "enforce");
    let refused = send(&gateway, &tenant, &call(100), &[]).await.unwrap_err();
    assert_eq!(refused.status, 402);
    let listed = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(
        nanos(&listed[0]["currentUsage"].to_string()),
        bill(&gateway)
    );
    assert!(listed[0].get("wouldHaveRefused").is_none());
    // And back, with another limit: what is left out stays as it was.
    let shadow = json!({"enforcement": "shadow"});
    gateway.admin(Method::PUT, &change, shadow).await;
    let amount = json!({"amountUsd": "0.0002"});
    let changed = gateway.admin(Method::PUT, &change, amount).await;
    assert_eq!(changed["enforcement"], "shadow");
    assert!(send(&gateway, &tenant, &call(100), &[]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_beside_a_ceiling_changes_nothing_about_it() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("tried", "0.001").await;
    let of_key = format!("/admin/apikey/{}/budgets", tenant.key_id);
    shadow(&gateway, &of_key, "0.00001").await;
    let (spent, refused) = until_refused(&gateway, &tenant, &call(200), &[]).await;
    let scope = refused.header("x-budgetguard-denied-scope");
    assert_eq!(scope, Some("tenant"));
    assert!((800_000..=1_000_000).contains(&spent), "{spent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_does_not_refuse_a_model_that_has_no_price() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("tried").await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    shadow(&gateway, &path, "100").await;
    let mut body = Dialect::OpenAi.body("hello", Some(20), false);
    body["model"] = json!("gpt-of-tomorrow");
    let unknown = Call::to(Dialect::OpenAi, "/v1/chat/completions", &body);
    let answer = send(&gateway, &tenant, &unknown, &[]).await;
    // The stand-in for the provider may not know it either; that is for it to say.
    if let Err(refused) = answer {
        assert!(
            refused.header("x-budgetguard-denied-scope").is_none(),
            "{refused:?}"
        );
        assert!(!refused.message.contains("price"), "{refused:?}");
    }
    assert_eq!(gateway.metric(&refusals("tenant")).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_does_not_refuse_a_request_that_has_no_bound() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("tried").await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    shadow(&gateway, &path, "100").await;
    // The provider searches as often as it likes.
    let mut body = Dialect::Anthropic.body("hello", Some(20), false);
    body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let unbounded = Call::to(Dialect::Anthropic, "/v1/messages", &body);
    let strict = gateway.tenant_with("enforced", "100").await;
    let refused = unbounded.refused(&gateway, &strict).await;
    assert_eq!((refused.status, &*refused.code), (400, "unpriced"));
    assert!(refused.message.contains("any number"), "{refused:?}");
    let answer = unbounded.send(&gateway, &tenant).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(gateway.metric(&refusals("tenant")).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_a_shadow_says_that_it_is_one() {
    let receiver = Receiver::start().await;
    let setup = Setup::new()
        .env("ALERT_WEBHOOK_URL", receiver.url())
        .env("ALERT_WEBHOOK_SECRET", SECRET);
    let gateway = setup.start().await;
    let tenant = gateway.tenant("tried").await;
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budget = json!({
        "period": "total", "amountUsd": "0.00001", "enforcement": "shadow", "alertThresholds": [100],
    });
    gateway
        .admin(Method::POST, &path, json!({"budgets": [budget]}))
        .await;
    assert!(send(&gateway, &tenant, &call(100), &[]).await.is_ok());
    gateway
        .until("the receiver is told", async || {
            !receiver.delivered().is_empty()
        })
        .await;
    let message = receiver.delivered().remove(0).json();
    assert_eq!(message["data"]["enforcement"], "shadow");
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("(shadow total budget)"), "{text}");
}
