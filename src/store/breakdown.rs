//! What requests of a time cost by one or two of what they have in common, from sums: as dear as the
//! sums of that time are many, however many rows they are of.

use crate::domain::id::{ApiKeyId, ModelName, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::sums::{Cut, pieces};
use crate::store::value::{Row, Value, row_params};

/// What requests can be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The day (UTC).
    Day,
    /// Who pays.
    Tenant,
    /// The key that was used.
    Key,
    /// Who bills.
    Provider,
    /// The model that was asked for.
    Model,
    /// The endpoint.
    Route,
    /// How they ended.
    Status,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Day,
        Self::Tenant,
        Self::Key,
        Self::Provider,
        Self::Model,
        Self::Route,
        Self::Status,
    ];

    /// Its name in questions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Tenant => "tenant",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Route => "route",
            Self::Status => "status",
        }
    }

    /// Whether the sums of keys do not tell requests apart by it.
    fn is_not_of_keys(self) -> bool {
        matches!(self, Self::Route | Self::Status)
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of this tenant, else of all.
    pub tenant: Option<TenantId>,
    /// Admitted in this time.
    pub window: Window,
    /// Told apart by these.
    by: Vec<Dimension>,
    /// The most groups that are wanted.
    pub groups_max: u32,
}

/// Keys have no sums by route or status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key cannot be combined with route or status")]
pub struct NoSuchSums;

impl Question {
    /// Of all tenants and all of time, until something else is said.
    pub fn by(by: Vec<Dimension>, groups_max: u32) -> Result<Self, NoSuchSums> {
        let is_by_key = by.contains(&Dimension::Key);
        if is_by_key && by.iter().any(|dimension| dimension.is_not_of_keys()) {
            return Err(NoSuchSums);
        }
        Ok(Self {
            tenant: None,
            window: Window::TOTAL,
            by,
            groups_max,
        })
    }

    /// What it tells requests apart by.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.by
    }

    fn has(&self, dimension: Dimension) -> bool {
        self.by.contains(&dimension)
    }

    fn cut(&self) -> Cut {
        match (self.has(Dimension::Day), self.has(Dimension::Key)) {
            (true, true) => Cut::whole_days(self.window),
            (true, false) => Cut::into_days(self.window),
            (false, true) => Cut::without_hours(self.window),
            (false, false) => Cut::of(self.window),
        }
    }

    /// The statement, and the dimensions that it is told of.
    fn statement(&self) -> (&'static str, &'static [Dimension]) {
        let is_of_tenants = self.tenant.is_some() || self.has(Dimension::Tenant);
        let mut by = self.by.iter();
        let has_totals = by.all(|by| OF_TOTALS.1.contains(by));
        match (self.has(Dimension::Key), is_of_tenants, has_totals) {
            (true, _, _) => (OF_KEYS, &Dimension::ALL),
            (false, true, true) => OF_TOTALS,
            (false, true, false) => (OF_TENANTS, &Dimension::ALL),
            (false, false, _) => (OF_ALL, &Dimension::ALL),
        }
    }
}

/// What some requests come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many there are.
    pub requests: u64,
    /// Their input tokens of all kinds.
    pub input: u64,
    /// Their output tokens of all kinds.
    pub output: u64,
    /// What they cost.
    pub cost: Usd,
}

impl Sums {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cost: self.cost.saturating_add(other.cost),
        }
    }

    /// Without some that are among them.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cost: self.cost.saturating_sub(other.cost),
        }
    }
}

/// The key of a group, as it is called now; empty where it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// Which.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
}

/// Requests that have something in common: what was asked for is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first instant of their day.
    pub day: Option<UtcMicros>,
    /// Their tenant with its present name.
    pub tenant: Option<(TenantId, String)>,
    /// Their key.
    pub key: Option<NamedKey>,
    /// Their provider.
    pub provider: Option<ProviderName>,
    /// Their model.
    pub model: Option<ModelName>,
    /// Their endpoint.
    pub route: Option<String>,
    /// How they ended.
    pub status: Option<Status>,
    /// What they come to.
    pub sums: Sums,
}

