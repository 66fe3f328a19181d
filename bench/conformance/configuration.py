"""What a gateway is tried by: a TOML file, checked as a whole before anything starts."""

import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

TOKENS_PER_PRICE = 1_000_000
NEEDED = object()


class Wrong(Exception):
    """The file says what cannot be meant; the text has one problem a line."""


@dataclass
class Start:
    """How the gateway is started, if it is, and where it answers."""

    name: str
    base_url: str
    command: list
    environment: dict
    files: dict
    ready: str
    start_seconds: float


@dataclass
class Upstream:
    """Where the simulated provider listens, and how the gateway reaches it."""

    host: str
    port: int
    url: str


@dataclass
class Paths:
    """What callers of the gateway send, and where to."""

    chat: str
    embeddings: str
    headers: dict
    request_seconds: float


@dataclass
class Step:
    """A request or a command, and what is taken from its answer, by path."""

    method: str
    path: str
    command: list
    headers: dict
    body: str
    statuses: list
    take: dict
    repeat_seconds: float


@dataclass
class Reading:
    """One way of the gateway to tell what a key has spent."""

    name: str
    step: Step
    usd_per_unit: Fraction


@dataclass
class Refusals:
    """What statuses say that the budget has no room, and that one should come again."""

    statuses: list
    busy_statuses: list


@dataclass
class Tolerance:
    """What the gateway's figure may differ by from the bill, and how long it takes to be told."""

    settle_seconds: float
    rounding_usd: Fraction
    hangup_usd: Fraction


@dataclass
class Model:
    """A model as callers name it and as the provider does, with its price by kind of token."""

    name: str
    upstream: str
    cap: str
    rates: dict
    # Of the dearest tier at which the provider may serve a call that names none.
    rates_max: dict


@dataclass
class Configuration:
    start: Start
    upstream: Upstream
    paths: Paths
    key: list
    spend: list
    refusals: Refusals
    tolerance: Tolerance
    chat: Model
    reasoning: Model | None
    embeddings: Model | None

    @property
    def models(self):
        named = (self.chat, self.reasoning, self.embeddings)
        return [model for model in named if model is not None]


def text(value):
    return of_type(value, str, "a text")


def port(value):
    if isinstance(value, bool) or not 0 <= of_type(value, int, "a port") < 65_536:
        raise ValueError("is not a port")
    return value


def texts(value):
    return [text(one) for one in of_type(value, list, "a list of texts")]


def texts_by_name(value):
    return {name: text(one) for name, one in of_type(value, dict, "a table of texts").items()}


def statuses(value):
    found = of_type(value, list, "a list of statuses")
    if not all(isinstance(one, int) and 100 <= one < 600 for one in found):
        raise ValueError("is not a list of HTTP statuses")
    return found


def amount(value):
    """Money is written as a text, so that nothing reads it as a float."""
    try:
        found = Decimal(of_type(value, str, "an amount in quotes"))
    except InvalidOperation as error:
        raise ValueError("is not an amount") from error
    if not found.is_finite() or found < 0:
        raise ValueError("is not an amount")
    return Fraction(found)


def seconds(value):
    if isinstance(value, bool) or of_type(value, (int, float), "a number of seconds") < 0:
        raise ValueError("is not a number of seconds")
    return value


def of_type(value, kind, what):
    if not isinstance(value, kind):
        raise ValueError(f"is not {what}")
    return value


class Table:
    """A table of the file; what is wrong with it goes on one list, to be told at once."""

    def __init__(self, name, values, problems):
        self.name, self.problems = name, problems
        self.left = dict(values) if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            problems.append(f"`{name}` is not a table")

    def take(self, key, kind, default=NEEDED):
        value = self.left.pop(key, None)
        if value is None:
            if default is NEEDED:
                self.problems.append(f"`{self.name}.{key}` is missing")
                return None
            return default
        try:
            return kind(value)
        except ValueError as error:
            self.problems.append(f"`{self.name}.{key}` {error}")
            return None

    def table(self, key):
        return Table(f"{self.name}.{key}".lstrip("."), self.left.pop(key, {}), self.problems)

    def tables(self, key):
        values = self.left.pop(key, [])
        if not isinstance(values, list):
            self.problems.append(f"`{key}` is not a list of tables: write [[{key}]]")
            return []
        return [Table(f"{key}.{at}", one, self.problems) for at, one in enumerate(values, 1)]

    def end(self):
        names = [f"{self.name}.{key}".lstrip(".") for key in self.left]
        self.problems += [f"`{name}` is not known" for name in names]


