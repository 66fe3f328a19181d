-- Budgets of the installation, of tags and of sessions, and budgets for some models only; rate limits of keys,
-- and in tokens and requests at once.

CREATE TABLE tag (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id      INTEGER NOT NULL REFERENCES tenant (id),
    parent_id      INTEGER REFERENCES tag (id),
    name           TEXT    NOT NULL,
    description    TEXT,
    color          TEXT,
    metadata       TEXT,
    session_budget INTEGER CHECK (session_budget >= 0),
    is_active      INTEGER NOT NULL DEFAULT 1,
    deleted_at     INTEGER,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
-- A deleted tag keeps its name for its history; the name may be given again.
CREATE UNIQUE INDEX tag_name ON tag (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX tag_parent ON tag (parent_id);

-- Only a new table can have other constraints. The counter of ids goes on where it was.
ALTER TABLE budget RENAME TO budget_v1;
DROP INDEX budget_tenant;
CREATE TABLE budget (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id   INTEGER REFERENCES tenant (id),
    scope_kind  TEXT    NOT NULL CHECK (scope_kind IN ('installation', 'tenant', 'key', 'tag')),
    scope_id    INTEGER NOT NULL,
    period      TEXT    NOT NULL,
    models      TEXT    NOT NULL DEFAULT '',
    providers   TEXT    NOT NULL DEFAULT '',
    amount      INTEGER NOT NULL CHECK (amount >= 0),
    starts_at   INTEGER,
    ends_at     INTEGER,
    weight      INTEGER NOT NULL DEFAULT 1000000 CHECK (weight >= 0),
    inheritance TEXT    NOT NULL DEFAULT 'LENIENT',
    thresholds  TEXT,
    is_active   INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
INSERT INTO budget (id, tenant_id, scope_kind, scope_id, period, amount, starts_at, ends_at, created_at, updated_at)
    SELECT id, tenant_id, scope_kind, scope_id, period, amount, starts_at, ends_at, created_at, updated_at
    FROM budget_v1;
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'budget', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'budget');
UPDATE sqlite_sequence
    SET seq = MAX(seq, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'budget_v1'), 0))
    WHERE name = 'budget';
DROP TABLE budget_v1;
CREATE INDEX budget_tenant ON budget (tenant_id);
CREATE UNIQUE INDEX budget_scope ON budget (scope_kind, scope_id, period, models, providers) WHERE is_active = 1;

-- What people know of a session, and the tags of its first request. Its cost is the sum of its ledger rows.
CREATE TABLE session (
    tenant_id      INTEGER NOT NULL,
    session_id     TEXT    NOT NULL,
    name           TEXT,
    path           TEXT,
    tags           TEXT,
    own_budget     INTEGER CHECK (own_budget >= 0),
    created_at     INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) STRICT, WITHOUT ROWID;

-- The tags of a row as text: `id:weight` for its own, `id:weight^` for their ancestors.
ALTER TABLE usage_ledger ADD COLUMN tags TEXT;
CREATE INDEX usage_ledger_session ON usage_ledger (tenant_id, session, at, cost) WHERE session IS NOT NULL;

-- The same as rows, written with the ledger row and never changed.
CREATE TABLE usage_tag (
    request_id   BLOB    NOT NULL,
    tag_id       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    weight       INTEGER NOT NULL,
    is_inherited INTEGER NOT NULL,
    cost         INTEGER NOT NULL,
    PRIMARY KEY (request_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_tag_tag ON usage_tag (tag_id, at, weight, cost);
CREATE TRIGGER usage_tag_no_update BEFORE UPDATE ON usage_tag BEGIN
    SELECT RAISE(ABORT, 'usage_tag is append-only: UPDATE is refused');
END;
CREATE TRIGGER usage_tag_no_delete BEFORE DELETE ON usage_tag BEGIN
    SELECT RAISE(ABORT, 'usage_tag is append-only: DELETE is refused');
END;

-- As for tenants' requests a minute, 0 is no limit; so is null.
ALTER TABLE tenant ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE tenant ADD COLUMN concurrent_requests INTEGER;
ALTER TABLE api_key ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE api_key ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE api_key ADD COLUMN concurrent_requests INTEGER;

-- Which requests get which tags without naming them. Lists are texts with commas, headers one line each.
CREATE TABLE tagging_rule (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (id),
    name       TEXT NOT NULL,
    priority   INTEGER NOT NULL,
    routes     TEXT NOT NULL,
    models     TEXT NOT NULL,
    key_ids    TEXT NOT NULL,
    headers    TEXT NOT NULL,
    tags       TEXT NOT NULL,
    is_active  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;
