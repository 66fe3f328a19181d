//! The simulated provider over real sockets: shapes, sequences, caps, breaks and its books.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CallOutcome, CallRecord, Simulator, SimulatorOptions};

async fn simulator() -> Simulator {
    Simulator::start(SimulatorOptions::default()).await.unwrap()
}

async fn send(simulator: &Simulator, path: &str, body: &Value) -> reqwest::Response {
    post(simulator, path, body).send().await.unwrap()
}

fn post(simulator: &Simulator, path: &str, body: &Value) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(format!("http://{}{path}", simulator.address()))
        .header("anthropic-version", "2023-06-01")
        .json(body)
}

async fn answer(simulator: &Simulator, path: &str, body: &Value) -> Value {
    let response = send(simulator, path, body).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The events of a stream: their names (empty where the dialect has none) and data.
async fn events(simulator: &Simulator, path: &str, body: &Value) -> Vec<(String, Value)> {
    let response = send(simulator, path, body).await;
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let text = response.text().await.unwrap().replace("\r\n", "\n");
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
    events.map(event).collect()
}

fn event(text: &str) -> (String, Value) {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ").unwrap();
    let data = if data == "[DONE]" {
        json!("[DONE]")
    } else {
        serde_json::from_str(data).unwrap()
    };
    (field("event: ").unwrap_or_default().to_owned(), data)
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

fn chat(directive: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": format!("hi {directive}")}]})
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

fn claude(directive: &str) -> Value {
    with(
        chat(directive),
        &json!({"model": "claude-opus-4-1", "max_tokens": 100}),
    )
}

fn gemini(directive: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": format!("hi {directive}")}]}]})
}

const FLASH: &str = "/v1beta/models/gemini-2.5-flash";

fn weather_tool() -> Value {
    json!({"name": "weather", "parameters": {"type": "object", "required": ["city"],
           "properties": {"city": {"type": "string"}}}})
}

async fn ended(simulator: &Simulator) -> CallRecord {
    for _ in 0..500 {
        if let Some(call) = simulator.calls().pop()
            && call.outcome != CallOutcome::InFlight
        {
            return call;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the call did not end: {:?}", simulator.calls());
}

/// Waits for what comes by itself.
async fn until(arrived: impl Fn() -> bool) {
    for _ in 0..500 {
        if arrived() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

mod answers;
mod batches;
mod endings;
mod media;
mod objects;
mod openai;
mod others;
mod price_kinds;
mod realtime;
mod stored;
