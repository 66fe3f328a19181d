//! What the ledger tells of tags: what was spent under each, and under any of them.

use std::collections::HashSet;

use crate::domain::id::{TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::tag::{TagShare, parse_shares};
use crate::domain::window::Window;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::sums::{Cut, tag_pieces, tagged_pieces};
use crate::store::usage::{LedgerTotals, totals_of};
use crate::store::value::{Row, Value, params};

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
            "SELECT tag.id AS tag_id, tag.name, tag.parent_id, tag.color, \
             CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(share) AS BIGINT) AS spent FROM ",
            tag_pieces!(tenant),
            " JOIN tag ON tag.id = piece.tag_id \
             WHERE tag.tenant_id = $9 AND is_inherited = 0 AND (CAST($10 AS TEXT) IS NULL \
             OR CAST($10 AS TEXT) LIKE '%,' || CAST(tag.id AS TEXT) || ',%') \
             GROUP BY tag.id, tag.name, tag.parent_id, tag.color ORDER BY spent DESC, tag.id"
        );
        const BY_TAGS: &str = concat!(
            "SELECT tags, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(cost) AS BIGINT) AS cost FROM ",
            tagged_pieces!(),
            " WHERE tenant_id = $9 GROUP BY tags"
        );
        const ACTIVE: &str = "SELECT id FROM tag WHERE tenant_id = $1 AND is_active = 1";
        let mut params = Cut::of(window).params();
        params.push(Value::from(tenant));
        let mut read = self.driver.begin_read().await?;
        let by_tags = read.query(BY_TAGS, &params).await?;
        let active = read.query(ACTIVE, params![tenant]).await?;
        params.push(Value::from(asked.map(listed).as_ref()));
        let by_tag = read.query(BY_TAG, &params).await?;
        read.commit().await?;
        let active = active.iter().map(|row| Ok(TagId(row.int("id")?)));
        let mut counted = active.collect::<Result<HashSet<_>, StoreError>>()?;
        counted.retain(|tag| asked.is_none_or(|asked| asked.contains(tag)));
        Ok(TagUsage {
            tags: by_tag.iter().map(spending).collect::<Result<_, _>>()?,
            tagged: tagged(&by_tags, &counted)?,
        })
    }
}

/// The requests that named one of some tags, from sums by all of their tags.
fn tagged(by_tags: &[Row], counted: &HashSet<TagId>) -> Result<LedgerTotals, StoreError> {
    let mut totals = LedgerTotals::default();
    for row in by_tags {
        let tags = parse_shares(row.text("tags")?).ok_or_else(|| StoreError::corrupt("tags"))?;
        let named = |share: &TagShare| !share.is_inherited && counted.contains(&share.tag);
        if tags.iter().any(named) {
            totals = totals.plus(totals_of(row)?);
        }
    }
    Ok(totals)
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
