//! Tenants. One that has the name of a tenant that is here already becomes that tenant: what is set here stays, and
//! what is not is taken over. A tenant that was deleted there is closed here, if it ever spent anything.

use crate::domain::id::TenantId;
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::job::{Job, KnownTenant, instant, maybe_limit};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::import::{ForeignTenant, Import};

/// The most tenants that were deleted and have rows in the ledger.
const DELETED_MAX: i64 = 10_000;
const KIND: &str = "tenant";
const KIND_DELETED: &str = "deleted tenant";

/// Brings tenants over.
pub(super) async fn import(job: &mut Job, import: &mut Import) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, name, \"rateLimitPerMin\"::bigint AS rate, \
         \"defaultSessionBudgetUsd\"::text AS session_budget, ",
        instant!("\"createdAt\""),
        " AS created_at FROM \"Tenant\" WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("Tenant", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            tally.found += 1;
            one(job, import, (row, &mut tally)).await?;
        }
    }
    Ok(tally)
}

async fn one(
    job: &mut Job,
    import: &mut Import,
    (row, tally): (&SourceRow, &mut Tally),
) -> Result<(), ImportError> {
    let original: i64 = row.get("id")?;
    let name: &str = row.get("name")?;
    let rate: Option<i64> = row.get("rate")?;
    let tenant = ForeignTenant {
        name,
        requests_per_minute: rate.and_then(|rate| u32::try_from(rate).ok()),
        default_session_budget: maybe_limit(row, "session_budget", (tally, name))?,
        created_at: UtcMicros::new(row.get("created_at")?),
        closed_at: None,
    };
    let text = original.to_string();
    let known = import.mark_of(job.original(KIND, &text)).await?;
    let id = if let Some(known) = known {
        tally.already_there += 1;
        TenantId(known.our_id)
    } else {
        if rate.is_some_and(|rate| rate < 0) {
            tally.adjust("a rate limit below nothing becomes the default", name);
        }
        let id = merged(import, &tenant, tally).await?;
        import.mark(job.original(KIND, &text), id.0).await?;
        id
    };
    let known = KnownTenant {
        id,
        default_session_budget: tenant.default_session_budget,
    };
    job.known.tenants.insert(original, known);
    job.known.tenants_by_name.insert(name.to_owned(), id);
    Ok(())
}

async fn merged(
    import: &mut Import,
    tenant: &ForeignTenant<'_>,
    tally: &mut Tally,
) -> Result<TenantId, ImportError> {
    tally.imported += 1;
    let Some(id) = import.tenant_named(tenant.name).await? else {
        return Ok(import.add_tenant(tenant).await?);
    };
    tally.adjust("it is the tenant of this name that was here", tenant.name);
    import.complete_tenant(id, tenant).await?;
    Ok(id)
}

/// Brings over the names that only the ledger has.
pub(super) async fn import_deleted(
    job: &mut Job,
    import: &mut Import,
) -> Result<Tally, ImportError> {
    const NAMES: &str = concat!(
        "SELECT tenant AS name, ",
        instant!("MIN(ts)"),
        " AS created_at FROM \"UsageLedger\" WHERE \"tenantId\" IS NULL \
         AND tenant NOT IN (SELECT name FROM \"Tenant\") GROUP BY tenant ORDER BY tenant LIMIT $1"
    );
    let rows = job.source.rows(NAMES, &[&(DELETED_MAX + 1)]).await?;
    if rows.len() > usize::try_from(DELETED_MAX).unwrap_or(usize::MAX) {
        return Err(ImportError::TooMany("deleted tenants"));
    }
    let mut tally = Tally::default();
    for row in &rows {
        tally.found += 1;
        let name: &str = row.get("name")?;
        let known = import.mark_of(job.original(KIND_DELETED, name)).await?;
        let id = if let Some(known) = known {
            tally.already_there += 1;
            TenantId(known.our_id)
        } else {
            tally.imported += 1;
            let tenant = ForeignTenant {
                name,
                requests_per_minute: None,
                default_session_budget: None,
                created_at: UtcMicros::new(row.get("created_at")?),
                closed_at: Some(job.options.at),
            };
            let id = import.add_tenant(&tenant).await?;
            import.mark(job.original(KIND_DELETED, name), id.0).await?;
            id
        };
        job.known.tenants_by_name.insert(name.to_owned(), id);
    }
    Ok(tally)
}
