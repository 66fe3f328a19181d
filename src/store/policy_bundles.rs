//! Policies of tenants, in versions: uploading them, and which of them is in force. What was uploaded stays as
//! it is; only what is in force changes.

use std::collections::BTreeMap;

use crate::domain::bundle::{ACTIVE_MAX, Contents, VERSIONS_MAX};
use crate::domain::id::{BundleVersion, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::window::UtcMicros;
use crate::store::audit;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, params};
use crate::store::{Listed, Page, Store};

/// One version of a tenant's policy, without what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRecord {
    /// Its number.
    pub version: BundleVersion,
    /// Whose it is.
    pub tenant: TenantId,
    /// In what it is written: `rego` or `wasm`.
    pub kind: String,
    /// The hash of what it is made of, in hexadecimal digits.
    pub sha256: String,
    /// How large it is.
    pub bytes: u64,
    /// What whoever uploaded it says of it.
    pub comment: Option<String>,
    /// Who uploaded it.
    pub created_by: String,
    /// When.
    pub created_at: UtcMicros,
    /// Whether it is in force.
    pub is_active: bool,
    /// When it was last activated; nothing if it never was, or was rolled back.
    pub activated_at: Option<UtcMicros>,
}

/// A version that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewBundle<'a> {
    /// What it is made of.
    pub contents: &'a Contents,
    /// The hash of that.
    pub sha256: &'a str,
    /// What is said of it.
    pub comment: Option<&'a str>,
}

/// The version that is in force for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveBundle {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub version: BundleVersion,
    /// The hash of what it is made of.
    pub sha256: String,
}

/// Why what is in force did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// There is no such version.
    Missing,
    /// No version is in force.
    NotActive,
    /// None was in force before this one.
    NothingBefore,
    /// As many tenants have one as may.
    TooMany,
}

macro_rules! columns {
    () => {
        "id, tenant_id, version, kind, sha256, bytes, comment, created_by, created_at, is_active, \
         activated_at, activation"
    };
}

/// What kind of thing it is in the audit log.
const KIND: &str = "policy_bundle";

const ACTIVE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM policy_bundle WHERE tenant_id = $1 AND is_active = 1"
);
const WITHDRAW: &str = concat!(
    "UPDATE policy_bundle SET is_active = 0 WHERE tenant_id = $1 AND is_active = 1 RETURNING ",
    columns!()
);

