//! Budget alerts from end to end: requests spend, and a receiver is told, once, whatever happens between.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::postgres::Schema;
use crate::receiver::{Delivered, Receiver, SECRET};
use crate::tls_support::{Certificates, provider};

fn setup(receiver: &Receiver) -> Setup {
    Setup::new()
        .env("ALERT_WEBHOOK_URL", receiver.url())
        .env("ALERT_WEBHOOK_SECRET", SECRET)
}

/// A tenant with a budget of which each call uses more than a hundredth.
async fn tenant(gateway: &TestGateway, name: &str) -> Tenant {
    tenant_with(gateway, name, json!([1])).await
}

async fn tenant_with(gateway: &TestGateway, name: &str, thresholds: Value) -> Tenant {
    let tenant = gateway.tenant(name).await;
    let budget = json!({"period": "total", "amountUsd": "0.001", "alertThresholds": thresholds});
    let path = format!("/admin/tenant/{}/budgets", tenant.id);
    let budgets = json!({"budgets": [budget]});
    gateway.admin(Method::POST, &path, budgets).await;
    tenant
}

async fn spend(gateway: &TestGateway, tenant: &Tenant) {
    let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
    call.text(gateway, tenant).await;
}

/// Waits until the receiver has been told about a tenant, and gives every message about it.
async fn told(gateway: &TestGateway, receiver: &Receiver, tenant: &Tenant) -> Vec<Delivered> {
    let about = || -> Vec<Delivered> {
        let all = receiver.delivered().into_iter();
        all.filter(|message| message.json()["data"]["tenantId"] == tenant.id)
            .collect()
    };
    gateway
        .until("the receiver is told", async || !about().is_empty())
        .await;
    about()
}

/// The only alert of a tenant, once its webhook is in a state.
async fn alert_once(gateway: &TestGateway, tenant: &Tenant, is_so: fn(&Value) -> bool) -> Value {
    let path = format!("/admin/tenant/{}/alerts", tenant.id);
    let list = async || gateway.admin(Method::GET, &path, Value::Null).await;
    let first = async || list().await["data"][0]["delivery"].clone();
    gateway
        .until("the webhook is so far", async || is_so(&first().await))
        .await;
    let listed = list().await;
    assert_eq!(listed["total"], 1, "{listed}");
    listed["data"][0].clone()
}

