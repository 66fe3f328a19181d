//! OpenAI's realtime sessions: a conversation over one WebSocket, in which each answer is billed
//! and booked by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::exchange::set;
use super::handler::{Shared, authenticate};
use super::openai::missing;
use super::realtime_turn::Turn;
use super::refusal::Refusal;
use super::reply;
use super::route::{Dialect, Operation, Route};
use super::target::Target;

const PROTOCOL: &str = "realtime";
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a session remembers of its conversation.
const CONVERSATION_BYTES_MAX: usize = 1024 * 1024;
/// Beyond it, a session's settings no longer change.
const CONFIG_BYTES_MAX: usize = 1024 * 1024;
/// Events that wait while an answer is being given.
const EVENTS_WAITING_MAX: usize = 256;
/// A tenth of a second of 16 bits at 24 kHz.
const AUDIO_BYTES_PER_TOKEN: u64 = 4_800;

/// Browsers cannot set headers: they name the key among the protocols.
pub(super) fn key(target: &Target) -> Option<&str> {
    let protocols = target.header("sec-websocket-protocol")?;
    protocols
        .split(',')
        .find_map(|protocol| protocol.trim().strip_prefix("openai-insecure-api-key."))
}

/// Begins a session, or says why not.
pub(super) async fn open(shared: Arc<Shared>, mut parts: Parts, route: &Route) -> Response {
    let target = Target::of(&parts);
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = upgrade.map_err(|error| Refusal::bad_request(error.body_text()));
    let accepted = authenticate(shared.options.require_keys.as_ref(), &target, route)
        .and_then(|()| target.query("model").ok_or_else(|| missing("model")))
        .and_then(|model| upgrade.map(|upgrade| (model.to_owned(), upgrade)));
    match accepted {
        Ok((model, upgrade)) => upgrade
            .protocols([PROTOCOL])
            .max_message_size(MESSAGE_BYTES_MAX)
            .on_upgrade(move |socket| Session::new(shared, target, model).run(socket)),
        Err(refusal) => {
            let recorder = &shared.recorder;
            let call = recorder.begin(&target.path, Dialect::OpenAi, Operation::Realtime);
            reply::refuse(&refusal, Dialect::OpenAi, call)
        }
    }
}

/// What a client sends, as far as it matters here.
#[derive(Deserialize)]
struct ClientEvent {
    #[serde(rename = "type")]
    kind: String,
    session: Option<Value>,
    item: Option<Value>,
    audio: Option<String>,
}

/// Whether an event takes back the answer that is being given.
pub(super) fn cancels(event: &str) -> bool {
    serde_json::from_str(event).is_ok_and(|event: ClientEvent| event.kind == "response.cancel")
}

/// A conversation.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) target: Target,
    pub(super) model: String,
    config: Value,
    /// As JSON, with commas between them.
    pub(super) items: String,
    pub(super) audio_tokens: u64,
    /// What was answered before is input of the next turn.
    pub(super) context: u64,
    /// Everything that the client has sent.
    pub(super) received: u64,
    pub(super) last_event: u64,
    audio_waiting: u64,
    events_waiting: VecDeque<Utf8Bytes>,
}

/// What came of waiting for the client.
pub(super) enum Heard {
    Event(Utf8Bytes),
    /// Nothing was said until then.
    Nothing,
    Gone,
}

impl Session {
    fn new(shared: Arc<Shared>, target: Target, model: String) -> Self {
        let config = json!({
            "type": "realtime", "object": "realtime.session", "id": "sess_sim", "model": model,
            "output_modalities": ["text"], "instructions": "", "tools": [],
            "max_output_tokens": "inf",
        });
        Self {
            shared,
            target,
            model,
            config,
            items: String::new(),
            audio_tokens: 0,
            context: 0,
            received: 0,
            last_event: 0,
            audio_waiting: 0,
            events_waiting: VecDeque::new(),
        }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let created = json!({"session": self.config});
        if self
            .tell(&mut socket, "session.created", created)
            .await
            .is_none()
        {
            return;
        }
        loop {
            let event = match self.events_waiting.pop_front() {
                Some(event) => event,
                None => match self.hear(&mut socket, None).await {
                    Heard::Event(event) => event,
                    Heard::Nothing => continue,
                    Heard::Gone => return,
                },
            };
            if self.handle(&mut socket, &event).await.is_none() {
                return;
            }
        }
    }

    /// None: the connection is to end.
    async fn handle(&mut self, socket: &mut WebSocket, text: &str) -> Option<()> {
        let event: ClientEvent = match serde_json::from_str(text) {
            Ok(event) => event,
            Err(error) => return self.refuse(socket, &error.to_string()).await,
        };
        match event.kind.as_str() {
            "session.update" => {
                self.update(event.session);
                let updated = json!({"session": self.config});
                self.tell(socket, "session.updated", updated).await
            }
            "conversation.item.create" => self.add(socket, event.item).await,
            "input_audio_buffer.append" => self.append(socket, event.audio).await,
            "input_audio_buffer.clear" => {
                self.audio_waiting = 0;
                self.tell(socket, "input_audio_buffer.cleared", json!({}))
                    .await
            }
            "input_audio_buffer.commit" => self.commit(socket).await,
            "response.create" => Turn::new(self, text).run(self, socket).await,
            "response.cancel" => self.refuse(socket, "there is no active response").await,
            other => {
                let message = format!("Invalid value: '{other}' is no event.");
                self.refuse(socket, &message).await
            }
        }
    }

