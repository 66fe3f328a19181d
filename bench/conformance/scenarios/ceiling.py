"""Parallel callers on one budget: what the provider bills is never more, and nearly all of it."""

from fractions import Fraction

from calls import Chat
from load import Load, Plan, sizes
from trial import Outcome, scenario

USED_MIN = Fraction(95, 100)
# Calls take so long that all callers have one under way.
PACE = "first_byte_ms=20 chunks=4"


@scenario("ceiling", "parallel callers: billed at most the budget, and at least 95 % of it")
def ceiling(trial):
    return run(trial, "ceiling", stream=False)


@scenario("ceiling-stream", "the same with streams")
def ceiling_stream(trial):
    return run(trial, "ceiling-stream", stream=True)


def run(trial, name, stream):
    def plan(choices, largest):
        return Plan(Chat(**sizes(choices, largest), stream=stream, pace=PACE))

    key = trial.gateway.new_key(trial.budget_usd, name)
    load = Load(trial.gateway, key, plan, trial.seconds_max)
    load.is_calm.set()
    load.start(trial.callers, f"{name} {trial.seed}")
    faults = load.wait()
    billed = trial.provider.billed()
    check_ceiling(load.key, billed, faults)
    check_use(load, billed, faults)
    if load.counts["broken"]:
        faults.append(f"{load.counts['broken']} calls broke")
    return Outcome(figures(load, billed), faults)


def check_ceiling(key, billed, faults):
    if billed > key.budget_usd:
        limit = float(key.budget_usd)
        faults.append(f"the provider billed {float(billed):.9f} of {limit:.2f} USD")


def check_use(load, usd, faults):
    """A budget that is held for nothing cannot be used up."""
    used = usd / load.key.budget_usd
    if used < USED_MIN and not load.unexpected:
        faults.append(f"only {float(used):.2%} of the budget could be used")


def figures(load, billed):
    return {
        "callers": len(load.threads),
        "calls": dict(load.counts),
        "budget_usd": load.key.budget_usd,
        "billed_usd": billed,
        "used": billed / load.key.budget_usd,
    }
