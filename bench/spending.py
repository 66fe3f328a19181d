"""A tenant's money, clients that spend it as fast as they can, and who has to know what of it."""

import collections
import http.client
import json
import random
import resource
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction

from fleet import POLL_SECONDS, PROBE_INPUT, told_at_last
from provider_bill import billed_usd, usd_per_token
from settled import SETTLED_SECONDS_MAX
from stage import admin, call

MODEL = "gpt-4o"
USED_MIN = Fraction(95, 100)
# Of the tenant's limit. Together each kind could spend more than the tenant may.
KEY_SHARE = Fraction(7, 10)
ROOT_TAG_SHARE = Fraction(6, 10)
TEAM_TAG_SHARE = Fraction(4, 10)
SESSION_SHARE = Fraction(2, 10)
KEYS = 2
ROOT_TAG = "company"
TEAMS = ("team-a", "team-b")
SESSIONS = tuple(f"session-{number}" for number in range(8))
# Sessions that no client uses: what a replica tells of them shows the tenant's default.
UNUSED_SESSIONS = ("unused-0", "unused-1")
CAP_MAX = 400
CAP_MIN = 16
# The tenant said no so often in a row to the smallest call: its budget is used up.
REFUSALS_AT_END = 4
# A call's number is what the provider bills of its input: all of it, and what of it was cached,
# which is less than the smallest input.
INPUT_MIN = 100
INPUTS = 100
CALLS_MAX = INPUTS * INPUT_MIN
RUN_SECONDS_MAX = 300
KNOWN_SECONDS_MAX = 10
RETRY_AFTER_SECONDS_MAX = 1
FAULTS_SHOWN_MAX = 10
LOG_LINES_SHOWN = 5


@dataclass
class Tenant:
    id: int
    keys: list
    key_ids: list
    limits: dict


@dataclass
class Load:
    """What all clients of a run do."""

    ports: list
    tenant: Tenant
    # Words for the simulated provider, in each call.
    pace: str = ""
    # Until it is set nobody believes that the budget is used up.
    is_calm: threading.Event = field(default_factory=threading.Event)
    ends_at: float = field(default_factory=lambda: time.monotonic() + RUN_SECONDS_MAX)
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_numbers: collections.deque = field(
        default_factory=lambda: collections.deque(range(CALLS_MAX))
    )
    # The scopes that have to count a call, by its number. Refused calls are not among them.
    scopes: dict = field(default_factory=dict)
    answered: int = 0
    refused: int = 0
    unavailable: int = 0
    broken: int = 0
    unexpected: list = field(default_factory=list)

    def begin(self, scopes):
        with self.lock:
            number = self.free_numbers.popleft()
            self.scopes[number] = scopes
        return number

    def count(self, what):
        with self.lock:
            setattr(self, what, getattr(self, what) + 1)

    def never_sent(self, number):
        with self.lock:
            del self.scopes[number]
            self.free_numbers.append(number)


def make_tenant(fleet, name, limit_usd):
    """A tenant that limits itself, both of its keys, a tree of tags, and each of its sessions."""
    port = fleet.gateways[0].port
    tenant = Tenant(admin(port, "POST", "/admin/tenant", {"name": name})["id"], [], [], {})
    path = f"/admin/tenant/{tenant.id}"

    def budget(scope, share):
        tenant.limits[scope] = limit_usd * share
        return {"period": "total", "amountUsd": str(float(limit_usd * share))}

    admin(port, "POST", f"{path}/budgets", {"budgets": [budget("tenant", 1)]})
    for number in range(KEYS):
        made = admin(port, "POST", f"{path}/apikeys", {"name": f"key-{number}"})
        share = {"budgets": [budget(f"key-{number}", KEY_SHARE)]}
        admin(port, "POST", f"/admin/apikey/{made['id']}/budgets", share)
        tenant.keys.append(made["key"])
        tenant.key_ids.append(made["id"])
    root = admin(port, "POST", f"{path}/tags", {"name": ROOT_TAG})["id"]
    strict = budget(ROOT_TAG, ROOT_TAG_SHARE) | {"inheritanceMode": "STRICT"}
    admin(port, "POST", f"{path}/tags/{root}/budgets", strict)
    for team in TEAMS:
        made = admin(port, "POST", f"{path}/tags", {"name": team, "parentId": root})["id"]
        admin(port, "POST", f"{path}/tags/{made}/budgets", budget(team, TEAM_TAG_SHARE))
    per_session = [budget(session, SESSION_SHARE)["amountUsd"] for session in SESSIONS][0]
    admin(port, "PUT", f"{path}/default-session-budget", {"budgetUsd": per_session})
    wait_until_known(fleet, tenant)
    return tenant


