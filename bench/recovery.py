"""How long a fleet takes until it serves again after a fault, seen by callers of its own."""

import http.client
import json
import time
from dataclasses import dataclass

from fleet import POLL_SECONDS, PROBE_INPUT
from stage import ADMIN_KEY, admin, call

RECOVERED_SECONDS_MAX = 60
PROBE_SECONDS_MAX = 15
PROBE_LIMIT_USD = 1_000
MODEL = "gpt-4o"


@dataclass(frozen=True)
class Probe:
    """A tenant of its own, so that it has money whatever the clients spend."""

    tenant: int
    key: str

    def ask(self, port, headers=None):
        """The status of the answer to a small call, and its code; no status if none came."""
        text = f"Hello. [[sim input={PROBE_INPUT} output=1]]"
        body = {"model": MODEL, "max_tokens": 16, "messages": [{"role": "user", "content": text}]}
        headers = {"authorization": f"Bearer {self.key}"} | (headers or {})
        headers |= {"content-type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS_MAX)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def standing(self, port):
        """What a replica tells of the tenant's limit: spent and held."""
        headers = {"authorization": f"Bearer {self.key}"}
        limits = json.loads(call(port, "GET", "/v1/budget", None, headers))["data"]
        total = next(limit for limit in limits if limit["period"] == "total")
        return float(total["spent_usd"]), float(total["held_usd"])

    def rows(self, port):
        """Rows of calls that were sent to the provider."""
        path = f"/admin/usage/breakdown?by=status&days=2&tenantId={self.tenant}"
        told = json.loads(call(port, "GET", path, None, {"x-admin-key": ADMIN_KEY}))
        return sum(row["requests"] for row in told["rows"] if row["status"] != "blocked")


def make_probe(fleet, name):
    """Fails if a replica does not serve it: then it would show nothing after a fault."""
    port = fleet.ports[0]
    tenant = admin(port, "POST", "/admin/tenant", {"name": name})["id"]
    budgets = {"budgets": [{"period": "total", "amountUsd": PROBE_LIMIT_USD}]}
    admin(port, "POST", f"/admin/tenant/{tenant}/budgets", budgets)
    key = admin(port, "POST", f"/admin/tenant/{tenant}/apikeys", {"name": "probe"})["key"]
    probe = Probe(tenant, key)
    faults = wait_until_served(fleet, probe)
    if faults:
        raise SystemExit("\n".join(faults))
    return probe


@dataclass(frozen=True)
class Recovery:
    """Seconds from a fault's end until each replica served a call, and until all told the same."""

    served: float
    agreed: float

    def __str__(self):
        return f"{self.served:.2f} | {self.agreed:.2f}"


def measure_recovery(fleet, probe, over_at, faults):
    faults += wait_until_served(fleet, probe)
    served = time.perf_counter() - over_at
    faults += wait_until_agreed(fleet, probe)
    return Recovery(served, time.perf_counter() - over_at)


def wait_until_served(fleet, probe):
    deadline = time.monotonic() + RECOVERED_SECONDS_MAX
    for gateway in fleet.gateways:
        while (status := probe.ask(gateway.port)) != 200:
            if time.monotonic() > deadline:
                return [f"{gateway.name} does not serve again, but answers {status}"]
            time.sleep(POLL_SECONDS)
    return []


def wait_until_agreed(fleet, probe):
    """Until all replicas tell the same of the probe's limit, and hold nothing of it."""
    deadline = time.monotonic() + RECOVERED_SECONDS_MAX
    while True:
        try:
            told = [probe.standing(port) for port in fleet.ports]
            if len(set(told)) == 1 and told[0][1] == 0:
                return []
        except OSError as error:
            told = error
        if time.monotonic() > deadline:
            return [f"replicas do not agree on what the probe spent and holds: {told}"]
        time.sleep(POLL_SECONDS)
