//! Requests whose key is revoked while they are under way: they end at once, and are charged for what
//! was used. A revocation is known by the catalog's snapshot, on every replica within a second.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use pingora::http::ResponseHeader;
use pingora::protocols::http::HttpTask;
use pingora::{Error, ErrorType, Result};
use pingora_proxy::Session;
use tokio::time::timeout;

use crate::catalog::Catalog;
use crate::domain::denial::Denial;
use crate::domain::id::{ApiKeyId, TenantId};
use crate::gateway::authenticate::Authenticated;
use crate::gateway::context::RequestContext;
use crate::gateway::settle::Ending;
use crate::gateway::{Gateway, reply};
use crate::providers::Dialect;

/// How often it is looked whether a key was revoked.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// What ends a request whose key is revoked.
pub(crate) const REVOKED: ErrorType = ErrorType::Custom("KeyRevoked");
/// The same while something was being written: nothing may follow half of it.
pub(crate) const REVOKED_AMID_WRITE: ErrorType = ErrorType::Custom("KeyRevokedAmidWrite");
/// How long a caller may take to accept the last words of its answer.
const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

/// Whether a key may still be used.
#[derive(Clone)]
pub(crate) struct KeyWatch {
    catalog: Arc<Catalog>,
    tenant: TenantId,
    key: ApiKeyId,
}

impl KeyWatch {
    /// That of a caller.
    pub(crate) fn of(catalog: &Arc<Catalog>, caller: &Authenticated) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            tenant: caller.tenant().tenant.id,
            key: caller.key(),
        }
    }

    pub(crate) fn is_revoked(&self) -> bool {
        !self.catalog.snapshot().may_go_on(self.tenant, self.key)
    }
}

impl Gateway {
    /// Ends a request whose key is revoked: with a refusal where its answer has not begun, else with an
    /// error at the end of its events. An answer of another form is broken off: its caller could not
    /// tell what is left of it from a whole one.
    pub(super) async fn end_revoked(
        &self,
        session: &mut Session,
        error: &Error,
        context: &mut RequestContext,
    ) -> Result<u16> {
        if let Some(exchange) = &mut context.exchange {
            exchange.settle(Ending::KeyRevoked);
        }
        let Some(head) = session.response_written() else {
            self.refuse(session, context, &Denial::InvalidKey).await?;
            return Ok(401);
        };
        if has_events(head) && *error.etype() != REVOKED_AMID_WRITE {
            let words = last_words(self, context);
            let task = HttpTask::Body(Some(words), true);
            let written = session.downstream_session.response_duplex_vec(vec![task]);
            // A caller that does not listen does without.
            let _ = timeout(LAST_WORDS_MAX, written).await;
        }
        Ok(0)
    }
}

/// Whether a request ends because its key is revoked.
pub(crate) fn is_revocation(error: &Error) -> bool {
    [REVOKED, REVOKED_AMID_WRITE].contains(error.etype())
}

fn has_events(head: &ResponseHeader) -> bool {
    let kind = head.headers.get(CONTENT_TYPE);
    let is_events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    is_events && !head.headers.contains_key(CONTENT_LENGTH)
}

/// An event of its own, even if the one before it is not whole.
fn last_words(gateway: &Gateway, context: &RequestContext) -> Bytes {
    let body = reply::late_refusal(context, &Denial::InvalidKey, gateway.wording);
    let name = match context.dialect {
        Dialect::Anthropic => "event: error\n",
        Dialect::OpenAi | Dialect::Google => "",
    };
    [b"\n\n", name.as_bytes(), b"data: ", &body[..], b"\n\n"]
        .concat()
        .into()
}
