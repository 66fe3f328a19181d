//! The audit log: who changed what, when, from where, and what it was before and after. A change and
//! its row are written in one transaction; rows are never changed. No secret is in it.

mod list;
mod shown;

pub use crate::store::audit::list::{AuditActor, AuditCursor, AuditFilter, AuditRecord};

use crate::domain::id::TenantId;
use crate::domain::stamp::Stamp;
use crate::store::Store;
use crate::store::audit::shown::number_of;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, params};

pub(in crate::store) use crate::store::audit::shown::state;

/// What was done to what, as one row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// What kind of thing it was done to, such as `tenant`.
    pub kind: &'static str,
    /// What was done; the action is called `tenant.update`.
    pub verb: &'static str,
    /// Which of its kind; nothing where there is only one, or none that is known.
    pub target: Option<String>,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// What it was, as a JSON object.
    pub before: Option<String>,
    /// What it became, as a JSON object.
    pub after: Option<String>,
}

impl AuditEntry {
    /// Something that was done to nothing that has a row.
    pub fn of(kind: &'static str, verb: &'static str) -> Self {
        Self {
            kind,
            verb,
            target: None,
            tenant: None,
            before: None,
            after: None,
        }
    }

    /// What was done to a row: as it was, where it was there before, and as it is, where it still is.
    pub(in crate::store) fn of_row(
        kind: &'static str,
        verb: &'static str,
        (before, after): (Option<&Row>, Option<&Row>),
    ) -> Result<Self, StoreError> {
        let row = after.or(before);
        let id = row.and_then(|row| number_of(row, "id"));
        let owner = row.and_then(|row| number_of(row, "tenant_id"));
        let tenant = if kind == TENANT { id } else { owner };
        Ok(Self {
            target: id.map(|id| id.to_string()),
            tenant: tenant.map(TenantId),
            before: before.map(state).transpose()?,
            after: after.map(state).transpose()?,
            ..Self::of(kind, verb)
        })
    }
}

/// The kind of tenants, whose own id says whose they are.
pub(in crate::store) const TENANT: &str = "tenant";

impl Store {
    /// Notes something that changed no other table, such as a login.
    pub async fn note(&self, stamp: &Stamp, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut change = self.driver.begin().await?;
        write(change.as_mut(), stamp, entry).await?;
        change.commit().await
    }
}

/// Writes a row in the transaction of its change.
pub(in crate::store) async fn write(
    change: &mut dyn Transaction,
    stamp: &Stamp,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    const INSERT: &str = "INSERT INTO audit_log (at, actor_kind, actor_id, actor_name, action, \
         target_kind, target_id, tenant_id, state_before, state_after, address) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let user = stamp.by.user();
    let action = format!("{}.{}", entry.kind, entry.verb);
    let values = params![
        stamp.at,
        stamp.by.kind(),
        user.map(|(id, _name)| id),
        user.map(|(_id, name)| name),
        &action,
        entry.kind,
        entry.target.as_ref(),
        entry.tenant,
        entry.before.as_ref(),
        entry.after.as_ref(),
        stamp.address.as_deref(),
    ];
    change.execute(INSERT, values).await.map(drop)
}

/// Writes a row about a row, in the transaction of its change.
pub(in crate::store) async fn write_row(
    change: &mut dyn Transaction,
    stamp: &Stamp,
    (kind, verb): (&'static str, &'static str),
    rows: (Option<&Row>, Option<&Row>),
) -> Result<(), StoreError> {
    write(change, stamp, &AuditEntry::of_row(kind, verb, rows)?).await
}
