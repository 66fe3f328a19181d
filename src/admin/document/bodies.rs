//! The bodies that routes read, as the document shows them. Routes read them field by field
//! (`admin/fields.rs`), so none of these is ever made; `tests/admin/routes` holds them to what the
//! routes take and refuse.

use utoipa::ToSchema;

use crate::admin::document::schemas::{
    Amount, EnforcementName, IdAsked, InheritanceAsked, KnownProvider, PatternsAsked, PeriodName,
    PriceRate, Priority, RateKindName, RateLimit, ThresholdsAsked, TierName, Tokens, WeightAsked,
};
use crate::domain::user::Role;

/// The admin key, or the name and the password of a user.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Login {
    #[schema(min_length = 1, max_length = 1_024)]
    admin_key: Option<String>,
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 1_024)]
    password: Option<String>,
}

/// One's own password, and the one that is to be.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct OwnPassword {
    #[schema(min_length = 1, max_length = 1_024)]
    current_password: String,
    #[schema(min_length = 12, max_length = 1_024)]
    new_password: String,
}

/// A new user.
#[derive(ToSchema)]
pub(in crate::admin) struct NewUser {
    /// Unlike those of all other users, in any case.
    #[schema(max_length = 200, pattern = r"\S")]
    name: String,
    role: Role,
    #[schema(min_length = 12, max_length = 1_024)]
    password: String,
}

/// What is to change about a user; what is left out stays.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct ChangedUser {
    /// Unlike those of all other users, in any case.
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    name: Option<String>,
    role: Option<Role>,
    is_active: Option<bool>,
    #[schema(min_length = 12, max_length = 1_024)]
    password: Option<String>,
}

/// A new tenant.
#[derive(ToSchema)]
pub(in crate::admin) struct NewTenant {
    /// Unlike those of all other tenants.
    #[schema(max_length = 200, pattern = r"\S")]
    name: String,
    #[serde(flatten)]
    settings: TenantSettings,
}

/// What is to change about a tenant; what is left out stays.
#[derive(ToSchema)]
pub(in crate::admin) struct TenantChange {
    /// Unlike those of all other tenants.
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    name: Option<String>,
    #[serde(flatten)]
    settings: TenantSettings,
}

/// What may be set of a tenant beside its name.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TenantSettings {
    /// Requests a minute; `null` is the installation's default.
    rate_limit_per_min: Option<RateLimit>,
    /// What each of its sessions may spend, unless something else is set.
    default_session_budget_usd: Option<Amount>,
    /// The name of the time zone whose calendar its budgets follow.
    #[schema(max_length = 200, example = "Europe/Paris")]
    time_zone: Option<String>,
}

/// What may be asked for at most; one of them has to be given, and `null` is no limit of its own.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct RateLimitChange {
    /// Requests a minute.
    rate_limit_per_min: Option<RateLimit>,
    /// Tokens a minute.
    tokens_per_min: Option<RateLimit>,
    /// Requests at once.
    max_concurrent: Option<RateLimit>,
}

/// Budgets, each with its own period and choice of calls. Those that exist are replaced.
#[derive(ToSchema)]
pub(in crate::admin) struct NewBudgets {
    #[schema(max_items = 100)]
    budgets: Vec<NewBudget>,
}

/// A budget.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct NewBudget {
    #[schema(inline)]
    period: PeriodName,
    amount_usd: Amount,
    #[serde(flatten)]
    rest: BudgetRest,
}

/// What is to change about a budget; what is left out stays.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct BudgetChange {
    #[schema(inline)]
    period: Option<PeriodName>,
    #[schema(nullable = false)]
    amount_usd: Option<Amount>,
    #[serde(flatten)]
    rest: BudgetRest,
}

/// What a budget may have beside period and amount.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct BudgetRest {
    /// For custom periods: a day such as `2026-01-31`, or an instant.
    start_date: Option<String>,
    /// For custom periods; the day counts as a whole.
    end_date: Option<String>,
    /// The models that it counts; all of them when it is empty.
    models: Option<PatternsAsked>,
    /// The providers that it counts; all of them when it is empty.
    providers: Option<PatternsAsked>,
    alert_thresholds: Option<ThresholdsAsked>,
    /// Whether it refuses, or only counts.
    #[schema(inline)]
    enforcement: Option<EnforcementName>,
}

/// A new key.
#[derive(ToSchema)]
pub(in crate::admin) struct NamedKey {
    /// What people call it.
    #[schema(max_length = 200)]
    name: Option<String>,
}

/// A budget of a tag.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct NewTagBudget {
    #[schema(inline)]
    period: PeriodName,
    amount_usd: Amount,
    #[serde(flatten)]
    rest: BudgetRest,
    #[serde(flatten)]
    of_tag: TagBudgetRest,
}

/// What is to change about a budget of a tag; what is left out stays. Dates are for custom periods only,
/// and the period itself stays.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TagBudgetChange {
    #[schema(nullable = false)]
    amount_usd: Option<Amount>,
    #[serde(flatten)]
    rest: BudgetRest,
    #[serde(flatten)]
    of_tag: TagBudgetRest,
}

/// What only budgets of tags have.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TagBudgetRest {
    /// How much of a request's charge counts on it.
    weight: Option<WeightAsked>,
    /// What it does to the requests of tags below: `NONE` is another name of `BYPASS`.
    #[schema(inline)]
    inheritance_mode: Option<InheritanceAsked>,
    is_active: Option<bool>,
}

