//! The catalog: everything that the data plane decides by, read at one moment.

use crate::domain::budget::Budget;
use crate::domain::pricing::ModelPrice;
use crate::domain::tenant::{ApiKey, Tenant};
use crate::store::error::StoreError;
use crate::store::value::Row;
use crate::store::{Store, budgets, keys, prices, tenants};

/// The catalog as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogRows {
    /// Raised by every change of what follows.
    pub version: i64,
    /// All tenants, closed ones too.
    pub tenants: Vec<Tenant>,
    /// All keys, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All budgets.
    pub budgets: Vec<Budget>,
    /// The newest version of each model's price.
    pub prices: Vec<ModelPrice>,
}

const VERSION: &str = "SELECT version FROM catalog_version WHERE id = 1";

impl Store {
    /// Reads the whole catalog.
    pub async fn load_catalog(&self) -> Result<CatalogRows, StoreError> {
        const TENANTS: &str =
            "SELECT id, name, requests_per_minute, time_zone, closed_at FROM tenant ORDER BY id";
        const KEYS: &str = "SELECT id, tenant_id, lookup, hash, is_active FROM api_key ORDER BY id";
        const BUDGETS: &str = "SELECT id, tenant_id, scope_kind, scope_id, period, amount, \
             starts_at, ends_at FROM budget ORDER BY id";
        let mut read = self.driver.begin_read().await?;
        let version = version_in(&read.query(VERSION, &[]).await?)?;
        let tenants = read.query(TENANTS, &[]).await?;
        let keys = read.query(KEYS, &[]).await?;
        let budgets = read.query(BUDGETS, &[]).await?;
        let prices = prices::current(read.as_mut()).await?;
        read.commit().await?;
        Ok(CatalogRows {
            version,
            tenants: every(&tenants, tenants::tenant_of)?,
            keys: every(&keys, keys::key_of)?,
            budgets: every(&budgets, budgets::budget_of)?,
            prices: prices.into_iter().map(|record| record.price).collect(),
        })
    }

    /// The version of the catalog; while it is the same, nothing changed.
    pub async fn catalog_version(&self) -> Result<i64, StoreError> {
        version_in(&self.driver.query(VERSION, &[]).await?)
    }
}

fn version_in(rows: &[Row]) -> Result<i64, StoreError> {
    rows.first()
        .ok_or_else(|| StoreError::corrupt("catalog_version"))?
        .int("version")
}

fn every<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}
