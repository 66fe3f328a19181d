//! The audit log. The original only notes that a key was used, and for what; its rows stand in ours under the name that it
//! gave to whoever it was.

use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::job::{Job, instant};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::import::history::ForeignDeed;

/// Brings its rows over, a page at a time.
pub(super) async fn import(job: &Job) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, \"tenantId\"::bigint AS tenant, actor, event, details, ",
        instant!("\"createdAt\""),
        " AS at FROM \"AuditLog\" WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("AuditLog", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        let mut deeds = Vec::with_capacity(rows.len());
        for row in &rows {
            tally.found += 1;
            deeds.extend(deed(job, row, &mut tally)?);
        }
        let mut history = job.store.begin_history().await?;
        let new = history.add_deeds(&deeds).await?;
        job.keep(history).await?;
        tally.note_written(deeds.len(), new);
    }
    Ok(tally)
}

fn deed(job: &Job, row: &SourceRow, tally: &mut Tally) -> Result<Option<ForeignDeed>, ImportError> {
    let (id, tenant): (i64, i64) = (row.get("id")?, row.get("tenant")?);
    let Some(tenant) = job.known.tenants.get(&tenant) else {
        tally.leave_out_one("its tenant did not come over", &format!("row {id}"));
        return Ok(None);
    };
    Ok(Some(ForeignDeed {
        original: format!("{} {id}", job.source.name),
        at: UtcMicros::new(row.get("at")?),
        actor: row.get("actor")?,
        event: row.get("event")?,
        details: row.get("details")?,
        tenant: tenant.id,
    }))
}
