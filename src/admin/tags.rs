//! Tags: making, showing, changing and deleting them. They form trees; paths and levels follow from
//! the parents, so a new name moves the paths of everything below.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::UsdText;
use crate::admin::path::{PathId, PathIds};
use crate::admin::query::Params;
use crate::admin::tag_budgets::TagBudgetBody;
use crate::domain::budget::Scope;
use crate::domain::id::{TagId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tag::DEPTH_MAX;
use crate::store::budgets::BudgetRecord;
use crate::store::tags::{TagRecord, TagRefusal, TagSettings};

const NAME_TAKEN: &str = "Tag name already exists";
pub(super) const TAG_NOT_FOUND: AdminError = AdminError::NotFound("Tag not found");

/// A tag alone.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagBody {
    id: TagId,
    tenant_id: TenantId,
    name: String,
    description: Option<String>,
    parent_id: Option<TagId>,
    path: String,
    level: usize,
    is_active: bool,
    color: Option<String>,
    metadata: Option<Box<RawValue>>,
    session_budget_usd: Option<UsdText>,
    created_at: String,
    updated_at: String,
}

/// A tag with what stands around it.
#[derive(Debug, Serialize)]
pub(super) struct TagInTreeBody {
    #[serde(flatten)]
    tag: TagBody,
    parent: Option<TagBody>,
    children: Vec<TagBody>,
    budgets: Vec<TagBudgetBody>,
    #[serde(rename = "_count", skip_serializing_if = "Option::is_none")]
    count: Option<CountBody>,
}

#[derive(Debug, Serialize)]
struct CountBody {
    usage: u64,
}

/// A change was made.
#[derive(Debug, Serialize)]
pub(super) struct Success {
    success: bool,
}

impl Success {
    pub(super) const YES: Json<Self> = Json(Self { success: true });
}

/// All tags of a tenant, to look around in.
pub(super) struct Tags(HashMap<TagId, TagRecord>);

impl Tags {
    pub(super) async fn of(state: &AdminState, tenant: TenantId) -> Result<Self, AdminError> {
        let tags = state.store.list_tags(tenant).await?.into_iter();
        Ok(Self(tags.map(|record| (record.tag.id, record)).collect()))
    }

    /// A tag that may be changed.
    fn known(&self, id: TagId) -> Result<&TagRecord, AdminError> {
        self.0.get(&id).ok_or(TAG_NOT_FOUND)
    }

    /// A tag, active or not.
    pub(super) fn get(&self, id: TagId) -> Option<&TagRecord> {
        self.0.get(&id)
    }

    /// A tag that may be named by requests.
    pub(super) fn active(&self, id: TagId) -> Result<&TagRecord, AdminError> {
        let found = self.0.get(&id).filter(|record| record.tag.is_active);
        found.ok_or(TAG_NOT_FOUND)
    }

    /// From a tag up to its root.
    fn line(&self, id: TagId) -> Vec<&TagRecord> {
        let up = |record: &&TagRecord| self.0.get(&record.tag.parent?);
        std::iter::successors(self.0.get(&id), up)
            .take(DEPTH_MAX)
            .collect()
    }

    /// All of them, active or not, by name.
    pub(super) fn by_name(&self) -> Vec<&TagRecord> {
        let mut tags: Vec<&TagRecord> = self.0.values().collect();
        tags.sort_by(|one, other| one.tag.name.cmp(&other.tag.name));
        tags
    }

    /// The path of what has that name under a tag, or under none.
    pub(super) fn path_under(&self, parent: Option<TagId>, name: &str) -> String {
        let line = parent.map(|parent| self.line(parent)).unwrap_or_default();
        let above = line.iter().rev().map(|record| &*record.tag.name);
        above.chain([name]).collect::<Vec<_>>().join("/")
    }

