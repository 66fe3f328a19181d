//! Tags: making, showing, changing and deleting them. They form trees; paths and levels follow from
//! the parents, so a new name moves the paths of everything below.

pub(super) mod shown;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::TAGS;
use crate::admin::document::bodies::{NewTag, TagChange};
use crate::admin::document::parameters::{TagPath, TagQuery, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::path::{PathId, PathIds};
use crate::admin::query::Params;
use crate::admin::tags::shown::{TagInTreeBody, Tags};
use crate::domain::budget::Scope;
use crate::domain::id::{TagId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tag::DEPTH_MAX;
use crate::store::budgets::BudgetRecord;
use crate::store::tags::{TagRefusal, TagSettings};

const NAME_TAKEN: &str = "Tag name already exists";
pub(super) const TAG_NOT_FOUND: AdminError = AdminError::NotFound("Tag not found");

/// A change was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Success {
    success: bool,
}

impl Success {
    pub(super) const YES: Json<Self> = Json(Self { success: true });
}

#[utoipa::path(post, path = "/admin/tenant/{id}/tags", tag = TAGS, operation_id = "createTag",
    summary = "Makes a tag.",
    params(TenantPath), request_body = NewTag,
    responses((status = 200, body = TagInTreeBody), InvalidBody, Missing))]
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
#[utoipa::path(get, path = "/admin/tenant/{id}/tags", tag = TAGS, operation_id = "listTags",
    params(TenantPath, TagQuery),
    responses((status = 200, body = Vec<TagInTreeBody>), Invalid, Missing))]
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
    let mut budgets = budgets_by_tag(&state, tenant).await?;
    let wanted = tags.0.values().filter(|record| {
        (with_inactive || record.tag.is_active)
            && parent.is_none_or(|parent| record.tag.parent == Some(parent))
    });
    let mut bodies = Vec::new();
    for record in wanted {
        let usage = uses.get(&record.tag.id).copied().unwrap_or_default();
        let budgets = budgets.remove(&record.tag.id).unwrap_or_default();
        bodies.push(tags.in_tree(record, budgets, usage));
    }
    bodies.sort_by(|one, other| {
        let key = |body: &TagInTreeBody| (body.tag.level, body.tag.name.clone());
        key(one).cmp(&key(other))
    });
    Ok(Json(bodies))
}

#[utoipa::path(get, path = "/admin/tenant/{id}/tags/{tag}", tag = TAGS, operation_id = "showTag",
    summary = "An active tag, with what stands around it.",
    params(TagPath), responses((status = 200, body = TagInTreeBody), Invalid, Missing))]
pub(super) async fn show(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
) -> Result<Json<TagInTreeBody>, AdminError> {
    state.open_tenant(tenant).await?;
    Tags::of(&state, tenant).await?.active(tag)?;
    shown(&state, tenant, tag).await
}

#[utoipa::path(put, path = "/admin/tenant/{id}/tags/{tag}", tag = TAGS, operation_id = "updateTag",
    summary = "Changes a tag.",
    params(TagPath), request_body = TagChange,
    responses((status = 200, body = TagInTreeBody), InvalidBody, Missing))]
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

#[utoipa::path(delete, path = "/admin/tenant/{id}/tags/{tag}", tag = TAGS, operation_id = "deleteTag",
    summary = "Deletes a tag without children.",
    params(TagPath), responses((status = 200, body = Success), Invalid, Missing))]
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

#[utoipa::path(patch, path = "/admin/tenant/{id}/tags/{tag}/deactivate", tag = TAGS, operation_id = "deactivateTag",
    summary = "From now on no request may name the tag.",
    params(TagPath), responses((status = 200, body = Success), Invalid, Missing))]
pub(super) async fn deactivate(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, tag): PathIds<TenantId, TagId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    set_active(&state, (tenant, tag), false, &stamp).await
}

#[utoipa::path(patch, path = "/admin/tenant/{id}/tags/{tag}/activate", tag = TAGS, operation_id = "activateTag",
    summary = "Requests may name the tag again.",
    params(TagPath), responses((status = 200, body = Success), Invalid, Missing))]
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
    let budgets = state.store.list_budgets(Scope::Tag(tag)).await?;
    let uses = state.store.tag_uses(tenant).await?;
    let usage = uses.get(&tag).copied().unwrap_or_default();
    Ok(Json(tags.in_tree(tags.known(tag)?, budgets, usage)))
}

async fn budgets_by_tag(
    state: &AdminState,
    tenant: TenantId,
) -> Result<HashMap<TagId, Vec<BudgetRecord>>, AdminError> {
    let mut budgets: HashMap<_, Vec<_>> = HashMap::new();
    for record in state.store.list_tag_budgets(tenant).await? {
        if let Scope::Tag(tag) = record.budget.coverage.scope {
            budgets.entry(tag).or_default().push(record);
        }
    }
    Ok(budgets)
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
