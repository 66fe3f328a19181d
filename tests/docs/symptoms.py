"""Makes a gateway refuse and fail in every way that docs/TROUBLESHOOT.md tells of."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from conftest import processes

SETTINGS = """\
[limits]
body_bytes_max = 100_000
header_count_max = 60

[upstream]
first_byte_timeout_ms = 1_000
connect_timeout_ms = 1_000
breaker_failures = 3
breaker_open_ms = 60_000

[upstreams.away]
base_url = "http://127.0.0.1:{nobody}"
models = "away-*"
prices = "openai"

[upstreams.weak]
base_url = "{simulator}"
models = "weak-*"
prices = "openai"
names = "gpt-4o-mini=gpt-4o-mini"
"""

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
RULES = {
    "policy_denied": '{"allow": false, "reason": "gpt-5-pro is for the research team"}',
    "tags_required": '{"allow": true, "tags_required": ["project"]}',
    "policy_not_applicable": '{"allow": true, "model": "no-such-model"}',
    "policy fails": '{"allow": true, "max_output_tokens": 0}',
}


@dataclass
class Answer:
    status: int
    headers: object
    text: str

    @property
    def error(self):
        return json.loads(self.text)["error"]


class Patient:
    """A gateway with a tenant for each symptom."""

    def __init__(self, url, admin_key):
        self.url, self.admin_key = url, admin_key

    def send(self, method, path, body=None, headers=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())

    def admin(self, method, path, body=None):
        answer = self.send(method, "/admin" + path, body, {"x-admin-key": self.admin_key})
        assert answer.status == 200, answer
        return json.loads(answer.text)

    def tenant(self, name, budget="100", **limits):
        """Its number and a key."""
        number = self.admin("POST", "/tenant", {"name": name})["id"]
        self.admin("PUT", f"/tenant/{number}/ratelimit", {"rateLimitPerMin": 0} | limits)
        self.admin(
            "POST",
            f"/tenant/{number}/budgets",
            {"budgets": [{"period": "daily", "amountUsd": budget}]},
        )
        return number, self.admin("POST", f"/tenant/{number}/apikeys", {"name": "it"})["key"]

    def chat(self, key, text="Say hello.", path=CHAT, headers=None, **body):
        asked = {
            "model": "gpt-4o-mini",
            "max_tokens": 50,
            "messages": [{"role": "user", "content": text}],
        } | body
        return self.send("POST", path, asked, {"authorization": f"Bearer {key}"} | (headers or {}))


def every(patient):
    """What each symptom answers, by a name of it."""
    told = {}
    rich_id, rich = patient.tenant("rich")
    told["missing_api_key"] = patient.send("POST", CHAT, {})
    told["invalid_api_key"] = patient.chat("bg_" + "0" * 80)
    told["closed tenant"] = closed(patient)
    told["project_spend_limit_exceeded"] = patient.chat(patient.tenant("poor", "0.000001")[1])
    told["request_exceeds_budget"] = patient.chat(
        patient.tenant("small", "0.0002")[1], max_tokens=5_000
    )
    for name, rule in RULES.items():
        told[name] = ruled(patient, name, rule)
    told["unmetered"] = patient.send("POST", "/v1/fine_tuning/jobs", {}, bearer(rich))
    told["hands_out_credentials"] = patient.send(
        "POST", "/v1/realtime/client_secrets", {}, bearer(rich)
    )
    told["unknown_route"] = patient.send("POST", "/v1/nowhere", {}, bearer(rich))
    told["model_not_found"] = patient.chat(rich, model="gpt-99")
    told["no_such_object"] = patient.send("GET", "/v1/files/file-of-others", None, bearer(rich))
    told["no_receipt"] = patient.send(
        "GET", "/v1/receipts/01a22cd2-5b80-735b-bbbe-27b253ccdd56", None, bearer(rich)
    )
    told["unpriced"] = unpriced(patient, rich)
    told["invalid_request"] = patient.chat(rich, headers={"x-tags": "nowhere"})
    told["not JSON"] = patient.send("POST", CHAT, b"{", bearer(rich))
    told["method_not_allowed"] = patient.send("GET", CHAT, None, bearer(rich))
    told["request_too_large"] = patient.chat(rich, text="x" * 200_000)
    told["headers_too_large"] = patient.chat(
        rich, headers={f"x-{number}": "1" for number in range(80)}
    )
    told["requests a minute"] = rate(patient, "rpm", rateLimitPerMin=1)
    told["tokens a minute"] = patient.chat(patient.tenant("tpm", tokensPerMin=20)[1])
    told["requests at once"] = at_once(patient)
    told["provider_not_configured"] = patient.send(
        "POST",
        "/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"parts": [{"text": "hello"}]}], "generationConfig": {"maxOutputTokens": 9}},
        bearer(rich),
    )
    told["upstream_unreachable"] = patient.chat(rich, model="away/gpt-4o-mini")
    told["upstream_timeout"] = patient.chat(
        rich, text="[[sim hang]]", model="claude-haiku-4-5", path=MESSAGES
    )
    told["provider_unavailable"] = broken(patient, rich)
    told["provider's own error"] = patient.chat(rich, text="[[sim status=429 retry_after=7]]")
    told["cut off"] = patient.chat(
        rich, text="[[sim ignore_cap output=2000 chunks=2000]]", stream=True
    )
    return told


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def closed(patient):
    number, key = patient.tenant("closed")
    patient.admin("DELETE", f"/tenant/{number}")
    return patient.chat(key)


def ruled(patient, name, rule):
    number, key = patient.tenant(name)
    files = {"a.rego": f"package budgetguard.policy\n\ndecision := {rule}\n"}
    patient.admin("POST", f"/tenant/{number}/policy-bundles", {"files": files})
    patient.admin("POST", f"/tenant/{number}/policy-bundles/1/activate")
    return patient.chat(key)


def unpriced(patient, key):
    body = {
        "model": "gpt-4o-mini",
        "input": "hello",
        "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}],
    }
    return patient.send("POST", "/v1/responses", body, bearer(key))


def rate(patient, name, **limits):
    key = patient.tenant(name, **limits)[1]
    assert patient.chat(key).status == 200
    return patient.chat(key)


def at_once(patient):
    key = patient.tenant("one at a time", maxConcurrent=1)[1]
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(patient.chat, key, text="[[sim first_byte_ms=500]]") for _ in range(4)]
    return next(answer.result() for answer in slow if answer.result().status == 429)


def broken(patient, key):
    for _ in range(3):
        patient.chat(key, text="[[sim status=500]]", model="weak/gpt-4o-mini")
    return patient.chat(key, model="weak/gpt-4o-mini")


def start(folder, simulator_port, settings=None, more=None):
    """A gateway with settings that make symptoms come soon, or with these."""
    nobody, port = processes.free_port(), processes.free_port()
    simulator = f"http://127.0.0.1:{simulator_port}"
    (folder / "conf").mkdir()
    (folder / "conf/budgetguard.toml").write_text(
        settings or SETTINGS.format(nobody=nobody, simulator=simulator)
    )
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ADMIN_API_KEY": processes.ADMIN_KEY,
        "OPENAI_BASE_URL": simulator,
        "ANTHROPIC_BASE_URL": simulator,
        "OPENAI_KEY": "sk-provider-key",
        "ANTHROPIC_API_KEY": "sk-ant-provider-key",
    }
    server = processes.Process(folder, ["serve"], environment | (more or {}))
    url = f"http://127.0.0.1:{port}"
    try:
        server.wait_until_answering(f"{url}/health")
    except AssertionError:
        server.process.kill()
        raise
    return server, Patient(url, processes.ADMIN_KEY)
