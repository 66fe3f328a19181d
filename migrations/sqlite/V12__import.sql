-- What comes over from a database of the TypeScript BudgetGuard: keys of which only a bcrypt hash is known, and what
-- was imported already.

-- Until its first use such a key is known by its first eight characters, which are its prefix, and this hash.
ALTER TABLE api_key ADD COLUMN legacy_hash TEXT;
CREATE INDEX api_key_legacy ON api_key (id) WHERE legacy_hash IS NOT NULL;

-- What a row of another database became here. `source` names the database.
CREATE TABLE import_mark (
    source      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    original_id TEXT    NOT NULL,
    our_id      INTEGER NOT NULL,
    note        TEXT,
    PRIMARY KEY (source, kind, original_id)
) STRICT, WITHOUT ROWID;

-- Raised when rows came into the ledger past the gateways, which then count all budgets anew.
ALTER TABLE catalog_version ADD COLUMN recounts INTEGER NOT NULL DEFAULT 0;

-- Rows of another database's audit log, each once: the target is the row that it was there.
CREATE UNIQUE INDEX audit_log_original ON audit_log (target_id) WHERE target_kind = 'original';
