-- Who may use the admin API, who is logged in, and who changed what.

-- People with a password of their own. They are never deleted: the audit log names them.
CREATE TABLE admin_user (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          TEXT   NOT NULL,
    role          TEXT   NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password_hash TEXT   NOT NULL,
    is_active     BIGINT NOT NULL DEFAULT 1,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    last_login_at BIGINT
);
-- Two people whose names differ only in case would be taken for each other.
CREATE UNIQUE INDEX admin_user_name ON admin_user (LOWER(name));

-- Counts the changes to the table above. Each raises it first: one happens after another.
CREATE TABLE admin_user_version (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO admin_user_version (id, version) VALUES (1, 1);

-- Who is logged in, by the hash of the token in their cookie; without a user it is whoever has the admin key.
CREATE TABLE admin_session (
    token_hash BYTEA  NOT NULL PRIMARY KEY,
    user_id    BIGINT REFERENCES admin_user (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX admin_session_user ON admin_session (user_id);
CREATE INDEX admin_session_created ON admin_session (created_at);

-- One row for each change that somebody made, in the same transaction. Before and after are JSON objects.
CREATE TABLE audit_log (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           BIGINT NOT NULL,
    actor_kind   TEXT   NOT NULL,
    actor_id     BIGINT,
    actor_name   TEXT,
    action       TEXT   NOT NULL,
    target_kind  TEXT   NOT NULL,
    target_id    TEXT,
    tenant_id    BIGINT,
    state_before TEXT,
    state_after  TEXT,
    address      TEXT
);
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, at, id);
CREATE INDEX audit_log_actor ON audit_log (actor_kind, actor_id, at, id);
CREATE INDEX audit_log_action ON audit_log (action, at, id);
CREATE INDEX audit_log_target ON audit_log (target_kind, target_id, at, id);

CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
