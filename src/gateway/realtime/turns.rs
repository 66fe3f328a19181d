//! The turns of a conversation: each response of the model, from the hold to its settlement.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pingora::http::RequestHeader;

use crate::domain::denial::{BadRequest, Denial, Dependency};
use crate::domain::id::{ModelName, RequestId};
use crate::domain::usage::Basis;
use crate::gateway::Gateway;
use crate::gateway::admit::turn::{Turn as Wanted, admit_turn};
use crate::gateway::context::Exchange;
use crate::gateway::rates::TakenRate;
use crate::gateway::settle::{Ending, micros};
use crate::gateway::traces;
use crate::metrics::tally::Timings;
use crate::providers::endpoints::Endpoint;
use crate::providers::openai::realtime::{Heard, ResponseAsked, ResponseEnd, SessionState};

/// Responses of one conversation that are under way at once; the API itself has one in the
/// conversation, and others beside it.
const TURNS_MAX: usize = 16;
/// When to try again elsewhere while this gateway stops.
const STOPPED_RETRY: Duration = Duration::from_secs(1);
/// The status under which a turn is recorded that the provider made.
const SWITCHED: u16 = 101;
/// The status under which one is recorded that it would not make, and does not bill.
const NOT_MADE: u16 = 400;

/// See the module.
pub(super) struct Turns<'a> {
    gateway: &'a Gateway,
    endpoint: &'static Endpoint,
    /// The head with which the conversation began: who calls is asked anew for each turn.
    head: RequestHeader,
    model: ModelName,
    /// Everything that a response may read, beside the session's description.
    heard: Heard,
    session_bytes: u64,
    cap: Option<u64>,
    /// Those that the provider was asked for, in their order.
    asked: VecDeque<Turn>,
    /// Those that it has begun.
    begun: Vec<Turn>,
    /// How responses end that come to an end of their own: as answers, while the caller is there.
    pub(super) last_ending: Ending,
    /// The conversation counts as one request under way.
    _taken_rate: Option<TakenRate>,
}

struct Turn {
    event_id: String,
    /// The provider's id, once there is one.
    response: String,
    since: Instant,
    exchange: Exchange,
}

