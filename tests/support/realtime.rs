//! A caller of `/v1/realtime`, and a provider that answers one: it says what each response used as the
//! `metadata` of the response asks, and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::tls_support::Certificates;

/// What a conversation goes over.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

pub(crate) const MODEL: &str = "gpt-realtime";
/// The longest answer of the model.
const OUTPUT_MAX: u64 = 4_096;
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What a provider was sent, over all its connections.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    heads: Arc<Mutex<Vec<HeaderMap>>>,
    events: Arc<Mutex<Vec<Value>>>,
    responses: Arc<AtomicU64>,
    /// Nano-USD that it bills.
    billed: Arc<AtomicU64>,
}

pub(crate) struct RealtimeProvider {
    address: SocketAddr,
    heard: Heard,
}

impl RealtimeProvider {
    pub(crate) async fn start() -> Self {
        Self::start_behind(None).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(certificates: &Certificates) -> Self {
        Self::start_behind(Some(certificates.acceptor(b"http/1.1"))).await
    }

    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    async fn start_behind(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let shared = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await.unwrap(), shared).await,
                        None => serve(stream, shared).await,
                    }
                });
            }
        });
        Self { address, heard }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of its connections.
    pub(crate) fn heads(&self) -> Vec<HeaderMap> {
        self.heard.heads.lock().clone()
    }

    /// The events of a type that it was sent.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.heard.events.lock();
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind.cloned().collect()
    }

    /// Nano-USD that it bills for all that it made.
    pub(crate) fn billed(&self) -> i64 {
        self.heard.billed.load(Ordering::Acquire).cast_signed()
    }
}

#[expect(clippy::result_large_err, reason = "the type is the library's")]
async fn serve(stream: impl Connection, heard: Heard) {
    let heads = Arc::clone(&heard.heads);
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        heads.lock().push(request.headers().clone());
        Ok(response)
    };
    let Ok(socket) = accept_hdr_async(stream, note).await else {
        return;
    };
    let mut conversation = Conversation {
        socket,
        heard,
        session: json!({
            "type": "realtime", "object": "realtime.session", "model": MODEL,
            "instructions": "Be brief.", "max_output_tokens": "inf", "tools": [],
            "audio": {"input": {"transcription": null, "turn_detection": {
                "type": "server_vad", "threshold": 0.5, "create_response": true,
                "interrupt_response": true, "idle_timeout_ms": null,
            }}},
        }),
        waiting: None,
    };
    // It ends when the caller leaves.
    let _ = conversation.run().await;
}

struct Conversation<S> {
    socket: WebSocketStream<S>,
    heard: Heard,
    session: Value,
    /// The response that ends when it is cancelled.
    waiting: Option<(String, Value)>,
}

impl<S: Connection> Conversation<S> {
    async fn run(&mut self) -> Result<(), Error> {
        let session = self.session.clone();
        self.say(json!({"type": "session.created", "session": session}))
            .await?;
        while let Some(message) = self.socket.next().await {
            let message = message?;
            if message.is_ping() {
                self.socket.flush().await?;
            }
            if message.is_text() {
                let event: Value = serde_json::from_str(message.to_text()?).unwrap();
                self.heard.events.lock().push(event.clone());
                self.on_event(&event).await?;
            }
        }
        Ok(())
    }

    async fn say(&mut self, event: Value) -> Result<(), Error> {
        self.socket.send(Message::text(event.to_string())).await
    }

    async fn on_event(&mut self, event: &Value) -> Result<(), Error> {
        match event["type"].as_str().unwrap() {
            "session.update" => {
                merge(&mut self.session, &event["session"]);
                let session = self.session.clone();
                self.say(json!({"type": "session.updated", "session": session}))
                    .await
            }
            // Whoever sends audio has said something with it.
            "input_audio_buffer.append" => {
                for kind in ["speech_started", "speech_stopped", "committed"] {
                    let kind = format!("input_audio_buffer.{kind}");
                    self.say(json!({"type": kind, "item_id": "item_1"})).await?;
                }
                let detection = &self.session["audio"]["input"]["turn_detection"];
                if detection["create_response"] == true {
                    self.respond(&json!({"response": {}})).await?;
                }
                Ok(())
            }
            "response.create" => self.respond(event).await,
            // What no provider should do: nobody asked for this response.
            "output_audio_buffer.clear" => {
                let metadata = json!({"does": "waits", "output": "7"});
                self.respond(&json!({"response": {"metadata": metadata}}))
                    .await
            }
            "response.cancel" => match self.waiting.take() {
                Some((id, usage)) => self.done(&id, "cancelled", usage).await,
                None => Ok(()),
            },
            _ => self.say(json!({"type": "conversation.item.added"})).await,
        }
    }

