//! Alerts: raised once among all replicas, and handed to one of them at a time for delivery.

use crate::domain::alert::{Alert, Percent};
use crate::domain::id::{AlertId, BudgetId, TenantId};
use crate::domain::window::{Period, UtcMicros, Window};
use crate::store::budgets::{scope_id, scope_of};
use crate::store::error::StoreError;
use crate::store::value::{Row, params};
use crate::store::{Listed, Page, Store};

/// An alert that was raised, and how far its webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    /// Its row.
    pub id: AlertId,
    /// What was passed.
    pub alert: Alert,
    /// When it was raised.
    pub raised_at: UtcMicros,
    /// Its webhook.
    pub delivery: Delivery,
}

/// How far the webhook of an alert is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, or until when somebody is at it; nothing when there is nothing to do.
    pub next_attempt_at: Option<UtcMicros>,
    /// When it arrived.
    pub delivered_at: Option<UtcMicros>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

macro_rules! columns {
    () => {
        "id, budget_id, tenant_id, scope_kind, scope_id, period, window_start, window_end, \
         threshold, amount, spent, raised_at, attempts, next_attempt_at, delivered_at, last_error"
    };
}

impl Store {
    /// Raises alerts, and gives those that nobody had raised before: their telling is the caller's.
    /// Webhooks are due at once, if they are wanted.
    pub async fn raise_alerts(
        &self,
        alerts: &[Alert],
        at: UtcMicros,
        due_at: Option<UtcMicros>,
    ) -> Result<Vec<AlertRecord>, StoreError> {
        const RAISE: &str = concat!(
            "INSERT INTO alert (budget_id, tenant_id, scope_kind, scope_id, period, \
             window_start, window_end, threshold, amount, spent, raised_at, next_attempt_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (budget_id, window_start, window_end, amount, threshold) DO NOTHING \
             RETURNING ",
            columns!()
        );
        // In one order everywhere: replicas that raise the same wait for each other and never both.
        let mut alerts: Vec<&Alert> = alerts.iter().collect();
        alerts.sort_by_key(|alert| alert.key());
        let mut raised = Vec::new();
        let mut change = self.driver.begin().await?;
        for alert in alerts {
            let params = params![
                alert.budget,
                alert.tenant,
                alert.scope.kind(),
                scope_id(alert.scope)?,
                alert.period.name(),
                alert.window.start,
                alert.window.end,
                alert.threshold.get(),
                alert.limit,
                alert.spent,
                at,
                due_at,
            ];
            let rows = change.query(RAISE, params).await?;
            raised.extend(rows.first().map(record).transpose()?);
        }
        change.commit().await?;
        Ok(raised)
    }

    /// Takes the alert whose webhook has been due the longest, for as long as `until`: nobody else
    /// gets it before. The try counts from here, also if whoever took it dies.
    pub async fn claim_alert(
        &self,
        now: UtcMicros,
        until: UtcMicros,
    ) -> Result<Option<AlertRecord>, StoreError> {
        // Of two that choose the same row, the second finds it taken and goes without.
        const CLAIM: &str = concat!(
            "UPDATE alert SET attempts = attempts + 1, next_attempt_at = $2 \
             WHERE id = (SELECT id FROM alert WHERE next_attempt_at <= $1 \
             ORDER BY next_attempt_at, id LIMIT 1) AND next_attempt_at <= $1 RETURNING ",
            columns!()
        );
        let mut change = self.driver.begin().await?;
        let rows = change.query(CLAIM, params![now, until]).await?;
        let claimed = rows.first().map(record).transpose()?;
        change.commit().await?;
        Ok(claimed)
    }

    /// The webhook of an alert arrived.
    pub async fn alert_delivered(&self, id: AlertId, at: UtcMicros) -> Result<(), StoreError> {
        const DELIVERED: &str = "UPDATE alert SET delivered_at = $2, next_attempt_at = NULL, \
             last_error = NULL WHERE id = $1";
        let params = params![id, at];
        self.driver.execute(DELIVERED, params).await.map(drop)
    }

    /// The webhook of an alert did not arrive; it is due again at an instant, or given up.
    pub async fn alert_failed(
        &self,
        id: AlertId,
        reason: &str,
        again_at: Option<UtcMicros>,
    ) -> Result<(), StoreError> {
        const FAILED: &str = "UPDATE alert SET next_attempt_at = $3, last_error = $2 \
             WHERE id = $1 AND delivered_at IS NULL";
        let params = params![id, reason, again_at];
        self.driver.execute(FAILED, params).await.map(drop)
    }

    /// Alerts of a tenant, or of everybody, newest first.
    pub async fn list_alerts(
        &self,
        tenant: Option<TenantId>,
        page: Page,
    ) -> Result<Listed<AlertRecord>, StoreError> {
        const COUNT_ALL: &str = "SELECT COUNT(*) AS total FROM alert";
        const COUNT_OF_ONE: &str = "SELECT COUNT(*) AS total FROM alert WHERE tenant_id = $1";
        const LIST_ALL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM alert ORDER BY id DESC LIMIT $1 OFFSET $2"
        );
        const LIST_OF_ONE: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM alert WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3"
        );
        let (limit, offset) = (page.limit, page.offset);
        let mut read = self.driver.begin_read().await?;
        let (total, rows) = match tenant {
            Some(id) => (
                read.query(COUNT_OF_ONE, params![id]).await?,
                read.query(LIST_OF_ONE, params![id, limit, offset]).await?,
            ),
            None => (
                read.query(COUNT_ALL, &[]).await?,
                read.query(LIST_ALL, params![limit, offset]).await?,
            ),
        };
        read.commit().await?;
        Ok(Listed {
            rows: rows.iter().map(record).collect::<Result<_, _>>()?,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// Deletes alerts that were raised before an instant and whose window had ended by then, so that
    /// none of them can be raised again. Tells how many.
    pub async fn forget_alerts(&self, before: UtcMicros) -> Result<u64, StoreError> {
        const FORGET: &str = "DELETE FROM alert WHERE raised_at < $1 AND window_end < $1";
        self.driver.execute(FORGET, params![before]).await
    }
}

fn record(row: &Row) -> Result<AlertRecord, StoreError> {
    let window = Window {
        start: row.instant("window_start")?,
        end: row.instant("window_end")?,
    };
    let threshold = Percent::new(row.number("threshold")?);
    Ok(AlertRecord {
        id: AlertId(row.int("id")?),
        alert: Alert {
            budget: BudgetId(row.int("budget_id")?),
            tenant: row.maybe_int("tenant_id")?.map(TenantId),
            scope: scope_of(row)?,
            period: row.named("period", |name| {
                Period::from_parts(name, Some(window.start), Some(window.end)).ok()
            })?,
            window,
            threshold: threshold.ok_or_else(|| StoreError::corrupt("threshold"))?,
            limit: row.usd("amount")?,
            spent: row.usd("spent")?,
        },
        raised_at: row.instant("raised_at")?,
        delivery: Delivery {
            attempts: row.number("attempts")?,
            next_attempt_at: row.maybe_int("next_attempt_at")?.map(UtcMicros::new),
            delivered_at: row.maybe_int("delivered_at")?.map(UtcMicros::new),
            last_error: row.maybe_text("last_error")?.map(str::to_owned),
        },
    })
}
