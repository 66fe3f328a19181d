-- The first schema: what the gateway decides by (the catalog) and what it did (the ledger).
-- Money is nano-dollars, instants are microseconds since 1970 in UTC, flags are 0 or 1.

CREATE TABLE tenant (
    id                     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                   TEXT   NOT NULL,
    requests_per_minute    BIGINT,
    time_zone              TEXT   NOT NULL DEFAULT 'UTC',
    default_session_budget BIGINT,
    closed_at              BIGINT,
    created_at             BIGINT NOT NULL,
    updated_at             BIGINT NOT NULL
);
-- A closed tenant keeps its name for its history; the name may be given again.
CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE closed_at IS NULL;

CREATE TABLE api_key (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenant (id),
    name       TEXT   NOT NULL,
    prefix     TEXT   NOT NULL,
    lookup     BIGINT NOT NULL UNIQUE,
    hash       BYTEA  NOT NULL,
    is_active  BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);
CREATE INDEX api_key_tenant ON api_key (tenant_id);

-- The id names the budget's accounts, so it must never come back after a deletion.
CREATE TABLE budget (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenant (id),
    scope_kind TEXT   NOT NULL CHECK (scope_kind IN ('tenant', 'key')),
    scope_id   BIGINT NOT NULL,
    period     TEXT   NOT NULL,
    amount     BIGINT NOT NULL CHECK (amount >= 0),
    starts_at  BIGINT,
    ends_at    BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (scope_kind, scope_id, period)
);
CREATE INDEX budget_tenant ON budget (tenant_id);

-- One row per version of a model's price; a ledger row says which version it was charged by.
CREATE TABLE model_price (
    id                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider          TEXT   NOT NULL,
    model             TEXT   NOT NULL,
    mode              TEXT   NOT NULL,
    version_tag       TEXT   NOT NULL,
    input_tokens_max  BIGINT,
    output_tokens_max BIGINT,
    source            TEXT   NOT NULL CHECK (source IN ('seed', 'admin')),
    effective_from    BIGINT NOT NULL,
    created_at        BIGINT NOT NULL
);
CREATE INDEX model_price_model ON model_price (provider, model, id);

CREATE TABLE model_rate (
    price_id           BIGINT NOT NULL REFERENCES model_price (id),
    tier               TEXT   NOT NULL,
    above_input_tokens BIGINT NOT NULL,
    kind               TEXT   NOT NULL,
    picos              BIGINT NOT NULL,
    PRIMARY KEY (price_id, tier, above_input_tokens, kind)
);

-- Counts the changes to the tables above: replicas reload when it moves.
CREATE TABLE catalog_version (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO catalog_version (id, version) VALUES (1, 1);

-- One row per request, written once. Monthly partitions may be attached beside the default one.
CREATE TABLE usage_ledger (
    request_id          BYTEA  NOT NULL,
    at                  BIGINT NOT NULL,
    tenant_id           BIGINT NOT NULL,
    key_id              BIGINT NOT NULL,
    session             TEXT,
    route               TEXT   NOT NULL,
    provider            TEXT   NOT NULL,
    model               TEXT   NOT NULL,
    model_served        TEXT,
    status              TEXT   NOT NULL,
    reason              TEXT,
    http_status         BIGINT,
    streamed            BIGINT NOT NULL,
    input               BIGINT NOT NULL,
    cached_input        BIGINT NOT NULL,
    cache_write         BIGINT NOT NULL,
    cache_write_1h      BIGINT NOT NULL,
    output              BIGINT NOT NULL,
    reasoning_output    BIGINT NOT NULL,
    audio_input         BIGINT NOT NULL,
    audio_output        BIGINT NOT NULL,
    image_input         BIGINT NOT NULL,
    image_output        BIGINT NOT NULL,
    web_search_calls    BIGINT NOT NULL,
    tier                TEXT   NOT NULL,
    price_id            BIGINT,
    cost                BIGINT NOT NULL,
    held                BIGINT NOT NULL,
    basis               TEXT   NOT NULL,
    latency_us          BIGINT NOT NULL,
    first_byte_us       BIGINT,
    upstream_request_id TEXT,
    PRIMARY KEY (request_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE usage_ledger_default PARTITION OF usage_ledger DEFAULT;

-- The cost is in the index so that spending is summed without reading the rows.
CREATE INDEX usage_ledger_tenant ON usage_ledger (tenant_id, at) INCLUDE (cost);
CREATE INDEX usage_ledger_key ON usage_ledger (key_id, at) INCLUDE (cost);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP;
END
$$;
CREATE TRIGGER usage_ledger_rows BEFORE UPDATE OR DELETE ON usage_ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_ledger_truncate BEFORE TRUNCATE ON usage_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Row triggers are inherited by partitions, statement triggers are not.
CREATE TRIGGER usage_ledger_truncate BEFORE TRUNCATE ON usage_ledger_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_price_rows BEFORE UPDATE OR DELETE ON model_price
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_rate_rows BEFORE UPDATE OR DELETE ON model_rate
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
