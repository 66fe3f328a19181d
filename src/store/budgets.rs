//! Budgets: one for each scope, period and choice of calls, with ids that are never used again.

mod owner;

use crate::domain::budget::shadow::Mode;
use crate::domain::budget::{Budget, Coverage, Scope};
use crate::domain::filter::{CallFilter, Patterns};
use crate::domain::id::{ApiKeyId, BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::stamp::Stamp;
use crate::domain::tag::{Inheritance, Weight};
use crate::domain::window::{Period, UtcMicros};
use crate::store::Store;
use crate::store::audit;
use crate::store::budgets::owner::owner_of;
pub(in crate::store) use crate::store::budgets::owner::scope_id;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params, row_params};

/// A budget as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// The budget as the data plane knows it.
    pub budget: Budget,
    /// At which parts of the limit an alert is raised, in percent, as they were given.
    pub thresholds: Option<String>,
    /// An inactive budget limits nothing.
    pub is_active: bool,
    /// When it was made.
    pub created_at: UtcMicros,
    /// When it was last changed.
    pub updated_at: UtcMicros,
}

/// What can be set about a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Over what time.
    pub period: Period,
    /// How much.
    pub limit: Usd,
    /// On which calls.
    pub calls: CallFilter,
    /// How much of a charge counts.
    pub weight: Weight,
    /// What it does to requests of tags below its own.
    pub inheritance: Inheritance,
    /// At which parts of the limit an alert is raised, in percent, as they were given.
    pub thresholds: Option<String>,
    /// Whether it refuses.
    pub mode: Mode,
    /// An inactive budget limits nothing.
    pub is_active: bool,
}

impl BudgetSettings {
    /// A budget that counts everything in full.
    pub fn plain(period: Period, limit: Usd) -> Self {
        Self {
            period,
            limit,
            calls: CallFilter::default(),
            weight: Weight::ONE,
            inheritance: Inheritance::default(),
            thresholds: None,
            mode: Mode::default(),
            is_active: true,
        }
    }

    /// The parameters of [`IN_PLACE`].
    fn place(&self, scope: Scope, scope_id: i64) -> Vec<Value> {
        row_params![
            scope.kind(),
            scope_id,
            self.period.name(),
            &self.calls.models.to_string(),
            &self.calls.providers.to_string(),
        ]
    }

    fn values(&self) -> Vec<Value> {
        let (starts_at, ends_at) = dates(self.period);
        row_params![
            self.period.name(),
            self.limit,
            starts_at,
            ends_at,
            &self.calls.models.to_string(),
            &self.calls.providers.to_string(),
            self.weight.millionths(),
            self.inheritance.as_str(),
            self.thresholds.as_ref(),
            self.is_active,
            self.mode.as_str(),
        ]
    }
}

macro_rules! columns {
    () => {
        "id, tenant_id, scope_kind, scope_id, period, models, providers, amount, starts_at, \
         ends_at, weight, inheritance, thresholds, is_active, enforcement, created_at, updated_at"
    };
}

macro_rules! insert {
    () => {
        "INSERT INTO budget (period, amount, starts_at, ends_at, models, providers, weight, \
         inheritance, thresholds, is_active, enforcement, tenant_id, scope_kind, scope_id, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)"
    };
}

impl Store {
    /// Sets a scope's budgets, all of them or none, each in place of the one of the same period and
    /// calls, whose thresholds it keeps if it has none, and gives them in the order asked for. `None` when the scope does not exist or its
    /// tenant is closed.
    pub async fn set_budgets(
        &self,
        scope: Scope,
        budgets: &[BudgetSettings],
        stamp: &Stamp,
    ) -> Result<Option<Vec<BudgetRecord>>, StoreError> {
        const UPSERT: &str = concat!(
            insert!(),
            " ON CONFLICT (scope_kind, scope_id, period, models, providers) WHERE is_active = 1 \
             DO UPDATE SET amount = excluded.amount, starts_at = excluded.starts_at, \
             ends_at = excluded.ends_at, weight = excluded.weight, \
             inheritance = excluded.inheritance, enforcement = excluded.enforcement, \
             thresholds = COALESCE(excluded.thresholds, budget.thresholds), \
             updated_at = excluded.updated_at RETURNING ",
            columns!()
        );
        self.insert_budgets((UPSERT, "set"), scope, budgets, stamp)
            .await
    }

