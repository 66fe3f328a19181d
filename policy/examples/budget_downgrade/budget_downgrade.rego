# When less than a fifth of any budget of the request is left, a cheaper model answers instead. The ledger keeps
# the name that was asked for. Models without a cheaper one are served as long as the budget lasts.
#
# Reads input.model and input.budgets: each with budget (the limit) and remaining, in USD.
package budgetguard.policy

cheaper := {
	"gpt-5": "gpt-5-mini",
	"gpt-4o": "gpt-4o-mini",
	"claude-opus-4-5": "claude-haiku-4-5",
	"claude-sonnet-4-5": "claude-haiku-4-5",
	"gemini-2.5-pro": "gemini-2.5-flash",
}

default allow := false

allow if decision.allow

decision := {"allow": true, "model": substitute} if substitute

decision := {"allow": true} if not substitute

substitute := cheaper[input.model] if is_nearly_spent

is_nearly_spent if {
	some budget in input.budgets
	budget.remaining * 5 < budget.budget
}
