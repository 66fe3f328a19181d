-- What the policy decided on a request stands in its row: by which rules, in the decision on which other try where it
-- was not decided on itself, and what they changed. Older rows have none, and hash as before.
ALTER TABLE usage_ledger ADD COLUMN policy_hash BYTEA;
ALTER TABLE usage_ledger ADD COLUMN decision_id BYTEA;
ALTER TABLE usage_ledger ADD COLUMN policy_effects TEXT;
