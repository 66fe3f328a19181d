package budgetguard.policy_test

import data.budgetguard.policy

asks(model, path) := {"model": model, "tags": [{"name": "any", "path": path, "inherited": false}]}

test_a_request_of_a_project_is_allowed if {
	policy.decision == {"allow": true, "tags_required": []} with input as asks("gpt-5", "project/search")
	policy.allow with input as asks("gpt-5", "project/search")
}

test_a_request_of_no_project_is_denied if {
	not policy.allow with input as {"model": "gpt-5", "tags": []}
	not policy.allow with input as asks("gpt-5", "project")
	policy.decision.reason == "a request needs a tag of its project" with input as asks("gpt-5", "team/search")
}

test_a_dear_model_needs_approval if {
	policy.decision.tags_required == ["approved"] with input as asks("o1-pro", "project/search")
	policy.decision.tags_required == [] with input as asks("gpt-5-mini", "project/search")
}
