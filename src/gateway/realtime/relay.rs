//! Messages between a caller and the provider, one after the other. A response is asked for only when
//! its turn was admitted; what is refused is told to the caller as an event, and the conversation goes on.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tokio::io::DuplexStream;
use tokio::time::{Instant, Interval, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::domain::denial::Denial;
use crate::domain::feature::Feature;
use crate::domain::id::RequestId;
use crate::gateway::realtime::dial::Provider;
use crate::gateway::realtime::relay::ending::{End, send};
use crate::gateway::realtime::turns::Turns;
use crate::gateway::revoked::{self, KeyWatch};
use crate::gateway::{Gateway, reply};
use crate::metrics::tally::Timings;
use crate::providers::Dialect;
use crate::providers::openai::realtime::{
    CallerEvent, ProviderEvent, ResponseAsked, SessionState, SessionUpdate, cancel_event,
    error_event, read_caller_event, read_provider_event, response_of_our_own,
};

mod ending;

/// How long the provider may take to say how the session is.
const OPENING_MAX: Duration = Duration::from_secs(30);
/// How long a conversation may be silent on both sides.
const SILENCE_MAX: Duration = Duration::from_mins(15);
/// How often it is looked whether something has lasted too long, or the gateway stops.
const LOOK: Duration = revoked::LOOK;

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The provider has not said how the session is.
    Opening,
    /// It was asked to leave the start of responses to us.
    TakingOver,
    /// The caller is listened to.
    Open,
}

type Step = ControlFlow<End>;

