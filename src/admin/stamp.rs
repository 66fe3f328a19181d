//! Who asks for a change and when, as handlers hand it on to the store.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::domain::stamp::{Actor, Stamp};

impl FromRequestParts<Arc<AdminState>> for Stamp {
    type Rejection = Response;

    /// The layer that checks access has put the actor into the request.
    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AdminState>,
    ) -> Result<Self, Response> {
        let actor = parts.extensions.get::<Actor>();
        let actor = actor.ok_or_else(|| AdminError::Unauthorized.into_response())?;
        Ok(Self::new(state.clock.now(), actor.clone()))
    }
}
