//! A downstream session whose body was read already and is replayed from memory, of any size.
//!
//! Everything but the body, and when the answer ends, is the wrapped session's own business.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use http::HeaderMap;
use parking_lot::Mutex;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::Digest;
use pingora::protocols::http::custom::{CustomMessageWrite, server::Session as CustomSession};
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{Error, ErrorType, Result};
use pingora_proxy::Session;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::gateway::revoked::{KeyWatch, LOOK, REVOKED, REVOKED_AMID_WRITE};

/// Replaces the session, whose connection has no more of the body, by one that replays it. The
/// connection cannot be kept alive afterwards.
pub(crate) fn install(session: &mut Session, body: Bytes) {
    replace(session, body, Caller::Watched);
}

/// Replaces the session by one for which the caller never goes away: what cannot be written to it
/// any more is dropped, and the provider's answer is read to its end.
pub(crate) fn outlive_caller(session: &mut Session, body: Bytes) {
    replace(session, body, Caller::Present);
}

/// Replaces the session by one whose next write ends the answer. Then it fails, as the one thing on
/// which Pingora leaves the provider at once: its connection is closed, not kept.
pub(crate) fn end_with_next_write(session: &mut Session) {
    replace(session, Bytes::new(), Caller::Served);
}

/// The caller has its whole answer, so the provider is not listened to any more.
const SERVED: ErrorType = ErrorType::Custom("AnswerCutOff");

/// Replaces the session, until it is given back, by one that fails as soon as the key of its request is
/// revoked.
pub(crate) fn watch_key(session: &mut Session, body: Bytes, key: KeyWatch) -> Lent {
    let lent = Lent::default();
    put(session, |inner| Replayed {
        inner,
        body,
        caller: Caller::Watched,
        revocation: Some(Revocation::of(key)),
        owner: Some(lent.clone()),
    });
    lent
}

/// A session that is taken out of another again, so that its connection can be kept.
#[derive(Clone, Default)]
pub(crate) struct Lent(Arc<Mutex<Option<ServerSession>>>);

impl Lent {
    /// The last thing that happens to a session. One that replaced it meanwhile is gone then.
    pub(crate) fn give_back(self, session: &mut Session) {
        drop(take(&mut session.downstream_session));
        if let Some(inner) = self.0.lock().take() {
            *session.downstream_session = inner;
        }
    }
}

/// Looks now and then whether a key may still be used.
struct Revocation {
    key: KeyWatch,
    look: Interval,
}

impl Revocation {
    fn of(key: KeyWatch) -> Self {
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { key, look }
    }

    async fn comes(&mut self) {
        loop {
            self.look.tick().await;
            if self.key.is_revoked() {
                return;
            }
        }
    }
}

fn replace(session: &mut Session, body: Bytes, caller: Caller) {
    session.set_keepalive(None);
    put(session, |inner| Replayed {
        inner,
        body,
        caller,
        revocation: None,
        owner: None,
    });
}

fn put(session: &mut Session, replayed: impl FnOnce(ServerSession) -> Replayed) {
    let inner = take(&mut session.downstream_session);
    *session.downstream_session = ServerSession::new_custom(Box::new(replayed(inner)));
}

fn take(slot: &mut ServerSession) -> ServerSession {
    std::mem::replace(slot, ServerSession::new_custom(Box::new(())))
}

/// What a broken connection to the caller means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    /// The end of the request.
    Watched,
    /// Nothing, so far.
    Present,
    /// Nothing: it went away.
    Gone,
    /// The end of the request. It comes with the next write anyway.
    Served,
}

struct Replayed {
    inner: ServerSession,
    body: Bytes,
    caller: Caller,
    /// Whether the caller's key is revoked, where that matters.
    revocation: Option<Revocation>,
    /// Who gets the wrapped session back.
    owner: Option<Lent>,
}

impl Drop for Replayed {
    /// The only way out of a session that Pingora holds as somebody else's.
    fn drop(&mut self) {
        if let Some(owner) = self.owner.take() {
            *owner.0.lock() = Some(take(&mut self.inner));
        }
    }
}

impl Replayed {
    /// What a write to the caller comes to.
    fn written<T>(&mut self, outcome: Result<T>, if_gone: T) -> Result<T> {
        if outcome.is_err() && self.caller == Caller::Present {
            self.caller = Caller::Gone;
            return Ok(if_gone);
        }
        outcome
    }

    /// Writes to the caller, unless its key is revoked while that takes long.
    async fn write(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let Some(revocation) = &mut self.revocation else {
            return self.inner.response_duplex_vec(tasks).await;
        };
        tokio::select! {
            biased;
            outcome = self.inner.response_duplex_vec(tasks) => outcome,
            () = revocation.comes() => {
                Error::e_explain(REVOKED_AMID_WRITE, "the key was revoked while the caller did not listen")
            }
        }
    }

    /// Writes the end of the answer, whether or not the provider has come to it.
    async fn end(&mut self, mut tasks: Vec<HttpTask>) -> Result<bool> {
        tasks.retain(|task| matches!(task, HttpTask::Header(..) | HttpTask::Body(..)));
        self.inner.response_duplex_vec(tasks).await?;
        self.inner.finish_body().await?;
        Error::e_explain(SERVED, "the answer was cut off")
    }
}

