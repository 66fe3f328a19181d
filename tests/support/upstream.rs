//! A provider that keeps every request as it came, byte for byte, and answers always the same.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Clone, Default)]
pub(crate) struct Book {
    received: Arc<Mutex<Vec<Received>>>,
    refusals: Arc<Mutex<VecDeque<Refusal>>>,
}

/// A status, and the seconds to wait.
type Refusal = (u16, Option<u64>);

impl Book {
    /// What came since the last look.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock())
    }

    /// The next requests are refused, one after the other.
    pub(crate) fn refuse(&self, refusals: impl IntoIterator<Item = Refusal>) {
        self.refusals.lock().extend(refusals);
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(receive).with_state(self.clone())
    }
}

pub(crate) struct RecordingUpstream {
    pub(crate) address: SocketAddr,
    pub(crate) received: Book,
}

impl RecordingUpstream {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Book::default();
        let router = received.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn receive(State(book): State<Book>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap();
    let answer = match parts.uri.path() {
        path if path.starts_with("/v1beta/") => google(),
        path if path.ends_with("/messages") => anthropic(),
        path if path.ends_with("/responses") => responses(),
        _ => openai(),
    };
    book.received.lock().push(Received {
        uri: parts.uri,
        headers: parts.headers,
        body,
    });
    if let Some((status, seconds)) = book.refusals.lock().pop_front() {
        let error = axum::Json(json!({"error": {"message": "not now", "code": "not_now"}}));
        let mut refusal = (StatusCode::from_u16(status).unwrap(), error).into_response();
        if let Some(seconds) = seconds {
            refusal.headers_mut().insert("retry-after", seconds.into());
        }
        return refusal;
    }
    ([("x-request-id", "recorded")], axum::Json(answer)).into_response()
}

fn openai() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"},
            "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
    })
}

fn responses() -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4o-mini",
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "yes", "annotations": []}]}],
        "usage": {"input_tokens": 8, "output_tokens": 1, "total_tokens": 9},
    })
}

fn anthropic() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "yes"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 8, "output_tokens": 1},
    })
}

fn google() -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]},
            "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 1, "totalTokenCount": 9},
        "modelVersion": "gemini-2.5-flash",
    })
}

/// A provider that says it keeps its connections and closes each after one answer.
pub(crate) struct ClosingUpstream {
    address: SocketAddr,
    closed: Arc<AtomicUsize>,
}

impl ClosingUpstream {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let closed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&closed);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer_once(stream).await;
                counted.fetch_add(1, Ordering::AcqRel);
            }
        });
        Self { address, closed }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it has closed.
    pub(crate) fn closed(&self) -> usize {
        self.closed.load(Ordering::Acquire)
    }
}

async fn answer_once(mut stream: TcpStream) {
    let mut request = Vec::new();
    // Small requests end with their body's last brace.
    while !request.ends_with(b"}") {
        let read = stream.read_buf(&mut request).await.unwrap();
        assert!(read > 0, "half a request");
    }
    let body = openai().to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
}
