//! What paths and query strings may say, as the document shows it. Routes read it by name
//! (`admin/path.rs`, `admin/query.rs`), so none of these is ever made.

use utoipa::IntoParams;

use crate::admin::document::schemas::{
    ActorKind, Amount, DimensionName, FileFormat, FlagAsked, HealthName, KnownProvider, OrderName,
    RequestStatus, ScopeName, SessionStatus, SortName,
};
use crate::domain::id::{ApiKeyId, BudgetId, BundleVersion, RuleId, TagId, TenantId, UserId};

/// A tenant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct TenantPath {
    id: TenantId,
}

/// A key.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct KeyPath {
    id: ApiKeyId,
}

/// A budget.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct BudgetPath {
    id: BudgetId,
}

/// A tag of a tenant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct TagPath {
    id: TenantId,
    tag: TagId,
}

/// A tagging rule of a tenant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct RulePath {
    id: TenantId,
    rule: RuleId,
}

/// A version of a tenant's policy.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct BundlePath {
    id: TenantId,
    version: BundleVersion,
}

/// A session.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct SessionNamed {
    /// The id that the caller gave it.
    #[param(max_length = 200)]
    session: String,
}

/// A session of a tenant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct SessionOfTenant {
    id: TenantId,
    /// The id that the caller gave it.
    #[param(max_length = 200)]
    session: String,
}

/// A price.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct PriceNamed {
    /// The id of any of its versions, which is all digits, or the name of its model.
    #[param(rename = "idOrModel")]
    id_or_model: String,
}

/// A provider.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct ProviderPath {
    #[param(inline)]
    provider: KnownProvider,
}

/// A user of the admin API.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::admin) struct UserPath {
    id: UserId,
}

/// What is wanted of the audit log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct AuditQuery {
    tenant_id: Option<TenantId>,
    /// What kind of actor did it.
    #[param(inline)]
    actor: Option<ActorKind>,
    /// Which user did it.
    actor_id: Option<UserId>,
    /// What was done, such as `tenant.update`.
    #[param(max_length = 200)]
    action: Option<String>,
    /// To what kind of thing, such as `tenant`.
    #[param(max_length = 200)]
    target: Option<String>,
    /// To which of its kind; needs `target`.
    #[param(max_length = 200)]
    target_id: Option<String>,
    /// From this day or instant on.
    start_date: Option<String>,
    /// Until this day, which counts as a whole, or instant.
    end_date: Option<String>,
    /// What `next` of a page was.
    before: Option<String>,
    /// 100 when it is left out.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

/// A part of a list that is otherwise shown whole.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct PartQuery {
    /// From zero.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

/// A page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct PageQuery {
    /// From zero.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    page: Option<u64>,
    /// 100 when it is left out.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

/// Where a page begins that follows another.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct CursorQuery {
    /// The `nextCursor` of the page before, in the place of a number.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// How a file is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct FormatQuery {
    /// `jsonl` when it is left out.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// A page of a list; pages count from one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct PageFromOneQuery {
    /// From one.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    page: Option<u64>,
    /// 50 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A time: the last days until now, or from one date to another.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct DaysQuery {
    /// 30 when it is left out; not used when dates are given.
    #[param(minimum = 1, maximum = 3_660)]
    days: Option<u64>,
    /// A day such as `2026-01-31`, or an instant. It needs `endDate`.
    start_date: Option<String>,
    /// A day, which counts as a whole, or an instant.
    end_date: Option<String>,
}

/// A time of at most a year.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct YearQuery {
    /// 30 when it is left out; not used when dates are given.
    #[param(minimum = 1, maximum = 365)]
    days: Option<u64>,
    /// A day such as `2026-01-31`, or an instant. It needs `endDate`.
    start_date: Option<String>,
    /// A day, which counts as a whole, or an instant.
    end_date: Option<String>,
}

/// Which rows of the ledger are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct RowQuery {
    /// A part of the model's name.
    #[param(max_length = 200)]
    model: Option<String>,
    /// A part of the route.
    #[param(max_length = 200)]
    route: Option<String>,
    #[param(inline)]
    status: Option<RequestStatus>,
    /// The provider's name.
    #[param(max_length = 200)]
    provider: Option<String>,
    /// The key that was used.
    key_id: Option<ApiKeyId>,
    /// Dollars that a row costs at least.
    #[param(inline)]
    min_cost: Option<Amount>,
    /// Dollars that a row costs at most.
    #[param(inline)]
    max_cost: Option<Amount>,
}

/// In which order rows are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct SortQuery {
    /// `at` when it is left out.
    #[param(inline)]
    sort: Option<SortName>,
    /// `desc` when it is left out.
    #[param(inline)]
    order: Option<OrderName>,
}

/// A row of the ledger.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub(in crate::admin) struct RowPath {
    /// The `id` of the row, which `x-budgetguard-request-id` said.
    request_id: String,
}

/// What requests are told apart by, and how many groups are shown.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct BreakdownQuery {
    /// One or two, with a comma between or given twice; `key` goes neither with `route` nor with
    /// `status`.
    #[param(inline, min_items = 1, max_items = 2)]
    by: Vec<DimensionName>,
    /// 1000 when it is left out.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<u64>,
}

/// Whose requests are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct TenantQuery {
    tenant_id: Option<TenantId>,
}

/// Which budgets are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct HealthQuery {
    tenant_id: Option<TenantId>,
    #[param(inline)]
    scope: Option<ScopeName>,
    #[param(inline)]
    status: Option<HealthName>,
}

/// Whose rows are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct OwnerQuery {
    /// A part of the tenant's name.
    #[param(max_length = 200)]
    tenant: Option<String>,
    tenant_id: Option<TenantId>,
}

/// Which prices are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct PriceQuery {
    /// Those in force at this day or instant; now when it is left out.
    at: Option<String>,
    /// Those that begin later, instead.
    #[param(inline)]
    scheduled: Option<FlagAsked>,
    /// A part of the model's name.
    #[param(max_length = 200)]
    search: Option<String>,
    #[param(inline)]
    provider: Option<KnownProvider>,
    #[param(max_length = 200)]
    mode: Option<String>,
    #[param(inline)]
    retired: Option<FlagAsked>,
}

/// Which of the providers that have a model is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct ProviderQuery {
    #[param(inline)]
    provider: Option<KnownProvider>,
}

/// Which tags are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct TagQuery {
    #[param(inline)]
    include_inactive: Option<FlagAsked>,
    /// Only those right below this one.
    parent_id: Option<TagId>,
}

/// Which tags are told about.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct TagsAskedQuery {
    /// All when it is left out.
    #[param(max_items = 100)]
    tag_id: Option<Vec<TagId>>,
}

/// Which sessions are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct SessionQuery {
    /// Made on this day or later.
    start_date: Option<String>,
    /// Made on this day or earlier.
    end_date: Option<String>,
    #[param(inline)]
    status: Option<SessionStatus>,
    /// A part of the id or the name.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// Whose session is meant where several tenants have one of the id.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(in crate::admin) struct SessionOwnerQuery {
    tenant_id: Option<TenantId>,
}

/// Keys to ask providers with instead of the installation's.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::admin) struct ProviderKeysHeader {
    #[param(rename = "X-OpenAI-Key")]
    openai: Option<String>,
    #[param(rename = "X-Anthropic-Key")]
    anthropic: Option<String>,
    #[param(rename = "X-Google-API-Key")]
    google: Option<String>,
}
