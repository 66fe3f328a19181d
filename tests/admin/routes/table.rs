//! The 45 routes of the original, in an order in which each can be called after those before it.
//!
//! Answers are told by their types: `int`, `num`, `str`, `bool`, `null`, `time` (to the millisecond),
//! `date`, `dec` (an exact decimal as text), `obj` (any object), `list` (any list), `any`, or several of
//! these with `|` between. A field whose name ends in `?` may be left out; a list has at least one
//! item unless it begins with `maybe`. Fields that the original has not are allowed.

/// What a route answers when its tenant is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenClosed {
    /// It says that there is nothing.
    Missing,
    /// It answers as before: history stays.
    Answers,
    /// It is not about a tenant.
    Apart,
}

pub(super) use WhenClosed::{Answers, Apart, Missing};

/// A route.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As the document names it.
    pub(super) path: &'static str,
    /// Path and query of a call that succeeds.
    pub(super) call: &'static str,
    /// Its body, with every field that the document tells of.
    pub(super) body: &'static str,
    /// The types of what it answers.
    pub(super) answer: &'static str,
    /// Other calls and bodies, and how they are refused.
    pub(super) refused: &'static [(&'static str, &'static str, u16, &'static str)],
    pub(super) when_closed: WhenClosed,
}

const TENANT: &str = r#"{"id":"int","name":"str","rateLimitPerMin":"int|null",
    "defaultSessionBudgetUsd":"num|null","createdAt":"time","updatedAt":"time"}"#;
const BUDGET: &str = r#"{"id":"int","tenantId":"int","period":"str","amountUsd":"dec",
    "startDate":"time|null","endDate":"time|null","createdAt":"time"}"#;
const BUDGETS: &str = r#"[{"id":"int","tenantId":"int","period":"str","amountUsd":"dec",
    "startDate":"time|null","endDate":"time|null","createdAt":"time"}]"#;
const PRICE: &str = r#"{"id":"int","model":"str","versionTag":"str","inputPrice":"dec",
    "cachedInputPrice":"dec","outputPrice":"dec","createdAt":"time","updatedAt":"time",
    "provider":"str"}"#;
const PRICES: &str = r#"[{"id":"int","model":"str","versionTag":"str","inputPrice":"dec",
    "cachedInputPrice":"dec","outputPrice":"dec","createdAt":"time","updatedAt":"time",
    "provider":"str"}]"#;
const TAG: &str = r#"{"id":"int","tenantId":"int","name":"str","description":"str|null",
    "parentId":"int|null","path":"str","level":"int","isActive":"bool","color":"str|null",
    "metadata":"obj|null","sessionBudgetUsd":"dec|null","createdAt":"time","updatedAt":"time",
    "parent":"obj|null","children":"list","budgets":"list","_count":{"usage":"int"}}"#;
const TAGS: &str = r#"[{"id":"int","tenantId":"int","name":"str","description":"str|null",
    "parentId":"int|null","path":"str","level":"int","isActive":"bool","color":"str|null",
    "metadata":"obj|null","sessionBudgetUsd":"dec|null","createdAt":"time","updatedAt":"time",
    "parent":"obj|null","children":"list","budgets":["maybe",{"id":"int","tagId":"int",
    "period":"str","amountUsd":"dec"}],"_count":{"usage":"int"}}]"#;
const TAG_BUDGET: &str = r#"{"id":"int","tagId":"int","period":"str","amountUsd":"dec",
    "startDate":"time|null","endDate":"time|null","isActive":"bool","weight":"num",
    "alertThresholds":"obj|list|null","inheritanceMode":"str","createdAt":"time","updatedAt":"time",
    "tag":{"id":"int","tenantId":"int","name":"str","path":"str","level":"int"}}"#;
const TAG_BUDGETS: &str = r#"[{"id":"int","tagId":"int","period":"str","amountUsd":"dec",
    "startDate":"time|null","endDate":"time|null","isActive":"bool","weight":"num",
    "alertThresholds":"obj|list|null","inheritanceMode":"str","createdAt":"time","updatedAt":"time",
    "tag":{"id":"int","tenantId":"int","name":"str","path":"str","level":"int"}}]"#;
