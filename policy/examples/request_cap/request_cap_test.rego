package budgetguard.policy_test

import data.budgetguard.policy

test_a_cheap_request_is_capped if {
	policy.decision == {"allow": true, "max_output_tokens": 4096} with input as {"estimate": 0.01}
	policy.allow with input as {"estimate": 0.25}
}

test_a_dear_request_is_denied if {
	policy.decision.reason == "one request may cost at most 25 cents" with input as {"estimate": 0.26}
	not policy.allow with input as {"estimate": 0.26}
}

test_a_request_that_costs_nothing_is_allowed if {
	policy.allow with input as {"estimate": 0}
}

test_a_request_without_a_price_is_denied if {
	not policy.allow with input as {}
	policy.decision.reason == "nobody knows what this request costs" with input as {}
}
