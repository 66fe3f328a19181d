//! Spans of calls: where the trace of a request comes from, what the provider is told of it, and what is handed
//! to whoever sends spans. Nothing is made of a request while none are sent.

use std::sync::Arc;

use http::HeaderMap;
use pingora::Result;
use pingora::http::RequestHeader;

use crate::domain::denial::Denial;
use crate::domain::ledger::LedgerRow;
use crate::gateway::admit::Admitted;
use crate::gateway::context::{Exchange, RequestContext};
use crate::gateway::settle::{Settler, micros};
use crate::gateway::upstream::Upstreams;
use crate::telemetry::spans::{Refused, Settled, Span, Told};
use crate::telemetry::trace::{TRACEPARENT, Trace};

impl Settler {
    /// The trace of a request with these headers, where spans are sent.
    pub(crate) fn begin_trace(&self, headers: &HeaderMap) -> Option<Box<Trace>> {
        let tracer = self.tracer.as_ref()?;
        Some(Box::new(tracer.begin(headers)))
    }

    /// A call is over.
    pub(crate) fn tell_of_settled(&self, trace: &Trace, row: Arc<LedgerRow>, admitted: &Admitted) {
        let settled = Settled {
            row,
            operation: admitted.endpoint.operation.as_str(),
        };
        self.tell(trace.clone(), Told::Settled(settled));
    }

    /// A call was refused.
    pub(crate) fn tell_of_refused(&self, context: &mut RequestContext, denial: &Denial) {
        let Some(trace) = context.trace.take() else {
            return;
        };
        let scope = if let Denial::OverBudget(over) = denial {
            Some(over.exhausted.scope)
        } else {
            None
        };
        let refused = Refused {
            request: context.request,
            at: context.at,
            took_us: micros(context.started.elapsed()),
            reason: denial.code(),
            scope,
        };
        self.tell(*trace, Told::Refused(refused));
    }

    fn tell(&self, trace: Trace, told: Told) {
        let Some(tracer) = &self.tracer else {
            return;
        };
        if tracer.tell(Span { trace, told }).is_err() {
            self.metrics.spans_lost(1);
        }
    }
}

/// Notes who is asked.
pub(crate) fn note_server(exchange: &mut Exchange, upstreams: &Upstreams) {
    if let Some(trace) = &mut exchange.trace {
        trace.server = upstreams.server(exchange.admitted.aim.upstream);
    }
}

/// Tells the provider of our span, where it may know of traces.
pub(crate) fn pass_on(
    exchange: &Exchange,
    upstreams: &Upstreams,
    head: &mut RequestHeader,
) -> Result<()> {
    match &exchange.trace {
        Some(trace) if upstreams.are_told_of_traces => {
            head.insert_header(TRACEPARENT, trace.traceparent())
        }
        Some(_) | None => Ok(()),
    }
}
