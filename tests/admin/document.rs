//! The document of the API: whole, the same as yesterday unless somebody wanted otherwise, and shown by a
//! page that needs nothing from elsewhere.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::installation::{Answer, Installation};
use crate::support::{ROUTES, SCOPE_ROUTES, assert_refused};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

async fn open(path: &str) -> Answer {
    let installation = Installation::new().await;
    installation.send("GET", path, None, "").await
}

/// Every operation with its path and its method.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let operations = METHODS
            .iter()
            .filter_map(|method| Some((*method, item.get(method)?)));
        operations.map(move |(method, operation)| (path.as_str(), method, operation))
    })
}

fn of_admin(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    operations(document).filter(|(path, ..)| path.starts_with("/admin/"))
}

#[tokio::test]
async fn the_document_is_that_of_this_version() {
    insta::assert_snapshot!(open("/docs/yaml").await.text);
}

#[tokio::test]
async fn every_name_in_the_document_leads_somewhere_and_every_operation_has_its_own() {
    let document = open("/docs/json").await.json();
    assert_eq!(document["info"]["title"], "BudgetGuard API");
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{method} {path}: {name}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let tag = &operation["tags"][0];
        let known = document["tags"].as_array().unwrap().iter();
        assert!(known.into_iter().any(|it| it["name"] == *tag), "{tag}");
    }
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn the_document_asks_for_a_key_where_the_route_does() {
    let installation = Installation::new().await;
    let document = open("/docs/json").await.json();
    let mut without = Vec::new();
    for (path, method, operation) in of_admin(&document) {
        let place = path.replace(['{', '}'], "");
        let method = method.to_uppercase();
        let answer = installation.send(&method, &place, None, "").await;
        let expected = if answer.status == 401 {
            json!([{"X-Admin-Key": []}, {"Session": []}])
        } else {
            without.push(format!("{method} {path}"));
            json!([])
        };
        assert_eq!(operation["security"], expected, "{method} {path}");
    }
    assert_eq!(without, ["POST /admin/session"]);
}

#[tokio::test]
async fn every_admin_route_is_told_of_with_its_failures() {
    let document = open("/docs/json").await.json();
    let mut admin = 0;
    for (path, method, operation) in of_admin(&document) {
        admin += 1;
        let what = format!("{method} {path}");
        let responses = &operation["responses"];
        for status in ["200", "401", "429", "500", "503"] {
            assert!(responses[status].is_object(), "{what} {status}");
        }
        let has_body = operation["requestBody"].is_object();
        assert_eq!(responses["413"].is_object(), has_body, "{what}");
    }
    // The three about providers are in a test of their own.
    assert!(
        admin >= ROUTES.len() + SCOPE_ROUTES.len() + 3,
        "only {admin}"
    );
}

#[tokio::test]
async fn what_the_gateway_passes_on_is_told_of_and_what_it_refuses_is_not() {
    let document = open("/docs/json").await.json();
    for (path, method) in [
        ("/v1/chat/completions", "post"),
        ("/v1/messages", "post"),
        ("/v1beta/models/{model}:generateContent", "post"),
        ("/v1/budget", "get"),
        ("/v1/receipts/{request}", "get"),
        ("/health", "get"),
        ("/metrics", "get"),
        ("/docs/json", "get"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{path}");
    }
    assert!(document["paths"].get("/v1/assistants").is_none());
}

#[tokio::test]
async fn the_page_shows_the_document_and_loads_nothing_from_elsewhere() {
    let moved = open("/docs").await;
    assert_eq!(moved.headers["location"], "docs/");
    let page = open("/docs/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(
        !page.text.contains("://") && !page.text.contains("<script>"),
        "{}",
        page.text
    );
    let sources = page.text.split("src=\"./").skip(1);
    let mut scripts = 0;
    for source in sources {
        let name = source.split('"').next().unwrap();
        let script = open(&format!("/docs/{name}")).await;
        assert_eq!(script.status, 200, "{name}");
        assert_eq!(script.headers["content-type"], "text/javascript", "{name}");
        scripts += 1;
    }
    assert_eq!(scripts, 3);
    let settings = open("/docs/swagger-initializer.js").await.text;
    assert!(settings.contains(r#""url": "json""#), "{settings}");
    assert!(!settings.contains("petstore"), "{settings}");
    for missing in [
        "/docs/no-such-file",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/a/b",
    ] {
        assert_refused(&open(missing).await, 404, "Not found", missing);
    }
}