/// A new tag.
#[derive(ToSchema)]
pub(in crate::admin) struct NewTag {
    /// Without commas and slashes; unlike those of the tenant's other tags.
    #[schema(max_length = 200, pattern = r"^[^,/]*[^,/\s][^,/]*$")]
    name: String,
    #[serde(flatten)]
    rest: TagRest,
}

/// What is to change about a tag; what is left out stays.
#[derive(ToSchema)]
pub(in crate::admin) struct TagChange {
    /// Without commas and slashes; unlike those of the tenant's other tags.
    #[schema(max_length = 200, pattern = r"^[^,/]*[^,/\s][^,/]*$", nullable = false)]
    name: Option<String>,
    #[serde(flatten)]
    rest: TagRest,
}

/// What a tag may have beside its name.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct TagRest {
    #[schema(max_length = 200)]
    description: Option<String>,
    /// The tag that it stands under.
    parent_id: Option<IdAsked>,
    #[schema(max_length = 200)]
    color: Option<String>,
    /// Kept as it is.
    #[schema(value_type = Option<Object>)]
    metadata: Option<()>,
    /// What a session with this tag may spend.
    session_budget_usd: Option<Amount>,
    is_active: Option<bool>,
}

/// A rule that gives tags to requests.
#[derive(ToSchema)]
pub(in crate::admin) struct NewRule {
    #[schema(max_length = 200, pattern = r"\S")]
    name: String,
    actions: RuleActions,
    #[serde(flatten)]
    rest: RuleRest,
}

/// What is to change about a rule; what is left out stays.
#[derive(ToSchema)]
pub(in crate::admin) struct RuleChange {
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    name: Option<String>,
    actions: Option<RuleActions>,
    #[serde(flatten)]
    rest: RuleRest,
}

/// What a rule may have beside its name and its tags.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct RuleRest {
    priority: Option<Priority>,
    is_active: Option<bool>,
    conditions: Option<RuleConditions>,
}

/// Which requests a rule is for: all that fit every list that is not empty.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct RuleConditions {
    routes: Option<PatternsAsked>,
    models: Option<PatternsAsked>,
    #[schema(max_items = 100)]
    api_key_ids: Option<Vec<IdAsked>>,
    /// Patterns of values, by the name of the header.
    #[schema(value_type = Option<BTreeMap<String, PatternsAsked>>)]
    headers: Option<()>,
}

/// What a rule does.
#[derive(ToSchema)]
pub(in crate::admin) struct RuleActions {
    #[schema(min_items = 1, max_items = 32)]
    tags: Vec<RuleTag>,
}

/// A tag that a rule gives.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct RuleTag {
    tag_id: IdAsked,
    weight: Option<WeightAsked>,
}

/// A model's price.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct NewPrice {
    #[schema(max_length = 200, pattern = r"\S")]
    model: String,
    #[schema(max_length = 200, pattern = r"\S")]
    version_tag: String,
    input_price: PriceRate,
    cached_input_price: PriceRate,
    output_price: PriceRate,
    /// `openai` when it is left out.
    #[schema(inline)]
    provider: Option<KnownProvider>,
    #[serde(flatten)]
    rest: PriceRest,
}

/// What is to change about a price; what is left out stays. Model and provider are there to say which one
/// is meant and cannot be changed.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct PriceUpdate {
    #[schema(max_length = 200)]
    model: Option<String>,
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    version_tag: Option<String>,
    #[schema(nullable = false)]
    input_price: Option<PriceRate>,
    #[schema(nullable = false)]
    cached_input_price: Option<PriceRate>,
    #[schema(nullable = false)]
    output_price: Option<PriceRate>,
    #[schema(inline)]
    provider: Option<KnownProvider>,
    #[serde(flatten)]
    rest: PriceRest,
}

/// What a price may have beside its base rates.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct PriceRest {
    /// From when on it is in force: a day or an instant; at once when it is left out.
    #[schema(nullable = false)]
    effective_from: Option<String>,
    /// What kind of model it is.
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    mode: Option<String>,
    max_input_tokens: Option<Tokens>,
    max_output_tokens: Option<Tokens>,
    #[schema(max_items = 200)]
    rates: Option<Vec<NewRate>>,
}

/// One rate.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct NewRate {
    #[schema(inline)]
    tier: Option<TierName>,
    /// The rate is for requests with more input tokens than this.
    above_input_tokens: Option<Tokens>,
    #[schema(inline)]
    kind: RateKindName,
    price: PriceRate,
}

/// From when on a model has no price.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Retirement {
    /// A day or an instant; at once when it is left out.
    #[schema(nullable = false)]
    effective_from: Option<String>,
    #[schema(max_length = 200, pattern = r"\S", nullable = false)]
    version_tag: Option<String>,
    /// Which one is meant where several have the model.
    #[schema(inline)]
    provider: Option<KnownProvider>,
}

/// What a session may spend.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct SessionBudget {
    budget_usd: Amount,
}

/// A provider's key that is to be tried.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct ProviderKey {
    /// It is used for this one question, and not kept.
    #[schema(max_length = 200, pattern = r"\S", format = Password)]
    api_key: String,
}
