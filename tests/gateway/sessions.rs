//! Budgets of sessions: which limit holds, who counts on it, and when it is opened.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{Setup, Tenant, TestGateway, nanos};
use crate::prices::usd;
use crate::scopes::{SESSION, TAGS, bill, call, denied_scope, send, tag, until_refused};

async fn default_session_budget(gateway: &TestGateway, tenant: &Tenant, amount: &str) {
    let path = format!("/admin/tenant/{}/default-session-budget", tenant.id);
    let body = json!({"budgetUsd": amount});
    gateway.admin(Method::PUT, &path, body).await;
}

async fn sessions(gateway: &TestGateway, tenant: &Tenant) -> Value {
    let path = format!("/admin/tenant/{}/sessions", tenant.id);
    gateway.admin(Method::GET, &path, Value::Null).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_may_spend_the_least_of_its_tags_budgets_else_the_tenants_default() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("talkative").await;
    for (name, amount) in [("cheap", "0.00015"), ("dear", "5")] {
        let body = json!({"name": name, "sessionBudgetUsd": amount});
        tag(&gateway, &tenant, body).await;
    }
    default_session_budget(&gateway, &tenant, "0.0002").await;
    let call = call(100);
    let (spent, refused) =
        until_refused(&gateway, &tenant, &call, &[(SESSION, "by default")]).await;
    assert_eq!(denied_scope(&refused), "session");
    let named = refused.message.contains("the session `by default`");
    assert!(named, "{refused:?}");
    assert!((120_000..=200_000).contains(&spent), "{spent}");
    let tagged = [(SESSION, "by tag"), (TAGS, "dear,cheap")];
    let (spent, _) = until_refused(&gateway, &tenant, &call, &tagged).await;
    assert!((60_000..=150_000).contains(&spent), "{spent}");
    // To leave its tags out does not free it of them.
    let refused = send(&gateway, &tenant, &call, &[(SESSION, "by tag")]).await;
    assert_eq!(denied_scope(&refused.unwrap_err()), "session");
    // Another tenant's session of the same id is another session.
    let other = gateway.tenant("other").await;
    let headers = [(SESSION, "by default")];
    assert!(send(&gateway, &other, &call, &headers).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sessions_own_budget_comes_first_and_outlives_a_crash() {
    let mut gateway = Setup::new().start().await;
    let tenant = gateway.tenant("changes its mind").await;
    default_session_budget(&gateway, &tenant, "0.0002").await;
    let (call, headers) = (call(100), [(SESSION, "one two")]);
    let (by_default, _) = until_refused(&gateway, &tenant, &call, &headers).await;
    gateway
        .until("the session is in the ledger", async || {
            sessions(&gateway, &tenant).await["pagination"]["total"] == 1
        })
        .await;
    let path = format!("/admin/tenant/{}/sessions/one%20two/budget", tenant.id);
    let body = json!({"budgetUsd": "0.0004"});
    let set = gateway.admin(Method::PUT, &path, body).await;
    assert_eq!(set["status"], "active");
    let (more, _) = until_refused(&gateway, &tenant, &call, &headers).await;
    let spent = by_default + more;
    assert!((270_000..=400_000).contains(&spent), "{spent}");
    let shown = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(nanos(&shown["currentCostUsd"].to_string()), spent);
    assert_eq!(shown["budgetSource"]["hasCustomBudget"], true);

    gateway.assert_nothing_held().await;
    gateway.kill();
    gateway.start().await;
    let refused = send(&gateway, &tenant, &call, &headers).await.unwrap_err();
    assert_eq!(denied_scope(&refused), "session");
    let reverted = gateway.admin(Method::DELETE, &path, Value::Null).await;
    assert_eq!(reverted["status"], "budget_exceeded");
    assert_eq!(nanos(&reverted["currentCostUsd"].to_string()), spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_requests_of_a_new_session_keep_to_its_budget() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("parallel").await;
    default_session_budget(&gateway, &tenant, "0.005").await;
    let call = call(100);
    let headers = [(SESSION, "rush"), ("x-session-name", "Rush hour")];
    let calls = (0..120).map(|_| send(&gateway, &tenant, &call, &headers));
    join_all(calls).await;
    until_refused(&gateway, &tenant, &call, &headers).await;
    gateway.assert_nothing_held().await;
    let bill = bill(&gateway);
    assert!(
        (4_750_000..=5_000_000).contains(&bill),
        "{bill} of 0.005 USD"
    );
    let billed = gateway.simulator.totals().calls;
    gateway
        .until("every row is in the ledger", async || {
            let rows = gateway.ledger(&tenant).await;
            rows.iter().filter(|row| row["status"] == "success").count() as u64 == billed
        })
        .await;
    let rows = gateway.ledger(&tenant).await;
    assert_eq!(rows.iter().map(usd).sum::<i64>(), bill);
    let path = format!("/admin/tenant/{}/sessions?search=RUSH", tenant.id);
    let listed = gateway.admin(Method::GET, &path, Value::Null).await;
    assert_eq!(listed["pagination"]["total"], 1);
    let session = &listed["sessions"][0];
    assert_eq!(session["name"], "Rush hour");
    assert_eq!(session["requestCount"], rows.len());
    assert_eq!(nanos(&session["currentCostUsd"].to_string()), bill);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_begin_at_once_are_all_opened() {
    const SESSIONS: usize = 400;
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("opens many", "1").await;
    default_session_budget(&gateway, &tenant, "0.00015").await;
    let call = call(100);
    let first = (0..SESSIONS).map(async |number| {
        let id = number.to_string();
        send(&gateway, &tenant, &call, &[(SESSION, &id)]).await
    });
    for answer in join_all(first).await {
        answer.unwrap();
    }
    // Each has its own account: what it has left does not pay for a second call.
    for id in ["0", "199", "399"] {
        let refused = send(&gateway, &tenant, &call, &[(SESSION, id)]).await;
        assert_eq!(denied_scope(&refused.unwrap_err()), "session");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_header_that_is_too_long_is_refused() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant("wordy").await;
    let (fits, long) = ("x".repeat(200), "x".repeat(201));
    assert!(
        send(&gateway, &tenant, &call(16), &[(SESSION, &fits)])
            .await
            .is_ok()
    );
    for name in [SESSION, "x-session-name", "x-session-path"] {
        let headers = [(SESSION, "id"), (name, &*long)];
        let headers = if name == SESSION {
            &headers[1..]
        } else {
            &headers
        };
        let refused = send(&gateway, &tenant, &call(16), headers)
            .await
            .unwrap_err();
        assert_eq!(refused.status, 400);
        assert!(refused.message.contains("longer than 200"), "{refused:?}");
    }
    assert_eq!(gateway.simulator.totals().calls, 1);
}