    /// Makes a budget. Another of the same period and calls is a conflict.
    pub async fn create_budget(
        &self,
        scope: Scope,
        budget: &BudgetSettings,
        stamp: &Stamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        const INSERT: &str = concat!(insert!(), " RETURNING ", columns!());
        let budgets = std::slice::from_ref(budget);
        let made = self
            .insert_budgets((INSERT, "create"), scope, budgets, stamp)
            .await?;
        Ok(made.and_then(|made| made.into_iter().next()))
    }

    async fn insert_budgets(
        &self,
        (statement, verb): (&'static str, &'static str),
        scope: Scope,
        budgets: &[BudgetSettings],
        stamp: &Stamp,
    ) -> Result<Option<Vec<BudgetRecord>>, StoreError> {
        let mut change = self.change_catalog().await?;
        let Some(owner) = owner_of(change.as_mut(), scope).await? else {
            return Ok(None);
        };
        let mut made = Vec::with_capacity(budgets.len());
        for budget in budgets {
            let place = budget.place(scope, owner.scope_id);
            let before = change.query(IN_PLACE, &place).await?;
            let mut values = budget.values();
            values.extend(row_params![
                owner.tenant,
                scope.kind(),
                owner.scope_id,
                stamp.at
            ]);
            let rows = change.query(statement, &values).await;
            let rows = rows.map_err(|error| error.conflict_on("the budget's period"))?;
            let budget = rows.first().map(record).transpose()?;
            made.push(budget.ok_or_else(|| StoreError::corrupt("budget"))?);
            let states = (before.first(), rows.first());
            audit::write_row(change.as_mut(), stamp, (KIND, verb), states).await?;
        }
        change.commit().await?;
        Ok(Some(made))
    }

    /// A scope's budgets, by id.
    pub async fn list_budgets(&self, scope: Scope) -> Result<Vec<BudgetRecord>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM budget WHERE scope_kind = $1 AND scope_id = $2 ORDER BY id"
        );
        let params = params![scope.kind(), scope_id(scope)?];
        let rows = self.driver.query(LIST, params).await?;
        rows.iter().map(record).collect()
    }

    /// The budgets of all tags of a tenant, by id.
    pub async fn list_tag_budgets(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<BudgetRecord>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM budget WHERE tenant_id = $1 AND scope_kind = 'tag' ORDER BY id"
        );
        let rows = self.driver.query(LIST, params![tenant]).await?;
        rows.iter().map(record).collect()
    }

    /// A budget.
    pub async fn budget(&self, id: BudgetId) -> Result<Option<BudgetRecord>, StoreError> {
        let rows = self.driver.query(GET, params![id]).await?;
        rows.first().map(record).transpose()
    }

    /// Sets everything that can be set about a budget. A period and calls that another budget of the
    /// scope has are a conflict.
    pub async fn update_budget(
        &self,
        id: BudgetId,
        budget: &BudgetSettings,
        stamp: &Stamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE budget SET period = $1, amount = $2, starts_at = $3, ends_at = $4, \
             models = $5, providers = $6, weight = $7, inheritance = $8, thresholds = $9, \
             is_active = $10, enforcement = $11, updated_at = $13 WHERE id = $12 RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let before = change.query(GET, params![id]).await?;
        let mut values = budget.values();
        values.extend(row_params![id, stamp.at]);
        let rows = change.query(UPDATE, &values).await;
        let rows = rows.map_err(|error| error.conflict_on("the budget's period"))?;
        let budget = rows.first().map(record).transpose()?;
        if budget.is_some() {
            let states = (before.first(), rows.first());
            audit::write_row(change.as_mut(), stamp, (KIND, "update"), states).await?;
            change.commit().await?;
        }
        Ok(budget)
    }

    /// Deletes a budget and gives what it was.
    pub async fn delete_budget(
        &self,
        id: BudgetId,
        stamp: &Stamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        const DELETE: &str = concat!("DELETE FROM budget WHERE id = $1 RETURNING ", columns!());
        let mut change = self.change_catalog().await?;
        let rows = change.query(DELETE, params![id]).await?;
        let budget = rows.first().map(record).transpose()?;
        if budget.is_some() {
            note_deleted(change.as_mut(), stamp, &rows).await?;
            change.commit().await?;
        }
        Ok(budget)
    }
}

