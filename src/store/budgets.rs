//! Budgets: one for each scope and period, with ids that are never used again.

use crate::domain::budget::{Budget, Scope};
use crate::domain::id::{ApiKeyId, BudgetId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{Period, UtcMicros};
use crate::store::Store;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, params};

/// A budget as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// The budget as the data plane knows it.
    pub budget: Budget,
    /// When it was made.
    pub created_at: UtcMicros,
    /// When it was last changed.
    pub updated_at: UtcMicros,
}

macro_rules! columns {
    () => {
        "id, tenant_id, scope_kind, scope_id, period, amount, starts_at, ends_at, created_at, \
         updated_at"
    };
}

impl Store {
    /// Sets a scope's budgets of these periods, all of them or none, and gives them in the order
    /// asked for. `None` when the scope does not exist or its tenant is closed.
    pub async fn set_budgets(
        &self,
        scope: Scope,
        limits: &[(Period, Usd)],
        at: UtcMicros,
    ) -> Result<Option<Vec<BudgetRecord>>, StoreError> {
        const UPSERT: &str = concat!(
            "INSERT INTO budget (tenant_id, scope_kind, scope_id, period, amount, starts_at, \
             ends_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
             ON CONFLICT (scope_kind, scope_id, period) DO UPDATE SET amount = excluded.amount, \
             starts_at = excluded.starts_at, ends_at = excluded.ends_at, \
             updated_at = excluded.updated_at RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let Some(tenant) = tenant_of(change.as_mut(), scope).await? else {
            return Ok(None);
        };
        let mut budgets = Vec::with_capacity(limits.len());
        for (period, amount) in limits {
            let (starts_at, ends_at) = dates(*period);
            let rows = change
                .query(
                    UPSERT,
                    params![
                        tenant,
                        scope.kind(),
                        scope_id(scope),
                        period.name(),
                        *amount,
                        starts_at,
                        ends_at,
                        at
                    ],
                )
                .await?;
            let budget = rows.first().map(record).transpose()?;
            budgets.push(budget.ok_or_else(|| StoreError::corrupt("budget"))?);
        }
        change.commit().await?;
        Ok(Some(budgets))
    }

    /// A scope's budgets, by id.
    pub async fn list_budgets(&self, scope: Scope) -> Result<Vec<BudgetRecord>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM budget WHERE scope_kind = $1 AND scope_id = $2 ORDER BY id"
        );
        let params = params![scope.kind(), scope_id(scope)];
        let rows = self.driver.query(LIST, params).await?;
        rows.iter().map(record).collect()
    }

    /// A budget.
    pub async fn budget(&self, id: BudgetId) -> Result<Option<BudgetRecord>, StoreError> {
        const GET: &str = concat!("SELECT ", columns!(), " FROM budget WHERE id = $1");
        let rows = self.driver.query(GET, params![id]).await?;
        rows.first().map(record).transpose()
    }

    /// Sets a budget's period and amount. A period that another budget of the scope has is a
    /// conflict.
    pub async fn update_budget(
        &self,
        id: BudgetId,
        limit: (Period, Usd),
        at: UtcMicros,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE budget SET period = $2, amount = $3, starts_at = $4, ends_at = $5, \
             updated_at = $6 WHERE id = $1 RETURNING ",
            columns!()
        );
        let (period, amount) = limit;
        let (starts_at, ends_at) = dates(period);
        let mut change = self.change_catalog().await?;
        let rows = change
            .query(
                UPDATE,
                params![id, period.name(), amount, starts_at, ends_at, at],
            )
            .await
            .map_err(|error| error.conflict_on("the budget's period"))?;
        let budget = rows.first().map(record).transpose()?;
        if budget.is_some() {
            change.commit().await?;
        }
        Ok(budget)
    }

    /// Deletes a budget and gives what it was.
    pub async fn delete_budget(&self, id: BudgetId) -> Result<Option<BudgetRecord>, StoreError> {
        const DELETE: &str = concat!("DELETE FROM budget WHERE id = $1 RETURNING ", columns!());
        let mut change = self.change_catalog().await?;
        let rows = change.query(DELETE, params![id]).await?;
        let budget = rows.first().map(record).transpose()?;
        if budget.is_some() {
            change.commit().await?;
        }
        Ok(budget)
    }
}

/// The open tenant that a scope belongs to.
async fn tenant_of(
    change: &mut dyn Transaction,
    scope: Scope,
) -> Result<Option<TenantId>, StoreError> {
    const OF_TENANT: &str = "SELECT id FROM tenant WHERE id = $1 AND closed_at IS NULL";
    const OF_KEY: &str = "SELECT tenant.id AS id FROM api_key \
         JOIN tenant ON tenant.id = api_key.tenant_id \
         WHERE api_key.id = $1 AND tenant.closed_at IS NULL";
    let rows = match scope {
        Scope::Tenant(id) => change.query(OF_TENANT, params![id]).await?,
        Scope::Key(id) => change.query(OF_KEY, params![id]).await?,
    };
    rows.first()
        .map(|row| row.int("id").map(TenantId))
        .transpose()
}

fn scope_id(scope: Scope) -> i64 {
    match scope {
        Scope::Tenant(id) => id.0,
        Scope::Key(id) => id.0,
    }
}

fn dates(period: Period) -> (Option<UtcMicros>, Option<UtcMicros>) {
    match period {
        Period::Custom(window) => (Some(window.start), Some(window.end)),
        Period::Hourly | Period::Daily | Period::Weekly | Period::Monthly | Period::Total => {
            (None, None)
        }
    }
}

fn record(row: &Row) -> Result<BudgetRecord, StoreError> {
    Ok(BudgetRecord {
        budget: budget_of(row)?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// The budget in a row that has its columns.
pub(in crate::store) fn budget_of(row: &Row) -> Result<Budget, StoreError> {
    let scope_id = row.int("scope_id")?;
    let starts_at = row.maybe_int("starts_at")?.map(UtcMicros::new);
    let ends_at = row.maybe_int("ends_at")?.map(UtcMicros::new);
    Ok(Budget {
        id: BudgetId(row.int("id")?),
        tenant: TenantId(row.int("tenant_id")?),
        scope: row.named("scope_kind", |kind| match kind {
            "tenant" => Some(Scope::Tenant(TenantId(scope_id))),
            "key" => Some(Scope::Key(ApiKeyId(scope_id))),
            _ => None,
        })?,
        period: row.named("period", |name| {
            Period::from_parts(name, starts_at, ends_at).ok()
        })?,
        limit: row.usd("amount")?,
    })
}
