# Tests of budgetguard.rego: each rule whose name begins with `test_` must be true.
package budgetguard.policy_test

import data.budgetguard.policy

request := {
	"tenant": "acme",
	"key": 7,
	"route": "/v1/chat/completions",
	"model": "gpt-5",
	"provider": "openai",
	"streamed": false,
	"time": 23,
	"estimate": 0.0025,
	"worst_case": 0.0075,
	"budgets": [],
}

exhausted := {
	"scope": "tenant",
	"period": "daily",
	"usage": 10,
	"held": 0,
	"budget": 10,
	"remaining": 0,
}

test_a_request_without_budgets_is_allowed if policy.allow with input as request

test_an_exhausted_budget_is_left_to_the_engine if {
	policy.allow with input as object.union(request, {"budgets": [exhausted]})
}

test_an_allowed_request_has_no_reason if {
	not policy.reason with input as request
}

test_a_request_of_nobody_is_denied_with_a_reason if {
	policy.reason == "nobody pays for this request" with input as object.union(request, {"tenant": ""})
}

test_a_streamed_request_of_a_session_is_allowed if {
	policy.allow with input as object.union(request, {"streamed": true, "session": "s-1"})
}
