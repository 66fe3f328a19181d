//! Who may: the admin key, compared so that time tells nothing, or the session of somebody who logged
//! in; what their role allows; and limits on wrong tries. The right key always works, however many
//! wrong ones were tried.

mod attempts;
mod client;
pub(super) mod cookie;
mod passwords;
mod roles;

use std::fmt;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(super) use crate::admin::access::attempts::{Attempt, Attempts};
pub use crate::admin::access::client::Proxies;
pub(super) use crate::admin::access::client::{Client, is_same_origin};
use crate::admin::access::cookie::{Token, is_csrf_token, token_of};
pub(super) use crate::admin::access::passwords::Passwords;
pub(super) use crate::admin::access::roles::{Rule, rule_of};

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::stamp::stamp_of;
use crate::domain::id::UserId;
use crate::domain::rate::SlidingMinute;
use crate::domain::stamp::Actor;
use crate::domain::user::Role;
use crate::domain::window::{Clock, UtcMicros};
use crate::settings::secret::Secret;
use crate::store::Store;
use crate::store::audit::AuditEntry;

/// Wrong keys in a minute, by all callers together, before they are told to wait.
const FAILURES_PER_MINUTE_MAX: u32 = 30;
/// Refused logins and wrong keys in a minute that the audit log tells of: strangers must not fill it.
const REFUSALS_NOTED_PER_MINUTE_MAX: u32 = 10;
const ADMIN_KEY_HEADER: &str = "x-admin-key";

/// Lets those in who have the admin key or a session.
pub(super) struct Access {
    pub(super) attempts: Arc<Attempts>,
    pub(super) passwords: Passwords,
    key: Option<Secret>,
    proxies: Proxies,
    store: Store,
    failures: Mutex<SlidingMinute>,
    refusals: Mutex<SlidingMinute>,
    clock: Arc<dyn Clock>,
}

/// Who sent a request, once it is known that they may.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) actor: Actor,
    pub(super) role: Role,
    pub(super) client: Client,
    /// The session that they came with, unless they came with the admin key.
    pub(super) session: Option<Session>,
}

/// The session that a request came with.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) token: Token,
    pub(super) ends_at: UtcMicros,
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Access(..)")
    }
}

impl Access {
    pub(super) fn new(state: &AdminState) -> Self {
        Self {
            attempts: Arc::default(),
            passwords: Passwords::default(),
            key: state.options.admin_key.clone(),
            proxies: state.options.trusted_proxies.clone(),
            store: state.store.clone(),
            failures: Mutex::default(),
            refusals: Mutex::default(),
            clock: Arc::clone(&state.clock),
        }
    }

    /// The admin key, if there is one.
    pub(super) fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// Checks an admin key, and notes that somebody has a wrong one.
    pub(super) async fn check_key(&self, given: &[u8], client: Client) -> Result<(), AdminError> {
        if self.key.as_ref().is_some_and(|key| is_same(given, key)) {
            return Ok(());
        }
        self.note_refusal(client, None).await;
        let now = self.clock.now();
        match self.failures.lock().take(now, FAILURES_PER_MINUTE_MAX) {
            Ok(_) => Err(AdminError::Unauthorized),
            Err(refused) => Err(AdminError::Throttled {
                retry_after: refused.retry_after,
            }),
        }
    }

    /// Notes that somebody was not let in, as the user that they say they are if there is one, unless
    /// that was noted often enough. The answer does not depend on whether it can be noted.
    pub(super) async fn note_refusal(&self, client: Client, user: Option<UserId>) {
        let stamp = stamp_of(self.clock.as_ref(), Actor::Unknown, client);
        let limit = REFUSALS_NOTED_PER_MINUTE_MAX;
        if self.refusals.lock().take(stamp.at, limit).is_err() {
            return;
        }
        let entry = AuditEntry {
            target: user.map(|user| user.to_string()),
            ..AuditEntry::of("login", "refuse")
        };
        if let Err(error) = self.store.note(&stamp, &entry).await {
            tracing::error!(%error, "a refused login is not in the audit log");
        }
    }

    async fn identify(&self, parts: &Parts, client: Client) -> Result<Caller, AdminError> {
        let headers = &parts.headers;
        if let Some(given) = headers.get(ADMIN_KEY_HEADER).map(HeaderValue::as_bytes) {
            self.check_key(given, client).await?;
            return Ok(Caller {
                actor: Actor::AdminKey,
                role: Role::Admin,
                client,
                session: None,
            });
        }
        let token = token_of(headers, client).ok_or(AdminError::Unauthorized)?;
        let now = self.clock.now();
        let hashes = token.hashes(self.key());
        let holder = self.store.session_holder(&hashes, now).await?;
        let holder = holder.ok_or(AdminError::Unauthorized)?;
        if !parts.method.is_safe() {
            check_intent(parts, &token, client)?;
        }
        Ok(Caller {
            actor: holder.actor,
            role: holder.role,
            client,
            session: Some(Session {
                token,
                ends_at: holder.ends_at,
            }),
        })
    }
}

/// Runs before an admin route reads anything.
pub(super) async fn require(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Result<Response, AdminError> {
    let (mut parts, body) = request.into_parts();
    let client = access.proxies.client(&parts);
    let path = parts.extensions.get::<MatchedPath>();
    let rule = rule_of(&parts.method, path.map_or("", MatchedPath::as_str));
    if rule == Rule::Open {
        check_origin(&parts, client)?;
    } else {
        let caller = access.identify(&parts, client).await?;
        match rule {
            Rule::Needs(least) if caller.role < least => return Err(AdminError::Forbidden(least)),
            Rule::Needs(_) | Rule::Open => {}
            Rule::NoMethod => return Err(AdminError::MethodNotAllowed),
            Rule::NoPath => return Err(AdminError::NotFound("Not found")),
        }
        parts.extensions.insert(caller);
    }
    parts.extensions.insert(client);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// A browser sends the cookie along whoever asks it to: what makes changes has to show that a page of
/// ours asks.
fn check_intent(parts: &Parts, token: &Token, client: Client) -> Result<(), AdminError> {
    check_origin(parts, client)?;
    if is_csrf_token(&parts.headers, token) {
        Ok(())
    } else {
        Err(AdminError::CrossSite(
            "The X-CSRF-Token header is missing or wrong",
        ))
    }
}

fn check_origin(parts: &Parts, client: Client) -> Result<(), AdminError> {
    if is_same_origin(&parts.headers, &parts.uri, client) {
        Ok(())
    } else {
        Err(AdminError::CrossSite("The request comes from another site"))
    }
}

/// Compares hashes, so that neither content nor length shows in the time it takes.
pub(super) fn is_same(given: &[u8], secret: &Secret) -> bool {
    let given = Sha256::digest(given);
    let expected = Sha256::digest(secret.expose().as_bytes());
    bool::from(given.ct_eq(&expected))
}
