//! Requests that routes refuse, and in which words.

const TENANT: &str = "/admin/tenant";
const LIMIT: &str = "/admin/tenant/1/ratelimit";
const BUDGETS: &str = "/admin/tenant/1/budgets";
const BUDGET: &str = "/admin/budget/1";
const PRICES: &str = "/admin/model-pricing";
const PRICE: &str = "/admin/model-pricing/gpt-test";
const RETIREMENT: &str = "/admin/model-pricing/gpt-test/retire";

/// Method, path, body, and what the refusal says.
type BadRequest = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
pub(super) const BAD_TENANTS: &[BadRequest] = &[
    ("POST", TENANT, "", "must be a JSON object"),
    ("POST", TENANT, "{", "must be a JSON object"),
    ("POST", TENANT, r#"["acme"]"#, "must be a JSON object"),
    ("POST", TENANT, "null", "must be a JSON object"),
    ("POST", TENANT, "{}", "Missing name"),
    ("POST", TENANT, r#"{"name":"  "}"#, "Missing name"),
    ("POST", TENANT, r#"{"name":7}"#, "name must be a string"),
    ("POST", TENANT, r#"{"name":"a\u0000b"}"#, "name must be at most"),
    ("POST", TENANT, r#"{"name":" acme "}"#, "Tenant already exists"),
    ("POST", TENANT, r#"{"name":"b","defaultSessionBudgetUsd":"x"}"#, "must be a number"),
    ("POST", TENANT, r#"{"name":"b","defaultSessionBudgetUsd":-1}"#, "must be >= 0"),
    ("POST", TENANT, r#"{"name":"b","timeZone":"Mars/Base"}"#, "timeZone must be"),
    ("PUT", "/admin/tenant/1", r#"{"name":" "}"#, "Name cannot be empty"),
    ("PUT", "/admin/tenant/1", r#"{"name":null}"#, "Name cannot be empty"),
    ("PUT", LIMIT, "{}", "rateLimitPerMin is required"),
    ("PUT", LIMIT, r#"{"rateLimitPerMin":-1}"#, "rateLimitPerMin must be >= 0"),
    ("PUT", LIMIT, r#"{"rateLimitPerMin":1.5}"#, "must be a whole number"),
    ("PUT", LIMIT, r#"{"rateLimitPerMin":true}"#, "must be a whole number"),
    ("PUT", LIMIT, r#"{"rateLimitPerMin":1e99}"#, "must be a whole number"),
    ("PUT", LIMIT, r#"{"rateLimitPerMin":5000000000}"#, "must be <="),
    ("POST", "/admin/tenant/1/apikeys", "[]", "must be a JSON object"),
    ("POST", "/admin/tenant/1/apikeys", r#"{"name":[]}"#, "name must be a string"),
];

#[rustfmt::skip]
pub(super) const BAD_BUDGETS: &[BadRequest] = &[
    ("POST", BUDGETS, "{}", "Missing budgets"),
    ("POST", BUDGETS, r#"{"budgets":{}}"#, "budgets must be an array"),
    ("POST", BUDGETS, r#"{"budgets":[1]}"#, "budgets/0 must be an object"),
    ("POST", BUDGETS, r#"{"budgets":[[]]}"#, "budgets/0 must be an object"),
    ("POST", BUDGETS, r#"{"budgets":[{"amountUsd":1}]}"#, "budgets/0/period is required"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"yearly","amountUsd":1}]}"#, "Invalid period"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"","amountUsd":1}]}"#, "Invalid period"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily"}]}"#, "amountUsd is required"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":-0.01}]}"#, "budgets/0/amountUsd must be >= 0"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":NaN}]}"#, "must be a JSON object"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":"NaN"}]}"#, "must be a number"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":1e300}]}"#, "is too large"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":0.0000000001}]}"#, "too many decimal places"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":[1]}]}"#, "must be a number"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"daily","amountUsd":1},{"period":"daily","amountUsd":2}]}"#, "given twice"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"custom","amountUsd":1,"startDate":"2026-02-01","endDate":"2026-01-31"}]}"#, "endDate must be equal to or after"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"custom","amountUsd":1,"startDate":"2026-02-01","endDate":"soon"}]}"#, "requires valid startDate and endDate"),
    ("POST", BUDGETS, r#"{"budgets":[{"period":"custom","amountUsd":1,"startDate":"2026-02-30","endDate":"2026-03-01"}]}"#, "requires valid startDate"),
    ("PUT", BUDGET, r#"{"period":"custom"}"#, "requires valid startDate and endDate"),
    ("PUT", BUDGET, r#"{"period":"never"}"#, "Invalid period"),
    ("PUT", BUDGET, r#"{"amountUsd":-1}"#, "must be >= 0"),
    ("PUT", BUDGET, r#"{"amountUsd":null}"#, "amountUsd is required"),
];

#[rustfmt::skip]
pub(super) const BAD_PRICES: &[BadRequest] = &[
    ("POST", PRICES, r#"{"versionTag":"v1"}"#, "model is required"),
    ("POST", PRICES, r#"{"model":"gpt-test","versionTag":"v","inputPrice":1,"cachedInputPrice":1,"outputPrice":1}"#, "already exists"),
    ("POST", PRICES, r#"{"model":"m","versionTag":"v","inputPrice":1,"outputPrice":1}"#, "cachedInputPrice is required"),
    ("POST", PRICES, r#"{"model":"m","versionTag":"v","inputPrice":-1,"outputPrice":1,"cachedInputPrice":1}"#, "inputPrice must be >= 0"),
    ("POST", PRICES, r#"{"model":"m","versionTag":"v","provider":"acme"}"#, "provider must be one of"),
    ("PUT", PRICE, r#"{"inputPrice":0.0000001}"#, "too many decimal places"),
    ("PUT", PRICE, r#"{"model":"other"}"#, "model cannot be changed"),
    ("PUT", PRICE, r#"{"rates":[{"kind":"smell","price":1}]}"#, "rates/0/kind must be one of"),
    ("PUT", PRICE, r#"{"rates":[{"kind":"input"}]}"#, "rates/0/price is required"),
    ("PUT", PRICE, r#"{"rates":[{"kind":"input","price":1,"tier":"warp"}]}"#, "tier must be one of"),
    ("PUT", PRICE, r#"{"rates":[{"kind":"input","price":1,"tier":"flex","aboveInputTokens":9}]}"#, "none from 0 tokens on"),
    ("PUT", PRICE, r#"{"rates":[{"kind":"input","price":1,"aboveInputTokens":9}]}"#, "lacks `output`"),
    ("PUT", PRICE, r#"{"inputPrice":1,"effectiveFrom":"soon"}"#, "effectiveFrom must be a day"),
    ("PUT", PRICE, r#"{"inputPrice":1,"effectiveFrom":null}"#, "effectiveFrom must be a day"),
    ("PUT", PRICE, r#"{"inputPrice":1,"effectiveFrom":1795000000}"#, "effectiveFrom must be a day"),
    ("POST", PRICES, r#"{"model":"m","versionTag":"v","inputPrice":1,"cachedInputPrice":1,"outputPrice":1,"effectiveFrom":"2026-02-30"}"#, "effectiveFrom must be a day"),
    ("POST", RETIREMENT, r#"{"effectiveFrom":"0001-01-01"}"#, "effectiveFrom must be a day"),
    ("POST", RETIREMENT, r#"{"versionTag":""}"#, "versionTag is required"),
    ("POST", RETIREMENT, r#"{"provider":"acme"}"#, "provider must be one of"),
    ("POST", RETIREMENT, "[]", "must be a JSON object"),
];

#[rustfmt::skip]
pub(super) const BAD_QUERIES: &[BadRequest] = &[
    ("GET", "/admin/tenant/1/usage/history?days=0", "", "days must be"),
    ("GET", "/admin/tenant/1/usage/history?days=1.5", "", "days must be"),
    ("GET", "/admin/tenant/1/usage/history?startDate=2026-01-01", "", "need each other"),
    ("GET", "/admin/tenant/1/usage/history?startDate=2026-01-32&endDate=2026-02-01", "", "Invalid date format"),
    ("GET", "/admin/tenant/1/usage/history?startDate=2026-01-02&endDate=2026-01-01", "", "startDate must be before endDate"),
    ("GET", "/admin/tenant/1/usage/models?startDate=1970-01-01&endDate=2026-01-01", "", "days apart"),
    ("GET", "/admin/tenant/1/usage/ledger?limit=0", "", "from 1 to 1000"),
    ("GET", "/admin/tenant/1/usage/ledger?limit=-5", "", "from 1 to 1000"),
    ("GET", "/admin/tenant/1/usage/ledger?limit=1001", "", "from 1 to 1000"),
    ("GET", "/admin/tenant/1/usage/ledger?page=-1", "", "page must be"),
    ("GET", "/admin/tenant/1/usage/ledger?page=x", "", "page must be"),
    ("GET", "/admin/tenant/1/usage/ledger?status=odd", "", "status must be one of"),
    ("GET", "/admin/tenant/1/usage/ledger?model=%00", "", "model must be at most"),
    ("GET", "/admin/tenant/1/usage/ledger?startDate=2026-01-02&endDate=2026-01-01", "", "must be before"),
    ("GET", "/admin/usage/ledger?tenantId=x", "", "Invalid tenant ID"),
    ("GET", "/admin/tenant?limit=0", "", "from 1 to 1000"),
    ("GET", "/admin/model-pricing?page=-1", "", "page must be"),
    ("GET", "/admin/model-pricing?at=soon", "", "Invalid date format"),
    ("GET", "/admin/model-pricing?retired=maybe", "", "retired must be true or false"),
    ("GET", "/admin/model-pricing?provider=acme", "", "provider must be one of"),
    ("GET", "/admin/model-pricing/gpt-test/history?limit=1001", "", "limit must be"),
];
