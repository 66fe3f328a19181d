"""What benchmarks ask of a gateway: one tenant with four budgets, and two requests."""

import json

from stage import admin

PROMPT = "Summarise the terms of this contract in plain words. " * 10
CHUNKS = 64
PERIODS = ("hourly", "daily", "weekly", "monthly")
AMOUNT_NEVER_REACHED_USD = 1_000_000
# A few requests' worth, so that it is spent after a few.
POOR_USD = 0.0005


def request_body(is_stream, pace=""):
    """A request for a whole answer or for a stream; `pace` is for the simulated provider."""
    directive = f" [[sim output={CHUNKS} chunks={CHUNKS}{pace}]]" if is_stream else ""
    request = {
        "model": "gpt-4o-mini",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": PROMPT + directive}],
        "stream": is_stream,
    }
    return json.dumps(request)


def create_tenant(port, name="bench", amount_usd=AMOUNT_NEVER_REACHED_USD):
    """A tenant with four budgets and a rate limit that are all checked."""
    tenant = admin(port, "POST", "/admin/tenant", {"name": name})["id"]
    path = f"/admin/tenant/{tenant}"
    admin(port, "PUT", f"{path}/ratelimit", {"rateLimitPerMin": 1_000_000_000})
    budgets = [{"period": period, "amountUsd": amount_usd} for period in PERIODS]
    admin(port, "POST", f"{path}/budgets", {"budgets": budgets})
    return tenant


def create_key(port, tenant):
    return admin(port, "POST", f"/admin/tenant/{tenant}/apikeys", {"name": "bench"})["key"]


def create_callers(port):
    """Keys of a tenant that never runs out, of one that soon has, and of nobody."""
    poor = create_tenant(port, "poor", POOR_USD)
    keys = {"rich": create_key(port, create_tenant(port)), "poor": create_key(port, poor)}
    # It looks like one of ours.
    return keys | {"stranger": "bg_" + "0" * (len(keys["rich"]) - len("bg_"))}
