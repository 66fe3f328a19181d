//! Tags as answers show them: their paths and levels follow from the tags above them.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::admin::AdminState;
use crate::admin::error::AdminError;
use crate::admin::figures::UsdText;
use crate::admin::tag_budgets::TagBudgetBody;
use crate::admin::tags::TAG_NOT_FOUND;
use crate::domain::id::{TagId, TenantId};
use crate::domain::tag::DEPTH_MAX;
use crate::store::budgets::BudgetRecord;
use crate::store::tags::TagRecord;

/// A tag alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TagBody {
    id: TagId,
    tenant_id: TenantId,
    pub(super) name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(required)]
    parent_id: Option<TagId>,
    path: String,
    pub(super) level: usize,
    is_active: bool,
    #[schema(required)]
    color: Option<String>,
    #[schema(required, value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    #[schema(required)]
    session_budget_usd: Option<UsdText>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A tag with what stands around it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct TagInTreeBody {
    #[serde(flatten)]
    pub(super) tag: TagBody,
    #[schema(required)]
    parent: Option<TagBody>,
    children: Vec<TagBody>,
    budgets: Vec<TagBudgetBody>,
    #[serde(rename = "_count")]
    count: CountBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountBody {
    usage: u64,
}

/// All tags of a tenant, to look around in.
pub(in crate::admin) struct Tags(pub(super) HashMap<TagId, TagRecord>);

impl Tags {
    pub(in crate::admin) async fn of(
        state: &AdminState,
        tenant: TenantId,
    ) -> Result<Self, AdminError> {
        let tags = state.store.list_tags(tenant).await?.into_iter();
        Ok(Self(tags.map(|record| (record.tag.id, record)).collect()))
    }

    /// A tag that may be changed.
    pub(super) fn known(&self, id: TagId) -> Result<&TagRecord, AdminError> {
        self.0.get(&id).ok_or(TAG_NOT_FOUND)
    }

    /// A tag, active or not.
    pub(in crate::admin) fn get(&self, id: TagId) -> Option<&TagRecord> {
        self.0.get(&id)
    }

    /// A tag that may be named by requests.
    pub(in crate::admin) fn active(&self, id: TagId) -> Result<&TagRecord, AdminError> {
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
    pub(in crate::admin) fn by_name(&self) -> Vec<&TagRecord> {
        let mut tags: Vec<&TagRecord> = self.0.values().collect();
        tags.sort_by(|one, other| one.tag.name.cmp(&other.tag.name));
        tags
    }

    /// The path of what has that name under a tag, or under none.
    pub(in crate::admin) fn path_under(&self, parent: Option<TagId>, name: &str) -> String {
        let line = parent.map(|parent| self.line(parent)).unwrap_or_default();
        let above = line.iter().rev().map(|record| &*record.tag.name);
        above.chain([name]).collect::<Vec<_>>().join("/")
    }

    pub(in crate::admin) fn body(&self, record: &TagRecord) -> TagBody {
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
    pub(super) fn in_tree(
        &self,
        record: &TagRecord,
        budgets: Vec<BudgetRecord>,
        usage: u64,
    ) -> TagInTreeBody {
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
            count: CountBody { usage },
        }
    }
}