/// See the module.
pub(super) struct Relay<'a> {
    gateway: &'a Gateway,
    turns: Turns<'a>,
    caller: WebSocketStream<DuplexStream>,
    /// Whether the caller's key may still be used.
    key: KeyWatch,
    provider: Provider,
    stage: Stage,
    /// Whether the caller expects a response when it has spoken.
    starts_responses: bool,
    /// The same after the next change of the session.
    wants_responses: Option<bool>,
    has_spoken: bool,
    began: Instant,
    heard_provider: Instant,
    heard_any: Instant,
    look: Interval,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        turns: Turns<'a>,
        (caller, key): (WebSocketStream<DuplexStream>, KeyWatch),
        provider: Provider,
    ) -> Self {
        let now = Instant::now();
        Self {
            gateway,
            turns,
            caller,
            key,
            provider,
            stage: Stage::Opening,
            starts_responses: false,
            wants_responses: None,
            has_spoken: false,
            began: now,
            heard_provider: now,
            heard_any: now,
            look: interval(LOOK),
        }
    }

    /// Relays until either side leaves or the conversation must end.
    pub(super) async fn run(mut self) {
        let end = loop {
            if let ControlFlow::Break(end) = self.step().await {
                break end;
            }
        };
        tracing::debug!(?end, "a conversation ends");
        self.finish(end).await;
    }

    async fn step(&mut self) -> Step {
        tokio::select! {
            message = self.caller.next(), if self.stage == Stage::Open => {
                self.heard_any = Instant::now();
                self.on_caller(message).await
            }
            message = self.provider.next() => {
                self.heard_provider = Instant::now();
                self.heard_any = self.heard_provider;
                self.on_provider(message).await
            }
            _ = self.look.tick() => self.on_look(),
        }
    }

    fn on_look(&mut self) -> Step {
        let silence_max = self.gateway.upstreams.silence_max();
        if self.key.is_revoked() {
            return Step::Break(End::KeyRevoked);
        }
        let are_over = self.turns.are_over();
        if are_over && self.gateway.stopping.is_closing() {
            return Step::Break(End::Ours(CloseCode::Away, "the gateway is stopping"));
        }
        if self.stage != Stage::Open && self.began.elapsed() > OPENING_MAX {
            return Step::Break(End::Ours(CloseCode::Error, "the provider does not begin"));
        }
        let is_silent = !are_over && self.heard_provider.elapsed() > silence_max;
        if is_silent || self.turns.are_overdue(silence_max) {
            return Step::Break(End::Ours(CloseCode::Error, "the provider is silent"));
        }
        if self.heard_any.elapsed() > SILENCE_MAX {
            return Step::Break(End::Ours(CloseCode::Normal, "nothing was said for long"));
        }
        Step::Continue(())
    }

    async fn on_caller(&mut self, message: Option<Result<Message, Error>>) -> Step {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(Error::Capacity(_))) => {
                return Step::Break(End::Ours(CloseCode::Size, "a message is too long"));
            }
            Some(Err(_)) | None => return Step::Break(End::Caller(None)),
        };
        let content = match &message {
            Message::Text(text) => Bytes::from(text.clone()),
            Message::Binary(bytes) => bytes.clone(),
            Message::Ping(_) | Message::Pong(_) => return self.tell_provider(message).await,
            Message::Close(word) => return Step::Break(End::Caller(word.clone())),
            Message::Frame(_) => return Step::Continue(()),
        };
        match read_caller_event(&content) {
            Ok(CallerEvent::Plain(heard)) => {
                self.turns.hear(heard);
                self.tell_provider(message).await
            }
            Ok(CallerEvent::Session(update)) => self.update(update).await,
            Ok(CallerEvent::Response(asked)) => self.ask(*asked).await,
            Err(misfit) => {
                let denial = Denial::BadRequest(misfit.problem);
                self.refuse(&denial, misfit.event_id.as_deref()).await
            }
        }
    }

    async fn update(&mut self, update: SessionUpdate) -> Step {
        let feature = Feature::RealtimeTranscription;
        if update.transcribes && !self.gateway.unmetered.contains(&feature) {
            let denial = Denial::Unmetered { feature };
            return self.refuse(&denial, update.event_id.as_deref()).await;
        }
        self.turns.hear(update.heard);
        self.wants_responses = update.wants_responses.or(self.wants_responses);
        self.tell_provider(Message::text(update.message)).await
    }

    /// Asks the provider for a response, if its turn is admitted.
    async fn ask(&mut self, asked: ResponseAsked) -> Step {
        let event_id = asked.event_id.clone();
        match self.turns.open(asked).await {
            Ok(body) => match Utf8Bytes::try_from(body) {
                Ok(text) => self.tell_provider(Message::Text(text)).await,
                Err(_invalid) => Step::Break(End::Ours(CloseCode::Error, "not text")),
            },
            Err(denial) => self.tell(&denial, event_id.as_deref()).await,
        }
    }

    /// Refuses an event that is no turn.
    async fn refuse(&mut self, denial: &Denial, event_id: Option<&str>) -> Step {
        let timings = Timings::since(std::time::Instant::now());
        self.gateway.metrics.request_denied(denial, &timings);
        self.tell(denial, event_id).await
    }

    async fn tell(&mut self, denial: &Denial, caused_by: Option<&str>) -> Step {
        let refusal = reply::refusal(denial, (Dialect::OpenAi, ""), self.gateway.wording);
        let id = RequestId::new(self.gateway.clock.now(), rand::random());
        let event = error_event(&refusal, &format!("event_{id}"), caused_by);
        self.tell_caller(Message::text(event)).await
    }

    async fn on_provider(&mut self, message: Option<Result<Message, Error>>) -> Step {
        let Some(Ok(message)) = message else {
            return Step::Break(End::Provider(None));
        };
        let content = match &message {
            Message::Text(text) => Bytes::from(text.clone()),
            Message::Binary(bytes) => bytes.clone(),
            Message::Ping(_) | Message::Pong(_) => return self.tell_caller(message).await,
            Message::Close(word) => return Step::Break(End::Provider(word.clone())),
            Message::Frame(_) => return Step::Continue(()),
        };
        match read_provider_event(&content) {
            Some(ProviderEvent::Session(state)) => return self.on_session(&state).await,
            Some(ProviderEvent::Committed) => {
                self.tell_caller(message).await?;
                return self.on_committed().await;
            }
            Some(event) => self.note(event).await?,
            None => {}
        }
        self.tell_caller(message).await
    }

    /// Takes notice of what the provider does, before the caller hears of it.
    async fn note(&mut self, event: ProviderEvent) -> Step {
        match event {
            ProviderEvent::ResponseBegun(response) => {
                if !self.turns.begin(&response) {
                    return self.on_unasked(&response).await;
                }
            }
            ProviderEvent::ResponseEnded(end) => self.turns.end(*end),
            ProviderEvent::Failed(about) => {
                if let Some(event_id) = about {
                    self.turns.not_made(&event_id);
                }
            }
            ProviderEvent::SpeechEnded => self.has_spoken = true,
            ProviderEvent::Session(_) | ProviderEvent::Committed | ProviderEvent::Other => {}
        }
        Step::Continue(())
    }

    /// The provider was told not to begin responses itself. One that it begins nevertheless is ended
    /// at once, and charged.
    async fn on_unasked(&mut self, response: &str) -> Step {
        tracing::error!(
            response,
            "the provider began a response that nobody asked for"
        );
        self.tell_provider(Message::text(cancel_event(response)))
            .await?;
        let counted = self.turns.open(response_of_our_own()).await;
        if counted.is_ok() && self.turns.begin(response) {
            return Step::Continue(());
        }
        let reason = "the provider began a response that no budget has room for";
        Step::Break(End::Ours(CloseCode::Policy, reason))
    }

    async fn on_committed(&mut self) -> Step {
        let has_spoken = std::mem::take(&mut self.has_spoken);
        if has_spoken && self.starts_responses {
            return self.ask(response_of_our_own()).await;
        }
        Step::Continue(())
    }

    async fn on_session(&mut self, state: &SessionState) -> Step {
        self.turns.note_session(state);
        let transcribes = state.transcribes
            && !self
                .gateway
                .unmetered
                .contains(&Feature::RealtimeTranscription);
        if !state.is_conversation || transcribes {
            let reason = "this kind of session is not metered here";
            return Step::Break(End::Ours(CloseCode::Policy, reason));
        }
        match (self.stage, state.starts_responses) {
            (Stage::Opening, true) => {
                self.stage = Stage::TakingOver;
                self.starts_responses = true;
                self.tell_provider(Message::text(state.take_over())).await?;
            }
            // Our own change, of which the caller need not know.
            (Stage::TakingOver, false) => {
                self.stage = Stage::Open;
                return Step::Continue(());
            }
            (Stage::TakingOver | Stage::Open, true) => {
                let reason = "the provider does not leave the start of responses to us";
                return Step::Break(End::Ours(CloseCode::Policy, reason));
            }
            (Stage::Opening | Stage::Open, false) => {
                self.stage = Stage::Open;
                let wanted = self.wants_responses.take();
                self.starts_responses = wanted.unwrap_or(self.starts_responses);
            }
        }
        let shown = state.shown(self.starts_responses);
        self.tell_caller(Message::text(shown)).await
    }

    async fn tell_caller(&mut self, message: Message) -> Step {
        if send(&mut self.caller, message).await {
            return Step::Continue(());
        }
        Step::Break(End::Caller(None))
    }

    async fn tell_provider(&mut self, message: Message) -> Step {
        if send(&mut self.provider, message).await {
            return Step::Continue(());
        }
        Step::Break(End::Provider(None))
    }
}