/// What the audit log calls a budget.
const KIND: &str = "budget";
const GET: &str = concat!("SELECT ", columns!(), " FROM budget WHERE id = $1");
/// What another of the same period and calls would take the place of.
const IN_PLACE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM budget WHERE scope_kind = $1 AND scope_id = $2 AND period = $3 AND models = $4 \
     AND providers = $5 AND is_active = 1"
);

/// Deletes the budgets of a tag, which is deleted itself.
pub(in crate::store) async fn delete_of_tag(
    change: &mut dyn Transaction,
    tag: TagId,
    stamp: &Stamp,
) -> Result<(), StoreError> {
    const DELETE: &str = concat!(
        "DELETE FROM budget WHERE scope_kind = 'tag' AND scope_id = $1 RETURNING ",
        columns!()
    );
    let rows = change.query(DELETE, params![tag]).await?;
    note_deleted(change, stamp, &rows).await
}

async fn note_deleted(
    change: &mut dyn Transaction,
    stamp: &Stamp,
    rows: &[Row],
) -> Result<(), StoreError> {
    for row in rows {
        audit::write_row(change, stamp, (KIND, "delete"), (Some(row), None)).await?;
    }
    Ok(())
}

/// Makes a budget of a scope of a tenant, as part of a larger change.
pub(in crate::store) async fn insert(
    change: &mut dyn Transaction,
    (tenant, scope): (TenantId, Scope),
    budget: &BudgetSettings,
    at: UtcMicros,
) -> Result<BudgetId, StoreError> {
    const INSERT: &str = concat!(insert!(), " RETURNING id");
    let mut values = budget.values();
    values.extend(row_params![tenant, scope.kind(), scope_id(scope)?, at]);
    let rows = change.query(INSERT, &values).await?;
    let row = rows.first().ok_or_else(|| StoreError::corrupt("budget"))?;
    row.int("id").map(BudgetId)
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
        thresholds: row.maybe_text("thresholds")?.map(str::to_owned),
        is_active: row.int("is_active")? != 0,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// The scope in a row that has its columns.
pub(in crate::store) fn scope_of(row: &Row) -> Result<Scope, StoreError> {
    let id = row.int("scope_id")?;
    row.named("scope_kind", |kind| match kind {
        "installation" => Some(Scope::Installation),
        "tenant" => Some(Scope::Tenant(TenantId(id))),
        "key" => Some(Scope::Key(ApiKeyId(id))),
        "tag" => Some(Scope::Tag(TagId(id))),
        _ => None,
    })
}

/// The budget in a row that has its columns.
pub(in crate::store) fn budget_of(row: &Row) -> Result<Budget, StoreError> {
    let starts_at = row.maybe_int("starts_at")?.map(UtcMicros::new);
    let ends_at = row.maybe_int("ends_at")?.map(UtcMicros::new);
    let weight = Weight::from_millionths(row.number("weight")?);
    Ok(Budget {
        id: BudgetId(row.int("id")?),
        tenant: row.maybe_int("tenant_id")?.map(TenantId),
        coverage: Coverage {
            scope: scope_of(row)?,
            calls: CallFilter {
                models: row.named("models", |text| Patterns::parse(text).ok())?,
                providers: row.named("providers", |text| Patterns::parse(text).ok())?,
            },
            weight: weight.ok_or_else(|| StoreError::corrupt("weight"))?,
        },
        period: row.named("period", |name| {
            Period::from_parts(name, starts_at, ends_at).ok()
        })?,
        limit: row.usd("amount")?,
        inheritance: row.named("inheritance", Inheritance::parse)?,
        // Before they meant anything, any object was kept: what names no thresholds is none.
        thresholds: row
            .maybe_text("thresholds")?
            .and_then(|text| serde_json::from_str(text).ok()),
        mode: row.named("enforcement", Mode::parse)?,
    })
}
