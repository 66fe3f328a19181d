-- Alerts of budgets: each is told once, by whichever replica writes its row first, and its webhook is tried again
-- until it is delivered or given up.

-- One row for each threshold, limit and window of a budget; budgets and tenants may be gone, and default budgets
-- never had a row. `next_attempt_at` is when the webhook is due, or until when somebody is at it; null when there
-- is nothing to do.
CREATE TABLE alert (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budget_id       BIGINT NOT NULL,
    tenant_id       BIGINT,
    scope_kind      TEXT   NOT NULL,
    scope_id        BIGINT NOT NULL,
    period          TEXT   NOT NULL,
    window_start    BIGINT NOT NULL,
    window_end      BIGINT NOT NULL,
    threshold       BIGINT NOT NULL,
    amount          BIGINT NOT NULL,
    spent           BIGINT NOT NULL,
    raised_at       BIGINT NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT,
    delivered_at    BIGINT,
    last_error      TEXT,
    UNIQUE (budget_id, window_start, window_end, amount, threshold)
);
CREATE INDEX alert_due ON alert (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX alert_tenant ON alert (tenant_id, id);
CREATE INDEX alert_raised ON alert (raised_at);
