-- What a provider keeps ready for later requests costs by the hour: tokens times seconds.
ALTER TABLE usage_ledger ADD COLUMN cache_storage_token_seconds INTEGER NOT NULL DEFAULT 0;
