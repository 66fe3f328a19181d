//! One answer within a realtime session.

use std::time::Duration;

use axum::extract::ws::WebSocket;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::billed::BilledTokens;
use super::directives::{Directives, Flag};
use super::exchange::{Answer, Ask, Exchange, Plan, set, words};
use super::handler::unix_seconds;
use super::prompt::Prompt;
use super::realtime::{Heard, Session, cancels};
use super::record::OpenCall;
use super::refusal::Refusal;
use super::route::{Dialect, Operation};

/// How long an answer that never comes looks for the client to leave.
const HANG_STEP: Duration = Duration::from_secs(1);

pub(super) struct Turn {
    call: OpenCall,
    directives: Directives,
    /// Or why there is no answer.
    plan: Result<Plan, Refusal>,
    billed: BilledTokens,
    /// Names of events as the beta had them.
    beta: bool,
    /// Events sent.
    sent: u64,
    output: u64,
}

/// What ends an answer early.
enum Stop {
    Canceled,
    /// The connection is to end.
    Gone,
}

impl Turn {
    /// `event` is the client's wish for an answer; it may carry a directive.
    pub(super) fn new(session: &Session, event: &str) -> Self {
        let recorder = &session.shared.recorder;
        let mut call = recorder.begin(&session.target.path, Dialect::OpenAi, Operation::Realtime);
        let body = format!("[{},{event}]", session.items);
        let read = Directives::read(&body).map_err(Refusal::bad_request);
        let (directives, unreadable) = match read {
            Ok(directives) => (directives, None),
            Err(refusal) => (Directives::default(), Some(refusal)),
        };
        let exchange = Exchange {
            shared: &session.shared,
            target: &session.target,
            body: &body,
            body_bytes: session.received,
            files: &[],
            directives: &directives,
            batched: false,
            sequence: call.sequence(),
            created: unix_seconds(),
        };
        let plan = plan(session, &exchange, event);
        let mut billed = plan.billed;
        if directives.units.audio_input == 0 {
            billed.audio_input = session.audio_tokens.min(billed.uncached());
        }
        let answer = Answer::events(&session.model, billed, Vec::new());
        call.accept(&answer.at_tier(&exchange.tier("default")));
        let refusal = unreadable.or(directives
            .status
            .map(|status| Refusal::simulated(status, directives.retry_after)));
        Self {
            call,
            plan: refusal.map_or(Ok(plan), Err),
            billed,
            beta: session.target.header("openai-beta").is_some(),
            directives,
            sent: 0,
            output: 0,
        }
    }

    /// None: the connection is to end.
    pub(super) async fn run(mut self, session: &mut Session, socket: &mut WebSocket) -> Option<()> {
        self.call.answer(200);
        while self.directives.has(Flag::Hang) {
            let until = Instant::now() + HANG_STEP;
            if let Heard::Gone = session.hear(socket, Some(until)).await {
                return None;
            }
        }
        let created = json!({"response": self.object("in_progress", &[])});
        session.tell(socket, "response.created", created).await?;
        let plan = match std::mem::replace(&mut self.plan, Err(Refusal::bad_request(""))) {
            Ok(plan) => plan,
            Err(refusal) => return self.fail(session, socket, &refusal).await,
        };
        match self.speak(session, socket, &plan).await {
            Ok(()) => {
                self.call.produce_all();
                self.output = self.billed.output;
                session.context += plan.visible;
                let status = if plan.truncated {
                    "incomplete"
                } else {
                    "completed"
                };
                self.done(session, socket, status, plan.visible).await
            }
            Err(Stop::Canceled) => {
                let visible = self.output.saturating_sub(plan.hidden());
                session.context += visible;
                self.done(session, socket, "cancelled", visible).await
            }
            Err(Stop::Gone) => None,
        }
    }

    async fn speak(
        &mut self,
        session: &mut Session,
        socket: &mut WebSocket,
        plan: &Plan,
    ) -> Result<(), Stop> {
        let item = self.item("in_progress", 0);
        self.tell(
            session,
            socket,
            "output_item.added",
            json!({ "item": item }),
        )
        .await?;
        let empty = json!({"part": {"type": "text", "text": ""}});
        self.tell(session, socket, "content_part.added", empty)
            .await?;
        let (delta, done) = if self.beta {
            ("text.delta", "text.done")
        } else {
            ("output_text.delta", "output_text.done")
        };
        self.output = plan.hidden();
        for tokens in plan.pieces() {
            self.output += tokens;
            self.call.produce(self.output);
            let text = json!({"delta": words(tokens)});
            self.tell(session, socket, delta, text).await?;
        }
        let text = words(plan.visible);
        self.tell(session, socket, done, json!({ "text": text }))
            .await?;
        let part = json!({"part": {"type": "text", "text": text}});
        self.tell(session, socket, "content_part.done", part)
            .await?;
        let item = self.item("completed", plan.visible);
        self.tell(session, socket, "output_item.done", json!({ "item": item }))
            .await
    }

