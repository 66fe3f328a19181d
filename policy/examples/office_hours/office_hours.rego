# Requests only in office hours: Monday to Friday, from 8 to 18 by the tenant's calendar. Whoever is on call
# tags a request `on-call`, and may ask at any time.
#
# Reads input.weekday ("monday" to "sunday"), input.time (the hour) and input.tags.
package budgetguard.policy

workdays := {"monday", "tuesday", "wednesday", "thursday", "friday"}

opens := 8

closes := 18

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "requests are for office hours: Monday to Friday, 8 to 18" if {
	not is_open
	not is_on_call
}

is_open if {
	input.weekday in workdays
	input.time >= opens
	input.time < closes
}

is_on_call if {
	some tag in input.tags
	tag.name == "on-call"
}
