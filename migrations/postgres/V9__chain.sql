-- Each row of the ledger stands in the chain of whoever wrote it: nobody can change or remove one unseen.
-- Rows from before, and those of replicas of the version before, are in no chain.
ALTER TABLE usage_ledger ADD COLUMN writer BYTEA;
ALTER TABLE usage_ledger ADD COLUMN seq BIGINT;
ALTER TABLE usage_ledger ADD COLUMN hash BYTEA;
CREATE INDEX usage_ledger_chain ON usage_ledger (writer, seq) WHERE writer IS NOT NULL;

-- How far each chain goes. Its row is the lock that lets one batch be chained after another.
CREATE TABLE ledger_writer (
    id   BYTEA  PRIMARY KEY,
    name TEXT   NOT NULL,
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
);
