-- Policies of tenants, in versions of which one at most is in force. What was uploaded is never overwritten.
CREATE TABLE policy_bundle (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id    INTEGER NOT NULL REFERENCES tenant (id),
    version      INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('rego', 'wasm')),
    sha256       TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    -- Of rego a JSON object of names and texts, of wasm the module.
    files        TEXT,
    module       BLOB,
    comment      TEXT,
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    is_active    INTEGER NOT NULL DEFAULT 0,
    -- When it was last activated, and as which activation of its tenant; nothing if it was rolled back.
    activated_at INTEGER,
    activation   INTEGER,
    UNIQUE (tenant_id, version),
    CHECK ((kind = 'rego') = (files IS NOT NULL) AND (kind = 'wasm') = (module IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX policy_bundle_active ON policy_bundle (tenant_id) WHERE is_active = 1;

CREATE TRIGGER policy_bundle_no_update
    BEFORE UPDATE OF tenant_id, version, kind, sha256, bytes, files, module, comment, created_by, created_at
    ON policy_bundle BEGIN
    SELECT RAISE(ABORT, 'policy_bundle is append-only: UPDATE is refused');
END;
CREATE TRIGGER policy_bundle_no_delete BEFORE DELETE ON policy_bundle BEGIN
    SELECT RAISE(ABORT, 'policy_bundle is append-only: DELETE is refused');
END;
