package budgetguard.policy

allow := false

decision := object.union_n([{"allow": not_spent}, refused, cheaper, tagged, mistaken])

default not_spent := true

not_spent := false if is_spent

is_spent if {
	some budget in input.budgets
	budget.remaining <= 0
}

is_low if {
	some budget in input.budgets
	budget.remaining < 1
}

default refused := {}

refused := {"reason": "a budget is spent"} if is_spent

default cheaper := {}

cheaper := {"model": "gpt-5-mini", "max_output_tokens": 256} if {
	is_low
	not is_spent
}

default tagged := {}

tagged := {"tags_required": {"team"}} if {
	not input.session
	not is_spent
}

default mistaken := {}

mistaken := {"max_tokens": 5} if {
	input.tenant == "typo"
	not is_spent
}