def wait_until_known(fleet, tenant):
    """Until each replica tells all limits."""
    limits = {scope: limit for scope, limit in tenant.limits.items() if scope not in SESSIONS}
    limits |= dict.fromkeys(UNUSED_SESSIONS, tenant.limits[SESSIONS[0]])

    def read(port):
        told = standings(port, tenant, UNUSED_SESSIONS)
        return {scope: limit for scope, (limit, _spent, _held) in told.items()}

    for gateway in fleet.gateways:
        told = told_at_last(gateway, read, limits, KNOWN_SECONDS_MAX)
        if told != limits:
            raise SystemExit(f"{gateway.name} does not know the limits, but {told}")


def standings(port, tenant, sessions=SESSIONS):
    """What a replica tells of each scope: its limit, what is spent, and what is held.

    Our limits are totals; a new tenant has a monthly one beside them.
    """
    told = {}
    for number, session in enumerate(sessions):
        key, team = number % KEYS, TEAMS[number % len(TEAMS)]
        headers = {"x-tags": team, "x-session-id": session}
        headers["authorization"] = f"Bearer {tenant.keys[key]}"
        for limit in json.loads(call(port, "GET", "/v1/budget", None, headers))["data"]:
            if limit["period"] != "total":
                continue
            names = {"tenant": "tenant", "key": f"key-{key}"}
            # A tag is named by its path.
            scope = names.get(limit["scope"]) or limit["name"].rpartition("/")[2]
            amounts = ("limit_usd", "spent_usd", "held_usd")
            told[scope] = tuple(Fraction(limit[amount]) for amount in amounts)
    return told


def spend(load, choices):
    """One client: calls of random sizes and scopes, until the tenant refuses the smallest."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for port in load.ports]
    largest, refusals = CAP_MAX, 0
    while not load.unexpected:
        if time.monotonic() > load.ends_at:
            load.unexpected.append("the budget was not used up in time")
        denied_by = call_once(load, choices.choice(connections), largest, choices)
        if denied_by is None:
            refusals = 0
        elif denied_by != "tenant":
            continue
        elif largest > CAP_MIN:
            largest = max(largest // 2, CAP_MIN)
        elif refusals + 1 < REFUSALS_AT_END:
            refusals += 1
        elif load.is_calm.is_set():
            break
        else:
            load.is_calm.wait(RUN_SECONDS_MAX)
            # Others may have been idle for longer than the gateway keeps them.
            close(connections)
            largest, refusals = CAP_MAX, 0
    close(connections)


def close(connections):
    """They open again by themselves."""
    for connection in connections:
        connection.close()


def call_once(load, connection, largest, choices):
    """Makes a call. Tells what refused it: a scope, or a word if it was none."""
    cap = choices.randint(CAP_MIN, largest)
    key = choices.randrange(KEYS)
    team = choices.choice((None, *TEAMS))
    session = choices.choice((None, *SESSIONS))
    number = load.begin(scopes_of(key, team, session))
    headers = {"authorization": f"Bearer {load.tenant.keys[key]}"}
    headers |= {"x-tags": team} if team else {}
    headers |= {"x-session-id": session} if session else {}
    try:
        answer, content = post(connection, number, cap, load.pace, choices, headers)
    except ConnectionRefusedError:
        connection.close()
        load.never_sent(number)
        time.sleep(POLL_SECONDS)
        return "connection refused"
    except (OSError, http.client.HTTPException):
        connection.close()
        load.count("broken")
        return "connection broken"
    if answer.status == 200:
        load.count("answered")
        return None
    load.never_sent(number)
    retry_after = answer.headers["retry-after"]
    if answer.status == 402:
        load.count("refused")
        return answer.headers["x-budgetguard-denied-scope"]
    if answer.status == 503 and retry_after is not None:
        load.count("unavailable")
        time.sleep(min(int(retry_after), RETRY_AFTER_SECONDS_MAX))
        return "unavailable"
    load.unexpected.append(f"{answer.status} {content.decode(errors='replace')}")
    return "unexpected"


def scopes_of(key, team, session):
    scopes = ["tenant", f"key-{key}"]
    scopes += [team, ROOT_TAG] if team else []
    return tuple(scopes + [session] if session else scopes)


def post(connection, number, cap, pace, choices, headers):
    cached, more_input = divmod(number, INPUTS)
    sizes = f"input={INPUT_MIN + more_input} cached={cached} output={choices.randint(1, cap)}"
    # The prompt has at least as many tokens as the provider bills.
    prompt = "word " * (INPUT_MIN + more_input) + f"[[sim {sizes} chunks=4 {pace}]]"
    body = {
        "model": MODEL,
        "max_tokens": cap,
        "messages": [{"role": "user", "content": prompt}],
        "stream": choices.random() < 0.3,
    }
    headers = headers | {"content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    return answer, answer.read()


def allow_connections():
    """Each client has one to each replica."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_clients(load, count, seed):
    # A seed repeats the sizes and scopes of a run, though not their timing.
    clients = [
        threading.Thread(target=spend, args=(load, random.Random(f"{seed} {number}")), daemon=True)
        for number in range(count)
    ]
    for client in clients:
        client.start()
    return clients


