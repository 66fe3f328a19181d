//! Logging in to the admin API as pages do: with the admin key or with a name and a password, once,
//! for a cookie.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::access::cookie::{Token, no_cookie};
use crate::admin::access::{Access, Attempt, Caller, Client, Session};
use crate::admin::document::ACCESS;
use crate::admin::document::bodies::{Login, OwnPassword};
use crate::admin::document::responses::InvalidBody;
use crate::admin::document::schemas::ActorKind;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::stamp::stamp_of;
use crate::admin::tenants::Done;
use crate::admin::users::{read_password, store};
use crate::domain::id::UserId;
use crate::domain::stamp::{Actor, Stamp};
use crate::domain::user::Role;
use crate::domain::window::UtcMicros;
use crate::settings::secret::Secret;
use crate::store::users::{UserChange, UserRecord};

/// Who is logged in. Changes need the token in the `X-CSRF-Token` header.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LoginSessionBody)]
pub(super) struct SessionBody {
    #[schema(value_type = ActorKind, inline)]
    actor: &'static str,
    #[schema(required)]
    user_id: Option<UserId>,
    #[schema(required)]
    name: Option<String>,
    role: Role,
    /// Nothing where the admin key came with the request itself.
    #[schema(required)]
    csrf_token: Option<String>,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
}

impl SessionBody {
    fn new(actor: &Actor, role: Role, session: Option<&Session>) -> Self {
        let user = actor.user();
        Self {
            actor: actor.kind(),
            user_id: user.map(|(id, _name)| id),
            name: user.map(|(_id, name)| name.to_owned()),
            role,
            csrf_token: session.map(|session| session.token.csrf()),
            expires_at: session.map(|session| session.ends_at.to_string()),
        }
    }
}

/// Somebody who showed that they are who they say.
struct Proven {
    actor: Actor,
    role: Role,
    /// The hash of the password that they knew.
    password_hash: Option<Secret>,
}

#[utoipa::path(post, path = "/admin/session", tag = ACCESS, operation_id = "logIn",
    summary = "Logs in, for a cookie.",
    request_body = Login, responses((status = 200, body = SessionBody), InvalidBody))]
pub(super) async fn begin(
    State(state): State<Arc<AdminState>>,
    Extension(access): Extension<Arc<Access>>,
    Extension(client): Extension<Client>,
    fields: Fields,
) -> Result<Response, AdminError> {
    let proven = if let Some(key) = fields.secret("adminKey")? {
        by_key(&access, client, &key).await?
    } else {
        let name = fields.text("name")?;
        let name = name.ok_or_else(|| fields.required("name"))?;
        let password = fields.secret("password")?;
        let password = password.ok_or_else(|| fields.required("password"))?;
        by_password(&state, (&access, client), &name, password).await?
    };
    begin_as(&state, &access, client, proven).await
}

#[utoipa::path(get, path = "/admin/session", tag = ACCESS, operation_id = "whoAmI",
    summary = "Who is logged in.", responses((status = 200, body = SessionBody)))]
pub(super) async fn show(Extension(caller): Extension<Caller>) -> Response {
    let body = SessionBody::new(&caller.actor, caller.role, caller.session.as_ref());
    Json(body).into_response()
}

#[utoipa::path(delete, path = "/admin/session", tag = ACCESS, operation_id = "logOut",
    summary = "Logs out.", responses((status = 200, body = Done)))]
pub(super) async fn end(
    State(state): State<Arc<AdminState>>,
    Extension(access): Extension<Arc<Access>>,
    Extension(caller): Extension<Caller>,
    stamp: Stamp,
) -> Result<Response, AdminError> {
    if let Some(session) = &caller.session {
        let hashes = session.token.hashes(access.key());
        state.store.end_session(&hashes, &stamp).await?;
    }
    Ok(with_cookie(
        Done::OK.into_response(),
        no_cookie(caller.client),
    ))
}

/// Changes one's own password. All one's sessions end, and this one begins anew.
#[utoipa::path(put, path = "/admin/session/password", tag = ACCESS, operation_id = "setOwnPassword",
    request_body = OwnPassword, responses((status = 200, body = SessionBody), InvalidBody))]
pub(super) async fn set_password(
    State(state): State<Arc<AdminState>>,
    Extension(access): Extension<Arc<Access>>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Result<Response, AdminError> {
    let Some((id, name)) = caller.actor.user() else {
        return Err(AdminError::invalid(
            "The admin key is no user and has no password",
        ));
    };
    let current = fields.secret("currentPassword")?;
    let current = current.ok_or_else(|| fields.required("currentPassword"))?;
    let wanted = read_password(&fields, "newPassword")?;
    let wanted = wanted.ok_or_else(|| fields.required("newPassword"))?;
    let mut proven = by_password(&state, (&access, caller.client), name, current).await?;
    let hash = access.passwords.hash(wanted).await?;
    let stamp = stamp_of(state.clock.as_ref(), proven.actor.clone(), caller.client);
    let change = UserChange {
        password_hash: Some(hash),
        ..UserChange::default()
    };
    store(&state, id, &change, &stamp).await?;
    proven.password_hash = change.password_hash;
    begin_as(&state, &access, caller.client, proven).await
}

async fn by_key(access: &Access, client: Client, key: &Secret) -> Result<Proven, AdminError> {
    access.check_key(key.expose().as_bytes(), client).await?;
    Ok(Proven {
        actor: Actor::AdminKey,
        role: Role::Admin,
        password_hash: None,
    })
}

async fn by_password(
    state: &AdminState,
    (access, client): (&Access, Client),
    name: &str,
    password: Secret,
) -> Result<Proven, AdminError> {
    let now = state.clock.now();
    let attempt = Attempt::begin(&access.attempts, name, client.address, now);
    let attempt = attempt.map_err(|retry_after| AdminError::Throttled { retry_after })?;
    let found = state.store.user_to_log_in(name).await?;
    let (user, hash): (Option<UserRecord>, Option<Secret>) = found.unzip();
    let is_right = access.passwords.is_right(password, hash.clone()).await?;
    // What was typed as a name may have been a password: only users are told.
    let known = user.as_ref().map(|user| user.id);
    let Some(user) = user.filter(|_| is_right) else {
        drop(attempt);
        access.note_refusal(client, known).await;
        return Err(AdminError::WrongLogin);
    };
    attempt.succeeded();
    Ok(Proven {
        actor: Actor::User {
            id: user.id,
            name: user.settings.name.into(),
        },
        role: user.settings.role,
        password_hash: hash,
    })
}

async fn begin_as(
    state: &AdminState,
    access: &Access,
    client: Client,
    proven: Proven,
) -> Result<Response, AdminError> {
    let token = Token::new(rand::random());
    let hashes = token.hashes(access.key());
    let kept = match proven.actor {
        Actor::User { .. } => Some(hashes.of_user),
        Actor::AdminKey | Actor::CommandLine | Actor::System | Actor::Unknown => {
            hashes.of_admin_key
        }
    };
    let kept = kept.ok_or(AdminError::Internal)?;
    let stamp = stamp_of(state.clock.as_ref(), proven.actor, client);
    let begun = state
        .store
        .begin_session(&kept, proven.password_hash.as_ref(), &stamp);
    let ends_at: UtcMicros = begun.await?.ok_or(AdminError::WrongLogin)?;
    let cookie = token.cookie(client);
    let session = Session { token, ends_at };
    let body = SessionBody::new(&stamp.by, proven.role, Some(&session));
    Ok(with_cookie(Json(body).into_response(), cookie))
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
