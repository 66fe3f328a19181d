//! What the ledger adds up to: by day, by model, and of whatever rows are asked for.

use crate::domain::id::{ApiKeyId, ModelName, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::sums::{Cut, cost_pieces, usage_pieces};
use crate::store::value::{Row, Value, row_params};
use crate::store::{Store, containing};

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
    /// That this provider bills.
    pub provider: Option<ProviderName>,
    /// Whose key this is.
    pub key: Option<ApiKeyId>,
    /// That cost as much or more.
    pub cost_min: Option<Usd>,
    /// That cost as much or less.
    pub cost_max: Option<Usd>,
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
            provider: None,
            key: None,
            cost_min: None,
            cost_max: None,
            window: Window::TOTAL,
        }
    }
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

/// What sums and rows have to be, by the columns that both have; what they are narrowed to is `$9` to `$14`.
macro_rules! of_filter {
    ($tenant:expr) => {
        concat!(
            $tenant,
            " AND (CAST($10 AS TEXT) IS NULL OR status = $10) \
             AND ($11 = '%' OR tenant_id IN \
             (SELECT id FROM tenant WHERE LOWER(name) LIKE LOWER($11) ESCAPE '\\')) \
             AND ($12 = '%' OR LOWER(model) LIKE LOWER($12) ESCAPE '\\') \
             AND ($13 = '%' OR LOWER(route) LIKE LOWER($13) ESCAPE '\\') \
             AND (CAST($14 AS TEXT) IS NULL OR provider = $14)"
        )
    };
}
/// The same of the sums of the key in `$15`, which know neither routes nor how requests ended.
macro_rules! of_key_sums {
    () => {
        "(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9) AND key_id = $15 \
         AND (CAST($10 AS TEXT) IS NULL OR CAST($10 AS TEXT) <> '') AND CAST($13 AS TEXT) IS NOT NULL \
         AND ($11 = '%' OR tenant_id IN \
         (SELECT id FROM tenant WHERE LOWER(name) LIKE LOWER($11) ESCAPE '\\')) \
         AND ($12 = '%' OR LOWER(model) LIKE LOWER($12) ESCAPE '\\') \
         AND (CAST($14 AS TEXT) IS NULL OR provider = $14)"
    };
}
/// Rows of the key in `$15`.
macro_rules! of_key {
    () => {
        "(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9) AND key_id = $15"
    };
}
/// Of no tenant in particular, but of those that the name finds: as a condition of its own it finds an index.
macro_rules! named_tenants {
    () => {
        "CAST($9 AS BIGINT) IS NULL AND tenant_id IN \
         (SELECT id FROM tenant WHERE LOWER(name) LIKE LOWER($11) ESCAPE '\\')"
    };
}
pub(in crate::store) use {named_tenants, of_filter, of_key, of_key_sums};

/// The statements of one way to choose tenants.
struct Totals {
    of_sums: &'static str,
    /// Of all pieces at once. Every parameter has to be named: the instants between pieces are in order.
    of_rows: &'static str,
}

macro_rules! totals {
    ($family:tt, $tenant:literal) => {
        Totals {
            of_sums: concat!(
                "SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT) AS requests, \
                 CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost FROM ",
                usage_pieces!($family),
                " WHERE ",
                of_filter!($tenant)
            ),
            of_rows: concat!(
                "SELECT COUNT(*) AS requests, CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost \
                 FROM usage_ledger WHERE at >= $1 AND at < $8 \
                 AND CAST($2 AS BIGINT) <= $3 AND CAST($4 AS BIGINT) <= $5 AND CAST($6 AS BIGINT) <= $7 \
                 AND session = $15 AND ",
                of_filter!($tenant)
            ),
        }
    };
}

const OF_KEY: &str = concat!(
    "SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT) AS requests, \
     CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost FROM ",
    usage_pieces!(keys),
    " WHERE ",
    of_key_sums!()
);
const OF_ALL: Totals = totals!(all, "CAST($9 AS BIGINT) IS NULL");
const OF_NAMED: Totals = totals!(named, "CAST($9 AS BIGINT) IS NULL");
const OF_ONE: Totals = totals!(tenants, "tenant_id = $9");
const WHOLE_NAMED: Totals = totals!(named_totals, "CAST($9 AS BIGINT) IS NULL");
const WHOLE_ONE: Totals = totals!(totals, "tenant_id = $9");

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

impl LedgerTotals {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows.saturating_add(other.rows),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

impl LedgerFilter {
    /// The first for all tenants. For those that a name finds and for one: of what is told apart, and of all that
    /// they have.
    pub(in crate::store) fn choose<T>(&self, all: T, [named, one]: [T; 2], whole: [T; 2]) -> T {
        let [named, one] = if self.is_narrow() {
            [named, one]
        } else {
            whole
        };
        let is_named = self
            .tenant_name
            .as_ref()
            .is_some_and(|name| !name.is_empty());
        match self.tenant {
            Some(_) => one,
            None if is_named => named,
            None => all,
        }
    }

    /// Whether it may leave out most rows of a time and its tenants.
    pub(in crate::store) fn is_narrow(&self) -> bool {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.asks_what_keys_lack() || is_given(&self.model) || self.provider.is_some()
    }

