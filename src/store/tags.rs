//! Tags: making, changing, deleting them. A tag's path follows from its parents and is stored nowhere.

use std::collections::HashMap;

use crate::domain::id::{TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::stamp::Stamp;
use crate::domain::tag::{DEPTH_MAX, Tag};
use crate::domain::window::UtcMicros;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params, row_params};
use crate::store::{Store, audit, budgets};

/// A tag as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRecord {
    /// The tag as the data plane knows it.
    pub tag: Tag,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is for.
    pub description: Option<String>,
    /// How it is shown.
    pub color: Option<String>,
    /// A JSON object of its owner's.
    pub metadata: Option<String>,
    /// When it was made.
    pub created_at: UtcMicros,
    /// When it was last changed.
    pub updated_at: UtcMicros,
}

/// What can be set about a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSettings {
    /// Its name; no other tag of the tenant may have the same.
    pub name: String,
    /// What it stands under: a tag of the same tenant.
    pub parent: Option<TagId>,
    /// What it is for.
    pub description: Option<String>,
    /// How it is shown.
    pub color: Option<String>,
    /// A JSON object of its owner's.
    pub metadata: Option<String>,
    /// What a session that is tagged with it may spend.
    pub session_budget: Option<Usd>,
    /// Whether requests may name it.
    pub is_active: bool,
}

impl TagSettings {
    /// The parameters of the statements below; the first says which tag, or whose.
    fn values(&self, id: Value, at: UtcMicros) -> Vec<Value> {
        row_params![
            id,
            self.parent,
            &self.name,
            self.description.as_ref(),
            self.color.as_ref(),
            self.metadata.as_ref(),
            self.session_budget,
            self.is_active,
            at,
        ]
    }
}

/// Why a tag cannot be what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagRefusal {
    /// There is no such tag of that tenant.
    Unknown,
    /// There is no such active tag of the tenant to stand under.
    UnknownParent,
    /// It would stand under itself.
    Cycle,
    /// It would stand too deep.
    TooDeep,
    /// Others stand under it.
    HasChildren,
    /// Active ones stand under it.
    HasActiveChildren,
}

macro_rules! columns {
    () => {
        "id, tenant_id, parent_id, name, description, color, metadata, session_budget, \
         is_active, created_at, updated_at"
    };
}

/// What the audit log calls a tag.
const KIND: &str = "tag";
const GET: &str = concat!("SELECT ", columns!(), " FROM tag WHERE id = $1");
const OF_TENANT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tag WHERE tenant_id = $1 AND deleted_at IS NULL ORDER BY id"
);

impl Store {
    /// All tags of a tenant, by id.
    pub async fn list_tags(&self, tenant: TenantId) -> Result<Vec<TagRecord>, StoreError> {
        let rows = self.driver.query(OF_TENANT, params![tenant]).await?;
        rows.iter().map(record).collect()
    }

    /// How many requests named each tag of a tenant.
    pub async fn tag_uses(&self, tenant: TenantId) -> Result<HashMap<TagId, u64>, StoreError> {
        const USES: &str = "SELECT tag_id, CAST(SUM(requests) AS BIGINT) AS uses FROM tag \
             JOIN tag_series ON tag_series.tag_id = tag.id \
             JOIN tag_sum ON tag_sum.series_id = tag_series.id AND tag_sum.level = 2 \
             WHERE tag.tenant_id = $1 AND is_inherited = 0 GROUP BY tag_id";
        let rows = self.driver.query(USES, params![tenant]).await?;
        let uses = |row: &Row| Ok((TagId(row.int("tag_id")?), row.number("uses")?));
        rows.iter().map(uses).collect()
    }

    /// Makes a tag of a tenant. A name that another of its tags has is a conflict.
    pub async fn create_tag(
        &self,
        tenant: TenantId,
        tag: &TagSettings,
        stamp: &Stamp,
    ) -> Result<Result<TagRecord, TagRefusal>, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO tag (tenant_id, parent_id, name, description, color, metadata, \
             session_budget, is_active, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let tags = tags_in(change.as_mut(), tenant).await?;
        if let Err(refusal) = check_place(&tags, None, tag.parent) {
            return Ok(Err(refusal));
        }
        let values = tag.values(Value::from(tenant), stamp.at);
        let row = written(change.query(INSERT, &values).await)?;
        audit::write_row(change.as_mut(), stamp, (KIND, "create"), (None, Some(&row))).await?;
        change.commit().await?;
        record(&row).map(Ok)
    }