    pub(super) fn body(&self, record: &TagRecord) -> TagBody {
        let tag = &record.tag;
        let metadata = record.metadata.clone();
        TagBody {
            id: record.tag.id,
            tenant_id: record.tenant,
            name: record.tag.name.clone(),
            description: record.description.clone(),
            parent_id: record.tag.parent,
            path: self.path_under(tag.parent, &tag.name),
            level: self.line(tag.id).len().saturating_sub(1),
            is_active: record.tag.is_active,
            color: record.color.clone(),
            metadata: metadata.and_then(|text| RawValue::from_string(text).ok()),
            session_budget_usd: record.tag.session_budget.map(UsdText),
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }

    /// A tag with its parent, its active children and its budgets.
    fn in_tree(&self, record: &TagRecord, budgets: Vec<BudgetRecord>) -> TagInTreeBody {
        let parent = record.tag.parent.and_then(|parent| self.0.get(&parent));
        let mut children: Vec<&TagRecord> = self
            .0
            .values()
            .filter(|child| child.tag.parent == Some(record.tag.id) && child.tag.is_active)
            .collect();
        children.sort_by(|one, other| one.tag.name.cmp(&other.tag.name));
        TagInTreeBody {
            tag: self.body(record),
            parent: parent.map(|parent| self.body(parent)),
            children: children.into_iter().map(|child| self.body(child)).collect(),
            budgets: budgets.into_iter().map(TagBudgetBody::from).collect(),
            count: None,
        }
    }
}

pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TagInTreeBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let name = read_name(&fields)?.ok_or_else(|| fields.required("name"))?;
    let blank = TagSettings {
        name,
        parent: None,
        description: None,
        color: None,
        metadata: None,
        session_budget: None,
        is_active: true,
    };
    let wanted = change(blank, &fields)?;
    let made = state.store.create_tag(tenant, &wanted, &stamp).await;
    let made = made.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    let made = made.map_err(refused)?;
    state.take_over().await?;
    shown(&state, tenant, made.tag.id).await
}

/// A tenant's tags, by level and name.
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    params: Params,
) -> Result<Json<Vec<TagInTreeBody>>, AdminError> {
    state.open_tenant(tenant).await?;
    let with_inactive = params.flag("includeInactive")?.unwrap_or_default();
    let parent = params.id("parentId")?.map(TagId);
    let tags = Tags::of(&state, tenant).await?;
    let uses = state.store.tag_uses(tenant).await?;
    let wanted = tags.0.values().filter(|record| {
        (with_inactive || record.tag.is_active)
            && parent.is_none_or(|parent| record.tag.parent == Some(parent))
    });
    let mut bodies = Vec::new();
    for record in wanted {
        let mut body = tags.in_tree(record, budgets_of(&state, record.tag.id).await?);
        let usage = uses.get(&record.tag.id).copied().unwrap_or_default();
        body.count = Some(CountBody { usage });
        bodies.push(body);
    }
    bodies.sort_by(|one, other| {
        let key = |body: &TagInTreeBody| (body.tag.level, body.tag.name.clone());
        key(one).cmp(&key(other))
    });
    Ok(Json(bodies))
}

pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
) -> Result<Json<TagInTreeBody>, AdminError> {
    state.open_tenant(tenant).await?;
    Tags::of(&state, tenant).await?.active(tag)?;
    shown(&state, tenant, tag).await
}

pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<TagInTreeBody>, AdminError> {
    let mut wanted = settings_of(&state, tenant, tag).await?;
    if fields.has("name") {
        wanted.name = read_name(&fields)?.ok_or_else(|| fields.required("name"))?;
    }
    let wanted = change(wanted, &fields)?;
    store(&state, (tenant, tag), &wanted, &stamp).await?;
    shown(&state, tenant, tag).await
}

pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    state.open_tenant(tenant).await?;
    let removed = state.store.delete_tag((tenant, tag), &stamp).await?;
    removed.map_err(refused)?;
    state.take_over().await?;
    Ok(Success::YES)
}

