package budgetguard.policy

default allow := false

allow if count(deny) == 0

reason := "nobody pays for this request" if {
	input.tenant == ""
} else := "expensive models are for the research team" if {
	is_dear
}

deny contains "nobody" if input.tenant == ""

deny contains "dear" if is_dear

is_dear if {
	startswith(input.model, "o1")
	input.tenant != "research"
}
