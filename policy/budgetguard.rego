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
# policy/schema/input.schema.json says what each of these is:
#
#   input.tenant    name of the tenant        input.route     "/v1/chat/completions"
#   input.key       number of the API key     input.model     the one that would be billed
#   input.key_name  what its tenant calls it  input.model_asked  as the caller wrote it
#   input.session   only if there is one      input.provider  "openai", "anthropic", "google"
#   input.streamed  true or false             input.tags      each with name, path, inherited
#   input.estimate, input.worst_case          what it is likely to cost, and the most, in USD
#   input.session_spent, input.session_limit  in USD, only where something limits the session
#   input.time      hour of the day, 0 to 23, by the tenant's time zone, and by that also
#   input.minute, input.weekday ("monday"), input.date ("2026-11-30"), input.time_zone
#   input.instant   the same in UTC: "2026-11-30T01:04:55.754Z"
#   input.budgets   all that it is charged to, each with
#       scope       "tenant", "key", "tag", "session" or "installation"
#       name        of the tenant or key, path of the tag, id of the session
#       period      "hourly", "daily", "weekly", "monthly", "custom" or "total"
#       usage       spent in the window, in USD; and likewise
#       held        for requests that are under way
#       budget      the limit
#       remaining   budget - usage - held
#       start, end  of the window, ISO 8601 in UTC; absent where it has none
#
# Figures of budgets and sessions are gathered only for a policy that reads them: one with
# `input.budgets`, `input.session_spent` or `input.session_limit` in it, or with `input` in any other
# form than `input.name`. What is decided on such figures, `minute` or `instant` is not remembered.
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
#       input.worst_case > budget.budget / 10
#   }
package budgetguard.policy

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "nobody pays for this request" if input.tenant == ""
