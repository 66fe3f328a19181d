//! Receipts: what a key's tenant may read of its requests.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::cost_of_row;

async fn receipt(gateway: &TestGateway, key: &str, id: &str) -> (StatusCode, Value) {
    let path = format!("/v1/receipts/{id}");
    let request = gateway.request(Method::GET, &path).bearer_auth(key);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn call(gateway: &TestGateway, tenant: &Tenant, dialect: Dialect) -> String {
    let call = dialect.call("[[sim output=7 input=21]]", Some(50), true);
    let answer = call.send(gateway, tenant).await;
    let id = answer.headers()["x-budgetguard-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    answer.text().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_says_what_its_ledger_row_says_as_soon_as_the_answer_has_ended() {
    let gateway = Setup::new().start().await;
    let tenant = gateway.tenant_with("receives", "1").await;
    for (count, dialect) in (1..).zip(Dialect::ALL) {
        let id = call(&gateway, &tenant, dialect).await;
        let (status, receipt) = receipt(&gateway, &tenant.key, &id).await;
        assert_eq!(status, StatusCode::OK, "{receipt}");
        let row = gateway.ledger_of(&tenant, count).await.remove(0);
        assert_eq!(receipt["id"], row["id"]);
        assert_eq!(receipt["cost_usd"], row["usd"]);
        assert_eq!(receipt["held_usd"], row["heldUsd"]);
        assert_eq!(receipt["price_id"], row["priceId"]);
        assert_eq!(
            crate::gateway::nanos(receipt["cost_usd"].as_str().unwrap()),
            cost_of_row(&row)
        );
        let usage = json!([{"kind": "input", "units": 21}, {"kind": "output", "units": 7}]);
        assert_eq!(receipt["usage"], usage);
        assert_eq!(receipt["basis"], "measured");
        assert_eq!(receipt["policy"]["decision"], "allow");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_the_receipt_of_another_tenant() {
    let gateway = Setup::new().start().await;
    let (tenant, other) = (gateway.tenant("one").await, gateway.tenant("other").await);
    let id = call(&gateway, &tenant, Dialect::OpenAi).await;
    assert_eq!(receipt(&gateway, &tenant.key, &id).await.0, StatusCode::OK);
    for (key, id) in [
        (&*other.key, &*id),
        (&tenant.key, "01a2280b-d35f-7dbb-b039-d9d7a504e948"),
        (&tenant.key, "nonsense"),
        (&tenant.key, ""),
    ] {
        let (status, body) = receipt(&gateway, key, id).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!("no_receipt"))
        );
    }
    assert_eq!(
        receipt(&gateway, "bg_wrong", &id).await.0,
        StatusCode::UNAUTHORIZED
    );
}
