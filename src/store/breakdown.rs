//! What requests of a time cost by one or two of what they have in common, from sums: as dear as the
//! sums of that time are many, however many rows they are of.

mod statements;

use crate::domain::id::{ApiKeyId, ModelName, ProviderName, TenantId};
use crate::domain::ledger::Status;
use crate::domain::money::Usd;
use crate::domain::window::{UtcMicros, Window};
use crate::store::Store;
use crate::store::breakdown::statements::{
    DAYS_OF_ALL, DAYS_OF_KEYS, DAYS_OF_KEYS_OF_TENANT, DAYS_OF_TENANT, DAYS_OF_TENANTS, OF_ALL,
    OF_EACH_TENANT, OF_KEYS, OF_TENANTS, OF_TOTALS,
};
use crate::store::error::StoreError;
use crate::store::sums::Cut;
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

/// The most dimensions of one question: statements know of no more.
pub const DIMENSIONS_MAX: usize = 2;

/// What cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchSums {
    /// Keys have no sums by route or status.
    #[error("key cannot be combined with route or status")]
    OfKeys,
    /// See [`DIMENSIONS_MAX`].
    #[error("requests are told apart by at most {DIMENSIONS_MAX} dimensions")]
    TooMany,
}

impl Question {
    /// Of all tenants and all of time, until something else is said.
    pub fn by(by: Vec<Dimension>, groups_max: u32) -> Result<Self, NoSuchSums> {
        let is_by_key = by.contains(&Dimension::Key);
        if is_by_key && by.iter().any(|dimension| dimension.is_not_of_keys()) {
            return Err(NoSuchSums::OfKeys);
        }
        if by.len() > DIMENSIONS_MAX {
            return Err(NoSuchSums::TooMany);
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

    /// The one dimension beside the day, or none. Beside a day there is at most one.
    fn beside_day(&self) -> Option<Dimension> {
        let mut others = self.by.iter().copied();
        others.find(|dimension| *dimension != Dimension::Day)
    }

    /// The statement, and what it is told of the dimensions.
    fn statement(&self) -> (&'static str, Vec<Value>) {
        if self.has(Dimension::Day) {
            return self.statement_of_days();
        }
        let others = self.by.iter().filter(|by| **by != Dimension::Tenant);
        let has_others = others.count() > 0;
        let is_of_tenants = self.tenant.is_some() || self.has(Dimension::Tenant);
        let statement = match (self.has(Dimension::Key), is_of_tenants, has_others) {
            (true, _, _) => OF_KEYS,
            (false, true, true) if self.tenant.is_some() => OF_TENANTS,
            (false, true, true) => OF_EACH_TENANT,
            (false, true, false) => OF_TOTALS,
            (false, false, _) => OF_ALL,
        };
        let flags = Dimension::ALL.iter().filter(|by| **by != Dimension::Day);
        (
            statement,
            flags.map(|by| Value::from(self.has(*by))).collect(),
        )
    }

    fn statement_of_days(&self) -> (&'static str, Vec<Value>) {
        let is_of_one = self.tenant.is_some();
        let (statement, label): (_, u32) = match self.beside_day() {
            None | Some(Dimension::Day) if is_of_one => (DAYS_OF_TENANTS, 0),
            Some(Dimension::Tenant) => (DAYS_OF_TENANTS, 0),
            Some(Dimension::Key) if is_of_one => (DAYS_OF_KEYS_OF_TENANT, 0),
            Some(Dimension::Key) => (DAYS_OF_KEYS, 0),
            other => {
                let label: u32 = match other {
                    Some(Dimension::Provider) => 1,
                    Some(Dimension::Model) => 2,
                    Some(Dimension::Route) => 3,
                    Some(Dimension::Status) => 4,
                    None | Some(Dimension::Day | Dimension::Tenant | Dimension::Key) => 0,
                };
                let of_one = if is_of_one {
                    DAYS_OF_TENANT
                } else {
                    DAYS_OF_ALL
                };
                (of_one, label)
            }
        };
        (statement, row_params![label])
    }

    /// The column of a dimension that is a text: where there are days, it is the only one beside.
    fn text_column(&self, name: &'static str) -> &'static str {
        if self.has(Dimension::Day) {
            "label"
        } else {
            name
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

impl Store {
    /// What requests cost by what they have in common.
    pub async fn breakdown(&self, question: &Question) -> Result<Breakdown, StoreError> {
        let mut params = question.cut().params();
        params.extend(row_params![question.tenant]);
        let (statement, flags) = question.statement();
        params.extend(flags);
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
            Dimension::Provider => {
                let column = question.text_column("provider");
                group.provider = Some(ProviderName::new(row.text(column)?));
            }
            Dimension::Model => {
                let column = question.text_column("model");
                group.model = Some(ModelName::new(row.text(column)?));
            }
            Dimension::Route => group.route = Some(text(question.text_column("route"))?),
            Dimension::Status => {
                let column = question.text_column("status");
                group.status = Some(row.named(column, Status::parse)?);
            }
        }
    }
    Ok(group)
}
