"""A gateway for which the trial is: it looks at what was spent, forwards, and counts afterwards.

It knows no cached tokens, asks for the usage of streams and passes it on, and forgets all when it
ends.
"""

import http.client
import json
import sys
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USD_PER_INPUT_TOKEN = Decimal("0.0000025")
USD_PER_OUTPUT_TOKEN = Decimal("0.00001")
REFUSAL = {"error": {"message": "no budget", "type": "insufficient_quota", "code": "no_budget"}}


class Accounts:
    """Budgets and what was spent, by key; gone with the process."""

    def __init__(self):
        self.lock, self.budgets, self.spent = threading.Lock(), {}, {}

    def new_key(self, budget):
        with self.lock:
            key = f"key-{len(self.budgets)}"
            self.budgets[key], self.spent[key] = budget, Decimal(0)
        return key

    def charge(self, key, usage):
        with self.lock:
            self.spent[key] += usage["prompt_tokens"] * USD_PER_INPUT_TOKEN
            self.spent[key] += usage.get("completion_tokens", 0) * USD_PER_OUTPUT_TOKEN


def usage_in(content):
    """That of an answer, or of the last event before the end of a stream."""
    if content.startswith(b"data:"):
        content = content.split(b"data:")[-2]
    return json.loads(content)["usage"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accounts = Accounts()
    provider_port = 0

    def do_GET(self):
        if self.path == "/health":
            return self.tell(200, {})
        return self.tell(200, {"usd": str(self.accounts.spent.get(self.key(), 0))})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/keys":
            budget = Decimal(json.loads(body)["budget_usd"])
            return self.tell(200, {"key": self.accounts.new_key(budget)})
        key = self.key()
        if key not in self.accounts.budgets:
            return self.tell(401, REFUSAL)
        if self.accounts.spent[key] >= self.accounts.budgets[key]:
            return self.tell(402, REFUSAL)
        document = json.loads(body)
        if document.get("stream"):
            document["stream_options"] = {"include_usage": True}
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port, timeout=30)
        headers = {"content-type": "application/json"}
        connection.request("POST", self.path, json.dumps(document), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        try:
            self.send(answer.status, content, answer.headers["content-type"])
        finally:
            self.accounts.charge(key, usage_in(content))

    def key(self):
        return self.headers["authorization"].removeprefix("Bearer ")

    def tell(self, status, document):
        self.send(status, json.dumps(document).encode(), "application/json")

    def send(self, status, content, content_type):
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing for each request."""


if __name__ == "__main__":
    Handler.provider_port = int(sys.argv[2])
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
