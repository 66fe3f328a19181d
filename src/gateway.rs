//! The gateway: Pingora's hooks in the order in which they run, each in its own room.

pub mod server;
pub mod provider_keys;
pub mod wiring;

pub(crate) mod context;

mod admit;
mod authenticate;
mod limits;
mod rates;
mod labels;
mod objects;
mod body;
mod replay;
mod revoked;
mod quote;
mod consult;
mod reserve;
mod shadows;
mod blocked;

mod routing;
mod aim;
mod tries;
mod upstream;
mod connector;
mod answer;
mod settle;
mod traces;
mod realtime;

mod failures;
mod reply;
mod standing;
mod own_budget;
mod receipts;
pub mod control;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::connectors::TransportConnector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType, Result};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use crate::catalog::Catalog;
use crate::catalog::accounts::AccountOpener;
use crate::catalog::refresh::Reopen;
use crate::domain::feature::Feature;
use crate::domain::id::RequestId;
use crate::domain::window::Clock;
use crate::engine::BudgetEngine;
use crate::gateway::answer::Next;
use crate::gateway::authenticate::legacy::LegacyCheck;
use crate::gateway::blocked::BlockedRows;
use crate::gateway::context::{Exchange, InFlight, RequestContext};
use crate::gateway::control::ControlPlane;
use crate::gateway::limits::RequestLimits;
use crate::gateway::reply::BudgetWording;
use crate::gateway::revoked::KeyWatch;
use crate::gateway::routing::Router;
use crate::gateway::server::stop::Stopping;
use crate::gateway::settle::Settler;
use crate::gateway::tries::{Failure, RetryRules, retry_after};
use crate::gateway::upstream::{Reaction, Upstreams};
use crate::keys::KeyHasher;
use crate::metrics::Metrics;
use crate::metrics::tally::Timings;
use crate::policy::installed::InstalledPolicy;
use crate::settings::budgets::AbortMode;
use crate::settings::operations::OnPolicyFailure;
use crate::store::Store;
use crate::telemetry::trace::CALLERS_REQUEST_ID;

/// How often a provider that cannot be connected to is tried, before another try is made of it.
const ATTEMPTS_MAX: usize = 2;
/// How often Pingora asks for a provider at the most; what follows a failure is decided here.
const PEERS_MAX: usize = 256;

