//! Tags that rules ask for.

use serde_json::{Value, json};

use super::Rules;
use crate::dialect::{Call, Dialect};
use crate::gateway::{Tenant, TestGateway};
use crate::realtime_support::{Caller, RealtimeProvider};
use crate::scopes::tag;

fn required() -> Rules {
    Rules::deciding(&json!({"allow": true, "tags_required": ["team", "project"]}))
}

async fn tagged(
    gateway: &TestGateway,
    tenant: &Tenant,
    call: &Call,
    tags: &str,
) -> reqwest::Response {
    let request = call.request(gateway, tenant).header("x-tags", tags);
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_the_tags_of_rules_is_refused_by_their_names() {
    let rules = required();
    let gateway = rules.setup().start().await;
    let tenant = gateway.tenant_with("tagged", "1").await;
    let team = tag(&gateway, &tenant, json!({"name": "team"})).await;
    tag(&gateway, &tenant, json!({"name": "project"})).await;
    tag(
        &gateway,
        &tenant,
        json!({"name": "vision", "parentId": team}),
    )
    .await;
    for (count, dialect) in (1..).zip(Dialect::ALL) {
        let call = dialect.call("hello", Some(9), false);
        let refused = call.refused(&gateway, &tenant).await;
        assert_eq!((refused.status, &*refused.code), (403, "tags_required"));
        for name in ["`project`", "`team`"] {
            assert!(refused.message.contains(name), "{refused:?}");
        }
        let half = tagged(&gateway, &tenant, &call, "project").await;
        let refused = dialect.refused(half).await;
        assert!(refused.message.contains("the tag `team`"), "{refused:?}");
        // A tag below one that is required counts on it.
        let whole = tagged(&gateway, &tenant, &call, "project,vision").await;
        assert_eq!(whole.status(), 200);
        whole.text().await.unwrap();
        let rows = gateway.ledger_of(&tenant, count * 3).await;
        let blocked = rows.iter().filter(|row| row["reason"] == "tags_required");
        assert_eq!(blocked.count(), count * 2);
    }
    gateway.assert_nothing_held().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_without_the_tags_of_rules_is_refused_as_an_event() {
    let rules = required();
    let provider = RealtimeProvider::start().await;
    let gateway = rules.setup().upstream(&provider.url()).start().await;
    let tenant = gateway.tenant("talks").await;
    let mut caller = Caller::connect(gateway.port, &tenant.key).await;
    let refusal: Value = caller.turn(json!({"output": "5"})).await;
    assert_eq!(refusal["error"]["code"], "tags_required", "{refusal}");
    assert!(provider.events("response.create").is_empty());
}
