-- Alerts of budgets: each is told once, by whichever replica writes its row first, and its webhook is tried again
-- until it is delivered or given up.

-- One row for each threshold, limit and window of a budget; budgets and tenants may be gone, and default budgets
-- never had a row. `next_attempt_at` is when the webhook is due, or until when somebody is at it; null when there
-- is nothing to do.
CREATE TABLE alert (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    budget_id       INTEGER NOT NULL,
    tenant_id       INTEGER,
    scope_kind      TEXT    NOT NULL,
    scope_id        INTEGER NOT NULL,
    period          TEXT    NOT NULL,
    window_start    INTEGER NOT NULL,
    window_end      INTEGER NOT NULL,
    threshold       INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    spent           INTEGER NOT NULL,
    raised_at       INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at    INTEGER,
    last_error      TEXT,
    UNIQUE (budget_id, window_start, window_end, amount, threshold)
) STRICT;
CREATE INDEX alert_due ON alert (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX alert_tenant ON alert (tenant_id, id);
CREATE INDEX alert_raised ON alert (raised_at);
