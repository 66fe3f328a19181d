//! Objects that a provider keeps behind the key that tenants share: each tenant has its own, by whatever
//! way it asks.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Setup, Tenant, TestGateway};

/// The whole API of one provider's files, as far as tests use it.
#[derive(Clone, Copy)]
struct Files {
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    key: &'static str,
}

const OPENAI: Files = Files {
    path: "/v1/files",
    headers: &[],
    key: "x-api-key",
};
const ANTHROPIC: Files = Files {
    path: "/v1/files",
    headers: &[
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "files-api-2025-04-14"),
    ],
    key: "x-api-key",
};

impl Files {
    fn request(
        self,
        gateway: &TestGateway,
        tenant: &Tenant,
        method: Method,
        path: &str,
    ) -> RequestBuilder {
        let request = gateway.request(method, path).header(self.key, &tenant.key);
        let headers = self.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
    }

    async fn upload(self, gateway: &TestGateway, tenant: &Tenant, content: &str) -> String {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n\
             --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n\
             content-type: text/plain\r\n\r\n{content}\r\n--b--\r\n"
        );
        let request = self.request(gateway, tenant, Method::POST, self.path);
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        let answer = request.body(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{text}");
        let made: Value = serde_json::from_str(&text).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn ask(
        self,
        gateway: &TestGateway,
        tenant: &Tenant,
        method: Method,
        path: &str,
    ) -> (u16, Value) {
        let answer = self
            .request(gateway, tenant, method, path)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    async fn list(self, gateway: &TestGateway, tenant: &Tenant, query: &str) -> Value {
        let path = format!("{}{query}", self.path);
        let (status, list) = self.ask(gateway, tenant, Method::GET, &path).await;
        assert_eq!(status, 200, "{list}");
        list
    }
}

fn ids(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap();
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    data.iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_seen_and_deleted_by_its_tenant_only() {
    let gateway = Setup::new().start().await;
    let (mine, theirs) = (gateway.tenant("mine").await, gateway.tenant("theirs").await);
    for files in [OPENAI, ANTHROPIC] {
        let id = files.upload(&gateway, &mine, "what I wrote").await;
        let one = format!("{}/{id}", files.path);
        let content = format!("{one}/content");
        for (method, path) in [
            (Method::GET, &one),
            (Method::GET, &content),
            (Method::DELETE, &one),
        ] {
            let (status, refused) = files.ask(&gateway, &theirs, method, path).await;
            assert_eq!(status, 404, "{refused}");
            let nobodys = path.replace(&id, "file-nobodys");
            let (status, unknown) = files.ask(&gateway, &theirs, Method::GET, &nobodys).await;
            assert_eq!(status, 404);
            // What is another's looks like what nobody has.
            let told = |answer: &Value| answer["error"]["message"].as_str().unwrap().to_owned();
            assert_eq!(told(&refused).replace(&id, "file-nobodys"), told(&unknown));
        }
        assert!(ids(&files.list(&gateway, &theirs, "").await).is_empty());
        assert_eq!(
            ids(&files.list(&gateway, &mine, "").await),
            std::slice::from_ref(&id)
        );
        assert_eq!(files.ask(&gateway, &mine, Method::GET, &one).await.0, 200);
        let (status, deleted) = files.ask(&gateway, &mine, Method::DELETE, &one).await;
        assert_eq!(status, 200, "{deleted}");
        assert_eq!(files.ask(&gateway, &mine, Method::GET, &one).await.0, 404);
        assert!(ids(&files.list(&gateway, &mine, "").await).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_has_the_tenants_own_in_pages_as_the_provider_would() {
    let gateway = Setup::new().start().await;
    let (mine, theirs) = (gateway.tenant("mine").await, gateway.tenant("theirs").await);
    for files in [OPENAI, ANTHROPIC] {
        let mut made = Vec::new();
        for number in 0..5 {
            files.upload(&gateway, &theirs, "not mine").await;
            made.push(
                files
                    .upload(&gateway, &mine, &format!("file {number}"))
                    .await,
            );
        }
        made.reverse();
        let first = files.list(&gateway, &mine, "?limit=2").await;
        assert_eq!(ids(&first), made[..2]);
        assert_eq!(
            (&first["has_more"], &first["last_id"]),
            (&json!(true), &json!(made[1]))
        );
        let after = if files.headers.is_empty() {
            "after"
        } else {
            "after_id"
        };
        let second = files
            .list(&gateway, &mine, &format!("?limit=3&{after}={}", made[1]))
            .await;
        assert_eq!(ids(&second), made[2..]);
        assert_eq!(
            (&second["has_more"], &second["first_id"]),
            (&json!(false), &json!(made[2]))
        );
        // A cursor of another tenant leads nowhere.
        let path = format!("{}?{after}={}", files.path, made[1]);
        assert_eq!(
            files.ask(&gateway, &theirs, Method::GET, &path).await.0,
            404
        );
    }
    let oldest = OPENAI.list(&gateway, &mine, "?order=asc&limit=1").await;
    let newest = OPENAI.list(&gateway, &mine, "?limit=1").await;
    assert_ne!(ids(&oldest), ids(&newest));
    let none = OPENAI.list(&gateway, &mine, "?purpose=batch").await;
    assert!(ids(&none).is_empty());
}

/// Requests that name a file of OpenAI, one of Anthropic, one of Google, and a response.
fn naming(file: &str, file_at_anthropic: &str, response: &str) -> Vec<(&'static str, Value)> {
    let in_input = json!([{"role": "user", "content": [{"type": "input_file", "file_id": file}]}]);
    let in_message =
        json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": file}}]}]);
    let document = json!([{"role": "user", "content": [
        {"type": "document", "source": {"type": "file", "file_id": file_at_anthropic}}]}]);
    let by_address = json!([{"parts": [{"fileData": {
        "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "text/plain"}}]}]);
    vec![
        (
            "/v1/responses",
            json!({"model": "gpt-4o-mini", "input": "and?", "previous_response_id": response}),
        ),
        (
            "/v1/responses",
            json!({"model": "gpt-4o-mini", "input": in_input}),
        ),
        (
            "/v1/responses/input_tokens",
            json!({"model": "gpt-4o-mini", "input": in_input}),
        ),
        (
            "/v1/responses",
            json!({"model": "gpt-4o-mini", "input": "x",
            "tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [file]}}]}),
        ),
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o-mini", "messages": in_message}),
        ),
        (
            "/v1/messages",
            json!({"model": "claude-haiku-4-5", "max_tokens": 9, "messages": document}),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            json!({"contents": by_address}),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:countTokens",
            json!({"generateContentRequest": {"contents": by_address}}),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            json!({"contents": [{"parts": [{"text": "x"}]}], "cachedContent": "cachedContents/abc"}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_cannot_name_what_another_tenant_made() {
    let gateway = Setup::new().start().await;
    let (mine, theirs) = (gateway.tenant("mine").await, gateway.tenant("theirs").await);
    let file = OPENAI.upload(&gateway, &mine, "a secret").await;
    let at_anthropic = ANTHROPIC.upload(&gateway, &mine, "a secret").await;
    let said = json!({"model": "gpt-4o-mini", "input": "hello", "max_output_tokens": 16});
    let (status, response) = post(&gateway, &mine, "/v1/responses", &said).await;
    assert_eq!(status, 200);
    let response = response["id"].as_str().unwrap();
    let calls = gateway.simulator.calls().len();
    for (path, body) in naming(&file, &at_anthropic, response) {
        let (status, refused) = post(&gateway, &theirs, path, &body).await;
        assert_eq!(status, 404, "{path} {body}: {refused}");
    }
    assert_eq!(gateway.simulator.calls().len(), calls, "nothing was sent");
    let again = json!({"model": "gpt-4o-mini", "input": "and?", "previous_response_id": response,
        "max_output_tokens": 16});
    assert_eq!(post(&gateway, &mine, "/v1/responses", &again).await.0, 200);
    let (status, unmetered) = post(
        &gateway,
        &mine,
        "/v1/responses",
        &json!({"model": "gpt-4o-mini", "input": "x", "conversation": "conv_1"}),
    )
    .await;
    assert_eq!(
        (status, &unmetered["error"]["code"]),
        (403, &json!("unmetered"))
    );
}

async fn post(gateway: &TestGateway, tenant: &Tenant, path: &str, body: &Value) -> (u16, Value) {
    let request = gateway
        .request(Method::POST, path)
        .header("x-api-key", &tenant.key);
    let answer = request.json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_read_and_deleted_by_its_tenant_only_also_after_a_crash() {
    let mut gateway = Setup::new().start().await;
    let (mine, theirs) = (gateway.tenant("mine").await, gateway.tenant("theirs").await);
    let mut responses = Vec::new();
    for streamed in [false, true] {
        let said = json!({"model": "gpt-4o-mini", "input": "hello", "stream": streamed,
            "max_output_tokens": 16});
        let request = gateway
            .request(Method::POST, "/v1/responses")
            .header("x-api-key", &mine.key);
        let text = request
            .json(&said)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let (_, id) = text.split_once("\"resp_").unwrap();
        let (id, _) = id.split_once('"').unwrap();
        responses.push(format!("/v1/responses/resp_{id}"));
    }
    gateway.kill();
    gateway.start().await;
    for path in responses {
        let items = format!("{path}/input_items");
        for (method, path) in [
            (Method::GET, &path),
            (Method::GET, &items),
            (Method::DELETE, &path),
        ] {
            assert_eq!(OPENAI.ask(&gateway, &theirs, method, path).await.0, 404);
        }
        assert_eq!(OPENAI.ask(&gateway, &mine, Method::GET, &path).await.0, 200);
        assert_eq!(
            OPENAI.ask(&gateway, &mine, Method::GET, &items).await.0,
            200
        );
        assert_eq!(
            OPENAI.ask(&gateway, &mine, Method::DELETE, &path).await.0,
            200
        );
        assert_eq!(OPENAI.ask(&gateway, &mine, Method::GET, &path).await.0, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_its_own_key_for_the_provider_sees_what_that_key_sees() {
    let gateway = Setup::new().start().await;
    let (mine, own) = (gateway.tenant("mine").await, gateway.tenant("own").await);
    let id = OPENAI.upload(&gateway, &mine, "under the shared key").await;
    let path = format!("/v1/files/{id}");
    let request = OPENAI.request(&gateway, &own, Method::GET, &path);
    let with_key = request.header("authorization", "Bearer sk-own-key");
    assert_eq!(with_key.send().await.unwrap().status(), 200);
    assert_eq!(OPENAI.ask(&gateway, &own, Method::GET, &path).await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_parts_to_google_stays_here_and_is_its_makers() {
    let gateway = Setup::new().start().await;
    let (mine, theirs) = (gateway.tenant("mine").await, gateway.tenant("theirs").await);
    let begun = gateway
        .request(Method::POST, "/upload/v1beta/files")
        .header("x-goog-api-key", &mine.key)
        .header("x-goog-upload-protocol", "resumable")
        .header("x-goog-upload-command", "start")
        .header("x-goog-upload-header-content-type", "text/plain")
        .json(&json!({"file": {"displayName": "notes"}}));
    let begun = begun.send().await.unwrap();
    assert_eq!(begun.status(), 200);
    let address = begun.headers()["x-goog-upload-url"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(address.starts_with(&gateway.url), "{address}");
    // The SDK shows no key of its own with the parts.
    let part = gateway
        .http
        .post(&address)
        .header("x-goog-upload-offset", "0");
    let part = part
        .header("x-goog-upload-command", "upload, finalize")
        .body("what I wrote");
    let made: Value = part.send().await.unwrap().json().await.unwrap();
    let name = made["file"]["name"].as_str().unwrap();
    let get = async |tenant: &Tenant, path: &str| google(&gateway, tenant, path).await;
    let path = format!("/v1beta/{name}");
    assert_eq!(get(&mine, &path).await.0, 200);
    let (status, refused) = get(&theirs, &path).await;
    assert_eq!(
        (status, &refused["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
    let (_, list) = get(&mine, "/v1beta/files").await;
    assert_eq!(list["files"][0]["name"], name);
    assert_eq!(get(&theirs, "/v1beta/files").await, (200, json!({})));
    assert_eq!(
        (
            names_file(&gateway, &mine, &made).await,
            names_file(&gateway, &theirs, &made).await
        ),
        (200, 404)
    );
}

async fn google(gateway: &TestGateway, tenant: &Tenant, path: &str) -> (u16, Value) {
    let request = gateway.request(Method::GET, path);
    let request = request.header("x-goog-api-key", &tenant.key);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// Has a model read a file of Google.
async fn names_file(gateway: &TestGateway, tenant: &Tenant, made: &Value) -> u16 {
    let named = json!({"contents": [{"parts": [{"fileData": {
        "fileUri": made["file"]["uri"], "mimeType": "text/plain"}}]}]});
    let path = "/v1beta/models/gemini-2.5-flash:generateContent";
    let request = gateway.request(Method::POST, path);
    let request = request.header("x-goog-api-key", &tenant.key).json(&named);
    request.send().await.unwrap().status().as_u16()
}
