//! What is known about one request, from its first byte to its settlement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pingora::{Error, ErrorType, Result};

use crate::domain::budget::Hold;
use crate::domain::denial::{Denial, Dependency};
use crate::domain::id::RequestId;
use crate::domain::pricing::ModelPrice;
use crate::domain::rate::RateStandings;
use crate::domain::window::UtcMicros;
use crate::gateway::admit::Admitted;
use crate::gateway::replay::Lent;
use crate::gateway::server::connections::OnConnection;
use crate::gateway::settle::{Ending, Settler};
use crate::gateway::tries::NextTry;
use crate::metrics::tally::Timings;
use crate::providers::Dialect;
use crate::providers::meter::{Meter, Metered};
use crate::providers::object::ObjectReader;
use crate::providers::translate::AnswerTranslator;
use crate::telemetry::trace::Trace;

/// When to try again what the spool could not record.
const SPOOL_RETRY: Duration = Duration::from_secs(5);

/// Pingora's per-request context. One is made for each request and dropped with it.
pub struct RequestContext {
    /// Set by `new_ctx`; read by everyone.
    pub(crate) request: RequestId,
    /// The moment that decides windows. Set by `new_ctx`; read by admit and settle.
    pub(crate) at: UtcMicros,
    /// The same moment for durations. Set by `new_ctx`; read by settle and metrics.
    pub(crate) started: Instant,
    /// How long our own work took, as far as it has come. Set by admit; read by settle and refuse.
    pub(crate) timings: Timings,
    /// How refusals are worded. Set by admit as soon as the path is known; read by reply.
    pub(crate) dialect: Dialect,
    /// The request on its way. Set by admit; absent when we answered ourselves.
    pub(crate) exchange: Option<Box<Exchange>>,
    /// What follows the try that came to nothing. Set by the upstream hooks; taken by `upstream_peer`.
    pub(crate) next_try: Option<NextTry>,
    /// The caller's connection while its key is watched. Set after admission; given back by `logging`.
    pub(crate) lent: Option<Lent>,
    /// A refusal that was found after admission. Set by the upstream hooks; read by `fail_to_proxy`.
    pub(crate) late_denial: Option<Denial>,
    /// The trace that it belongs to, while nobody else has it: then it is the exchange's. Set by
    /// `request_filter`, where spans are sent; read by refuse.
    pub(crate) trace: Option<Box<Trace>>,
    /// Its connection is not idle for as long as this lives.
    _on_connection: OnConnection,
    /// Counts the request as under way for as long as it lives.
    _in_flight: InFlight,
}

impl RequestContext {
    pub(crate) fn new(request: RequestId, at: UtcMicros, in_flight: InFlight) -> Self {
        let started = Instant::now();
        Self {
            request,
            at,
            started,
            timings: Timings::since(started),
            dialect: Dialect::OpenAi,
            exchange: None,
            next_try: None,
            lent: None,
            late_denial: None,
            trace: None,
            _on_connection: OnConnection::begin(),
            _in_flight: in_flight,
        }
    }

    /// The request on its way. The hooks after admission run only for admitted requests.
    pub(crate) fn admitted(&mut self) -> Result<&mut Exchange> {
        let missing = || Error::explain(ErrorType::InternalError, "the request was not admitted");
        self.exchange.as_deref_mut().ok_or_else(missing)
    }
}

/// An admitted request and how far it has come. It is settled exactly once: at the end of the
/// answer, in the `logging` hook, or here when Pingora drops the request while stopping.
pub(crate) struct Exchange {
    /// What was decided. Set by admit; read by every later hook.
    pub(crate) admitted: Box<Admitted>,
    /// How far it has come.
    pub(crate) progress: Progress,
    /// Reads the answer's usage. Set when the answer's headers are there; taken by settle.
    pub(crate) meter: Option<Meter>,
    /// Puts the answer into the caller's words. Set with the meter, where the provider has others; read
    /// by the body hook.
    pub(crate) translator: Option<Box<AnswerTranslator>>,
    /// The trace that it is a span of, where spans are sent. Set with it; read by settle and the next try.
    pub(crate) trace: Option<Box<Trace>>,
    settler: Arc<Settler>,
    is_settled: bool,
}