impl<'a> Turns<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        (endpoint, model): (&'static Endpoint, ModelName),
        head: RequestHeader,
        taken_rate: Option<TakenRate>,
    ) -> Self {
        Self {
            gateway,
            endpoint,
            head,
            model,
            heard: Heard::default(),
            session_bytes: 0,
            cap: None,
            asked: VecDeque::new(),
            begun: Vec::new(),
            last_ending: Ending::Answered,
            _taken_rate: taken_rate,
        }
    }

    /// Something was added to what responses may read.
    pub(super) fn hear(&mut self, heard: Heard) {
        self.heard = self.heard.plus(heard);
    }

    /// Notes how the session is.
    pub(super) fn note_session(&mut self, state: &SessionState) {
        self.session_bytes = self.session_bytes.max(state.bytes);
        self.cap = state.cap;
    }

    /// Whether no response is under way.
    pub(super) fn are_over(&self) -> bool {
        self.asked.is_empty() && self.begun.is_empty()
    }

    /// The responses that the provider has begun.
    pub(super) fn responses(&self) -> impl Iterator<Item = &str> {
        self.begun.iter().map(|turn| turn.response.as_str())
    }

    /// Decides on a turn, holds its worst case and records it; gives what is to be sent.
    pub(super) async fn open(&mut self, asked: ResponseAsked) -> Result<Bytes, Denial> {
        let started = Instant::now();
        let mut timings = Timings::since(started);
        let admitted = self.admit(asked, started, &mut timings).await;
        admitted.inspect_err(|denial| self.gateway.metrics.request_denied(denial, &timings))
    }

    async fn admit(
        &mut self,
        asked: ResponseAsked,
        started: Instant,
        timings: &mut Timings,
    ) -> Result<Bytes, Denial> {
        self.check_open()?;
        let at = self.gateway.clock.now();
        let request = RequestId::new(at, rand::random());
        let own_id = || format!("bg_{request}");
        let event_id = asked.event_id.clone().unwrap_or_else(own_id);
        let heard = self.heard.plus(Heard::tokens(self.session_bytes));
        let (call, body) = asked.into_call(&self.model, &event_id, (heard, self.cap));
        let wanted = Wanted {
            request,
            at,
            endpoint: self.endpoint,
            head: &self.head,
            call,
            body,
        };
        let admitted = Box::pin(admit_turn(self.gateway, wanted, timings)).await?;
        let settler = Arc::clone(&self.gateway.settler);
        let mut exchange = Exchange::new(admitted, (started, *timings), settler);
        exchange.trace = self.gateway.settler.begin_trace(&self.head.headers);
        traces::note_server(&mut exchange, &self.gateway.upstreams);
        if let Err(denial) = exchange.record_intent() {
            exchange.settle(Ending::Refused);
            return Err(denial);
        }
        let message = exchange.admitted.body.clone();
        self.asked.push_back(Turn {
            event_id,
            response: String::new(),
            since: started,
            exchange,
        });
        Ok(message)
    }

    fn check_open(&self) -> Result<(), Denial> {
        if self.gateway.stopping.is_closing() {
            return Err(Denial::Unavailable {
                what: Dependency::Draining,
                retry_after: STOPPED_RETRY,
            });
        }
        if self.asked.len().saturating_add(self.begun.len()) >= TURNS_MAX {
            let message = "too many responses are under way in this conversation";
            return Err(Denial::BadRequest(BadRequest::new(message)));
        }
        Ok(())
    }

    /// The provider has begun the response that it was asked for first. False if it was asked for
    /// none.
    pub(super) fn begin(&mut self, response: &str) -> bool {
        let Some(mut turn) = self.asked.pop_front() else {
            return false;
        };
        response.clone_into(&mut turn.response);
        let progress = &mut turn.exchange.progress;
        progress.upstream_status = Some(SWITCHED);
        progress.upstream_request_id = Some(response.to_owned());
        progress.first_byte_us = Some(micros(progress.started.elapsed()));
        self.begun.push(turn);
        true
    }

    /// A response has ended: its turn is charged what it used.
    pub(super) fn end(&mut self, end: ResponseEnd) {
        // What the model has said is read by the next response.
        let mut said = Heard::tokens(end.metered.usage.output_total());
        said.is_unbounded = end.metered.basis == Basis::Unknown;
        self.hear(said);
        let found = self.begun.iter().position(|turn| turn.response == end.id);
        if let Some(mut turn) = found.map(|at| self.begun.swap_remove(at)) {
            turn.exchange.settle_as(end.metered, self.last_ending);
        } else {
            tracing::error!(response = end.id, "a response ended that had not begun");
        }
    }

    /// The provider does not make the response that the caller's event asked for.
    pub(super) fn not_made(&mut self, event_id: &str) {
        let found = self.asked.iter().position(|turn| turn.event_id == event_id);
        if let Some(mut turn) = found.and_then(|at| self.asked.remove(at)) {
            turn.exchange.progress.upstream_status = Some(NOT_MADE);
            turn.exchange.settle(Ending::Answered);
        }
    }

    /// Whether the provider does not begin what it was asked for.
    pub(super) fn are_overdue(&self, wait_max: Duration) -> bool {
        let first = self.asked.front();
        first.is_some_and(|turn| turn.since.elapsed() > wait_max)
    }

    /// Ends what is under way without its usage: nobody knows it, so each is charged what is held.
    pub(super) fn give_up(&mut self, ending: Ending) {
        for mut turn in self.asked.drain(..).chain(self.begun.drain(..)) {
            // Nothing was measured.
            turn.exchange.progress.upstream_status = None;
            turn.exchange.settle(ending);
        }
    }
}
