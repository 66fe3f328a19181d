//! API keys: what is kept of them, which never includes the secret.

use crate::domain::id::{ApiKeyId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tenant::{ApiKey, KeyHash, KeyLookup, LegacyKey};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::audit;
use crate::store::error::StoreError;
use crate::store::tenants::RateSettings;
use crate::store::value::{Row, Value, params};

/// A key to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Who pays.
    pub tenant: TenantId,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// The beginning of the key, by which people recognise it.
    pub prefix: String,
    /// The public part that finds the key.
    pub lookup: KeyLookup,
    /// What the whole key hashes to.
    pub hash: KeyHash,
}

/// A key as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's row.
    pub id: ApiKeyId,
    /// Who pays.
    pub tenant: TenantId,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// The beginning of the key, by which people recognise it.
    pub prefix: String,
    /// Revoked keys stay listed and may not call.
    pub is_active: bool,
    /// What it may ask for, beside what its tenant may.
    pub limits: RateSettings,
    /// When it was made.
    pub created_at: UtcMicros,
    /// The time of its last request in the ledger.
    pub last_used_at: Option<UtcMicros>,
}

/// Our own hash of a key that was known by its bcrypt hash only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUpgrade {
    /// The key's row.
    pub id: ApiKeyId,
    /// What finds the key.
    pub lookup: KeyLookup,
    /// What the whole key hashes to.
    pub hash: KeyHash,
}

macro_rules! columns {
    () => {
        "id, tenant_id, name, prefix, is_active, created_at, requests_per_minute, \
         tokens_per_minute, concurrent_requests, \
         (SELECT MAX(last_at) FROM usage_sum JOIN usage_series ON usage_series.id = usage_sum.series_id \
         WHERE usage_series.key_id = api_key.id AND level = 2) AS last_used_at"
    };
}

impl Store {
    /// Keeps a new key of an open tenant; `None` when there is no such tenant. A public part that
    /// another key has is a conflict: make another key.
    pub async fn create_key(
        &self,
        key: &NewKey,
        stamp: &Stamp,
    ) -> Result<Option<KeyRecord>, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO api_key (tenant_id, name, prefix, lookup, hash, created_at) \
             SELECT id, $2, $3, $4, $5, $6 FROM tenant WHERE id = $1 AND closed_at IS NULL \
             RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let rows = change
            .query(
                INSERT,
                params![
                    key.tenant,
                    &key.name,
                    &key.prefix,
                    key.lookup.0.cast_signed(),
                    &key.hash.0[..],
                    stamp.at
                ],
            )
            .await
            .map_err(|error| error.conflict_on("the key's public part"))?;
        let created = rows.first().map(record).transpose()?;
        if created.is_some() {
            let made = (None, rows.first());
            audit::write_row(change.as_mut(), stamp, (KIND, "create"), made).await?;
            change.commit().await?;
        }
        Ok(created)
    }

    /// A tenant's keys, by id, revoked ones too.
    pub async fn list_keys(&self, tenant: TenantId) -> Result<Vec<KeyRecord>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM api_key WHERE tenant_id = $1 ORDER BY id"
        );
        let rows = self.driver.query(LIST, params![tenant]).await?;
        rows.iter().map(record).collect()
    }

    /// A key, active or revoked.
    pub async fn key(&self, id: ApiKeyId) -> Result<Option<KeyRecord>, StoreError> {
        let rows = self.driver.query(GET, params![id]).await?;
        rows.first().map(record).transpose()
    }

    /// Sets what a key may ask for.
    pub async fn set_key_rate_limits(
        &self,
        id: ApiKeyId,
        limits: &RateSettings,
        stamp: &Stamp,
    ) -> Result<Option<KeyRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE api_key SET requests_per_minute = $2, tokens_per_minute = $3, \
             concurrent_requests = $4 WHERE id = $1 RETURNING ",
            columns!()
        );
        let params = params![
            id,
            limits.requests_per_minute,
            limits.tokens_per_minute,
            limits.concurrent_requests
        ];
        self.change_key(UPDATE, params, ("set_rate_limits", stamp))
            .await
    }

    /// Keeps our own hash of a key in place of its bcrypt hash. False when that was done already.
    pub async fn upgrade_key(&self, upgrade: &KeyUpgrade) -> Result<bool, StoreError> {
        const UPDATE: &str = "UPDATE api_key SET lookup = $2, hash = $3, legacy_hash = NULL \
             WHERE id = $1 AND legacy_hash IS NOT NULL";
        let mut change = self.change_catalog().await?;
        let params = params![
            upgrade.id,
            upgrade.lookup.0.cast_signed(),
            &upgrade.hash.0[..]
        ];
        let touched = change.execute(UPDATE, params).await;
        let touched = touched.map_err(|error| error.conflict_on("the key"))?;
        if touched > 0 {
            change.commit().await?;
        }
        Ok(touched > 0)
    }

    /// Revokes a key. Doing so again changes nothing and is no error.
    pub async fn deactivate_key(
        &self,
        id: ApiKeyId,
        stamp: &Stamp,
    ) -> Result<Option<KeyRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE api_key SET is_active = 0 WHERE id = $1 RETURNING ",
            columns!()
        );
        self.change_key(UPDATE, params![id], ("revoke", stamp))
            .await
    }

    /// Runs an update of the key whose id is the first parameter.
    async fn change_key(
        &self,
        update: &'static str,
        params: &[Value],
        (verb, stamp): (&'static str, &Stamp),
    ) -> Result<Option<KeyRecord>, StoreError> {
        let mut change = self.change_catalog().await?;
        let id = params.get(..1).unwrap_or_default();
        let before = change.query(GET, id).await?;
        let rows = change.query(update, params).await?;
        let changed = rows.first().map(record).transpose()?;
        if changed.is_some() {
            let states = (before.first(), rows.first());
            audit::write_row(change.as_mut(), stamp, (KIND, verb), states).await?;
            change.commit().await?;
        }
        Ok(changed)
    }
}

