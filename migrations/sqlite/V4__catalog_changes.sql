-- Of a hundred thousand keys only those that changed are read again. (On Postgres replicas also hear of changes; a
-- SQLite file tells nobody, and who uses it looks from time to time.)

-- The version of the catalog that a key is in as it stands. Set here and not by statements, so that a process of the
-- version before this one sets it as well.
ALTER TABLE api_key ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;
CREATE INDEX api_key_changed ON api_key (changed_in);
CREATE TRIGGER api_key_made AFTER INSERT ON api_key BEGIN
    UPDATE api_key SET changed_in = (SELECT version FROM catalog_version WHERE id = 1) WHERE id = NEW.id;
END;
-- Not of `changed_in`: triggers are recursive.
CREATE TRIGGER api_key_altered AFTER UPDATE OF tenant_id, name, prefix, lookup, hash, is_active,
    requests_per_minute, tokens_per_minute, concurrent_requests ON api_key BEGIN
    UPDATE api_key SET changed_in = (SELECT version FROM catalog_version WHERE id = 1) WHERE id = NEW.id;
END;
