//! What the ledger tells of tags: what was spent under each, and under any of them.

use crate::domain::id::{TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::Window;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::usage::{LedgerTotals, totals_in};
use crate::store::value::{Row, params};

/// What requests that named a tag cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSpending {
    /// The tag. It may be deleted by now: what was spent on it stays.
    pub tag: TagId,
    /// Its name.
    pub name: String,
    /// What it stands under.
    pub parent: Option<TagId>,
    /// How it is shown.
    pub color: Option<String>,
    /// How many requests named it, refused and failed ones too.
    pub requests: u64,
    /// What they cost, by their weights, rounded up for each request.
    pub cost: Usd,
}

/// The usage of a tenant's tags in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagUsage {
    /// Every tag that was named, dearest first. What was spent under a tag's children is not its own.
    pub tags: Vec<TagSpending>,
    /// The requests that named at least one active tag, each once and in full.
    pub tagged: LedgerTotals,
}

/// The rows of `usage_tag` of a tenant's own tags, or of those among them that `$4` lists.
macro_rules! named_tags {
    () => {
        "usage_tag JOIN tag ON tag.id = usage_tag.tag_id \
         WHERE tag.tenant_id = $1 AND usage_tag.is_inherited = 0 AND (CAST($4 AS TEXT) IS NULL \
         OR CAST($4 AS TEXT) LIKE '%,' || CAST(usage_tag.tag_id AS TEXT) || ',%')"
    };
}

impl Store {
    /// What a tenant spent under its tags in a time; under all of them or under those that are
    /// asked for.
    pub async fn tag_usage(
        &self,
        tenant: TenantId,
        window: Window,
        asked: Option<&[TagId]>,
    ) -> Result<TagUsage, StoreError> {
        const BY_TAG: &str = concat!(
            "SELECT usage_tag.tag_id, tag.name, tag.parent_id, tag.color, COUNT(*) AS requests, \
             CAST(SUM(cost / 1000000 * weight + (cost % 1000000 * weight + 999999) / 1000000) \
             AS BIGINT) AS spent FROM ",
            named_tags!(),
            " AND usage_tag.at >= $2 AND usage_tag.at < $3 \
             GROUP BY usage_tag.tag_id, tag.name, tag.parent_id, tag.color \
             ORDER BY spent DESC, usage_tag.tag_id"
        );
        const TAGGED: &str = concat!(
            "SELECT COUNT(*) AS requests, CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost \
             FROM usage_ledger WHERE tenant_id = $1 AND at >= $2 AND at < $3 \
             AND EXISTS (SELECT 1 FROM ",
            named_tags!(),
            " AND tag.is_active = 1 AND usage_tag.request_id = usage_ledger.request_id \
             AND usage_tag.at = usage_ledger.at)"
        );
        let asked = asked.map(listed);
        let params = params![tenant, window.start, window.end, asked.as_ref()];
        let mut read = self.driver.begin_read().await?;
        let tags = read.query(BY_TAG, params).await?;
        let tagged = totals_in(&read.query(TAGGED, params).await?)?;
        read.commit().await?;
        Ok(TagUsage {
            tags: tags.iter().map(spending).collect::<Result<_, _>>()?,
            tagged,
        })
    }
}

/// Ids as a text in which each stands between commas.
fn listed(tags: &[TagId]) -> String {
    let ids = tags.iter().map(|tag| format!("{tag},"));
    format!(",{}", ids.collect::<String>())
}

fn spending(row: &Row) -> Result<TagSpending, StoreError> {
    Ok(TagSpending {
        tag: TagId(row.int("tag_id")?),
        name: row.text("name")?.to_owned(),
        parent: row.maybe_int("parent_id")?.map(TagId),
        color: row.maybe_text("color")?.map(str::to_owned),
        requests: row.number("requests")?,
        cost: row.usd("spent")?,
    })
}
