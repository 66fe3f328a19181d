//! What the tests of the admin API start from, and how they look at answers.

use async_trait::async_trait;
use budgetguard::domain::budget::{Hold, Reservation};
use budgetguard::domain::id::{ApiKeyId, ModelName, ProviderName, RequestId, TenantId};
use budgetguard::domain::ledger::{LedgerRow, Status};
use budgetguard::domain::money::Usd;
use budgetguard::domain::object::ObjectNotes;
use budgetguard::domain::pricing::Tier;
use budgetguard::domain::tag::TagShares;
use budgetguard::domain::usage::{Basis, TokenUsage};
use budgetguard::domain::window::{UtcMicros, Window};
use budgetguard::store::driver::{Changes, Driver, MigrationStatus, Transaction};
use budgetguard::store::error::StoreError;
use budgetguard::store::value::{Row, Value as Parameter};
use serde_json::{Value, json};

use crate::installation::{Answer, Installation, NOW};

/// Every admin route, with ids that exist after [`furnished`].
pub(crate) const ROUTES: [(&str, &str); 29] = [
    ("POST", "/admin/tenant"),
    ("GET", "/admin/tenant"),
    ("GET", "/admin/tenant/1"),
    ("PUT", "/admin/tenant/1"),
    ("DELETE", "/admin/tenant/1"),
    ("GET", "/admin/tenant/1/ratelimit"),
    ("PUT", "/admin/tenant/1/ratelimit"),
    ("POST", "/admin/tenant/1/budgets"),
    ("GET", "/admin/tenant/1/budgets"),
    ("POST", "/admin/apikey/1/budgets"),
    ("GET", "/admin/apikey/1/budgets"),
    ("PUT", "/admin/budget/1"),
    ("DELETE", "/admin/budget/1"),
    ("POST", "/admin/tenant/1/apikeys"),
    ("GET", "/admin/tenant/1/apikeys"),
    ("DELETE", "/admin/apikey/1"),
    ("GET", "/admin/model-pricing"),
    ("POST", "/admin/model-pricing"),
    ("PUT", "/admin/model-pricing/gpt-test"),
    ("POST", "/admin/model-pricing/gpt-test/retire"),
    ("GET", "/admin/model-pricing/gpt-test/history"),
    ("GET", "/admin/tenant/1/usage"),
    ("GET", "/admin/tenant/1/usage/history"),
    ("GET", "/admin/tenant/1/usage/models"),
    ("GET", "/admin/tenant/1/usage/ledger"),
    ("GET", "/admin/usage/ledger"),
    ("GET", "/admin/usage/ledger/export"),
    ("GET", "/admin/alerts"),
    ("GET", "/admin/tenant/1/alerts"),
];

/// The routes about what `furnished` has none of: the installation's budgets, tags, sessions, the
/// receiver of alerts, what would have been, and policies of tenants.
pub(crate) const SCOPE_ROUTES: [(&str, &str); 41] = [
    ("POST", "/admin/budgets"),
    ("GET", "/admin/budgets"),
    ("GET", "/admin/budget-health"),
    ("GET", "/admin/usage/breakdown"),
    (
        "GET",
        "/admin/usage/ledger/019bc4a2-7c00-7000-8000-000000000000",
    ),
    ("GET", "/admin/status"),
    ("POST", "/admin/tenant/1/tags"),
    ("GET", "/admin/tenant/1/tags"),
    ("GET", "/admin/tenant/1/tags/1"),
    ("PUT", "/admin/tenant/1/tags/1"),
    ("DELETE", "/admin/tenant/1/tags/1"),
    ("PATCH", "/admin/tenant/1/tags/1/activate"),
    ("PATCH", "/admin/tenant/1/tags/1/deactivate"),
    ("POST", "/admin/tenant/1/tags/1/budgets"),
    ("GET", "/admin/tenant/1/tags/1/budgets"),
    ("GET", "/admin/tenant/1/tag-analytics"),
    ("POST", "/admin/tenant/1/tagging-rules"),
    ("GET", "/admin/tenant/1/tagging-rules"),
    ("PUT", "/admin/tenant/1/tagging-rules/1"),
    ("DELETE", "/admin/tenant/1/tagging-rules/1"),
    ("GET", "/admin/apikey/1/ratelimit"),
    ("PUT", "/admin/apikey/1/ratelimit"),
    ("PUT", "/admin/budget/tag/1"),
    ("DELETE", "/admin/budget/tag/1"),
    ("GET", "/admin/tenant/1/sessions"),
    ("GET", "/admin/sessions/chat/usage"),
    ("GET", "/admin/tenant/1/sessions/chat/budget"),
    ("PUT", "/admin/tenant/1/sessions/chat/budget"),
    ("DELETE", "/admin/tenant/1/sessions/chat/budget"),
    ("GET", "/admin/tenant/1/default-session-budget"),
    ("PUT", "/admin/tenant/1/default-session-budget"),
    ("DELETE", "/admin/tenant/1/default-session-budget"),
    ("POST", "/admin/alerts/test"),
    ("POST", "/admin/whatif"),
    ("POST", "/admin/tenant/1/policy-bundles"),
    ("GET", "/admin/tenant/1/policy-bundles"),
    ("GET", "/admin/tenant/1/policy-bundles/1"),
    ("POST", "/admin/tenant/1/policy-bundles/1/activate"),
    ("POST", "/admin/tenant/1/policy-bundles/1/test"),
    ("POST", "/admin/tenant/1/policy-bundles/rollback"),
    ("POST", "/admin/tenant/1/policy-bundles/deactivate"),
];

