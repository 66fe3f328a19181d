//! What the simulated providers keep: files, uploads, batches, responses and caches.

use serde_json::{Value, json};

use crate::simulator::{CallOutcome, CallRecord, Dialect, Simulator};

use super::{chat, claude, gemini, simulator, with};

/// One request with whatever method; the answer as JSON, or as text where it is none.
pub(super) async fn call(
    simulator: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> (u16, Value) {
    let url = format!("http://{}{path}", simulator.address());
    let mut request = reqwest::Client::new()
        .request(method.parse().unwrap(), url)
        .body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

pub(super) async fn get(simulator: &Simulator, path: &str) -> Value {
    let (status, value) = call(simulator, "GET", path, &[], "").await;
    assert_eq!(status, 200, "{path}: {value}");
    value
}

pub(super) async fn answer(simulator: &Simulator, path: &str, body: &Value) -> Value {
    let headers: &[(&str, &str)] = if path.starts_with("/v1/messages") {
        &[ANTHROPIC]
    } else {
        &[]
    };
    let (status, answer) = call(simulator, "POST", path, headers, body.to_string()).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

const ANTHROPIC: (&str, &str) = ("anthropic-version", "2023-06-01");
const GOOGLE: (&str, &str) = ("x-goog-api-key", "g");

/// A form: fields of text, and one file.
fn form(fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.bytes());
    }
    let (field, name, bytes) = file;
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend(head.bytes());
    body.extend(bytes);
    body.extend(b"\r\n--edge--\r\n");
    body
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=edge");

async fn upload(simulator: &Simulator, purpose: &str, name: &str, bytes: &[u8]) -> Value {
    let body = form(&[("purpose", purpose)], ("file", name, bytes));
    let (status, file) = call(simulator, "POST", "/v1/files", &[FORM], body).await;
    assert_eq!(status, 200, "{file}");
    file
}

fn lines(calls: &[CallRecord]) -> Vec<&CallRecord> {
    calls.iter().filter(|call| call.batch.is_some()).collect()
}

#[tokio::test]
async fn files_are_kept_listed_read_and_deleted() {
    let simulator = simulator().await;
    let binary = [0, 159, 255, b'\r', b'\n', 7];
    let first = upload(&simulator, "user_data", "a.bin", &binary).await;
    let second = upload(&simulator, "batch", "b.jsonl", b"{}").await;
    assert_eq!(
        (&first["bytes"], &first["filename"]),
        (&json!(6), &json!("a.bin"))
    );
    let id = first["id"].as_str().unwrap();
    let list = get(&simulator, "/v1/files?limit=1").await;
    assert_eq!(
        (&list["data"][0]["id"], &list["has_more"]),
        (&second["id"], &json!(true))
    );
    let after = list["last_id"].as_str().unwrap();
    let rest = get(&simulator, &format!("/v1/files?after={after}")).await;
    assert_eq!(
        (&rest["data"][0]["id"], &rest["has_more"]),
        (&first["id"], &json!(false))
    );
    let batch = get(&simulator, "/v1/files?purpose=batch&order=asc").await;
    assert_eq!(batch["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        get(&simulator, &format!("/v1/files/{id}")).await["purpose"],
        "user_data"
    );
    let content = reqwest::get(format!(
        "http://{}/v1/files/{id}/content",
        simulator.address()
    ));
    assert_eq!(content.await.unwrap().bytes().await.unwrap(), &binary[..]);
    let (_, gone) = call(&simulator, "DELETE", &format!("/v1/files/{id}"), &[], "").await;
    assert_eq!(gone["deleted"], true);
    let (status, error) = call(&simulator, "GET", &format!("/v1/files/{id}"), &[], "").await;
    assert_eq!((status, &error["error"]["code"]), (404, &Value::Null));
    assert_eq!(simulator.totals().billed, super::BilledTokens::default());
}

#[tokio::test]
async fn uploads_become_a_file_in_the_order_that_is_asked_for() {
    let simulator = simulator().await;
    let asked =
        json!({"filename": "x.jsonl", "purpose": "batch", "bytes": 4, "mime_type": "text/jsonl"});
    let upload = answer(&simulator, "/v1/uploads", &asked).await;
    assert_eq!(upload["status"], "pending");
    let path = format!("/v1/uploads/{}", upload["id"].as_str().unwrap());
    let mut parts = Vec::new();
    for data in [b"cd", b"ab"] {
        let body = form(&[], ("data", "blob", data));
        let (_, part) = call(&simulator, "POST", &format!("{path}/parts"), &[FORM], body).await;
        parts.push(part["id"].clone());
    }
    let too_much = form(&[], ("data", "blob", b"e"));
    let (status, _) = call(
        &simulator,
        "POST",
        &format!("{path}/parts"),
        &[FORM],
        too_much,
    )
    .await;
    assert_eq!(status, 400);
    parts.reverse();
    let done = answer(
        &simulator,
        &format!("{path}/complete"),
        &json!({"part_ids": parts}),
    )
    .await;
    assert_eq!(done["status"], "completed");
    let file = done["file"]["id"].as_str().unwrap();
    assert_eq!(
        get(&simulator, &format!("/v1/files/{file}/content")).await,
        "abcd"
    );
    let (status, _) = call(&simulator, "POST", &format!("{path}/cancel"), &[], "{}").await;
    assert_eq!(status, 400);
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

    let content = |name: &str| format!("/v1/files/{}/content", done[name].as_str().unwrap());
    let output = get(&simulator, &content("output_file_id")).await;
    let output: Vec<Value> = output
        .as_str()
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let usage = &output[0]["response"]["body"]["usage"];
    assert_eq!((output.len(), &usage["completion_tokens"]), (2, &json!(30)));
    let errors = get(&simulator, &content("error_file_id")).await;
    assert_eq!(
        (&errors["custom_id"], &errors["response"]["status_code"]),
        (&json!("line-1"), &json!(429))
    );

    let calls = simulator.calls();
    let booked = lines(&calls);
    let outputs: Vec<u64> = booked.iter().map(|call| call.billed.output).collect();
    assert_eq!(outputs, [30, 0, 12]);
    assert_eq!(
        booked[0].billed.input,
        usage["prompt_tokens"].as_u64().unwrap()
    );
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

#[tokio::test]
async fn a_batch_ends_by_itself_when_its_time_has_come() {
    let simulator = simulator().await;
    let endpoint = "/v1/embeddings";
    let body = json!({"model": "text-embedding-3-small", "input": "hello"});
    let file = batch_file(endpoint, &[body]);
    let made = batch(&simulator, endpoint, &file, "[[sim after_ms=40]]").await;
    let path = format!("/v1/batches/{}", made["id"].as_str().unwrap());
    for _ in 0..3 {
        assert_ne!(get(&simulator, &path).await["status"], "completed");
    }
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    // Nobody polled: the books know all the same.
    assert_eq!(lines(&simulator.calls()).len(), 1);
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
    let results = done["results_url"].as_str().unwrap();
    let results = results.strip_prefix(&format!("http://{}", simulator.address()));
    let (_, results) = read("GET", results.unwrap().to_owned()).await;
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
    assert_eq!(
        read("DELETE", path).await.1["type"],
        "message_batch_deleted"
    );
}

#[tokio::test]
async fn anthropic_keeps_files_of_its_own() {
    let simulator = simulator().await;
    let body = form(&[], ("file", "a.txt", b"hello"));
    let headers = [ANTHROPIC, FORM];
    let (_, file) = call(&simulator, "POST", "/v1/files", &headers, body).await;
    assert_eq!(
        (&file["type"], &file["size_bytes"]),
        (&json!("file"), &json!(5))
    );
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let headers = [ANTHROPIC];
    let (_, list) = call(&simulator, "GET", "/v1/files", &headers, "").await;
    assert_eq!(list["data"], json!([file]));
    let (_, content) = call(&simulator, "GET", &format!("{path}/content"), &headers, "").await;
    assert_eq!(content, "hello");
    let (_, gone) = call(&simulator, "DELETE", &path, &headers, "").await;
    assert_eq!(gone["type"], "file_deleted");
    assert_eq!(get(&simulator, "/v1/files").await["data"], json!([]));
}

#[tokio::test]
async fn gemini_takes_files_whole_and_in_pieces() {
    let simulator = simulator().await;
    let url = format!("http://{}/upload/v1beta/files", simulator.address());
    let client = reqwest::Client::new();
    let start = client
        .post(&url)
        .header("x-goog-upload-protocol", "resumable")
        .header("x-goog-upload-command", "start")
        .header("x-goog-upload-header-content-type", "text/plain")
        .json(&json!({"file": {"displayName": "notes"}}))
        .send()
        .await
        .unwrap();
    let session = start.headers()["x-goog-upload-url"].to_str().unwrap();
    assert!(session.starts_with(&url), "{session}");
    for (command, offset, bytes) in [("upload", "0", "hel"), ("upload, finalize", "3", "lo")] {
        let sent = client
            .post(session)
            .header("x-goog-upload-command", command)
            .header("x-goog-upload-offset", offset)
            .body(bytes)
            .send()
            .await
            .unwrap();
        let finished = command.contains("finalize");
        let status = if finished { "final" } else { "active" };
        assert_eq!(sent.headers()["x-goog-upload-status"], status);
    }
    let related = "--edge\r\nContent-Type: application/json\r\n\r\n{\"file\":{\"display_name\":\"two\"}}\r\n\
                   --edge\r\nContent-Type: text/csv\r\n\r\na,b\r\n--edge--\r\n";
    let headers = [("content-type", "multipart/related; boundary=edge"), GOOGLE];
    let (_, two) = call(
        &simulator,
        "POST",
        "/upload/v1beta/files",
        &headers,
        related,
    )
    .await;
    assert_eq!(
        (&two["file"]["displayName"], &two["file"]["sizeBytes"]),
        (&json!("two"), &json!("3"))
    );

    let list = get(&simulator, "/v1beta/files?pageSize=1").await;
    let token = list["nextPageToken"].as_str().unwrap();
    let rest = get(&simulator, &format!("/v1beta/files?pageToken={token}")).await;
    assert_eq!(rest["files"][0]["displayName"], "notes");
    let name = rest["files"][0]["name"].as_str().unwrap();
    let read = get(&simulator, &format!("/v1beta/{name}:download?alt=media")).await;
    assert_eq!(read, "hello");
    let (status, _) = call(&simulator, "DELETE", &format!("/v1beta/{name}"), &[], "").await;
    assert_eq!(status, 200);
    let (status, _) = call(&simulator, "GET", &format!("/v1beta/{name}"), &[], "").await;
    assert_eq!(status, 404);
}

const FLASH: &str = super::FLASH;

#[tokio::test]
async fn gemini_batches_answer_inline_and_in_files() {
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
    assert_eq!(list["operations"].as_array().unwrap().len(), 2);
    let (status, _) = call(&simulator, "POST", &format!("{poll}:cancel"), &[], "").await;
    assert_eq!(status, 200);
    let (status, _) = call(&simulator, "DELETE", &poll, &[], "").await;
    assert_eq!(status, 200);
}