const LEDGER: &str = r#"{"data":[{"id":"str","ts":"time","tenant":"str","route":"str","model":"str",
    "usd":"dec","promptTok":"int","compTok":"int","tenantId":"int","sessionId":"str|null",
    "status":"str","tags":[{"id":"int","name":"str","path":"str|null","weight":"num"}]}],
    "total":"int","page":"int","limit":"int"}"#;
const RATE_LIMIT: &str = r#"{"rateLimitPerMin":"int|null"}"#;
const OK: &str = r#"{"ok":"bool"}"#;
const SUCCESS: &str = r#"{"success":"bool"}"#;
const CHECK: &str = r#"{"provider":"str","configured":"bool","healthy":"bool","responseTime?":"int",
    "error?":"str","lastChecked":"int"}"#;

/// Dates that the routes about days refuse.
macro_rules! bad_dates {
    ($path:literal) => {
        &[
            (
                concat!($path, "?startDate=2026-02-30&endDate=2026-03-01"),
                "",
                400,
                "Invalid date format",
            ),
            (
                concat!($path, "?startDate=2026-03-02&endDate=2026-03-01"),
                "",
                400,
                "startDate must be before endDate",
            ),
            (
                concat!($path, "?startDate=2026-03-02"),
                "",
                400,
                "startDate and endDate need each other",
            ),
        ]
    };
}

