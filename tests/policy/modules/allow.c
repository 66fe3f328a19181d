// allow.rego by hand: who may ask for what, by the data document's list.
#define ENTRYPOINTS "{\"budgetguard/policy/reason\": 1, \"budgetguard/policy/allow\": 0}"
#define BUILTINS "{}"
#include "opa.h"

static int is_listed(value *models, value *model) {
    if (models) for (member *one = models->first; one; one = one->next)
        if (model && same(one->value->text, one->value->length, model->text, model->length)) return 1;
    return 0;
}

static value *evaluate(int entry, value *input, value *data) {
    value *model = get(input, "model");
    int nobody = is(get(input, "tenant"), "");
    int dear = starts(model, "o1") && !is(get(input, "tenant"), "research");
    int unknown = get(data, "models") && !is_listed(get(data, "models"), model);
    if (entry == 0) return boolean(!nobody && !dear && !unknown);
    if (nobody) return string("nobody pays for this request");
    if (dear) return string("expensive models are for the research team");
    return unknown ? string("this model is not on the list") : 0;
}
