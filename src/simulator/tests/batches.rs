//! Batches of every provider: how they run, how they end, and what they leave in the books.

use serde_json::{Value, json};

use crate::simulator::{CallOutcome, CallRecord, Dialect, Simulator};

use super::objects::{ANTHROPIC, GOOGLE, answer, call, get, upload};
use super::{FLASH, chat, claude, gemini, simulator, until, with};

fn lines(calls: &[CallRecord]) -> Vec<&CallRecord> {
    calls.iter().filter(|call| call.batch.is_some()).collect()
}

/// Lines as OpenAI reads them.
fn batch_file(endpoint: &str, bodies: &[Value]) -> String {
    let lines = bodies.iter().enumerate().map(|(index, body)| {
        let line = json!({"custom_id": format!("line-{index}"), "method": "POST",
                          "url": endpoint, "body": body});
        format!("{line}\n")
    });
    lines.collect()
}

async fn batch(simulator: &Simulator, endpoint: &str, file: &str, directive: &str) -> Value {
    let file = upload(simulator, "batch", "in.jsonl", file.as_bytes()).await;
    let asked = json!({"input_file_id": file["id"], "endpoint": endpoint,
                       "completion_window": "24h", "metadata": {"simulate": directive}});
    answer(simulator, "/v1/batches", &asked).await
}

#[tokio::test]
async fn a_batch_works_off_its_lines_and_books_each() {
    let simulator = simulator().await;
    let endpoint = "/v1/chat/completions";
    let file = batch_file(
        endpoint,
        &[
            chat("[[sim output=30 cached=4 reasoning=5]]"),
            chat("[[sim status=429]]"),
            chat("[[sim output=12]]"),
        ],
    );
    let made = batch(&simulator, endpoint, &file, "").await;
    assert_eq!(
        (&made["status"], &made["model"]),
        (&json!("validating"), &json!("gpt-4o"))
    );
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    assert_eq!(get(&simulator, &path).await["status"], "in_progress");
    assert!(lines(&simulator.calls()).is_empty());
    let done = get(&simulator, &path).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(
        done["request_counts"],
        json!({"total": 3, "completed": 2, "failed": 1})
    );
    assert_eq!(done["usage"]["output_tokens"], 42);
    assert_eq!(
        done["usage"]["output_tokens_details"]["reasoning_tokens"],
        5
    );

    check_files(&simulator, &done).await;
    let calls = simulator.calls();
    let booked = lines(&calls);
    let outputs: Vec<u64> = booked.iter().map(|call| call.billed.output).collect();
    assert_eq!(outputs, [30, 0, 12]);
    let answered: Vec<&CallRecord> = booked.into_iter().filter(|c| c.status == 200).collect();
    for call in answered {
        assert_eq!(
            (call.tier.as_str(), call.path.as_str()),
            ("batch", endpoint)
        );
        assert_eq!(call.batch.as_deref(), made["id"].as_str());
    }
    let list = get(&simulator, "/v1/batches?limit=5").await;
    assert_eq!(list["data"][0]["status"], "completed");
}

/// The answers stand in one file, the error in the other, and the books have what both tell.
async fn check_files(simulator: &Simulator, done: &Value) {
    let content = |name: &str| format!("/v1/files/{}/content", done[name].as_str().unwrap());
    let output = get(simulator, &content("output_file_id")).await;
    let output: Vec<Value> = output
        .as_str()
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let usage = &output[0]["response"]["body"]["usage"];
    assert_eq!((output.len(), &usage["completion_tokens"]), (2, &json!(30)));
    let errors = get(simulator, &content("error_file_id")).await;
    assert_eq!(
        (&errors["custom_id"], &errors["response"]["status_code"]),
        (&json!("line-1"), &json!(429))
    );

    let calls = simulator.calls();
    assert_eq!(
        lines(&calls)[0].billed.input,
        usage["prompt_tokens"].as_u64().unwrap()
    );
}

#[tokio::test]
async fn a_batch_ends_by_itself_when_its_time_has_come() {
    let simulator = simulator().await;
    let endpoint = "/v1/embeddings";
    let body = json!({"model": "text-embedding-3-small", "input": "hello"});
    let file = batch_file(endpoint, &[body]);
    let made = batch(&simulator, endpoint, &file, "[[sim after_ms=1000]]").await;
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    for _ in 0..3 {
        assert_ne!(get(&simulator, &path).await["status"], "completed");
    }
    // Nobody polls: the books know all the same.
    until(|| lines(&simulator.calls()).len() == 1).await;
    assert_eq!(get(&simulator, &path).await["status"], "completed");
}