def wait_for_clients(load, clients):
    for client in clients:
        client.join(max(0, load.ends_at - time.monotonic()) + 60)
        if client.is_alive():
            load.unexpected.append("a client did not end")
            return


@dataclass
class Billed:
    """A call in the provider's books."""

    request_id: str
    usd: Fraction
    scopes: tuple


def provider_books(fleet, load, faults):
    """The calls that the provider billed, once none is under way."""
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    while True:
        records = json.loads(call(fleet.simulator.port, "GET", "/__simulator/calls"))["calls"]
        under_way = [record for record in records if record["outcome"] == "in_flight"]
        if not under_way:
            break
        if time.monotonic() > deadline:
            faults.append(f"{len(under_way)} calls did not end at the provider")
            break
        time.sleep(POLL_SECONDS)
    rates, books = usd_per_token(MODEL), {}
    for record in records:
        billed = record["billed"]
        if billed["input"] in (0, PROBE_INPUT):
            # Broken off before the provider knew what was asked: nothing is billed. Or no client's.
            continue
        number = billed["cached_input"] * INPUTS + billed["input"] - INPUT_MIN
        scopes = load.scopes.get(number)
        if scopes is None or number in books:
            faults.append(f"the provider billed a call that nobody made: {record}")
            continue
        usd = billed_usd(record, rates)
        books[number] = Billed(record["request_id"], usd, scopes)
    return list(books.values())


def sum_by_scope(tenant, amounts):
    """Adds up pairs of an amount and the scopes that count it."""
    sums = dict.fromkeys(tenant.limits, Fraction(0))
    for usd, scopes in amounts:
        for scope in scopes:
            sums[scope] += usd
    return sums


def check_limits(tenant, sums, whose, faults):
    for scope, limit in tenant.limits.items():
        if sums[scope] > limit:
            faults.append(f"{scope}: {whose} {float(sums[scope])} of {float(limit)}")


def fullest(tenant, sums):
    share, scope = max((sums[scope] / limit, scope) for scope, limit in tenant.limits.items())
    return f"{scope} {float(share):.2%}"


def check_standings(fleet, tenant, sums, faults):
    """Each replica has to tell these sums for all scopes, and nothing held, before long."""
    expected = {scope: (limit, sums[scope], 0) for scope, limit in tenant.limits.items()}
    for gateway in fleet.gateways:
        told = told_at_last(
            gateway, lambda port: standings(port, tenant), expected, SETTLED_SECONDS_MAX
        )
        if isinstance(told, str):
            faults.append(f"{gateway.name}: {told}")
        elif told != expected:
            wrong = [
                f"{gateway.name}, {scope}: {float(spent):.9f} spent and {float(held):.9f} held,"
                f" not {float(sums[scope]):.9f} and nothing"
                for scope, (_limit, spent, held) in told.items()
                if (spent, held) != (sums[scope], 0)
            ]
            faults += wrong[:3]


def report(fleet, title, faults):
    """What is broken, with the last lines of the replicas' logs; nothing if nothing is."""
    lines = [f"{title}: {fault}" for fault in faults[:FAULTS_SHOWN_MAX]]
    if faults:
        lines += [f"{it.name} logged:\n{last_lines(it.log)}" for it in fleet.gateways]
    return lines


def last_lines(log):
    """Without alerts, of which each run has some."""
    lines = log.read_text().splitlines()
    lines = [line for line in lines if "budgetguard::alerts" not in line]
    return "\n".join(lines[-LOG_LINES_SHOWN:])
