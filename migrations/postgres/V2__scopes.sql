-- Budgets of the installation, of tags and of sessions, and budgets for some models only; rate limits of keys,
-- and in tokens and requests at once.

CREATE TABLE tag (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id      BIGINT NOT NULL REFERENCES tenant (id),
    parent_id      BIGINT REFERENCES tag (id),
    name           TEXT   NOT NULL,
    description    TEXT,
    color          TEXT,
    metadata       TEXT,
    session_budget BIGINT CHECK (session_budget >= 0),
    is_active      BIGINT NOT NULL DEFAULT 1,
    deleted_at     BIGINT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
-- A deleted tag keeps its name for its history; the name may be given again.
CREATE UNIQUE INDEX tag_name ON tag (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX tag_parent ON tag (parent_id);

ALTER TABLE budget DROP CONSTRAINT budget_scope_kind_check;
ALTER TABLE budget ADD CONSTRAINT budget_scope_kind_check
    CHECK (scope_kind IN ('installation', 'tenant', 'key', 'tag'));
ALTER TABLE budget ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE budget ADD COLUMN models TEXT NOT NULL DEFAULT '';
ALTER TABLE budget ADD COLUMN providers TEXT NOT NULL DEFAULT '';
ALTER TABLE budget ADD COLUMN weight BIGINT NOT NULL DEFAULT 1000000 CHECK (weight >= 0);
ALTER TABLE budget ADD COLUMN inheritance TEXT NOT NULL DEFAULT 'LENIENT';
ALTER TABLE budget ADD COLUMN thresholds TEXT;
ALTER TABLE budget ADD COLUMN is_active BIGINT NOT NULL DEFAULT 1;
ALTER TABLE budget DROP CONSTRAINT budget_scope_kind_scope_id_period_key;
CREATE UNIQUE INDEX budget_scope ON budget (scope_kind, scope_id, period, models, providers) WHERE is_active = 1;

-- What people know of a session, and the tags of its first request. Its cost is the sum of its ledger rows.
CREATE TABLE session (
    tenant_id      BIGINT NOT NULL,
    session_id     TEXT   NOT NULL,
    name           TEXT,
    path           TEXT,
    tags           TEXT,
    own_budget     BIGINT CHECK (own_budget >= 0),
    created_at     BIGINT NOT NULL,
    last_active_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
);

-- The tags of a row as text: `id:weight` for its own, `id:weight^` for their ancestors.
ALTER TABLE usage_ledger ADD COLUMN tags TEXT;
CREATE INDEX usage_ledger_session ON usage_ledger (tenant_id, session, at) INCLUDE (cost) WHERE session IS NOT NULL;

-- The same as rows, written with the ledger row and never changed.
CREATE TABLE usage_tag (
    request_id   BYTEA  NOT NULL,
    tag_id       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    weight       BIGINT NOT NULL,
    is_inherited BIGINT NOT NULL,
    cost         BIGINT NOT NULL,
    PRIMARY KEY (request_id, tag_id)
);
CREATE INDEX usage_tag_tag ON usage_tag (tag_id, at) INCLUDE (weight, cost);
CREATE TRIGGER usage_tag_rows BEFORE UPDATE OR DELETE ON usage_tag
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_tag_truncate BEFORE TRUNCATE ON usage_tag
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- As for tenants' requests a minute, 0 is no limit; so is null.
ALTER TABLE tenant ADD COLUMN tokens_per_minute BIGINT;
ALTER TABLE tenant ADD COLUMN concurrent_requests BIGINT;
ALTER TABLE api_key ADD COLUMN requests_per_minute BIGINT;
ALTER TABLE api_key ADD COLUMN tokens_per_minute BIGINT;
ALTER TABLE api_key ADD COLUMN concurrent_requests BIGINT;

-- Which requests get which tags without naming them. Lists are texts with commas, headers one line each.
CREATE TABLE tagging_rule (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenant (id),
    name       TEXT NOT NULL,
    priority   BIGINT NOT NULL,
    routes     TEXT NOT NULL,
    models     TEXT NOT NULL,
    key_ids    TEXT NOT NULL,
    headers    TEXT NOT NULL,
    tags       TEXT NOT NULL,
    is_active  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);
