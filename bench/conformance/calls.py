"""Calls as an SDK makes them, and what their senders see of the answers."""

import contextlib
import json
import time
from dataclasses import dataclass
from fractions import Fraction

from provider_bill import billed_usd

DONE = b"[DONE]"
# What a gateway may allow for beside the bytes of a request: the provider adds marks of roles.
INPUT_OVERHEAD_TOKENS = 64
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@dataclass(frozen=True)
class Chat:
    """What a caller asks for, and what the provider is told to bill."""

    input: int = 32
    cached: int = 0
    output: int = 16
    reasoning: int = 0
    cap: int = 64
    stream: bool = False
    # What the caller says of it, or nothing.
    include_usage: bool | None = None
    tools: bool = False
    # More words for the provider: how many chunks, and how slowly they come.
    pace: str = ""

    def body(self, model):
        sizes = f"input={self.input} cached={self.cached} output={self.output}"
        sizes += f" reasoning={self.reasoning} {self.pace}"
        # The prompt has at least as many tokens as the provider bills.
        prompt = "word " * self.input + f"[[sim {sizes.strip()}]]"
        body = {
            "model": model.name,
            model.cap: self.cap,
            "messages": [{"role": "user", "content": prompt}],
        }
        if self.stream:
            body["stream"] = True
        if self.include_usage is not None:
            body["stream_options"] = {"include_usage": self.include_usage}
        if self.tools:
            body["tools"] = [TOOL]
        return json.dumps(body).encode()

    def usd(self, model):
        """What it costs if it is answered to its end."""
        return usd_of(self.input, self.cached, self.output, model.rates)

    def usd_max(self, model):
        """The most that it could have cost, as its sender knows it: a token a byte, and its cap."""
        most = len(self.body(model)) + INPUT_OVERHEAD_TOKENS
        return usd_of(most, 0, self.cap, model.rates_max)


def usd_of(input_tokens, cached, output, rates):
    billed = {"input": input_tokens, "cached_input": cached, "output": output}
    return billed_usd({"billed": billed}, rates)


@dataclass
class Answer:
    status: int
    headers: object
    content: bytes

    def events(self):
        """The data of the events of a stream."""
        lines = self.content.splitlines()
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]

    def is_whole(self, chat):
        if chat.stream:
            return self.events()[-1:] == [DONE]
        return isinstance(self.json(), dict)

    def json(self):
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    def shown(self):
        return f"{self.status} {self.content[:300].decode(errors='replace')}"


def post(connection, path, headers, body):
    connection.request("POST", path, body, {"content-type": "application/json"} | headers)
    answer = connection.getresponse()
    return Answer(answer.status, answer.headers, answer.read())


def post_once(gateway, path, headers, body):
    """On a connection of its own."""
    with contextlib.closing(gateway.connection()) as connection:
        return post(connection, gateway.path(path), headers, body)


def post_and_hang_up(connection, path, headers, body, events):
    """Leaves after so many events; after none, before there is an answer. A refusal is read."""
    try:
        connection.request("POST", path, body, {"content-type": "application/json"} | headers)
        if events == 0:
            # So that the gateway has it, and mostly the provider, too.
            time.sleep(0.01)
            return None
        answer = connection.getresponse()
        if answer.status != 200:
            return Answer(answer.status, answer.headers, answer.read())
        while events > 0 and (line := answer.readline()):
            events -= line.startswith(b"data:")
        return None
    finally:
        connection.close()


def difference(told, billed):
    """By how much a figure of the gateway is above the bill, as a person reads it."""
    sign = "+" if told > billed else "-"
    return f"{sign}{float(abs(told - billed)):.9f} USD"


def within(told, billed, allowed):
    return abs(told - billed) <= max(allowed, Fraction(0))