fn is_delivered(delivery: &Value) -> bool {
    delivery["state"] == "delivered"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_is_told_by_one_signed_webhook_a_line_and_a_metric() {
    let receiver = Receiver::start().await;
    let gateway = setup(&receiver).start().await;
    let acme = tenant(&gateway, "acme <!here>").await;
    spend(&gateway, &acme).await;
    let first = told(&gateway, &receiver, &acme).await.remove(0);
    first.assert_signed();
    assert_eq!(first.header("content-type"), "application/json");
    let message = first.json();
    let text = message["text"].as_str().unwrap();
    assert!(
        text.starts_with("Budget alert: tenant acme &lt;!here&gt; has spent $0.0000"),
        "{text}"
    );
    assert_eq!(message["type"], "budget.threshold_passed");
    assert_eq!(
        (&message["data"]["threshold"], &message["data"]["limitUsd"]),
        (&json!(1), &json!("0.001"))
    );
    let alert = alert_once(&gateway, &acme, is_delivered).await;
    assert_eq!(alert["delivery"]["attempts"], 1);

    // Whoever is told of later was looked at later, and nothing more came of the first.
    spend(&gateway, &acme).await;
    let marker = tenant(&gateway, "marker").await;
    spend(&gateway, &marker).await;
    told(&gateway, &receiver, &marker).await;
    assert_eq!(told(&gateway, &receiver, &acme).await.len(), 1);
    let raised = "budgetguard_alerts_total{scope_kind=\"tenant\",threshold=\"1\"}";
    assert_eq!(gateway.metric(raised).await, 2);
    let log = gateway.log();
    assert_eq!(
        log.matches("spending has passed 1 % of a budget").count(),
        2
    );
    assert!(
        !log.contains("the-secret-path") && !log.contains(SECRET),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_may_be_the_one_that_passes_a_threshold() {
    let receiver = Receiver::start().await;
    let gateway = setup(&receiver).start().await;
    let acme = tenant_with(&gateway, "acme", json!([1, 2, 3, 4, 5])).await;
    // From the second on, nothing but the request itself says that there is something to look at.
    for calls in 1..=3 {
        spend(&gateway, &acme).await;
        gateway
            .until("the receiver is told", async || {
                receiver.delivered().len() >= calls
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_twice_is_told_at_the_third_try() {
    let receiver = Receiver::start().await;
    receiver.answer([500, 429]);
    let gateway = setup(&receiver).start().await;
    let acme = tenant(&gateway, "acme").await;
    spend(&gateway, &acme).await;
    let alert = alert_once(&gateway, &acme, is_delivered).await;
    assert_eq!(alert["delivery"]["attempts"], 3);
    let told = receiver.delivered();
    assert_eq!(told.len(), 3);
    let ids: Vec<_> = told.iter().map(|it| it.header("webhook-id")).collect();
    assert_eq!(ids, [ids[0]; 3], "a receiver can tell that it is one");
    told.iter().for_each(Delivered::assert_signed);
    let failed = "budgetguard_alert_deliveries_total{outcome=\"failed\"}";
    assert_eq!(gateway.metric(failed).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_failed_before_a_kill_is_delivered_after_the_start() {
    let receiver = Receiver::start().await;
    receiver.answer([500; 20]);
    let mut gateway = setup(&receiver).start().await;
    let acme = tenant(&gateway, "acme").await;
    spend(&gateway, &acme).await;
    let has_failed = |delivery: &Value| !delivery["lastError"].is_null();
    let before = alert_once(&gateway, &acme, has_failed).await;
    assert_eq!(before["delivery"]["state"], "pending");
    gateway.kill();
    receiver.answer([]);
    gateway.start().await;
    let after = alert_once(&gateway, &acme, is_delivered).await;
    assert_eq!(after["id"], before["id"]);
    assert!(after["delivery"]["attempts"].as_u64() >= Some(2), "{after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_spent_right_before_a_kill_is_told_after_the_start() {
    let receiver = Receiver::start().await;
    let mut gateway = setup(&receiver).start().await;
    let acme = tenant(&gateway, "acme").await;
    spend(&gateway, &acme).await;
    gateway.kill();
    gateway.start().await;
    told(&gateway, &receiver, &acme).await;
    alert_once(&gateway, &acme, is_delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_never_answers_holds_up_nobody() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}/in", silent.local_addr().unwrap());
    let setup = Setup::new().env("ALERT_WEBHOOK_URL", url);
    let gateway = setup.set("alerts.webhook_timeout_ms", "500").start().await;
    let acme = tenant(&gateway, "acme").await;
    spend(&gateway, &acme).await;
    let (_under_way, _) = silent.accept().await.unwrap();
    let call = spend(&gateway, &acme);
    tokio::time::timeout(Duration::from_secs(5), call)
        .await
        .unwrap();
    let timed_out =
        |delivery: &Value| delivery["lastError"] == "the receiver did not answer in time";
    alert_once(&gateway, &acme, timed_out).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_with_tls_is_trusted_as_providers_are() {
    let certificates = Certificates::new();
    let receiver = provider(&certificates, "http/1.1").await;
    let url = format!("https://localhost:{}/in", receiver.address.port());
    let trusting = Setup::new()
        .env("ALERT_WEBHOOK_URL", url.clone())
        .set("upstream.ca_file", certificates.quoted("ca.pem"))
        .start()
        .await;
    let test = trusting.admin(Method::POST, "/admin/alerts/test", Value::Null);
    assert_eq!(test.await["delivered"], true);
    let message = receiver.received.take().remove(0);
    assert_eq!(
        message.header("webhook-signature"),
        None,
        "there is no secret"
    );

    let doubtful = Setup::new().env("ALERT_WEBHOOK_URL", url).start().await;
    let test = doubtful.admin(Method::POST, "/admin/alerts/test", Value::Null);
    assert_eq!(test.await["error"], "the receiver cannot be reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_on_one_database_one_tells() {
    let Some(schema) = Schema::new().await else {
        return;
    };
    let receiver = Receiver::start().await;
    let (_cable, url) = schema.cable().await;
    let start = async || {
        let setup = setup(&receiver).env("DATABASE_URL", url.clone());
        setup.env("KEY_PEPPER", "one-pepper-for-both").start().await
    };
    let (here, there) = tokio::join!(start(), start());
    let acme = tenant(&here, "acme").await;
    there
        .until("the other knows the tenant", async || {
            let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
            call.send(&there, &acme).await.status() == 200
        })
        .await;
    spend(&here, &acme).await;
    let marker = tenant(&here, "marker").await;
    for gateway in [&here, &there] {
        gateway
            .until("both have looked", async || {
                let call = Dialect::OpenAi.call("[[sim output=20]]", Some(50), false);
                call.send(gateway, &marker).await.status() == 200
            })
            .await;
    }
    told(&here, &receiver, &marker).await;
    assert_eq!(told(&here, &receiver, &acme).await.len(), 1);
    alert_once(&there, &acme, is_delivered).await;
    drop((here, there));
    schema.drop().await;
}
