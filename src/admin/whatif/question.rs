//! Reads the question. Whatever it names has to exist, and nothing in it is passed over: a change that is not
//! understood would look like one that changes nothing.

use jiff::tz::TimeZone;

use crate::admin::budgets::{read_amount, read_calls, read_mode, read_period};
use crate::admin::dates::Moment;
use crate::admin::error::AdminError;
use crate::admin::fields::Fields;
use crate::admin::tag_budgets;
use crate::catalog::Snapshot;
use crate::domain::budget::{Budget, Coverage, Scope};
use crate::domain::id::{ApiKeyId, BudgetId, TagId, TenantId};
use crate::domain::money::Usd;
use crate::domain::window::{Period, Window};
use crate::store::budgets::BudgetSettings;
use crate::whatif::change::{BudgetChange, Changes, RateChange, RateOwner, new_id};
use crate::whatif::{Question, RANGE_MAX};

/// The most changes of one kind.
const CHANGES_MAX: usize = 100;
/// The longest text of rules.
const POLICY_BYTES_MAX: usize = 64 * 1024;
const LIMIT_MAX: u32 = 1_000_000_000;
const ID_MAX: u64 = i64::MAX.unsigned_abs();

const FIELDS: [&str; 5] = ["from", "to", "tenantId", "apiKeyId", "changes"];
const CHANGES: [&str; 6] = [
    "setBudgets",
    "alterBudgets",
    "removeBudgets",
    "rateLimits",
    "defaultBudgets",
    "policy",
];

/// Reads all of it.
pub(super) fn read(fields: &Fields, snapshot: &Snapshot) -> Result<Question, AdminError> {
    only(fields, &FIELDS)?;
    let tenant = id(fields, "tenantId")?.map(TenantId);
    if tenant.is_some_and(|id| !snapshot.tenants.contains_key(&id)) {
        return Err(fields.problem("tenantId", "names no tenant"));
    }
    let key = id(fields, "apiKeyId")?.map(ApiKeyId);
    if key.is_some_and(|key| snapshot.owner_of_key(key).is_none()) {
        return Err(fields.problem("apiKeyId", "names no API key"));
    }
    let changes = match fields.nested("changes")? {
        Some(changes) => read_changes(&changes, snapshot)?,
        None => Changes::default(),
    };
    Ok(Question {
        window: window(fields)?,
        tenant,
        key,
        changes,
    })
}

/// Refuses fields of other names.
fn only(fields: &Fields, known: &[&str]) -> Result<(), AdminError> {
    let names = fields.names(usize::MAX)?;
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(fields.problem(unknown, "is not known here")),
        None => Ok(()),
    }
}

fn window(fields: &Fields) -> Result<Window, AdminError> {
    let moment = |name: &str| {
        let moment = fields.date(name)?;
        moment.ok_or_else(|| fields.problem(name, "must be a date or an instant"))
    };
    let (from, to): (Moment, Moment) = (moment("from")?, moment("to")?);
    let (start, end) = (from.start(&TimeZone::UTC), to.end(&TimeZone::UTC));
    let (Some(start), Some(end)) = (start, end) else {
        return Err(fields.problem("to", "must be a date or an instant"));
    };
    if end <= start {
        return Err(fields.problem("to", "must not be before from"));
    }
    if end.since(start) > RANGE_MAX {
        let days = RANGE_MAX.as_secs() / (24 * 60 * 60);
        return Err(fields.problem("to", &format!("must be at most {days} days after from")));
    }
    Ok(Window { start, end })
}

fn read_changes(fields: &Fields, snapshot: &Snapshot) -> Result<Changes, AdminError> {
    only(fields, &CHANGES)?;
    let mut budgets = Vec::new();
    let removed = fields.texts_or_numbers("removeBudgets", CHANGES_MAX)?;
    for text in removed.unwrap_or_default() {
        let known = text.parse().ok().map(BudgetId);
        let known = known.filter(|id| find_budget(snapshot, *id).is_some());
        let gone = known.ok_or_else(|| fields.problem("removeBudgets", "names no budget"))?;
        budgets.push(BudgetChange::Remove(gone));
    }
    let altered = fields.objects("alterBudgets", CHANGES_MAX)?;
    for item in altered.unwrap_or_default() {
        budgets.push(alter(&item, snapshot)?);
    }
    let set = fields.objects("setBudgets", CHANGES_MAX)?;
    for (index, item) in set.unwrap_or_default().iter().enumerate() {
        budgets.push(set_one(item, index, snapshot)?);
    }
    let rates = fields.objects("rateLimits", CHANGES_MAX)?;
    let rates = rates.unwrap_or_default();
    let rates = rates.iter().map(|item| rate(item, snapshot));
    let defaults = fields.nested("defaultBudgets")?;
    Ok(Changes {
        budgets,
        rates: rates.collect::<Result<_, _>>()?,
        defaults: defaults.map_or(Ok(Vec::new()), |fields| read_defaults(&fields))?,
        policy: fields.source("policy", POLICY_BYTES_MAX)?,
    })
}

/// A budget as it would have been, of whichever scope the fields name; without one, the installation's.
fn set_one(item: &Fields, index: usize, snapshot: &Snapshot) -> Result<BudgetChange, AdminError> {
    let (tenant, scope) = scope(item, snapshot)?;
    let zone = zone_of(snapshot, tenant);
    let period = read_period(item, &zone, None)?;
    let plain = BudgetSettings::plain(period, read_amount(item, None)?);
    let settings = settings(plain, item, scope)?;
    Ok(put(new_id(index), tenant, scope, settings))
}

