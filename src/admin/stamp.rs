//! Who asks for a change, when and from where, as handlers hand it on to the store.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::admin::AdminState;
use crate::admin::access::{Caller, Client};
use crate::admin::error::AdminError;
use crate::domain::stamp::{Actor, Stamp};
use crate::domain::window::Clock;

impl FromRequestParts<Arc<AdminState>> for Stamp {
    type Rejection = Response;

    /// The layer that checks access has put the caller into the request.
    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, Response> {
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or_else(|| AdminError::Unauthorized.into_response())?;
        let clock = state.clock.as_ref();
        Ok(stamp_of(clock, caller.actor.clone(), caller.client))
    }
}

/// The stamp of what somebody does now.
pub(super) fn stamp_of(clock: &dyn Clock, actor: Actor, client: Client) -> Stamp {
    Stamp {
        at: clock.now(),
        by: actor,
        address: client.address.map(|address| address.to_string().into()),
    }
}
