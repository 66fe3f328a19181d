-- Who may use the admin API, who is logged in, and who changed what.

-- People with a password of their own. They are never deleted: the audit log names them.
CREATE TABLE admin_user (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password_hash TEXT    NOT NULL,
    is_active     INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;
-- Two people whose names differ only in case would be taken for each other.
CREATE UNIQUE INDEX admin_user_name ON admin_user (LOWER(name));

-- Counts the changes to the table above. Each raises it first: one happens after another.
CREATE TABLE admin_user_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO admin_user_version (id, version) VALUES (1, 1);

-- Who is logged in, by the hash of the token in their cookie; without a user it is whoever has the admin key.
CREATE TABLE admin_session (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    user_id    INTEGER REFERENCES admin_user (id),
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_session_user ON admin_session (user_id);
CREATE INDEX admin_session_created ON admin_session (created_at);

-- One row for each change that somebody made, in the same transaction. Before and after are JSON objects.
CREATE TABLE audit_log (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    at           INTEGER NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     INTEGER,
    actor_name   TEXT,
    action       TEXT    NOT NULL,
    target_kind  TEXT    NOT NULL,
    target_id    TEXT,
    tenant_id    INTEGER,
    state_before TEXT,
    state_after  TEXT,
    address      TEXT
) STRICT;
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, at, id);
CREATE INDEX audit_log_actor ON audit_log (actor_kind, actor_id, at, id);
CREATE INDEX audit_log_action ON audit_log (action, at, id);
CREATE INDEX audit_log_target ON audit_log (target_kind, target_id, at, id);

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: UPDATE is refused');
END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: DELETE is refused');
END;