/// A budget that there is, with what the fields name about it.
fn alter(item: &Fields, snapshot: &Snapshot) -> Result<BudgetChange, AdminError> {
    let id = id(item, "budgetId")?.ok_or_else(|| item.required("budgetId"))?;
    let known = find_budget(snapshot, BudgetId(id));
    let known = known.ok_or_else(|| item.problem("budgetId", "names no budget"))?;
    let zone = zone_of(snapshot, known.tenant);
    let before = BudgetSettings {
        calls: known.coverage.calls.clone(),
        weight: known.coverage.weight,
        inheritance: known.inheritance,
        mode: known.mode,
        ..BudgetSettings::plain(
            read_period(item, &zone, Some(known.period))?,
            read_amount(item, Some(known.limit))?,
        )
    };
    let scope = known.coverage.scope;
    let settings = settings(before, item, scope)?;
    Ok(put(known.id, known.tenant, scope, settings))
}

/// What the fields say beside period and amount. Only tags have weights, and modes of inheritance.
fn settings(
    before: BudgetSettings,
    item: &Fields,
    scope: Scope,
) -> Result<BudgetSettings, AdminError> {
    match scope {
        Scope::Tag(_) => tag_budgets::change(before, item),
        Scope::Installation | Scope::Tenant(_) | Scope::Key(_) | Scope::Session(_) => {
            Ok(BudgetSettings {
                calls: read_calls(item, &before.calls)?,
                mode: read_mode(item, before.mode)?,
                ..before
            })
        }
    }
}

fn put(
    id: BudgetId,
    tenant: Option<TenantId>,
    scope: Scope,
    settings: BudgetSettings,
) -> BudgetChange {
    BudgetChange::Put(Box::new(Budget {
        id,
        tenant,
        coverage: Coverage {
            scope,
            calls: settings.calls,
            weight: settings.weight,
        },
        period: settings.period,
        limit: settings.limit,
        inheritance: settings.inheritance,
        thresholds: None,
        mode: settings.mode,
    }))
}

fn scope(item: &Fields, snapshot: &Snapshot) -> Result<(Option<TenantId>, Scope), AdminError> {
    let owners = ["tenantId", "apiKeyId", "tagId"];
    if owners.iter().filter(|name| item.has(name)).count() > 1 {
        return Err(item.problem(
            "tenantId",
            "must be the only one of tenantId, apiKeyId and tagId",
        ));
    }
    if let Some(tenant) = id(item, "tenantId")?.map(TenantId) {
        let known = snapshot.tenants.contains_key(&tenant);
        let tenant = known.then_some(tenant);
        let tenant = tenant.ok_or_else(|| item.problem("tenantId", "names no tenant"))?;
        return Ok((Some(tenant), Scope::Tenant(tenant)));
    }
    if let Some(key) = id(item, "apiKeyId")?.map(ApiKeyId) {
        let owner = snapshot.owner_of_key(key);
        let owner = owner.ok_or_else(|| item.problem("apiKeyId", "names no API key"))?;
        return Ok((Some(owner), Scope::Key(key)));
    }
    if let Some(tag) = id(item, "tagId")?.map(TagId) {
        let mut entries = snapshot.tenants.values();
        let owner = entries.find(|entry| entry.tags.get(tag).is_some());
        let owner = owner.ok_or_else(|| item.problem("tagId", "names no tag"))?;
        return Ok((Some(owner.tenant.id), Scope::Tag(tag)));
    }
    Ok((None, Scope::Installation))
}

fn rate(item: &Fields, snapshot: &Snapshot) -> Result<RateChange, AdminError> {
    let limit = |name: &str| {
        let limit = item.whole(name, u64::from(LIMIT_MAX))?;
        Ok::<_, AdminError>(limit.and_then(|limit| u32::try_from(limit).ok()))
    };
    let subject = match scope(item, snapshot)? {
        (_, Scope::Tenant(tenant)) => RateOwner::Tenant(tenant),
        (_, Scope::Key(key)) => RateOwner::Key(key),
        (_, Scope::Installation | Scope::Tag(_) | Scope::Session(_)) => {
            return Err(item.problem("tenantId", "or apiKeyId is required"));
        }
    };
    Ok(RateChange {
        subject,
        requests: limit("rateLimitPerMin")?,
        tokens: limit("tokensPerMin")?,
        concurrent: limit("maxConcurrent")?,
    })
}

fn read_defaults(fields: &Fields) -> Result<Vec<(Period, Option<Usd>)>, AdminError> {
    let mut defaults = Vec::new();
    for name in fields.names(CHANGES_MAX)? {
        let period = Period::from_parts(&name, None, None);
        let period =
            period.map_err(|error| fields.problem(&name, &format!("is no period: {error}")))?;
        defaults.push((period, fields.amount(&name)?));
    }
    Ok(defaults)
}

fn id(fields: &Fields, name: &str) -> Result<Option<i64>, AdminError> {
    let id = fields.whole(name, ID_MAX)?;
    Ok(id.and_then(|id| i64::try_from(id).ok()))
}

fn find_budget(snapshot: &Snapshot, id: BudgetId) -> Option<&Budget> {
    let own = snapshot.tenants.values().flat_map(|entry| entry.budgets());
    let mut every = own.chain(snapshot.installation());
    let found = every.find(|entry| entry.budget.id == id);
    found.map(|entry| &entry.budget)
}

fn zone_of(snapshot: &Snapshot, tenant: Option<TenantId>) -> TimeZone {
    let entry = tenant.and_then(|id| snapshot.tenants.get(&id));
    entry.map_or(TimeZone::UTC, |entry| entry.tenant.time_zone.clone())
}
