-- Each row of the ledger stands in the chain of whoever wrote it: nobody can change or remove one unseen.
-- Rows from before, and those of replicas of the version before, are in no chain.
ALTER TABLE usage_ledger ADD COLUMN writer BYTEA;
ALTER TABLE usage_ledger ADD COLUMN seq BIGINT;
ALTER TABLE usage_ledger ADD COLUMN hash BYTEA;
CREATE INDEX usage_ledger_chain ON usage_ledger (writer, seq) WHERE writer IS NOT NULL;
CREATE INDEX usage_ledger_unchained ON usage_ledger (request_id) WHERE (writer IS NULL OR seq IS NULL);

-- How far each chain goes. Its row is the lock that lets one batch be chained after another.
CREATE TABLE ledger_writer (
    id   BYTEA  PRIMARY KEY,
    name TEXT   NOT NULL,
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
);

-- Removes the rows of a month from a table: with its partition, and from where rows without a partition are.
CREATE FUNCTION drop_month_of(parent TEXT, first BIGINT, next BIGINT) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month TEXT := parent || to_char(TIMESTAMP '1970-01-01' + first * INTERVAL '1 microsecond', '"_"YYYY"_"MM');
    rest TEXT := parent || '_default';
BEGIN
    IF EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = month) THEN
        EXECUTE format('DROP TABLE %I', month);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = rest) THEN
        rest := parent;
    END IF;
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER %I', rest, parent || '_rows');
    EXECUTE format('DELETE FROM %I WHERE at >= $1 AND at < $2', rest) USING first, next;
    EXECUTE format('ALTER TABLE %I ENABLE TRIGGER %I', rest, parent || '_rows');
END
$$;
-- Removes a month of the ledger, if it has as many rows as were kept elsewhere.
CREATE FUNCTION drop_month(first BIGINT, next BIGINT, kept BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    found BIGINT;
BEGIN
    LOCK TABLE usage_ledger, usage_tag IN ACCESS EXCLUSIVE MODE;
    SELECT COUNT(*) INTO found FROM usage_ledger WHERE at >= first AND at < next;
    IF found <> kept THEN
        RAISE EXCEPTION 'the ledger has % rows of this month, and not %', found, kept;
    END IF;
    PERFORM drop_month_of('usage_tag', first, next);
    PERFORM drop_month_of('usage_ledger', first, next);
    RETURN found;
END
$$;

-- Months that have left: pages begin after them. When somebody is to look for more, one process at a time.
CREATE TABLE ledger_retention (
    left_before BIGINT ,
    due_at      BIGINT  NOT NULL
);
INSERT INTO ledger_retention (left_before, due_at) VALUES (NULL, 0);
