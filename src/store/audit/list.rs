//! Reading the audit log: newest first, a page after another by where the last one ended.

use crate::domain::id::{TenantId, UserId};
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params};

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The row; also where the next page begins.
    pub cursor: AuditCursor,
    /// What kind of actor did it.
    pub actor_kind: String,
    /// The user, if it was one.
    pub actor: Option<UserId>,
    /// What they were called then.
    pub actor_name: Option<String>,
    /// What was done, such as `tenant.update`.
    pub action: String,
    /// What kind of thing it was done to.
    pub target_kind: String,
    /// Which of its kind.
    pub target: Option<String>,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// What it was, as a JSON object.
    pub before: Option<String>,
    /// What it became, as a JSON object.
    pub after: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditCursor {
    /// When it was done.
    pub at: UtcMicros,
    /// Its row.
    pub id: i64,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditActor {
    /// What kind of actor.
    pub kind: &'static str,
    /// Of users, which one.
    pub user: Option<UserId>,
}

/// What is wanted of the log: what everything given here is true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFilter {
    /// What belongs to this tenant.
    pub tenant: Option<TenantId>,
    /// What was done by these.
    pub actor: Option<AuditActor>,
    /// What is called so.
    pub action: Option<String>,
    /// What was done to this kind of thing.
    pub target_kind: Option<String>,
    /// And to this one.
    pub target: Option<String>,
    /// When.
    pub within: Window,
    /// What is older than this.
    pub older_than: Option<AuditCursor>,
}

macro_rules! list {
    ($lead:literal) => {
        concat!(
            "SELECT id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, \
             tenant_id, state_before, state_after, address FROM audit_log WHERE ",
            $lead,
            " AND (CAST($1 AS BIGINT) IS NULL OR tenant_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR actor_kind = $2) \
             AND (CAST($3 AS BIGINT) IS NULL OR actor_id = $3) \
             AND (CAST($4 AS TEXT) IS NULL OR action = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR target_kind = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR target_id = $6) \
             AND at >= $7 AND at < $8 AND (at, id) < ($9, $10) \
             ORDER BY at DESC, id DESC LIMIT $11"
        )
    };
}

/// The statements of lists, each led by what an index finds.
const BY_TARGET: &str = list!("target_kind = $5 AND target_id = $6");
const BY_TENANT: &str = list!("tenant_id = $1");
const BY_USER: &str = list!("actor_kind = $2 AND actor_id = $3");
const BY_ACTION: &str = list!("action = $4");
const BY_TIME: &str = list!("at IS NOT NULL");

impl Store {
    /// The newest of what is wanted, newest first, at most `limit`.
    pub async fn list_audit(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let actor = filter.actor.as_ref();
        let user = actor.and_then(|actor| actor.user);
        let end = filter.older_than.unwrap_or(AuditCursor {
            at: UtcMicros::MAX,
            id: i64::MAX,
        });
        let statement = if filter.target_kind.is_some() && filter.target.is_some() {
            BY_TARGET
        } else if user.is_some() {
            BY_USER
        } else if filter.tenant.is_some() {
            BY_TENANT
        } else if filter.action.is_some() {
            BY_ACTION
        } else {
            BY_TIME
        };
        let values: &[Value] = params![
            filter.tenant,
            actor.map(|actor| actor.kind),
            user,
            filter.action.as_ref(),
            filter.target_kind.as_ref(),
            filter.target.as_ref(),
            filter.within.start,
            filter.within.end,
            end.at,
            end.id,
            limit,
        ];
        let rows = self.driver.query(statement, values).await?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.maybe_text(column)?.map(str::to_owned));
    Ok(AuditRecord {
        cursor: AuditCursor {
            at: row.instant("at")?,
            id: row.int("id")?,
        },
        actor_kind: row.text("actor_kind")?.to_owned(),
        actor: row.maybe_int("actor_id")?.map(UserId),
        actor_name: text("actor_name")?,
        action: row.text("action")?.to_owned(),
        target_kind: row.text("target_kind")?.to_owned(),
        target: text("target_id")?,
        tenant: row.maybe_int("tenant_id")?.map(TenantId),
        before: text("state_before")?,
        after: text("state_after")?,
        address: text("address")?,
    })
}
