"""Callers that spend a key's budget as fast as they can, and what becomes of their calls."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from calls import Chat, post, post_and_hang_up
from gateway import Gateway, Key

CAP_MAX = 400
CAP_MIN = 16
INPUT_MIN = 16
# The gateway said no so often in a row to the smallest call: the budget is used up.
REFUSALS_AT_END = 4
POLL_SECONDS = 0.05
# A gateway that lets so much more than the budget through need not be tried any longer.
OVERSPENT_FACTOR = 3
UNEXPECTED_SHOWN_MAX = 3


@dataclass
class Plan:
    """A call, and after how many events its sender hangs up, if at all."""

    chat: Chat
    hang_up_after: int | None = None


@dataclass
class Load:
    """What all callers of a scenario do."""

    gateway: Gateway
    key: Key
    # Makes a plan from a source of randomness and the largest cap that is of use.
    plan: Callable
    seconds_max: float
    ends_at: float = 0.0
    # Until it is set nobody believes that the budget is used up.
    is_calm: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter = field(default_factory=Counter)
    # What the calls cost that were answered to their end, and at most those that were not.
    answered_usd: Fraction = Fraction(0)
    unanswered_usd_max: Fraction = Fraction(0)
    unexpected: list = field(default_factory=list)
    threads: list = field(default_factory=list)

    def start(self, callers, seed):
        self.ends_at = time.monotonic() + self.seconds_max
        # A seed repeats the sizes of a run, though not their timing.
        for number in range(callers):
            choices = random.Random(f"{seed} {number}")
            thread = threading.Thread(target=self.spend, args=(choices,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def wait(self):
        """Until the budget is used up; tells what went wrong on the way."""
        grace = self.gateway.configuration.paths.request_seconds
        for thread in self.threads:
            thread.join(max(0, self.ends_at - time.monotonic()) + grace)
            if thread.is_alive():
                return ["a caller did not end"]
        if not self.unexpected and time.monotonic() > self.ends_at:
            return [f"the budget was not used up in {self.seconds_max:.0f} s"]
        return self.unexpected[:UNEXPECTED_SHOWN_MAX]

    def wait_for_answers(self, count):
        while self.counts["answered"] < count and not self.is_over():
            time.sleep(POLL_SECONDS)

    def is_over(self):
        overspent = self.answered_usd > OVERSPENT_FACTOR * self.key.budget_usd
        return bool(self.unexpected) or overspent or time.monotonic() > self.ends_at

    def spend(self, choices):
        """One caller: calls of random sizes, until not even the smallest has room."""
        connection = self.gateway.connection()
        largest, refusals = CAP_MAX, 0
        while not self.is_over():
            plan = self.plan(choices, largest)
            became = self.make(connection, plan)
            self.count(became, plan.chat)
            if became in ("busy", "broken", "not sent"):
                time.sleep(POLL_SECONDS)
            elif became != "refused":
                refusals = 0
            elif largest > CAP_MIN:
                largest = max(largest // 2, CAP_MIN)
            elif refusals + 1 < REFUSALS_AT_END:
                refusals += 1
                time.sleep(POLL_SECONDS)
            elif self.is_calm.is_set():
                break
            else:
                # A gateway that is killed meanwhile breaks nothing of ours.
                connection.close()
                self.is_calm.wait(max(0, self.ends_at - time.monotonic()))
                largest, refusals = CAP_MAX, 0
        connection.close()

    def make(self, connection, plan):
        """Makes a call and tells in a word what became of it."""
        configuration = self.gateway.configuration
        body = plan.chat.body(configuration.chat)
        path = self.gateway.path(configuration.paths.chat)
        try:
            if plan.hang_up_after is None:
                answer = post(connection, path, self.key.headers, body)
            else:
                events = plan.hang_up_after
                answer = post_and_hang_up(connection, path, self.key.headers, body, events)
        except ConnectionRefusedError:
            connection.close()
            return "not sent"
        except (OSError, http.client.HTTPException):
            connection.close()
            return "broken"
        if answer is None:
            return "hung up"
        if answer.status == 200:
            return "answered" if answer.is_whole(plan.chat) else "cut off"
        if answer.status in configuration.refusals.statuses:
            return "refused"
        if answer.status in configuration.refusals.busy_statuses:
            return "busy"
        self.unexpected.append(answer.shown())
        return "unexpected"

    def count(self, became, chat):
        model = self.gateway.configuration.chat
        with self.lock:
            self.counts[became] += 1
            if became == "answered":
                self.answered_usd += chat.usd(model)
            elif became in ("broken", "cut off", "hung up"):
                self.unanswered_usd_max += chat.usd_max(model)


def sizes(choices, largest):
    """How much a call takes, at random: near the end of a budget all of it is small."""
    cap = choices.randint(CAP_MIN, largest)
    return {
        "cap": cap,
        "input": choices.randint(INPUT_MIN, max(2 * INPUT_MIN, largest // 2)),
        "output": choices.randint(1, cap),
    }
