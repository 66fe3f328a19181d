//! Tagging rules: which requests get which tags without naming them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::document::TAGS;
use crate::admin::document::bodies::{NewRule, RuleChange};
use crate::admin::document::parameters::{RulePath, TenantPath};
use crate::admin::document::responses::{Invalid, InvalidBody, Missing};
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::figures::WeightNumber;
use crate::admin::path::{PathId, PathIds, positive};
use crate::admin::tag_budgets::read_weight;
use crate::admin::tags::Success;
use crate::admin::tags::shown::Tags;
use crate::domain::filter::{PATTERNS_MAX, Patterns};
use crate::domain::id::{ApiKeyId, RuleId, TagId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tag::{TAGS_PER_REQUEST_MAX, Weight};
use crate::domain::tagging::{Conditions, TaggingRule};
use crate::store::tagging::{RuleRecord, RuleSettings};

const RULE_NOT_FOUND: AdminError = AdminError::NotFound("Tagging rule not found");
const NAME_TAKEN: &str = "Tagging rule name already exists";
const KEYS_MAX: usize = 100;
const HEADERS_MAX: usize = 16;
const PRIORITY_MAX: u64 = 1_000_000;

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleBody {
    id: RuleId,
    tenant_id: TenantId,
    name: String,
    priority: i32,
    is_active: bool,
    conditions: ConditionsBody,
    actions: ActionsBody,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConditionsBody {
    routes: Vec<String>,
    models: Vec<String>,
    api_key_ids: Vec<ApiKeyId>,
    headers: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ActionsBody {
    tags: Vec<TagBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleTagBody)]
struct TagBody {
    tag_id: TagId,
    weight: WeightNumber,
}

impl From<RuleRecord> for RuleBody {
    fn from(record: RuleRecord) -> Self {
        let RuleSettings {
            name,
            rule,
            is_active,
        } = record.settings;
        let headers = rule.conditions.headers.into_iter();
        let tags = rule.tags.into_iter();
        Self {
            id: record.id,
            tenant_id: record.tenant,
            name,
            priority: rule.priority,
            is_active,
            conditions: ConditionsBody {
                routes: rule.conditions.routes.texts(),
                models: rule.conditions.models.texts(),
                api_key_ids: rule.conditions.keys,
                headers: headers
                    .map(|(name, patterns)| (name, patterns.texts()))
                    .collect(),
            },
            actions: ActionsBody {
                tags: tags
                    .map(|(tag_id, weight)| TagBody {
                        tag_id,
                        weight: WeightNumber(weight),
                    })
                    .collect(),
            },
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }
}

#[utoipa::path(post, path = "/admin/tenant/{id}/tagging-rules", tag = TAGS, operation_id = "createTaggingRule",
    summary = "Makes a tagging rule.",
    params(TenantPath), request_body = NewRule,
    responses((status = 200, body = RuleBody), InvalidBody, Missing))]
pub(super) async fn create(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<RuleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let name = fields.text("name")?.filter(|name| !name.is_empty());
    let blank = RuleSettings {
        name: name.ok_or_else(|| fields.required("name"))?,
        rule: TaggingRule {
            priority: 0,
            conditions: Conditions::default(),
            tags: Vec::new(),
        },
        is_active: true,
    };
    // A rule without tags could not be read again.
    if fields.nested("actions")?.is_none() {
        return Err(fields.required("actions"));
    }
    let tags = Tags::of(&state, tenant).await?;
    let wanted = change(blank, &fields, &tags)?;
    let made = state.store.create_rule(tenant, &wanted, &stamp).await;
    let made = made.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    state.take_over().await?;
    Ok(Json(made.into()))
}

/// A tenant's rules, in the order in which they are applied.
#[utoipa::path(get, path = "/admin/tenant/{id}/tagging-rules", tag = TAGS, operation_id = "listTaggingRules",
    params(TenantPath), responses((status = 200, body = Vec<RuleBody>), Invalid, Missing))]
pub(super) async fn list(
    State(state): State<Arc<AdminState>>,
    PathId(tenant): PathId<TenantId>,
) -> Result<Json<Vec<RuleBody>>, AdminError> {
    state.open_tenant(tenant).await?;
    let rules = state.store.list_rules(tenant).await?;
    Ok(Json(rules.into_iter().map(RuleBody::from).collect()))
}

#[utoipa::path(put, path = "/admin/tenant/{id}/tagging-rules/{rule}", tag = TAGS, operation_id = "updateTaggingRule",
    summary = "Changes a tagging rule.",
    params(RulePath), request_body = RuleChange,
    responses((status = 200, body = RuleBody), InvalidBody, Missing))]
