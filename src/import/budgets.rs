//! Budgets of tenants and of tags. Here only one of a scope and period is in force: where there are several, it is the
//! one that refuses first, and the others come over inactive.

use crate::domain::budget::Scope;
use crate::domain::id::TenantId;
use crate::domain::tag::{Inheritance, Weight};
use crate::domain::window::{Period, UtcMicros};
use crate::import::ImportError;
use crate::import::job::{Job, instant, limit, weight, weight_of};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::budgets::BudgetSettings;
use crate::store::import::Import;

/// The periods that the original evaluates.
const PERIODS: [&str; 3] = ["daily", "monthly", "custom"];
const MICROS_PER_MILLI: i64 = 1_000;
const THRESHOLDS_LENGTH_MAX: usize = 10_000;

macro_rules! columns {
    ($owner:literal, $partition:literal) => {
        concat!(
            "*, ",
            $owner,
            "::bigint AS owner, \"amountUsd\"::text AS amount, ",
            instant!("\"startDate\""),
            " AS starts_at, ",
            instant!("\"endDate\""),
            " AS ends_at, ",
            instant!("\"createdAt\""),
            " AS made_at, ROW_NUMBER() OVER (PARTITION BY ",
            $partition,
            " ORDER BY (\"endDate\" IS NULL OR \"endDate\" >= now() AT TIME ZONE 'UTC') DESC, \
             \"amountUsd\", id) AS place"
        )
    };
}

/// A budget as both tables have it.
struct Found {
    id: i64,
    example: String,
    scope: (TenantId, Scope),
    settings: BudgetSettings,
    made_at: UtcMicros,
}

/// Brings budgets of tenants over.
pub(super) async fn import_of_tenants(
    job: &mut Job,
    import: &mut Import,
) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, owner, period, amount, starts_at, ends_at, made_at, place \
         FROM (SELECT ",
        columns!("\"tenantId\"", "\"tenantId\", period"),
        " FROM \"Budget\") AS placed WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("Budget", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            tally.found += 1;
            if let Some(found) = of_tenant(job, row, &mut tally)? {
                add(job, import, ("budget", found), &mut tally).await?;
            }
        }
    }
    Ok(tally)
}

/// Brings budgets of tags over.
pub(super) async fn import_of_tags(
    job: &mut Job,
    import: &mut Import,
) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, owner, period, amount, starts_at, ends_at, made_at, place, \
         \"isActive\" AS is_active, \"inheritanceMode\" AS inheritance, \
         \"alertThresholds\"::text AS thresholds, ",
        weight!(),
        " FROM (SELECT ",
        columns!("\"tagId\"", "\"tagId\", period, \"isActive\""),
        " FROM \"TagBudget\") AS placed WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("TagBudget", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            tally.found += 1;
            if let Some(found) = of_tag(job, row, &mut tally)? {
                add(job, import, ("tag budget", found), &mut tally).await?;
            }
        }
    }
    Ok(tally)
}

fn of_tenant(job: &Job, row: &SourceRow, tally: &mut Tally) -> Result<Option<Found>, ImportError> {
    let (id, owner): (i64, i64) = (row.get("id")?, row.get("owner")?);
    let example = format!("budget {id}");
    let Some(tenant) = job.known.tenants.get(&owner) else {
        tally.leave_out_one("its tenant did not come over", &example);
        return Ok(None);
    };
    let scope = (tenant.id, Scope::Tenant(tenant.id));
    found(row, (id, example), scope, tally)
}

fn of_tag(job: &Job, row: &SourceRow, tally: &mut Tally) -> Result<Option<Found>, ImportError> {
    let (id, owner): (i64, i64) = (row.get("id")?, row.get("owner")?);
    let example = format!("tag budget {id}");
    let Some((tag, tenant)) = job.known.tags.get(&owner).copied() else {
        tally.leave_out_one("its tag did not come over", &example);
        return Ok(None);
    };
    let Some(weight) = weight_in(row, (tally, &example))? else {
        tally.leave_out_one("its weight is not from 0 to 10", &example);
        return Ok(None);
    };
    let scope = (tenant, Scope::Tag(tag));
    let Some(found) = found(row, (id, example), scope, tally)? else {
        return Ok(None);
    };
    let thresholds: Option<String> = row.get("thresholds")?;
    let is_kept = |text: &String| text.len() <= THRESHOLDS_LENGTH_MAX && text != "null";
    let is_active: bool = row.get("is_active")?;
    let settings = BudgetSettings {
        weight,
        inheritance: inheritance(row.get("inheritance")?, tally, &found.example),
        thresholds: thresholds.filter(is_kept),
        is_active: is_active && found.settings.is_active,
        ..found.settings
    };
    Ok(Some(Found { settings, ..found }))
}

fn weight_in(
    row: &SourceRow,
    (tally, example): (&mut Tally, &str),
) -> Result<Option<Weight>, ImportError> {
    Ok(weight_of(row.get("weight")?, tally, example))
}

/// The original skips every word but two.
fn inheritance(word: &str, tally: &mut Tally, example: &str) -> Inheritance {
    Inheritance::parse(word).unwrap_or_else(|| {
        tally.adjust("an unknown inheritance mode is BYPASS", example);
        Inheritance::Bypass
    })
}

fn found(
    row: &SourceRow,
    (id, example): (i64, String),
    scope: (TenantId, Scope),
    tally: &mut Tally,
) -> Result<Option<Found>, ImportError> {
    let period: &str = row.get("period")?;
    if !PERIODS.contains(&period) {
        tally.leave_out_one(
            "the TypeScript BudgetGuard does not evaluate its period",
            &example,
        );
        return Ok(None);
    }
    let starts_at: Option<i64> = row.get("starts_at")?;
    // There, the last millisecond counts.
    let ends_at: Option<i64> = row.get("ends_at")?;
    let ends_at = ends_at.map(|last| last.saturating_add(MICROS_PER_MILLI));
    let (starts_at, ends_at) = (starts_at.map(UtcMicros::new), ends_at.map(UtcMicros::new));
    let Ok(period) = Period::from_parts(period, starts_at, ends_at) else {
        tally.leave_out_one("its dates are no period", &example);
        return Ok(None);
    };
    let Some(limit) = limit(row.get("amount")?, tally, &example) else {
        tally.leave_out_one("its amount is no amount", &example);
        return Ok(None);
    };
    let place: i64 = row.get("place")?;
    let settings = BudgetSettings {
        is_active: place == 1,
        ..BudgetSettings::plain(period, limit)
    };
    Ok(Some(Found {
        id,
        example,
        scope,
        settings,
        made_at: UtcMicros::new(row.get("made_at")?),
    }))
}

async fn add(
    job: &Job,
    import: &mut Import,
    (kind, mut found): (&'static str, Found),
    tally: &mut Tally,
) -> Result<(), ImportError> {
    let text = found.id.to_string();
    if import.mark_of(job.original(kind, &text)).await?.is_some() {
        tally.already_there += 1;
        return Ok(());
    }
    let (_tenant, scope) = found.scope;
    let period = found.settings.period.name();
    let wants_force = found.settings.is_active;
    if wants_force && import.has_budget(scope, period).await? {
        found.settings.is_active = false;
    }
    if !found.settings.is_active {
        tally.adjust("it came over inactive", &found.example);
    }
    let settings = &found.settings;
    let ours = import
        .add_budget(found.scope, settings, found.made_at)
        .await?;
    import.mark(job.original(kind, &text), ours.0).await?;
    tally.imported += 1;
    Ok(())
}
