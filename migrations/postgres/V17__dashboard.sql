-- Pages by what requests cost begin at either end of this. The time is in it so that rows of other months are passed
-- by without being read.
CREATE INDEX usage_ledger_cost ON usage_ledger (cost, at);
-- Sessions with a budget of their own are told of with all other budgets, and are few.
CREATE INDEX session_own_budget ON session (last_active_at) WHERE own_budget IS NOT NULL;
