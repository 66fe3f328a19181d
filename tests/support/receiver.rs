//! Somebody who receives the webhooks of alerts, checks them as receivers do, and answers what a test
//! wants.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;

pub(crate) const SECRET: &str = "whsec_a2V5IG9mIHR3ZW50eS1mb3VyIGJ5dGVz";
const KEY: &[u8] = b"key of twenty-four bytes";

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Delivered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The signature is right, in the words of the Standard Webhooks specification.
    pub(crate) fn assert_signed(&self) {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        assert!(!id.contains('.') && time.parse::<u64>().is_ok(), "{self:?}");
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("webhook-signature"), expected);
    }
}

#[derive(Clone, Default)]
struct Desk {
    delivered: Arc<Mutex<Vec<Delivered>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    desk: Desk,
}

impl Receiver {
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Desk::default();
        let router = Self::router(&desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    fn router(desk: &Desk) -> Router {
        Router::new().fallback(receive).with_state(desk.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/services/T0/B0/the-secret-path", self.address)
    }

    /// Answers the next messages with these; the others with 200.
    pub(crate) fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        *self.desk.answers.lock() = statuses.into_iter().collect();
    }

    /// Everything that came so far, in its order.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.desk.delivered.lock().clone()
    }
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    desk.delivered.lock().push(Delivered { headers, body });
    let answer = desk.answers.lock().pop_front();
    StatusCode::from_u16(answer.unwrap_or(200)).unwrap()
}