    /// Whether it leaves out nothing but other times.
    pub(in crate::store) fn takes_every_row(&self) -> bool {
        *self
            == Self {
                window: self.window,
                ..Self::default()
            }
    }

    /// Whether it is known how many rows match without looking at what each of them costs, or by which key.
    pub fn is_counted(&self) -> bool {
        let has_bounds = self.cost_min.is_some() || self.cost_max.is_some();
        let is_beside_key = self.asks_what_keys_lack() || self.session.is_some();
        !has_bounds && (self.key.is_none() || !is_beside_key)
    }

    fn asks_what_keys_lack(&self) -> bool {
        let route = self.route.as_ref();
        self.status.is_some() || route.is_some_and(|route| !route.is_empty())
    }

    /// The parameters from `$9` on: those of `of_filter`.
    pub(in crate::store) fn params(&self) -> Vec<Value> {
        row_params![
            self.tenant,
            self.status.map(Status::as_str),
            &containing(self.tenant_name.as_deref()),
            &containing(self.model.as_deref()),
            &containing(self.route.as_deref()),
            self.provider.as_ref(),
        ]
    }
}

impl Store {
    /// How many rows match, and what they cost.
    pub async fn ledger_totals(&self, filter: &LedgerFilter) -> Result<LedgerTotals, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let totals = totals(read.as_mut(), filter).await?;
        read.commit().await?;
        Ok(totals)
    }

    /// What a tenant spent on each day (UTC) of a time on which it made requests, in order. A day
    /// is given by its first instant.
    pub async fn daily_usage(
        &self,
        tenant: TenantId,
        window: Window,
    ) -> Result<Vec<(UtcMicros, Usd)>, StoreError> {
        const DAILY: &str = concat!(
            "SELECT day, CAST(SUM(cost) AS BIGINT) AS spent FROM \
             (SELECT start - start % 86400000000 AS day, cost FROM ",
            cost_pieces!(),
            " WHERE tenant_id = $9) AS charge GROUP BY day ORDER BY day"
        );
        let mut params = Cut::into_days(window).params();
        params.push(Value::from(tenant));
        let rows = self.read(DAILY, &params).await?;
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
        const BY_MODEL: &str = concat!(
            "SELECT model, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(cost) AS BIGINT) AS spent FROM ",
            usage_pieces!(tenants),
            " WHERE tenant_id = $9 GROUP BY model ORDER BY spent DESC, model"
        );
        let mut params = Cut::of(window).params();
        params.push(Value::from(tenant));
        let rows = self.read(BY_MODEL, &params).await?;
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
    /// What was used of a provider's models on each day (UTC) of a time, by day and model.
    pub async fn days_of_models(
        &self,
        provider: &ProviderName,
        window: Window,
    ) -> Result<Vec<DayOfModel>, StoreError> {
        const DAYS: &str = concat!(
            "SELECT day, answered AS model, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(not_measured) AS BIGINT) AS not_measured, \
             CAST(SUM(input + cached_input + cache_write + cache_write_1h + audio_input + image_input) \
             AS BIGINT) AS input, CAST(SUM(cached_input) AS BIGINT) AS cached_input, \
             CAST(SUM(output + reasoning_output + audio_output + image_output) AS BIGINT) AS output, \
             CAST(SUM(cost) AS BIGINT) AS cost FROM (SELECT start - start % 86400000000 AS day, * FROM ",
            usage_pieces!(all),
            " WHERE provider = $9 AND status <> 'blocked') AS charge \
             GROUP BY day, answered ORDER BY day, answered"
        );
        let mut params = Cut::into_days(window).params();
        params.push(Value::from(provider));
        let rows = self.read(DAYS, &params).await?;
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

/// How many rows match, and what they cost, whatever each of them may cost: by sums, or by the rows of a
/// session, which sums do not know. Of a key all rows of its models and providers are counted.
pub(in crate::store) async fn totals(
    read: &mut dyn Transaction,
    filter: &LedgerFilter,
) -> Result<LedgerTotals, StoreError> {
    let totals = filter.choose(&OF_ALL, [&OF_NAMED, &OF_ONE], [&WHOLE_NAMED, &WHOLE_ONE]);
    let (cut, statement, whose) = match (&filter.session, filter.key) {
        (Some(session), _) => (
            Cut::of(filter.window),
            totals.of_rows,
            Some(Value::from(session)),
        ),
        (None, Some(key)) => (
            Cut::without_hours(filter.window),
            OF_KEY,
            Some(Value::from(key)),
        ),
        (None, None) => (Cut::of(filter.window), totals.of_sums, None),
    };
    let mut params = cut.params();
    params.extend(filter.params());
    params.extend(whose);
    let rows = read.query(statement, &params).await?;
    let row = rows.first().ok_or_else(|| StoreError::corrupt("totals"))?;
    totals_of(row)
}

/// The totals in a row that has `requests` and their `cost`.
pub(in crate::store) fn totals_of(row: &Row) -> Result<LedgerTotals, StoreError> {
    Ok(LedgerTotals {
        rows: row.number("requests")?,
        cost: row.usd("cost")?,
    })
}
