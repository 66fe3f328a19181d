//! Sessions: names, paths and tags. What a session may spend comes over where it is not what its tags or its tenant
//! say; its state and its cost follow from the ledger.

use crate::domain::money::Usd;
use crate::domain::session::SessionRef;
use crate::domain::tag::{TagShares, Weight};
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::job::{Job, KnownTenant, instant, maybe_limit};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::import::history::ForeignSession;

/// Brings sessions over, a page at a time.
pub(super) async fn import(job: &Job) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT \"sessionId\" AS id, \"tenantId\"::bigint AS tenant, name, path, status, \
         \"effectiveBudgetUsd\"::text AS budget, ",
        instant!("\"createdAt\""),
        " AS created_at, ",
        instant!("\"lastActiveAt\""),
        " AS last_active_at, ARRAY(SELECT \"B\"::bigint FROM \"_SessionTags\" \
         WHERE \"A\" = \"sessionId\" ORDER BY 1) AS tags FROM \"Session\" \
         WHERE \"sessionId\" > $1 ORDER BY \"sessionId\" LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("Session", PAGE, String::new());
    while let Some(rows) = pages.next(&job.source).await? {
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            tally.found += 1;
            sessions.extend(session(job, row, &mut tally)?);
        }
        let mut history = job.store.begin_history().await?;
        let new = history.add_sessions(&sessions).await?;
        job.keep(history).await?;
        tally.note_written(sessions.len(), new);
    }
    Ok(tally)
}

fn session(
    job: &Job,
    row: &SourceRow,
    tally: &mut Tally,
) -> Result<Option<ForeignSession>, ImportError> {
    let (id, tenant): (&str, i64) = (row.get("id")?, row.get("tenant")?);
    let Some(tenant) = job.known.tenants.get(&tenant) else {
        tally.leave_out_one("its tenant did not come over", id);
        return Ok(None);
    };
    let tags: Vec<i64> = row.get("tags")?;
    let own: Vec<_> = tags
        .iter()
        .filter_map(|tag| job.known.tags.get(tag))
        .map(|(tag, _tenant)| (*tag, Weight::ONE))
        .collect();
    let tags = job.known.tree.shares(&own);
    let budget = maybe_limit(row, "budget", (tally, id))?;
    let created_at: i64 = row.get("created_at")?;
    let last_active_at: Option<i64> = row.get("last_active_at")?;
    Ok(Some(ForeignSession {
        tenant: tenant.id,
        session: SessionRef {
            id: id.to_owned(),
            name: row.get("name")?,
            path: row.get("path")?,
        },
        own_budget: budget.filter(|budget| Some(*budget) != usual(job, tenant, &tags)),
        tags,
        created_at: UtcMicros::new(created_at),
        last_active_at: UtcMicros::new(last_active_at.unwrap_or(created_at)),
    }))
}

/// What a session may spend that has no budget of its own.
fn usual(job: &Job, tenant: &KnownTenant, tags: &TagShares) -> Option<Usd> {
    let own = tags.iter().filter(|share| !share.is_inherited);
    let of_tags = own.filter_map(|share| job.known.tree.get(share.tag)?.session_budget);
    of_tags.min().or(tenant.default_session_budget)
}
