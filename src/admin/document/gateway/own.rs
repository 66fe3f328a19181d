//! What callers may ask the gateway about themselves. The gateway writes these answers itself
//! (`gateway/own_budget.rs`, `gateway/receipts.rs`); `tests/api` holds them to what is told here.

use utoipa::{OpenApi, ToSchema};

use crate::admin::document::OWN;
use crate::admin::document::schemas::{
    ChargeBasis, PeriodName, PolicyFailureName, RateKindName, RequestStatus, ScopeName, TierName,
};

#[derive(OpenApi)]
#[openapi(paths(own_budget, receipt))]
pub(super) struct Own;

#[utoipa::path(get, path = "/v1/budget", tag = OWN, operation_id = "ownBudget",
    summary = "What the holder of a key may still spend.",
    security(("X-API-Key" = []), ("bearer" = [])),
    params(
        ("X-Tags" = Option<String>, Header, description = "Those of a request with these tags, too."),
        ("X-Session-Id" = Option<String>, Header, description = "That of this session, too.")),
    responses(
        (status = 200, body = OwnLimits, description = "The limits that its requests are under."),
        (status = "default", description = "A refusal, in the form of OpenAI.")))]
fn own_budget() {}

#[utoipa::path(get, path = "/v1/receipts/{request}", tag = OWN, operation_id = "receipt",
    summary = "What one request cost and how that came about.",
    security(("X-API-Key" = []), ("bearer" = [])),
    params(("request" = String, Path,
        description = "What `x-budgetguard-request-id` said.")),
    responses(
        (status = 200, body = Receipt, description = "The receipt."),
        (status = 404, description = "The tenant has no such request."),
        (status = "default", description = "A refusal, in the form of OpenAI.")))]
fn receipt() {}

/// Limits, in the form that providers have for lists.
#[derive(ToSchema)]
struct OwnLimits {
    #[schema(pattern = "^list$")]
    object: String,
    data: Vec<OwnLimit>,
}

/// A limit. The amounts are not told where the installation hides them.
#[derive(ToSchema)]
struct OwnLimit {
    #[schema(inline)]
    scope: ScopeName,
    /// The path of a tag, or the id of a session.
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(inline)]
    period: PeriodName,
    /// The models that it counts; all where it is left out.
    #[schema(nullable = false)]
    models: Option<Vec<String>>,
    /// The providers that it counts; all where it is left out.
    #[schema(nullable = false)]
    providers: Option<Vec<String>>,
    #[schema(nullable = false)]
    limit_usd: Option<String>,
    #[schema(nullable = false)]
    spent_usd: Option<String>,
    #[schema(nullable = false)]
    held_usd: Option<String>,
    #[schema(nullable = false)]
    remaining_usd: Option<String>,
    #[schema(required, format = DateTime)]
    starts_at: Option<String>,
    #[schema(required, format = DateTime)]
    resets_at: Option<String>,
}

/// One request.
#[derive(ToSchema)]
pub(in crate::admin) struct Receipt {
    #[schema(pattern = "^receipt$")]
    object: String,
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    route: String,
    provider: String,
    /// The model that is billed.
    model: String,
    model_asked: String,
    #[schema(required)]
    model_served: Option<String>,
    #[schema(inline)]
    service_tier: TierName,
    stream: bool,
    #[schema(inline)]
    status: RequestStatus,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    http_status: Option<u16>,
    usage: Vec<ReceiptUnits>,
    #[schema(required)]
    price_id: Option<i64>,
    cost_usd: String,
    held_usd: String,
    #[schema(inline)]
    basis: ChargeBasis,
    #[schema(required)]
    policy: Option<ReceiptPolicy>,
    #[schema(required)]
    session_id: Option<String>,
    #[schema(required)]
    attempt_of: Option<String>,
    #[schema(required)]
    upstream_request_id: Option<String>,
    latency_us: u64,
    #[schema(required)]
    first_byte_us: Option<u64>,
}

/// So many units of one kind.
#[derive(ToSchema)]
struct ReceiptUnits {
    #[schema(inline)]
    kind: RateKindName,
    units: u64,
}

/// What the policy said.
#[derive(ToSchema)]
struct ReceiptPolicy {
    #[schema(pattern = "^(allow|deny)$")]
    decision: String,
    /// The request on which it was decided.
    #[schema(required)]
    decision_id: Option<String>,
    /// SHA-256 of the rules.
    #[schema(required)]
    hash: Option<String>,
    /// The most output tokens that the rules left it.
    #[schema(nullable = false)]
    max_output_tokens: Option<u64>,
    /// The model that the rules chose.
    #[schema(nullable = false)]
    model: Option<String>,
    /// The rules failed, and the settings let it pass.
    #[schema(nullable = false, inline)]
    failed_open: Option<PolicyFailureName>,
}
