//! The question of `POST /admin/whatif`, as the document shows it. The route reads it field by field.

use utoipa::ToSchema;

use crate::admin::document::bodies::{BudgetRest, NewBudget};
use crate::admin::document::schemas::{Amount, IdAsked, PeriodName, RateLimit};

/// A time, and what would have been different in it.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::admin) struct WhatIfQuestion {
    /// From a day such as `2026-01-31` (UTC), or an instant.
    from: String,
    /// Until a day, which counts as a whole, or an instant; at most 366 days later.
    to: String,
    /// Tell only of this tenant.
    tenant_id: Option<IdAsked>,
    /// Tell only of this key.
    api_key_id: Option<IdAsked>,
    changes: Option<WhatIfChanges>,
}

/// What would have been different.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::admin) struct WhatIfChanges {
    /// Budgets, each in place of the one of the same scope, period and calls.
    #[schema(max_items = 100)]
    set_budgets: Option<Vec<SetBudget>>,
    /// Budgets that there are; what is left out stays.
    #[schema(max_items = 100)]
    alter_budgets: Option<Vec<AlteredBudget>>,
    /// Ids of budgets that would not have been.
    #[schema(max_items = 100)]
    remove_budgets: Option<Vec<IdAsked>>,
    #[schema(max_items = 100)]
    rate_limits: Option<Vec<AskedRateLimit>>,
    /// By period: what tenants may spend that have no budget of their own; `null` is no limit.
    #[schema(value_type = Option<BTreeMap<String, Amount>>)]
    default_budgets: Option<()>,
    /// Rules in Rego.
    #[schema(max_length = 65_536)]
    policy: Option<String>,
}

/// A budget of one of a tenant, a key or a tag; else of the installation.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct SetBudget {
    tenant_id: Option<IdAsked>,
    api_key_id: Option<IdAsked>,
    tag_id: Option<IdAsked>,
    #[serde(flatten)]
    budget: NewBudget,
}

/// A budget that there is, changed.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct AlteredBudget {
    budget_id: IdAsked,
    #[schema(inline)]
    period: Option<PeriodName>,
    amount_usd: Option<Amount>,
    #[serde(flatten)]
    rest: BudgetRest,
}

/// Limits of a tenant or of a key; 0 is unlimited, and what is left out stays.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct AskedRateLimit {
    tenant_id: Option<IdAsked>,
    api_key_id: Option<IdAsked>,
    rate_limit_per_min: Option<RateLimit>,
    tokens_per_min: Option<RateLimit>,
    max_concurrent: Option<RateLimit>,
}
