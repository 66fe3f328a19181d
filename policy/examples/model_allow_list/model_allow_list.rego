# Who may ask which models: everybody a few, and more with a tag that has more. A tag gives its models to all
# tags below it, for a request counts on those above its own as well.
#
# Reads input.model and input.tags.
package budgetguard.policy

# How names of models begin that everybody may ask.
models_of_all := ["gpt-4o-mini", "gpt-5-nano", "claude-haiku-", "gemini-2.5-flash"]

# And those that a tag adds.
models_of_tag := {
	"engineering": ["gpt-5", "claude-sonnet-"],
	"research": ["gpt-5", "o1-pro", "claude-", "gemini-"],
}

default allow := false

allow if count(deny) == 0

reason := concat("; ", deny) if count(deny) > 0

deny contains "this model needs a tag that allows it" if not is_allowed

is_allowed if {
	some beginning in models_of_all
	startswith(input.model, beginning)
}

is_allowed if {
	some tag in input.tags
	some beginning in models_of_tag[tag.name]
	startswith(input.model, beginning)
}
