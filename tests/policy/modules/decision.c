// decision.rego by hand: what a request may be, by how much its budgets have left.
#define ENTRYPOINTS "{\"budgetguard/policy/decision\": 0, \"budgetguard/policy/allow\": 1}"
#define BUILTINS "{}"
#include "opa.h"

static value *evaluate(int entry, value *input, value *data) {
    (void)data;
    if (entry == 1) return boolean(0);
    value *made = make(OBJECT), *budgets = get(input, "budgets"), *tags = make(SET);
    int is_low = 0, is_spent = 0;
    if (budgets) for (member *one = budgets->first; one; one = one->next) {
        double remaining = real(get(one->value, "remaining"));
        if (remaining < 1) is_low = 1;
        if (remaining <= 0) is_spent = 1;
    }
    add(made, string("allow"), boolean(!is_spent));
    if (is_spent) { add(made, string("reason"), string("a budget is spent")); return made; }
    if (is_low) {
        add(made, string("model"), string("gpt-5-mini"));
        add(made, string("max_output_tokens"), number("256"));
    }
    value *session = get(input, "session");
    if (!session) { add(tags, 0, string("team")); add(made, string("tags_required"), tags); }
    // A typo, for one caller.
    if (is(get(input, "tenant"), "typo")) add(made, string("max_tokens"), number("5"));
    return made;
}