/// Requests of a time by what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// The dearest groups, dearest first.
    pub groups: Vec<Group>,
    /// How many groups there are in all.
    pub groups_total: u64,
    /// What all groups come to.
    pub totals: Sums,
}

/// The tokens that are told of: those that went in, and those that came out.
macro_rules! tokens {
    () => {
        "input + cached_input + cache_write + cache_write_1h + audio_input + image_input AS input, \
         output + reasoning_output + audio_output + image_output AS output"
    };
}

/// Sums of a family, with no columns that nobody reads.
macro_rules! told_pieces {
    ($family:literal) => {
        pieces!(
            concat!(
                "SELECT level, start, tenant_id, key_id, provider, model, route, status, requests, ",
                tokens!(),
                ", cost FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id WHERE family = ",
                $family,
                " AND series_family = ",
                $family,
                " AND level ="
            ),
            concat!(
                "tenant_id, key_id, provider, model, route, status, 1, ",
                tokens!(),
                ", cost FROM usage_ledger AS charge WHERE true"
            )
        )
    };
}

/// Of each sum only what is asked for is kept apart: the rest is 0 or empty, and so in one group.
macro_rules! grouped {
    ($family:literal, $tenant:literal) => {
        concat!(
            "SELECT page.*, \
             COALESCE((SELECT name FROM tenant WHERE tenant.id = page.tenant_id), '') AS tenant_name, \
             COALESCE((SELECT name FROM api_key WHERE api_key.id = page.key_id), '') AS key_name, \
             COALESCE((SELECT prefix FROM api_key WHERE api_key.id = page.key_id), '') AS key_prefix FROM \
             (SELECT charge.*, COUNT(*) OVER () AS all_groups, \
             CAST(SUM(requests) OVER () AS BIGINT) AS all_requests, \
             CAST(SUM(input) OVER () AS BIGINT) AS all_input, \
             CAST(SUM(output) OVER () AS BIGINT) AS all_output, \
             CAST(SUM(cost) OVER () AS BIGINT) AS all_cost FROM \
             (SELECT day, tenant_id, key_id, provider, model, route, status, \
             CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(input) AS BIGINT) AS input, \
             CAST(SUM(output) AS BIGINT) AS output, CAST(SUM(cost) AS BIGINT) AS cost FROM \
             (SELECT CASE WHEN CAST($10 AS BIGINT) = 1 THEN start - (start % 86400000000 + 86400000000) % 86400000000 ELSE 0 END AS day, \
             CASE WHEN CAST($11 AS BIGINT) = 1 THEN tenant_id ELSE 0 END AS tenant_id, \
             CASE WHEN CAST($12 AS BIGINT) = 1 THEN key_id ELSE 0 END AS key_id, \
             CASE WHEN CAST($13 AS BIGINT) = 1 THEN provider ELSE '' END AS provider, \
             CASE WHEN CAST($14 AS BIGINT) = 1 THEN model ELSE '' END AS model, \
             CASE WHEN CAST($15 AS BIGINT) = 1 THEN route ELSE '' END AS route, \
             CASE WHEN CAST($16 AS BIGINT) = 1 THEN status ELSE '' END AS status, \
             requests, input, output, cost FROM ",
            told_pieces!($family),
            " WHERE ",
            $tenant,
            ") AS told GROUP BY day, tenant_id, key_id, provider, model, route, status) AS charge \
             ORDER BY cost DESC, requests DESC, day, tenant_id, key_id, provider, model, route, status \
             LIMIT $17) AS page \
             ORDER BY cost DESC, requests DESC, day, tenant_id, key_id, provider, model, route, status"
        )
    };
}

const OF_ALL: &str = grouped!("0", "CAST($9 AS BIGINT) IS NULL");
const OF_TENANTS: &str = grouped!("1", "(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9)");
const OF_KEYS: &str = grouped!("2", "(CAST($9 AS BIGINT) IS NULL OR tenant_id = $9)");

