//! What providers do after their answers: it counts at what was held until it is known, and then at what
//! the provider billed, in one row, whatever happens to the gateway meanwhile.

use budgetguard::simulator::{CallRecord, Simulator, SimulatorOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::gateway::{Setup, Tenant, TestGateway};
use crate::prices::{cost, usd};
mod embeddings;

/// The provider is asked often, so that tests need not wait.
fn impatient() -> Setup {
    Setup::new()
        .set("upstream.poll_interval_ms", "50")
        .set("upstream.poll_interval_max_ms", "200")
}

struct Asked {
    status: u16,
    body: Value,
    held: Option<String>,
}

async fn ask(
    gateway: &TestGateway,
    tenant: &Tenant,
    method: Method,
    path: &str,
    body: &Value,
) -> Asked {
    let mut request = gateway
        .request(method, path)
        .header("x-api-key", &tenant.key);
    if path.starts_with("/v1/messages") {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let held = answer.headers().get("x-budgetguard-held-usd");
    let held = held.map(|held| held.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Asked { status, body, held }
}

/// The one row of a route, once it is there.
async fn row_of(gateway: &TestGateway, tenant: &Tenant, route: &str) -> Value {
    let of_route = async || {
        let rows = gateway.ledger(tenant).await.into_iter();
        rows.filter(|row| row["route"] == route).collect::<Vec<_>>()
    };
    gateway
        .until("it is settled", async || !of_route().await.is_empty())
        .await;
    let mut rows = of_route().await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

async fn assert_spent(gateway: &TestGateway, tenant: &Tenant, nanos: i64) {
    gateway
        .until("the budget counts what the ledger has", async || {
            gateway.standing(tenant).await == (nanos, 0)
        })
        .await;
}

fn in_background(directive: &str) -> Value {
    json!({"model": "gpt-5-mini", "input": format!("[[sim {directive}]] think"),
        "background": true, "max_output_tokens": 400})
}

/// The call of the provider that was billed.
fn billed_call(gateway: &TestGateway) -> CallRecord {
    let calls = gateway.simulator.calls().into_iter();
    let mut billed = calls.filter(|call| call.billed.output > 0);
    billed.next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_in_the_background_counts_at_what_was_held_until_it_has_ended() {
    let gateway = impatient().start().await;
    let tenant = gateway.tenant_with("patient", "1").await;
    let wish = in_background("output=50 after_ms=1500");
    let asked = ask(&gateway, &tenant, Method::POST, "/v1/responses", &wish);
    let asked = asked.await;
    assert_eq!(
        (asked.status, &asked.body["status"]),
        (200, &json!("queued")),
        "{}",
        asked.body
    );
    let held = crate::gateway::nanos(&asked.held.unwrap());
    assert_spent(&gateway, &tenant, held).await;
    assert!(gateway.ledger(&tenant).await.is_empty(), "it has not ended");
    let row = row_of(&gateway, &tenant, "/v1/responses").await;
    let call = billed_call(&gateway);
    assert_eq!(
        (&row["basis"], &row["status"]),
        (&json!("measured"), &json!("success")),
        "{row}"
    );
    assert_eq!(usd(&row), cost("gpt-5-mini", &call.billed));
    assert_eq!(row["compTok"], call.billed.output);
    assert!(usd(&row) < held);
    assert_spent(&gateway, &tenant, usd(&row)).await;
    let id = asked.body["id"].as_str().unwrap();
    let read = ask(
        &gateway,
        &tenant,
        Method::GET,
        &format!("/v1/responses/{id}"),
        &Value::Null,
    )
    .await;
    assert_eq!(read.body["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_killed_settles_what_it_left_with_the_provider() {
    // Who dies while it asks the provider has the call for minutes: these two do not come to it.
    let setup = impatient().set("upstream.poll_interval_max_ms", "600000");
    let setup = setup.set("upstream.poll_interval_ms", "600000");
    let mut gateway = setup.start().await;
    let tenant = gateway.tenant_with("patient", "1").await;
    let wish = in_background("output=50 after_ms=3000");
    let asked = ask(&gateway, &tenant, Method::POST, "/v1/responses", &wish);
    let held = crate::gateway::nanos(&asked.await.held.unwrap());
    gateway.kill();
    gateway.start().await;
    assert_eq!(gateway.standing(&tenant).await, (held, 0));
    gateway.kill();
    gateway.set("upstream.poll_interval_ms", "50");
    gateway.start().await;
    let row = row_of(&gateway, &tenant, "/v1/responses").await;
    assert_eq!(usd(&row), cost("gpt-5-mini", &billed_call(&gateway).billed));
    assert_spent(&gateway, &tenant, usd(&row)).await;
    gateway.kill();
    gateway.start().await;
    assert_eq!(gateway.standing(&tenant).await, (usd(&row), 0));
    assert_eq!(gateway.ledger(&tenant).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_is_deleted_before_its_end_is_charged_at_what_was_held() {
    let gateway = impatient().start().await;
    let tenant = gateway.tenant_with("hasty", "1").await;
    let wish = in_background("output=50 after_ms=60000");
    let asked = ask(&gateway, &tenant, Method::POST, "/v1/responses", &wish);
    let asked = asked.await;
    let path = format!("/v1/responses/{}", asked.body["id"].as_str().unwrap());
    let cancelled = ask(
        &gateway,
        &tenant,
        Method::POST,
        &format!("{path}/cancel"),
        &Value::Null,
    )
    .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let row = row_of(&gateway, &tenant, "/v1/responses").await;
    assert_eq!(
        (&row["basis"], &row["status"]),
        (&json!("unknown"), &json!("aborted")),
        "{row}"
    );
    assert_eq!(usd(&row), crate::gateway::nanos(&asked.held.unwrap()));
}

/// Uploads the input of a batch with so many requests.
async fn upload(gateway: &TestGateway, tenant: &Tenant, lines: &str) -> String {
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"in.jsonl\"\r\n\
         content-type: application/jsonl\r\n\r\n{lines}\r\n--b--\r\n"
    );
    let request = gateway
        .request(Method::POST, "/v1/files")
        .header("x-api-key", &tenant.key);
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    let made: Value = request
        .body(body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    made["id"].as_str().unwrap().to_owned()
}

fn lines(count: usize, cap: u64) -> String {
    let line = |number: usize| {
        json!({"custom_id": format!("line-{number}"), "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", "max_tokens": cap,
                "messages": [{"role": "user", "content": format!("[[sim output={}]] hello", number + 3)}]}})
        .to_string()
    };
    (0..count).map(line).collect::<Vec<_>>().join("\n")
}

/// What the provider billed for a batch in nano-USD, each line rounded up: half of the usual price.
fn billed_for_batch(gateway: &TestGateway, batch: &str) -> i64 {
    let calls = gateway.simulator.calls().into_iter();
    let lines: Vec<_> = calls
        .filter(|call| call.batch.as_deref() == Some(batch))
        .collect();
    assert!(!lines.is_empty());
    // Twice the price of a line can be odd by the part that was rounded up.
    let halved = lines.iter().map(|call| {
        let twice = |mut billed: budgetguard::simulator::BilledTokens| {
            billed.input *= 1_000;
            billed.output *= 1_000;
            cost(&call.model, &billed)
        };
        assert_eq!(call.tier, "batch");
        (twice(call.billed) + 1_999) / 2_000
    });
    halved.sum()
}

async fn get(gateway: &TestGateway, tenant: &Tenant, path: &str) -> Asked {
    ask(gateway, tenant, Method::GET, path, &Value::Null).await
}

/// The batch is one row at what the provider billed for it, less than was held, and the budget has it so.
async fn assert_billed(gateway: &TestGateway, tenant: &Tenant, route: &str, made: &Asked) {
    let held = crate::gateway::nanos(made.held.as_deref().unwrap());
    let id = made.body.get("id").or(made.body.get("name"));
    let row = row_of(gateway, tenant, route).await;
    let told = (&row["basis"], &row["status"]);
    assert_eq!(told, (&json!("measured"), &json!("success")), "{row}");
    let billed = billed_for_batch(gateway, id.unwrap().as_str().unwrap());
    assert_eq!(usd(&row), billed);
    assert!(billed < held);
    assert_spent(gateway, tenant, billed).await;
}

/// Makes a batch.
async fn make(gateway: &TestGateway, tenant: &Tenant, path: &str, wish: &Value) -> Asked {
    let made = ask(gateway, tenant, Method::POST, path, wish).await;
    assert_eq!(made.status, 200, "{}", made.body);
    made
}

/// The tenant cannot do any of this.
async fn assert_denied(gateway: &TestGateway, tenant: &Tenant, asked: &[(Method, String)]) {
    for (method, path) in asked {
        let refused = ask(gateway, tenant, method.clone(), path, &Value::Null).await;
        assert_eq!(refused.status, 404, "{method} {path}: {}", refused.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_one_row_at_what_its_lines_cost() {
    let mut gateway = impatient().start().await;
    let mine = gateway.tenant_with("mine", "1").await;
    let theirs = gateway.tenant_with("theirs", "1").await;
    let file = upload(&gateway, &mine, &lines(5, 100)).await;
    let wish = json!({"input_file_id": file, "endpoint": "/v1/chat/completions",
        "completion_window": "24h", "metadata": {"sim": "[[sim after_ms=2000]]"}});
    let refused = ask(&gateway, &theirs, Method::POST, "/v1/batches", &wish).await;
    assert_eq!(refused.status, 404, "{}", refused.body);
    let made = make(&gateway, &mine, "/v1/batches", &wish).await;
    let held = crate::gateway::nanos(made.held.as_deref().unwrap());
    assert_eq!(gateway.standing(&mine).await, (held, 0));
    gateway.kill();
    gateway.start().await;
    assert_eq!(gateway.standing(&mine).await, (held, 0));
    assert_billed(&gateway, &mine, "/v1/batches", &made).await;
    let path = format!("/v1/batches/{}", made.body["id"].as_str().unwrap());
    let done = get(&gateway, &mine, &path).await;
    assert_eq!(done.body["status"], "completed");
    let output = done.body["output_file_id"].as_str().unwrap();
    let output = format!("/v1/files/{output}/content");
    assert_eq!(get(&gateway, &mine, &output).await.status, 200);
    let cancel = format!("{path}/cancel");
    let asked = [
        (Method::GET, output),
        (Method::GET, path),
        (Method::POST, cancel),
    ];
    assert_denied(&gateway, &theirs, &asked).await;
    let list = get(&gateway, &theirs, "/v1/batches").await;
    assert_eq!((list.status, &list.body["data"]), (200, &json!([])));
    let list = get(&gateway, &mine, "/v1/batches").await;
    assert_eq!(list.body["data"][0]["id"], made.body["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_could_cost_more_than_is_left_is_not_sent() {
    let gateway = impatient().start().await;
    let poor = gateway.tenant_with("poor", "0.001").await;
    let batch = |file: &str| {
        json!({"input_file_id": file, "endpoint": "/v1/chat/completions",
        "completion_window": "24h"})
    };
    let file = upload(&gateway, &poor, &lines(40, 1_000)).await;
    let refused = ask(&gateway, &poor, Method::POST, "/v1/batches", &batch(&file)).await;
    assert_eq!(refused.status, 402, "{}", refused.body);
    let unknown = lines(1, 10).replace("gpt-4o-mini", "gpt-unheard-of");
    let file = upload(&gateway, &poor, &unknown).await;
    let refused = ask(&gateway, &poor, Method::POST, "/v1/batches", &batch(&file)).await;
    assert_eq!(
        refused.body["error"]["code"], "model_not_found",
        "{}",
        refused.body
    );
    let mixed = format!(
        "{}\n{}",
        lines(1, 10),
        lines(1, 10).replace("gpt-4o-mini", "gpt-5-mini")
    );
    let file = upload(&gateway, &poor, &mixed).await;
    let refused = ask(&gateway, &poor, Method::POST, "/v1/batches", &batch(&file)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let list = gateway.simulator.calls().into_iter();
    assert!(list.clone().all(|call| call.path != "/v1/batches"));
    assert_eq!(gateway.standing(&poor).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_messages_is_one_row_at_what_its_results_cost() {
    const BATCHES: &str = "/v1/messages/batches";
    let gateway = impatient().start().await;
    let mine = gateway.tenant_with("mine", "1").await;
    let theirs = gateway.tenant_with("theirs", "1").await;
    let request = |number: u64| {
        let text = format!("[[sim output={}]] hello", number + 5);
        json!({"custom_id": format!("r{number}"), "params": {"model": "claude-haiku-4-5",
            "max_tokens": 100, "messages": [{"role": "user", "content": text}]}})
    };
    let wish = json!({"requests": (0..4).map(request).collect::<Vec<_>>()});
    let made = make(&gateway, &mine, BATCHES, &wish).await;
    assert_billed(&gateway, &mine, BATCHES, &made).await;
    let path = format!("{BATCHES}/{}", made.body["id"].as_str().unwrap());
    let results = format!("{path}/results");
    assert_eq!(get(&gateway, &mine, &results).await.status, 200);
    let asked = [
        (Method::GET, path.clone()),
        (Method::GET, results),
        (Method::POST, format!("{path}/cancel")),
        (Method::DELETE, path),
    ];
    assert_denied(&gateway, &theirs, &asked).await;
    assert_eq!(
        get(&gateway, &theirs, BATCHES).await.body["data"],
        json!([])
    );
    let list = get(&gateway, &mine, BATCHES).await;
    assert_eq!(list.body["data"][0]["id"], made.body["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_replicas_count_what_was_settled_later() {
    for leases in [false, true] {
        // Replicas ask the same providers.
        let provider = Simulator::start(SimulatorOptions::default()).await.unwrap();
        let url = format!("http://{}", provider.address());
        let setup = || impatient().upstream(&url);
        let Some(fleet) = Fleet::start_before(leases, setup).await else {
            return;
        };
        let tenant = fleet.tenant_with("patient", "1").await;
        let wish = in_background("output=50 after_ms=1500");
        let asked = ask(&fleet.one, &tenant, Method::POST, "/v1/responses", &wish).await;
        let held = crate::gateway::nanos(&asked.held.unwrap());
        assert_spent(&fleet.other, &tenant, held).await;
        let row = row_of(&fleet.other, &tenant, "/v1/responses").await;
        let calls = provider.calls();
        let made = calls.iter().find(|call| call.billed.output > 0).unwrap();
        assert_eq!(usd(&row), cost("gpt-5-mini", &made.billed));
        for gateway in [&fleet.one, &fleet.other] {
            assert_spent(gateway, &tenant, usd(&row)).await;
        }
        fleet.end().await;
    }
}

/// The input of a batch of Google: as its body has it, and in a file of the tenant's.
async fn google_inputs(
    gateway: &TestGateway,
    tenant: &Tenant,
    request: impl Fn(u64) -> Value,
) -> [Value; 2] {
    let inside = (0..3).map(|number| json!({"request": request(number), "metadata": {"key": "k"}}));
    let lines = (0..3).map(|number| json!({"key": "k", "request": request(number)}).to_string());
    let uploaded = gateway
        .request(Method::POST, "/upload/v1beta/files")
        .header("x-goog-api-key", &tenant.key)
        .header("content-type", "application/jsonl")
        .body(lines.collect::<Vec<_>>().join("\n"));
    let uploaded: Value = uploaded.send().await.unwrap().json().await.unwrap();
    [
        json!({"requests": {"requests": inside.collect::<Vec<_>>()}}),
        json!({"fileName": uploaded["file"]["name"]}),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_google_is_one_row_wherever_its_requests_are() {
    let gateway = impatient().start().await;
    let from_file = gateway.tenant_with("from-file", "1").await;
    let inside = gateway.tenant_with("inside", "1").await;
    let request = |number: u64| {
        let text = format!("[[sim output={}]] hello", number + 5);
        json!({"contents": [{"parts": [{"text": text}]}],
            "generationConfig": {"maxOutputTokens": 100}})
    };
    let inputs = google_inputs(&gateway, &from_file, request).await;
    let tenants = [(&inside, &from_file), (&from_file, &inside)];
    for ((tenant, other), input) in tenants.into_iter().zip(inputs) {
        let path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent";
        let wish = json!({"batch": {"displayName": "b", "inputConfig": input}});
        let made = make(&gateway, tenant, path, &wish).await;
        let route = "/v1beta/models/{model}:batchGenerateContent";
        assert_billed(&gateway, tenant, route, &made).await;
        let name = made.body["name"].as_str().unwrap();
        let path = format!("/v1beta/{name}");
        let read = get(&gateway, tenant, &path).await;
        assert_eq!((read.status, &read.body["done"]), (200, &json!(true)));
        assert_denied(&gateway, other, &[(Method::GET, path)]).await;
        let list = get(&gateway, other, "/v1beta/batches").await;
        assert!(!list.body.to_string().contains(name), "{}", list.body);
    }
}
