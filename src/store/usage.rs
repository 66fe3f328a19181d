//! What the ledger tells: its rows by page, and sums by day and by model.

use crate::domain::id::{ModelName, ProviderName, RequestId, TenantId};
use crate::domain::ledger::{LedgerRow, Status};
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::error::StoreError;
use crate::store::ledger::{ledger_columns, ledger_row_of};
use crate::store::value::{Row, Value, params};
use crate::store::{Listed, Page, Store, containing};

/// Which ledger rows are wanted: those that everything given here is true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// Of tenants whose name contains this, in any case.
    pub tenant_name: Option<String>,
    /// Whose model contains this, in any case.
    pub model: Option<String>,
    /// Whose route contains this, in any case.
    pub route: Option<String>,
    /// Of the session of exactly this id.
    pub session: Option<String>,
    /// That ended so.
    pub status: Option<Status>,
    /// Admitted in this time.
    pub window: Window,
}

impl Default for LedgerFilter {
    /// Every row.
    fn default() -> Self {
        Self {
            tenant: None,
            tenant_name: None,
            model: None,
            route: None,
            session: None,
            status: None,
            window: Window::TOTAL,
        }
    }
}

/// A ledger row with its tenant's present name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The row.
    pub row: LedgerRow,
    /// The tenant's name; empty when there is no such tenant.
    pub tenant_name: String,
}

/// What some rows come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    /// How many there are.
    pub rows: u64,
    /// What they cost.
    pub cost: Usd,
}

/// What was spent on one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpending {
    /// The model that was asked for.
    pub model: ModelName,
    /// How many requests.
    pub requests: u64,
    /// What they cost.
    pub cost: Usd,
}

macro_rules! matching {
    ($tenant:literal) => {
        concat!(
            "FROM usage_ledger LEFT JOIN (SELECT id, name FROM tenant) AS tenant \
             ON tenant.id = usage_ledger.tenant_id \
             WHERE at >= $1 AND at < $2 AND ",
            $tenant,
            " AND (CAST($4 AS TEXT) IS NULL OR status = $4) \
             AND ($5 = '%' OR LOWER(tenant.name) LIKE LOWER($5) ESCAPE '\\') \
             AND ($6 = '%' OR LOWER(model) LIKE LOWER($6) ESCAPE '\\') \
             AND ($7 = '%' OR LOWER(route) LIKE LOWER($7) ESCAPE '\\') \
             AND (CAST($8 AS TEXT) IS NULL OR session = $8)"
        )
    };
}

/// The statements for all tenants, or for one. They differ so that the second can use the index.
struct Matching {
    totals: &'static str,
    list: &'static str,
}

macro_rules! statements {
    ($tenant:literal) => {
        Matching {
            totals: concat!(
                "SELECT COUNT(*) AS requests, CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost ",
                matching!($tenant)
            ),
            list: concat!(
                "SELECT ",
                ledger_columns!(),
                ", COALESCE(tenant.name, '') AS tenant_name ",
                matching!($tenant),
                " ORDER BY at DESC, request_id DESC LIMIT $9 OFFSET $10"
            ),
        }
    };
}

const OF_ALL: Matching = statements!("CAST($3 AS BIGINT) IS NULL");
const OF_ONE: Matching = statements!("tenant_id = $3");

/// What the ledger has for one model of a provider on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayOfModel {
    /// The first instant of the day (UTC).
    pub day: UtcMicros,
    /// The model that answered, else the one that was asked for.
    pub model: ModelName,
    /// How many requests were sent.
    pub requests: u64,
    /// For how many of them the provider did not report all that it bills.
    pub not_measured: u64,
    /// Input tokens of all kinds, also those from the cache and into it.
    pub input: u64,
    /// Those of them that came from the cache.
    pub cached_input: u64,
    /// Output tokens of all kinds.
    pub output: u64,
    /// What all of it costs.
    pub cost: Usd,
}

impl LedgerFilter {
    fn statements(&self) -> &'static Matching {
        match self.tenant {
            Some(_) => &OF_ONE,
            None => &OF_ALL,
        }
    }
}

impl Store {
    /// A page of the rows that match, newest first.
    pub async fn ledger_page(
        &self,
        filter: &LedgerFilter,
        page: Page,
    ) -> Result<Listed<LedgerEntry>, StoreError> {
        let statements = filter.statements();
        let matching = matching_params(filter);
        let mut listing = matching.clone();
        listing.extend_from_slice(params![page.limit, page.offset]);
        let mut read = self.driver.begin_read().await?;
        let totals = totals_in(&read.query(statements.totals, &matching).await?)?;
        let rows = read.query(statements.list, &listing).await?;
        read.commit().await?;
        Ok(Listed {
            rows: rows.iter().map(entry).collect::<Result<_, _>>()?,
            total: totals.rows,
        })
    }

    /// How many rows match, and what they cost.
    pub async fn ledger_totals(&self, filter: &LedgerFilter) -> Result<LedgerTotals, StoreError> {
        let totals = filter.statements().totals;
        let params = matching_params(filter);
        totals_in(&self.driver.query(totals, &params).await?)
    }

