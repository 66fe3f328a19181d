# The policy that comes with BudgetGuard. To change it, copy it, add rules, and set
# OPA_POLICY_PATH to the copy, or to a folder of such files.
#
# The gateway asks for `allow` on each request, after the key is known to be good and before any
# money is held. Unless it is exactly `true`, the caller is refused with status 403 and, if there
# is one, `reason`. A rule that fails (a builtin on a wrong type, too many steps) refuses too.
#
# Budgets need no rule: whatever is allowed here, a request that does not fit its budgets is
# refused with status 402. The figures are here for rules that are stricter than a budget.
#
#   input.tenant    name of the tenant        input.route     "/v1/chat/completions"
#   input.key       number of the API key     input.model     as the caller wrote it
#   input.session   only if there is one      input.provider  "openai", "anthropic", "google"
#   input.streamed  true or false             input.estimate  the most it can cost, in USD
#   input.time      hour of the day, 0 to 23, by the tenant's time zone
#   input.budgets   of the tenant and the key, each with
#       scope       "tenant" or "key"
#       period      "hourly", "daily", "weekly", "monthly", "custom" or "total"
#       usage       spent in the window, in USD; and likewise
#       held        for requests that are under way
#       budget      the limit
#       remaining   budget - usage - held
#       start, end  of the window, ISO 8601 in UTC; absent where it has none
#
# The budgets' figures are gathered only for a policy that reads them: one with `input.budgets` in
# it, or with `input` in any other form than `input.name`.
#
# What is absent is undefined, and so is what a builtin makes of a wrong type. A rule with something
# undefined in it does not hold: one that denies by `input.session` says nothing about requests
# without a session. Where that matters, write what is allowed instead of what is denied.
#
# Examples of rules:
#
#   deny contains "expensive models are for the research team" if {
#       startswith(input.model, "o1-pro")
#       input.tenant != "research"
#   }
#
#   deny contains "one request may cost at most a tenth of the day's budget" if {
#       some budget in input.budgets
#       budget.period == "daily"
#       input.estimate > budget.budget / 10
#   }
package budgetguard.policy

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "nobody pays for this request" if input.tenant == ""