#[tokio::test]
async fn batches_that_end_early_bill_only_the_lines_they_worked_off() {
    let simulator = simulator().await;
    let endpoint = "/v1/completions";
    let body = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "a"});
    let file = batch_file(endpoint, &[body.clone(), body.clone(), body]);
    let expiring = batch(
        &simulator,
        endpoint,
        &file,
        "[[sim polls=1 end=expired done=2]]",
    )
    .await;
    let path = format!("/v1/batches/{}", expiring["id"].as_str().unwrap());
    let expired = get(&simulator, &path).await;
    assert_eq!(
        (&expired["status"], &expired["request_counts"]["completed"]),
        (&json!("expired"), &json!(2))
    );
    assert_eq!(lines(&simulator.calls()).len(), 2);
    let errors = expired["error_file_id"].as_str().unwrap();
    let errors = get(&simulator, &format!("/v1/files/{errors}/content")).await;
    assert_eq!(errors["error"]["code"], "batch_expired");

    let made = batch(&simulator, endpoint, &file, "[[sim done=1]]").await;
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    let canceling = answer(&simulator, &format!("{path}/cancel"), &json!({})).await;
    assert_eq!(canceling["status"], "cancelling");
    assert_eq!(get(&simulator, &path).await["status"], "cancelled");
    assert_eq!(lines(&simulator.calls()).len(), 3);
    let (status, _) = call(&simulator, "POST", &format!("{path}/cancel"), &[], "").await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn a_batch_with_bad_lines_fails_and_tells_which() {
    let simulator = simulator().await;
    let endpoint = "/v1/responses";
    let mut file = batch_file("/v1/embeddings", &[json!({})]);
    file.push_str("no json\n");
    let made = batch(&simulator, endpoint, &file, "[[sim polls=1]]").await;
    let failed = get(
        &simulator,
        &format!("/v1/batches/{}", made["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["errors"]["data"][0]["code"], "mismatched_endpoint");
    assert_eq!(failed["errors"]["data"][1]["line"], 2);
    assert!(lines(&simulator.calls()).is_empty());
    let unknown =
        json!({"input_file_id": "file-x", "endpoint": endpoint, "completion_window": "24h"});
    let unknown = unknown.to_string();
    let (status, _) = call(&simulator, "POST", "/v1/batches", &[], unknown).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn message_batches_run_to_their_results() {
    let simulator = simulator().await;
    let streamed = with(claude(""), &json!({"stream": true}));
    let asked = json!({"requests": [
        {"custom_id": "a", "params": claude("[[sim output=21 cache_write_1h=6 searches=2]]")},
        {"custom_id": "b", "params": streamed},
    ]});
    let made = answer(&simulator, "/v1/messages/batches", &asked).await;
    assert_eq!(
        (
            &made["processing_status"],
            &made["request_counts"]["processing"]
        ),
        (&json!("in_progress"), &json!(2))
    );
    let path = format!("/v1/messages/batches/{}", made["id"].as_str().unwrap());
    let read = |method: &'static str, path: String| {
        let simulator = &simulator;
        async move { call(simulator, method, &path, &[ANTHROPIC], "").await }
    };
    assert_eq!(read("DELETE", path.clone()).await.0, 400);
    assert_eq!(
        read("GET", path.clone()).await.1["processing_status"],
        "in_progress"
    );
    let (_, done) = read("GET", path.clone()).await;
    assert_eq!(done["processing_status"], "ended");
    assert_eq!(done["request_counts"]["errored"], 1);
    check_results(&simulator, &done).await;
    assert_eq!(
        read("DELETE", path).await.1["type"],
        "message_batch_deleted"
    );
}

async fn check_results(simulator: &Simulator, done: &Value) {
    let results = done["results_url"].as_str().unwrap();
    let results = results.strip_prefix(&format!("http://{}", simulator.address()));
    let (_, results) = call(simulator, "GET", results.unwrap(), &[ANTHROPIC], "").await;
    let results: Vec<Value> = results
        .as_str()
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let usage = &results[0]["result"]["message"]["usage"];
    assert_eq!(
        (&usage["output_tokens"], &usage["service_tier"]),
        (&json!(21), &json!("batch"))
    );
    assert_eq!(usage["cache_creation"]["ephemeral_1h_input_tokens"], 6);
    assert_eq!(usage["server_tool_use"]["web_search_requests"], 2);
    assert_eq!(results[1]["result"]["type"], "errored");
    let calls = simulator.calls();
    let booked = lines(&calls);
    assert_eq!(
        (booked[0].billed.cache_write_1h, booked[0].dialect),
        (6, Dialect::Anthropic)
    );
    assert_eq!(booked[1].outcome, CallOutcome::Refused);
}

#[tokio::test]
async fn gemini_batches_answer_inline() {
    let simulator = simulator().await;
    let path = format!("{FLASH}:batchGenerateContent");
    let asked = json!({"batch": {"displayName": "b", "inputConfig": {"requests": {"requests": [
        {"request": gemini("[[sim output=9]]"), "metadata": {"key": "one"}},
        {"request": {}, "metadata": {"key": "two"}},
    ]}}}});
    let made = answer(&simulator, &path, &asked).await;
    assert_eq!(made["metadata"]["state"], "BATCH_STATE_PENDING");
    let poll = format!("/v1beta/{}", made["name"].as_str().unwrap());
    get(&simulator, &poll).await;
    let done = get(&simulator, &poll).await;
    assert_eq!(
        (&done["done"], &done["metadata"]["state"]),
        (&json!(true), &json!("BATCH_STATE_SUCCEEDED"))
    );
    let responses = &done["response"]["inlinedResponses"]["inlinedResponses"];
    assert_eq!(
        responses[0]["response"]["usageMetadata"]["candidatesTokenCount"],
        9
    );
    assert_eq!(
        (
            &responses[1]["metadata"]["key"],
            &responses[1]["error"]["code"]
        ),
        (&json!("two"), &json!(400))
    );
    assert_eq!(lines(&simulator.calls())[0].model, "gemini-2.5-flash");
    let (status, _) = call(&simulator, "POST", &format!("{poll}:cancel"), &[], "").await;
    assert_eq!(status, 200);
    let (status, _) = call(&simulator, "DELETE", &poll, &[], "").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn gemini_batches_answer_files_by_files() {
    let simulator = simulator().await;
    let path = format!("{FLASH}:batchGenerateContent");
    let file = json!({"key": "k", "request": gemini("[[sim output=5]]")}).to_string();
    let headers = [("content-type", "application/jsonl"), GOOGLE];
    let (_, file) = call(&simulator, "POST", "/upload/v1beta/files", &headers, file).await;
    let asked = json!({"batch": {"inputConfig": {"fileName": file["file"]["name"]}}});
    let made = answer(&simulator, &path, &asked).await;
    let poll = format!("/v1beta/{}", made["name"].as_str().unwrap());
    get(&simulator, &poll).await;
    let done = get(&simulator, &poll).await;
    let output = done["response"]["responsesFile"].as_str().unwrap();
    let output = get(
        &simulator,
        &format!("/download/v1beta/{output}:download?alt=media"),
    )
    .await;
    assert_eq!(
        (
            &output["key"],
            &output["response"]["usageMetadata"]["candidatesTokenCount"]
        ),
        (&json!("k"), &json!(5))
    );
    let list = get(&simulator, "/v1beta/batches?pageSize=9").await;
    assert_eq!(list["operations"][0], done);
}

#[tokio::test]
async fn gemini_embeds_batches_of_texts() {
    let simulator = simulator().await;
    let path = "/v1beta/models/gemini-embedding-2:asyncBatchEmbedContent";
    let text =
        |text: &str| json!({"content": {"parts": [{"text": text}]}, "outputDimensionality": 2});
    let asked = json!({"batch": {"displayName": "b", "inputConfig": {"requests": {"requests": [
        {"request": text("some words"), "metadata": {"key": "one"}},
        {"request": {}},
        {"request": text("[[sim no_usage]]")},
    ]}}}});
    let made = answer(&simulator, path, &asked).await;
    let kind = "type.googleapis.com/google.ai.generativelanguage.v1main.EmbedContentBatch";
    assert_eq!(made["metadata"]["@type"], kind);
    let poll = format!("/v1beta/{}", made["name"].as_str().unwrap());
    get(&simulator, &poll).await;
    let done = get(&simulator, &poll).await;
    let calls = simulator.calls();
    let responses = &done["response"]["inlinedResponses"]["inlinedResponses"];
    let billed = lines(&calls)[0].billed.input;
    assert!(billed > 0);
    let response = &responses[0]["response"];
    assert_eq!(response["tokenCount"], billed.to_string());
    assert_eq!(response["embedding"]["values"].as_array().unwrap().len(), 2);
    assert_eq!(responses[1]["error"]["code"], 400);
    assert_eq!(responses[2]["response"]["tokenCount"], Value::Null);
    let file = json!({"key": "k", "request": text("more words")}).to_string();
    let headers = [("content-type", "application/jsonl"), GOOGLE];
    let (_, file) = call(&simulator, "POST", "/upload/v1beta/files", &headers, file).await;
    let asked = json!({"batch": {"inputConfig": {"fileName": file["file"]["name"]}}});
    let made = answer(&simulator, path, &asked).await;
    let poll = format!("/v1beta/{}", made["name"].as_str().unwrap());
    get(&simulator, &poll).await;
    let done = get(&simulator, &poll).await;
    let output = done["response"]["responsesFile"].as_str().unwrap();
    let content = format!("/download/v1beta/{output}:download?alt=media");
    let output = get(&simulator, &content).await;
    let calls = simulator.calls();
    let billed = lines(&calls).last().map(|call| call.billed.input);
    let counted = output["response"]["tokenCount"].as_str().unwrap().parse();
    assert_eq!((&output["key"], counted.ok()), (&json!("k"), billed));
}