    async fn respond(&mut self, event: &Value) -> Result<(), Error> {
        let metadata = event["response"]["metadata"].clone();
        if metadata["does"] == "refuses" {
            let error = json!({"type": "invalid_request_error", "code": "wrong",
                "message": "no", "event_id": event["event_id"]});
            return self.say(json!({"type": "error", "error": error})).await;
        }
        let number = self.heard.responses.fetch_add(1, Ordering::AcqRel);
        let id = format!("resp_{number}");
        self.say(
            json!({"type": "response.created", "response": {"id": id, "status": "in_progress"}}),
        )
        .await?;
        if metadata["does"] == "breaks" {
            return Err(Error::ConnectionClosed);
        }
        if metadata["does"] == "says bye" {
            let code = 4_001.into();
            let frame = CloseFrame {
                code,
                reason: "bye".into(),
            };
            self.socket.close(Some(frame)).await?;
            return Ok(());
        }
        self.say(json!({"type": "response.output_text.delta", "response_id": id, "delta": "yes"}))
            .await?;
        let cap = event["response"]["max_output_tokens"].as_u64();
        let usage = usage(&metadata, cap.unwrap_or(OUTPUT_MAX));
        if metadata["does"] == "waits" {
            self.waiting = Some((id, usage));
            return Ok(());
        }
        self.done(&id, "completed", usage).await
    }

    async fn done(&mut self, id: &str, status: &str, usage: Value) -> Result<(), Error> {
        self.heard.billed.fetch_add(bill(&usage), Ordering::AcqRel);
        let response = json!({"id": id, "status": status, "usage": usage});
        self.say(json!({"type": "response.done", "response": response}))
            .await
    }
}

/// What a response used: as its `metadata` says, else as much output as it may, all of it audio.
fn usage(metadata: &Value, cap: u64) -> Value {
    let of = |name: &str, default: u64| {
        let told = metadata[name].as_str().map(|text| text.parse().unwrap());
        told.unwrap_or(default)
    };
    let output = of("output", cap);
    json!({
        "total_tokens": of("input", 50) + output,
        "input_tokens": of("input", 50),
        "output_tokens": output,
        "input_token_details": {
            "text_tokens": of("input", 50) - of("audio", 0), "audio_tokens": of("audio", 0),
            "image_tokens": 0,
            "cached_tokens": of("cached_text", 0) + of("cached_audio", 0),
            "cached_tokens_details": {
                "text_tokens": of("cached_text", 0), "audio_tokens": of("cached_audio", 0),
            },
        },
        "output_token_details": {
            "text_tokens": output - of("output_audio", output),
            "audio_tokens": of("output_audio", output),
        },
    })
}

/// Nano-USD, by the model's price list: 4, 32, 0.40, 16 and 64 USD for a million tokens.
fn bill(usage: &Value) -> u64 {
    let tokens = |path: &str| usage.pointer(path).and_then(Value::as_u64).unwrap();
    let cached = "/input_token_details/cached_tokens_details";
    let cached_text = tokens(&format!("{cached}/text_tokens"));
    let cached_audio = tokens(&format!("{cached}/audio_tokens"));
    (tokens("/input_token_details/text_tokens") - cached_text) * 4_000
        + (tokens("/input_token_details/audio_tokens") - cached_audio) * 32_000
        + (cached_text + cached_audio) * 400
        + tokens("/output_token_details/text_tokens") * 16_000
        + tokens("/output_token_details/audio_tokens") * 64_000
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// A caller in a conversation.
pub(crate) struct Caller {
    socket: WebSocketStream<Box<dyn Connection>>,
    /// The gateway's answer to the request for the conversation.
    pub(crate) greeting: HeaderMap,
}

impl Caller {
    /// Opens a conversation, and waits until it has begun.
    pub(crate) async fn connect(port: u16, key: &str) -> Self {
        let bearer = format!("Bearer {key}");
        let connected = Self::try_connect(port, "", &[("authorization", &bearer)]).await;
        let mut caller = connected.unwrap();
        caller.expect("session.created").await;
        caller
    }

    /// Asks for a conversation; the status if there is none.
    pub(crate) async fn try_connect(
        port: u16,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self::connect_over(Box::new(stream), query, headers).await
    }

    /// The same over a connection that there is already.
    pub(crate) async fn connect_over(
        stream: Box<dyn Connection>,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://localhost/v1/realtime?model={MODEL}{query}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        match client_async(request, stream).await {
            Ok((socket, answer)) => Ok(Self {
                socket,
                greeting: answer.headers().clone(),
            }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn say(&mut self, event: Value) {
        self.send(Message::text(event.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Asks for a response with some `metadata`.
    pub(crate) async fn ask(&mut self, metadata: Value) {
        self.say(json!({"type": "response.create", "response": {"metadata": metadata}}))
            .await;
    }

    /// Asks for a response, and waits for its end or for an error.
    pub(crate) async fn turn(&mut self, metadata: Value) -> Value {
        self.ask(metadata).await;
        loop {
            let event = self.event().await;
            if event["type"] == "response.done" || event["type"] == "error" {
                return event;
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(WAIT_MAX, self.socket.next()).await;
        next.expect("nothing came").and_then(Result::ok)
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("the conversation ended");
            assert!(!message.is_close(), "the conversation ended: {message}");
            if message.is_text() {
                return serde_json::from_str(message.to_text().unwrap()).unwrap();
            }
        }
    }

    /// The next event, which must be of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event["type"], kind, "{event}");
        event
    }

    /// Reads until the conversation is closed; the code that is told.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Some(_) => {}
                None => return None,
            }
        }
    }

    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.socket.close(Some(frame)).await.unwrap();
    }
}
