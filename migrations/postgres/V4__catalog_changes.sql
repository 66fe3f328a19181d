-- Replicas hear of a change of the catalog at once, and read of a hundred thousand keys only those that changed.

CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('budgetguard_catalog', '');
    RETURN NULL;
END
$$;
-- Sent when the change is committed, and once for all that one transaction does.
CREATE TRIGGER catalog_version_changed AFTER UPDATE ON catalog_version
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change();

-- The version of the catalog that a key is in as it stands. Set here and not by statements, so that replicas of the
-- version before this one set it as well.
ALTER TABLE api_key ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_key_changed ON api_key (changed_in);
CREATE FUNCTION note_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := (SELECT version FROM catalog_version WHERE id = 1);
    RETURN NEW;
END
$$;
CREATE TRIGGER api_key_version BEFORE INSERT OR UPDATE ON api_key
    FOR EACH ROW EXECUTE FUNCTION note_version();
