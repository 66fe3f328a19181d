"""A call that the budget has no room for: an error that an SDK understands and does not retry."""

import time
from fractions import Fraction

from calls import Chat, post_once
from trial import Outcome, scenario

# Less than any call costs.
BUDGET_USD = Fraction(1, 1_000_000)
POLL_SECONDS = 0.2
# What the official SDKs do: two more attempts after these, unless a header says otherwise.
RETRIES_MAX = 2
RETRIED_STATUSES = (408, 409, 429)
SERVER_ERROR_MIN = 500


@scenario(
    "refusal",
    'a call without room reaches no provider; {"error": {..}}, which an SDK attempts once',
)
def refusal(trial):
    faults, figures = [], {}
    for kind, stream in (("JSON", False), ("stream", True)):
        key = trial.gateway.new_key(BUDGET_USD, f"refusal {kind}")
        before = use_up(trial, key, stream)
        if before is None:
            faults.append(f"{kind}: calls were answered on and on")
            continue
        last = trial.provider.last()
        attempts, answer = attempt_as_sdk(trial, key, stream)
        reached = len(trial.provider.calls_after(last))
        figures[kind] = {"status": answer.status, "attempts": attempts, "answered_before": before}
        if reached:
            faults.append(f"{kind}: refused, and {reached} calls reached the provider")
        if attempts != 1:
            faults.append(f"{kind}: an SDK makes {attempts} attempts after {answer.status}")
        check_shape(kind, answer, faults)
    statuses = {figure["status"] for figure in figures.values()}
    remark = f"status {', '.join(map(str, sorted(statuses)))}" if statuses else ""
    return Outcome({"billed_usd": trial.provider.billed(), "refusals": figures}, faults, remark)


def use_up(trial, key, stream):
    """How many calls are answered before one is refused: none where a budget is a ceiling."""
    deadline = time.monotonic() + trial.configuration.tolerance.settle_seconds
    answered = 0
    while time.monotonic() < deadline:
        if ask(trial, key, stream).status in trial.configuration.refusals.statuses:
            return answered
        answered += 1
        time.sleep(POLL_SECONDS)
    return None


def ask(trial, key, stream):
    body = Chat(stream=stream).body(trial.configuration.chat)
    return post_once(trial.gateway, trial.configuration.paths.chat, key.headers, body)


def attempt_as_sdk(trial, key, stream):
    """How often an official SDK tries, and what it is answered at last. It need not wait for it."""
    attempts = 0
    while True:
        answer = ask(trial, key, stream)
        attempts += 1
        if attempts > RETRIES_MAX or not is_retried(answer):
            return attempts, answer


def is_retried(answer):
    told = answer.headers["x-should-retry"]
    if told in ("true", "false"):
        return told == "true"
    return answer.status in RETRIED_STATUSES or answer.status >= SERVER_ERROR_MIN


def check_shape(kind, answer, faults):
    content_type = answer.headers["content-type"] or ""
    document = answer.json()
    error = document.get("error") if isinstance(document, dict) else None
    if not content_type.startswith("application/json"):
        faults.append(f"{kind}: the refusal is {content_type or 'of no type'}, not JSON")
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        faults.append(f"{kind}: not an error as OpenAI's: {answer.shown()}")
    elif "type" not in error or "code" not in error:
        faults.append(f"{kind}: the error has no type or no code: {answer.shown()}")
