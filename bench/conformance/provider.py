"""The provider of a trial: the simulated one, which bills what it says, and its books."""

import json
import time
from fractions import Fraction

from provider_bill import billed_usd
from stage import answers_get, call, free_port

POLL_SECONDS = 0.05
IN_FLIGHT = "in_flight"


class Provider:
    """`budgetguard simulate-provider`, and what it billed by the prices of the configuration."""

    def __init__(self, stage, configuration):
        upstream = configuration.upstream
        self.port = upstream.port or free_port()
        self.rates = {model.upstream: model.rates for model in configuration.models}
        self.seconds = configuration.tolerance.settle_seconds
        command = [stage.binaries / "budgetguard", "simulate-provider"]
        command += ["--listen", f"{upstream.host}:{self.port}"]
        answers = answers_get("/__simulator/calls")
        stage.run("simulator", stage.folder, self.port, command, answers=answers).wait()

    def forget(self):
        call(self.port, "POST", "/__simulator/reset")

    def calls(self):
        """The calls that ended, once none is under way or the time for that is over."""
        deadline = time.monotonic() + self.seconds
        while True:
            records = json.loads(call(self.port, "GET", "/__simulator/calls"))["calls"]
            under_way = any(record["outcome"] == IN_FLIGHT for record in records)
            if not under_way or time.monotonic() > deadline:
                return records
            time.sleep(POLL_SECONDS)

    def calls_after(self, number):
        return [record for record in self.calls() if record["sequence"] > number]

    def billed(self, after=0):
        """What the calls are billed that came after the one of that number, together."""
        return sum((self.bill(record) for record in self.calls_after(after)), Fraction(0))

    def last(self):
        """The number of the newest call."""
        return max((record["sequence"] for record in self.calls()), default=0)

    def bill(self, record):
        billed = record["billed"]
        if billed["input"] == 0 and billed["output"] == 0:
            return Fraction(0)
        if record["model"] not in self.rates:
            raise OSError(f"no price is configured for the provider's model {record['model']!r}")
        return billed_usd(record, self.rates[record["model"]])