impl Store {
    /// Keeps a new version of a tenant's policy, which is not in force. Nothing if there are too many.
    pub async fn add_bundle(
        &self,
        tenant: TenantId,
        bundle: NewBundle<'_>,
        stamp: &Stamp,
    ) -> Result<Option<BundleRecord>, StoreError> {
        const LAST: &str = "SELECT COALESCE(MAX(version), 0) AS last, COUNT(*) AS total \
             FROM policy_bundle WHERE tenant_id = $1";
        const INSERT: &str = concat!(
            "INSERT INTO policy_bundle (tenant_id, version, kind, sha256, bytes, files, module, \
             comment, created_by, created_at, is_active) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) RETURNING ",
            columns!()
        );
        let (files, module) = match bundle.contents {
            Contents::Rego(files) => (Some(printed(files)?), None),
            Contents::Wasm(module) => (None, Some(module.as_slice())),
        };
        let bytes = u64::try_from(bundle.contents.bytes()).unwrap_or(u64::MAX);
        let user = stamp.by.user().map(|(_id, name)| name);
        let mut change = self.change_catalog().await?;
        let known = change.query(LAST, params![tenant]).await?;
        let known = known.first().ok_or_else(|| StoreError::corrupt(KIND))?;
        if known.number::<u64>("total")? >= VERSIONS_MAX {
            return Ok(None);
        }
        let values = params![
            tenant,
            known.int("last")?.saturating_add(1),
            bundle.contents.kind(),
            bundle.sha256,
            bytes,
            files.as_ref(),
            module,
            bundle.comment,
            user.unwrap_or(stamp.by.kind()),
            stamp.at,
        ];
        let rows = change.query(INSERT, values).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt(KIND))?;
        audit::write_row(change.as_mut(), stamp, (KIND, "upload"), (None, Some(row))).await?;
        let made = record(row)?;
        change.commit().await?;
        Ok(Some(made))
    }

    /// A tenant's versions, newest first.
    pub async fn list_bundles(
        &self,
        tenant: TenantId,
        page: Page,
    ) -> Result<Listed<BundleRecord>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) AS total FROM policy_bundle WHERE tenant_id = $1";
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM policy_bundle WHERE tenant_id = $1 ORDER BY version DESC LIMIT $2 OFFSET $3"
        );
        let mut read = self.driver.begin_read().await?;
        let total = read.query(COUNT, params![tenant]).await?;
        let rows = read
            .query(LIST, params![tenant, page.limit, page.offset])
            .await?;
        read.commit().await?;
        Ok(Listed {
            rows: rows.iter().map(record).collect::<Result<_, _>>()?,
            total: total.first().map_or(Ok(0), |row| row.number("total"))?,
        })
    }

    /// One of a tenant's versions, and what it is made of.
    pub async fn bundle(
        &self,
        tenant: TenantId,
        version: BundleVersion,
    ) -> Result<Option<(BundleRecord, Contents)>, StoreError> {
        const GET: &str = concat!(
            "SELECT ",
            columns!(),
            ", files, module FROM policy_bundle WHERE tenant_id = $1 AND version = $2"
        );
        let rows = self.driver.query(GET, params![tenant, version]).await?;
        let read = |row| Ok((record(row)?, contents(row)?));
        rows.first().map(read).transpose()
    }

    /// Puts a version in force, in place of the one that is.
    pub async fn activate_bundle(
        &self,
        tenant: TenantId,
        version: BundleVersion,
        stamp: &Stamp,
    ) -> Result<Result<BundleRecord, Unchanged>, StoreError> {
        const OTHERS: &str = "SELECT COUNT(*) AS total FROM policy_bundle \
             WHERE is_active = 1 AND tenant_id <> $1";
        const ACTIVATE: &str = concat!(
            "UPDATE policy_bundle SET is_active = 1, activated_at = $3, activation = \
             (SELECT COALESCE(MAX(activation), 0) + 1 FROM policy_bundle WHERE tenant_id = $1) \
             WHERE tenant_id = $1 AND version = $2 RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let others = change.query(OTHERS, params![tenant]).await?;
        let others: u64 = others.first().map_or(Ok(0), |row| row.number("total"))?;
        if others >= ACTIVE_MAX {
            return Ok(Err(Unchanged::TooMany));
        }
        let before = change.query(ACTIVE, params![tenant]).await?;
        change.query(WITHDRAW, params![tenant]).await?;
        let values = params![tenant, version, stamp.at];
        let rows = change.query(ACTIVATE, values).await?;
        let Some(row) = rows.first() else {
            return Ok(Err(Unchanged::Missing));
        };
        finish(change, stamp, "activate", (before.first(), row)).await
    }

    /// Puts the version in force again that was before the one that is, as if that had never been activated.
    pub async fn roll_back_bundle(
        &self,
        tenant: TenantId,
        stamp: &Stamp,
    ) -> Result<Result<BundleRecord, Unchanged>, StoreError> {
        const FORGET: &str = "UPDATE policy_bundle \
             SET is_active = 0, activated_at = NULL, activation = NULL \
             WHERE tenant_id = $1 AND is_active = 1";
        const RESTORE: &str = concat!(
            "UPDATE policy_bundle SET is_active = 1 WHERE tenant_id = $1 AND activation = \
             (SELECT MAX(activation) FROM policy_bundle WHERE tenant_id = $1) RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let before = change.query(ACTIVE, params![tenant]).await?;
        let Some(before) = before.first() else {
            return Ok(Err(Unchanged::NotActive));
        };
        change.execute(FORGET, params![tenant]).await?;
        let rows = change.query(RESTORE, params![tenant]).await?;
        let Some(row) = rows.first() else {
            return Ok(Err(Unchanged::NothingBefore));
        };
        finish(change, stamp, "roll_back", (Some(before), row)).await
    }

    /// Takes the version out of force that is in force, and puts none in its place.
    pub async fn deactivate_bundle(
        &self,
        tenant: TenantId,
        stamp: &Stamp,
    ) -> Result<Result<BundleRecord, Unchanged>, StoreError> {
        let mut change = self.change_catalog().await?;
        let before = change.query(ACTIVE, params![tenant]).await?;
        let rows = change.query(WITHDRAW, params![tenant]).await?;
        let Some(row) = rows.first() else {
            return Ok(Err(Unchanged::NotActive));
        };
        finish(change, stamp, "deactivate", (before.first(), row)).await
    }
}

/// Notes a change, and makes it.
async fn finish(
    mut change: Box<dyn Transaction>,
    stamp: &Stamp,
    verb: &'static str,
    (before, after): (Option<&Row>, &Row),
) -> Result<Result<BundleRecord, Unchanged>, StoreError> {
    let states = (before, Some(after));
    audit::write_row(change.as_mut(), stamp, (KIND, verb), states).await?;
    let changed = record(after)?;
    change.commit().await?;
    Ok(Ok(changed))
}

/// The versions that are in force.
pub(in crate::store) async fn active(
    read: &mut dyn Transaction,
) -> Result<Vec<ActiveBundle>, StoreError> {
    const ALL: &str = "SELECT tenant_id, version, sha256 FROM policy_bundle \
         WHERE is_active = 1 ORDER BY tenant_id";
    let rows = read.query(ALL, &[]).await?;
    let bundles = rows.iter().map(|row| {
        Ok(ActiveBundle {
            tenant: TenantId(row.int("tenant_id")?),
            version: BundleVersion(row.int("version")?),
            sha256: row.text("sha256")?.to_owned(),
        })
    });
    bundles.collect()
}

fn record(row: &Row) -> Result<BundleRecord, StoreError> {
    Ok(BundleRecord {
        version: BundleVersion(row.int("version")?),
        tenant: TenantId(row.int("tenant_id")?),
        kind: row.text("kind")?.to_owned(),
        sha256: row.text("sha256")?.to_owned(),
        bytes: row.number("bytes")?,
        comment: row.maybe_text("comment")?.map(str::to_owned),
        created_by: row.text("created_by")?.to_owned(),
        created_at: row.instant("created_at")?,
        is_active: row.flag("is_active")?,
        activated_at: row.maybe_int("activated_at")?.map(UtcMicros::new),
    })
}

fn contents(row: &Row) -> Result<Contents, StoreError> {
    if let Some(files) = row.maybe_text("files")? {
        let files: BTreeMap<String, String> =
            serde_json::from_str(files).map_err(|_error| StoreError::corrupt("files"))?;
        return Contents::rego(files).map_err(|_error| StoreError::corrupt("files"));
    }
    let module = row.maybe_blob("module")?.unwrap_or_default();
    Contents::wasm(module.to_vec()).map_err(|_error| StoreError::corrupt("module"))
}

fn printed(files: &BTreeMap<String, String>) -> Result<String, StoreError> {
    serde_json::to_string(files).map_err(|_error| StoreError::corrupt("files"))
}
