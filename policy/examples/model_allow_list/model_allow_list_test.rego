package budgetguard.policy_test

import data.budgetguard.policy

asks(model, names) := {
	"model": model,
	"tags": [{"name": name, "path": name, "inherited": false} | some name in names],
}

test_everybody_may_ask_small_models if {
	policy.allow with input as asks("gpt-4o-mini", [])
	policy.allow with input as asks("claude-haiku-4-5", ["sales"])
}

test_other_models_need_a_tag if {
	not policy.allow with input as asks("o1-pro", [])
	not policy.allow with input as asks("o1-pro", ["engineering"])
	policy.reason == "this model needs a tag that allows it" with input as asks("o1-pro", ["sales"])
}

test_a_tag_allows_its_models if {
	policy.allow with input as asks("gpt-5", ["engineering"])
	policy.allow with input as asks("o1-pro", ["sales", "research"])
}

test_a_tag_allows_its_models_to_those_below_it if {
	inherited := {"name": "research", "path": "research", "inherited": true}
	own := {"name": "vision", "path": "research/vision", "inherited": false}
	policy.allow with input as {"model": "o1-pro", "tags": [own, inherited]}
}

test_a_request_without_a_model_is_denied if {
	not policy.allow with input as {"tags": []}
}
