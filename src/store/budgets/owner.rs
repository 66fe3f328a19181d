//! Whose budgets are: the tenant that a scope belongs to, and the scope's id in the table.

use crate::domain::budget::Scope;
use crate::domain::id::TenantId;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::params;

/// Who a scope belongs to, and its id in the table.
pub(super) struct Owner {
    pub(super) tenant: Option<TenantId>,
    pub(super) scope_id: i64,
}

/// The open tenant that a scope belongs to; nothing when there is no such scope.
pub(super) async fn owner_of(
    change: &mut dyn Transaction,
    scope: Scope,
) -> Result<Option<Owner>, StoreError> {
    const OF_TENANT: &str = "SELECT id FROM tenant WHERE id = $1 AND closed_at IS NULL";
    const OF_KEY: &str = "SELECT tenant.id AS id FROM api_key \
         JOIN tenant ON tenant.id = api_key.tenant_id \
         WHERE api_key.id = $1 AND tenant.closed_at IS NULL";
    const OF_TAG: &str = "SELECT tenant.id AS id FROM tag \
         JOIN tenant ON tenant.id = tag.tenant_id \
         WHERE tag.id = $1 AND tag.deleted_at IS NULL AND tenant.closed_at IS NULL";
    let scope_id = scope_id(scope)?;
    let sql = match scope {
        Scope::Installation => {
            return Ok(Some(Owner {
                tenant: None,
                scope_id,
            }));
        }
        Scope::Tenant(_) => OF_TENANT,
        Scope::Key(_) => OF_KEY,
        Scope::Tag(_) | Scope::Session(_) => OF_TAG,
    };
    let rows = change.query(sql, params![scope_id]).await?;
    let tenant = rows.first().map(|row| row.int("id").map(TenantId));
    Ok(tenant.transpose()?.map(|tenant| Owner {
        tenant: Some(tenant),
        scope_id,
    }))
}

/// The installation is one; a session's limit is no row of this table.
pub(in crate::store) fn scope_id(scope: Scope) -> Result<i64, StoreError> {
    match scope {
        Scope::Installation => Ok(0),
        Scope::Tenant(id) => Ok(id.0),
        Scope::Key(id) => Ok(id.0),
        Scope::Tag(id) => Ok(id.0),
        Scope::Session(_) => Err(StoreError::corrupt("a session as a budget's scope")),
    }
}