#[rustfmt::skip]
pub(super) const ROUTES: [Route; 45] = [
    // Tenants
    Route { method: "POST", path: "/admin/tenant", call: "/admin/tenant",
        body: r#"{"name":"beta","rateLimitPerMin":60,"defaultSessionBudgetUsd":"2.5","timeZone":"Europe/Paris"}"#,
        answer: TENANT, when_closed: Apart,
        refused: &[
            ("/admin/tenant", r#"{"name":""}"#, 400, "Missing name"),
            ("/admin/tenant", r#"{"name":"acme"}"#, 400, "Tenant already exists"),
            ("/admin/tenant", r#"{"name":"x","defaultSessionBudgetUsd":"much"}"#, 400, "must be a number"),
        ] },
    Route { method: "GET", path: "/admin/tenant", call: "/admin/tenant", body: "",
        answer: r#"[{"id":"int","name":"str","createdAt":"time","updatedAt":"time","rateLimitPerMin":"int|null"}]"#,
        when_closed: Apart, refused: &[] },
    Route { method: "GET", path: "/admin/tenant/{id}", call: "/admin/tenant/1", body: "",
        answer: TENANT, when_closed: Missing, refused: &[] },
    Route { method: "PUT", path: "/admin/tenant/{id}", call: "/admin/tenant/1",
        body: r#"{"name":"acme","rateLimitPerMin":10,"defaultSessionBudgetUsd":5,"timeZone":"UTC"}"#,
        answer: TENANT, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1", r#"{"name":"  "}"#, 400, "Name cannot be empty"),
            ("/admin/tenant/1", r#"{"name":"other"}"#, 400, "Tenant already exists"),
            ("/admin/tenant/1", r#"{"rateLimitPerMin":1.5}"#, 400, "must be a whole number"),
            ("/admin/tenant/1", r#"{"rateLimitPerMin":-1}"#, 400, "must be >= 0"),
        ] },

    // Rate limits
    Route { method: "GET", path: "/admin/tenant/{id}/ratelimit", call: "/admin/tenant/1/ratelimit", body: "",
        answer: RATE_LIMIT, when_closed: Missing, refused: &[] },
    Route { method: "PUT", path: "/admin/tenant/{id}/ratelimit", call: "/admin/tenant/1/ratelimit",
        body: r#"{"rateLimitPerMin":0,"tokensPerMin":1000,"maxConcurrent":null}"#,
        answer: RATE_LIMIT, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/ratelimit", "{}", 400, "rateLimitPerMin is required"),
            ("/admin/tenant/1/ratelimit", r#"{"rateLimitPerMin":-1}"#, 400, "must be >= 0"),
            ("/admin/tenant/1/ratelimit", r#"{"rateLimitPerMin":0.5}"#, 400, "must be a whole number"),
        ] },

    // Budgets
    Route { method: "POST", path: "/admin/tenant/{id}/budgets", call: "/admin/tenant/1/budgets",
        body: r#"{"budgets":[
            {"period":"custom","amountUsd":5,"startDate":"2026-01-01","endDate":"2026-01-01",
             "models":["gpt-*"],"providers":["openai"],"alertThresholds":[50,90]},
            {"period":"monthly","amountUsd":"100.5"}]}"#,
        answer: BUDGETS, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/budgets", r#"{"budgets":[{"period":"yearly","amountUsd":1}]}"#, 400, "Invalid period"),
            ("/admin/tenant/1/budgets", r#"{"budgets":[{"period":"custom","amountUsd":1}]}"#, 400,
                "Custom period requires valid startDate and endDate"),
            ("/admin/tenant/1/budgets",
                r#"{"budgets":[{"period":"custom","amountUsd":1,"startDate":"2026-01-02","endDate":"2026-01-01"}]}"#,
                400, "endDate must be equal to or after startDate"),
            ("/admin/tenant/1/budgets", r#"{"budgets":[{"period":"daily","amountUsd":-1}]}"#, 400, "must be >= 0"),
            ("/admin/tenant/1/budgets", "{}", 400, "Missing budgets"),
        ] },
    Route { method: "GET", path: "/admin/tenant/{id}/budgets", call: "/admin/tenant/1/budgets", body: "",
        answer: r#"[{"id":"int","tenantId":"int","period":"str","amountUsd":"dec","startDate":"time|null",
            "endDate":"time|null","createdAt":"time","currentPeriodStartDate":"time",
            "currentPeriodEndDate":"time","currentUsage":"num","isRecurring":"bool"}]"#,
        when_closed: Missing, refused: &[] },
    Route { method: "PUT", path: "/admin/budget/{id}", call: "/admin/budget/1",
        body: r#"{"period":"daily","amountUsd":20,"startDate":null,"endDate":null,"models":[],
            "providers":null,"alertThresholds":{"low":50}}"#,
        answer: BUDGET, when_closed: Missing,
        refused: &[
            ("/admin/budget/1", r#"{"period":"custom"}"#, 400, "Custom period requires valid startDate and endDate"),
            ("/admin/budget/2", r#"{"amountUsd":1}"#, 404, "Budget not found"),
        ] },

    // Keys
    Route { method: "POST", path: "/admin/tenant/{id}/apikeys", call: "/admin/tenant/1/apikeys",
        body: r#"{"name":"another"}"#,
        answer: r#"{"id":"int","key":"str","createdAt":"time","isActive":"bool"}"#,
        when_closed: Missing, refused: &[] },
    Route { method: "GET", path: "/admin/tenant/{id}/apikeys", call: "/admin/tenant/1/apikeys", body: "",
        answer: r#"[{"id":"int","createdAt":"time","isActive":"bool","lastUsedAt?":"time"}]"#,
        when_closed: Answers, refused: &[] },

    // Usage
    Route { method: "GET", path: "/admin/tenant/{id}/usage", call: "/admin/tenant/1/usage", body: "",
        answer: r#"{"daily":"num","monthly":"num"}"#, when_closed: Missing, refused: &[] },
    Route { method: "GET", path: "/admin/tenant/{id}/usage/history",
        call: "/admin/tenant/1/usage/history?days=7", body: "",
        answer: r#"[{"date":"date","usage":"num"}]"#, when_closed: Missing,
        refused: bad_dates!("/admin/tenant/1/usage/history") },
    Route { method: "GET", path: "/admin/tenant/{id}/usage/models",
        call: "/admin/tenant/1/usage/models", body: "",
        answer: r#"[{"model":"str","usage":"num","percentage":"num"}]"#, when_closed: Missing,
        refused: bad_dates!("/admin/tenant/1/usage/models") },
    Route { method: "GET", path: "/admin/tenant/{id}/usage/ledger",
        call: "/admin/tenant/1/usage/ledger?page=0&limit=10&status=success", body: "",
        answer: LEDGER, when_closed: Answers,
        refused: bad_dates!("/admin/tenant/1/usage/ledger") },
    Route { method: "GET", path: "/admin/usage/ledger",
        call: "/admin/usage/ledger?tenant=ACM&tenantId=1&model=GPT&route=chat", body: "",
        answer: LEDGER, when_closed: Apart,
        refused: &[
            ("/admin/usage/ledger?tenantId=abc", "", 400, "Invalid tenant ID"),
            ("/admin/usage/ledger?tenantId=-1", "", 400, "Invalid tenant ID"),
            ("/admin/usage/ledger?status=lost", "", 400, "status must be one of"),
            ("/admin/usage/ledger?startDate=x&endDate=y", "", 400, "Invalid date format"),
        ] },

    // Prices
    Route { method: "GET", path: "/admin/model-pricing", call: "/admin/model-pricing", body: "",
        answer: PRICES, when_closed: Apart, refused: &[] },
    Route { method: "POST", path: "/admin/model-pricing", call: "/admin/model-pricing",
        body: r#"{"model":"new-model","versionTag":"v1","inputPrice":2.5,"cachedInputPrice":"1.25",
            "outputPrice":10,"provider":"anthropic","effectiveFrom":"2026-01-01","mode":"chat",
            "maxInputTokens":1000,"maxOutputTokens":null,
            "rates":[{"tier":"batch","aboveInputTokens":0,"kind":"input","price":1},
                     {"tier":"batch","kind":"output","price":5}]}"#,
        answer: PRICE, when_closed: Apart,
        refused: &[
            ("/admin/model-pricing",
                r#"{"model":"gpt-test","versionTag":"v1","inputPrice":1,"cachedInputPrice":1,"outputPrice":1}"#,
                400, "Model pricing already exists"),
            ("/admin/model-pricing",
                r#"{"model":"m","versionTag":"v1","inputPrice":-1,"cachedInputPrice":1,"outputPrice":1}"#,
                400, "inputPrice must be >= 0"),
        ] },
    Route { method: "PUT", path: "/admin/model-pricing/{idOrModel}", call: "/admin/model-pricing/gpt-test",
        body: r#"{"model":"gpt-test","versionTag":"v2","inputPrice":3,"cachedInputPrice":1,"outputPrice":"11",
            "provider":"openai","effectiveFrom":"2027-01-01T00:00:00Z","mode":"chat","maxInputTokens":null,
            "maxOutputTokens":500,"rates":null}"#,
        answer: PRICE, when_closed: Apart,
        refused: &[
            ("/admin/model-pricing/no-such-model", "{}", 404, "Model pricing not found"),
            ("/admin/model-pricing/999999", "{}", 404, "Model pricing not found"),
            ("/admin/model-pricing/0", "{}", 404, "Model pricing not found"),
            ("/admin/model-pricing/99999999999999999999", "{}", 404, "Model pricing not found"),
            ("/admin/model-pricing/gpt-test", r#"{"outputPrice":"free"}"#, 400, "outputPrice must be a number"),
        ] },

    // Providers
    Route { method: "GET", path: "/admin/providers/status", call: "/admin/providers/status", body: "",
        answer: r#"{"providers":{
            "openai":{"configured":"bool","healthy":"bool","responseTime?":"int","error?":"str","lastChecked":"int"},
            "anthropic":{"configured":"bool","healthy":"bool","responseTime?":"int","error?":"str","lastChecked":"int"},
            "google":{"configured":"bool","healthy":"bool","responseTime?":"int","error?":"str","lastChecked":"int"}}}"#,
        when_closed: Apart, refused: &[] },
    Route { method: "GET", path: "/admin/providers/{provider}/health", call: "/admin/providers/openai/health",
        body: "", answer: CHECK, when_closed: Apart,
        refused: &[("/admin/providers/azure/health", "", 400, "provider must be one of: openai, anthropic, google")] },
    Route { method: "POST", path: "/admin/providers/{provider}/test", call: "/admin/providers/google/test",
        body: r#"{"apiKey":"AIza-some-key"}"#,
        answer: r#"{"provider":"str","healthy":"bool","responseTime?":"int","error?":"str","lastChecked":"int"}"#,
        when_closed: Apart,
        refused: &[
            ("/admin/providers/azure/test", r#"{"apiKey":"k"}"#, 400, "provider must be one of"),
            ("/admin/providers/google/test", r#"{"apiKey":" "}"#, 400, "apiKey is required"),
            ("/admin/providers/google/test", r#"{"apiKey":"ключ"}"#, 400, "apiKey must be printable ASCII"),
        ] },

    // Tags
    Route { method: "POST", path: "/admin/tenant/{id}/tags", call: "/admin/tenant/1/tags",
        body: r##"{"name":"search","description":"who","parentId":1,"color":"#fff","metadata":{"a":[1]},
            "sessionBudgetUsd":"0.5","isActive":true}"##,
        answer: TAG, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/tags", r#"{"name":"team"}"#, 400, "Tag name already exists"),
            ("/admin/tenant/1/tags", r#"{"name":"x","parentId":999999}"#, 400, "Parent tag not found"),
            ("/admin/tenant/1/tags", r#"{"name":"a,b"}"#, 400, "must not contain"),
        ] },
    Route { method: "GET", path: "/admin/tenant/{id}/tags",
        call: "/admin/tenant/1/tags?includeInactive=true", body: "",
        answer: TAGS, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/tags?includeInactive=maybe", "", 400, "includeInactive must be true or false"),
            ("/admin/tenant/1/tags?parentId=0", "", 400, "parentId must be a whole number above zero"),
        ] },
    Route { method: "GET", path: "/admin/tenant/{id}/tags/{tag}", call: "/admin/tenant/1/tags/1", body: "",
        answer: TAG, when_closed: Missing, refused: &[] },
    Route { method: "PUT", path: "/admin/tenant/{id}/tags/{tag}", call: "/admin/tenant/1/tags/1",
        body: r#"{"name":"team","description":null,"color":"red","metadata":null,"isActive":true,
            "parentId":null,"sessionBudgetUsd":100}"#,
        answer: TAG, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/tags/1", r#"{"name":"leaf"}"#, 400, "Tag name already exists"),
            ("/admin/tenant/1/tags/1", r#"{"isActive":false}"#, 400,
                "Cannot deactivate tag with active children. Deactivate children first."),
        ] },
    Route { method: "PATCH", path: "/admin/tenant/{id}/tags/{tag}/deactivate",
        call: "/admin/tenant/1/tags/2/deactivate", body: "",
        answer: SUCCESS, when_closed: Missing,
        refused: &[("/admin/tenant/1/tags/1/deactivate", "", 400,
            "Cannot deactivate tag with active children. Deactivate children first.")] },
    Route { method: "PATCH", path: "/admin/tenant/{id}/tags/{tag}/activate",
        call: "/admin/tenant/1/tags/2/activate", body: "",
        answer: SUCCESS, when_closed: Missing, refused: &[] },

    // Budgets of tags
    Route { method: "POST", path: "/admin/tenant/{id}/tags/{tag}/budgets", call: "/admin/tenant/1/tags/1/budgets",
        body: r#"{"period":"custom","amountUsd":3,"startDate":"2026-01-01","endDate":"2026-12-31","models":["*"],
            "providers":[],"alertThresholds":{"warn":80},"weight":0.5,"inheritanceMode":"STRICT","isActive":true}"#,
        answer: TAG_BUDGET, when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/tags/1/budgets", r#"{"period":"yearly","amountUsd":1}"#, 400, "Invalid period"),
            ("/admin/tenant/1/tags/1/budgets", r#"{"period":"daily","amountUsd":1}"#, 400,
                "Budget already exists for this tag and period"),
            ("/admin/tenant/1/tags/1/budgets", r#"{"period":"custom","amountUsd":1}"#, 400, "startDate and endDate"),
            ("/admin/tenant/1/tags/1/budgets", r#"{"period":"total","amountUsd":1,"weight":11}"#, 400, "weight must be"),
            ("/admin/tenant/1/tags/1/budgets", r#"{"period":"total","amountUsd":1,"inheritanceMode":"SOFT"}"#, 400,
                "must be STRICT, LENIENT or BYPASS"),
        ] },
    Route { method: "GET", path: "/admin/tenant/{id}/tags/{tag}/budgets", call: "/admin/tenant/1/tags/1/budgets",
        body: "", answer: TAG_BUDGETS, when_closed: Missing, refused: &[] },
    Route { method: "PUT", path: "/admin/budget/tag/{id}", call: "/admin/budget/tag/2",
        body: r#"{"amountUsd":4,"startDate":null,"endDate":null,"models":null,"providers":null,
            "alertThresholds":null,"weight":"1","inheritanceMode":"NONE","isActive":true}"#,
        answer: TAG_BUDGET, when_closed: Missing,
        refused: &[("/admin/budget/tag/1", "{}", 404, "Tag budget not found")] },

    // Tag analytics
    Route { method: "GET", path: "/admin/tenant/{id}/tag-analytics",
        call: "/admin/tenant/1/tag-analytics?days=365&tagId=1&tagId=2", body: "",
        answer: r#"{
            "usage":[{"tagId":"int","tagName":"str","path":"str","usage":"num","requests":"int",
                "percentage":"num","color?":"str"}],
            "budgetHealth":[{"tagId":"int","tagName":"str","budgetId":"int","period":"str","budget":"num",
                "usage":"num","percentage":"num","weight":"num","inheritanceMode":"str","status":"str"}],
            "trends":"list",
            "hierarchy":[{"id":"int","name":"str","path":"str","usage":"num","budget?":"num","children":"list"}],
            "totalUsage":"num","totalRequests":"int","activeTags":"int","criticalBudgets":"int"}"#,
        when_closed: Missing,
        refused: bad_dates!("/admin/tenant/1/tag-analytics") },

    // Sessions. The id of a request is a UUID here, where the original has a number.
    Route { method: "GET", path: "/admin/tenant/{id}/sessions",
        call: "/admin/tenant/1/sessions?page=1&limit=10&status=active&search=CH", body: "",
        answer: r#"{"sessions":[{"sessionId":"str","name":"str|null","path":"str|null",
            "effectiveBudgetUsd":"num|null","currentCostUsd":"num","status":"str","metadata":"any",
            "createdAt":"time","lastActiveAt":"time|null","requestCount":"int"}],
            "pagination":{"page":"int","limit":"int","total":"int","totalPages":"int"}}"#,
        when_closed: Missing,
        refused: &[("/admin/tenant/1/sessions?status=open", "", 400, "status must be one of")] },
    Route { method: "GET", path: "/admin/sessions/{session}/usage",
        call: "/admin/sessions/chat/usage?tenantId=1&limit=100", body: "",
        answer: r#"{"session":{"sessionId":"str","name":"str|null","tenantId":"int",
            "effectiveBudgetUsd":"num|null","currentCostUsd":"num","status":"str"},
            "usage":[{"id":"str","timestamp":"time","route":"str","model":"str","usd":"num","promptTokens":"int",
                "completionTokens":"int","status":"str","tags":[{"id":"int","name":"str","color":"str|null"}]}],
            "pagination":{"page":"int","limit":"int","total":"int","totalPages":"int"}}"#,
        when_closed: Answers,
        refused: &[
            ("/admin/sessions/nobody/usage", "", 404, "Session not found"),
            ("/admin/sessions/chat/usage?tenantId=x", "", 400, "tenantId must be a whole number above zero"),
        ] },
    Route { method: "PUT", path: "/admin/tenant/{id}/sessions/{session}/budget",
        call: "/admin/tenant/1/sessions/chat/budget", body: r#"{"budgetUsd":2.5}"#,
        answer: r#"{"sessionId":"str","effectiveBudgetUsd":"num","currentCostUsd":"num","status":"str"}"#,
        when_closed: Missing,
        refused: &[
            ("/admin/tenant/1/sessions/nobody/budget", r#"{"budgetUsd":1}"#, 404, "Session not found"),
            ("/admin/tenant/1/sessions/chat/budget", r#"{"budgetUsd":-1}"#, 400, "budgetUsd must be >= 0"),
        ] },
    Route { method: "GET", path: "/admin/tenant/{id}/sessions/{session}/budget",
        call: "/admin/tenant/1/sessions/chat/budget", body: "",
        answer: r#"{"sessionId":"str","effectiveBudgetUsd":"num|null","currentCostUsd":"num","status":"str",
            "budgetSource":{"tenantName":"str","tenantDefaultBudget":"num|null","hasCustomBudget":"bool",
                "customBudget":"num|null"}}"#,
        when_closed: Missing,
        refused: &[("/admin/tenant/1/sessions/nobody/budget", "", 404, "Session not found")] },
    Route { method: "DELETE", path: "/admin/tenant/{id}/sessions/{session}/budget",
        call: "/admin/tenant/1/sessions/chat/budget", body: "",
        answer: r#"{"sessionId":"str","effectiveBudgetUsd":"num|null","currentCostUsd":"num","status":"str",
            "reverted":"bool"}"#,
        when_closed: Missing,
        refused: &[("/admin/tenant/1/sessions/nobody/budget", "", 404, "Session not found")] },
    Route { method: "PUT", path: "/admin/tenant/{id}/default-session-budget",
        call: "/admin/tenant/1/default-session-budget", body: r#"{"budgetUsd":"7"}"#,
        answer: r#"{"tenantId":"int","tenantName":"str","defaultSessionBudgetUsd":"num"}"#,
        when_closed: Missing,
        refused: &[("/admin/tenant/1/default-session-budget", r#"{"budgetUsd":-0.1}"#, 400, "must be >= 0")] },
    Route { method: "GET", path: "/admin/tenant/{id}/default-session-budget",
        call: "/admin/tenant/1/default-session-budget", body: "",
        answer: r#"{"tenantId":"int","tenantName":"str","defaultSessionBudgetUsd":"num|null","sessionCount":"int"}"#,
        when_closed: Missing, refused: &[] },
    Route { method: "DELETE", path: "/admin/tenant/{id}/default-session-budget",
        call: "/admin/tenant/1/default-session-budget", body: "",
        answer: r#"{"tenantId":"int","tenantName":"str","defaultSessionBudgetUsd":"null","removed":"bool"}"#,
        when_closed: Missing, refused: &[] },

    // What is gone afterwards.
    Route { method: "DELETE", path: "/admin/budget/tag/{id}", call: "/admin/budget/tag/2", body: "",
        answer: SUCCESS, when_closed: Missing,
        refused: &[("/admin/budget/tag/1", "", 404, "Tag budget not found")] },
    Route { method: "DELETE", path: "/admin/tenant/{id}/tags/{tag}", call: "/admin/tenant/1/tags/2", body: "",
        answer: SUCCESS, when_closed: Missing,
        refused: &[("/admin/tenant/1/tags/1", "", 400, "Cannot delete tag with children. Delete children first.")] },
    Route { method: "DELETE", path: "/admin/budget/{id}", call: "/admin/budget/1", body: "",
        answer: OK, when_closed: Missing,
        refused: &[("/admin/budget/2", "", 404, "Budget not found")] },
    Route { method: "DELETE", path: "/admin/apikey/{id}", call: "/admin/apikey/1", body: "",
        answer: OK, when_closed: Apart, refused: &[] },
    Route { method: "DELETE", path: "/admin/tenant/{id}", call: "/admin/tenant/1", body: "",
        answer: OK, when_closed: Missing, refused: &[] },
];
