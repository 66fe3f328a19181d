"""Starts a gateway once, and a wire to its provider that tells what went over it."""

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# How processes are started and stopped is told once, for benchmarks and tests.
sys.path.insert(0, str(REPOSITORY / "bench"))
import stage as staging  # noqa: E402
from tap import Tap  # noqa: E402
from http1 import PATH, Connection, request  # noqa: E402

# A proxy in the developer's environment must not see requests to this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

METRICS_TOKEN = "token-of-the-abuse-tests"
WAIT_SECONDS_MAX = 20
PROVIDER_KEY = "sk-provider-key"
HEADER_SECONDS, BODY_SECONDS, IDLE_SECONDS = 2, 2, 3
SETTINGS = f"""
[limits]
header_timeout_s = {HEADER_SECONDS}
body_timeout_s = {BODY_SECONDS}
idle_timeout_s = {IDLE_SECONDS}
[upstream]
idle_timeout_ms = 3000
[telemetry]
tenant_series = true
"""


@dataclass
class Tenant:
    id: int
    key: str


@dataclass
class Installation:
    gateway: staging.Target
    simulator: staging.Target
    tap: Tap
    # What is logged before somebody asks is no caller's.
    log_begins: int = 0

    def admin(self, method, path, body=None):
        return staging.admin(self.gateway.port, method, path, body)

    def tenant(self, name):
        return self.furnished(self.admin("POST", "/admin/tenant", {"name": name})["id"])

    def furnished(self, tenant, key_name="abuse"):
        """A tenant with a budget and a key, and no other limit."""
        path = f"/admin/tenant/{tenant}"
        self.admin("PUT", f"{path}/ratelimit", {"rateLimitPerMin": 0})
        budgets = {"budgets": [{"period": "monthly", "amountUsd": 1_000}]}
        self.admin("POST", f"{path}/budgets", budgets)
        return Tenant(tenant, self.admin("POST", f"{path}/apikeys", {"name": key_name})["key"])

    def connect(self):
        return Connection(self.gateway.port)

    def forget(self):
        staging.call(self.simulator.port, "POST", "/__simulator/reset")
        self.tap.forget()

    def books(self):
        return json.loads(staging.call(self.simulator.port, "GET", "/__simulator/calls"))

    def provider_calls(self):
        """What reached the provider: as it says itself, and as it went over the wire."""
        paths = sorted(call["path"] for call in self.books()["calls"])
        requests = self.tap.requests()
        assert sorted(it.target.partition("?")[0] for it in requests) == paths
        return requests

    def assert_reached(self, count):
        """So many calls went to the provider: all to one path, with its own key and no other."""
        requests = self.provider_calls()
        assert len(requests) == count, requests
        for it in requests:
            assert (it.method, it.target) == ("POST", PATH)
            assert it.values("authorization") == [f"Bearer {PROVIDER_KEY}"]
            assert b"bg_" not in b"".join(self.tap.sent()), "a tenant's key went to the provider"
        return requests

    def metrics(self):
        headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
        return staging.call(self.gateway.port, "GET", "/metrics", headers=headers).decode()

    def metric(self, name):
        """The sum of its series."""
        values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", self.metrics(), re.MULTILINE)
        assert values, f"there is no metric {name}"
        return sum(map(float, values))

    def log(self):
        return self.gateway.log.read_bytes()[self.log_begins :].decode()

    def assert_nothing_held(self):
        eventually(lambda: self.metric("budgetguard_reservations_open") == 0, "nothing is held")

    def rows(self, tenant, at_least=0, query="&status=success"):
        """The rows that the ledger has of a tenant, once so many: it is written behind answers."""
        path = f"/admin/tenant/{tenant.id}/usage/ledger?limit=1{query}"

        def count():
            found = self.admin("GET", path)["total"]
            return (found,) if found >= at_least else None

        return eventually(count, f"{at_least} rows")[0]

    def assert_serves(self, tenant):
        with self.connect() as connection:
            connection.write(request(tenant.key))
            answer = connection.answer()
            assert answer and answer.status == 200, answer


def eventually(check, what, seconds=WAIT_SECONDS_MAX):
    return staging.eventually(check, what, seconds)


@pytest.fixture(scope="session")
def stage():
    binary = Path(os.environ["BUDGETGUARD_BIN"]).resolve()
    with staging.open_stage("abuse", binary.parent) as opened:
        yield opened


@pytest.fixture(scope="session")
def installation(stage):
    simulator = stage.start_simulator()
    tap = Tap(simulator.port)
    file = stage.folder / "budgetguard.toml"
    file.write_text(SETTINGS)
    provider = f"http://127.0.0.1:{tap.port}"
    settings = {
        "BUDGETGUARD_CONFIG": str(file),
        "METRICS_TOKEN": METRICS_TOKEN,
        "ANTHROPIC_BASE_URL": provider,
        "ANTHROPIC_API_KEY": PROVIDER_KEY,
        "LOG_FORMAT": "json",
        "RUST_LOG": "info,budgetguard=debug",
    }
    gateway = stage.start_gateway(tap.port, settings=settings)
    gateway.wait()
    yield Installation(gateway, simulator, tap, gateway.log.stat().st_size)
    tap.close()


@pytest.fixture(scope="session")
def caller(installation):
    return installation.tenant("caller")


@pytest.fixture(scope="session")
def victim(installation):
    return installation.tenant("victim")


@pytest.fixture
def watched(installation):
    """The installation, with nothing in anybody's books; afterwards nothing may be held."""
    installation.forget()
    yield installation
    installation.assert_nothing_held()
    assert "panicked" not in installation.log()