    /// What a tenant spent on each day (UTC) of a time on which it made requests, in order. A day
    /// is given by its first instant.
    pub async fn daily_usage(
        &self,
        tenant: TenantId,
        window: Window,
    ) -> Result<Vec<(UtcMicros, Usd)>, StoreError> {
        const DAILY: &str = "SELECT day, CAST(SUM(cost) AS BIGINT) AS spent FROM \
             (SELECT at - at % 86400000000 AS day, cost FROM usage_ledger \
             WHERE tenant_id = $1 AND at >= $2 AND at < $3) AS charge \
             GROUP BY day ORDER BY day";
        let params = params![tenant, window.start, window.end];
        let rows = self.driver.query(DAILY, params).await?;
        rows.iter()
            .map(|row| Ok((row.instant("day")?, row.usd("spent")?)))
            .collect()
    }

    /// What a tenant spent on each model in a time, dearest first.
    pub async fn usage_by_model(
        &self,
        tenant: TenantId,
        window: Window,
    ) -> Result<Vec<ModelSpending>, StoreError> {
        const BY_MODEL: &str = "SELECT model, COUNT(*) AS requests, \
             CAST(SUM(cost) AS BIGINT) AS spent FROM usage_ledger \
             WHERE tenant_id = $1 AND at >= $2 AND at < $3 \
             GROUP BY model ORDER BY spent DESC, model";
        let params = params![tenant, window.start, window.end];
        let rows = self.driver.query(BY_MODEL, params).await?;
        rows.iter()
            .map(|row| {
                Ok(ModelSpending {
                    model: ModelName::new(row.text("model")?),
                    requests: row.number("requests")?,
                    cost: row.usd("spent")?,
                })
            })
            .collect()
    }
}

impl Store {
    /// The rows of a time, of one tenant or of all, in the order of their ids: those after one id.
    pub async fn ledger_rows_after(
        &self,
        after: RequestId,
        (tenant, window): (Option<TenantId>, Window),
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        const AFTER: &str = concat!(
            "SELECT ",
            ledger_columns!(),
            " FROM usage_ledger WHERE request_id > $1 AND at >= $2 AND at < $3 \
             AND (CAST($4 AS BIGINT) IS NULL OR tenant_id = $4) ORDER BY request_id LIMIT $5"
        );
        let params = params![
            &after.as_bytes()[..],
            window.start,
            window.end,
            tenant,
            limit
        ];
        let rows = self.driver.query(AFTER, params).await?;
        rows.iter().map(ledger_row_of).collect()
    }

    /// What was used of a provider's models on each day (UTC) of a time, by day and model.
    pub async fn days_of_models(
        &self,
        provider: &ProviderName,
        window: Window,
    ) -> Result<Vec<DayOfModel>, StoreError> {
        const DAYS: &str = "SELECT day, model, COUNT(*) AS requests, \
             CAST(SUM(not_measured) AS BIGINT) AS not_measured, \
             CAST(SUM(input) AS BIGINT) AS input, \
             CAST(SUM(cached_input) AS BIGINT) AS cached_input, \
             CAST(SUM(output) AS BIGINT) AS output, CAST(SUM(cost) AS BIGINT) AS cost FROM \
             (SELECT at - at % 86400000000 AS day, COALESCE(model_served, model) AS model, \
             CASE WHEN basis = 'measured' THEN 0 ELSE 1 END AS not_measured, \
             input + cached_input + cache_write + cache_write_1h + audio_input + image_input \
             AS input, cached_input, \
             output + reasoning_output + audio_output + image_output AS output, cost \
             FROM usage_ledger WHERE provider = $1 AND at >= $2 AND at < $3 \
             AND status <> 'blocked') AS charge GROUP BY day, model ORDER BY day, model";
        let params = params![provider, window.start, window.end];
        let rows = self.driver.query(DAYS, params).await?;
        rows.iter().map(day_of_model).collect()
    }
}

fn day_of_model(row: &Row) -> Result<DayOfModel, StoreError> {
    Ok(DayOfModel {
        day: row.instant("day")?,
        model: ModelName::new(row.text("model")?),
        requests: row.number("requests")?,
        not_measured: row.number("not_measured")?,
        input: row.number("input")?,
        cached_input: row.number("cached_input")?,
        output: row.number("output")?,
        cost: row.usd("cost")?,
    })
}

fn matching_params(filter: &LedgerFilter) -> Vec<Value> {
    params![
        filter.window.start,
        filter.window.end,
        filter.tenant,
        filter.status.map(Status::as_str),
        &containing(filter.tenant_name.as_deref()),
        &containing(filter.model.as_deref()),
        &containing(filter.route.as_deref()),
        filter.session.as_ref(),
    ]
    .to_vec()
}

/// The totals in the one row of a statement that counts `requests` and sums `cost`.
pub(in crate::store) fn totals_in(rows: &[Row]) -> Result<LedgerTotals, StoreError> {
    let row = rows.first().ok_or_else(|| StoreError::corrupt("totals"))?;
    Ok(LedgerTotals {
        rows: row.number("requests")?,
        cost: row.usd("cost")?,
    })
}

fn entry(row: &Row) -> Result<LedgerEntry, StoreError> {
    Ok(LedgerEntry {
        row: ledger_row_of(row)?,
        tenant_name: row.text("tenant_name")?.to_owned(),
    })
}