pub(super) async fn deactivate(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    set_active(&state, (tenant, tag), false, &stamp).await
}

pub(super) async fn activate(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    set_active(&state, (tenant, tag), true, &stamp).await
}

async fn set_active(
    state: &AdminState,
    (tenant, tag): (TenantId, TagId),
    is_active: bool,
    stamp: &Stamp,
) -> Result<Json<Success>, AdminError> {
    let wanted = TagSettings {
        is_active,
        ..settings_of(state, tenant, tag).await?
    };
    store(state, (tenant, tag), &wanted, stamp).await?;
    Ok(Success::YES)
}

async fn settings_of(
    state: &AdminState,
    tenant: TenantId,
    tag: TagId,
) -> Result<TagSettings, AdminError> {
    state.open_tenant(tenant).await?;
    let tags = Tags::of(state, tenant).await?;
    let record = tags.known(tag)?.clone();
    Ok(TagSettings {
        name: record.tag.name,
        parent: record.tag.parent,
        description: record.description,
        color: record.color,
        metadata: record.metadata,
        session_budget: record.tag.session_budget,
        is_active: record.tag.is_active,
    })
}

async fn store(
    state: &AdminState,
    tag: (TenantId, TagId),
    wanted: &TagSettings,
    stamp: &Stamp,
) -> Result<(), AdminError> {
    let updated = state.store.update_tag(tag, wanted, stamp).await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    updated.map_err(refused)?;
    state.take_over().await
}

/// The tag as it is now.
async fn shown(
    state: &AdminState,
    tenant: TenantId,
    tag: TagId,
) -> Result<Json<TagInTreeBody>, AdminError> {
    let tags = Tags::of(state, tenant).await?;
    let budgets = budgets_of(state, tag).await?;
    Ok(Json(tags.in_tree(tags.known(tag)?, budgets)))
}

async fn budgets_of(state: &AdminState, tag: TagId) -> Result<Vec<BudgetRecord>, AdminError> {
    Ok(state.store.list_budgets(Scope::Tag(tag)).await?)
}

/// A name that can be written into `X-Tags` and into a path.
fn read_name(fields: &Fields) -> Result<Option<String>, AdminError> {
    let name = fields.text("name")?.filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.contains([',', '/'])) {
        return Err(fields.problem("name", "must not contain , or /"));
    }
    Ok(name)
}

/// Takes over what was sent beside the name.
fn change(mut tag: TagSettings, fields: &Fields) -> Result<TagSettings, AdminError> {
    if fields.has("description") {
        tag.description = fields.text("description")?;
    }
    if fields.has("color") {
        tag.color = fields.text("color")?;
    }
    if fields.has("metadata") {
        tag.metadata = fields.object("metadata")?;
    }
    if fields.has("sessionBudgetUsd") {
        tag.session_budget = fields.amount("sessionBudgetUsd")?;
    }
    if fields.has("parentId") {
        let parent = fields.whole("parentId", i64::MAX.unsigned_abs())?;
        tag.parent = parent.and_then(|id| i64::try_from(id).ok()).map(TagId);
    }
    if let Some(is_active) = fields.flag("isActive")? {
        tag.is_active = is_active;
    }
    Ok(tag)
}

fn refused(refusal: TagRefusal) -> AdminError {
    match refusal {
        TagRefusal::Unknown => TAG_NOT_FOUND,
        TagRefusal::UnknownParent => AdminError::invalid("Parent tag not found"),
        TagRefusal::Cycle => AdminError::invalid("A tag cannot stand under itself"),
        TagRefusal::TooDeep => {
            AdminError::Invalid(format!("Tags stand at most {DEPTH_MAX} levels deep"))
        }
        TagRefusal::HasChildren => {
            AdminError::invalid("Cannot delete tag with children. Delete children first.")
        }
        TagRefusal::HasActiveChildren => AdminError::invalid(
            "Cannot deactivate tag with active children. Deactivate children first.",
        ),
    }
}
