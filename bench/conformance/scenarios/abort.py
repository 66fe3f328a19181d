"""Callers that hang up in the middle: what the provider bills is what the gateway says."""

from calls import Chat, difference, within
from load import Load, Plan, sizes
from scenarios.ceiling import check_ceiling, check_use, figures
from trial import Outcome, scenario

EVENTS = 32
# Slow enough that there is something left to miss when a caller leaves.
PACE = f"first_byte_ms=20 chunks={EVENTS} delay_ms=3"
HANG_UPS_IN_TEN = 6
OUTPUT_MIN = 16


@scenario(
    "abort",
    "callers hang up in mid-stream: spent as billed, the budget holds and can still be used up",
    needs=("spend",),
)
def abort(trial):
    key = trial.gateway.new_key(trial.budget_usd, "abort")
    load = Load(trial.gateway, key, plan, trial.seconds_max)
    load.is_calm.set()
    load.start(trial.callers, f"abort {trial.seed}")
    faults = load.wait()
    tolerance = trial.configuration.tolerance
    calls = load.counts["answered"] + load.counts["hung up"]
    allowed = calls * tolerance.rounding_usd + load.counts["hung up"] * tolerance.hangup_usd
    billed, told = trial.settled(key, lambda usd, billed: within(usd, billed, allowed))
    check_ceiling(key, billed, faults)
    check_use(load, min(told.values()), faults)
    for reading, usd in told.items():
        if not within(usd, billed, allowed):
            faults.append(f"`{reading}` differs from the bill by {difference(usd, billed)}")
    if load.counts["broken"]:
        faults.append(f"{load.counts['broken']} calls broke")
    if load.counts["hung up"] == 0:
        faults.append("no caller got so far as to hang up")
    remark = f"{load.counts['hung up']} hung up"
    return Outcome(figures(load, billed) | {"told_usd": told}, faults, remark)


def plan(choices, largest):
    size = sizes(choices, largest)
    size["output"] = max(size["output"], OUTPUT_MIN)
    size["cap"] = max(size["cap"], size["output"])
    leaves = choices.randrange(10) < HANG_UPS_IN_TEN
    after = choices.randrange(EVENTS) if leaves else None
    return Plan(Chat(**size, stream=True, pace=PACE), after)