/// The routes about who may use the others; logging in asks for nothing and is not among them.
pub(crate) const ACCESS_ROUTES: [(&str, &str); 9] = [
    ("GET", "/admin/session"),
    ("DELETE", "/admin/session"),
    ("PUT", "/admin/session/password"),
    ("GET", "/admin/users"),
    ("POST", "/admin/users"),
    ("GET", "/admin/users/1"),
    ("PUT", "/admin/users/1"),
    ("DELETE", "/admin/users/1"),
    ("GET", "/admin/audit"),
];

/// A tenant `acme` with a key, a daily budget of $10 and the price of `gpt-test`: all with id 1.
pub(crate) async fn furnished() -> Installation {
    let installation = Installation::new().await;
    furnish(&installation).await;
    installation
}

/// Makes all that and gives the key.
pub(crate) async fn furnish(installation: &Installation) -> String {
    let tenant = json!({"name": "acme"});
    installation.post("/admin/tenant", tenant).await;
    let key = json!({"name": "ci"});
    let key = installation.post("/admin/tenant/1/apikeys", key).await;
    let budgets = json!({"budgets": [{"period": "daily", "amountUsd": 10}]});
    installation.post("/admin/tenant/1/budgets", budgets).await;
    installation
        .post("/admin/model-pricing", price("gpt-test"))
        .await;
    key["key"].as_str().unwrap().to_owned()
}

pub(crate) fn price(model: &str) -> Value {
    json!({
        "model": model, "versionTag": "v1", "inputPrice": 2.5, "cachedInputPrice": "0.01875",
        "outputPrice": 10, "provider": "openai",
    })
}

pub(crate) fn row(number: u8, at: UtcMicros, model: &str, nanos: i64) -> LedgerRow {
    LedgerRow {
        request: RequestId::new(at, [number; 10]),
        at,
        tenant: TenantId(1),
        key: ApiKeyId(1),
        session: None,
        tags: TagShares::new(),
        route: "/v1/chat/completions".into(),
        provider: ProviderName::new("openai"),
        model: ModelName::new(model),
        model_asked: None,
        attempt_of: None,
        model_served: None,
        status: Status::Success,
        reason: None,
        http_status: Some(200),
        streamed: false,
        usage: TokenUsage {
            input: 10,
            cached_input: 5,
            output: 7,
            ..TokenUsage::default()
        },
        tier: Tier::Standard,
        price: None,
        cost: Usd::from_nanos(nanos),
        held: Usd::from_nanos(nanos),
        basis: Basis::Measured,
        latency_us: 1_500,
        first_byte_us: None,
        upstream_request_id: None,
        ruling: None,
        objects: ObjectNotes::default(),
    }
}

/// Holds money for a request of the key 1, as the gateway does.
pub(crate) async fn hold(installation: &Installation, number: u8, nanos: i64) -> Hold {
    let snapshot = installation.state.catalog.snapshot();
    let origin = row(number, NOW, "gpt-5", nanos).origin();
    let reservation = Reservation {
        request: RequestId::new(NOW, [number; 10]),
        at: NOW,
        charges: snapshot.charges(&snapshot.tenants[&TenantId(1)], &origin, NOW),
        origin,
        wanted: Usd::from_nanos(nanos),
        at_least: Usd::from_nanos(nanos),
    };
    let held = installation.state.engine.reserve(&reservation).await;
    held.unwrap()
}

pub(crate) fn assert_refused(answer: &Answer, status: u16, reason: &str, what: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
    assert!(
        answer.error().contains(reason),
        "{what}: `{}` does not say `{reason}`",
        answer.text
    );
    let fields = answer.json().as_object().unwrap().len();
    assert_eq!(fields, 1, "{what}: {}", answer.text);
}

/// Method, path, body, and the status and the reason of the refusal.
pub(crate) type Refused = (&'static str, &'static str, &'static str, u16, &'static str);

/// Asks with the admin key; each request must be refused.
pub(crate) async fn assert_all_refused(installation: &Installation, requests: &[Refused]) {
    for (method, path, body, status, reason) in requests {
        let answer = installation.call(method, path, *body).await;
        assert_refused(&answer, *status, reason, &format!("{method} {path} {body}"));
    }
}

/// Compares the fields that are named and no others.
pub(crate) fn assert_fields(actual: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&actual[name], value, "`{name}` of {actual}");
    }
}

pub(crate) const CAUSE: &str = "no route to db.internal for user postgres";

/// A database that is away.
#[derive(Debug)]
pub(crate) struct Away;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(CAUSE.to_owned()))
}

#[async_trait]
impl Driver for Away {
    fn name(&self) -> &'static str {
        "away"
    }

    async fn query(&self, _sql: &'static str, _: &[Parameter]) -> Result<Vec<Row>, StoreError> {
        away()
    }

    async fn execute(&self, _sql: &'static str, _: &[Parameter]) -> Result<u64, StoreError> {
        away()
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        away()
    }

    async fn begin_read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        away()
    }

    async fn drop_month(&self, _: Window, _: u64) -> Result<Box<dyn Transaction>, StoreError> {
        away()
    }

    async fn listen(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        away()
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        away()
    }

    async fn migration_status(&self) -> Result<MigrationStatus, StoreError> {
        away()
    }

    async fn reset(&self) -> Result<(), StoreError> {
        away()
    }
}
