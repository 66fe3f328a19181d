//! Tenants: making, listing, changing and closing them.

use jiff::tz::TimeZone;

use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::rate::RateLimits;
use crate::domain::stamp::Stamp;
use crate::domain::tenant::Tenant;
use crate::domain::window::UtcMicros;
use crate::store::audit::{self, TENANT};
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params};
use crate::store::{Listed, Page, Store};

/// What can be set about a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantSettings {
    /// Its name; no other open tenant may have the same.
    pub name: String,
    /// Requests a minute: its own, or `None` for the installation's default; 0 is unlimited.
    pub requests_per_minute: Option<u32>,
    /// The calendar its budgets follow; a zone with a name.
    pub time_zone: TimeZone,
    /// What a session may spend that has no budget of its own.
    pub default_session_budget: Option<Usd>,
}

/// What a tenant or a key may ask for; 0 is unlimited, and so is nothing but for a tenant's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<u32>,
    /// Requests at once.
    pub concurrent_requests: Option<u32>,
}

impl RateSettings {
    /// The limits that they are.
    pub fn in_force(&self) -> RateLimits {
        RateLimits::from_kept(
            self.requests_per_minute,
            self.tokens_per_minute,
            self.concurrent_requests,
        )
    }
}

/// A tenant as the admin API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRecord {
    /// The tenant as the data plane knows it.
    pub tenant: Tenant,
    /// When it was made.
    pub created_at: UtcMicros,
    /// When it was last changed.
    pub updated_at: UtcMicros,
}

macro_rules! columns {
    () => {
        "id, name, requests_per_minute, tokens_per_minute, concurrent_requests, time_zone, \
         default_session_budget, closed_at, created_at, updated_at"
    };
}

impl Store {
    /// Makes a tenant. A name that an open tenant has is a conflict.
    pub async fn create_tenant(
        &self,
        settings: &TenantSettings,
        stamp: &Stamp,
    ) -> Result<TenantRecord, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO tenant (name, requests_per_minute, time_zone, default_session_budget, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING ",
            columns!()
        );
        let zone = zone_name(&settings.time_zone)?;
        let mut change = self.change_catalog().await?;
        let rows = change
            .query(
                INSERT,
                params![
                    &settings.name,
                    settings.requests_per_minute,
                    zone,
                    settings.default_session_budget,
                    stamp.at
                ],
            )
            .await
            .map_err(|error| error.conflict_on("the tenant name"))?;
        let tenant = first_record(&rows)?.ok_or_else(|| StoreError::corrupt("tenant"))?;
        let made = (None, rows.first());
        audit::write_row(change.as_mut(), stamp, (TENANT, "create"), made).await?;
        change.commit().await?;
        Ok(tenant)
    }

    /// The open tenant of that name, made with default settings if there is none.
    pub async fn ensure_tenant(
        &self,
        name: &str,
        stamp: &Stamp,
    ) -> Result<TenantRecord, StoreError> {
        const INSERT: &str = "INSERT INTO tenant (name, time_zone, created_at, updated_at) \
             VALUES ($1, 'UTC', $2, $2) ON CONFLICT DO NOTHING";
        if let Some(tenant) = self.tenant_named(name).await? {
            return Ok(tenant);
        }
        let mut change = self.change_catalog().await?;
        let added = change.execute(INSERT, params![name, stamp.at]).await?;
        let rows = change.query(NAMED, params![name]).await?;
        let tenant = first_record(&rows)?.ok_or_else(|| StoreError::corrupt("tenant"))?;
        if added > 0 {
            let made = (None, rows.first());
            audit::write_row(change.as_mut(), stamp, (TENANT, "create"), made).await?;
        }
        change.commit().await?;
        Ok(tenant)
    }

    /// The open tenants, by id.
    pub async fn list_tenants(&self, page: Page) -> Result<Listed<TenantRecord>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM tenant WHERE closed_at IS NULL";
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM tenant WHERE closed_at IS NULL ORDER BY id LIMIT $1 OFFSET $2"
        );
        let mut read = self.driver.begin_read().await?;
        let total = read.query(COUNT, &[]).await?;
        let rows = read.query(LIST, params![page.limit, page.offset]).await?;
        read.commit().await?;
        Ok(Listed {
            rows: rows.iter().map(record).collect::<Result<_, _>>()?,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// A tenant, open or closed.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRecord>, StoreError> {
        first_record(&self.driver.query(GET, params![id]).await?)
    }

    /// The open tenant of a name.
    pub async fn tenant_named(&self, name: &str) -> Result<Option<TenantRecord>, StoreError> {
        first_record(&self.driver.query(NAMED, params![name]).await?)
    }

    /// Sets everything that can be set about an open tenant. A name that another has is a conflict.
    pub async fn update_tenant(
        &self,
        id: TenantId,
        settings: &TenantSettings,
        stamp: &Stamp,
    ) -> Result<Option<TenantRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE tenant SET name = $2, requests_per_minute = $3, time_zone = $4, \
             default_session_budget = $5, updated_at = $6 \
             WHERE id = $1 AND closed_at IS NULL RETURNING ",
            columns!()
        );
        let zone = zone_name(&settings.time_zone)?;
        let change = self.change_catalog().await?;
        let params = params![
            id,
            &settings.name,
            settings.requests_per_minute,
            zone,
            settings.default_session_budget,
            stamp.at
        ];
        changed(change, UPDATE, params, ("update", stamp)).await
    }

    /// Sets what an open tenant may ask for.
    pub async fn set_tenant_rate_limits(
        &self,
        id: TenantId,
        limits: &RateSettings,
        stamp: &Stamp,
    ) -> Result<Option<TenantRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE tenant SET requests_per_minute = $2, tokens_per_minute = $3, \
             concurrent_requests = $4, updated_at = $5 \
             WHERE id = $1 AND closed_at IS NULL RETURNING ",
            columns!()
        );
        let change = self.change_catalog().await?;
        let params = params![
            id,
            limits.requests_per_minute,
            limits.tokens_per_minute,
            limits.concurrent_requests,
            stamp.at
        ];
        changed(change, UPDATE, params, ("set_rate_limits", stamp)).await
    }

    /// Sets what an open tenant's sessions may spend that have no budget of their own.
    pub async fn set_default_session_budget(
        &self,
        id: TenantId,
        budget: Option<Usd>,
        stamp: &Stamp,
    ) -> Result<Option<TenantRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE tenant SET default_session_budget = $2, updated_at = $3 \
             WHERE id = $1 AND closed_at IS NULL RETURNING ",
            columns!()
        );
        let change = self.change_catalog().await?;
        let params = params![id, budget, stamp.at];
        changed(
            change,
            UPDATE,
            params,
            ("set_default_session_budget", stamp),
        )
        .await
    }

    /// Closes a tenant: its keys stop working, its history stays, its name is free again.
    pub async fn close_tenant(
        &self,
        id: TenantId,
        stamp: &Stamp,
    ) -> Result<Option<TenantRecord>, StoreError> {
        const CLOSE: &str = concat!(
            "UPDATE tenant SET closed_at = $2, updated_at = $2 \
             WHERE id = $1 AND closed_at IS NULL RETURNING ",
            columns!()
        );
        let change = self.change_catalog().await?;
        changed(change, CLOSE, params![id, stamp.at], ("close", stamp)).await
    }
}

