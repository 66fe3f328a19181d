//! What is made of a provider that fails: whether Pingora tries again, what the caller is told, and how
//! the request counts as ended.

use std::io;

use pingora::{Error, ErrorSource, ErrorType, Result};
use pingora_proxy::Session;

use crate::domain::denial::Denial;
use crate::gateway::context::RequestContext;
use crate::gateway::reply::{self, UpstreamFailure};
use crate::gateway::settle::Ending;
use crate::gateway::upstream::Reaction;
use crate::gateway::{ATTEMPTS_MAX, Gateway};

impl Gateway {
    /// Nobody knows whether a provider that broke a connection had read the request: a billed one
    /// goes out again only if HTTP/2 says that it was not. A free one may, if the connection had
    /// been kept and nothing came back.
    pub(super) fn decide_retry(
        &self,
        session: &Session,
        error: &mut Error,
        context: &RequestContext,
        was_reused: bool,
    ) {
        if context.next_try.is_some() {
            return;
        }
        if let Some(exchange) = &context.exchange
            && *error.esource() == ErrorSource::Upstream
        {
            self.note(exchange, Reaction::Failed);
        }
        let (attempts, is_billed) = context
            .exchange
            .as_ref()
            .map_or((ATTEMPTS_MAX, true), |it| {
                (it.progress.attempts, it.admitted.endpoint.is_billed())
            });
        let has_answered =
            session.response_written().is_some() || *error.etype() == ErrorType::InvalidH2;
        if has_answered || attempts >= ATTEMPTS_MAX {
            error.set_retry(false);
        } else {
            error.retry.decide_reuse(was_reused && !is_billed);
        }
    }

    /// Tells the caller no. Always the end of the request.
    pub(crate) async fn refuse(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
        denial: &Denial,
    ) -> Result<bool> {
        self.settler.tell_of_refused(context, denial);
        self.metrics.request_denied(denial, &context.timings);
        tracing::debug!(request = %context.request, reason = denial.code(), "request refused");
        reply::refuse(session, context, denial, self.wording).await?;
        Ok(true)
    }

    /// Tells the caller, if its answer has not begun.
    pub(super) async fn explain_failure(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut RequestContext,
    ) -> Result<u16> {
        if let Some(denial) = context.late_denial.take() {
            if let Some(exchange) = &mut context.exchange {
                exchange.settle(Ending::Refused);
            }
            self.refuse(session, context, &denial).await?;
            return Ok(503);
        }
        if *error.esource() == ErrorSource::Downstream || session.response_written().is_some() {
            return Ok(0);
        }
        let failure = failure_of(error);
        tracing::warn!(request = %context.request, %error, "the provider failed");
        if let Some(exchange) = &mut context.exchange {
            let (reason, http_status) = (failure.reason(), Some(failure.status()));
            exchange.settle(Ending::UpstreamFailed {
                reason,
                http_status,
            });
        }
        session.set_keepalive(None);
        reply::upstream_failure(session, context, failure).await?;
        Ok(failure.status())
    }
}

/// What a failure comes to.
pub(super) fn failure_of(error: &Error) -> UpstreamFailure {
    use ErrorType::{ConnectTimedout, ReadTimedout, TLSHandshakeTimedout, WriteTimedout};
    let is_late = matches!(
        error.etype(),
        ConnectTimedout | TLSHandshakeTimedout | ReadTimedout | WriteTimedout
    );
    // Our own connections time a head out as a whole.
    let cause = error.root_cause().downcast_ref::<io::Error>();
    if is_late || cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut) {
        return UpstreamFailure::TimedOut;
    }
    UpstreamFailure::Unreachable
}

/// How a request ended, by Pingora's word.
pub(super) fn ending(error: Option<&Error>, is_answered: bool) -> Ending {
    match error {
        None => Ending::Answered,
        Some(error) if *error.esource() == ErrorSource::Downstream => Ending::CallerGone,
        Some(error) => Ending::UpstreamFailed {
            reason: if is_answered {
                "upstream_cut"
            } else {
                failure_of(error).reason()
            },
            http_status: None,
        },
    }
}