    /// Sends an event, and listens to the client until the next one is due.
    async fn tell(
        &mut self,
        session: &mut Session,
        socket: &mut WebSocket,
        kind: &str,
        mut event: Value,
    ) -> Result<(), Stop> {
        let place = json!({
            "response_id": self.id(), "item_id": self.item_id(), "output_index": 0,
            "content_index": 0,
        });
        if let Value::Object(place) = place {
            for (name, value) in place {
                set(&mut event, &name, value);
            }
        }
        let kind = format!("response.{kind}");
        let sent = session.tell(socket, &kind, event).await;
        sent.ok_or(Stop::Gone)?;
        self.sent += 1;
        if self.directives.cut_after == Some(self.sent) {
            self.call.cut();
            return Err(Stop::Gone);
        }
        let usual = session.shared.options.chunk_delay;
        let delay = self.directives.chunk_delay.unwrap_or(usual);
        self.listen(session, socket, delay).await
    }

    async fn listen(
        &self,
        session: &mut Session,
        socket: &mut WebSocket,
        delay: Duration,
    ) -> Result<(), Stop> {
        let until = Instant::now() + delay;
        while Instant::now() < until {
            match session.hear(socket, Some(until)).await {
                Heard::Event(event) if cancels(&event) => {
                    return Err(Stop::Canceled);
                }
                Heard::Event(event) => session.postpone(event).ok_or(Stop::Gone)?,
                Heard::Nothing => {}
                Heard::Gone => return Err(Stop::Gone),
            }
        }
        Ok(())
    }

    /// Booked before it is told, so that who has heard of it finds it in the books.
    async fn done(
        &mut self,
        session: &mut Session,
        socket: &mut WebSocket,
        status: &str,
        visible: u64,
    ) -> Option<()> {
        self.call.finish();
        let item = self.item(status, visible);
        let mut response = self.object(status, &[item]);
        if !self.directives.has(Flag::NoUsage) {
            set(
                &mut response,
                "usage",
                usage(self.billed.until(self.output)),
            );
        }
        session
            .tell(socket, "response.done", json!({ "response": response }))
            .await
    }

    async fn fail(
        &mut self,
        session: &mut Session,
        socket: &mut WebSocket,
        refusal: &Refusal,
    ) -> Option<()> {
        self.call.refuse(refusal.status.as_u16());
        let body = refusal.body(Dialect::OpenAi, self.call.request_id());
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let mut response = self.object("failed", &[]);
        let details = json!({"type": "failed", "error": body.get("error")});
        set(&mut response, "status_details", details);
        session
            .tell(socket, "response.done", json!({ "response": response }))
            .await
    }

    fn id(&self) -> String {
        format!("resp_sim{:020x}", self.call.sequence())
    }

    fn item_id(&self) -> String {
        format!("item_sim{:020x}a", self.call.sequence())
    }

    fn object(&self, status: &str, output: &[Value]) -> Value {
        let details = match status {
            "cancelled" => json!({"type": "cancelled", "reason": "client_cancelled"}),
            "incomplete" => json!({"type": "incomplete", "reason": "max_output_tokens"}),
            _ => Value::Null,
        };
        json!({
            "object": "realtime.response", "id": self.id(), "status": status,
            "status_details": details, "output": output, "usage": null, "metadata": null,
            "output_modalities": ["text"],
        })
    }

    fn item(&self, status: &str, visible: u64) -> Value {
        let status = match status {
            "cancelled" | "incomplete" => "incomplete",
            other => other,
        };
        let kind = if self.beta { "text" } else { "output_text" };
        json!({
            "id": self.item_id(), "object": "realtime.item", "type": "message",
            "status": status, "role": "assistant",
            "content": [{"type": kind, "text": words(visible)}],
        })
    }
}

fn plan(session: &Session, exchange: &Exchange<'_>, event: &str) -> Plan {
    let items = format!("[{}]", session.items);
    let measure = |text: &str| serde_json::from_str::<Prompt>(text).ok();
    let asked: Value = serde_json::from_str(event).unwrap_or_default();
    let asked = asked.get("response").cloned().unwrap_or_default();
    let own = asked.get("instructions").and_then(Value::as_str);
    let instructions = json!(own.unwrap_or(session.instructions())).to_string();
    let parts = [measure(&items), measure(&instructions)];
    let parts: Vec<Option<&Prompt>> = parts.iter().map(Option::as_ref).collect();
    exchange.plan(&Ask {
        input: exchange.input_tokens(&parts) + session.audio_tokens + session.context,
        cap: asked
            .get("max_output_tokens")
            .and_then(Value::as_u64)
            .or(session.cap()),
        ..Ask::default()
    })
}

fn usage(billed: BilledTokens) -> Value {
    json!({
        "total_tokens": billed.total(), "input_tokens": billed.input,
        "output_tokens": billed.output,
        "input_token_details": {
            "text_tokens": billed.text_input(), "audio_tokens": billed.audio_input,
            "image_tokens": billed.image_input, "cached_tokens": billed.cached_input,
            "cached_tokens_details": {
                "text_tokens": billed.cached_input, "audio_tokens": 0, "image_tokens": 0,
            },
        },
        "output_token_details": {
            "text_tokens": billed.text_output(), "audio_tokens": billed.audio_output,
        },
    })
}
