-- Whose the objects are that providers keep behind a shared key, and requests whose cost is learnt later.

-- A deleted one keeps its row for a while, so that nobody else is taken for its maker.
CREATE TABLE provider_object (
    provider   TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    object_id  TEXT   NOT NULL,
    tenant_id  BIGINT NOT NULL,
    key_id     BIGINT NOT NULL,
    request_id BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (provider, kind, object_id)
);
CREATE INDEX provider_object_tenant ON provider_object (tenant_id, provider, kind, created_at, object_id);
CREATE INDEX provider_object_deleted ON provider_object (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX provider_object_age ON provider_object (kind, created_at);

-- The whole ledger row as it will be, at what was held: it counts as spent until the real one is written, with
-- which it is marked as settled; it goes when the budgets were counted anew. `next_poll_at` is when somebody
-- has to look after it, or until when somebody does.
CREATE TABLE deferred_call (
    request_id   BYTEA  PRIMARY KEY,
    at           BIGINT NOT NULL,
    provider     TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    object_id    TEXT   NOT NULL,
    ledger_row   TEXT   NOT NULL,
    is_settled   BIGINT NOT NULL DEFAULT 0,
    polls        BIGINT NOT NULL DEFAULT 0,
    next_poll_at BIGINT NOT NULL
);
CREATE INDEX deferred_call_due ON deferred_call (next_poll_at);