/// By day and tenant there are groups by the ten thousand, nearly each of one sum: with these two columns alone, and the
/// totals of groups that are kept, they take two thirds of the time.
const OF_TOTALS: (&str, &[Dimension]) = (
    concat!(
        "WITH charge AS MATERIALIZED (SELECT day, tenant_id, CAST(SUM(requests) AS BIGINT) AS requests, \
         CAST(SUM(input) AS BIGINT) AS input, CAST(SUM(output) AS BIGINT) AS output, CAST(SUM(cost) AS BIGINT) AS cost FROM \
         (SELECT CASE WHEN CAST($10 AS BIGINT) = 1 THEN start - (start % 86400000000 + 86400000000) % 86400000000 ELSE 0 END AS day, \
         CASE WHEN CAST($11 AS BIGINT) = 1 THEN tenant_id ELSE 0 END AS tenant_id, requests, input, output, cost FROM ",
        told_pieces!("3"),
        " WHERE CAST($9 AS BIGINT) IS NULL OR tenant_id = $9) AS told GROUP BY day, tenant_id) \
         SELECT page.*, total.*, \
         COALESCE((SELECT name FROM tenant WHERE tenant.id = page.tenant_id), '') AS tenant_name FROM \
         (SELECT * FROM charge ORDER BY cost DESC, requests DESC, day, tenant_id LIMIT $12) AS page CROSS JOIN \
         (SELECT COUNT(*) AS all_groups, CAST(SUM(requests) AS BIGINT) AS all_requests, \
         CAST(SUM(input) AS BIGINT) AS all_input, CAST(SUM(output) AS BIGINT) AS all_output, \
         CAST(SUM(cost) AS BIGINT) AS all_cost FROM charge) AS total \
         ORDER BY cost DESC, requests DESC, day, tenant_id"
    ),
    &[Dimension::Day, Dimension::Tenant],
);

impl Store {
    /// What requests cost by what they have in common.
    pub async fn breakdown(&self, question: &Question) -> Result<Breakdown, StoreError> {
        let mut params = question.cut().params();
        params.extend(row_params![question.tenant]);
        let (statement, dimensions) = question.statement();
        let flags = dimensions.iter();
        params.extend(flags.map(|dimension| Value::from(question.has(*dimension))));
        params.push(Value::from(question.groups_max));
        let rows = self.read(statement, &params).await?;
        let Some(first) = rows.first() else {
            return Ok(Breakdown::default());
        };
        Ok(Breakdown {
            groups_total: first.number("all_groups")?,
            totals: Sums {
                requests: first.number("all_requests")?,
                input: first.number("all_input")?,
                output: first.number("all_output")?,
                cost: first.usd("all_cost")?,
            },
            groups: rows
                .iter()
                .map(|row| group(row, question))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn group(row: &Row, question: &Question) -> Result<Group, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.text(column)?.to_owned());
    let mut group = Group {
        day: None,
        tenant: None,
        key: None,
        provider: None,
        model: None,
        route: None,
        status: None,
        sums: Sums {
            requests: row.number("requests")?,
            input: row.number("input")?,
            output: row.number("output")?,
            cost: row.usd("cost")?,
        },
    };
    for dimension in question.dimensions() {
        match dimension {
            Dimension::Day => group.day = Some(row.instant("day")?),
            Dimension::Tenant => {
                let id = TenantId(row.int("tenant_id")?);
                group.tenant = Some((id, text("tenant_name")?));
            }
            Dimension::Key => {
                group.key = Some(NamedKey {
                    id: ApiKeyId(row.int("key_id")?),
                    name: text("key_name")?,
                    prefix: text("key_prefix")?,
                });
            }
            Dimension::Provider => group.provider = Some(ProviderName::new(row.text("provider")?)),
            Dimension::Model => group.model = Some(ModelName::new(row.text("model")?)),
            Dimension::Route => group.route = Some(text("route")?),
            Dimension::Status => group.status = Some(row.named("status", Status::parse)?),
        }
    }
    Ok(group)
}
