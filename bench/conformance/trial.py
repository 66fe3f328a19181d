"""What a scenario is, what it has to work with, and what comes of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from gateway import Gateway
from provider import Provider

PASS, FAIL, NOT_SUPPORTED = "pass", "fail", "not supported"
POLL_SECONDS = 0.1


@dataclass
class Trial:
    """A gateway in front of a provider, and how hard it is tried."""

    gateway: Gateway
    provider: Provider
    callers: int
    budget_usd: Fraction
    seconds_max: float
    seed: int

    @property
    def configuration(self):
        return self.gateway.configuration

    def settled(self, key, is_right):
        """What the gateway tells of a key, by reading, and the bill: once right, and twice so.

        Else what they are when the time for that is over. A gateway that counts twice may be
        right for a moment.
        """
        deadline = time.monotonic() + self.configuration.tolerance.settle_seconds
        before = None
        while True:
            billed, told = self.provider.billed(), self.gateway.spent(key)
            right = all(is_right(usd, billed) for usd in told.values())
            if (right and before == (billed, told)) or time.monotonic() > deadline:
                return billed, told
            before = (billed, told)
            time.sleep(POLL_SECONDS)


@dataclass
class Outcome:
    """Figures of a scenario, and what is wrong; nothing wrong is a pass."""

    figures: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    remark: str = ""


@dataclass
class Scenario:
    """A question with a name, and what a configuration has to tell so that it can be asked."""

    name: str
    asks: str
    needs: tuple
    ask: Callable


def scenario(name, asks, needs=()):
    return lambda ask: Scenario(name, asks, needs, ask)


def missing(scenario, configuration):
    """Why a scenario cannot be asked of this gateway; nothing if it can."""
    if "spend" in scenario.needs and not configuration.spend:
        return "`spend` does not say where to read it"
    if "start" in scenario.needs and not configuration.start.command:
        return "the gateway is not started by us"
    return None
