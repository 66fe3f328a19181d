-- The first schema: what the gateway decides by (the catalog) and what it did (the ledger).
-- Money is nano-dollars, instants are microseconds since 1970 in UTC, flags are 0 or 1.

CREATE TABLE tenant (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    name                   TEXT    NOT NULL,
    requests_per_minute    INTEGER,
    time_zone              TEXT    NOT NULL DEFAULT 'UTC',
    default_session_budget INTEGER,
    closed_at              INTEGER,
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL
) STRICT;
-- A closed tenant keeps its name for its history; the name may be given again.
CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE closed_at IS NULL;

CREATE TABLE api_key (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (id),
    name       TEXT    NOT NULL,
    prefix     TEXT    NOT NULL,
    lookup     INTEGER NOT NULL UNIQUE,
    hash       BLOB    NOT NULL,
    is_active  INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_key_tenant ON api_key (tenant_id);

-- The id names the budget's accounts, so it must never come back after a deletion.
CREATE TABLE budget (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL REFERENCES tenant (id),
    scope_kind TEXT    NOT NULL CHECK (scope_kind IN ('tenant', 'key')),
    scope_id   INTEGER NOT NULL,
    period     TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    starts_at  INTEGER,
    ends_at    INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (scope_kind, scope_id, period)
) STRICT;
CREATE INDEX budget_tenant ON budget (tenant_id);

-- One row per version of a model's price; a ledger row says which version it was charged by.
CREATE TABLE model_price (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    mode              TEXT    NOT NULL,
    version_tag       TEXT    NOT NULL,
    input_tokens_max  INTEGER,
    output_tokens_max INTEGER,
    source            TEXT    NOT NULL CHECK (source IN ('seed', 'admin')),
    effective_from    INTEGER NOT NULL,
    created_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX model_price_model ON model_price (provider, model, id);

CREATE TABLE model_rate (
    price_id           INTEGER NOT NULL REFERENCES model_price (id),
    tier               TEXT    NOT NULL,
    above_input_tokens INTEGER NOT NULL,
    kind               TEXT    NOT NULL,
    picos              INTEGER NOT NULL,
    PRIMARY KEY (price_id, tier, above_input_tokens, kind)
) STRICT;

-- Counts the changes to the tables above: replicas reload when it moves.
CREATE TABLE catalog_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_version (id, version) VALUES (1, 1);

-- One row per request, written once.
CREATE TABLE usage_ledger (
    request_id          BLOB    NOT NULL,
    at                  INTEGER NOT NULL,
    tenant_id           INTEGER NOT NULL,
    key_id              INTEGER NOT NULL,
    session             TEXT,
    route               TEXT    NOT NULL,
    provider            TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    model_served        TEXT,
    status              TEXT    NOT NULL,
    reason              TEXT,
    http_status         INTEGER,
    streamed            INTEGER NOT NULL,
    input               INTEGER NOT NULL,
    cached_input        INTEGER NOT NULL,
    cache_write         INTEGER NOT NULL,
    cache_write_1h      INTEGER NOT NULL,
    output              INTEGER NOT NULL,
    reasoning_output    INTEGER NOT NULL,
    audio_input         INTEGER NOT NULL,
    audio_output        INTEGER NOT NULL,
    image_input         INTEGER NOT NULL,
    image_output        INTEGER NOT NULL,
    web_search_calls    INTEGER NOT NULL,
    tier                TEXT    NOT NULL,
    price_id            INTEGER,
    cost                INTEGER NOT NULL,
    held                INTEGER NOT NULL,
    basis               TEXT    NOT NULL,
    latency_us          INTEGER NOT NULL,
    first_byte_us       INTEGER,
    upstream_request_id TEXT,
    PRIMARY KEY (request_id)
) STRICT, WITHOUT ROWID;

-- The cost is in the index so that spending is summed without reading the rows.
CREATE INDEX usage_ledger_tenant ON usage_ledger (tenant_id, at, cost);
CREATE INDEX usage_ledger_key ON usage_ledger (key_id, at, cost);

CREATE TRIGGER usage_ledger_no_update BEFORE UPDATE ON usage_ledger BEGIN
    SELECT RAISE(ABORT, 'usage_ledger is append-only: UPDATE is refused');
END;
CREATE TRIGGER usage_ledger_no_delete BEFORE DELETE ON usage_ledger BEGIN
    SELECT RAISE(ABORT, 'usage_ledger is append-only: DELETE is refused');
END;
CREATE TRIGGER model_price_no_update BEFORE UPDATE ON model_price BEGIN
    SELECT RAISE(ABORT, 'model_price is append-only: UPDATE is refused');
END;
CREATE TRIGGER model_price_no_delete BEFORE DELETE ON model_price BEGIN
    SELECT RAISE(ABORT, 'model_price is append-only: DELETE is refused');
END;
CREATE TRIGGER model_rate_no_update BEFORE UPDATE ON model_rate BEGIN
    SELECT RAISE(ABORT, 'model_rate is append-only: UPDATE is refused');
END;
CREATE TRIGGER model_rate_no_delete BEFORE DELETE ON model_rate BEGIN
    SELECT RAISE(ABORT, 'model_rate is append-only: DELETE is refused');
END;
