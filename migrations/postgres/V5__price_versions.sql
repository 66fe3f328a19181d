-- A price is in force from a moment that may lie before or after the one at which it was set, and models are retired.

-- From then on the model has no price.
ALTER TABLE model_price ADD COLUMN is_retired BIGINT NOT NULL DEFAULT 0;
-- When the version was set; in older rows that is when it came into force.
ALTER TABLE model_price ADD COLUMN made_at BIGINT;
CREATE INDEX model_price_effective ON model_price (provider, model, effective_from, id);
