//! Spans of calls on their way to whoever collects them: a queue with a bound. A request never waits for
//! it; what does not fit is lost, and counted.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::mpsc;

use crate::domain::budget::Scope;
use crate::domain::id::RequestId;
use crate::domain::ledger::LedgerRow;
use crate::domain::window::UtcMicros;
use crate::settings::otlp::Otlp;
use crate::telemetry::trace::Trace;

/// A call that ended.
#[derive(Debug)]
pub struct Span {
    /// Its place in the trace.
    pub trace: Trace,
    /// What became of it.
    pub told: Told,
}

/// What became of a call.
#[derive(Debug)]
pub enum Told {
    /// It was admitted, and is settled.
    Settled(Settled),
    /// It was refused.
    Refused(Refused),
}

/// A call that was settled.
#[derive(Debug)]
pub struct Settled {
    /// Its row.
    pub row: Arc<LedgerRow>,
    /// What was asked for, in OpenTelemetry's words.
    pub operation: &'static str,
}

/// A call that was refused.
#[derive(Debug)]
pub struct Refused {
    /// The call.
    pub request: RequestId,
    /// When it came.
    pub at: UtcMicros,
    /// For how long it was looked at, in microseconds.
    pub took_us: u64,
    /// Why.
    pub reason: &'static str,
    /// The budget that had no room, if that was why.
    pub scope: Option<Scope>,
}

/// The beginning of the queue.
#[derive(Clone, Debug)]
pub struct Tracer {
    spans: mpsc::Sender<Span>,
    sample_percent: u32,
}

/// A span that was lost because too many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Tracer {
    /// A queue, and its end.
    pub fn new(settings: &Otlp) -> (Self, mpsc::Receiver<Span>) {
        let (spans, ended) = mpsc::channel(settings.spans_waiting_max);
        let sample_percent = settings.sample_percent;
        (
            Self {
                spans,
                sample_percent,
            },
            ended,
        )
    }

    /// The trace of a request with these headers.
    pub fn begin(&self, headers: &HeaderMap) -> Trace {
        Trace::of(headers, self.sample_percent)
    }

    /// Hands over a span, if its trace is recorded.
    pub fn tell(&self, span: Span) -> Result<(), Lost> {
        if !span.trace.is_sampled {
            return Ok(());
        }
        self.spans.try_send(span).map_err(|_full| Lost)
    }
}
