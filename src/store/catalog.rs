//! The catalog: everything that the data plane decides by, read at one moment.

use crate::domain::budget::Budget;
use crate::domain::id::TenantId;
use crate::domain::money::Usd;
use crate::domain::pricing::PriceVersion;
use crate::domain::session::SessionKey;
use crate::domain::tag::Tag;
use crate::domain::tagging::TaggingRule;
use crate::domain::tenant::{ApiKey, LegacyKey, Tenant};
use crate::domain::window::UtcMicros;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::policy_bundles::ActiveBundle;
use crate::store::value::{Row, params};
use crate::store::{
    Store, budgets, keys, policy_bundles, prices, sessions, tagging, tags, tenants,
};

/// The catalog as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogRows {
    /// Raised by every change of what follows.
    pub version: i64,
    /// Raised when rows came into the ledger past the gateways: all budgets are to be counted anew.
    pub recounts: i64,
    /// All tenants, closed ones too.
    pub tenants: Vec<Tenant>,
    /// All keys, or those that changed, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All active keys of which only a bcrypt hash is known.
    pub legacy_keys: Vec<LegacyKey>,
    /// All active budgets.
    pub budgets: Vec<Budget>,
    /// All tags that are not deleted.
    pub tags: Vec<(TenantId, Tag)>,
    /// All active tagging rules, those of more priority first.
    pub rules: Vec<(TenantId, TaggingRule)>,
    /// The versions of tenants' policies that are in force.
    pub bundles: Vec<ActiveBundle>,
    /// What sessions may spend that have a budget of their own.
    pub sessions: Vec<(SessionKey, Usd)>,
    /// The version of each model's price that was in force at an instant, and all that begin later.
    pub prices: Vec<PriceVersion>,
}

/// The version of those who know nothing of the catalog.
pub const NO_VERSION: i64 = 0;
/// The most rows of a large table that are in memory twice: as the database gave them and as what
/// they are read as.
const ROWS_AT_ONCE: usize = 1_000;

macro_rules! key_columns {
    () => {
        "id, tenant_id, name, lookup, hash, is_active, requests_per_minute, tokens_per_minute, \
         concurrent_requests"
    };
}

const TENANTS: &str = "SELECT id, name, requests_per_minute, tokens_per_minute, \
     concurrent_requests, time_zone, default_session_budget, closed_at FROM tenant \
     WHERE id > $1 ORDER BY id LIMIT $2";
const KEYS: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_key WHERE legacy_hash IS NULL AND id > $1 ORDER BY id LIMIT $2"
);
const CHANGED_KEYS: &str = concat!(
    "SELECT ",
    key_columns!(),
    " FROM api_key WHERE legacy_hash IS NULL AND changed_in > $1 ORDER BY id"
);
const LEGACY_KEYS: &str = "SELECT id, tenant_id, name, prefix, legacy_hash, requests_per_minute, \
     tokens_per_minute, concurrent_requests FROM api_key \
     WHERE legacy_hash IS NOT NULL AND is_active = 1 AND id > $1 ORDER BY id LIMIT $2";
const BUDGETS: &str = "SELECT id, tenant_id, scope_kind, scope_id, period, models, providers, \
     amount, starts_at, ends_at, weight, inheritance, \
     thresholds, enforcement FROM budget \
     WHERE is_active = 1 AND id > $1 ORDER BY id LIMIT $2";
const TAGS: &str = "SELECT id, tenant_id, parent_id, name, session_budget, is_active FROM tag \
     WHERE deleted_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
const VERSION: &str = "SELECT version, recounts FROM catalog_version WHERE id = 1";

impl Store {
    /// Reads the whole catalog, with every version of each price.
    pub async fn load_catalog(&self) -> Result<CatalogRows, StoreError> {
        self.load_catalog_after(NO_VERSION, UtcMicros::MIN).await
    }

    /// Reads the catalog for whoever has it as it was in a version: of the keys, which are many and
    /// are never deleted, only those that changed after it; of the prices, only what requests since
    /// an instant can be charged by.
    pub async fn load_catalog_after(
        &self,
        known: i64,
        prices_since: UtcMicros,
    ) -> Result<CatalogRows, StoreError> {
        let mut read = self.driver.begin_read().await?;
        let rows = all_rows(read.as_mut(), known, prices_since).await?;
        read.commit().await?;
        Ok(rows)
    }

    /// The version of the catalog; while it is the same, nothing changed.
    pub async fn catalog_version(&self) -> Result<i64, StoreError> {
        version_in(&self.driver.query(VERSION, &[]).await?, "version")
    }
}

async fn all_rows(
    read: &mut dyn Transaction,
    known: i64,
    prices_since: UtcMicros,
) -> Result<CatalogRows, StoreError> {
    const RULES: &str = "SELECT id, tenant_id, priority, routes, models, key_ids, headers, \
         tags FROM tagging_rule WHERE is_active = 1 ORDER BY priority DESC, id";
    const SESSIONS: &str = "SELECT tenant_id, session_id, own_budget FROM session \
         WHERE own_budget IS NOT NULL";
    let (version, recounts) = versions(read).await?;
    let tenants = by_id(read, TENANTS, tenants::tenant_of).await?;
    let keys = keys_after(read, known).await?;
    let legacy_keys = by_id(read, LEGACY_KEYS, keys::legacy_key_of).await?;
    let budgets = by_id(read, BUDGETS, budgets::budget_of).await?;
    let tags = by_id(read, TAGS, tags::tag_of).await?;
    let rules = every(&read.query(RULES, &[]).await?, tagging::rule_of)?;
    let sessions = every(&read.query(SESSIONS, &[]).await?, sessions::own_budget_of)?;
    let bundles = policy_bundles::active(read).await?;
    let prices = prices::since(read, prices_since).await?;
    Ok(CatalogRows {
        version,
        recounts,
        tenants,
        keys,
        legacy_keys,
        budgets,
        tags,
        rules,
        bundles,
        sessions,
        prices: prices.into_iter().map(PriceVersion::from).collect(),
    })
}

async fn keys_after(read: &mut dyn Transaction, known: i64) -> Result<Vec<ApiKey>, StoreError> {
    if known == NO_VERSION {
        return by_id(read, KEYS, keys::key_of).await;
    }
    let changed = read.query(CHANGED_KEYS, params![known]).await?;
    every(&changed, keys::key_of)
}

/// The catalog's version, and how often its accounts had to be counted anew.
async fn versions(read: &mut dyn Transaction) -> Result<(i64, i64), StoreError> {
    let rows = read.query(VERSION, &[]).await?;
    Ok((
        version_in(&rows, "version")?,
        version_in(&rows, "recounts")?,
    ))
}

fn version_in(rows: &[Row], column: &'static str) -> Result<i64, StoreError> {
    rows.first()
        .ok_or_else(|| StoreError::corrupt("catalog_version"))?
        .int(column)
}

/// All rows of a statement that gives those after an id (`$1`), at most so many (`$2`), by id.
async fn by_id<T>(
    read: &mut dyn Transaction,
    statement: &'static str,
    read_row: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    let limit = u64::try_from(ROWS_AT_ONCE).unwrap_or(u64::MAX);
    let mut last = i64::MIN;
    loop {
        let rows = read.query(statement, params![last, limit]).await?;
        for row in &rows {
            all.push(read_row(row)?);
        }
        match rows.last() {
            Some(row) if rows.len() >= ROWS_AT_ONCE => last = row.int("id")?,
            Some(_) | None => return Ok(all),
        }
    }
}

fn every<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}
