"""The gateway is killed under load and started again: nothing is lost, nothing counted twice."""

import time

from calls import Chat, difference, post_once
from load import Load, Plan, sizes
from scenarios.ceiling import check_ceiling, figures
from trial import Outcome, scenario

# Of the callers of other scenarios. What they have under way may stay charged in full, so it has
# to be little of the budget.
CALLERS_SHARE = 4
CALLERS_MIN = 4
CAP_MAX = 100
PACE = "first_byte_ms=20 chunks=8 delay_ms=3"
# So much that having it twice is more than what was under way could be charged at.
ANSWERS_BEFORE_EACH = 10
AWAY_SECONDS = 1
STREAMS_IN_TEN = 5


@scenario(
    "crash",
    "kill -9 under load and a new start: charged no less than billed and nothing twice,"
    " a fresh call works, the budget holds over all of it",
    needs=("spend", "start"),
)
def crash(trial):
    key = trial.gateway.new_key(trial.budget_usd, "crash")
    load = Load(trial.gateway, key, plan, trial.seconds_max)
    callers = max(CALLERS_MIN, trial.callers // CALLERS_SHARE)
    load.start(callers, f"crash {trial.seed}")
    load.wait_for_answers(callers * ANSWERS_BEFORE_EACH)
    answered = load.counts["answered"]
    trial.gateway.kill()
    time.sleep(AWAY_SECONDS)
    started = time.monotonic()
    trial.gateway.start()
    trial.gateway.wait()
    took = time.monotonic() - started
    load.is_calm.set()
    faults = load.wait()
    after = load.counts["answered"] - answered

    rounding = sum(load.counts.values()) * trial.configuration.tolerance.rounding_usd
    most = load.answered_usd + load.unanswered_usd_max + rounding
    billed, told = trial.settled(key, lambda usd, billed: billed - rounding <= usd <= most)
    if answered < callers * ANSWERS_BEFORE_EACH:
        faults.append(f"only {answered} calls were answered before the kill")
    if after == 0:
        faults.append("the key's remaining budget could not be used afterwards")
    check_ceiling(key, billed, faults)
    for reading, usd in told.items():
        check_charge(reading, usd, (load.answered_usd, billed, most), rounding, faults)
    check_fresh_call(trial, faults)
    own = {"told_usd": told, "charged_usd_max": most, "start_seconds": round(took, 3)}
    remark = f"{load.counts['broken']} calls broke, {after} answered afterwards"
    return Outcome(figures(load, billed) | own, faults, remark)


def check_charge(reading, usd, bounds, rounding, faults):
    answered, billed, most = bounds
    if usd < answered - rounding:
        short = difference(usd, answered)
        faults.append(f"`{reading}` lost answered calls: {short} against what they cost")
    elif usd < billed - rounding:
        faults.append(f"`{reading}` does not have all that was billed: {difference(usd, billed)}")
    elif usd > most:
        over = difference(usd, most)
        faults.append(f"`{reading}` has calls twice: {over} above the most they can have cost")


def check_fresh_call(trial, faults):
    """With a key that is made after the crash."""
    key = trial.gateway.new_key(trial.budget_usd, "after the crash")
    path, body = trial.configuration.paths.chat, Chat().body(trial.configuration.chat)
    answer = post_once(trial.gateway, path, key.headers, body)
    if answer.status != 200 or not answer.is_whole(Chat()):
        faults.append(f"a fresh call afterwards: {answer.shown()}")


def plan(choices, largest):
    size = sizes(choices, min(largest, CAP_MAX))
    return Plan(Chat(**size, stream=choices.randrange(10) < STREAMS_IN_TEN, pace=PACE))
