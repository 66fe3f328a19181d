# A cap for each request: at most 4,096 tokens of output, and none that is likely to cost more than 25 cents. A
# request whose price nobody knows is refused.
#
# Reads input.estimate: what the request is likely to cost, in USD.
package budgetguard.policy

output_tokens := 4096

most_usd := 0.25

default allow := false

allow if decision.allow

decision := {"allow": true, "max_output_tokens": output_tokens} if count(deny) == 0

decision := {"allow": false, "reason": concat("; ", deny)} if count(deny) > 0

deny contains "one request may cost at most 25 cents" if input.estimate > most_usd

deny contains "nobody knows what this request costs" if not input.estimate