    /// Sets everything that can be set about a tenant's tag. A name that another has is a conflict.
    pub async fn update_tag(
        &self,
        (tenant, id): (TenantId, TagId),
        tag: &TagSettings,
        stamp: &Stamp,
    ) -> Result<Result<TagRecord, TagRefusal>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE tag SET parent_id = $2, name = $3, description = $4, color = $5, \
             metadata = $6, session_budget = $7, is_active = $8, updated_at = $9 \
             WHERE id = $1 RETURNING ",
            columns!()
        );
        let mut change = self.change_catalog().await?;
        let tags = tags_in(change.as_mut(), tenant).await?;
        if let Err(refusal) = check_change(&tags, id, tag) {
            return Ok(Err(refusal));
        }
        let values = tag.values(Value::from(id), stamp.at);
        let before = change.query(GET, params![id]).await?;
        let row = written(change.query(UPDATE, &values).await)?;
        let states = (before.first(), Some(&row));
        audit::write_row(change.as_mut(), stamp, (KIND, "update"), states).await?;
        change.commit().await?;
        record(&row).map(Ok)
    }

    /// Deletes a tenant's tag and its budgets. What was spent on it stays in the ledger.
    pub async fn delete_tag(
        &self,
        (tenant, id): (TenantId, TagId),
        stamp: &Stamp,
    ) -> Result<Result<(), TagRefusal>, StoreError> {
        const DELETE: &str = "UPDATE tag SET deleted_at = $2, is_active = 0 WHERE id = $1";
        let mut change = self.change_catalog().await?;
        let tags = tags_in(change.as_mut(), tenant).await?;
        if !tags.contains_key(&id) {
            return Ok(Err(TagRefusal::Unknown));
        }
        if tags.values().any(|tag| tag.tag.parent == Some(id)) {
            return Ok(Err(TagRefusal::HasChildren));
        }
        budgets::delete_of_tag(change.as_mut(), id, stamp).await?;
        let before = change.query(GET, params![id]).await?;
        change.execute(DELETE, params![id, stamp.at]).await?;
        let states = (before.first(), None);
        audit::write_row(change.as_mut(), stamp, (KIND, "delete"), states).await?;
        change.commit().await?;
        Ok(Ok(()))
    }
}

/// The row that a statement wrote.
fn written(rows: Result<Vec<Row>, StoreError>) -> Result<Row, StoreError> {
    let rows = rows.map_err(|error| error.conflict_on("the tag's name"))?;
    let row = rows.into_iter().next();
    row.ok_or_else(|| StoreError::corrupt("tag"))
}

type Tags = HashMap<TagId, TagRecord>;

async fn tags_in(change: &mut dyn Transaction, tenant: TenantId) -> Result<Tags, StoreError> {
    let rows = change.query(OF_TENANT, params![tenant]).await?;
    let records = rows.iter().map(record);
    records
        .map(|record| record.map(|record| (record.tag.id, record)))
        .collect()
}

fn check_change(tags: &Tags, id: TagId, wanted: &TagSettings) -> Result<(), TagRefusal> {
    let before = tags.get(&id).ok_or(TagRefusal::Unknown)?;
    if before.tag.parent != wanted.parent {
        check_place(tags, Some(id), wanted.parent)?;
    }
    let mut children = tags.values().filter(|tag| tag.tag.parent == Some(id));
    let is_deactivated = before.tag.is_active && !wanted.is_active;
    if is_deactivated && children.any(|child| child.tag.is_active) {
        return Err(TagRefusal::HasActiveChildren);
    }
    Ok(())
}

/// Whether a tag, with all that stands under it, may stand under another.
fn check_place(tags: &Tags, tag: Option<TagId>, parent: Option<TagId>) -> Result<(), TagRefusal> {
    let Some(parent) = parent else { return Ok(()) };
    let found = tags.get(&parent).ok_or(TagRefusal::UnknownParent)?;
    if !found.tag.is_active {
        return Err(TagRefusal::UnknownParent);
    }
    let up = |id: &TagId| tags.get(id).and_then(|tag| tag.tag.parent);
    let line: Vec<TagId> = std::iter::successors(Some(parent), up)
        .take(DEPTH_MAX + 1)
        .collect();
    if tag.is_some_and(|tag| line.contains(&tag)) {
        return Err(TagRefusal::Cycle);
    }
    let below = tag.map_or(0, |tag| height(tags, tag, DEPTH_MAX));
    if line.len() + 1 + below > DEPTH_MAX {
        return Err(TagRefusal::TooDeep);
    }
    Ok(())
}

/// How many levels stand under a tag, as far as `most`.
fn height(tags: &Tags, tag: TagId, most: usize) -> usize {
    let Some(rest) = most.checked_sub(1) else {
        return 0;
    };
    let children = tags.values().filter(|other| other.tag.parent == Some(tag));
    children
        .map(|child| 1 + height(tags, child.tag.id, rest))
        .max()
        .unwrap_or(0)
}

fn record(row: &Row) -> Result<TagRecord, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.maybe_text(column)?.map(str::to_owned));
    let (tenant, tag) = tag_of(row)?;
    Ok(TagRecord {
        tag,
        tenant,
        description: text("description")?,
        color: text("color")?,
        metadata: text("metadata")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// The tag in a row that has its columns, and whose it is.
pub(in crate::store) fn tag_of(row: &Row) -> Result<(TenantId, Tag), StoreError> {
    let tag = Tag {
        id: TagId(row.int("id")?),
        name: row.text("name")?.to_owned(),
        parent: row.maybe_int("parent_id")?.map(TagId),
        is_active: row.int("is_active")? != 0,
        session_budget: row.maybe_int("session_budget")?.map(Usd::from_nanos),
    };
    Ok((TenantId(row.int("tenant_id")?), tag))
}
