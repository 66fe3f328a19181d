-- A request may be tried several times, each with a row of its own, and under another name of its model.
ALTER TABLE usage_ledger ADD COLUMN model_asked TEXT;
ALTER TABLE usage_ledger ADD COLUMN attempt_of BLOB;
CREATE INDEX usage_ledger_attempt ON usage_ledger (attempt_of) WHERE attempt_of IS NOT NULL;
