package budgetguard.policy

default allow := false

allow if {
	time.now_ns() == time.now_ns()
	regex.match("^gpt-[0-9]+$", input.model)
	not semver.is_valid(7)
}

reason := sprintf("%s is not one of %v", [substring(input.model, 0, 2), {"b", "a", "b"}])