/// How far an admitted request has come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Set with the context; read by settle.
    pub(crate) started: Instant,
    /// How long our own work took. Set by admit; read by settle.
    pub(crate) timings: Timings,
    /// How often a provider was tried. Set by the peer hook; bounds the tries.
    pub(crate) attempts: usize,
    /// Which of our keys it goes out with. Set by the peer hook; read by what prepares the head.
    pub(crate) key: Option<usize>,
    /// The intent is in the spool and the provider may have the request. Set just before it is
    /// sent; read by settle: before it, nothing can have been billed.
    pub(crate) is_sent: bool,
    /// The provider's answer. Set by the response hook; read by settle and the ledger row.
    pub(crate) upstream_status: Option<u16>,
    /// The provider's id of the request. Set by the response hook; read by the ledger row.
    pub(crate) upstream_request_id: Option<String>,
    /// Reads what the provider keeps from now on. Set when the answer's headers are there; read by settle.
    pub(crate) objects: Option<ObjectReader>,
    /// The answer was ended by us: what the provider still sends is dropped. Set and read by the body
    /// hook.
    pub(crate) is_cut_off: bool,
    /// Time to the first byte of the answer. Set by the body hook; read by the ledger row.
    pub(crate) first_byte_us: Option<u64>,
}

impl Exchange {
    pub(crate) fn new(
        admitted: Box<Admitted>,
        (started, timings): (Instant, Timings),
        settler: Arc<Settler>,
    ) -> Self {
        let progress = Progress {
            started,
            timings,
            attempts: 0,
            key: None,
            is_sent: false,
            upstream_status: None,
            upstream_request_id: None,
            objects: None,
            is_cut_off: false,
            first_byte_us: None,
        };
        Self {
            admitted,
            progress,
            meter: None,
            translator: None,
            trace: None,
            settler,
            is_settled: false,
        }
    }

    /// The last moment before the provider can see the request: from here on it is charged for.
    pub(crate) fn record_intent(&mut self) -> Result<(), Denial> {
        if self.progress.is_sent {
            return Ok(());
        }
        if let Err(error) = self.settler.spool.append_intent(&self.admitted.intent()) {
            tracing::error!(%error, "a request could not be recorded, so it is not sent");
            let what = Dependency::Spool;
            return Err(Denial::Unavailable {
                what,
                retry_after: SPOOL_RETRY,
            });
        }
        self.progress.is_sent = true;
        Ok(())
    }

    /// Settles the request; only the first call does.
    pub(crate) fn settle(&mut self, ending: Ending) {
        let meter = self.meter.take();
        self.settle_by(|| meter.map(Meter::finish), ending);
    }

    /// Settles a request whose usage came by another way than an answer's body.
    pub(crate) fn settle_as(&mut self, metered: Metered, ending: Ending) {
        self.settle_by(|| Some(metered), ending);
    }

    fn settle_by(&mut self, metered: impl FnOnce() -> Option<Metered>, ending: Ending) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        let row = self
            .settler
            .settle(&self.admitted, &self.progress, metered, ending);
        if let Some(trace) = &self.trace {
            self.settler.tell_of_settled(trace, row, &self.admitted);
        }
    }
}

impl Drop for Exchange {
    /// Pingora drops requests that outlast its shutdown without calling `logging`.
    fn drop(&mut self) {
        if !self.is_settled {
            tracing::warn!(request = %self.admitted.request, "request was dropped while stopping");
            self.settle(Ending::GatewayStopped);
        }
    }
}

/// What an answer's headers tell its caller beside the provider's own.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What is held; nothing where nobody knows what the request can cost.
    pub(crate) hold: Option<Hold>,
    /// The model's price, if it has one.
    pub(crate) price: Option<Arc<ModelPrice>>,
    /// Where the caller stands in its minute; nothing where it is not limited.
    pub(crate) rate: RateStandings,
}

/// One request under way: stopping waits for them.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    pub(crate) fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