def load(path):
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Wrong(f"{path}: {error}") from error
    problems = []
    top = Table("", document, problems)
    models = top.table("models")
    configuration = Configuration(
        start=read_start(top.table("gateway")),
        upstream=read_upstream(top.table("provider")),
        paths=read_paths(top.table("caller")),
        key=[read_step(table) for table in top.tables("key")],
        spend=[read_reading(table) for table in top.tables("spend")],
        refusals=read_refusals(top.table("refusal")),
        tolerance=read_tolerance(top.table("tolerance")),
        chat=read_model(models.table("chat")),
        reasoning=read_model(models.table("reasoning")) if "reasoning" in models.left else None,
        embeddings=read_model(models.table("embeddings")) if "embeddings" in models.left else None,
    )
    models.end()
    top.end()
    if not any("key" in step.take for step in configuration.key):
        problems.append("no step of `key` takes `key` from an answer")
    if problems:
        raise Wrong("\n".join(f"{path}: {problem}" for problem in problems))
    return configuration


def read_start(table):
    start = Start(
        name=table.take("name", text),
        base_url=table.take("base_url", text),
        command=table.take("command", texts, []),
        environment=table.take("environment", texts_by_name, {}),
        files=table.take("files", texts_by_name, {}),
        ready=table.take("ready", text, ""),
        start_seconds=table.take("start_seconds", seconds, 30),
    )
    table.end()
    return start


def read_upstream(table):
    upstream = Upstream(
        host=table.take("host", text, "127.0.0.1"),
        port=table.take("port", port, 0),
        url=table.take("url", text, "http://127.0.0.1:{provider_port}"),
    )
    table.end()
    return upstream


def read_paths(table):
    paths = Paths(
        chat=table.take("chat", text, "/v1/chat/completions"),
        embeddings=table.take("embeddings", text, "/v1/embeddings"),
        headers=table.take("headers", texts_by_name, {"authorization": "Bearer {key}"}),
        request_seconds=table.take("request_seconds", seconds, 60),
    )
    table.end()
    return paths


def read_step(table, take=None):
    step = Step(
        method=table.take("method", text, "GET"),
        path=table.take("path", text, ""),
        command=table.take("command", texts, []),
        headers=table.take("headers", texts_by_name, {}),
        body=table.take("body", text, ""),
        statuses=table.take("statuses", statuses, [200, 201, 202, 204]),
        take=take or table.take("take", texts_by_name, {}),
        repeat_seconds=table.take("repeat_seconds", seconds, 0),
    )
    if bool(step.path) == bool(step.command):
        table.problems.append(f"`{table.name}` has to have either `path` or `command`")
    table.end()
    return step


def read_reading(table):
    name = table.take("name", text)
    path = table.take("amount", text)
    usd_per_unit = table.take("usd_per_unit", amount, Fraction(1))
    return Reading(name, read_step(table, {"amount": path}), usd_per_unit)


def read_refusals(table):
    refusals = Refusals(
        statuses=table.take("statuses", statuses),
        busy_statuses=table.take("busy_statuses", statuses, [503]),
    )
    table.end()
    return refusals


def read_tolerance(table):
    tolerance = Tolerance(
        settle_seconds=table.take("settle_seconds", seconds, 10),
        rounding_usd=table.take("rounding_usd", amount, Fraction(0)),
        hangup_usd=table.take("hangup_usd", amount, Fraction(0)),
    )
    table.end()
    return tolerance


def read_model(table):
    name = table.take("name", text)
    rates = read_rates(table.table("usd_per_million"))
    dearest = "usd_per_million_max"
    model = Model(
        name=name,
        upstream=table.take("upstream", text, name),
        cap=table.take("cap", text, "max_tokens"),
        rates=rates,
        rates_max=read_rates(table.table(dearest)) if dearest in table.left else rates,
    )
    table.end()
    return model


def read_rates(table):
    uncached = table.take("input", amount)
    prices = {
        "input": uncached,
        "cached_input": table.take("cached_input", amount, uncached),
        "output": table.take("output", amount, Fraction(0)),
    }
    table.end()
    return {kind: (usd or 0) / TOKENS_PER_PRICE for kind, usd in prices.items()}
