//! What the simulated providers keep: files and uploads.

use serde_json::{Value, json};

use crate::simulator::{BilledTokens, Simulator};

use super::simulator;

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

pub(super) const ANTHROPIC: (&str, &str) = ("anthropic-version", "2023-06-01");
pub(super) const GOOGLE: (&str, &str) = ("x-goog-api-key", "g");

/// A form: fields of text, and one file.
pub(super) fn form(fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Vec<u8> {
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

pub(super) const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=edge");

pub(super) async fn upload(
    simulator: &Simulator,
    purpose: &str,
    name: &str,
    bytes: &[u8],
) -> Value {
    let body = form(&[("purpose", purpose)], ("file", name, bytes));
    let (status, file) = call(simulator, "POST", "/v1/files", &[FORM], body).await;
    assert_eq!(status, 200, "{file}");
    file
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
    assert_eq!(simulator.totals().billed, BilledTokens::default());
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
    upload_in_pieces(&simulator).await;
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

/// By the protocol of the SDKs.
async fn upload_in_pieces(simulator: &Simulator) {
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
}
