//! Who is logged in. A session is found by the hash of its token; whether its user may still do what
//! they could is asked anew each time.

use std::time::Duration;

use crate::domain::id::UserId;
use crate::domain::stamp::{Actor, Stamp};
use crate::domain::user::Role;
use crate::domain::window::UtcMicros;
use crate::settings::secret::Secret;
use crate::store::Store;
use crate::store::audit::{self, AuditEntry};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, params};

/// A session that nobody uses for so long is over.
pub const SESSION_IDLE_MAX: Duration = Duration::from_hours(1);
/// A session is over after so long, however much it is used.
pub const SESSION_LIFETIME_MAX: Duration = Duration::from_hours(12);
/// How much later than it was it may seem that a session was used: not every request writes.
const SEEN_EVERY: Duration = Duration::from_mins(1);
/// Sessions that one user, or whoever has the admin key, may have at once; the oldest end.
const SESSIONS_OF_ONE_MAX: u32 = 20;

/// What the audit log calls a session of the admin API.
const KIND: &str = "login";

/// The hash of a session's token.
pub type TokenHash = [u8; 32];

/// How a session's token may be kept: as a user's, or as one of whoever has the admin key. The latter
/// depends on the key, so that such sessions are over when there is another.
#[derive(Clone, Copy, Debug)]
pub struct TokenHashes {
    /// As a user's.
    pub of_user: TokenHash,
    /// As one of the admin key, if there is one.
    pub of_admin_key: Option<TokenHash>,
}

/// A session that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHolder {
    /// Who is logged in.
    pub actor: Actor,
    /// What they may do now.
    pub role: Role,
    /// When the session is over if it goes on being used.
    pub ends_at: UtcMicros,
}

impl Store {
    /// Begins a session of whoever the stamp names, notes the login, and tells when the session is
    /// over. `None` when it is a user who may not log in any more, or has another password than the
    /// one of that hash.
    pub async fn begin_session(
        &self,
        token: &TokenHash,
        password_hash: Option<&Secret>,
        stamp: &Stamp,
    ) -> Result<Option<UtcMicros>, StoreError> {
        const INSERT: &str = "INSERT INTO admin_session (token_hash, user_id, created_at, \
             seen_at) VALUES ($1, $2, $3, $3)";
        const LOGGED_IN: &str = "UPDATE admin_user SET last_login_at = $2 \
             WHERE id = $1 AND is_active = 1 AND password_hash = $3";
        let user = stamp.by.user().map(|(id, _name)| id);
        let mut change = self.driver.begin().await?;
        if user.is_some() {
            let hash = password_hash.map(Secret::expose);
            let values = params![user, stamp.at, hash];
            if change.execute(LOGGED_IN, values).await? == 0 {
                return Ok(None);
            }
        }
        forget_old(change.as_mut(), user, stamp.at).await?;
        let values = params![&token[..], user, stamp.at];
        change.execute(INSERT, values).await?;
        let entry = AuditEntry {
            target: user.map(|user| user.to_string()),
            ..AuditEntry::of(KIND, "begin")
        };
        audit::write(change.as_mut(), stamp, &entry).await?;
        change.commit().await?;
        Ok(Some(stamp.at.plus(SESSION_LIFETIME_MAX)))
    }

    /// The session of a token, unless it is over or its user may no longer log in.
    pub async fn session_holder(
        &self,
        token: &TokenHashes,
        now: UtcMicros,
    ) -> Result<Option<SessionHolder>, StoreError> {
        const FIND: &str = "SELECT admin_session.user_id AS user_id, \
             admin_session.created_at AS created_at, admin_session.seen_at AS seen_at, \
             admin_session.token_hash AS token_hash, admin_user.name AS name, \
             admin_user.role AS role FROM admin_session \
             LEFT JOIN admin_user ON admin_user.id = admin_session.user_id \
             WHERE ((admin_session.token_hash = $1 AND admin_user.is_active = 1) \
             OR (admin_session.token_hash = $2 AND admin_session.user_id IS NULL)) \
             AND admin_session.created_at > $3 AND admin_session.seen_at > $4";
        let values = params![
            &token.of_user[..],
            token.of_admin_key.as_ref().map(|hash| &hash[..]),
            now.minus(SESSION_LIFETIME_MAX),
            now.minus(SESSION_IDLE_MAX),
        ];
        let rows = self.driver.query(FIND, values).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        if row.instant("seen_at")? < now.minus(SEEN_EVERY) {
            self.note_seen(row, now).await?;
        }
        holder(row).map(Some)
    }

    async fn note_seen(&self, row: &Row, now: UtcMicros) -> Result<(), StoreError> {
        const SEEN: &str =
            "UPDATE admin_session SET seen_at = $2 WHERE token_hash = $1 AND seen_at < $2";
        let token: TokenHash = row.bytes("token_hash")?;
        let values = params![&token[..], now];
        self.driver.execute(SEEN, values).await.map(drop)
    }

    /// Ends a session, and notes the logout.
    pub async fn end_session(&self, token: &TokenHashes, stamp: &Stamp) -> Result<(), StoreError> {
        const DELETE: &str = "DELETE FROM admin_session WHERE token_hash = $1 OR token_hash = $2";
        let mut change = self.driver.begin().await?;
        let values = params![
            &token.of_user[..],
            token.of_admin_key.as_ref().map(|hash| &hash[..])
        ];
        if change.execute(DELETE, values).await? == 0 {
            return Ok(());
        }
        let user = stamp.by.user().map(|(id, _name)| id.to_string());
        let entry = AuditEntry {
            target: user,
            ..AuditEntry::of(KIND, "end")
        };
        audit::write(change.as_mut(), stamp, &entry).await?;
        change.commit().await
    }
}

/// Ends all sessions of a user.
pub(super) async fn end_all(change: &mut dyn Transaction, user: UserId) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM admin_session WHERE user_id = $1";
    change.execute(DELETE, params![user]).await.map(drop)
}

/// Deletes what is over, and of a user who has too many sessions the oldest.
async fn forget_old(
    change: &mut dyn Transaction,
    user: Option<UserId>,
    now: UtcMicros,
) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM admin_session WHERE created_at <= $1 OR seen_at <= $2";
    const DELETE_OLDEST: &str = "DELETE FROM admin_session WHERE token_hash IN \
         (SELECT token_hash FROM admin_session \
         WHERE COALESCE(user_id, 0) = COALESCE(CAST($1 AS BIGINT), 0) \
         ORDER BY created_at DESC, token_hash LIMIT 1000 OFFSET $2)";
    let over = params![now.minus(SESSION_LIFETIME_MAX), now.minus(SESSION_IDLE_MAX)];
    change.execute(DELETE, over).await?;
    let kept = SESSIONS_OF_ONE_MAX.saturating_sub(1);
    change.execute(DELETE_OLDEST, params![user, kept]).await?;
    Ok(())
}

fn holder(row: &Row) -> Result<SessionHolder, StoreError> {
    let (actor, role) = match row.maybe_int("user_id")? {
        Some(id) => {
            let actor = Actor::User {
                id: UserId(id),
                name: row.text("name")?.into(),
            };
            (actor, row.named("role", Role::parse)?)
        }
        None => (Actor::AdminKey, Role::Admin),
    };
    Ok(SessionHolder {
        actor,
        role,
        ends_at: row.instant("created_at")?.plus(SESSION_LIFETIME_MAX),
    })
}
