//! Users of the admin API: making, listing, showing, changing and deactivating them. Whoever may do
//! less than before, or gets another password, is logged out at once.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::access::Access;
use crate::admin::document::ACCESS;
use crate::admin::document::bodies::{ChangedUser, NewUser};
use crate::admin::document::parameters::UserPath;
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::PathId;
use crate::admin::tenants::Done;
use crate::domain::id::UserId;
use crate::domain::stamp::Stamp;
use crate::domain::user::Role;
use crate::settings::secret::Secret;
use crate::store::users::{LastAdmin, UserChange, UserRecord, UserRefusal, UserSettings};

/// Shortest password.
const PASSWORD_LENGTH_MIN: usize = 12;
const USER_NOT_FOUND: AdminError = AdminError::NotFound("User not found");
const NAME_TAKEN: &str = "User name already exists";

/// A user as every route shows them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserBody {
    id: UserId,
    name: String,
    role: Role,
    is_active: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(required, format = DateTime)]
    last_login_at: Option<String>,
}

impl From<UserRecord> for UserBody {
    fn from(record: UserRecord) -> Self {
        Self {
            id: record.id,
            name: record.settings.name,
            role: record.settings.role,
            is_active: record.settings.is_active,
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
            last_login_at: record.last_login_at.map(|at| at.to_string()),
        }
    }
}

#[utoipa::path(post, path = "/admin/users", tag = ACCESS, operation_id = "createUser",
    summary = "Makes a user.",
    request_body = NewUser, responses((status = 200, body = UserBody), InvalidBody))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    Extension(access): Extension<Arc<Access>>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<UserBody>, AdminError> {
    let user = UserSettings {
        name: read_name(&fields)?.ok_or_else(|| fields.required("name"))?,
        role: read_role(&fields)?.ok_or_else(|| fields.required("role"))?,
        is_active: true,
    };
    let password = read_password(&fields, "password")?;
    let password = password.ok_or_else(|| fields.required("password"))?;
    let hash = access.passwords.hash(password).await?;
    let made = state.store.create_user(&user, &hash, &stamp).await;
    let made = made.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    Ok(Json(made.into()))
}

/// All users, those who are not active too.
#[utoipa::path(get, path = "/admin/users", tag = ACCESS, operation_id = "listUsers",
    responses((status = 200, body = Vec<UserBody>)))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
) -> Result<Json<Vec<UserBody>>, AdminError> {
    let users = state.store.list_users().await?;
    Ok(Json(users.into_iter().map(UserBody::from).collect()))
}

#[utoipa::path(get, path = "/admin/users/{id}", tag = ACCESS, operation_id = "showUser",
    summary = "A user.",
    params(UserPath), responses((status = 200, body = UserBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<UserId>,
) -> Result<Json<UserBody>, AdminError> {
    let user = state.store.user(id).await?.ok_or(USER_NOT_FOUND)?;
    Ok(Json(user.into()))
}

#[utoipa::path(put, path = "/admin/users/{id}", tag = ACCESS, operation_id = "updateUser",
    summary = "Changes a user.", params(UserPath), request_body = ChangedUser,
    responses((status = 200, body = UserBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    Extension(access): Extension<Arc<Access>>,
    PathId(id): PathId<UserId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<UserBody>, AdminError> {
    let name = read_name(&fields)?;
    if name.is_none() && fields.has("name") {
        return Err(fields.required("name"));
    }
    let mut wanted = UserChange {
        name,
        role: read_role(&fields)?,
        is_active: fields.flag("isActive")?,
        password_hash: None,
    };
    if let Some(password) = read_password(&fields, "password")? {
        wanted.password_hash = Some(access.passwords.hash(password).await?);
    }
    Ok(Json(store(&state, id, &wanted, &stamp).await?.into()))
}

/// Nobody is deleted: the audit log names them.
#[utoipa::path(delete, path = "/admin/users/{id}", tag = ACCESS, operation_id = "deactivateUser",
    params(UserPath), responses((status = 200, body = Done), Invalid, Missing))]
pub(super) async fn deactivate(
    State(state): State<Arc<AdminState>>,
    PathId(id): PathId<UserId>,
    stamp: Stamp,
) -> Result<Json<Done>, AdminError> {
    let wanted = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    store(&state, id, &wanted, &stamp).await?;
    Ok(Done::OK)
}

/// Changes a user. Without an admin key somebody must be able to do everything.
pub(super) async fn store(
    state: &AdminState,
    id: UserId,
    wanted: &UserChange,
    stamp: &Stamp,
) -> Result<UserRecord, AdminError> {
    let last_admin = match state.options.admin_key {
        Some(_) => LastAdmin::Dispensable,
        None => LastAdmin::Needed,
    };
    let changed = state.store.update_user(id, wanted, last_admin, stamp).await;
    let changed = changed.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    changed.map_err(|refusal| match refusal {
        UserRefusal::Unknown => USER_NOT_FOUND,
        UserRefusal::LastAdmin => AdminError::invalid("The last active admin must stay one"),
    })
}

/// A password that may be given to somebody.
pub(super) fn read_password(fields: &Fields, name: &str) -> Result<Option<Secret>, AdminError> {
    let password = fields.secret(name)?;
    let is_short = |password: &Secret| password.expose().chars().count() < PASSWORD_LENGTH_MIN;
    if password.as_ref().is_some_and(is_short) {
        let reason = format!("must have at least {PASSWORD_LENGTH_MIN} characters");
        return Err(fields.problem(name, &reason));
    }
    Ok(password)
}

fn read_name(fields: &Fields) -> Result<Option<String>, AdminError> {
    Ok(fields.text("name")?.filter(|name| !name.is_empty()))
}

fn read_role(fields: &Fields) -> Result<Option<Role>, AdminError> {
    fields.one_of("role", Role::ALL, Role::as_str)
}
