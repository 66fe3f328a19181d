"""What a gateway tells once everything is over: its metrics, what is held, and its ledger."""

import itertools
import json
import re
import time

from stage import ADMIN_KEY, call

SETTLED_SECONDS_MAX = 60
POLL_SECONDS = 0.2
PAGE_ROWS = 1_000
# All but those of refused requests.
ROW_STATUSES = ("success", "failed", "aborted", "interrupted")


def metric(port, name):
    """The sum of its series."""
    text = call(port, "GET", "/metrics").decode()
    values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    if not values:
        raise SystemExit(f"there is no metric {name}")
    return sum(map(float, values))


def wait_until_settled(port):
    """What is not as it should be when everything had its time."""
    names = ("budgetguard_reservations_open", "budgetguard_ledger_backlog")
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    while (left := [name for name in names if metric(port, name)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return [f"{name} is {metric(port, name):g}" for name in left]


def read_ledger(port, tenant_id):
    """All rows of a tenant, but those of refused requests."""
    rows, headers = [], {"x-admin-key": ADMIN_KEY}
    path = f"/admin/tenant/{tenant_id}/usage/ledger?limit={PAGE_ROWS}"
    for status in ROW_STATUSES:
        for number in itertools.count():
            query = f"{path}&status={status}&page={number}"
            page = json.loads(call(port, "GET", query, None, headers))["data"]
            if not page:
                break
            rows += page
    return rows
