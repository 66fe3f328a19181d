"""Starts a gateway with a little of everything in it, once for all tests."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# How processes are started and stopped is told once, beside the tests of the SDKs.
_file = Path(__file__).resolve().parents[1] / "sdk" / "conftest.py"
_spec = importlib.util.spec_from_file_location("processes", _file)
processes = importlib.util.module_from_spec(_spec)
sys.modules["processes"] = processes
_spec.loader.exec_module(processes)

gateway = processes.gateway


@dataclass
class Api:
    """A running gateway, and what its routes have to be called with."""

    url: str
    admin_key: str
    tenant_key: str
    request: str

    def get(self, path, headers=None):
        return processes.call("GET", self.url + path, headers=headers)

    def text(self, path):
        return processes.send("GET", self.url + path).body.decode()


@pytest.fixture(scope="session")
def api(gateway):
    """With tenants, keys, budgets, tags, a rule, a session and a request in it."""
    tenant = gateway.tenant("furnished", 1000)
    path = f"/admin/tenant/{tenant.id}"
    tag = gateway.admin("POST", f"{path}/tags", {"name": "team"})["id"]
    budget = {"period": "monthly", "amountUsd": 100}
    gateway.admin("POST", f"{path}/tags/{tag}/budgets", budget)
    gateway.admin("POST", f"{path}/tags", {"name": "leaf", "parentId": tag})
    rule = {"name": "all", "actions": {"tags": [{"tagId": tag}]}}
    gateway.admin("POST", f"{path}/tagging-rules", rule)
    gateway.admin("POST", "/admin/budgets", {"budgets": [budget]})
    request = ask(gateway.url, tenant.key)
    gateway.ledger_of(tenant, 1)
    return Api(gateway.url, processes.ADMIN_KEY, tenant.key, request)


def ask(url, key):
    """Makes a request in a session and gives its id."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}
    headers = {"authorization": f"Bearer {key}", "x-session-id": "chat", "x-tags": "leaf"}
    answer = processes.send("POST", f"{url}/v1/chat/completions", body, headers)
    return answer.headers["x-budgetguard-request-id"]
