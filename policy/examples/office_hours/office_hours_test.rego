package budgetguard.policy_test

import data.budgetguard.policy

at(weekday, hour) := {"weekday": weekday, "time": hour, "tags": []}

test_a_workday_is_open_from_8_to_18 if {
	policy.allow with input as at("monday", 8)
	policy.allow with input as at("friday", 17)
	not policy.allow with input as at("monday", 7)
	not policy.allow with input as at("friday", 18)
}

test_a_weekend_is_closed_and_says_so if {
	not policy.allow with input as at("saturday", 12)
	policy.reason == "requests are for office hours: Monday to Friday, 8 to 18" with input as at("sunday", 12)
}

test_whoever_is_on_call_may_always_ask if {
	on_call := {"name": "on-call", "path": "on-call", "inherited": false}
	policy.allow with input as {"weekday": "sunday", "time": 3, "tags": [on_call]}
	not policy.reason with input as {"weekday": "sunday", "time": 3, "tags": [on_call]}
}

test_a_request_at_no_time_is_denied if {
	not policy.allow with input as {"tags": []}
}