    fn update(&mut self, asked: Option<Value>) {
        let Some(Value::Object(asked)) = asked else {
            return;
        };
        if self.config.to_string().len() > CONFIG_BYTES_MAX {
            return;
        }
        for (name, value) in asked {
            set(&mut self.config, &name, value);
        }
    }

    /// Tokens that the caller allows an answer.
    pub(super) fn cap(&self) -> Option<u64> {
        self.config.get("max_output_tokens")?.as_u64()
    }

    pub(super) fn instructions(&self) -> &str {
        let instructions = self.config.get("instructions").and_then(Value::as_str);
        instructions.unwrap_or_default()
    }

    async fn add(&mut self, socket: &mut WebSocket, item: Option<Value>) -> Option<()> {
        let Some(mut item) = item else {
            return self
                .refuse(socket, "Missing required parameter: 'item'.")
                .await;
        };
        let text = item.to_string();
        if self.items.len() + text.len() > CONVERSATION_BYTES_MAX {
            return self.refuse(socket, "The conversation is too long.").await;
        }
        if !self.items.is_empty() {
            self.items.push(',');
        }
        self.items.push_str(&text);
        let id = json!(format!("item_sim{:016x}", self.last_event));
        if item.get("id").is_none() {
            set(&mut item, "id", id);
        }
        let added = json!({"previous_item_id": null, "item": item});
        self.tell(socket, "conversation.item.added", added.clone())
            .await?;
        self.tell(socket, "conversation.item.done", added).await
    }

    async fn append(&mut self, socket: &mut WebSocket, audio: Option<String>) -> Option<()> {
        let Some(audio) = audio.and_then(|audio| STANDARD.decode(audio).ok()) else {
            return self.refuse(socket, "the audio is not base64").await;
        };
        self.audio_waiting += audio.len() as u64;
        if !self.detects_turns() {
            return Some(());
        }
        // Each piece of sound is somebody's whole turn.
        for kind in ["speech_started", "speech_stopped"] {
            let kind = format!("input_audio_buffer.{kind}");
            self.tell(socket, &kind, json!({})).await?;
        }
        self.commit(socket).await?;
        Turn::new(self, "{}").run(self, socket).await
    }

    /// The provider itself starts an answer when it hears that somebody has finished. Off unless
    /// it is asked for.
    fn detects_turns(&self) -> bool {
        let detection = self
            .config
            .pointer("/audio/input/turn_detection")
            .or_else(|| self.config.get("turn_detection"));
        let detection = detection.and_then(Value::as_object);
        detection.is_some_and(|detection| {
            detection.contains_key("type")
                && detection.get("create_response") != Some(&json!(false))
        })
    }

    async fn commit(&mut self, socket: &mut WebSocket) -> Option<()> {
        if self.audio_waiting == 0 {
            return self.refuse(socket, "the input audio buffer is empty").await;
        }
        self.audio_tokens += self.audio_waiting.div_ceil(AUDIO_BYTES_PER_TOKEN);
        self.audio_waiting = 0;
        let id = format!("item_sim{:016x}", self.last_event);
        let committed = json!({"previous_item_id": null, "item_id": id});
        self.tell(socket, "input_audio_buffer.committed", committed)
            .await
    }

    async fn refuse(&mut self, socket: &mut WebSocket, message: &str) -> Option<()> {
        let error = json!({"error": {
            "type": "invalid_request_error", "code": "invalid_value", "message": message,
            "param": null, "event_id": null,
        }});
        self.tell(socket, "error", error).await
    }

    /// Sends an event; None if nobody is there any more.
    pub(super) async fn tell(
        &mut self,
        socket: &mut WebSocket,
        kind: &str,
        mut event: Value,
    ) -> Option<()> {
        self.last_event += 1;
        set(&mut event, "type", kind);
        set(
            &mut event,
            "event_id",
            format!("event_sim{:016x}", self.last_event),
        );
        socket.send(Message::text(event.to_string())).await.ok()
    }

    /// The next event of the client, if it comes until then.
    pub(super) async fn hear(&mut self, socket: &mut WebSocket, until: Option<Instant>) -> Heard {
        let mut stopped = self.shared.stopped.clone();
        let late = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            message = socket.recv() => message,
            () = late => return Heard::Nothing,
            _ = stopped.wait_for(|stopped| *stopped) => return Heard::Gone,
        };
        match message {
            Some(Ok(Message::Text(text))) => {
                self.received += text.len() as u64;
                Heard::Event(text)
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => Heard::Nothing,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Heard::Gone,
        }
    }

    /// Keeps an event until the answer is given; None if too many wait.
    pub(super) fn postpone(&mut self, event: Utf8Bytes) -> Option<()> {
        if self.events_waiting.len() == EVENTS_WAITING_MAX {
            return None;
        }
        self.events_waiting.push_back(event);
        Some(())
    }
}
