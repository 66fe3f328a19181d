package budgetguard.policy_test

import data.budgetguard.policy

plenty := {"scope": "tenant", "period": "monthly", "budget": 100, "remaining": 20}

little := {"scope": "key", "period": "daily", "budget": 10, "remaining": 1.99}

asks(model, budgets) := {"model": model, "budgets": budgets}

test_a_budget_with_a_fifth_left_changes_nothing if {
	policy.decision == {"allow": true} with input as asks("gpt-5", [plenty])
	policy.decision == {"allow": true} with input as asks("gpt-5", [])
}

test_a_budget_that_is_nearly_spent_asks_a_cheaper_model if {
	policy.decision == {"allow": true, "model": "gpt-5-mini"} with input as asks("gpt-5", [plenty, little])
}

test_a_model_without_a_cheaper_one_stays if {
	policy.decision == {"allow": true} with input as asks("gpt-5-mini", [little])
}

test_every_request_is_allowed if {
	policy.allow with input as asks("gpt-5", [little])
	policy.allow with input as asks("gpt-5", [plenty])
	policy.allow with input as {}
}