/// Waits for what the caller does, of which nothing but its going away is expected.
async fn idle(inner: &mut ServerSession, caller: &mut Caller) -> Result<Option<Bytes>> {
    if matches!(caller, Caller::Watched | Caller::Served) {
        return inner.read_body_or_idle(true).await;
    }
    if *caller == Caller::Present && inner.read_body_or_idle(true).await.is_err() {
        *caller = Caller::Gone;
    }
    // Nobody is waited for any more: only the provider can end this.
    std::future::pending().await
}

#[async_trait]
impl CustomSession for Replayed {
    fn req_header(&self) -> &RequestHeader {
        self.inner.req_header()
    }
    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.inner.req_header_mut()
    }
    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }
    async fn drain_request_body(&mut self) -> Result<()> {
        Ok(())
    }
    async fn write_response_header(&mut self, r: Box<ResponseHeader>, _end: bool) -> Result<()> {
        if self.caller == Caller::Gone {
            return Ok(());
        }
        let outcome = self.inner.write_response_header(r).await;
        self.written(outcome, ())
    }
    async fn write_response_header_ref(&mut self, r: &ResponseHeader, _end: bool) -> Result<()> {
        if self.caller == Caller::Gone {
            return Ok(());
        }
        let outcome = self.inner.write_response_header_ref(r).await;
        self.written(outcome, ())
    }
    async fn write_body(&mut self, d: Bytes, end: bool) -> Result<()> {
        if self.caller == Caller::Gone {
            return Ok(());
        }
        let outcome = self.inner.write_response_body(d, end).await;
        self.written(outcome, ())
    }
    async fn write_trailers(&mut self, t: HeaderMap) -> Result<()> {
        if self.caller == Caller::Gone {
            return Ok(());
        }
        let outcome = self.inner.write_response_trailers(t).await;
        self.written(outcome, ())
    }
    async fn response_duplex_vec(&mut self, t: Vec<HttpTask>) -> Result<bool> {
        let is_end = t.iter().any(HttpTask::is_end);
        if self.caller == Caller::Gone {
            return Ok(is_end);
        }
        if self.caller == Caller::Served {
            return self.end(t).await;
        }
        let outcome = self.write(t).await;
        self.written(outcome, is_end)
    }
    fn set_read_timeout(&mut self, t: Option<Duration>) {
        self.inner.set_read_timeout(t);
    }
    fn get_read_timeout(&self) -> Option<Duration> {
        self.inner.get_read_timeout()
    }
    fn set_write_timeout(&mut self, t: Option<Duration>) {
        self.inner.set_write_timeout(t);
    }
    fn get_write_timeout(&self) -> Option<Duration> {
        self.inner.get_write_timeout()
    }
    fn set_total_drain_timeout(&mut self, t: Option<Duration>) {
        self.inner.set_total_drain_timeout(t);
    }
    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.inner.get_total_drain_timeout()
    }
    fn request_summary(&self) -> String {
        self.inner.request_summary()
    }
    fn response_written(&self) -> Option<&ResponseHeader> {
        self.inner.response_written()
    }
    async fn shutdown(&mut self, _code: u32, _ctx: &str) {
        self.inner.shutdown().await;
    }
    fn is_body_done(&mut self) -> bool {
        true
    }
    async fn finish(&mut self) -> Result<()> {
        if self.caller == Caller::Gone {
            return Ok(());
        }
        let outcome = self.inner.finish_body().await;
        self.written(outcome, ())
    }
    fn is_body_empty(&mut self) -> bool {
        self.body.is_empty()
    }
    async fn read_body_or_idle(&mut self, _no_body: bool) -> Result<Option<Bytes>> {
        let idle = idle(&mut self.inner, &mut self.caller);
        match &mut self.revocation {
            None => idle.await,
            Some(revocation) => tokio::select! {
                event = idle => event,
                () = revocation.comes() => Error::e_explain(REVOKED, "the key was revoked"),
            },
        }
    }
    fn body_bytes_sent(&self) -> usize {
        self.inner.body_bytes_sent()
    }
    fn body_bytes_read(&self) -> usize {
        self.inner.body_bytes_read()
    }
    fn digest(&self) -> Option<&Digest> {
        self.inner.digest()
    }
    fn digest_mut(&mut self) -> Option<&mut Digest> {
        self.inner.digest_mut()
    }
    fn client_addr(&self) -> Option<&SocketAddr> {
        self.inner.client_addr()
    }
    fn server_addr(&self) -> Option<&SocketAddr> {
        self.inner.server_addr()
    }
    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.to_h1_raw()
    }
    fn enable_retry_buffering(&mut self) {}
    fn retry_buffer_truncated(&self) -> bool {
        false
    }
    fn get_retry_buffer(&self) -> Option<Bytes> {
        (!self.body.is_empty()).then(|| self.body.clone())
    }
    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }
    fn take_custom_message_reader(
        &mut self,
    ) -> Option<Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }
    fn restore_custom_message_reader(
        &mut self,
        _r: Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> Result<()> {
        Ok(())
    }
    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }
    fn restore_custom_message_writer(&mut self, _w: Box<dyn CustomMessageWrite>) -> Result<()> {
        Ok(())
    }
}
