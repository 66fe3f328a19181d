//! Who may: the admin key, compared so that time tells nothing, and a limit on wrong tries. The right
//! key always works, however many wrong ones were tried.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::domain::rate::SlidingMinute;
use crate::domain::stamp::Actor;
use crate::domain::window::Clock;
use crate::settings::secret::Secret;

/// Wrong keys in a minute, by all callers together, before they are told to wait.
const FAILURES_PER_MINUTE_MAX: u32 = 30;
const ADMIN_KEY_HEADER: &str = "x-admin-key";

/// Lets those in who have the admin key.
pub(super) struct Access {
    key: Option<Secret>,
    failures: Mutex<SlidingMinute>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Access(..)")
    }
}

impl Access {
    pub(super) fn new(state: &AdminState) -> Self {
        Self {
            key: state.options.admin_key.clone(),
            failures: Mutex::default(),
            clock: Arc::clone(&state.clock),
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), AdminError> {
        let given = headers.get(ADMIN_KEY_HEADER).map(HeaderValue::as_bytes);
        if let (Some(given), Some(key)) = (given, &self.key)
            && is_same(given, key)
        {
            return Ok(());
        }
        let now = self.clock.now();
        match self.failures.lock().take(now, FAILURES_PER_MINUTE_MAX) {
            Ok(_) => Err(AdminError::Unauthorized),
            Err(refused) => Err(AdminError::Throttled {
                retry_after: refused.retry_after,
            }),
        }
    }
}

/// Runs before an admin route reads anything.
pub(super) async fn require_admin_key(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Result<Response, AdminError> {
    access.check(request.headers())?;
    request.extensions_mut().insert(Actor::AdminKey);
    Ok(next.run(request).await)
}

/// Compares hashes, so that neither content nor length shows in the time it takes.
pub(super) fn is_same(given: &[u8], secret: &Secret) -> bool {
    let given = Sha256::digest(given);
    let expected = Sha256::digest(secret.expose().as_bytes());
    bool::from(given.ct_eq(&expected))
}
