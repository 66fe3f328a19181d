//! The catalog: everything that the data plane decides by, read at one moment.

use crate::domain::budget::Budget;
use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::pricing::ModelPrice;
use crate::domain::session::SessionKey;
use crate::domain::tag::Tag;
use crate::domain::tagging::TaggingRule;
use crate::domain::tenant::{ApiKey, Tenant};
use crate::store::error::StoreError;
use crate::store::value::Row;
use crate::store::{Store, budgets, keys, prices, sessions, tagging, tags, tenants};

/// The catalog as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogRows {
    /// Raised by every change of what follows.
    pub version: i64,
    /// All tenants, closed ones too.
    pub tenants: Vec<Tenant>,
    /// All keys, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All active budgets.
    pub budgets: Vec<Budget>,
    /// All tags that are not deleted.
    pub tags: Vec<(TenantId, Tag)>,
    /// All active tagging rules, those of more priority first.
    pub rules: Vec<(TenantId, TaggingRule)>,
    /// What sessions may spend that have a budget of their own.
    pub sessions: Vec<(SessionKey, Usd)>,
    /// The newest version of each model's price.
    pub prices: Vec<ModelPrice>,
}

const VERSION: &str = "SELECT version FROM catalog_version WHERE id = 1";

impl Store {
    /// Reads the whole catalog.
    pub async fn load_catalog(&self) -> Result<CatalogRows, StoreError> {
        const TENANTS: &str = "SELECT id, name, requests_per_minute, tokens_per_minute, concurrent_requests, \
             time_zone, default_session_budget, closed_at FROM tenant ORDER BY id";
        const KEYS: &str = "SELECT id, tenant_id, lookup, hash, is_active, requests_per_minute, \
             tokens_per_minute, concurrent_requests FROM api_key ORDER BY id";
        const BUDGETS: &str = "SELECT id, tenant_id, scope_kind, scope_id, period, models, \
             providers, amount, starts_at, ends_at, weight, inheritance FROM budget \
             WHERE is_active = 1 ORDER BY id";
        const TAGS: &str = "SELECT id, tenant_id, parent_id, name, session_budget, is_active \
             FROM tag WHERE deleted_at IS NULL ORDER BY id";
        const RULES: &str = "SELECT id, tenant_id, priority, routes, models, key_ids, headers, \
             tags FROM tagging_rule WHERE is_active = 1 ORDER BY priority DESC, id";
        const SESSIONS: &str = "SELECT tenant_id, session_id, own_budget FROM session \
             WHERE own_budget IS NOT NULL";
        let mut read = self.driver.begin_read().await?;
        let version = version_in(&read.query(VERSION, &[]).await?)?;
        let tenants = read.query(TENANTS, &[]).await?;
        let keys = read.query(KEYS, &[]).await?;
        let budgets = read.query(BUDGETS, &[]).await?;
        let tags = read.query(TAGS, &[]).await?;
        let rules = read.query(RULES, &[]).await?;
        let sessions = read.query(SESSIONS, &[]).await?;
        let prices = prices::current(read.as_mut()).await?;
        read.commit().await?;
        Ok(CatalogRows {
            version,
            tenants: every(&tenants, tenants::tenant_of)?,
            keys: every(&keys, keys::key_of)?,
            budgets: every(&budgets, budgets::budget_of)?,
            tags: every(&tags, tags::tag_of)?,
            rules: every(&rules, tagging::rule_of)?,
            sessions: every(&sessions, sessions::own_budget_of)?,
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