/// What the audit log calls a key.
const KIND: &str = "key";
const GET: &str = concat!("SELECT ", columns!(), " FROM api_key WHERE id = $1");

fn record(row: &Row) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        id: ApiKeyId(row.int("id")?),
        tenant: TenantId(row.int("tenant_id")?),
        name: row.text("name")?.to_owned(),
        prefix: row.text("prefix")?.to_owned(),
        is_active: row.flag("is_active")?,
        limits: limits_of(row)?,
        created_at: row.instant("created_at")?,
        last_used_at: row.maybe_int("last_used_at")?.map(UtcMicros::new),
    })
}

/// The key in a row that has its columns.
pub(in crate::store) fn key_of(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId(row.int("id")?),
        tenant: TenantId(row.int("tenant_id")?),
        lookup: KeyLookup(row.int("lookup")?.cast_unsigned()),
        name: row.text("name")?.into(),
        hash: KeyHash(row.bytes("hash")?),
        is_active: row.flag("is_active")?,
        limits: limits_of(row)?.in_force(),
    })
}

/// The key of another installation in a row that has its columns.
pub(in crate::store) fn legacy_key_of(row: &Row) -> Result<LegacyKey, StoreError> {
    Ok(LegacyKey {
        id: ApiKeyId(row.int("id")?),
        tenant: TenantId(row.int("tenant_id")?),
        prefix: row.text("prefix")?.to_owned(),
        name: row.text("name")?.into(),
        hash: row.text("legacy_hash")?.to_owned(),
        limits: limits_of(row)?.in_force(),
    })
}

fn limits_of(row: &Row) -> Result<RateSettings, StoreError> {
    Ok(RateSettings {
        requests_per_minute: row.maybe_number("requests_per_minute")?,
        tokens_per_minute: row.maybe_number("tokens_per_minute")?,
        concurrent_requests: row.maybe_number("concurrent_requests")?,
    })
}
