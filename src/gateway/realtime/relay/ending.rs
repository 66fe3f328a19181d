//! How a conversation ends: what is under way is settled, and both sides are told.

use std::time::Duration;

use futures::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::gateway::realtime::dial::Provider;
use crate::gateway::realtime::relay::Relay;
use crate::gateway::realtime::turns::Turns;
use crate::gateway::settle::Ending;
use crate::providers::openai::realtime::{ProviderEvent, cancel_event, read_provider_event};
use crate::settings::budgets::AbortMode;

/// How long one side may take to accept a message.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// How long it is waited for the usage of responses whose caller is gone.
const LAST_USAGE_MAX: Duration = Duration::from_secs(5);
/// How long it is waited for the other's word of farewell.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Why a conversation ends.
#[derive(Debug)]
pub(super) enum End {
    /// The caller left, with a word or without.
    Caller(Option<CloseFrame>),
    /// The provider did.
    Provider(Option<CloseFrame>),
    /// The caller's key was revoked.
    KeyRevoked,
    /// We end it.
    Ours(CloseCode, &'static str),
}

impl Relay<'_> {
    pub(super) async fn finish(&mut self, end: End) {
        match end {
            End::Caller(word) => {
                let mode = self.gateway.abort_mode;
                self.without_caller(word, (mode, Ending::CallerGone)).await;
            }
            End::KeyRevoked => {
                let word = CloseFrame {
                    code: CloseCode::Policy,
                    reason: Utf8Bytes::from_static("the API key was revoked"),
                };
                self.turns.last_ending = Ending::KeyRevoked;
                let how = (AbortMode::Cancel, Ending::KeyRevoked);
                self.without_caller(Some(word), how).await;
            }
            End::Provider(word) => {
                self.give_up("upstream_cut");
                let unheard = CloseFrame {
                    code: CloseCode::Error,
                    reason: Utf8Bytes::from_static("the provider broke the connection"),
                };
                part(&mut self.caller, Some(word.unwrap_or(unheard))).await;
            }
            End::Ours(code, reason) => {
                self.give_up("ended_by_gateway");
                let reason = Utf8Bytes::from_static(reason);
                let word = Some(CloseFrame { code, reason });
                part(&mut self.provider, word.clone()).await;
                part(&mut self.caller, word).await;
            }
        }
    }

    fn give_up(&mut self, reason: &'static str) {
        let http_status = None;
        self.turns.give_up(Ending::UpstreamFailed {
            reason,
            http_status,
        });
    }

    /// Learns what the responses under way have used before the provider is left.
    async fn without_caller(
        &mut self,
        word: Option<CloseFrame>,
        (mode, ending): (AbortMode, Ending),
    ) {
        let wait_max = match mode {
            AbortMode::Cancel => LAST_USAGE_MAX,
            AbortMode::Drain => self.gateway.upstreams.silence_max(),
        };
        let last_usage = last_usage(&mut self.turns, &mut self.provider, mode);
        let farewell = part(&mut self.caller, word.clone());
        // What is not known by then is charged as held.
        let _ = tokio::join!(timeout(wait_max, last_usage), farewell);
        self.turns.give_up(ending);
        part(&mut self.provider, word).await;
    }
}

/// Reads the provider until no response is under way; with `Cancel`, it is asked to end them.
async fn last_usage(turns: &mut Turns<'_>, provider: &mut Provider, mode: AbortMode) {
    let begun = turns.responses().map(cancel_event);
    let mut cancels: Vec<String> = begun.collect();
    while !turns.are_over() {
        for cancel in cancels.drain(..) {
            if mode == AbortMode::Cancel && !send(provider, Message::text(cancel)).await {
                return;
            }
        }
        let Some(Ok(message)) = provider.next().await else {
            return;
        };
        match read_provider_event(&message.into_data()) {
            Some(ProviderEvent::ResponseEnded(end)) => turns.end(*end),
            Some(ProviderEvent::ResponseBegun(response)) => {
                if turns.begin(&response) {
                    cancels.push(cancel_event(&response));
                }
            }
            Some(ProviderEvent::Failed(Some(about))) => turns.not_made(&about),
            Some(
                ProviderEvent::Failed(None)
                | ProviderEvent::Session(_)
                | ProviderEvent::SpeechEnded
                | ProviderEvent::Committed
                | ProviderEvent::Other,
            )
            | None => {}
        }
    }
}

/// Whether the other side has taken the message.
pub(super) async fn send<S: Sink<Message> + Unpin>(to: &mut S, message: Message) -> bool {
    matches!(timeout(WRITE_MAX, to.send(message)).await, Ok(Ok(())))
}

/// Says farewell, and waits a little for the same.
async fn part<S>(side: &mut WebSocketStream<S>, word: Option<CloseFrame>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let farewell = async {
        // It fails where the other was first, whose word is answered by reading on.
        let _ = side.close(word).await;
        while let Some(Ok(_)) = side.next().await {}
    };
    // A side that does not answer is left without.
    let _ = timeout(FAREWELL_MAX, farewell).await;
}
