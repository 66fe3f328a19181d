-- Each row of the ledger stands in the chain of whoever wrote it: nobody can change or remove one unseen.
-- Rows from before are in no chain.
ALTER TABLE usage_ledger ADD COLUMN writer BLOB;
ALTER TABLE usage_ledger ADD COLUMN seq INTEGER;
ALTER TABLE usage_ledger ADD COLUMN hash BLOB;
CREATE INDEX usage_ledger_chain ON usage_ledger (writer, seq) WHERE writer IS NOT NULL;
CREATE INDEX usage_ledger_unchained ON usage_ledger (request_id) WHERE (writer IS NULL OR seq IS NULL);

-- How far each chain goes.
CREATE TABLE ledger_writer (
    id   BLOB    PRIMARY KEY,
    name TEXT    NOT NULL,
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Months that have left: pages begin after them. When somebody is to look for more, one process at a time.
CREATE TABLE ledger_retention (
    left_before INTEGER,
    due_at      INTEGER NOT NULL
) STRICT;
INSERT INTO ledger_retention (left_before, due_at) VALUES (NULL, 0);
