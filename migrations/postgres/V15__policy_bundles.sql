-- Policies of tenants, in versions of which one at most is in force. What was uploaded is never overwritten.
CREATE TABLE policy_bundle (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    BIGINT NOT NULL REFERENCES tenant (id),
    version      BIGINT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('rego', 'wasm')),
    sha256       TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    -- Of rego a JSON object of names and texts, of wasm the module.
    files        TEXT,
    module       BYTEA,
    comment      TEXT,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    is_active    BIGINT NOT NULL DEFAULT 0,
    -- When it was last activated, and as which activation of its tenant; nothing if it was rolled back.
    activated_at BIGINT,
    activation   BIGINT,
    UNIQUE (tenant_id, version),
    CHECK ((kind = 'rego') = (files IS NOT NULL) AND (kind = 'wasm') = (module IS NOT NULL))
);
CREATE UNIQUE INDEX policy_bundle_active ON policy_bundle (tenant_id) WHERE is_active = 1;

CREATE TRIGGER policy_bundle_rows
    BEFORE DELETE OR UPDATE OF tenant_id, version, kind, sha256, bytes, files, module, comment, created_by, created_at
    ON policy_bundle FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_bundle_truncate BEFORE TRUNCATE ON policy_bundle
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
