//! Users of the admin API: making, changing and finding them. What ends somebody's access ends their
//! sessions in the same transaction.

pub mod sessions;

use crate::domain::id::UserId;
use crate::domain::stamp::Stamp;
use crate::domain::user::Role;
use crate::domain::window::UtcMicros;
use crate::settings::secret::Secret;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::users::sessions::end_all;
use crate::store::value::{Row, params};
use crate::store::{Store, audit};

/// A user as the admin API shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The user.
    pub id: UserId,
    /// What they are called.
    pub settings: UserSettings,
    /// When they were made.
    pub created_at: UtcMicros,
    /// When they were last changed.
    pub updated_at: UtcMicros,
    /// When they last logged in.
    pub last_login_at: Option<UtcMicros>,
}

/// What can be set about a user, beside the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSettings {
    /// Their name; no other user may have the same, in any case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Inactive users cannot log in.
    pub is_active: bool,
}

impl UserSettings {
    /// Whether they can do everything.
    fn is_admin(&self) -> bool {
        self.is_active && self.role == Role::Admin
    }
}

/// What becomes of a user; what is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Their name.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they can log in.
    pub is_active: Option<bool>,
    /// The hash of their password.
    pub password_hash: Option<Secret>,
}

/// What happens to the last admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastAdmin {
    /// There must be one.
    Needed,
    /// There need not be: somebody has the admin key.
    Dispensable,
}

/// Why a user cannot be what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRefusal {
    /// There is no such user.
    Unknown,
    /// Nobody would be left who can do everything.
    LastAdmin,
}

macro_rules! columns {
    () => {
        "id, name, role, is_active, created_at, updated_at, last_login_at"
    };
}

/// What the audit log calls a user.
const KIND: &str = "user";
const GET: &str = concat!("SELECT ", columns!(), " FROM admin_user WHERE id = $1");

impl Store {
    /// Makes a user. A name that another has is a conflict.
    pub async fn create_user(
        &self,
        user: &UserSettings,
        password_hash: &Secret,
        stamp: &Stamp,
    ) -> Result<UserRecord, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO admin_user (name, role, is_active, password_hash, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING ",
            columns!()
        );
        let mut change = self.change_users().await?;
        let values = params![
            &user.name,
            user.role.as_str(),
            user.is_active,
            password_hash.expose(),
            stamp.at,
        ];
        let rows = change.query(INSERT, values).await;
        let rows = rows.map_err(|error| error.conflict_on("the user's name"))?;
        let made = first(&rows)?.ok_or_else(|| StoreError::corrupt("admin_user"))?;
        let states = (None, rows.first());
        audit::write_row(change.as_mut(), stamp, (KIND, "create"), states).await?;
        change.commit().await?;
        Ok(made)
    }

    /// All users, by id.
    pub async fn list_users(&self) -> Result<Vec<UserRecord>, StoreError> {
        const LIST: &str = concat!("SELECT ", columns!(), " FROM admin_user ORDER BY id");
        let rows = self.driver.query(LIST, &[]).await?;
        rows.iter().map(record).collect()
    }

    /// A user, active or not.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        first(&self.driver.query(GET, params![id]).await?)
    }

    /// The active user of a name, in any case, and the hash of their password.
    pub async fn user_to_log_in(
        &self,
        name: &str,
    ) -> Result<Option<(UserRecord, Secret)>, StoreError> {
        const NAMED: &str = concat!(
            "SELECT ",
            columns!(),
            ", password_hash FROM admin_user WHERE LOWER(name) = LOWER($1) AND is_active = 1"
        );
        let rows = self.driver.query(NAMED, params![name]).await?;
        let found = |row| Ok((record(row)?, Secret::new(row.text("password_hash")?)));
        rows.first().map(found).transpose()
    }

    /// Changes a user. Where they may do less or something else than before, their sessions end.
    pub async fn update_user(
        &self,
        id: UserId,
        wanted: &UserChange,
        last_admin: LastAdmin,
        stamp: &Stamp,
    ) -> Result<Result<UserRecord, UserRefusal>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE admin_user SET name = COALESCE($2, name), role = COALESCE($3, role), \
             is_active = COALESCE($4, is_active), \
             password_hash = COALESCE($5, password_hash), updated_at = $6 \
             WHERE id = $1 RETURNING ",
            columns!()
        );
        let mut change = self.change_users().await?;
        let before = change.query(GET, params![id]).await?;
        let Some(known) = first(&before)? else {
            return Ok(Err(UserRefusal::Unknown));
        };
        let values = params![
            id,
            wanted.name.as_ref(),
            wanted.role.map(Role::as_str),
            wanted.is_active,
            wanted.password_hash.as_ref().map(Secret::expose),
            stamp.at,
        ];
        let rows = change.query(UPDATE, values).await;
        let rows = rows.map_err(|error| error.conflict_on("the user's name"))?;
        let was_needed = last_admin == LastAdmin::Needed && known.settings.is_admin();
        if was_needed && !has_admin(change.as_mut()).await? {
            return Ok(Err(UserRefusal::LastAdmin));
        }
        let changed = first(&rows)?.ok_or_else(|| StoreError::corrupt("admin_user"))?;
        let (was, is) = (&known.settings, &changed.settings);
        if was.role != is.role || !is.is_active || wanted.password_hash.is_some() {
            end_all(change.as_mut(), id).await?;
        }
        let verb = verb_of(was, wanted);
        let states = (before.first(), rows.first());
        audit::write_row(change.as_mut(), stamp, (KIND, verb), states).await?;
        change.commit().await?;
        Ok(Ok(changed))
    }

    /// Begins a change of users. They take turns as changes of the catalog do, so that of two admins
    /// who give up the role at once one is the last; the catalog has no users, and nobody reads it anew.
    async fn change_users(&self) -> Result<Box<dyn Transaction>, StoreError> {
        const RAISE: &str = "UPDATE admin_user_version SET version = version + 1 WHERE id = 1";
        let mut change = self.driver.begin().await?;
        change.execute(RAISE, &[]).await?;
        Ok(change)
    }
}

fn verb_of(before: &UserSettings, wanted: &UserChange) -> &'static str {
    if wanted.password_hash.is_some() {
        "set_password"
    } else if before.is_active && wanted.is_active == Some(false) {
        "deactivate"
    } else {
        "update"
    }
}

async fn has_admin(change: &mut dyn Transaction) -> Result<bool, StoreError> {
    const ADMINS: &str = "SELECT id FROM admin_user WHERE role = 'admin' AND is_active = 1 LIMIT 1";
    let rows = change.query(ADMINS, &[]).await?;
    Ok(!rows.is_empty())
}

fn first(rows: &[Row]) -> Result<Option<UserRecord>, StoreError> {
    rows.first().map(record).transpose()
}

fn record(row: &Row) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        id: UserId(row.int("id")?),
        settings: UserSettings {
            name: row.text("name")?.to_owned(),
            role: row.named("role", Role::parse)?,
            is_active: row.flag("is_active")?,
        },
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        last_login_at: row.maybe_int("last_login_at")?.map(UtcMicros::new),
    })
}
