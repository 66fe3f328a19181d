"""Starts the simulated providers and a gateway in front of them, once for all tests."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

# What a provider bills is computed once, for benchmarks and tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

# A proxy in the developer's environment must not see requests to this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

ADMIN_KEY = "admin-key-of-the-sdk-tests"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15


@dataclass
class Tenant:
    id: int
    key: str


@dataclass
class Gateway:
    url: str
    simulator_url: str

    def admin(self, method, path, body=None):
        """Calls the admin API. Fractions are read as decimals: money is never a float."""
        return call(method, self.url + path, body, {"x-admin-key": ADMIN_KEY})

    def tenant(self, name, budget_usd):
        """A tenant without a rate limit, with one daily budget and a key."""
        tenant_id = self.admin("POST", "/admin/tenant", {"name": name})["id"]
        path = f"/admin/tenant/{tenant_id}"
        self.admin("PUT", f"{path}/ratelimit", {"rateLimitPerMin": 0})
        budget = {"period": "daily", "amountUsd": budget_usd}
        self.admin("POST", f"{path}/budgets", {"budgets": [budget]})
        key = self.admin("POST", f"{path}/apikeys", {"name": "sdk tests"})["key"]
        return Tenant(tenant_id, key)

    def provider_calls(self):
        """What the simulated providers saw, as they recorded it themselves."""
        return call("GET", f"{self.simulator_url}/__simulator/calls")["calls"]

    def ledger(self, tenant, **filters):
        """All ledger rows of a tenant, newest first, page by page."""
        query = "".join(f"&{name}={value}" for name, value in filters.items())
        rows, page = [], 0
        while True:
            path = f"/admin/tenant/{tenant.id}/usage/ledger?limit=100&page={page}{query}"
            answer = self.admin("GET", path)
            rows += answer["data"]
            page += 1
            if not answer["data"] or len(rows) >= answer["total"]:
                return rows

    def ledger_of(self, tenant, rows, **filters):
        """The ledger once it has that many rows: it is written behind the answers."""
        deadline = time.monotonic() + 20
        while True:
            ledger = self.ledger(tenant, **filters)
            if len(ledger) >= rows or time.monotonic() > deadline:
                assert len(ledger) == rows
                return ledger
            time.sleep(0.1)


class Attempts:
    """Counts the HTTP requests that an SDK really sends; its `hooks` go into the HTTP client."""

    def __init__(self):
        self.count = 0
        self.hooks = {"request": [self._observe]}

    def _observe(self, _request):
        self.count += 1


def call(method, url, body=None, headers=None):
    return json.loads(send(method, url, body, headers).body, parse_float=Decimal)


@dataclass
class Answer:
    headers: object
    body: bytes


def send(method, url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Answer(answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from error


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def end_with_parent():
    """Asks the kernel to end the child should this process be killed before it can."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Process:
    """One subcommand of the binary, running with nothing of the developer's environment."""

    def __init__(self, folder, arguments, environment):
        self.log = folder / f"{arguments[0]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [os.environ["BUDGETGUARD_BIN"], *arguments],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )

    def wait_until_answering(self, url):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                with urllib.request.urlopen(url, timeout=1):
                    return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{url}: {error}\n{self.log.read_text()}") from error
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("gateway")
    simulator_port, port = free_port(), free_port()
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    url = f"http://127.0.0.1:{port}"
    arguments = ["simulate-provider", "--listen", f"127.0.0.1:{simulator_port}"]
    simulator = Process(folder, arguments, {})
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "ADMIN_API_KEY": ADMIN_KEY,
        "MAX_REQS_PER_MIN": "0",
        "OPENAI_BASE_URL": simulator_url,
        "ANTHROPIC_BASE_URL": simulator_url,
        "GOOGLE_BASE_URL": simulator_url,
        "OPENAI_KEY": "sk-provider-key",
        "ANTHROPIC_API_KEY": "sk-ant-provider-key",
        "GOOGLE_API_KEY": "google-provider-key",
    }
    server = None
    try:
        simulator.wait_until_answering(f"{simulator_url}/__simulator/calls")
        server = Process(folder, ["serve"], environment)
        server.wait_until_answering(f"{url}/health")
        yield Gateway(url, simulator_url)
    finally:
        if server:
            server.stop()
        simulator.stop()


@pytest.fixture(scope="module")
def rich(gateway, request):
    """A tenant whose budget no test exhausts."""
    return gateway.tenant(f"rich {request.module.__name__}", 1000)


@pytest.fixture(scope="module")
def poor(gateway, request):
    """A tenant whose budget affords no answer at all."""
    return gateway.tenant(f"poor {request.module.__name__}", 0.000001)


@pytest.fixture
def attempts():
    return Attempts()
