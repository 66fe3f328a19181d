# Every request says for which project it is: with a tag below `project`. Dear models need the tag `approved` as
# well; a request without it is refused with its name.
#
# Reads input.tags and input.model.
package budgetguard.policy

# How names of dear models begin.
dear := ["o1-pro", "gpt-5-pro", "claude-opus-"]

default allow := false

allow if decision.allow

decision := {"allow": true, "tags_required": required} if count(deny) == 0

decision := {"allow": false, "reason": concat("; ", deny)} if count(deny) > 0

deny contains "a request needs a tag of its project" if not has_project

has_project if {
	some tag in input.tags
	startswith(tag.path, "project/")
}

required := ["approved"] if is_dear

required := [] if not is_dear

is_dear if {
	some beginning in dear
	startswith(input.model, beginning)
}
