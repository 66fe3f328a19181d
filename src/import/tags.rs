//! Tags, with the trees that they stand in. One that has the name of a tag that its tenant has here already becomes
//! that tag, and stays where it is.

use std::collections::HashMap;

use crate::domain::id::{TagId, TenantId};
use crate::domain::tag::{DEPTH_MAX, Tag, TagTree};
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::job::{Job, instant, maybe_limit};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::import::Import;
use crate::store::tags::TagSettings;

/// The most tags, for all are in memory.
const TAGS_MAX: usize = 1_000_000;
const KIND: &str = "tag";

/// A tag that came over, and what it stands under there.
struct Placed {
    tag: Tag,
    tenant: TenantId,
    parent: Option<i64>,
    is_new: bool,
}

/// Brings tags over.
pub(super) async fn import(job: &mut Job, import: &mut Import) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, \"tenantId\"::bigint AS tenant, name, description, color, \
         \"parentId\"::bigint AS parent, \"isActive\" AS is_active, metadata::text AS metadata, \
         \"sessionBudgetUsd\"::text AS session_budget, ",
        instant!("\"createdAt\""),
        " AS created_at FROM \"Tag\" WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut placed: HashMap<i64, Placed> = HashMap::new();
    let mut order = Vec::new();
    let mut pages = Pages::of("Tag", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            tally.found += 1;
            if let Some(tag) = one(job, import, (row, &mut tally)).await? {
                let original: i64 = row.get("id")?;
                placed.insert(original, tag);
                order.push(original);
            }
        }
        if order.len() > TAGS_MAX {
            return Err(ImportError::TooMany("tags"));
        }
    }
    for original in &order {
        let parent = place(&placed, *original, &mut tally);
        let Some(known) = placed.get_mut(original) else {
            continue;
        };
        known.tag.parent = parent;
        if let Some(parent) = parent.filter(|_parent| known.is_new) {
            import.set_parent(known.tag.id, parent).await?;
        }
    }
    let ids = placed
        .iter()
        .map(|(original, known)| (*original, (known.tag.id, known.tenant)));
    job.known.tags = ids.collect();
    job.known.tree = TagTree::new(placed.into_values().map(|known| known.tag));
    Ok(tally)
}

async fn one(
    job: &Job,
    import: &mut Import,
    (row, tally): (&SourceRow, &mut Tally),
) -> Result<Option<Placed>, ImportError> {
    let tenant: i64 = row.get("tenant")?;
    let name: &str = row.get("name")?;
    let Some(tenant) = job.known.tenants.get(&tenant) else {
        tally.leave_out_one("its tenant did not come over", name);
        return Ok(None);
    };
    let tenant = tenant.id;
    let settings = TagSettings {
        name: name.to_owned(),
        parent: None,
        description: row.get("description")?,
        color: row.get("color")?,
        metadata: metadata(row, tally)?,
        session_budget: maybe_limit(row, "session_budget", (tally, name))?,
        is_active: row.get("is_active")?,
    };
    let id: i64 = row.get("id")?;
    let text = id.to_string();
    let known = import.mark_of(job.original(KIND, &text)).await?;
    let (id, is_new) = if let Some(known) = known {
        tally.already_there += 1;
        (TagId(known.our_id), false)
    } else {
        tally.imported += 1;
        let made_at = UtcMicros::new(row.get("created_at")?);
        let (id, is_new) = merged(import, tenant, (&settings, made_at), tally).await?;
        import.mark(job.original(KIND, &text), id.0).await?;
        (id, is_new)
    };
    let tag = Tag {
        id,
        name: settings.name,
        parent: None,
        is_active: settings.is_active,
        session_budget: settings.session_budget,
    };
    Ok(Some(Placed {
        tag,
        tenant,
        parent: row.get("parent")?,
        is_new,
    }))
}

/// The tag, and whether it was made.
async fn merged(
    import: &mut Import,
    tenant: TenantId,
    (tag, made_at): (&TagSettings, UtcMicros),
    tally: &mut Tally,
) -> Result<(TagId, bool), ImportError> {
    if let Some(id) = import.tag_named(tenant, &tag.name).await? {
        tally.adjust("it is the tag of this name that was here", &tag.name);
        return Ok((id, false));
    }
    Ok((import.add_tag(tenant, tag, made_at).await?, true))
}

/// Only objects have a place here.
fn metadata(row: &SourceRow, tally: &mut Tally) -> Result<Option<String>, ImportError> {
    let text: Option<String> = row.get("metadata")?;
    let is_object = |text: &String| text.starts_with('{');
    if text.as_ref().is_some_and(|text| !is_object(text)) {
        tally.adjust("metadata that is no object is left out", row.get("name")?);
    }
    Ok(text.filter(is_object))
}

/// What a tag stands under here: nothing, where that would be a circle, or too deep, or another tenant's.
fn place(placed: &HashMap<i64, Placed>, original: i64, tally: &mut Tally) -> Option<TagId> {
    let known = placed.get(&original)?;
    let parent = known.parent?;
    let up = |id: &i64| placed.get(id).and_then(|known| known.parent);
    let line: Vec<i64> = std::iter::successors(Some(parent), up)
        .take(DEPTH_MAX)
        .collect();
    let found = placed
        .get(&parent)
        .filter(|parent| parent.tenant == known.tenant);
    if found.is_none() || line.contains(&original) || line.len() >= DEPTH_MAX {
        tally.adjust(
            "a parent that is missing, too deep, or below it is left out",
            &known.tag.name,
        );
        return None;
    }
    found.map(|parent| parent.tag.id)
}