pub(super) async fn update(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, id): PathIds<TenantId, RuleId>,
    stamp: Stamp,
    fields: Fields,
) -> Result<Json<RuleBody>, AdminError> {
    state.open_tenant(tenant).await?;
    let rules = state.store.list_rules(tenant).await?;
    let before = rules.into_iter().find(|rule| rule.id == id);
    let mut settings = before.ok_or(RULE_NOT_FOUND)?.settings;
    if fields.has("name") {
        let name = fields.text("name")?.filter(|name| !name.is_empty());
        settings.name = name.ok_or_else(|| fields.required("name"))?;
    }
    let tags = Tags::of(&state, tenant).await?;
    let wanted = change(settings, &fields, &tags)?;
    let updated = state.store.update_rule((tenant, id), &wanted, &stamp).await;
    let updated = updated.map_err(|error| AdminError::or_conflict(error, NAME_TAKEN))?;
    let updated = updated.ok_or(RULE_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Json(updated.into()))
}

#[utoipa::path(delete, path = "/admin/tenant/{id}/tagging-rules/{rule}", tag = TAGS, operation_id = "deleteTaggingRule",
    summary = "Deletes a tagging rule.",
    params(RulePath), responses((status = 200, body = Success), Invalid, Missing))]
pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    PathIds(tenant, id): PathIds<TenantId, RuleId>,
    stamp: Stamp,
) -> Result<Json<Success>, AdminError> {
    state.open_tenant(tenant).await?;
    let removed = state.store.delete_rule(tenant, id, &stamp).await?;
    removed.ok_or(RULE_NOT_FOUND)?;
    state.take_over().await?;
    Ok(Success::YES)
}

/// Takes over what was sent beside the name.
fn change(
    mut settings: RuleSettings,
    fields: &Fields,
    tags: &Tags,
) -> Result<RuleSettings, AdminError> {
    if let Some(priority) = fields.whole("priority", PRIORITY_MAX)? {
        settings.rule.priority = i32::try_from(priority).unwrap_or(i32::MAX);
    }
    if let Some(is_active) = fields.flag("isActive")? {
        settings.is_active = is_active;
    }
    if let Some(conditions) = fields.nested("conditions")? {
        settings.rule.conditions = read_conditions(&conditions)?;
    }
    if let Some(actions) = fields.nested("actions")? {
        settings.rule.tags = read_tags(&actions, tags)?;
    }
    Ok(settings)
}

fn read_conditions(fields: &Fields) -> Result<Conditions, AdminError> {
    let keys = fields.texts_or_numbers("apiKeyIds", KEYS_MAX)?;
    let keys = keys.unwrap_or_default().into_iter().map(|id| {
        let id = positive(&id).map(ApiKeyId);
        id.ok_or_else(|| fields.problem("apiKeyIds", "must be an array of ids"))
    });
    let mut headers = BTreeMap::new();
    if let Some(named) = fields.nested("headers")? {
        for name in named.names(HEADERS_MAX)? {
            let header: HeaderName = name
                .parse()
                .map_err(|_cause| named.problem(&name, "is no name of a header"))?;
            headers.insert(header.as_str().to_owned(), read_patterns(&named, &name)?);
        }
    }
    Ok(Conditions {
        routes: read_patterns(fields, "routes")?,
        models: read_patterns(fields, "models")?,
        keys: keys.collect::<Result<_, _>>()?,
        headers,
    })
}

fn read_patterns(fields: &Fields, name: &str) -> Result<Patterns, AdminError> {
    let texts = fields.texts(name, PATTERNS_MAX)?.unwrap_or_default();
    Patterns::new(texts).map_err(|error| fields.problem(name, &format!("cannot be used: {error}")))
}

fn read_tags(fields: &Fields, tags: &Tags) -> Result<Vec<(TagId, Weight)>, AdminError> {
    let items = fields.objects("tags", TAGS_PER_REQUEST_MAX)?;
    let items = items.filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| fields.required("tags"))?;
    let mut read: Vec<(TagId, Weight)> = Vec::with_capacity(items.len());
    for item in &items {
        let id = item.whole("tagId", i64::MAX.unsigned_abs())?;
        let id = id.and_then(|id| i64::try_from(id).ok()).map(TagId);
        let id = id.ok_or_else(|| item.required("tagId"))?;
        if tags.get(id).is_none() || read.iter().any(|(known, _)| *known == id) {
            return Err(item.problem("tagId", "must be a tag of the tenant, each once"));
        }
        read.push((id, read_weight(item)?.unwrap_or(Weight::ONE)));
    }
    Ok(read)
}
