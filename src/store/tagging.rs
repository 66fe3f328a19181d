//! Tagging rules: making, changing and deleting them.

use crate::domain::filter::Patterns;
use crate::domain::id::{ApiKeyId, RuleId, TagId, TenantId};
use crate::domain::stamp::Stamp;
use crate::domain::tag::{TagShare, Weight, parse_shares, print_shares};
use crate::domain::tagging::{Conditions, TaggingRule};
use crate::domain::window::UtcMicros;
use crate::store::Store;
use crate::store::audit;
use crate::store::error::StoreError;
use crate::store::value::{Row, Value, params, row_params};

/// A rule as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// The rule.
    pub id: RuleId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What can be set about it.
    pub settings: RuleSettings,
    /// When it was made.
    pub created_at: UtcMicros,
    /// When it was last changed.
    pub updated_at: UtcMicros,
}

/// What can be set about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSettings {
    /// Its name; no other rule of the tenant may have the same.
    pub name: String,
    /// The rule as the data plane knows it.
    pub rule: TaggingRule,
    /// An inactive rule tags nothing.
    pub is_active: bool,
}

macro_rules! columns {
    () => {
        "id, tenant_id, name, priority, routes, models, key_ids, headers, tags, is_active, \
         created_at, updated_at"
    };
}

impl RuleSettings {
    fn values(&self) -> Vec<Value> {
        let conditions = &self.rule.conditions;
        let keys: Vec<String> = conditions.keys.iter().map(ApiKeyId::to_string).collect();
        row_params![
            &self.name,
            i64::from(self.rule.priority),
            &conditions.routes.to_string(),
            &conditions.models.to_string(),
            &keys.join(","),
            &conditions.print_headers(),
            &print_tags(&self.rule.tags),
            self.is_active,
        ]
    }
}

/// What is done to a rule that has no state afterwards.
const DELETED: &str = "delete";

impl Store {
    /// A tenant's rules, in the order in which they are applied.
    pub async fn list_rules(&self, tenant: TenantId) -> Result<Vec<RuleRecord>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM tagging_rule WHERE tenant_id = $1 ORDER BY priority DESC, id"
        );
        let rows = self.driver.query(LIST, params![tenant]).await?;
        rows.iter().map(record).collect()
    }

    /// Makes a rule of a tenant. A name that another of its rules has is a conflict.
    pub async fn create_rule(
        &self,
        tenant: TenantId,
        rule: &RuleSettings,
        stamp: &Stamp,
    ) -> Result<RuleRecord, StoreError> {
        const INSERT: &str = concat!(
            "INSERT INTO tagging_rule (name, priority, routes, models, key_ids, headers, tags, \
             is_active, tenant_id, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING ",
            columns!()
        );
        let mut values = rule.values();
        values.extend(row_params![tenant, stamp.at]);
        let made = self
            .write_rule(INSERT, &values, ("create", stamp), None)
            .await?;
        made.ok_or_else(|| StoreError::corrupt("tagging_rule"))
    }

    /// Sets everything that can be set about a tenant's rule. A name that another has is a conflict.
    pub async fn update_rule(
        &self,
        (tenant, id): (TenantId, RuleId),
        rule: &RuleSettings,
        stamp: &Stamp,
    ) -> Result<Option<RuleRecord>, StoreError> {
        const UPDATE: &str = concat!(
            "UPDATE tagging_rule SET name = $1, priority = $2, routes = $3, models = $4, \
             key_ids = $5, headers = $6, tags = $7, is_active = $8, updated_at = $11 \
             WHERE tenant_id = $9 AND id = $10 RETURNING ",
            columns!()
        );
        let mut values = rule.values();
        values.extend(row_params![tenant, id, stamp.at]);
        self.write_rule(UPDATE, &values, ("update", stamp), Some(id))
            .await
    }

    /// Deletes a tenant's rule and gives what it was.
    pub async fn delete_rule(
        &self,
        tenant: TenantId,
        id: RuleId,
        stamp: &Stamp,
    ) -> Result<Option<RuleRecord>, StoreError> {
        const DELETE: &str = concat!(
            "DELETE FROM tagging_rule WHERE tenant_id = $1 AND id = $2 RETURNING ",
            columns!()
        );
        self.write_rule(DELETE, params![tenant, id], (DELETED, stamp), Some(id))
            .await
    }

    async fn write_rule(
        &self,
        statement: &'static str,
        values: &[Value],
        (verb, stamp): (&'static str, &Stamp),
        known: Option<RuleId>,
    ) -> Result<Option<RuleRecord>, StoreError> {
        const GET: &str = concat!("SELECT ", columns!(), " FROM tagging_rule WHERE id = $1");
        let mut change = self.change_catalog().await?;
        let before = change.query(GET, params![known]).await?;
        let rows = change.query(statement, values).await;
        let rows = rows.map_err(|error| error.conflict_on("the rule's name"))?;
        let touched = rows.first().map(record).transpose()?;
        if touched.is_some() {
            let after = rows.first().filter(|_| verb != DELETED);
            let states = (before.first(), after);
            audit::write_row(change.as_mut(), stamp, ("tagging_rule", verb), states).await?;
            change.commit().await?;
        }
        Ok(touched)
    }
}

fn record(row: &Row) -> Result<RuleRecord, StoreError> {
    let (tenant, rule) = rule_of(row)?;
    Ok(RuleRecord {
        id: RuleId(row.int("id")?),
        tenant,
        settings: RuleSettings {
            name: row.text("name")?.to_owned(),
            rule,
            is_active: row.flag("is_active")?,
        },
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// The rule in a row that has its columns, and whose it is.
pub(in crate::store) fn rule_of(row: &Row) -> Result<(TenantId, TaggingRule), StoreError> {
    let rule = TaggingRule {
        priority: row.number("priority")?,
        conditions: Conditions {
            routes: row.named("routes", |text| Patterns::parse(text).ok())?,
            models: row.named("models", |text| Patterns::parse(text).ok())?,
            keys: row.named("key_ids", parse_keys)?,
            headers: row.named("headers", |text| Conditions::parse_headers(text).ok())?,
        },
        tags: row.named("tags", parse_tags)?,
    };
    Ok((TenantId(row.int("tenant_id")?), rule))
}

fn parse_keys(text: &str) -> Option<Vec<ApiKeyId>> {
    let ids = text.split(',').filter(|id| !id.is_empty());
    ids.map(|id| id.parse().ok().map(ApiKeyId)).collect()
}

fn print_tags(tags: &[(TagId, Weight)]) -> String {
    let shares = tags.iter().map(|(tag, weight)| TagShare {
        tag: *tag,
        weight: *weight,
        is_inherited: false,
    });
    print_shares(&shares.collect::<Vec<_>>()).unwrap_or_default()
}

fn parse_tags(text: &str) -> Option<Vec<(TagId, Weight)>> {
    let shares = parse_shares(text)?;
    Some(
        shares
            .iter()
            .map(|share| (share.tag, share.weight))
            .collect(),
    )
}