/// Everything that requests are decided and carried out with. Built by `app.rs`.
pub struct Gateway {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) engine: Arc<dyn BudgetEngine>,
    /// The installation's rules; a tenant may have some of its own beside them.
    pub(crate) policy: Arc<InstalledPolicy>,
    pub(crate) on_policy_failure: OnPolicyFailure,
    pub(crate) hasher: KeyHasher,
    /// Proves the keys of which only a bcrypt hash is known.
    pub(crate) legacy: LegacyCheck,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settler: Arc<Settler>,
    pub(crate) blocked: BlockedRows,
    pub(crate) reopen: Arc<Reopen>,
    pub(crate) accounts: Arc<AccountOpener>,
    /// Where receipts are read.
    pub(crate) ledger: Store,
    pub(crate) objects: Arc<crate::objects::Objects>,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) router: Router,
    pub(crate) retry_rules: RetryRules,
    pub(crate) limits: RequestLimits,
    /// What passes although it is not metered.
    pub(crate) unmetered: Vec<Feature>,
    pub(crate) wording: BudgetWording,
    pub(crate) abort_mode: AbortMode,
    /// The control plane, as far as it is on this port.
    pub(crate) control: ControlPlane,
    /// Requests under way; a stop waits for them.
    pub(crate) in_flight: Arc<AtomicUsize>,
    /// Set while stopping.
    pub(crate) stopping: Stopping,
    /// Makes the connections that Pingora does not make itself. Set when the gateway runs.
    pub(crate) transport: Option<TransportConnector>,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = RequestContext;

    fn new_ctx(&self) -> RequestContext {
        let now = self.clock.now();
        let request = RequestId::new(now, rand::random());
        RequestContext::new(request, now, InFlight::enter(&self.in_flight))
    }

    /// None: Pingora's own module compresses answers, which are passed on as they are.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(
        &self,
        session: &mut Session,
        context: &mut RequestContext,
    ) -> Result<bool> {
        self.stopping.keep(session, self.limits.idle_s);
        // What a provider says before its answer is not passed on: nobody could be told of its failure after that.
        session.set_ignore_info_resp(true);
        session.set_write_timeout(Some(Duration::from_secs(self.limits.idle_s)));
        if control::owns(session.req_header().uri.path()) {
            control::serve(&self.control, session).await?;
            return Ok(true);
        }
        if let Some(described) = self.describe_own(session.req_header(), context).await {
            return match described {
                Ok(body) => reply::json(session, context, 200, body.into())
                    .await
                    .map(|()| true),
                Err(denial) => self.refuse(session, context, &denial).await,
            };
        }
        context.trace = self.settler.begin_trace(&session.req_header().headers);
        if realtime::owns(session.req_header()) {
            return realtime::serve(self, session, context).await;
        }
        let admitted = match admit::admit(self, session, context).await {
            Ok(admitted) => admitted,
            Err(denial) => return self.refuse(session, context, &denial).await,
        };
        // From here on the exchange reports what our work took.
        let timings = mem::replace(&mut context.timings, Timings::since(context.started));
        let since = (context.started, timings);
        let exchange = Exchange::new(admitted, since, Arc::clone(&self.settler));
        let exchange = context.exchange.insert(Box::new(exchange));
        exchange.trace = context.trace.take();
        if self.abort_mode == AbortMode::Drain && exchange.admitted.endpoint.is_billed() {
            replay::outlive_caller(session, exchange.admitted.body.clone());
        }
        if exchange.admitted.call.streamed {
            let watch = KeyWatch::of(&self.catalog, &exchange.admitted.caller);
            let body = exchange.admitted.body.clone();
            context.lent = Some(replay::watch_key(session, body, watch));
        }
        if objects::is_own_list(exchange) {
            return objects::answer_list(self, session, context).await;
        }
        Ok(false)
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        context: &mut RequestContext,
    ) -> Result<Box<HttpPeer>> {
        if let Some(next) = context.next_try.take() {
            Box::pin(self.try_again(context, next)).await?;
        }
        let exchange = context.admitted()?;
        exchange.progress.attempts += 1;
        traces::note_server(exchange, &self.upstreams);
        let admitted = &exchange.admitted;
        let ids = (admitted.request, admitted.at);
        exchange.progress.key =
            self.upstreams
                .choose_key(admitted.aim.upstream, &admitted.caller, ids);
        self.upstreams.peer(&exchange.admitted).map(Box::new)
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut RequestContext,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let attempts = context
            .exchange
            .as_ref()
            .map_or(ATTEMPTS_MAX, |it| it.progress.attempts);
        let is_tried_again =
            attempts < ATTEMPTS_MAX || self.plan_next_try(context, Failure::Unreachable);
        error.set_retry(is_tried_again);
        error
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        head: &mut RequestHeader,
        context: &mut RequestContext,
    ) -> Result<()> {
        let exchange = context.admitted()?;
        let key = exchange.progress.key;
        self.upstreams.prepare(&exchange.admitted, key, head)?;
        traces::pass_on(exchange, &self.upstreams, head)?;
        if let Err(denial) = exchange.record_intent() {
            context.late_denial = Some(denial);
            return Error::e_explain(ErrorType::InternalError, "not recorded");
        }
        Ok(())
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        context: &mut RequestContext,
    ) -> Result<()> {
        body::forward(&context.admitted()?.admitted.body, body);
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        head: &mut ResponseHeader,
        context: &mut RequestContext,
    ) -> Result<()> {
        if answer::is_interim(head) {
            return Ok(());
        }
        let status = head.status.as_u16();
        let exchange = context.admitted()?;
        exchange.progress.upstream_status = Some(status);
        let is_refused = status >= 400;
        let pause = is_refused.then(|| retry_after(&head.headers)).flatten();
        self.note(exchange, Reaction::Answered(status, pause));
        if is_refused && self.plan_next_try(context, Failure::Status(status, pause)) {
            let mut error = Error::explain(ErrorType::HTTPStatus(status), "tried again");
            error.set_retry(true);
            return Err(error);
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        context: &mut RequestContext,
    ) -> Result<()> {
        if answer::is_interim(head) {
            return Ok(());
        }
        self.stopping.keep(session, self.limits.idle_s);
        answer::begin(context, head, session)
    }

    fn response_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        context: &mut RequestContext,
    ) -> Result<Option<Duration>> {
        match answer::observe(context, body, end_of_stream) {
            Next::Provider => {}
            Next::End => replay::end_with_next_write(session),
        }
        Ok(None)
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        context: &mut RequestContext,
        was_reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("peer: {peer}"));
        self.decide_retry(session, &mut error, context, was_reused);
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut RequestContext,
    ) -> FailToProxy {
        // What is answered now is said on the caller's own connection.
        if let Some(lent) = context.lent.take() {
            lent.give_back(session);
        }
        let explained = if revoked::is_revocation(error) {
            self.end_revoked(session, error, context).await
        } else {
            self.explain_failure(session, error, context).await
        };
        let error_code = match explained {
            Ok(code) => code,
            Err(error) => {
                tracing::debug!(%error, "the caller could not be told of a failure");
                0
            }
        };
        FailToProxy {
            error_code,
            can_reuse_downstream: false,
        }
    }

    async fn logging(
        &self,
        session: &mut Session,
        error: Option<&Error>,
        context: &mut RequestContext,
    ) {
        let is_answered = session.response_written().is_some();
        if let Some(exchange) = &mut context.exchange {
            exchange.settle(failures::ending(error, is_answered));
        }
        if let Some(lent) = context.lent.take() {
            lent.give_back(session);
        }
        tracing::debug!(
            request = %context.request,
            callers_request = ?session.get_header(CALLERS_REQUEST_ID),
            "request ended"
        );
    }

    fn suppress_error_log(
        &self,
        _session: &Session,
        _context: &RequestContext,
        _error: &Error,
    ) -> bool {
        // Pingora's line has the address in it, and with it a key that came as `?key=`.
        true
    }

    /// Each try that came to nothing is counted and has its row.
    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _context: &RequestContext,
        _error: &Error,
        _what: ProxyWarnLogContext,
    ) -> bool {
        true
    }

    fn request_summary(&self, session: &Session, context: &RequestContext) -> String {
        format!("{} {}", session.req_header().method, context.request)
    }
}
