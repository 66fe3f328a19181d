// builtins.rego by hand: what the module leaves to its host.
#define ENTRYPOINTS "{\"budgetguard/policy/allow\": 0, \"budgetguard/policy/reason\": 1}"
#define BUILTINS "{\"sprintf\": 0, \"time.now_ns\": 1, \"regex.match\": 2, \"substring\": 3, \"strings.replace_n\": 4, \"semver.is_valid\": 5}"
#include "opa.h"

static value *evaluate(int entry, value *input, value *data) {
    (void)data;
    value *model = get(input, "model"), *arguments = make(ARRAY), *set = make(SET);
    if (entry == 0) {
        value *now = opa_builtin0(1, 0), *again = opa_builtin0(1, 0);
        value *matches = opa_builtin2(2, 0, string("^gpt-[0-9]+$"), model);
        // Undefined: the rule does not hold.
        value *wrong = opa_builtin1(5, 0, number("7"));
        int is_valid = wrong && wrong->flag;
        return boolean(same(now->text, now->length, again->text, again->length) && matches && matches->flag && !is_valid);
    }
    add(set, 0, string("b"));
    add(set, 0, string("a"));
    add(set, 0, string("b"));
    add(arguments, 0, opa_builtin3(3, 0, model, number("0"), number("2")));
    add(arguments, 0, set);
    return opa_builtin2(0, 0, string("%s is not one of %v"), arguments);
}
