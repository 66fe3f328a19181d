//! The routes that the dashboard asks for beside those of the original, told as those are.

use crate::routes::table::{Answers, Apart, Route};

const HEALTH: &str = r#"{"data":[{"id":"int|null","scope":"str","name":"str","tenantId":"int|null",
    "tenant":"str|null","apiKeyId":"int|null","tagId":"int|null","sessionId":"str|null","period":"str",
    "models":["maybe","str"],"providers":["maybe","str"],"windowStart":"time|null","windowEnd":"time|null",
    "limitUsd":"dec","spentUsd":"dec","heldUsd":"dec","leftUsd":"dec","percent":"num",
    "heldPercent":"num","status":"str","isShadow":"bool","wouldHaveRefused":"int|null",
    "forecast":"obj|null"}],"total":"int","page":"int","limit":"int",
    "counts":{"healthy":"int","warning":"int","critical":"int","exceeded":"int"},
    "thresholds":{"warning":"int","critical":"int","exceeded":"int"},"at":"time"}"#;
const BREAKDOWN: &str = r#"{"by":["str"],"start":"time","end":"time|null",
    "rows":[{"day":"date","model":"str","requests":"int","inputTokens":"int","outputTokens":"int",
    "costUsd":"dec","percentage":"num"}],
    "rest":{"rows":"int","requests":"int","inputTokens":"int","outputTokens":"int","costUsd":"dec",
    "percentage":"num"},
    "totals":{"requests":"int","inputTokens":"int","outputTokens":"int","costUsd":"dec"}}"#;
const ENTRY: &str = r#"{"id":"str","ts":"time","tenant":"str","route":"str","model":"str","usd":"dec",
    "promptTok":"int","compTok":"int","tenantId":"int","sessionId":"str|null","status":"str",
    "tags":[{"id":"int","name":"str","path":"str|null","weight":"num"}],"apiKeyId":"int",
    "apiKeyName":"str|null","apiKeyPrefix":"str|null","policy":"obj|null",
    "receipt":{"object":"str","id":"str","cost_usd":"dec","held_usd":"dec","usage":"list"},
    "chain":{"writer":"str","writerName":"str|null","seq":"int","hash":"str",
    "previousHash":"str|null","state":"str"}}"#;
const STATUS: &str = r#"{"healthy":"bool","version":"str","startedAt":"time","uptimeSeconds":"int",
    "stores":[{"role":"str","kind":"str","reachable":"bool"}],
    "spool":{"open":"int","waiting":"int","bytes":"int","oldestWaitingAt":"time|null","hasRoom":"bool"},
    "queue":"obj|null","providers":["maybe",{"name":"str","configured":"bool","state":"str",
    "lastAnswerAt":"time|null","lastFailureAt":"time|null"}],
    "replicas":[{"id":"str","name":"str","rows":"int","lastRowAt":"time|null"}],
    "settings":["maybe",{"key":"str","value":"str|null","source":"str","isSecret":"bool"}]}"#;

#[rustfmt::skip]
pub(super) const ROUTES: [Route; 4] = [
    Route { method: "GET", path: "/admin/budget-health", call: "/admin/budget-health", body: "",
        answer: HEALTH, when_closed: Answers,
        refused: &[
            ("/admin/budget-health?scope=team", "", 400, "scope must be one of"),
            ("/admin/budget-health?status=bad", "", 400, "status must be one of"),
            ("/admin/budget-health?tenantId=0", "", 400, "tenantId must be"),
            ("/admin/budget-health?limit=1001", "", 400, "limit must be"),
            ("/admin/budget-health?page=-1", "", 400, "page must be"),
        ] },
    Route { method: "GET", path: "/admin/usage/breakdown", call: "/admin/usage/breakdown?by=day,model", body: "",
        answer: BREAKDOWN, when_closed: Answers,
        refused: &[
            ("/admin/usage/breakdown", "", 400, "by must be one or two names"),
            ("/admin/usage/breakdown?by=key,status", "", 400, "key cannot be combined"),
            ("/admin/usage/breakdown?by=day&limit=10001", "", 400, "limit must be"),
            ("/admin/usage/breakdown?by=day&tenantId=x", "", 400, "tenantId must be"),
            ("/admin/usage/breakdown?by=day&startDate=2026-02-30&endDate=2026-03-01", "", 400,
                "Invalid date format"),
        ] },
    // The first row that there is.
    Route { method: "GET", path: "/admin/usage/ledger/{requestId}",
        call: "/admin/usage/ledger/019bc186-de00-7101-8101-010101010101", body: "",
        answer: ENTRY, when_closed: Answers,
        refused: &[
            ("/admin/usage/ledger/abc", "", 400, "Invalid request ID"),
            ("/admin/usage/ledger/-1", "", 400, "Invalid request ID"),
            ("/admin/usage/ledger/00000000-0000-0000-0000-000000000000", "", 404, "Ledger entry not found"),
            ("/admin/usage/ledger/ffffffff-ffff-ffff-ffff-ffffffffffff", "", 404, "Ledger entry not found"),
        ] },
    Route { method: "GET", path: "/admin/status", call: "/admin/status", body: "",
        answer: STATUS, when_closed: Apart, refused: &[] },
];