const GET: &str = concat!("SELECT ", columns!(), " FROM tenant WHERE id = $1");
const NAMED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tenant WHERE name = $1 AND closed_at IS NULL"
);

/// Runs an update of the tenant whose id is the first parameter; when there is none, nothing changes,
/// not even the version.
async fn changed(
    mut change: Box<dyn Transaction>,
    update: &'static str,
    params: &[Value],
    (verb, stamp): (&'static str, &Stamp),
) -> Result<Option<TenantRecord>, StoreError> {
    let id = params.get(..1).unwrap_or_default();
    let before = change.query(GET, id).await?;
    let rows = change
        .query(update, params)
        .await
        .map_err(|error| error.conflict_on("the tenant name"))?;
    let tenant = first_record(&rows)?;
    if tenant.is_some() {
        let states = (before.first(), rows.first());
        audit::write_row(change.as_mut(), stamp, (TENANT, verb), states).await?;
        change.commit().await?;
    }
    Ok(tenant)
}

fn zone_name(zone: &TimeZone) -> Result<&str, StoreError> {
    zone.iana_name()
        .ok_or_else(|| StoreError::Query("the time zone has no name".to_owned()))
}

fn first_record(rows: &[Row]) -> Result<Option<TenantRecord>, StoreError> {
    rows.first().map(record).transpose()
}

fn record(row: &Row) -> Result<TenantRecord, StoreError> {
    Ok(TenantRecord {
        tenant: tenant_of(row)?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// The tenant in a row that has its columns.
pub(in crate::store) fn tenant_of(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: TenantId(row.int("id")?),
        name: row.text("name")?.to_owned(),
        requests_per_minute: row.maybe_number("requests_per_minute")?,
        tokens_per_minute: row.maybe_number("tokens_per_minute")?,
        concurrent_requests: row.maybe_number("concurrent_requests")?,
        default_session_budget: row
            .maybe_int("default_session_budget")?
            .map(Usd::from_nanos),
        time_zone: row.named("time_zone", |name| TimeZone::get(name).ok())?,
        is_closed: row.maybe_int("closed_at")?.is_some(),
    })
}
